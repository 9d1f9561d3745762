//! The vectors of `docs/spec/text-marker.md`, and hidden markers in many languages.
#![expect(clippy::unwrap_used, reason = "a test stops where its ground is missing")]

mod marker;
