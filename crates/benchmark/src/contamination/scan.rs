//! Which items of benchmarks a training corpus holds: runs of n words, compared word by word.
//!
//! An [`Index`] holds every run of n words of every item, a [`Reader`] finds them in a corpus and keeps a [`Tally`], [`found()`] says of
//! each item what was found. No run is missed and none is claimed that is not there: hashes choose where to look, bytes decide.
//! Every run that is looked for holds an *anchor*, four of its words; a filter of a megabyte tells at which few places of a
//! corpus an anchor may end, and only there the runs about it are looked up that may go on as the text does.

mod escape;
mod field;
mod found;
mod hash;
mod index;
mod normal;
mod place;
mod reader;
mod scanner;
mod table;
mod words;

pub use found::{Found, found};
pub use index::{GramLength, Index};
pub use reader::{Place, Reader, Tally, lines};
