//! Line charts and bars as SVG.

mod bars;
mod line;
mod scale;

pub(crate) use bars::{Bar, bars};
pub(crate) use line::curve;
