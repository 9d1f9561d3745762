//! How do people read it? Renders verified facts as one self-contained page.
//!
//! [`render`] takes what `evidence` verified of a run, and [`Beside`]: measurements and samples for the eye, whose file
//! the verified run pins. [`render_finding`] takes a verified finding of a watermark, [`render_audit`] a verified audit of benchmark logs. [`chart`] draws lines for both,
//! and for files; [`graph`] draws what was made from what, which [`provenance`] takes from a verified run. The page loads nothing, runs no script, prints well, and follows the reader's light
//! or dark setting. No statistic is computed here.
#![forbid(unsafe_code)]

mod beside;
pub mod chart;
mod descent;
pub mod documents;
pub mod graph;
mod markup;
mod number;
mod page;

pub use beside::{Beside, Compared, Curve, Line, Named, Sample, Unit};
pub use descent::provenance;
pub use page::{Error, render, render_audit, render_finding};
