//! The commands of `msp`.

mod audit;
mod backup;
mod exchange;
mod openapi;
mod pauses;
mod repair;
mod restore;
mod secrets;
mod seed;
mod serve;
mod simulate;
mod token;
mod users;
mod workflows;

use crate::{
    cli::{Cli, Command, Places},
    failure::{self, UsageError},
    logging,
    platform::{Missing, Platform},
    sealing::seal_rest,
    settings::Settings,
};
use anyhow::{Context, Result};
use clap::Parser;
use std::process::ExitCode;

/// Reads the command line and does what it says.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the runtime cannot be started")
        .and_then(|runtime| runtime.block_on(dispatch(&cli)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::report(&error),
    }
}

async fn dispatch(cli: &Cli) -> Result<()> {
    let settings = Settings::load(cli.places.settings.as_deref())?;
    let is_server = matches!(cli.command, Command::Serve(_) | Command::Simulate(_));
    logging::start(settings.log.as_deref(), settings.log_format, !is_server);
    let places = &cli.places;
    let (create, refuse) = (Missing::Create, Missing::Refuse);
    match &cli.command {
        Command::Serve(arguments) => serve::serve(places, settings, arguments).await,
        Command::Seed(arguments) => on(places, settings, create, async |it| seed::seed(it, arguments).await).await,
        Command::Token(arguments) => on(places, settings, refuse, async |it| token::token(it, arguments).await).await,
        Command::User(command) => on(places, settings, refuse, async |it| users::user(it, command).await).await,
        Command::Pause(arguments) => on(places, settings, refuse, async |it| pauses::pause(it, arguments).await).await,
        Command::Resume(target) => on(places, settings, refuse, async |it| pauses::resume(it, target).await).await,
        Command::Pauses => on(places, settings, refuse, async |it| pauses::pauses(it).await).await,
        Command::Backup(arguments) => {
            on(places, settings, refuse, async |it| backup::backup(it, arguments).await).await
        }
        Command::Import(arguments) => {
            on(places, settings, refuse, async |it| exchange::import(it, arguments).await).await
        }
        Command::Export(arguments) => {
            on(places, settings, refuse, async |it| exchange::export(it, arguments).await).await
        }
        Command::Audit(command) => on(places, settings, refuse, async |it| audit::audit(it, command).await).await,
        Command::Secrets(command) => on(places, settings, refuse, async |it| secrets::secrets(it, command).await).await,
        Command::Workflows(command) => workflows::workflows(places, settings, command).await,
        Command::Repair(arguments) => repair::repair(places, settings, arguments).await,
        Command::Restore(arguments) => restore::restore(places, &settings, arguments).await,
        Command::Simulate(arguments) => simulate::simulate(arguments).await,
        Command::Openapi => openapi::openapi(),
        Command::Worker => Err(UsageError("`msp __worker` is not a command for people".to_owned()).into()),
    }
}

/// Does something with an open installation, and seals what it left on the audit trail, also when it failed.
async fn on(
    places: &Places,
    settings: Settings,
    missing: Missing,
    command: impl AsyncFnOnce(&Platform) -> Result<()>,
) -> Result<()> {
    let platform = Platform::open(places, settings, missing).await?;
    let outcome = command(&platform).await;
    seal_rest(&platform.repositories.seals).await;
    outcome
}
