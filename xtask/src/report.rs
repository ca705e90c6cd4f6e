//! Running checks one after another, and the outcome of all.

use crate::tally::Tally;
use anyhow::{Context, Result};
use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// What was checked so far.
#[derive(Default)]
pub struct Report {
    parts: Vec<Part>,
}

struct Part {
    name: &'static str,
    took: Duration,
    tally: Tally,
}

impl Report {
    /// A command that passes or fails as one check.
    pub fn check(&mut self, name: &'static str, command: &mut Command) -> Result<()> {
        let began = announce(name);
        let (succeeded, _) = stream(command).with_context(|| format!("{name} cannot be started"))?;
        let tally = Tally { passed: u64::from(succeeded), failed: u64::from(!succeeded), skipped: 0 };
        self.parts.push(Part { name, took: began.elapsed(), tally });
        Ok(())
    }

    /// A command that runs tests and counts them itself.
    pub fn tests(&mut self, name: &'static str, command: &mut Command) -> Result<()> {
        let began = announce(name);
        let (succeeded, mut tally) = stream(command).with_context(|| format!("{name} cannot be started"))?;
        if !succeeded && tally.failed == 0 {
            // It did not come as far as counting: a compile error, a crash.
            tally.failed = 1;
        }
        self.parts.push(Part { name, took: began.elapsed(), tally });
        Ok(())
    }

    /// A preparation without which the rest makes no sense.
    pub fn time<T>(&mut self, name: &'static str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let began = announce(name);
        let value = work()?;
        self.parts.push(Part { name, took: began.elapsed(), tally: Tally::default() });
        Ok(value)
    }

    /// Prints what each part cost and, as the last line, the sum. `false` when anything failed.
    pub fn print(&self) -> bool {
        println!();
        let mut total = Tally::default();
        let mut took = Duration::ZERO;
        for part in &self.parts {
            let verdict = if part.tally.failed > 0 { "FAILED" } else { "ok" };
            println!(
                "{:<30} {:>7.1} s  {:>5} passed {:>4} failed {:>4} skipped  {verdict}",
                part.name,
                part.took.as_secs_f64(),
                part.tally.passed,
                part.tally.failed,
                part.tally.skipped,
            );
            total = total.plus(part.tally);
            took += part.took;
        }
        println!("{:<30} {:>7.1} s", "everything", took.as_secs_f64());
        println!("{} passed, {} failed", total.passed, total.failed);
        total.failed == 0
    }
}

fn announce(name: &str) -> Instant {
    println!("\n== {name}");
    Instant::now()
}

/// Runs a command, shows what it prints as it comes, and counts along.
fn stream(command: &mut Command) -> Result<(bool, Tally)> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let tally = thread::scope(|scope| {
        let errors = scope.spawn(move || stderr.map_or_else(Tally::default, |pipe| echo(pipe, std::io::stderr())));
        let counted = stdout.map_or_else(Tally::default, |pipe| echo(pipe, std::io::stdout()));
        counted.plus(errors.join().unwrap_or_default())
    });
    Ok((child.wait()?.success(), tally))
}

fn echo(from: impl Read, mut to: impl Write) -> Tally {
    let mut tally = Tally::default();
    let mut reader = BufReader::new(from);
    let mut line = Vec::new();
    // Bytes, not text: a test may print anything, and that must not end the echo.
    while reader.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
        tally = tally.plus(Tally::of_line(&String::from_utf8_lossy(&line)));
        // Nobody listening any more is no reason to stop counting.
        let _ = to.write_all(&line).and_then(|()| to.flush());
        line.clear();
    }
    tally
}
