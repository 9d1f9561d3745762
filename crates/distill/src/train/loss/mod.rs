//! What the student is taught by: pure functions from a row of logits and its target to losses and a gradient.
//!
//! `p` is the teacher's distribution, `q` the student's, `z = logits / temperature`. For a loss `L(p, q)` with
//! `g_i = dL/dq_i`, the gradient in the logits is `T q_i (g_i - sum_j q_j g_j)` once the customary factor `T^2` (Hinton et
//! al. 2015, arXiv:1503.02531, section 2) is in. Every loss here fills in its own `q_i g_i` and shares the rest.
//!
//! Where only the teacher's top k are known, its distribution is that of k + 1 outcomes, the last being "any
//! other token" ([`Missing::Bucket`]), or is completed to all tokens ([`Missing::Zero`], [`Missing::Uniform`]).

mod dense;
mod row;
mod softmax;
mod sparse;

pub use row::{Row, Scratch, Teacher, row_loss};

use crate::Error;

/// How far the student's distribution is from its target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Divergence {
    /// `-ln q(next token)`; takes no temperature.
    CrossEntropy,
    /// `KL(p || q)`.
    ForwardKl,
    /// `KL(q || p)`.
    ReverseKl,
    /// `beta KL(p || m) + (1 - beta) KL(q || m)` with `m = beta p + (1 - beta) q` (Agarwal et al. 2024, GKD,
    /// arXiv:2306.13649, eq. 1); forward KL at 0 and reverse KL at 1, as the limits of its gradient's direction are.
    JensenShannon {
        /// The teacher's share of the mixture, in [0, 1].
        beta: f32,
    },
    /// `1/2 sum |p - q|`.
    TotalVariation,
}

/// One loss of a weighted sum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Term {
    /// The distance.
    pub divergence: Divergence,
    /// Its factor in the sum.
    pub weight: f32,
    /// What the logits of both are divided by; the loss is multiplied by its square.
    pub temperature: f32,
}

/// What is taken for the teacher's probability outside its top k.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The tail is one more outcome. A temperature bends the k + 1 probabilities of teacher and student alike.
    Bucket,
    /// Nothing: the top k are scaled to sum to one.
    Zero,
    /// The tail is shared out evenly among the other tokens.
    Uniform,
}

/// A weighted sum of losses.
#[derive(Clone, Debug, PartialEq)]
pub struct Loss {
    /// What is summed.
    pub terms: Vec<Term>,
    /// The rule for what the teacher did not say.
    pub missing: Missing,
    /// Token ids below this are known to teacher and student both; the teacher's terms compare these alone.
    pub shared_vocab: usize,
}

/// The smallest probability that a teacher's tail is taken to have in a reverse divergence, so that it stays finite.
pub const TAIL_FLOOR: f64 = 1e-9;

impl Term {
    /// A loss with weight 1 at temperature 1.
    pub fn plain(divergence: Divergence) -> Self {
        Self { divergence, weight: 1.0, temperature: 1.0 }
    }
}

impl Divergence {
    /// Its name in plans and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::CrossEntropy => "cross-entropy",
            Self::ForwardKl => "forward-kl",
            Self::ReverseKl => "reverse-kl",
            Self::JensenShannon { .. } => "jensen-shannon",
            Self::TotalVariation => "total-variation",
        }
    }

    /// Whether it needs the teacher's probabilities.
    pub fn needs_teacher(self) -> bool {
        self != Self::CrossEntropy
    }

    /// The ends of the generalized divergence are the two KLs.
    fn resolved(self) -> Self {
        match self {
            Self::JensenShannon { beta: 0.0 } => Self::ForwardKl,
            Self::JensenShannon { beta: 1.0 } => Self::ReverseKl,
            other => other,
        }
    }
}

impl Loss {
    /// Checks that the sum can be computed for a student of `vocab_size` tokens.
    pub fn check(&self, vocab_size: usize) -> Result<(), Error> {
        let fail = |found: String, expected: &str| {
            Err(Error::Mismatch { what: "loss", expected: expected.into(), found })
        };
        if self.terms.is_empty() {
            return fail("no term".into(), "at least one term");
        }
        if self.shared_vocab == 0 || self.shared_vocab > vocab_size {
            return fail(
                format!("{} shared tokens", self.shared_vocab),
                "shared tokens within the vocabulary",
            );
        }
        for term in &self.terms {
            let name = term.divergence.name();
            if !(term.weight.is_finite() && term.weight >= 0.0) {
                return fail(format!("{name} with weight {}", term.weight), "a finite weight of at least 0");
            }
            if !(term.temperature.is_finite() && term.temperature > 0.0) {
                return fail(format!("{name} at temperature {}", term.temperature), "a temperature above 0");
            }
            if let Divergence::JensenShannon { beta } = term.divergence
                && !(0.0..=1.0).contains(&beta)
            {
                return fail(format!("beta = {beta}"), "beta from 0 to 1");
            }
            if self.missing == Missing::Zero && term.divergence.resolved() == Divergence::ReverseKl {
                return fail(format!("{name} with missing = zero"), "a finite loss: bucket or uniform");
            }
        }
        Ok(())
    }
}
