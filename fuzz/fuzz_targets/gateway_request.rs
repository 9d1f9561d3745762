#![no_main]
//! Bodies of requests: what is read is JSON to others, too, and what is sent on is read alike.

use libfuzzer_sys::fuzz_target;
use stillmark_gateway::wire::request::{Request, Surface};

fuzz_target!(|body: &[u8]| {
    for surface in Surface::ALL {
        let Ok(request) = Request::read(surface, body) else { continue };
        let value: serde_json::Value = match serde_json::from_slice(body) {
            Ok(value) => value,
            // Numbers beyond what a double holds are passed on, and refused by serde_json.
            Err(err) => {
                assert!(err.to_string().contains("number out of range"), "{err}");
                continue;
            }
        };
        assert_eq!(value["model"], request.model.as_str());
        let sent = request.forwarded(body);
        let again = Request::read(surface, &sent).expect("what is sent on is sound");
        assert_eq!((&again.model, again.is_stream), (&request.model, request.is_stream));
    }
});
