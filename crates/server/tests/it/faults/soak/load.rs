//! Callers who do what callers do, chosen by chance, and check every answer.

use crate::faults::{host::Host, seed::Chance};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

/// What all callers share.
pub struct Load {
    pub orgs: Vec<String>,
    seed: u64,
    /// Requests that may still be made.
    left: AtomicU64,
    /// Callers shall stop.
    paused: AtomicBool,
    /// The server is about to be killed: connections may break.
    dying: AtomicBool,
    accepted: Mutex<Vec<String>>,
    answers: Mutex<BTreeMap<String, u64>>,
}

impl Load {
    pub fn new(orgs: Vec<String>, seed: u64, requests: u64) -> Self {
        Self {
            orgs,
            seed,
            left: AtomicU64::new(requests),
            paused: AtomicBool::new(false),
            dying: AtomicBool::new(false),
            accepted: Mutex::default(),
            answers: Mutex::default(),
        }
    }

    pub fn left(&self) -> u64 {
        self.left.load(Ordering::SeqCst)
    }

    pub fn allow(&self, requests: u64) {
        self.left.store(requests, Ordering::SeqCst);
    }

    pub fn pause(&self) {
        self.paused.store(true, Ordering::SeqCst);
    }

    pub fn expect_the_worst(&self) {
        self.dying.store(true, Ordering::SeqCst);
    }

    pub fn resume(&self) {
        self.paused.store(false, Ordering::SeqCst);
        self.dying.store(false, Ordering::SeqCst);
    }

    /// Execution ids that were answered.
    pub fn accepted(&self) -> Vec<String> {
        self.accepted.lock().expect("no caller panicked").clone()
    }

    /// How often each answer came.
    pub fn answers(&self) -> BTreeMap<String, u64> {
        self.answers.lock().expect("no caller panicked").clone()
    }

    fn take_one(&self) -> bool {
        !self.paused.load(Ordering::SeqCst)
            && self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
    }

    fn is_dying(&self) -> bool {
        self.dying.load(Ordering::SeqCst)
    }

    fn note(&self, id: Option<String>, answer: &str) {
        self.accepted.lock().expect("no caller panicked").extend(id);
        *self.answers.lock().expect("no caller panicked").entry(answer.to_owned()).or_default() += 1;
    }
}

/// One caller, until nothing is left or the server is gone.
pub async fn call(host: Arc<Host>, load: Arc<Load>, caller: u64) {
    let mut chance = Chance(load.seed ^ caller.wrapping_mul(0x2545_F491_4F6C_DD1D));
    while load.take_one() {
        let org = &load.orgs[usize::try_from(chance.below(load.orgs.len() as u64)).expect("few")];
        let number = chance.below(1_000_000);
        let input = json!({ "number": number });
        let outcome = match chance.below(100) {
            0..55 => waiting(&host, &load, org, "works", &input, &["Success"]).await,
            55..60 => waiting(&host, &load, org, "works_plainly", &input, &["Success"]).await,
            60..66 => waiting(&host, &load, org, "reports", &input, &["Failed"]).await,
            66..72 => waiting(&host, &load, org, "raises", &input, &["Failed"]).await,
            72..90 => begin(&host, &load, org, "works", &input).await.map(drop),
            90..97 => options(&host, &load, org).await,
            _ => cancel(&host, &load, org, &input).await,
        };
        if let Err(error) = outcome {
            assert!(load.is_dying(), "seed {}: {error}", load.seed);
        }
    }
}

/// Runs and checks how it ended. A worker that was killed meanwhile is the only excuse.
async fn waiting(
    host: &Host,
    load: &Load,
    org: &str,
    workflow: &str,
    input: &Value,
    expected: &[&str],
) -> reqwest::Result<()> {
    let answer = host.run(org, workflow, "wait=200", input).send().await?;
    let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (id, status) = (header("x-execution-id"), header("x-execution-status"));
    let problem: Value = answer.json().await?;
    let status = status.unwrap_or_else(|| match problem["type"].as_str() {
        Some("/problems/execution-failed") => "Failed".to_owned(),
        Some("/problems/execution-interrupted") => "Interrupted".to_owned(),
        Some(other) => other.to_owned(),
        None => problem.to_string(),
    });
    let id = id.or_else(|| problem["execution_id"].as_str().map(str::to_owned));
    load.note(id, &status);
    let busy = status == "/problems/engine-saturated";
    let lost = status == "Interrupted";
    assert!(
        expected.contains(&status.as_str()) || busy || lost || load.is_dying(),
        "seed {}: {workflow}: {status}: {problem}",
        load.seed
    );
    Ok(())
}

async fn begin(host: &Host, load: &Load, org: &str, workflow: &str, input: &Value) -> reqwest::Result<Option<String>> {
    let answer = host.run(org, workflow, "respond-async", input).send().await?;
    let body: Value = answer.json().await?;
    let id = body["execution_id"].as_str().map(str::to_owned);
    let said = body["type"].as_str().unwrap_or("Accepted").to_owned();
    load.note(id.clone(), &said);
    Ok(id)
}

async fn options(host: &Host, load: &Load, org: &str) -> reqwest::Result<()> {
    let request = host.http.get(format!("{}/options/numbers", host.url)).bearer_auth(&host.token);
    let body: Value = request.header("X-Organization-Id", org).send().await?.json().await?;
    let offered = body.as_array().map(Vec::len);
    load.note(None, if offered == Some(50) { "Options" } else { body["type"].as_str().unwrap_or("no options") });
    Ok(())
}

async fn cancel(host: &Host, load: &Load, org: &str, input: &Value) -> reqwest::Result<()> {
    let Some(id) = begin(host, load, org, "waits", input).await? else { return Ok(()) };
    let request = host.http.post(format!("{}/api/executions/{id}/cancel", host.url)).bearer_auth(&host.token);
    let answer = request.header("X-Organization-Id", org).send().await?;
    load.note(None, if answer.status().is_success() { "Cancelling" } else { "not cancelled" });
    Ok(())
}
