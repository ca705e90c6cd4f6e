//! Executions and options under load, beside their floors and the FastAPI service, all in turn in every round.

use crate::{
    children::{resident_mib, started_by},
    echo::Echo,
    floors::{self, Hello},
    load::Target,
    log_size::LogSize,
    options::Options,
    platform::{Installation, Server},
    service::Service,
};
use anyhow::Result;
use serde::Serialize;
use std::time::Duration;

/// Processes beyond one per organization: the spares, and room for one that is being replaced.
const WORKERS_TO_SPARE: usize = 8;

/// One value per round; times in microseconds.
#[derive(Debug, Default, Serialize)]
pub struct Figures {
    /// H, one caller.
    pub hello_p50: Vec<f64>,
    /// H, 64 callers.
    pub hello_per_second: Vec<f64>,
    /// E.
    pub echo_p50: Vec<f64>,
    /// F.
    pub append_p50: Vec<f64>,
    /// An execution, one caller.
    pub run_p50: Vec<f64>,
    /// 16 callers.
    pub run_16_p50: Vec<f64>,
    /// 16 callers.
    pub run_16_p99: Vec<f64>,
    /// 64 callers.
    pub run_64_per_second: Vec<f64>,
    /// An option generator, one caller.
    pub options_p50: Vec<f64>,
    /// FastAPI, one caller.
    pub service_p50: Vec<f64>,
    /// FastAPI, 64 callers.
    pub service_64_per_second: Vec<f64>,
    /// What is left when 64 callers are gone.
    pub memory: Memory,
    /// The largest write-ahead log, in MiB.
    pub log_mib: f64,
}

/// Resident memory, in MiB.
#[derive(Debug, Default, Serialize)]
pub struct Memory {
    /// Of the server.
    pub server: f64,
    /// Of each worker, the largest first.
    pub workers: Vec<f64>,
}

/// Measures with this many organizations in turn, each with a warm worker of its own when there are several.
pub async fn measure(options: &Options, organizations: usize) -> Result<Figures> {
    let installation = Installation::make(options, organizations).await?;
    let all = &installation.organizations;
    let service = Service::start(options, organizations).await?;
    let hello = Hello::start(&options.folder).await?;
    let mut echo = Echo::start(options, organizations)?;
    let workers = (organizations > 1).then_some(organizations + WORKERS_TO_SPARE);
    let server = installation.serve(workers).await?;
    server.check(all).await?;
    let (runs, choices) = (server.executions(all), server.options(all));
    warm_up(&[&runs, &choices, &service.target], options.choice.figure()).await?;

    let log = LogSize::watch(&installation.data());
    let mut figures = Figures::default();
    let time = options.choice.figure();
    for round in 1..=options.choice.rounds() {
        eprintln!("  {organizations} organization(s): round {round} of {}", options.choice.rounds());
        figures.hello_p50.push(p50(&hello.target, 1, time / 2).await?);
        figures.echo_p50.push(echo.measure(time / 2).await?.percentile(0.5));
        figures.append_p50.push(floors::appends(&options.folder)?.percentile(0.5));
        figures.run_p50.push(p50(&runs, 1, time).await?);
        figures.service_p50.push(p50(&service.target, 1, time).await?);
        figures.options_p50.push(p50(&choices, 1, time / 2).await?);
        let load = runs.load(16, time).await?;
        figures.run_16_p50.push(load.latencies.percentile(0.5));
        figures.run_16_p99.push(load.latencies.percentile(0.99));
        figures.run_64_per_second.push(runs.load(64, time).await?.per_second);
        figures.service_64_per_second.push(service.target.load(64, time).await?.per_second);
        figures.hello_per_second.push(hello.target.load(64, time / 2).await?.per_second);
    }
    eprintln!("  {organizations} organization(s): 64 callers for {} s", options.choice.sustained().as_secs());
    runs.load(64, options.choice.sustained()).await?;
    figures.log_mib = log.largest_mib();
    figures.memory = memory(&server)?;
    server.stop().await?;
    service.stop().await?;
    hello.stop().await?;
    Ok(figures)
}

/// What 200 organizations cost with as many workers as the server chooses by itself.
#[derive(Debug, Default, Serialize)]
pub struct Shared {
    /// One of them is active: its p50 with one caller.
    pub active_p50: Vec<f64>,
    /// Each in turn, so that nearly every run is the first of its process: p50 with one caller.
    pub in_turn_p50: Vec<f64>,
    /// The floors of the same rounds: H + E + 2F.
    pub floor: Vec<f64>,
}

/// Measures what [`Shared`] names.
pub async fn measure_shared(options: &Options, organizations: usize) -> Result<Shared> {
    let installation = Installation::make(options, organizations).await?;
    let hello = Hello::start(&options.folder).await?;
    // One organization is active, and so is one process.
    let mut echo = Echo::start(options, 1)?;
    let server = installation.serve(None).await?;
    let one = server.executions(&installation.organizations[..1]);
    let all = server.executions(&installation.organizations);
    let mut shared = Shared::default();
    let time = options.choice.figure();
    for round in 1..=options.choice.rounds() {
        eprintln!("  {organizations} organizations, default workers: round {round} of {}", options.choice.rounds());
        let hello_p50 = p50(&hello.target, 1, time / 2).await?;
        let echo_p50 = echo.measure(time / 2).await?.percentile(0.5);
        shared.floor.push(hello_p50 + echo_p50 + 2.0 * floors::appends(&options.folder)?.percentile(0.5));
        warm_up(&[&one], time / 4).await?;
        shared.active_p50.push(p50(&one, 1, time).await?);
        shared.in_turn_p50.push(p50(&all, 1, time).await?);
    }
    server.stop().await?;
    hello.stop().await?;
    Ok(shared)
}

async fn p50(target: &Target, callers: usize, time: Duration) -> Result<f64> {
    Ok(target.load(callers, time).await?.latencies.percentile(0.5))
}

/// So that every process that will be needed runs before the first round.
async fn warm_up(targets: &[&Target], time: Duration) -> Result<()> {
    for target in targets {
        target.load(64, time).await?;
    }
    Ok(())
}

fn memory(server: &Server) -> Result<Memory> {
    let id = server.id()?;
    let mut workers = started_by(id)?.into_iter().map(resident_mib).collect::<Result<Vec<_>>>()?;
    workers.sort_unstable_by(|a, b| b.total_cmp(a));
    Ok(Memory { server: resident_mib(id)?, workers })
}
