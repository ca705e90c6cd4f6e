#![doc = include_str!("../README.md")]

mod bars;
mod children;
mod cold_start;
mod echo;
mod executions;
mod fairness;
mod floors;
mod history;
mod http;
mod lists;
mod load;
mod log_size;
mod multiply;
mod options;
mod past;
mod platform;
mod report;
mod samples;
mod search;
mod service;
mod table;

use crate::{
    options::{Command, Options},
    report::Report,
};
use anyhow::{Context, Result};
use clap::Parser;
use std::{fs, process::ExitCode};
use tokio::{
    runtime::Builder,
    signal::unix::{SignalKind, signal},
};

fn main() -> ExitCode {
    let outcome = match Command::parse() {
        Command::Run(options) => run(&options),
        Command::Hello => floors::serve_hello().map(|()| true),
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

/// Measures, prints and writes. `false` when a bar was missed and `--strict` says that this is a failure.
fn run(options: &Options) -> Result<bool> {
    fs::create_dir_all(&options.folder).with_context(|| format!("{} cannot be made", options.folder.display()))?;
    let work = tempfile::Builder::new().prefix("run-").tempdir_in(&options.folder)?;
    let options = &Options { folder: work.path().to_owned(), ..options.clone() };
    // One thread: the load generator shares the machine with what it measures.
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let report = runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        // Dropped half-way, a measurement ends its processes and removes its folders.
        tokio::select! {
            report = Report::measure(options) => report.map(Some),
            _ = interrupt.recv() => Ok(None),
            _ = terminate.recv() => Ok(None),
        }
    })?;
    // Dropping it ends what was left running, and only then nothing is written into the folder any more.
    drop(runtime);
    work.close().context("the temporary folder cannot be removed")?;
    let Some(report) = report else {
        eprintln!("stopped; nothing was recorded");
        return Ok(false);
    };
    let bars = report.bars();
    print!("\n{}", table::render(&report.machine, &bars));
    if let Some(file) = &options.json {
        let text = serde_json::to_string_pretty(&serde_json::json!({ "bars": bars, "figures": report }))?;
        fs::write(file, text + "\n").with_context(|| format!("{} cannot be written", file.display()))?;
        println!("\nEvery figure of every round: {}", file.display());
    }
    Ok(!options.strict || bars.iter().all(|bar| bar.is_met != Some(false)))
}
