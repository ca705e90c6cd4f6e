//! The FastAPI service that does the same work with the same durability (`bench/fastapi`).

use crate::{
    children::{Background, command, finish, free_address, is_ready},
    http::request,
    load::Target,
    options::Options,
};
use anyhow::{Context, Result};
use serde::Deserialize;
use tempfile::TempDir;

/// The running service.
pub struct Service {
    background: Background,
    /// The same workflow, for its organizations in turn.
    pub target: Target,
    /// Its data, removed at the end.
    _folder: TempDir,
}

/// What its own seeding prints.
#[derive(Deserialize)]
struct Seeded {
    token: String,
    organizations: Vec<String>,
}

impl Service {
    /// Starts it with this many organizations: one process, as `uvicorn` runs it by default.
    pub async fn start(options: &Options, organizations: usize) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("fastapi-").tempdir_in(&options.folder)?;
        let data = folder.path().join("data");
        let sources = options.sources.join("fastapi");
        let mut seed = command(&options.service_python);
        seed.arg(sources.join("seed.py")).arg("--data").arg(&data);
        let printed = finish(seed.args(["--organizations", &organizations.to_string()])).await?;
        let seeded: Seeded = serde_json::from_str(&printed).context("the service's seeding printed something else")?;

        let address = free_address()?;
        let mut serve = command(&options.service_python);
        serve.args(["-m", "uvicorn", "service:app", "--no-access-log", "--log-level", "warning", "--app-dir"]);
        serve.arg(&sources).args(["--host", "127.0.0.1", "--port", &address.port().to_string()]);
        // Callers that wait for the last of 64 to be ready must not lose their connections meanwhile.
        serve.args(["--timeout-keep-alive", "60"]);
        let mut background = Background::start(serve.env("BENCH_DATA", &data), folder.path().join("service.log"))?;
        background.until("the FastAPI service", async || is_ready(address).await.then_some(())).await?;
        let authorization = format!("Bearer {}", seeded.token);
        let execution = |organization: &String| {
            let headers = [("authorization", authorization.as_str()), ("x-organization-id", organization)];
            request(address, "POST", "/workflows/bench_echo", &headers, r#"{"text":"measured"}"#)
        };
        let requests = seeded.organizations.iter().map(execution).collect();
        Ok(Self { background, target: Target::new("the FastAPI service", address, requests), _folder: folder })
    }

    /// Ends it.
    pub async fn stop(self) -> Result<()> {
        self.background.stop().await
    }
}
