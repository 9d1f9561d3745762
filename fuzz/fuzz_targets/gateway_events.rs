#![no_main]
//! Streams of events: nothing is lost, however they are cut.

use libfuzzer_sys::fuzz_target;
use stillmark_gateway::wire::sse::{Scanner, data};

fuzz_target!(|bytes: &[u8]| {
    let cut = usize::from(bytes.first().copied().unwrap_or(1)) % 5 + 1;
    let (mut scanner, mut passed) = (Scanner::default(), Vec::new());
    for piece in bytes.chunks(cut) {
        let pushed = scanner.push(piece, |event| {
            let _ = data(event);
            passed.extend_from_slice(event);
        });
        if pushed.is_err() {
            return;
        }
    }
    passed.extend_from_slice(scanner.rest());
    assert_eq!(passed, bytes);
});
