//! Steps made again from a checkpoint, to see whether they give the same bits.

use super::batch::{Batch, TeacherHead};
use super::checkpoint::{Checkpoint, Checkpoints, Difference};
use super::record::{Chain, StepRecord};
use super::student::Student;
use super::trainer::Trainer;
use crate::Error;

/// Where the batches of a run come from. What it gives may depend on nothing but the step's number and the student.
pub trait Feed {
    /// The micro-batches of a step, counted from 1.
    fn batches(&mut self, step: u64, student: &Student) -> Result<Vec<Batch>, Error>;

    /// Who is asked for logits, if anyone.
    fn teacher(&mut self) -> Option<&mut dyn TeacherHead>;
}

/// Makes the next step and adds it to the chain.
pub fn advance(trainer: &mut Trainer, feed: &mut dyn Feed, chain: &mut Chain) -> Result<StepRecord, Error> {
    let batches = feed.batches(trainer.step_number() + 1, trainer.student())?;
    let metrics = trainer.step(&batches, feed.teacher())?;
    Ok(chain.extend(&metrics, &trainer.settings().loss))
}

/// What a replay found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// Every step gave the recorded bits.
    Same {
        /// How many were compared.
        steps: u64,
    },
    /// A step did not.
    Differs {
        /// The first such step.
        step: u64,
        /// What differed: `loss`, `gradient norm`, `chain`, or something of a checkpoint.
        what: &'static str,
        /// The recorded bits.
        recorded: String,
        /// The bits of the replay.
        found: String,
    },
    /// The run recorded nothing of a step.
    Missing {
        /// The step.
        step: u64,
    },
}

/// Makes the steps after the checkpoint again, up to and including `last`, and compares each with what was recorded and with
/// the checkpoint that was saved after it, where there is one. A checkpoint whose files were altered is replayed as it is: the
/// answer names the first step that shows it.
pub fn replay(
    checkpoint: Checkpoint,
    settings: super::Settings,
    (records, saved): (&[StepRecord], &Checkpoints),
    last: u64,
    feed: &mut dyn Feed,
) -> Result<Replayed, Error> {
    let altered = checkpoint.altered();
    let (mut trainer, mut chain) = checkpoint.into_trainer(settings)?;
    let first = trainer.step_number() + 1;
    let landmarks = saved.steps()?;
    for step in first..=last {
        let Some(recorded) = records.iter().find(|record| record.step == step) else {
            return Ok(Replayed::Missing { step });
        };
        let found = advance(&mut trainer, feed, &mut chain)?;
        if let Some(difference) = difference(recorded, &found) {
            return Ok(difference.at(step));
        }
        if landmarks.contains(&step) {
            let saved = Checkpoint::load_unpinned(&saved.path(step), trainer.student().config())?;
            if let Some(difference) = saved.difference(&trainer, &chain) {
                return Ok(difference.at(step));
            }
        }
    }
    // An alteration too small for the steps to show.
    Ok(match altered {
        Some(difference) => difference.at(first),
        None => Replayed::Same { steps: (last + 1).saturating_sub(first) },
    })
}

impl Difference {
    fn at(self, step: u64) -> Replayed {
        let Self { what, recorded, found } = self;
        Replayed::Differs { step, what, recorded, found }
    }
}

fn difference(recorded: &StepRecord, found: &StepRecord) -> Option<Difference> {
    let pairs = [
        ("loss", &recorded.loss_bits, &found.loss_bits),
        ("gradient norm", &recorded.grad_norm_bits, &found.grad_norm_bits),
        ("chain", &recorded.chain.to_string(), &found.chain.to_string()),
    ];
    pairs
        .into_iter()
        .find(|(_, recorded, found)| recorded != found)
        .map(|(what, recorded, found)| Difference { what, recorded: recorded.clone(), found: found.clone() })
}
