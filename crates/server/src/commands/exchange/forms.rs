//! `forms/*.json`: documents as `POST /api/forms` takes them. `NAME.inactive.json` holds a form that cannot be submitted.

use super::{
    layout,
    plan::{ScopePlan, Verdict},
};
use anyhow::{Context, Result};
use msp_domain::{BundleMetadata, FieldFault, Scope, form::FormSchema};
use msp_storage::{
    Repositories, StoreError,
    repositories::forms::{MAX_FORMS, StoredForm},
};
use serde_json::Value;
use std::{collections::HashSet, path::Path};

/// Faults of one form that are told: who has more begins with these.
const SHOWN_FAULTS: usize = 5;

/// Adds what the forms of a scope say to its plan. Without `bundle` nobody can say whether their workflows exist.
pub async fn plan(
    repositories: &Repositories,
    bundle: Option<&BundleMetadata>,
    folder: &Path,
    shown: &str,
    plan: &mut ScopePlan,
) -> Result<()> {
    let files = layout::entries(&folder.join(layout::FORMS))?;
    if files.is_empty() {
        return Ok(());
    }
    let stored = repositories.forms.every(plan.scope).await?;
    let mut seen = HashSet::new();
    for (file, path) in files {
        let at = format!("{shown}/{}/{file}", layout::FORMS);
        let schema = match read(&path, &file) {
            Ok(schema) => schema,
            Err(faults) => {
                faults.iter().for_each(|fault| plan.note(Verdict::Error, fault, &at));
                continue;
            }
        };
        if !seen.insert(schema.name.clone()) {
            plan.note(Verdict::Error, &format!("form `{}` stands in another file already", schema.name), &at);
            continue;
        }
        decide(plan, &stored, bundle, schema, !file.ends_with(layout::INACTIVE_FORM), &at)?;
    }
    let created = plan.changes.forms.iter().filter(|(before, ..)| before.is_none()).count();
    if stored.len() + created > MAX_FORMS {
        plan.note(Verdict::Error, &format!("there would be more than {MAX_FORMS} forms"), shown);
    }
    Ok(())
}

fn decide(
    plan: &mut ScopePlan,
    stored: &[StoredForm],
    bundle: Option<&BundleMetadata>,
    schema: FormSchema,
    is_active: bool,
    at: &str,
) -> Result<()> {
    let what = format!("form `{}`", schema.name);
    let mut called_so = stored.iter().filter(|form| form.name == schema.name);
    let before = called_so.next();
    if called_so.next().is_some() {
        plan.note(Verdict::Conflict, &format!("{what}: several forms are called that; rename all but one"), at);
        return Ok(());
    }
    if let Some(before) = before {
        // One that cannot be read is replaced.
        let says = match before.schema() {
            Ok(says) => Some(says),
            Err(StoreError::Corrupt(_)) => None,
            Err(error) => return Err(error.into()),
        };
        if before.is_active == is_active && says.as_ref() == Some(&schema) {
            plan.note(Verdict::Unchanged, &what, at);
            return Ok(());
        }
    }
    let faults = bundle.map(|bundle| schema.check_against(bundle)).unwrap_or_default();
    for fault in described(&faults) {
        plan.note(Verdict::Error, &format!("{what}: {fault}"), at);
    }
    plan.note(if before.is_some() { Verdict::Update } else { Verdict::Create }, &what, at);
    plan.changes.forms.push((before.cloned(), schema, is_active));
    Ok(())
}

fn read(path: &Path, file: &str) -> Result<FormSchema, Vec<String>> {
    if !file.ends_with(layout::FORM) {
        return Err(vec![format!("a form's file ends in `{}`", layout::FORM)]);
    }
    let text = layout::read(path, layout::MAX_FORM_BYTES).map_err(|error| vec![error.to_string()])?;
    let document: Value = serde_json::from_str(&text.unwrap_or_default())
        .map_err(|error| vec![format!("it is not JSON: line {}, column {}", error.line(), error.column())])?;
    FormSchema::parse(&document).map_err(|faults| described(&faults))
}

fn described(faults: &[FieldFault]) -> Vec<String> {
    faults.iter().take(SHOWN_FAULTS).map(|fault| format!("{} {}", fault.pointer, fault.detail)).collect()
}

/// The files of the forms of a scope: name and content.
pub async fn export(repositories: &Repositories, scope: Scope) -> Result<Vec<(String, String)>> {
    let mut files = Vec::new();
    for form in repositories.forms.every(scope).await? {
        let ending = if form.is_active { layout::FORM } else { layout::INACTIVE_FORM };
        let content = serde_json::to_string_pretty(&form.schema()?).context("a form always serialises")?;
        files.push((layout::file_name(&form.name) + ending, content + "\n"));
    }
    Ok(files)
}
