#![no_main]
//! Requests on a connection: whatever way they are cut, they are judged alike.

use libfuzzer_sys::fuzz_target;
use stillmark_gateway::wire::framing::Framing;

fuzz_target!(|bytes: &[u8]| {
    let judged = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let mut framing = Framing::default();
        pieces.try_for_each(|piece| framing.follow(piece)).map_err(|refused| refused.refusal)
    };
    let whole = judged(&mut std::iter::once(bytes));
    let cut = usize::from(bytes.first().copied().unwrap_or(1)) % 7 + 1;
    assert_eq!(whole, judged(&mut bytes.chunks(cut)));
});
