//! From the start of the server's process to the first finished execution.

use crate::{
    children::{Background, free_address},
    floors,
    http::Connection,
    options::Options,
    platform::{Installation, execution},
    samples::median,
};
use anyhow::{Result, bail, ensure};
use serde::Serialize;
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// Starts of each kind in one round.
const STARTS: usize = 3;
/// How soon is asked again while nobody answers yet.
const AGAIN_AFTER: Duration = Duration::from_millis(1);
/// Only reached by a failure.
const PATIENCE: Duration = Duration::from_secs(60);

/// One value per round, each the median of a few starts, in milliseconds.
#[derive(Debug, Default, Serialize)]
pub struct ColdStart {
    /// The server.
    pub server_ms: Vec<f64>,
    /// A Python process that imports asyncio and ends.
    pub python_ms: Vec<f64>,
}

/// Measures, on a data folder that exists already.
pub async fn measure(options: &Options) -> Result<ColdStart> {
    let installation = Installation::make(options, 1).await?;
    let server = installation.serve(None).await?;
    server.check(&installation.organizations).await?;
    server.stop().await?;
    let token = installation.token().await?;
    let mut figures = ColdStart::default();
    for round in 1..=options.choice.rounds() {
        eprintln!("  cold start: round {round} of {}", options.choice.rounds());
        let (mut ours, mut python) = (Vec::new(), Vec::new());
        for _ in 0..STARTS {
            python.push(floors::python_start(&options.python)?);
            ours.push(start(options, &installation, &token).await?);
        }
        figures.server_ms.push(median(&ours));
        figures.python_ms.push(median(&python));
    }
    Ok(figures)
}

async fn start(options: &Options, installation: &Installation, token: &str) -> Result<f64> {
    let address = free_address()?;
    let mut serve = installation.msp(&["serve", "--listen", &address.to_string(), "--no-sign-in-link"]);
    let request = execution(address, token, installation.organizations[0]);
    let began = Instant::now();
    let background = Background::start(&mut serve, options.folder.join("cold.log"))?;
    let answered = first_answer(address, &request, began).await;
    let took = began.elapsed();
    if let Err(error) = answered {
        bail!("{error:#}\n{}", background.last_words());
    }
    background.stop().await?;
    Ok(took.as_secs_f64() * 1000.0)
}

/// Asks until the run is answered; refused while nobody listens, and 503 while the engine starts.
async fn first_answer(address: SocketAddr, request: &[u8], began: Instant) -> Result<()> {
    loop {
        if let Ok(mut connection) = Connection::open(address).await {
            loop {
                let answer = connection.ask(request).await?;
                match answer.status {
                    200 => return Ok(()),
                    503 => {}
                    status => bail!("{status}: {}", String::from_utf8_lossy(answer.body)),
                }
                ensure!(began.elapsed() < PATIENCE, "the engine does not start");
                sleep(AGAIN_AFTER).await;
            }
        }
        ensure!(began.elapsed() < PATIENCE, "nobody listens on {address}");
        sleep(AGAIN_AFTER).await;
    }
}
