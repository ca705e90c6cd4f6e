//! `forms/*.json`: documents as `POST /api/forms` takes them. `NAME.inactive.json` holds a form that cannot be submitted.

use super::{
    export::Exported,
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
use std::{
    collections::{HashMap, HashSet},
    path::Path,
    sync::Arc,
};

/// Faults of one form that are told: who has more begins with these.
const SHOWN_FAULTS: usize = 5;

/// What says whether the workflows and option generators of forms exist.
pub enum Offer {
    /// Nothing: nobody wants to know.
    Unchecked,
    /// What the running server offers, or else the workspace.
    Known(Arc<BundleMetadata>),
    /// Nothing, and why.
    Unknown(String),
}

/// Adds what the forms of a scope say to its plan.
pub async fn plan(
    repositories: &Repositories,
    offer: &Offer,
    folder: &Path,
    shown: &str,
    plan: &mut ScopePlan,
) -> Result<()> {
    let files = layout::entries(&folder.join(layout::FORMS))?;
    if files.is_empty() {
        return Ok(());
    }
    plan.changes.forms_seen = Some(repositories.forms.version(plan.scope).await?);
    let stored = plan.readable("form", repositories.forms.each_of(plan.scope).await?, shown)?;
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
        decide(plan, &stored, offer, schema, !file.ends_with(layout::INACTIVE_FORM), &at)?;
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
    offer: &Offer,
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
    // One that cannot be read is replaced.
    if let Some(before) = before
        && before.is_active == is_active
        && before.says(&schema)?
    {
        plan.note(Verdict::Unchanged, &what, at);
        return Ok(());
    }
    let faults = match offer {
        Offer::Unchecked => Vec::new(),
        Offer::Known(bundle) => described(&schema.check_against(bundle)),
        Offer::Unknown(why) => {
            vec![format!("nobody can say whether its workflow exists ({why}); `--unchecked` imports it unseen")]
        }
    };
    for fault in faults {
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

/// Adds the files of the forms of a scope.
pub async fn export(repositories: &Repositories, scope: Scope, place: &Path, export: &mut Exported) -> Result<()> {
    let mut readable = Vec::new();
    for form in repositories.forms.each_of(scope).await? {
        let read = form.and_then(|form| Ok((form.schema()?, form)));
        match read {
            Ok(read) => readable.push(read),
            Err(StoreError::Corrupt(fault)) => export.left_out.push(format!("{}: a form: {fault}", place.display())),
            Err(error) => return Err(error.into()),
        }
    }
    let mut called_so: HashMap<&str, usize> = HashMap::new();
    for (schema, _) in &readable {
        *called_so.entry(&schema.name).or_default() += 1;
    }
    for (name, several) in called_so.iter().filter(|(_, forms)| **forms > 1) {
        export.notes.push(format!(
            "{}: {several} forms are called `{name}`, and an import cannot tell them apart; rename all but one",
            place.display()
        ));
    }
    for (schema, form) in &readable {
        let mut name = layout::file_name(&schema.name);
        if called_so[schema.name.as_str()] > 1 {
            name = format!("{name}~{}", form.id);
        }
        name += if form.is_active { layout::FORM } else { layout::INACTIVE_FORM };
        let content = serde_json::to_string_pretty(schema).context("a form always serialises")?;
        export.files.insert(place.join(layout::FORMS).join(name), content + "\n");
    }
    Ok(())
}
