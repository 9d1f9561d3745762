//! What stands on the page beside the verified facts.

/// Measurements, comparisons and samples of the run, and who rendered the page.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Beside {
    /// When the page was rendered, as text.
    pub rendered_at: String,
    /// The program and version that rendered it.
    pub tool: String,
    /// Curves over the steps of the training.
    pub curves: Vec<Curve>,
    /// The student before and after, and whatever it is compared with.
    pub compared: Vec<Compared>,
    /// Answers to the same prompt.
    pub samples: Vec<Sample>,
    /// How the evaluation was made, and other particulars worth naming.
    pub recipe: Vec<Named>,
}

/// Something with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its name.
    pub name: String,
    /// What it is.
    pub value: String,
}

/// One chart over training steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// What is shown.
    pub title: String,
    /// How its values are written.
    pub unit: Unit,
    /// The lines; up to four are told apart.
    pub lines: Vec<Line>,
}

/// One line of a chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Its label.
    pub name: String,
    /// Step and value, ordered by step; what is not finite is left out.
    pub points: Vec<(f64, f64)>,
}

/// How values are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A bare number.
    Plain,
    /// A part of one, written in percent.
    Percent,
    /// Tokens a second.
    TokensPerSecond,
    /// A step or a number of things.
    Count,
    /// A decimal logarithm, written as the power of ten that it stands for.
    PowerOfTen,
}

/// One row of the comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// What was measured.
    pub model: String,
    /// Perplexity on held-out text, where measured.
    pub perplexity: Option<f64>,
    /// Part of held-out positions where its best token is the teacher's, where measured.
    pub agreement: Option<f64>,
}

/// Answers to one prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The prompt.
    pub prompt: String,
    /// Who answered what, in the order to be shown.
    pub answers: Vec<Named>,
}
