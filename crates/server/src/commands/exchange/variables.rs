//! `variables.csv`, as Rewst exports the variables of an organization: name, value, category. Those of the category
//! `secret` or `password` are secrets here, everything else is config and keeps its category. `type` and `description` are
//! ours.

use super::{
    export::Exported,
    layout,
    plan::{ScopePlan, Verdict},
    rows::{self, Row},
};
use anyhow::Result;
use msp_domain::{ConfigEntry, ConfigType, Scope, config::check_name};
use msp_storage::{
    Repositories, SecretValue, StoreError, limits,
    repositories::{
        config::{StoredConfig, value_text},
        workflow_secrets::MIN_SECRET_LENGTH,
    },
};
use serde_json::Value;
use std::{collections::HashMap, path::Path};

const REQUIRED: [&str; 3] = ["name", "value", "category"];
const OPTIONAL: [&str; 2] = ["type", "description"];
/// Categories whose values are secrets.
const SECRET: [&str; 2] = ["secret", "password"];
/// The category of what was never imported under another.
const GENERAL: &str = "general";
/// What masked values are made of where they are exported.
const MASK: [char; 3] = ['*', '•', '●'];

/// Adds what the file of a scope says to its plan.
pub async fn plan(repositories: &Repositories, folder: &Path, shown: &str, plan: &mut ScopePlan) -> Result<()> {
    let path = folder.join(layout::VARIABLES_CSV);
    let Some(text) = layout::read(&path, layout::MAX_CSV_BYTES)? else { return Ok(()) };
    let stored = plan.readable("variable", repositories.config.each_of(plan.scope).await?, shown)?;
    let stored: HashMap<&str, &StoredConfig> = stored.iter().map(|one| (one.entry.key.as_str(), one)).collect();
    let mut seen: HashMap<String, u64> = HashMap::new();
    for row in rows::read(&path, &text, &REQUIRED, &OPTIONAL)? {
        let at = format!("{shown}/{}:{}", layout::VARIABLES_CSV, row.line);
        let name = row.cell("name").unwrap_or_default().trim().to_owned();
        if let Err(fault) = check_name(&name) {
            plan.note(Verdict::Error, &format!("the name `{name}` {fault}"), &at);
            continue;
        }
        if let Some(line) = seen.insert(name.clone(), row.line) {
            plan.note(Verdict::Error, &format!("`{name}` stands in line {line} already"), &at);
            continue;
        }
        let category = row.cell("category").unwrap_or_default().trim();
        if SECRET.contains(&category.to_lowercase().as_str()) {
            secret(repositories, plan, name, row.cell("value").unwrap_or_default(), &at).await?;
        } else {
            config(plan, stored.get(name.as_str()).copied(), name, category, &row, &at);
        }
    }
    Ok(())
}

async fn secret(repositories: &Repositories, plan: &mut ScopePlan, name: String, value: &str, at: &str) -> Result<()> {
    let what = format!("secret {name}");
    let before = match repositories.workflow_secrets.own(plan.scope, &name).await {
        Err(StoreError::Corrupt(fault)) => {
            plan.note(Verdict::Error, &format!("{what}: {fault}; delete it first"), at);
            return Ok(());
        }
        before => before?,
    };
    if value.chars().all(|c| MASK.contains(&c)) {
        match before {
            Some(_) => plan.note(Verdict::Unchanged, &what, at),
            None => plan.note(Verdict::Skipped, &format!("{what} has no value here; set it by hand"), at),
        }
        return Ok(());
    }
    if value.chars().count() < MIN_SECRET_LENGTH {
        let fault = format!("{what} needs at least {MIN_SECRET_LENGTH} characters: shorter ones cannot be masked");
        plan.note(Verdict::Error, &fault, at);
        return Ok(());
    }
    let value = SecretValue::new(value);
    if let Err(fault) = limits::check_secret(&value) {
        plan.note(Verdict::Error, &format!("{what}: {fault}"), at);
        return Ok(());
    }
    match &before {
        Some(before) if before.reveal() == value.reveal() => {
            plan.note(Verdict::Unchanged, &what, at);
            return Ok(());
        }
        Some(_) => plan.note(Verdict::Update, &what, at),
        None => plan.note(Verdict::Create, &what, at),
    }
    plan.changes.secrets.push((name, before, value));
    Ok(())
}

fn config(plan: &mut ScopePlan, before: Option<&StoredConfig>, key: String, category: &str, row: &Row<'_>, at: &str) {
    let what = format!("variable {key}");
    let entry = match entry(before, key, row) {
        Ok(entry) => entry,
        Err(fault) => return plan.note(Verdict::Error, &format!("{what}: {fault}"), at),
    };
    let category = Some(category).filter(|category| *category != GENERAL).map(str::to_owned);
    match before {
        Some(before) if before.entry == entry && before.category == category => {
            return plan.note(Verdict::Unchanged, &what, at);
        }
        Some(_) => plan.note(Verdict::Update, &what, at),
        None => plan.note(Verdict::Create, &what, at),
    }
    plan.changes.config.push((before.cloned(), entry, category));
}

/// What a row sets. Without columns of their own, type and description stay as they are; something new is a text.
fn entry(before: Option<&StoredConfig>, key: String, row: &Row<'_>) -> Result<ConfigEntry, String> {
    let config_type = match (row.cell("type").map(str::trim).filter(|name| !name.is_empty()), before) {
        (Some(name), _) => name.parse()?,
        (None, Some(before)) => before.entry.config_type,
        (None, None) => ConfigType::String,
    };
    let described = |text: &str| Some(text).filter(|text| !text.is_empty()).map(str::to_owned);
    let description = match (row.cell("description"), before) {
        (Some(text), _) => described(text),
        (None, before) => before.and_then(|before| before.entry.description.clone()),
    };
    let text = row.cell("value").unwrap_or_default();
    for text in [Some(text), row.cell("category"), description.as_deref()].into_iter().flatten() {
        let units = limits::utf16_units(text);
        if units > limits::MAX_STRING_UNITS {
            return Err(format!("at most {} characters can be stored, not {units}", limits::MAX_STRING_UNITS));
        }
    }
    let value = config_type.parse(&Value::from(text)).map_err(|fault| format!("{fault} ({})", config_type.name()))?;
    Ok(ConfigEntry { key, config_type, value, description })
}

/// Adds the file of a scope, if there is something to say.
pub async fn export(repositories: &Repositories, scope: Scope, place: &Path, export: &mut Exported) -> Result<()> {
    let mut rows = Vec::new();
    for stored in repositories.config.each_of(scope).await? {
        match stored {
            Ok(StoredConfig { entry, category, .. }) => {
                let ConfigEntry { key, config_type, value, description } = entry;
                let category = category.unwrap_or_else(|| GENERAL.to_owned());
                let description = description.unwrap_or_default();
                rows.push(vec![key, value_text(&value), category, config_type.name().to_owned(), description]);
            }
            Err(StoreError::Corrupt(fault)) => {
                export.left_out.push(format!("{}: a variable: {fault}", place.display()));
            }
            Err(error) => return Err(error.into()),
        }
    }
    let secrets = repositories.workflow_secrets.names(scope).await?;
    export.secrets += secrets.len();
    let named = |name| vec![name, String::new(), SECRET[0].to_owned(), String::new(), String::new()];
    rows.extend(secrets.into_iter().map(named));
    if !rows.is_empty() {
        let columns: Vec<&str> = REQUIRED.into_iter().chain(OPTIONAL).collect();
        export.files.insert(place.join(layout::VARIABLES_CSV), rows::write(&columns, rows));
    }
    Ok(())
}
