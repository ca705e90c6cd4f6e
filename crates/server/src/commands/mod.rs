//! The commands of `msp`.

mod backup;
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
    cli::{Cli, Command},
    failure::{self, UsageError},
    logging,
    platform::{Missing, Platform},
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
    let open = async |missing| Platform::open(&cli.places, settings.clone(), missing).await;
    match &cli.command {
        Command::Serve(arguments) => serve::serve(&cli.places, settings, arguments).await,
        Command::Seed(arguments) => seed::seed(&open(Missing::Create).await?, arguments).await,
        Command::Token(arguments) => token::token(&open(Missing::Refuse).await?, arguments).await,
        Command::User(command) => users::user(&open(Missing::Refuse).await?, command).await,
        Command::Pause(arguments) => pauses::pause(&open(Missing::Refuse).await?, arguments).await,
        Command::Resume(target) => pauses::resume(&open(Missing::Refuse).await?, target).await,
        Command::Pauses => pauses::pauses(&open(Missing::Refuse).await?).await,
        Command::Workflows(command) => workflows::workflows(&cli.places, settings, command).await,
        Command::Backup(arguments) => backup::backup(&open(Missing::Refuse).await?, arguments).await,
        Command::Repair(arguments) => repair::repair(&cli.places, settings, arguments).await,
        Command::Secrets(command) => secrets::secrets(open(Missing::Refuse).await?, command).await,
        Command::Restore(arguments) => restore::restore(&cli.places, &settings, arguments).await,
        Command::Simulate(arguments) => simulate::simulate(arguments).await,
        Command::Openapi => openapi::openapi(),
        Command::Worker => Err(UsageError("`msp __worker` is not a command for people".to_owned()).into()),
    }
}
