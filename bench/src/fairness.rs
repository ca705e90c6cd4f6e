//! What one organization's queue does to another's runs: their p99 beside it, against their p99 while nobody else works.

use crate::{
    children::LOOK_EVERY,
    load::Target,
    options::Options,
    platform::{Installation, Server},
};
use anyhow::{Context, Result, ensure};
use msp_domain::OrgId;
use serde::Serialize;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Runs that are queued, as in the bar; so many that every measurement ends before they do.
pub const QUEUED: usize = 1_000;
/// Callers that queue them, so that they are queued before many of them have ended.
const QUEUED_BY: usize = 16;
/// How long a queued run waits: half of the 128 places in flight, so three seconds in all.
const WAITS: Duration = Duration::from_millis(200);
/// How long a queued run holds its process: three quarters of eight processes, so eight seconds in all.
const HOLDS: Duration = Duration::from_millis(50);
/// Only reached by a failure.
const PATIENCE: Duration = Duration::from_secs(120);

/// One value per round, in microseconds, with one caller.
#[derive(Debug, Default, Serialize)]
pub struct Contrast {
    /// Nobody else works.
    pub idle_p99: Vec<f64>,
    /// Another organization has queued [`QUEUED`] runs.
    pub beside_p99: Vec<f64>,
    /// As `idle_p99`.
    pub idle_p50: Vec<f64>,
    /// As `beside_p99`.
    pub beside_p50: Vec<f64>,
}

/// Both kinds of runs: the same kind is queued and measured.
#[derive(Debug, Default, Serialize)]
pub struct Fairness {
    /// Async, several in one process.
    pub shared: Contrast,
    /// Each with a process to itself.
    pub exclusive: Contrast,
}

/// Measures.
pub async fn measure(options: &Options) -> Result<Fairness> {
    let installation = Installation::make(options, 2).await?;
    let server = installation.serve(None).await?;
    let mut fairness = Fairness::default();
    for round in 1..=options.choice.rounds() {
        eprintln!("  fairness: round {round} of {}", options.choice.rounds());
        let [quiet, greedy] = [installation.organizations[0], installation.organizations[1]];
        let figure = options.choice.figure();
        let kinds = [(&mut fairness.shared, "bench_wait", WAITS), (&mut fairness.exclusive, "bench_hold", HOLDS)];
        for (contrast, workflow, takes) in kinds {
            let pair = Pair {
                quiet: server.runs(quiet, workflow, &json!({ "milliseconds": 0 })),
                queue: server.queued(greedy, workflow, &json!({ "milliseconds": takes.as_millis() })),
                unfinished: unfinished(&server, greedy),
            };
            pair.round(contrast, figure).await.with_context(|| format!("{workflow}, round {round}"))?;
        }
    }
    server.stop().await?;
    Ok(fairness)
}

/// Two organizations with one workflow.
struct Pair {
    /// A run of the one that is measured.
    quiet: Target,
    /// A run of the other, not waited for.
    queue: Target,
    /// The lists of the other's runs that have not ended.
    unfinished: [Target; 2],
}

impl Pair {
    async fn round(&self, contrast: &mut Contrast, figure: Duration) -> Result<()> {
        // Both have a process before anything is measured, as organizations that are at work have.
        self.queue.times(1, 1).await?;
        self.end_of_queue().await?;
        let idle = self.quiet.load(1, figure).await?.latencies;
        self.queue.times(QUEUED_BY, QUEUED).await?;
        let beside = self.quiet.load(1, figure).await?.latencies;
        ensure!(
            !is_empty(&self.unfinished[0]).await?,
            "the queue was empty before the measurement ended, which therefore says too little"
        );
        self.end_of_queue().await?;
        contrast.idle_p99.push(idle.percentile(0.99));
        contrast.idle_p50.push(idle.percentile(0.5));
        contrast.beside_p99.push(beside.percentile(0.99));
        contrast.beside_p50.push(beside.percentile(0.5));
        Ok(())
    }

    async fn end_of_queue(&self) -> Result<()> {
        let give_up = Instant::now() + PATIENCE;
        for list in &self.unfinished {
            while !is_empty(list).await? {
                ensure!(Instant::now() < give_up, "queued runs do not end within {} s", PATIENCE.as_secs());
                sleep(LOOK_EVERY).await;
            }
        }
        Ok(())
    }
}

/// First what waits, then what runs: asked in this order, nothing slips through on its way from one to the other.
fn unfinished(server: &Server, org: OrgId) -> [Target; 2] {
    ["Pending", "Running"].map(|status| {
        let path = format!("/api/executions?status={status}&limit=1");
        server.gets([(Some(org), path)].into_iter())
    })
}

async fn is_empty(list: &Target) -> Result<bool> {
    let mut empty = false;
    let look = |_, body: &[u8]| {
        let page: Value = serde_json::from_slice(body)?;
        empty = page["items"].as_array().context("a list without items")?.is_empty();
        Ok(())
    };
    list.each(look).await?;
    Ok(empty)
}
