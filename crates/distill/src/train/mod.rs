//! Training: forward and backward passes, losses, the optimizer, checkpoints, evaluation and replay.
//!
//! Everything is a function of weights, data and seeds, in a fixed order of arithmetic: the same steps give the same bits.

mod draws;
mod layout;
mod student;

pub mod loss;

mod batch;

mod linear;

mod workspace;

mod forward;

mod backward;

mod head;

mod optimizer;

mod evaluate;

mod trainer;

mod sampler;

mod record;

mod checkpoint;

mod replay;

mod teacher;

pub use batch::{Answers, Batch, TeacherHead, TopAnswers};
pub use checkpoint::{Bindings, Checkpoint, Checkpoints};
pub use draws::Draws;
pub use evaluate::Evaluation;
pub use layout::{Layout, Slot};
pub use optimizer::{AdamW, Decayed, Decline, Schedule};
pub use record::{Chain, StepRecord};
pub use replay::{Feed, Replayed, advance, replay};
pub use sampler::{Sampler, pack};
pub use student::Student;
pub use teacher::DecoderTeacher;
pub use trainer::{Settings, StepMetrics, Trainer};
