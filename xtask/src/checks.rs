//! `cargo xtask test`: every check of every language, with what each cost.

use crate::{
    contract,
    node::Node,
    prerequisites::{check_rust_tools, chromium, has_nextest},
    python::{Environment, Python},
    report::Report,
    workspace::{build, cargo, root},
};
use anyhow::Result;
use std::{path::Path, process::Command};

/// The whole workspace with everything in it: one set of features, so that nothing is built twice.
const EVERYTHING: [&str; 2] = ["--workspace", "--all-features"];

/// Runs every check, also after one failed, and prints the outcome. `false` when any failed.
pub fn run_all() -> Result<bool> {
    check_rust_tools()?;
    let python = Python::find()?;
    let node = Node::find()?;
    let chromium = chromium()?;
    let mut report = Report::default();
    report.check("rust: format", cargo().args(["fmt", "--all", "--check"]))?;
    client_checks(&mut report, &node)?;
    report
        .check("rust: lints", cargo().arg("clippy").args(EVERYTHING).args(["--all-targets", "--", "-D", "warnings"]))?;
    let environment = report.time("python: environment", || python.environment())?;
    rust_tests(&mut report, &python, &environment)?;
    python_checks(&mut report, &environment)?;
    let [msp] = build(&EVERYTHING, ["msp"])?;
    contract::run(&mut report, &python, msp.clone())?;
    journeys(&mut report, &node, &python, &msp, &chromium)?;
    Ok(report.print())
}

/// Before the programs are built, because they carry the client.
fn client_checks(report: &mut Report, node: &Node) -> Result<()> {
    report.time("client: packages", || node.install())?;
    report.check("client: format and lints", &mut node.script("lint"))?;
    report.check("client: types", &mut node.script("typecheck"))?;
    report.check("client: types of the API", &mut node.script("check:api"))?;
    report.tests("client: tests", &mut node.script("test"))?;
    report.check("client: build", &mut node.script("build"))?;
    report.check("client: weight", &mut node.script("budgets"))
}

/// In a browser, with the program itself behind it.
fn journeys(report: &mut Report, node: &Node, python: &Python, msp: &Path, chromium: &Path) -> Result<()> {
    let mut command = node.script("e2e");
    command.env("MSP_BIN", msp).env("MSP_PYTHON", &python.executable).env("MSP_CHROMIUM", chromium);
    report.tests("client: journeys", &mut command)
}

fn python_checks(report: &mut Report, environment: &Environment) -> Result<()> {
    let folders = ["sdk/python", "workflows", "bench", "contract"];
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
    let mut command = cargo();
    prepare(&mut command);
    if !has_nextest() {
        return report.tests("rust: tests", command.arg("test").args(EVERYTHING).arg("--no-fail-fast"));
    }
    report.tests("rust: tests", command.args(["nextest", "run", "--no-fail-fast"]).args(EVERYTHING))?;
    let mut examples = cargo();
    prepare(&mut examples);
    report.tests("rust: documentation examples", examples.args(["test", "--doc", "--no-fail-fast"]).args(EVERYTHING))
}
