//! The search over many organizations and forms: the first one after a start, and those that follow.

use crate::{options::Options, platform::Installation};
use anyhow::{Result, ensure};
use chrono::Utc;
use msp_domain::{OrgId, Scope, form::FormSchema};
use msp_storage::repositories::Actor;
use serde::Serialize;
use serde_json::json;
use std::time::{Duration, Instant};

/// Organizations, and forms of each.
pub const ORGANIZATIONS: usize = 500;
pub const FORMS_OF_EACH: usize = 20;
/// How soon the first answer must be there (issue 5, "Search").
pub const FIRST_WITHIN: Duration = Duration::from_millis(150);

/// One value per round, in microseconds.
#[derive(Debug, Default, Serialize)]
pub struct Search {
    /// The first search of a server that is ready.
    pub first: Vec<f64>,
    /// Those after it, one caller.
    pub p50: Vec<f64>,
}

/// Measures.
pub async fn measure(options: &Options) -> Result<Search> {
    eprintln!("  search: writing {} forms", ORGANIZATIONS * FORMS_OF_EACH);
    let installation = Installation::make(options, ORGANIZATIONS).await?;
    write_forms(&installation, &installation.organizations, FORMS_OF_EACH).await?;
    let mut figures = Search::default();
    for round in 1..=options.choice.rounds() {
        eprintln!("  search: round {round} of {}", options.choice.rounds());
        let server = installation.serve(None).await?;
        let target = server.gets(std::iter::once((None, "/api/search?q=onboard".to_owned())));
        let began = Instant::now();
        target
            .each(|_, body| {
                let answer: serde_json::Value = serde_json::from_slice(body)?;
                ensure!(answer["groups"][0]["type"] == "forms", "nothing was found: {answer}");
                Ok(())
            })
            .await?;
        figures.first.push(began.elapsed().as_secs_f64() * 1e6);
        figures.p50.push(target.load(1, options.choice.figure() / 2).await?.latencies.percentile(0.5));
        server.stop().await?;
    }
    Ok(figures)
}

/// Gives each of these organizations this many forms.
pub async fn write_forms(installation: &Installation, organizations: &[OrgId], of_each: usize) -> Result<()> {
    let forms = installation.repositories(Utc::now()).await?.forms;
    for org in organizations {
        for number in 0..of_each {
            let document = json!({
                "name": format!("{} {number}", if number % 4 == 0 { "Onboard a user" } else { "Change a mailbox" }),
                "description": "What a technician does every day, described in a sentence",
                "category": "People", "workflow": "bench_echo",
                "fields": [{ "name": "text", "label": "What to say", "type": "text", "required": true }],
            });
            let schema = FormSchema::parse(&document).map_err(|faults| anyhow::anyhow!("no form: {faults:?}"))?;
            forms.create(Scope::Org(*org), &schema, &Actor::PLATFORM).await?;
        }
    }
    Ok(())
}
