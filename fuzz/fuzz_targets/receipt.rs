//! A receipt in a header, and the two files of a run folder that keep receipts.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stillmark_evidence::receipt::{Receipt, parse_kept, parse_shown, to_lines};

fuzz_target!(|text: &str| {
    if let Ok(receipt) = Receipt::from_header(text) {
        let header = receipt.to_header().expect("what was read can be written");
        assert_eq!(Receipt::from_header(&header).expect("it was read before"), receipt);
    }
    if let Ok(lines) = parse_kept(text.as_bytes()) {
        let again = to_lines(&lines).expect("what was read can be written");
        assert_eq!(parse_kept(&again).expect("it was read before"), lines);
    }
    if let Ok(lines) = parse_shown(text.as_bytes()) {
        let again = to_lines(&lines).expect("what was read can be written");
        assert_eq!(parse_shown(&again).expect("it was read before"), lines);
    }
});
