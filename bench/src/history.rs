//! The history page and the lookup of one execution, in a short history and in a long one.

use crate::{
    load::Target,
    multiply::{APART, multiply},
    options::Options,
    past,
    platform::{Installation, Server},
};
use anyhow::Result;
use chrono::{SubsecRound, Utc};
use msp_domain::{ExecutionId, OrgId};
use serde::Serialize;
use std::time::Instant;

/// The short history.
pub const SHORT: usize = 1_000;
/// Organizations of both. The first one holds half of all executions, so that its page is full in both histories.
pub const ORGANIZATIONS: usize = 200;
/// Executions that are looked up, spread over the whole history.
const LOOKUPS: usize = 997;

/// One value per round, in microseconds, with one caller.
#[derive(Debug, Default, Serialize)]
pub struct Length {
    /// The first page of one organization.
    pub page_p50: Vec<f64>,
    /// The first page over all organizations.
    pub page_of_all_p50: Vec<f64>,
    /// One execution, organization named.
    pub lookup_p50: Vec<f64>,
    /// One execution of any organization, none named.
    pub lookup_in_all_p50: Vec<f64>,
}

/// Both histories.
#[derive(Debug, Default, Serialize)]
pub struct History {
    /// With [`SHORT`] executions.
    pub short: Length,
    /// With as many as are in the next field.
    pub long: Length,
    /// 10^6, unless it was a quick run.
    pub executions: usize,
    /// How long it took to write them.
    pub seeding_seconds: f64,
}

/// Measures.
pub async fn measure(options: &Options) -> Result<History> {
    let executions = options.choice.history();
    let began = Instant::now();
    eprintln!("  history: recording {executions} executions");
    let long = Past::make(options, executions).await?;
    let mut history = History { executions, seeding_seconds: began.elapsed().as_secs_f64(), ..History::default() };
    let short = Past::make(options, SHORT).await?;
    for round in 1..=options.choice.rounds() {
        eprintln!("  history: round {round} of {}", options.choice.rounds());
        short.round(options, &mut history.short).await?;
        long.round(options, &mut history.long).await?;
    }
    short.server.stop().await?;
    long.server.stop().await?;
    Ok(history)
}

/// Puts this many executions on record, half of them of the first organization, and answers which.
pub async fn record(installation: &Installation, executions: usize) -> Result<Vec<(OrgId, ExecutionId)>> {
    let orgs = installation.organizations.clone();
    // The latest of them ends now, to the second.
    let begins_at = Utc::now().trunc_subsecs(0) - APART * i32::try_from(executions)?;
    let first = past::record(installation, begins_at).await?;
    let database = installation.data().join("msp.db");
    let pattern = (first, orgs[0], begins_at);
    let of_all = tokio::task::spawn_blocking(move || {
        let mut of_all = vec![(orgs[0], first)];
        let org_of = |number: usize| if number % 2 == 1 { orgs[0] } else { orgs[1 + number / 2 % (orgs.len() - 1)] };
        multiply(&database, pattern, executions - 1, org_of, |org, id| of_all.push((org, id)))?;
        Ok::<_, anyhow::Error>(of_all)
    });
    let of_all = of_all.await??;
    // As the server would, which is not what is measured.
    installation
        .repositories(Utc::now())
        .await?
        .seals
        .seal_everything(msp_storage::repositories::seals::at_once)
        .await?;
    Ok(of_all)
}

/// A server with a past.
struct Past {
    server: Server,
    page: Target,
    page_of_all: Target,
    lookup: Target,
    lookup_in_all: Target,
    _installation: Installation,
}

impl Past {
    async fn make(options: &Options, executions: usize) -> Result<Self> {
        let installation = Installation::make(options, ORGANIZATIONS).await?;
        let of_all = record(&installation, executions).await?;
        let server = installation.serve(None).await?;
        let big = installation.organizations[0];
        let in_big: Vec<_> = of_all.iter().copied().filter(|(org, _)| *org == big).collect();
        let page = |org| server.gets(std::iter::once((org, "/api/executions".to_owned())));
        let path = |id: ExecutionId| format!("/api/executions/{id}");
        Ok(Self {
            page: page(Some(big)),
            page_of_all: page(None),
            lookup: server.gets(spread(&in_big).into_iter().map(|(org, id)| (Some(org), path(id)))),
            lookup_in_all: server.gets(spread(&of_all).into_iter().map(|(_, id)| (None, path(id)))),
            server,
            _installation: installation,
        })
    }

    async fn round(&self, options: &Options, figures: &mut Length) -> Result<()> {
        let time = options.choice.figure() / 2;
        for (target, series) in [
            (&self.page, &mut figures.page_p50),
            (&self.page_of_all, &mut figures.page_of_all_p50),
            (&self.lookup, &mut figures.lookup_p50),
            (&self.lookup_in_all, &mut figures.lookup_in_all_p50),
        ] {
            series.push(target.load(1, time).await?.latencies.percentile(0.5));
        }
        Ok(())
    }
}

/// A part of them, spread evenly and in an order that jumps about.
fn spread(all: &[(OrgId, ExecutionId)]) -> Vec<(OrgId, ExecutionId)> {
    let count = all.len().min(LOOKUPS);
    // A step without a common factor with a prime number visits everything once.
    let jump = |number: usize| number * 389 % count;
    (0..count).map(|number| all[jump(number) * all.len() / count]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn lookups_are_spread_over_the_whole_history() {
        let org = OrgId::random();
        let all: Vec<_> = (0..10_000).map(|_| (org, ExecutionId::random())).collect();
        let some = spread(&all);
        assert_eq!(some.iter().collect::<HashSet<_>>().len(), LOOKUPS);
        let last_tenth: HashSet<_> = all[9_000..].iter().collect();
        assert!(some.iter().filter(|one| last_tenth.contains(one)).count() > LOOKUPS / 12);
    }
}
