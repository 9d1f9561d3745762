//! Requests on a connection, split anywhere.

use proptest::prelude::*;
use stillmark_gateway::wire::framing::{Framing, Refused};

const SOUND: &[u8] = b"POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhelloGET /v1/models HTTP/1.1\r\nhost: a\r\n\r\n\
POST /v1/completions HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0a\r\n0123456789\r\n0\r\n\r\nGET / HTTP/1.1\r\nhost: b\r\n\r\n";

/// Follows bytes cut into pieces; the place of the first that is refused, counted from the beginning.
fn follow(bytes: &[u8], cuts: &[usize]) -> Result<bool, (Refused, usize)> {
    let mut framing = Framing::default();
    let mut at = 0;
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    cuts.push(bytes.len());
    cuts.sort_unstable();
    for cut in cuts {
        framing.follow(&bytes[at..cut]).map_err(|refused| (refused, at))?;
        at = cut;
    }
    Ok(framing.is_between())
}

proptest! {
    #[test]
    fn cuts_change_nothing(cuts in prop::collection::vec(any::<usize>(), 0..12)) {
        prop_assert_eq!(follow(SOUND, &cuts).map_err(|(refused, _)| refused.refusal), Ok(true));
    }

    #[test]
    fn one_changed_byte_is_judged_alike_however_it_is_cut(
        at in 0..SOUND.len(),
        byte in any::<u8>(),
        cuts in prop::collection::vec(any::<usize>(), 0..6),
    ) {
        let mut bytes = SOUND.to_vec();
        bytes[at] = byte;
        let whole = follow(&bytes, &[]).map_err(|(refused, _)| refused.refusal);
        let cut = follow(&bytes, &cuts).map_err(|(refused, _)| refused.refusal);
        prop_assert_eq!(whole, cut);
    }

    #[test]
    fn any_bytes_are_followed_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = follow(&bytes, &[]);
    }
}
