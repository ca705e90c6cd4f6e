//! `msp workflows`.

mod check;
pub(super) mod client;
mod follow;
mod list;
pub(super) mod load;
mod new;
mod parameters;
mod run;

use crate::{
    cli::{Places, Workflows},
    settings::Settings,
};
use anyhow::Result;

/// Lists, checks, writes or runs workflows.
pub async fn workflows(places: &Places, settings: Settings, command: &Workflows) -> Result<()> {
    match command {
        Workflows::List => list::list(places, &settings).await,
        Workflows::New { name } => new::new(&places.workspace, name),
        Workflows::Check => check::check(places, &settings).await,
        Workflows::Run(arguments) => run::run(places, settings, arguments).await,
    }
}
