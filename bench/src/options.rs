//! The command line. `cargo xtask bench` fills in what it has built.

use clap::{Args, Parser, ValueEnum};
use std::{path::PathBuf, time::Duration};

/// What to do.
#[derive(Debug, Parser)]
#[command(name = "msp-bench", about = "Measures the platform against its floors", max_term_width = 100)]
pub enum Command {
    /// Measure, and print the table
    Run(Options),
    /// The smallest web server there is, to be measured (H)
    #[command(hide = true)]
    Hello,
}

/// What to measure, and with what.
#[derive(Debug, Clone, Args)]
pub struct Options {
    /// The server's release build
    #[arg(long, value_name = "FILE")]
    pub msp: PathBuf,
    /// The Python of workers
    #[arg(long, value_name = "FILE")]
    pub python: PathBuf,
    /// A Python with the packages of the FastAPI service
    #[arg(long, value_name = "FILE")]
    pub service_python: PathBuf,
    /// Where `bench/` is: Python programs and the workspace
    #[arg(long, value_name = "DIR")]
    pub sources: PathBuf,
    /// Where data folders are made; it must be on the disk that is to be measured
    #[arg(long, value_name = "DIR")]
    pub folder: PathBuf,
    /// Write every figure of every round into this file
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// What the user can choose.
    #[command(flatten)]
    pub choice: Choice,
    /// Fail when a bar is not met
    #[arg(long)]
    pub strict: bool,
}

/// How long, and what.
#[derive(Debug, Clone, Args)]
pub struct Choice {
    /// Two short rounds and a tenth of the history: for trying, not for the record
    #[arg(long)]
    pub quick: bool,
    /// Only these parts; may be repeated
    #[arg(long, value_enum, value_name = "PART")]
    pub only: Vec<Part>,
}

/// A part of the measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Executions and options of one organization; memory and log under load
    One,
    /// The same with 200 organizations
    Many,
    /// From process start to the first finished execution
    Start,
    /// History at a thousand and at a million executions
    History,
    /// What one organization's queue does to another's runs
    Fairness,
    /// The search over 500 organizations and 10,000 forms
    Search,
    /// Every list in a large installation and in a small one
    Lists,
}

impl Choice {
    /// Whether this part is wanted.
    pub fn wants(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }

    /// Rounds in which everything is measured in turn; figures are medians over them.
    pub fn rounds(&self) -> usize {
        if self.quick { 2 } else { 5 }
    }

    /// How long one figure is measured in one round.
    pub fn figure(&self) -> Duration {
        Duration::from_millis(if self.quick { 500 } else { 2000 })
    }

    /// How long 64 callers keep on at the end, to see how large the write-ahead log becomes.
    pub fn sustained(&self) -> Duration {
        Duration::from_secs(if self.quick { 3 } else { 20 })
    }

    /// Executions in the larger of the two histories.
    pub fn history(&self) -> usize {
        if self.quick { 100_000 } else { 1_000_000 }
    }
}
