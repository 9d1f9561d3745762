//! The words of the command line: help, completions and manual pages are all made from these types.

use clap::{Parser, Subcommand};

use crate::commands::{
    agreement, benchmark, completions, disclose, distill, explain, gateway, init, key, ledger, man, model,
    quickstart, report, verify, watermark,
};
use crate::settings::Shared;

/// Lawful, provable model distillation: check the terms, distill, sign, verify.
#[derive(Debug, Parser)]
#[command(name = "stillmark", version, after_help = EXAMPLES)]
pub(crate) struct Cli {
    /// What every command takes.
    #[command(flatten)]
    pub(crate) shared: Shared,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Example:
  stillmark init builder mine                a commented starting folder
  stillmark agreement check mine/plan.toml   may it be distilled?

Exit codes: 0 done or passed, 1 the verdict is negative, 2 could not be carried out,
3 inconclusive or a person must look, 130 interrupted.";

/// The commands, in the order in which a newcomer meets them.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The main job on the default teacher: distill, sign, verify, report
    Quickstart(quickstart::Args),
    /// Make a commented starting folder for a builder, a provider or an auditor
    Init(init::Args),
    /// Ask the terms: may this be distilled?
    Agreement(agreement::Args),
    /// Distill by a plan: all of it, or step by step
    Distill(distill::Args),
    /// Verify a folder offline: signatures, digests, log, provenance, shares, card
    Verify(verify::Args),
    /// Write documents for others: card, bills of materials, summaries
    Disclose(disclose::Args),
    /// Write the page of a verified folder
    Report(report::Args),
    /// Mark text, and find marks in it
    Watermark(watermark::Args),
    /// Digest, compare, run and audit benchmarks and their logs
    Benchmark(benchmark::Args),
    /// Serve a model's API with keys, limits and metrics
    Gateway(gateway::Args),
    /// Append to logs, prove what is in them, check and cosign them
    Ledger(ledger::Args),
    /// Fetch, list, show and ask models
    Model(model::Args),
    /// Make and show the key you sign with
    Key(key::Args),
    /// Say what a check, finding or error means, what it assumes and cannot show
    Explain(explain::Args),
    /// Print a completion script for a shell
    Completions(completions::Args),
    /// Print the manual page, or write one a command into a folder
    Man(man::Args),
}
