//! Every unfiltered list in a large installation and in a small one: its first page, and one in the middle.

use crate::{
    history,
    load::Target,
    options::Options,
    platform::{Installation, Server},
    search::{FORMS_OF_EACH, ORGANIZATIONS, write_forms},
};
use anyhow::{Context, Result};
use msp_domain::OrgId;
use serde::Serialize;
use serde_json::Value;

/// Organizations and people of the small one, and forms of its first organization: two pages of them.
pub const FEW: usize = 10;
/// Items of a page, so that the small one has a page in the middle.
const PAGE: usize = 5;
/// Items of the pages with which the middle is looked for.
const STRIDE: usize = 200;

/// The lists that grow with an installation; `{org}` is its first organization, `{user}` its administrator. Others end at a
/// number of their own: the config of an organization, its rules, the rows of a batch, the files of a run.
const LISTS: [(&str, &str, Where); 12] = [
    ("organizations", "/api/organizations", Where::Everywhere),
    ("users", "/api/users", Where::Everywhere),
    ("service accounts", "/api/service-accounts", Where::Everywhere),
    ("who reaches an organization", "/api/organizations/{org}/permissions", Where::Everywhere),
    ("what an administrator reaches", "/api/users/{user}/organizations", Where::Everywhere),
    ("access review", "/api/access-review", Where::Everywhere),
    ("forms of one organization", "/api/forms", Where::InOne),
    ("forms of all", "/api/forms", Where::Everywhere),
    ("executions of one organization", "/api/executions", Where::InOne),
    ("executions of all", "/api/executions", Where::Everywhere),
    ("audit trail of one organization", "/api/audit-logs", Where::InOne),
    ("audit trail of all", "/api/audit-logs", Where::Everywhere),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Where {
    InOne,
    Everywhere,
}

/// One value per round, in microseconds, with one caller.
#[derive(Debug, Default, Serialize)]
pub struct Page {
    /// In the large installation.
    pub large: Vec<f64>,
    /// In the small one.
    pub small: Vec<f64>,
}

/// One list.
#[derive(Debug, Default, Serialize)]
pub struct List {
    /// What it lists.
    pub name: &'static str,
    /// Its first page.
    pub first: Page,
    /// A page in its middle.
    pub middle: Page,
}

/// Measures.
pub async fn measure(options: &Options) -> Result<Vec<List>> {
    let executions = options.choice.history();
    eprintln!("  lists: recording {executions} executions of {ORGANIZATIONS} organizations");
    let large = Installation::make(options, ORGANIZATIONS).await?;
    write_forms(&large, &large.organizations, FORMS_OF_EACH).await?;
    let large = Lists::of(large, executions).await?;
    let small = Installation::make(options, FEW).await?;
    write_forms(&small, &small.organizations[..1], FEW).await?;
    let small = Lists::of(small, history::SHORT).await?;
    let mut lists: Vec<List> = LISTS.iter().map(|(name, ..)| List { name, ..List::default() }).collect();
    for round in 1..=options.choice.rounds() {
        eprintln!("  lists: round {round} of {}", options.choice.rounds());
        for (number, list) in lists.iter_mut().enumerate() {
            list.first.small.push(small.pages[number].0.p50(options).await?);
            list.first.large.push(large.pages[number].0.p50(options).await?);
            list.middle.small.push(small.pages[number].1.p50(options).await?);
            list.middle.large.push(large.pages[number].1.p50(options).await?);
        }
    }
    small.server.stop().await?;
    large.server.stop().await?;
    Ok(lists)
}

/// A server, and the first and a middle page of every list.
struct Lists {
    pages: Vec<(Target, Target)>,
    server: Server,
    _installation: Installation,
}

impl Lists {
    /// Adds people and executions.
    async fn of(installation: Installation, executions: usize) -> Result<Self> {
        let administrator = installation.people().await?.key();
        let _ = history::record(&installation, executions).await?;
        let server = installation.serve_administrator().await?;
        let (mut pages, one) = (Vec::new(), installation.organizations[0]);
        for (name, path, place) in LISTS {
            let org = (place == Where::InOne).then_some(one);
            let path = &path.replace("{org}", &one.key()).replace("{user}", &administrator);
            let page = |cursor: &str| server.gets(std::iter::once((org, format!("{path}?limit={PAGE}{cursor}"))));
            let middle = middle(&server, org, path).await.with_context(|| format!("the list of {name}"))?;
            pages.push((page(""), page(&middle)));
        }
        Ok(Self { pages, server, _installation: installation })
    }
}

/// The cursor of a page in the middle of a list, as the end of a query.
async fn middle(server: &Server, org: Option<OrgId>, path: &str) -> Result<String> {
    let mut cursors = Vec::new();
    let stride = if turned(server, org, path, STRIDE, "").await?.is_some() { STRIDE } else { PAGE };
    let mut cursor = String::new();
    while let Some(next) = turned(server, org, path, stride, &cursor).await? {
        cursor = format!("&cursor={next}");
        cursors.push(cursor.clone());
    }
    let half = cursors.len() / 2;
    cursors.into_iter().nth(half).context("it has one page only")
}

/// The cursor of the next page.
async fn turned(server: &Server, org: Option<OrgId>, path: &str, limit: usize, cursor: &str) -> Result<Option<String>> {
    let mut next = None;
    let page = server.gets(std::iter::once((org, format!("{path}?limit={limit}{cursor}"))));
    page.each(|_, body| {
        let answer: Value = serde_json::from_slice(body)?;
        next = answer["next_cursor"].as_str().map(str::to_owned);
        Ok(())
    })
    .await?;
    Ok(next)
}
