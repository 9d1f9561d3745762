//! Events, split at any byte.

use proptest::prelude::*;
use stillmark_gateway::wire::sse::{Scanner, data};

fn events(bytes: &[u8], cuts: &[usize]) -> (Vec<Vec<u8>>, Vec<u8>) {
    let mut scanner = Scanner::default();
    let mut found = Vec::new();
    let mut at = 0;
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    cuts.push(bytes.len());
    cuts.sort_unstable();
    for cut in cuts {
        scanner.push(&bytes[at..cut], |event| found.push(event.to_vec())).unwrap();
        at = cut;
    }
    (found, scanner.rest().to_vec())
}

#[test]
fn an_event_is_what_stands_before_a_blank_line() {
    let (found, rest) = events(b"data: a\n\n: note\n\ndata: b\r\ndata:c\r\n\r\ndata\r\rid: 1\n\nx", &[]);
    let carried: Vec<Option<Vec<u8>>> =
        found.iter().map(|event| data(event).map(|data| data.to_vec())).collect();
    let some = |text: &str| Some(text.as_bytes().to_vec());
    assert_eq!(carried, [some("a"), None, some("b\nc"), some(""), None]);
    assert_eq!(rest, b"x");
    assert_eq!(data(b"\xef\xbb\xbfdata: x\n\n").unwrap().as_ref(), b"x");
    assert_eq!(data(b"database: x\n\n"), None);
}

fn streams() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just("\n".to_owned()),
        Just("\r".to_owned()),
        Just("\r\n".to_owned()),
        Just("data: ".to_owned()),
        Just(":".to_owned()),
        "[a-z]{0,5}",
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #[test]
    fn cuts_change_nothing(bytes in streams(), cuts in prop::collection::vec(any::<usize>(), 0..12)) {
        let (found, rest) = events(&bytes, &cuts);
        let again = [found.concat(), rest.clone()].concat();
        prop_assert_eq!(&again, &bytes);
        let (whole, whole_rest) = events(&bytes, &[]);
        // A carriage return at the very end is known for a line's end only when more comes: cut there, the event is told later, not otherwise.
        prop_assert_eq!((found, rest), (whole, whole_rest));
    }
}
