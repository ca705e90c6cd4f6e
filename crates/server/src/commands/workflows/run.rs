//! `msp workflows run`.

use super::{
    client::{Client, ExecutionView},
    follow::{follow, plain},
    parameters,
};
use crate::{
    cli::{Places, Run},
    commands::token,
    failure::{Reported, UsageError},
    platform::{Missing, Platform},
    running::RunningServer,
    sealing::seal_rest,
    serving::{Listen, Serving, stop_signal},
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
            seal_rest(&platform.repositories.seals).await;
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
            serving.stop(stop_signal()?).await?;
            outcome
        }
    }
}

async fn run_on(client: &Client, arguments: &Run, input: &serde_json::Map<String, serde_json::Value>) -> Result<()> {
    let interrupted = stop_signal()?;
    let id = client.start(&arguments.name, input).await?;
    if arguments.detach {
        println!("{id}");
        return Ok(());
    }
    eprintln!("execution {id}");
    let execution = follow_or_cancel(client, &id, interrupted).await?;
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

/// Follows a run to its end. The first interrupt asks the server to cancel it, the second leaves it alone.
async fn follow_or_cancel(client: &Client, id: &str, interrupted: impl Future<Output = ()>) -> Result<ExecutionView> {
    let following = async { follow(client, id).await.context("the execution can no longer be followed") };
    tokio::pin!(following);
    tokio::select! {
        execution = &mut following => return execution,
        () = interrupted => {}
    }
    let again = stop_signal()?;
    eprintln!("Cancelling; press Ctrl-C again to leave without waiting.");
    if let Err(error) = client.cancel(id).await {
        eprintln!("It cannot be cancelled: {error:#}");
    }
    tokio::select! {
        execution = &mut following => execution,
        () = again => {
            eprintln!("Left; the execution {id} may still be running.");
            Err(Reported.into())
        }
    }
}
