//! `organizations.csv`: name, tenant, time zone, tags, active or not. A column that is not there changes nothing; an empty
//! cell empties.

use super::{
    layout,
    plan::{ScopePlan, Verdict},
    rows::{self, Row},
};
use anyhow::Result;
use chrono_tz::Tz;
use msp_domain::{Scope, Tags, naming, time_zone};
use msp_storage::repositories::{
    Actor,
    organizations::{NewOrganization, Organization, Organizations},
};
use std::path::Path;
use uuid::Uuid;

const REQUIRED: [&str; 1] = ["name"];
const OPTIONAL: [&str; 4] = ["tenant_id", "time_zone", "tags", "is_active"];
/// What tags stand between in one cell.
const BETWEEN_TAGS: &str = ";";

/// What a row says. `None`: the file has no such column.
struct Wanted {
    name: String,
    tenant_id: Option<Option<Uuid>>,
    time_zone: Option<Option<Tz>>,
    tags: Option<Tags>,
    is_active: Option<bool>,
}

/// The plans of every organization the file names, in its order.
pub fn plans(folder: &Path, stored: &[Organization], organizations: &Organizations) -> Result<Vec<ScopePlan>> {
    let path = folder.join(layout::ORGANIZATIONS_CSV);
    let Some(text) = layout::read(&path, layout::MAX_CSV_BYTES)? else { return Ok(Vec::new()) };
    let mut plans: Vec<ScopePlan> = Vec::new();
    for row in rows::read(&path, &text, &REQUIRED, &OPTIONAL)? {
        let at = format!("{}:{}", layout::ORGANIZATIONS_CSV, row.line);
        let title = row.cell("name").unwrap_or_default().trim().to_owned();
        let before = stored.iter().find(|known| same(&known.name, &title));
        let blank = organizations.draft(NewOrganization::named(title.as_str()), &Actor::PLATFORM);
        let mut plan = ScopePlan::new(&title, Scope::Org(before.map_or(blank.id, |before| before.id)));
        match wanted(&row) {
            Err(faults) => faults.iter().for_each(|fault| plan.note(Verdict::Error, fault, &at)),
            Ok(wanted) => decide(&mut plan, &wanted, before, blank, stored, &at),
        }
        let tenant = |plan: &ScopePlan| plan.changes.organization.as_ref().and_then(|(_, after)| after.tenant_id);
        if let Some(other) = plans.iter_mut().find(|other| same(&other.title, &plan.title)) {
            other.note(Verdict::Conflict, "the file names this organization again", &at);
            plan.note(Verdict::Conflict, "the file names this organization twice", &at);
        } else if let Some(other) = plans.iter().find(|other| tenant(&plan).is_some() && tenant(other) == tenant(&plan))
        {
            let fault = format!("the file links this tenant to `{}` as well", other.title);
            plan.note(Verdict::Conflict, &fault, &at);
        }
        plans.push(plan);
    }
    Ok(plans)
}

/// Whether two names are one to the platform.
pub fn same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

fn wanted(row: &Row<'_>) -> Result<Wanted, Vec<String>> {
    let mut faults = Vec::new();
    let name = naming::name(row.cell("name").unwrap_or_default()).map(str::to_owned);
    let name = name.unwrap_or_else(|fault| {
        faults.push(format!("name: {fault}"));
        String::new()
    });
    let filled = |column| row.cell(column).map(|cell| Some(cell.trim()).filter(|cell| !cell.is_empty()));
    let tenant_id = filled("tenant_id").map(|cell| {
        cell.and_then(|cell| {
            let parsed = Uuid::parse_str(cell).ok();
            if parsed.is_none() {
                faults.push(format!("tenant_id: `{cell}` is not a GUID"));
            }
            parsed
        })
    });
    let time_zone = filled("time_zone").map(|cell| {
        cell.and_then(|cell| time_zone::parse(cell).map_err(|fault| faults.push(format!("time_zone: {fault}"))).ok())
    });
    let tags = row.cell("tags").map(|cell| {
        Tags::parse(cell.split(BETWEEN_TAGS).filter(|tag| !tag.trim().is_empty())).unwrap_or_else(|wrong| {
            faults.extend(wrong.into_iter().map(|fault| format!("tags: {}", fault.detail)));
            Tags::default()
        })
    });
    let is_active = filled("is_active").map(|cell| match cell.map(str::to_lowercase).as_deref() {
        None | Some("true") => true,
        Some("false") => false,
        Some(other) => {
            faults.push(format!("is_active: expected `true` or `false`, not `{other}`"));
            true
        }
    });
    if faults.is_empty() { Ok(Wanted { name, tenant_id, time_zone, tags, is_active }) } else { Err(faults) }
}

fn decide(
    plan: &mut ScopePlan,
    wanted: &Wanted,
    before: Option<&Organization>,
    blank: Organization,
    stored: &[Organization],
    at: &str,
) {
    let mut after = before.cloned().unwrap_or(blank);
    after.name.clone_from(&wanted.name);
    after.tenant_id = wanted.tenant_id.unwrap_or(after.tenant_id);
    after.time_zone = wanted.time_zone.unwrap_or(after.time_zone);
    after.tags = wanted.tags.clone().unwrap_or(after.tags);
    after.is_active = wanted.is_active.unwrap_or(after.is_active);
    let linked = |other: &&Organization| other.id != after.id && other.tenant_id == after.tenant_id;
    if let Some(other) = stored.iter().find(linked).filter(|_| after.tenant_id.is_some()) {
        plan.note(Verdict::Conflict, &format!("its tenant is linked to `{}`", other.name), at);
        return;
    }
    if before.is_some_and(|before| before.deletion.is_some()) {
        plan.note(Verdict::Conflict, "it is being deleted", at);
        return;
    }
    let Some(before) = before else {
        plan.note(Verdict::Create, "organization", at);
        plan.changes.organization = Some((None, after));
        return;
    };
    let changed: Vec<&str> = [
        ("name", before.name != after.name),
        ("tenant_id", before.tenant_id != after.tenant_id),
        ("time_zone", before.time_zone != after.time_zone),
        ("tags", before.tags != after.tags),
        ("is_active", before.is_active != after.is_active),
    ]
    .into_iter()
    .filter_map(|(column, differs)| differs.then_some(column))
    .collect();
    if changed.is_empty() {
        plan.note(Verdict::Unchanged, "organization", at);
    } else {
        plan.note(Verdict::Update, &format!("organization ({})", changed.join(", ")), at);
        plan.changes.organization = Some((Some(before.clone()), after));
    }
}

/// The file of these organizations.
pub fn export(organizations: &[Organization]) -> String {
    let columns: Vec<&str> = REQUIRED.into_iter().chain(OPTIONAL).collect();
    let text = |of: Option<String>| of.unwrap_or_default();
    let row = |one: &Organization| {
        vec![
            one.name.clone(),
            text(one.tenant_id.map(|tenant| tenant.to_string())),
            text(one.time_zone.map(|zone| zone.name().to_owned())),
            one.tags.iter().collect::<Vec<_>>().join(BETWEEN_TAGS),
            one.is_active.to_string(),
        ]
    };
    rows::write(&columns, organizations.iter().map(row))
}
