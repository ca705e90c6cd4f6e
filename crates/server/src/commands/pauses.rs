//! `msp pause`, `msp resume` and `msp pauses`: the emergency stop from the command line.
//!
//! The stop itself is written to the store, so it works whatever state the server is in; a running server obeys from its
//! next run on. Only what a server alone can do is asked of it: knowing the workflows, and cancelling what runs.

use super::{token, users::plain, workflows::client::Client};
use crate::{
    cli::{Pause, PauseTargetArguments},
    failure::UsageError,
    platform::Platform,
    running::RunningServer,
};
use anyhow::{Context, Result};
use msp_domain::{PauseTarget, pause, workflow::nearest};
use msp_storage::repositories::Actor;

/// How the command line is named in a pause.
const COMMAND_LINE: &str = "the command line";

/// Pauses what the arguments name.
pub async fn pause(platform: &Platform, arguments: &Pause) -> Result<()> {
    let reason =
        pause::reason(&arguments.reason).map_err(|fault| UsageError(format!("`--reason` is not usable: {fault}")))?;
    let target = target(platform, &arguments.target).await?;
    if let PauseTarget::Workflow(name) = &target {
        must_be_known(platform, name).await?;
    }
    platform.repositories.pauses.pause(&target, reason, COMMAND_LINE, &Actor::PLATFORM).await?;
    println!("{target}");
    if arguments.cancel_running {
        let server = RunningServer::find(&platform.data);
        let Some(server) = server else {
            eprintln!("Paused. No server runs, so there is nothing to cancel.");
            return Ok(());
        };
        let asked = client(platform, &server).await?.pause(&target, reason).await;
        let count = asked.context("it is paused, but what runs could not be cancelled")?;
        eprintln!("Paused. {count} running executions were asked to give way.");
    } else {
        eprintln!("Paused. What runs already goes on to its end; --cancel-running ends it as well.");
    }
    Ok(())
}

/// Resumes what the arguments name.
pub async fn resume(platform: &Platform, arguments: &PauseTargetArguments) -> Result<()> {
    let target = target(platform, arguments).await?;
    match platform.repositories.pauses.resume(&target, &Actor::PLATFORM).await? {
        Some(_) => eprintln!("Resumed."),
        None => eprintln!("`{target}` was not paused."),
    }
    let left = platform.repositories.pauses.list().await?;
    if !left.is_empty() {
        let left: Vec<_> = left.iter().map(|pause| format!("`{}`", pause.target)).collect();
        eprintln!("Still paused: {}.", left.join(", "));
    }
    Ok(())
}

/// Lists what is paused.
pub async fn pauses(platform: &Platform) -> Result<()> {
    for pause in platform.repositories.pauses.list().await? {
        let at = pause.paused_at.format("%Y-%m-%dT%H:%M:%SZ");
        let by = plain(&pause.paused_by_name);
        println!("{}  {at}  {by}  {}", pause.target, plain(&pause.reason));
    }
    Ok(())
}

async fn target(platform: &Platform, arguments: &PauseTargetArguments) -> Result<PauseTarget> {
    match (&arguments.workflow, &arguments.org) {
        (Some(name), _) => {
            Ok(format!("workflow:{name}").parse().map_err(|fault| UsageError(format!("`{name}`: {fault}")))?)
        }
        (None, Some(org)) => Ok(PauseTarget::Organization(platform.organization(org).await?.id)),
        (None, None) => Ok(PauseTarget::Everything),
    }
}

/// A misspelt name would stop nothing. Without a server that answers nobody can tell, and the stop must not wait for one.
async fn must_be_known(platform: &Platform, name: &str) -> Result<()> {
    let Some(server) = RunningServer::find(&platform.data) else { return Ok(()) };
    let names = async { client(platform, &server).await?.workflow_names().await };
    let Ok(names) = names.await else {
        eprintln!("The server does not answer, so nobody can say whether there is a workflow `{name}`.");
        return Ok(());
    };
    if names.iter().any(|known| known == name) {
        return Ok(());
    }
    let advice = nearest(name, names.iter().map(String::as_str))
        .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    Err(UsageError(format!("the server knows no workflow `{name}`{advice}")).into())
}

async fn client(platform: &Platform, server: &RunningServer) -> Result<Client> {
    let administrator = platform.user_or_administrator(None).await?;
    Client::new(&server.url, token::mint(platform, &administrator).await?, None)
}
