//! `msp export`.

use super::{forms, layout, organizations, variables};
use crate::{cli::Export, failure::UsageError, platform::Platform};
use anyhow::{Context, Result};
use msp_domain::Scope;
use msp_storage::repositories::{Actor, audit::AuditDraft};
use serde_json::json;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Writes organizations, variables and forms into an empty folder, as `msp import` reads them.
pub async fn export(platform: &Platform, arguments: &Export) -> Result<()> {
    let folder = &arguments.folder;
    if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(UsageError(format!("{} is not empty; name an empty or a new folder", folder.display())).into());
    }
    let mut chosen = Vec::new();
    if arguments.org.is_empty() {
        chosen = platform.repositories.organizations.all().await?;
    }
    for name in &arguments.org {
        chosen.push(platform.organization(name).await?);
    }
    chosen.retain(|organization| organization.deletion.is_none());
    chosen.sort_by_key(|organization| organization.name.to_lowercase());
    chosen.dedup_by_key(|organization| organization.id);

    let mut files = BTreeMap::new();
    let mut hidden = 0;
    files.insert(PathBuf::from(layout::ORGANIZATIONS_CSV), organizations::export(&chosen));
    for organization in &chosen {
        let place = Path::new(layout::ORGANIZATIONS).join(layout::file_name(&organization.name));
        hidden += collect(platform, Scope::Org(organization.id), &place, &mut files).await?;
    }
    if arguments.org.is_empty() {
        hidden += collect(platform, Scope::Global, Path::new(layout::GLOBAL), &mut files).await?;
    }
    // First, so that no data ever leaves unrecorded.
    let details = json!({ "made_by": "command line", "organizations": chosen.len() });
    let target = folder.display().to_string();
    let draft = AuditDraft::new(Scope::Global, &Actor::PLATFORM, "Export.Create", target.clone(), details);
    platform.repositories.audit.record(draft).await?;
    for (path, content) in &files {
        let path = folder.join(path);
        let parent = path.parent().context("every file has a folder")?;
        fs::create_dir_all(parent).with_context(|| format!("{} cannot be made", parent.display()))?;
        fs::write(&path, content).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    println!("{target}: {} organizations, {} files", chosen.len(), files.len());
    if hidden > 0 {
        println!("{hidden} secrets are named without their values: secrets never leave the platform in clear.");
    }
    Ok(())
}

/// Adds the files of a scope, and answers how many secrets they name.
async fn collect(
    platform: &Platform,
    scope: Scope,
    place: &Path,
    files: &mut BTreeMap<PathBuf, String>,
) -> Result<usize> {
    let mut hidden = 0;
    if let Some((content, secrets)) = variables::export(&platform.repositories, scope).await? {
        files.insert(place.join(layout::VARIABLES_CSV), content);
        hidden = secrets;
    }
    for (name, content) in forms::export(&platform.repositories, scope).await? {
        let path = place.join(layout::FORMS).join(name);
        if files.insert(path.clone(), content).is_some() {
            let fault =
                format!("two forms have the same name ({}), and an import could not tell them apart", path.display());
            return Err(UsageError(format!("{fault}; rename one")).into());
        }
    }
    Ok(hidden)
}
