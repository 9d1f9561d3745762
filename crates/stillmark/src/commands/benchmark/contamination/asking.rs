//! What the tests that ask a model have in common: the benchmark, the model or its kept answers, and how surely to say so.

use std::path::{Path, PathBuf};

use stillmark_benchmark::contamination::asking::{Answers, Head, Question, SCHEMA, digest};
use stillmark_benchmark::record::Subset;

use super::model;
use crate::commands::benchmark::copies;
use crate::files::{self, Secrecy};
use crate::problem::{Problem, Stop};
use crate::session::Session;

/// What each of these tests takes.
#[derive(Debug, clap::Args)]
pub(super) struct Asking {
    /// The benchmark: a file, or a folder with one file a subset
    #[arg(required = true, value_name = "BENCH")]
    benchmark: Vec<PathBuf>,
    /// The model that is asked: a path, or a name of `stillmark model list`
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    /// With --model: keep its answers here; without: judge these
    #[arg(long, value_name = "FILE", required_unless_present = "model")]
    answers: Option<PathBuf>,
    /// Only this subset; may be given several times
    #[arg(long, value_name = "NAME")]
    subset: Vec<String>,
    /// No more items of each subset than this
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Behind every draw
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) seed: u64,
    /// How often a model that has seen nothing may be said to have
    #[arg(long, default_value_t = 0.01)]
    pub(super) level: f64,
}

impl Asking {
    /// The benchmark's subsets, as far as they were asked for.
    pub(super) fn subsets(&self, session: &Session) -> Result<Vec<Subset>, Problem> {
        check_level(self.level)?;
        let mut subsets = copies::read(&self.benchmark, session.talk)?.subsets;
        for name in &self.subset {
            if !subsets.iter().any(|subset| subset.name == *name) {
                let names: Vec<&str> = subsets.iter().map(|subset| subset.name.as_str()).collect();
                return Err(Problem::new(format!("the benchmark has no subset `{name}`"))
                    .hint(format!("it has {}", names.join(", "))));
            }
        }
        subsets.retain(|subset| self.subset.is_empty() || self.subset.contains(&subset.name));
        for subset in &mut subsets {
            subset.records.truncate(self.limit.unwrap_or(usize::MAX));
        }
        Ok(subsets)
    }

    /// The answers to a plan's questions: the model's, or those that were kept.
    pub(super) fn answers(
        &self,
        test: &str,
        questions: &[Question],
        session: &Session,
    ) -> Result<Answers, Stop> {
        let ours = |err: stillmark_benchmark::Error| Problem::from_error(&err);
        let Some(name) = &self.model else {
            return Ok(self.kept()?);
        };
        let (model, answers) = model::ask(name, questions, session)?;
        let head = Head {
            schema: SCHEMA.to_owned(),
            test: test.to_owned(),
            questions: digest(questions).map_err(ours)?,
            model,
        };
        let answers = Answers::new(head, answers).map_err(ours)?;
        if let Some(path) = &self.answers {
            files::write(path, &answers.to_bytes().map_err(ours)?, Secrecy::Public)?;
            session.talk.note(&format!(
                "answers kept in {}: without --model the same command judges them again",
                path.display()
            ));
        }
        Ok(answers)
    }

    fn kept(&self) -> Result<Answers, Problem> {
        let path = self.answers.as_deref().unwrap_or(Path::new(""));
        let text = files::read_text(path)?;
        Answers::parse(text.as_bytes()).map_err(|err| self.refused(&err))
    }

    /// What answers are refused for, with the file they came from.
    pub(super) fn refused(&self, err: &stillmark_benchmark::Error) -> Problem {
        let problem = Problem::from_error(err);
        match self.answers.as_ref().filter(|_| self.model.is_none()) {
            Some(path) => problem
                .while_doing(format!("the answers of {} cannot be judged", path.display()))
                .hint("give the benchmark and the settings that were asked with; --model asks anew"),
            None => problem,
        }
    }
}

/// Refuses what cannot be a rate of false alarms.
pub(in crate::commands::benchmark) fn check_level(level: f64) -> Result<(), Problem> {
    if level > 0.0 && level < 1.0 {
        return Ok(());
    }
    Err(Problem::new(format!("`--level {level}` makes no sense"))
        .hint("a level lies between 0 and 1, such as 0.01"))
}
