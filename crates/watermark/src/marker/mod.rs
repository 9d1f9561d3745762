//! Hidden markers in text: put in, found, and taken out.
//!
//! Two kinds are written: a C2PA text manifest ([`embed_manifest`]), and a short keyed mark of ours ([`embed()`]). [`find()`] lists both,
//! and every other character that shows nothing and has no business where it stands; [`strip()`] removes exactly what [`find()`] lists.
//! Any sanitizer removes such marks, so their absence proves nothing. `docs/spec/text-marker.md` is the authority.

mod alphabet;
mod embed;
mod error;
mod find;
mod manifest;
mod mark;
mod report;
mod scan;
mod scripts;
mod visible;

pub use alphabet::Class;
pub use embed::{SPACING_CHARACTERS, embed};
pub use error::Error;
pub use find::{find, strip};
pub use manifest::{Manifest, Padding, embed_manifest, extract_manifest};
pub use mark::{Binding, MarkKey, PAYLOAD_LIMIT_BYTES};
pub use report::{Authenticity, Bound, FoundManifest, FoundMark, Place, RUNS_LISTED, Report, Run};
pub use visible::{nfc, visible};
