//! `cargo xtask test`: every check of every language, with what each cost.

use crate::{
    prerequisites::{check_rust_tools, has_nextest},
    python::{Environment, Python},
    tally::Tally,
    workspace::{cargo, root},
};
use anyhow::{Context, Result};
use std::{
    io::{BufRead, BufReader, Read, Write},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Runs every check, also after one failed, and prints the outcome. `false` when any failed.
pub fn run_all() -> Result<bool> {
    check_rust_tools()?;
    let python = Python::find()?;
    let mut report = Report::default();
    report.check("rust: format", cargo().args(["fmt", "--all", "--check"]))?;
    report.check(
        "rust: lints",
        cargo().args(["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"]),
    )?;
    let environment = report.time("python: environment", || python.environment())?;
    rust_tests(&mut report, &python, &environment)?;
    python_checks(&mut report, &environment)?;
    Ok(report.print())
}

fn python_checks(report: &mut Report, environment: &Environment) -> Result<()> {
    let folders = ["sdk/python", "workflows", "bench"];
    report.check("python: format", environment.module("ruff").args(["format", "--check"]).args(folders))?;
    report.check("python: lints", environment.module("ruff").arg("check").args(folders))?;
    for (name, folder, packages) in [
        ("python: types of the sdk", "sdk/python", &[][..]),
        ("python: types of the workflows", "workflows", &["workflows", "options", "shared"][..]),
    ] {
        report.check(name, environment.module("mypy").args(packages).current_dir(root().join(folder)))?;
    }
    for (name, folder) in [("python: sdk tests", "sdk/python/tests"), ("python: workflow tests", "workflows/tests")] {
        report.tests(name, environment.module("pytest").arg(folder).env("PYTHONPATH", root().join("sdk/python")))?;
    }
    Ok(())
}

fn rust_tests(report: &mut Report, python: &Python, environment: &Environment) -> Result<()> {
    let prepare = |command: &mut Command| {
        // Servers under test use the interpreter that was checked, and install packages from the folder that was filled.
        command
            .env("MSP_PYTHON", &python.executable)
            .env("PIP_NO_INDEX", "1")
            .env("PIP_FIND_LINKS", &environment.wheels);
    };
    let everything = ["--workspace", "--all-features", "--no-fail-fast"];
    let mut command = cargo();
    prepare(&mut command);
    if !has_nextest() {
        return report.tests("rust: tests", command.arg("test").args(everything));
    }
    report.tests("rust: tests", command.args(["nextest", "run"]).args(everything))?;
    let mut examples = cargo();
    prepare(&mut examples);
    report.tests("rust: documentation examples", examples.args(["test", "--doc"]).args(everything))
}

/// What was checked so far.
#[derive(Default)]
struct Report {
    parts: Vec<Part>,
}

struct Part {
    name: &'static str,
    took: Duration,
    tally: Tally,
}

impl Report {
    /// A command that passes or fails as one check.
    fn check(&mut self, name: &'static str, command: &mut Command) -> Result<()> {
        let began = announce(name);
        let (succeeded, _) = stream(command).with_context(|| format!("{name} cannot be started"))?;
        let tally = Tally { passed: u64::from(succeeded), failed: u64::from(!succeeded), skipped: 0 };
        self.parts.push(Part { name, took: began.elapsed(), tally });
        Ok(())
    }

    /// A command that runs tests and counts them itself.
    fn tests(&mut self, name: &'static str, command: &mut Command) -> Result<()> {
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
    fn time<T>(&mut self, name: &'static str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let began = announce(name);
        let value = work()?;
        self.parts.push(Part { name, took: began.elapsed(), tally: Tally::default() });
        Ok(value)
    }

    /// Prints what each part cost and, as the last line, the sum. `false` when anything failed.
    fn print(&self) -> bool {
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
