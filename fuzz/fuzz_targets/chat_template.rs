//! A chat template: compiling and rendering end, and end soon.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use stillmark_fuzz::NOWHERE;
use stillmark_model::ChatTemplate;
use stillmark_model::chat::{Ending, Message};

fuzz_target!(|text: &str| {
    let Ok(template) = ChatTemplate::new(Path::new(NOWHERE), text.to_owned(), Some("<s>"), Some("</s>"))
    else {
        return;
    };
    let talk =
        [Message::new("system", "Be brief."), Message::new("user", "Hi"), Message::new("assistant", "Hello")];
    _ = template.render(&talk, Ending::Generation);
    let dated = template.at("2026-11-01T10:00:00Z").expect("a good time");
    _ = dated.render(&talk[1..2], Ending::Complete);
});
