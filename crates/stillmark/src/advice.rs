//! What to do next about each kind of failure of the libraries: the hints of errors.

use crate::problem::{Problem, of_io};

/// A failure of a model.
pub(crate) fn of_model(err: &stillmark_model::Error) -> Option<&'static str> {
    use stillmark_model::Error;
    Some(match err {
        Error::Format { .. } | Error::Tensor { .. } => {
            "fetch or copy the model again and compare its SHA-256 with its maker's; a model is a folder as on Hugging Face, \
             or one `.gguf` file"
        }
        Error::Config { .. } => "`stillmark model list` shows models that are known to work",
        Error::Token { .. } => "the tokenizer is another model's: take the one that came with these weights",
        Error::Context { .. } => "shorten the text, or ask for fewer tokens",
        Error::Tokenizers { .. } => {
            "teacher and student must cut text alike: choose two models of one family"
        }
        Error::Refused { status: 401 | 403, .. } => {
            "mend the key that `teacher.key_env` or `teacher.key_file` names, then --resume: all answers are kept"
        }
        Error::Refused { .. } => {
            "the server takes no such question: look at `teacher.url`, `teacher.model`, `teacher.api` and \
             `capture.top_logprobs`, which servers limit; --resume goes on, all answers are kept"
        }
        Error::Unreachable { .. } => {
            "run the same command with --resume when the teacher answers again: all answers are kept"
        }
        Error::Reply { .. } => {
            "`teacher.url` must be that of an OpenAI-compatible API; where it gives no log-probabilities, say \
             `capture.top_logprobs = 0` and train by `ce`"
        }
        _ => return None,
    })
}

/// A failure of a distillation.
pub(crate) fn of_distill(err: &stillmark_distill::Error) -> Option<&'static str> {
    use stillmark_distill::Error;
    Some(match err {
        Error::Io { source, .. } => {
            return of_io(source)
                .or(Some("mend the cause and run the same command with --resume: what was done is kept"));
        }
        Error::Plan { .. } => {
            "`stillmark init builder` writes a commented plan, and docs/spec/plan.md tells every key"
        }
        Error::Input { .. } => "mend that line; each is one JSON object {\"id\": …, \"text\": …} in UTF-8",
        Error::Records { .. } => {
            "put the file back as it was, or capture anew into another folder with --out; nothing was overwritten"
        }
        Error::Checkpoint { .. } => {
            "put it back as it was, or remove that checkpoint: --resume goes on from the one before it, with the same bits"
        }
        Error::Diverged { .. } => "lower `train.lr`, or raise `train.warmup`; the last checkpoint is kept",
        Error::Busy { .. } => "wait for it to end, or name another folder with --out",
        Error::Mismatch { what, .. } if what.contains("run folder") => {
            "the folder holds a run of another plan: name another one with --out"
        }
        Error::Model(err) => return of_model(err),
        _ => return None,
    })
}

/// A model's failure, ready to be rendered.
pub(crate) fn model_problem(err: &stillmark_model::Error, doing: String) -> Problem {
    with(Problem::from_error(err).while_doing(doing), of_model(err))
}

/// A distillation's failure, ready to be rendered.
pub(crate) fn distill_problem(err: &stillmark_distill::Error) -> Problem {
    with(Problem::from_error(err), of_distill(err))
}

fn with(problem: Problem, hint: Option<&str>) -> Problem {
    match hint {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}
