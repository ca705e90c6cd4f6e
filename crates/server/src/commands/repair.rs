//! `msp repair`.

use crate::{
    cli::{Places, Repair},
    failure::Reported,
    platform::{Missing, Platform},
    sealing::seal_rest,
    settings::Settings,
};
use anyhow::Result;
use msp_storage::repositories::{
    Actor,
    repair::{Finding, Tally},
};
use msp_storage_local::{LocalHome, lock_engine};

/// Findings printed one by one at most: a list nobody reads to its end helps nobody.
const SHOWN: usize = 200;

/// Looks for what does not fit together and puts it right.
pub async fn repair(places: &Places, settings: Settings, arguments: &Repair) -> Result<()> {
    let faults = LocalHome::faults(&places.data).await?;
    if !faults.is_empty() {
        faults.iter().for_each(|fault| eprintln!("{fault}"));
        eprintln!("error: the database itself is damaged, and nothing was changed; restore a backup with msp restore");
        return Err(Reported.into());
    }
    let platform = Platform::open(places, settings, Missing::Refuse).await?;
    let _lock = lock_engine(&platform.data)?;
    let mut seen = 0;
    let mut print = |finding: &Finding| {
        seen += 1;
        if seen <= SHOWN {
            println!("{finding}");
        }
    };
    let Tally { repairable, beyond_repair } =
        platform.repositories.repair(!arguments.dry_run, &Actor::PLATFORM, &mut print).await?;
    seal_rest(&platform.repositories.seals).await;
    if seen > SHOWN {
        println!("... and {} more", seen - SHOWN);
    }
    match (repairable, arguments.dry_run) {
        (0, _) => println!("Nothing to repair."),
        (count, true) => println!("{count} to repair; nothing was changed."),
        (count, false) => println!("{count} repaired."),
    }
    if beyond_repair > 0 {
        eprintln!("error: {beyond_repair} cannot be repaired here; see above, and docs/operations.md");
        return Err(Reported.into());
    }
    Ok(())
}
