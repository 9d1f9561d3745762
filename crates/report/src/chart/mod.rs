//! Line charts and bars as SVG, without scripts.
//!
//! [`lines`] draws a [`Chart`] for a page that has the styles; [`file()`] draws one that stands alone.

mod bars;
mod claims;
mod heat;
mod line;
mod scale;

pub(crate) use bars::{Bar, bars};
pub(crate) use claims::{Claim, claims};
pub(crate) use heat::{Cell, heat};
pub(crate) use line::curve;
pub use line::{file, lines};

use crate::beside::Unit;

/// A chart of lines.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// What is shown.
    pub title: String,
    /// The axis from left to right.
    pub across: Axis,
    /// The axis from bottom to top.
    pub up: Axis,
    /// The lines; up to six are told apart.
    pub lines: Vec<Plot>,
    /// A level that lines may cross.
    pub threshold: Option<Threshold>,
    /// How large it is drawn.
    pub size: Size,
}

/// An axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// What it measures; empty, where the title says so.
    pub label: String,
    /// How its values are written.
    pub unit: Unit,
    /// How its values are spread.
    pub spread: Spread,
    /// The least range it spans.
    pub range: Option<(f64, f64)>,
}

/// How values are spread along an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spread {
    /// Equal differences take equal space.
    Even,
    /// Equal ratios take equal space; what is not above 0 is left out.
    Logarithmic,
}

/// One line.
#[derive(Debug, Clone, PartialEq)]
pub struct Plot {
    /// Its label.
    pub name: String,
    /// Its points, ordered from left to right; what is not finite is left out.
    pub points: Vec<(f64, f64)>,
    /// How much it stands out.
    pub weight: Weight,
}

/// How much a line stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// As one of those that are told apart.
    Told,
    /// As what sums up the others.
    Thick,
    /// As one of many, without a label.
    Faint,
}

/// A level that lines may cross.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    /// Where it lies on the axis that points up.
    pub at: f64,
    /// What it is.
    pub label: String,
}

/// How large a chart is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// For two beside each other.
    Half,
    /// For the whole width.
    Whole,
}
