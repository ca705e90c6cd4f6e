//! `msp workflows run`.

use super::{
    client::Client,
    follow::{follow, plain},
    parameters,
};
use crate::{
    cli::{Places, Run},
    commands::token,
    failure::{Reported, UsageError},
    platform::{Missing, Platform},
    running::RunningServer,
    serving::{Listen, Serving},
    settings::Settings,
};
use anyhow::{Context, Result, anyhow};
use msp_domain::ExecutionStatus;
use msp_storage_local::{OpenError, lock_engine};
use std::net::{Ipv4Addr, SocketAddr};

/// Runs a workflow on the running server, or on an engine started for this one run.
pub async fn run(places: &Places, settings: Settings, arguments: &Run) -> Result<()> {
    let input = parameters::read(arguments)?;
    let platform = Platform::open(places, settings, Missing::Create).await?;
    platform.ensure_administrator().await?;
    let org = match &arguments.org {
        Some(org) => Some(platform.organization(org).await?.id),
        None => None,
    };
    let user = platform.user_or_administrator(arguments.user.as_deref()).await?;
    // Whoever gets the lock knows that no server runs, whatever a file that was left behind says.
    match lock_engine(&platform.data) {
        Err(OpenError::EngineRunning { .. }) => {
            let server = RunningServer::find(&platform.data).ok_or_else(|| {
                anyhow!(
                    "an engine works in {} but takes no requests; try again when it has ended",
                    platform.data.display()
                )
            })?;
            let token = token::mint(&platform, &user).await?;
            run_on(&Client::new(&server.url, token, org)?, arguments, &input).await
        }
        Err(error) => Err(error.into()),
        Ok(_) if arguments.detach => {
            Err(UsageError("--async needs a running server: nobody would run it afterwards".to_owned()).into())
        }
        Ok(lock) => {
            let token = token::mint(&platform, &user).await?;
            let listen = Listen { address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), announce: false };
            let serving = Serving::start(platform, lock, listen).await?;
            let outcome = match serving.engine().await {
                Ok(_) => run_on(&Client::new(serving.url(), token, org)?, arguments, &input).await,
                Err(error) => Err(error),
            };
            serving.stop(std::future::pending()).await?;
            outcome
        }
    }
}

async fn run_on(client: &Client, arguments: &Run, input: &serde_json::Map<String, serde_json::Value>) -> Result<()> {
    let id = client.start(&arguments.name, input).await?;
    if arguments.detach {
        println!("{id}");
        return Ok(());
    }
    eprintln!("execution {id}");
    let execution = follow(client, &id).await.context("the execution can no longer be followed")?;
    if let Some(result) = &execution.result {
        println!("{}", result.get());
    } else if let Some(address) = &execution.result_url {
        println!("{address}");
    }
    if execution.status == ExecutionStatus::Success {
        eprintln!("{}", execution.status);
        return Ok(());
    }
    let reason = execution.error_type.map_or_else(String::new, |reason| format!(" ({reason})"));
    let message = execution.error_message.map_or_else(String::new, |message| format!(": {message}"));
    eprintln!("{}{}", execution.status, plain(&format!("{reason}{message}")));
    Err(Reported.into())
}
