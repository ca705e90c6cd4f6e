//! The contract test: schemathesis against the program itself. `contract/README.md` says what it asks.

use crate::{
    platform::{Platform, Running},
    python::{Environment, Python},
    report::Report,
    workspace::{root, scratch},
};
use anyhow::{Context, Result};
use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::PathBuf,
};

const REQUIREMENTS: [&str; 1] = ["contract/requirements.txt"];
/// One caller asks ten thousand times within two minutes, and a refusal for that would be the answer to everything else.
const SETTINGS: [(&str, &str); 1] = [("MSP_REQUESTS_PER_MINUTE", "1000000")];

/// Checks the examples of the description, and what a server answers to whatever the description allows and forbids.
pub fn run(report: &mut Report, python: &Python, msp: PathBuf) -> Result<()> {
    let environment = report.time("contract: environment", || python.packages("contract", &REQUIREMENTS))?;
    let mut examples = environment.python();
    report.tests("contract: examples", examples.args(["contract/examples.py", "docs/openapi.json"]))?;

    let data = scratch().join("contract/data");
    if data.exists() {
        fs::remove_dir_all(&data).context("the data of an earlier contract test cannot be removed")?;
    }
    fs::create_dir_all(&data)?;
    let platform = Platform { msp, data, python: python.executable.clone(), settings: &SETTINGS };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let mut running = Running::default();
    let outcome = runtime.block_on(platform.start(free_address()?, &flags(), &mut running)).and_then(|started| {
        let organization = started.organizations.split_whitespace().next().context("no demo organization")?;
        let token = runtime.block_on(platform.finish(&["token"]))?;
        ask(report, &environment, &started.address, organization, token.trim())
    });
    runtime.block_on(running.stop())?;
    outcome
}

fn flags() -> [String; 2] {
    ["--listen".to_owned(), "127.0.0.1:0".to_owned()]
}

fn ask(report: &mut Report, environment: &Environment, address: &str, organization: &str, token: &str) -> Result<()> {
    let mut schemathesis = environment.program("st");
    schemathesis
        .current_dir(root().join("contract"))
        .args(["run", &format!("http://{address}/openapi.json"), "--no-color", "--warnings", "off"])
        .env("CONTRACT_ORG", organization)
        .env("CONTRACT_TOKEN", token);
    report.check("contract: schemathesis", &mut schemathesis)
}

/// An address nobody listens on.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
