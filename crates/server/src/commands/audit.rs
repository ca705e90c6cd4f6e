//! `msp audit`: whether the audit trail is as it was written, and what to keep elsewhere to tell.

use crate::{
    cli::{Audit, VerifyAudit},
    failure::{Reported, UsageError},
    platform::Platform,
};
use anyhow::{Context, Result};
use chrono::SecondsFormat;
use msp_domain::Scope;
use msp_storage::repositories::seals::{Anchor, ChainState, Fault, Verified, at_once};
use std::{fs, path::Path};

/// Faults printed one by one at most.
const SHOWN: u64 = 200;

/// Checks the trail, or prints what to keep.
pub async fn audit(platform: &Platform, command: &Audit) -> Result<()> {
    match command {
        Audit::Verify(arguments) => verify(platform, arguments).await,
        Audit::Anchors => anchors(platform).await,
    }
}

async fn verify(platform: &Platform, arguments: &VerifyAudit) -> Result<()> {
    let only = match arguments.org.as_deref() {
        Some("GLOBAL") => Some(Scope::Global),
        Some(org) => Some(Scope::Org(platform.organization(org).await?.id)),
        None => None,
    };
    let mut kept = Vec::new();
    for file in &arguments.anchors {
        kept.extend(read_anchors(file)?);
    }
    let mut seen = 0;
    let mut print = |fault: &Fault| {
        seen += 1;
        if seen <= SHOWN {
            println!("{fault}");
        }
    };
    let verified = platform.repositories.seals.verify(only, &kept, &mut print).await?;
    if verified.faults > SHOWN {
        println!("... and {} more", verified.faults - SHOWN);
    }
    verified.chains.iter().filter_map(told).for_each(|line| println!("{line}"));
    println!("{}", summary(&verified, kept.len()));
    if verified.faults > 0 {
        eprintln!("error: the audit trail is not as it was written: {} faults, see above", verified.faults);
        return Err(Reported.into());
    }
    Ok(())
}

/// What is worth telling of a chain without faults.
fn told(chain: &ChainState) -> Option<String> {
    let key = chain.scope.key();
    if let Some(since) = chain.unsealed_since {
        let since = since.to_rfc3339_opts(SecondsFormat::Secs, true);
        return Some(format!("{key}: {} rows are not sealed yet, the oldest of {since}", chain.unsealed));
    }
    let removed = chain.checkpoint.as_ref()?;
    let when = removed.removed_at.to_rfc3339_opts(SecondsFormat::Secs, true);
    Some(format!("{key}: retention removed {} rows until {when}, as its checkpoint says", removed.rows))
}

fn summary(verified: &Verified, anchors: usize) -> String {
    let rows: u64 = verified.chains.iter().map(|chain| chain.rows).sum();
    let unsealed: u64 = verified.chains.iter().map(|chain| chain.unsealed).sum();
    let mut text = format!("{} chains, {rows} sealed rows, {unsealed} not sealed yet", verified.chains.len());
    if anchors > 0 {
        text += &format!("; {} of {anchors} anchors compared", verified.anchored);
    }
    text
}

fn read_anchors(file: &Path) -> Result<Vec<Anchor>> {
    let text = fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    Ok(Anchor::parse_lines(&text).map_err(|fault| UsageError(format!("{}: {fault}", file.display())))?)
}

async fn anchors(platform: &Platform) -> Result<()> {
    // What was written until now belongs to them.
    platform.repositories.seals.seal_everything(at_once).await?;
    for anchor in platform.repositories.seals.anchors().await? {
        println!("{}", serde_json::to_string(&anchor).context("an anchor cannot be written")?);
    }
    Ok(())
}
