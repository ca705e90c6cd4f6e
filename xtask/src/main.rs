//! `cargo xtask`: the commands of this repository.

mod bench;
mod checks;
mod contract;
mod node;
mod platform;
mod prerequisites;
mod python;
mod report;
mod run;
mod soak;
mod tally;
mod workspace;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[derive(Parser)]
#[command(bin_name = "cargo xtask", about = "Commands of this repository", max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build client and server, seed demo organizations, start simulator and server, and print a sign-in link.
    ///
    /// Started again it keeps the data. Ctrl-C stops everything.
    Run(run::RunArguments),
    /// Measure the release build against this machine's floors and a FastAPI service, and print every bar.
    ///
    /// Takes about a quarter of an hour; `--quick` takes a minute or two and says less. What it measures and how to read
    /// it: docs/PERFORMANCE.md.
    Bench(bench::BenchArguments),
    /// Load the release build for long: 100,000 runs with workers and servers being killed, nothing lost, nothing grown.
    ///
    /// Also every other test that takes too long for `cargo xtask test`. Prints its seed and its figures.
    Soak(soak::SoakArguments),
    /// Check format, lints and types, and run every test of the Rust, Python and browser parts.
    ///
    /// Installs what is missing or fails; prints how long each part took.
    Test,
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Bench(arguments) => bench::bench(&arguments),
        Command::Soak(arguments) => soak::soak(&arguments),
        Command::Test => checks::run_all(),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
