//! `stillmark quickstart`: the main job on the default teacher, from nothing to a signed, verified, reported student.

use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use serde::Serialize;
use stillmark_distill::Plan;
use stillmark_evidence::checks::CheckVerdict;

use stillmark_report::documents::Format;

use super::{disclose, report, verify};
use crate::clock::Stopwatch;
use crate::files::{self, Secrecy};
use crate::interrupt;
use crate::keys;
use crate::problem::{Outcome, Problem, Stop};
use crate::run::comparison::{self, Comparison, Row};
use crate::run::job::{Job, Step};
use crate::run::progress::Progress;
use crate::run::{samples, seal};
use crate::session::Session;

const PLAN: &str = include_str!("quickstart.toml");

/// What `quickstart` takes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  stillmark quickstart --out first-student\n\nTakes minutes on two cores; interrupted, the same command goes on."
)]
pub(crate) struct Args {
    /// The run folder
    #[arg(long, value_name = "DIR", default_value = "stillmark-quickstart")]
    out: PathBuf,
}

#[derive(Serialize)]
struct Answer<'a> {
    schema: &'static str,
    folder: &'a Path,
    verdict: CheckVerdict,
    seconds: f64,
    comparison: &'a Comparison,
}

/// Does it all.
pub(crate) fn run(args: &Args, session: &Session) -> Outcome {
    let watch = Stopwatch::start();
    let out = &args.out;
    let talk = session.talk;
    let key = if session.settings.key.exists() {
        keys::read_private(&session.settings.key)?
    } else {
        talk.note(&format!("making your signing key: {}", session.settings.key.display()));
        keys::make(&session.settings.key, &session.settings)?.key
    };
    talk.note("checking the terms, then getting the teacher ready");
    let job = Job::open(PLAN, Path::new("."), out, session)?;
    let distillation = job.run()?;
    job.carry_out(&distillation, &[Step::Capture, Step::Train, Step::Export], session)?;
    let comparison = compare(&job, &distillation, out, session)?;
    seal::run_folder(out, &job.plan, &job.particulars()?, &key)?;
    let facts = verify::facts(out, &[], session)?;
    let verdict = facts.report.verdict;
    disclose::fill(&facts, out, &Format::EVERY)?;
    let page = out.join("report.html");
    report::write(&facts, out, &page)?;
    let answer = Answer {
        schema: "stillmark/quickstart/v1",
        folder: out,
        verdict,
        seconds: watch.seconds(),
        comparison: &comparison,
    };
    session.answer(&answer, || told(&answer, &page))?;
    Ok(verify::status(verdict))
}

/// The student beside what it is to be measured against: itself untrained, and the same training on the bare text.
fn compare(
    job: &Job,
    distillation: &stillmark_distill::run::Run<'_>,
    out: &Path,
    session: &Session,
) -> Result<Comparison, Stop> {
    let broken = |err: stillmark_distill::Error| Problem::from_error(&err);
    session.talk.note("for comparison: the same student trained on the same text by plain cross-entropy");
    let text = PLAN.replace("forward-kl", "ce");
    let plain = Plan::parse(&text).map_err(broken)?;
    let folder = out.join("baseline");
    let mut progress = Progress::new(session);
    let found = distillation.compared(plain.train(), &folder, &mut |event| {
        progress.show(&event);
        if interrupt::requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    progress.finish();
    let Some(plain) = found.map_err(broken)? else {
        return Err(Problem::interrupted("run the same command again and it goes on").into());
    };
    std::fs::remove_dir_all(&folder).map_err(|err| files::cannot("remove", &folder, &err))?;
    let (before, after) =
        seal::evaluations(out)?.ok_or_else(|| Problem::new("the metrics hold no evaluation"))?;
    let comparison = Comparison {
        schema: comparison::SCHEMA.to_owned(),
        teacher_perplexity: distillation.teacher_perplexity().map_err(broken)?,
        rows: vec![
            Row::of("student before training", &before),
            Row::of("student, plain cross-entropy on the same text", &plain),
            Row::of("student, distilled", &after),
        ],
        samples: samples::of(job, &distillation.untrained().map_err(broken)?, out)?,
    };
    let bytes = serde_json::to_vec_pretty(&comparison)
        .map_err(|err| Problem::new("the comparison could not be written").cause(err.to_string()))?;
    files::write(&out.join(comparison::FILE), &bytes, Secrecy::Public)?;
    Ok(comparison)
}

fn told(answer: &Answer<'_>, page: &Path) -> String {
    let number =
        |value: Option<f64>, digits: usize| value.map_or("-".to_owned(), |x| format!("{x:.digits$}"));
    let mut text = String::new();
    let comparison = answer.comparison;
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "Held-out text (perplexity of the teacher: {})\n",
        number(comparison.teacher_perplexity, 2)
    );
    let _ = writeln!(text, "  {:<48} {:>10}  {:>15}  {:>8}", "", "perplexity", "top-1 agreement", "KL, nats");
    for row in &comparison.rows {
        let _ = writeln!(
            text,
            "  {:<48} {:>10}  {:>13} %  {:>8}",
            row.model,
            number(row.perplexity, 2),
            number(row.agreement.map(|x| x * 100.0), 1),
            number(row.kl, 3)
        );
    }
    for sample in &comparison.samples {
        let _ = writeln!(text, "\n> {}", sample.prompt);
        for (who, said) in &sample.answers {
            let _ = writeln!(text, "\n[{who}]\n{}", said.trim());
        }
    }
    let folder = answer.folder.display();
    let verdict = if answer.verdict == CheckVerdict::Pass { "verified" } else { "NOT verified" };
    let _ = writeln!(
        text,
        "\n{folder}: signed and {verdict} in {:.0} s; look at {}",
        answer.seconds,
        page.display()
    );
    let _ = write!(
        text,
        "\nNext:\n  stillmark verify {folder}\n  stillmark model ask {folder}/model \"What is a good breakfast?\"\n  stillmark init builder my-student"
    );
    text
}
