//! `msp export`.

use super::super::users::plain;
use super::{forms, layout, organizations, variables};
use crate::{
    cli::Export,
    failure::{Reported, UsageError},
    platform::Platform,
};
use anyhow::{Context, Result};
use msp_domain::{OrgId, Scope};
use msp_storage::repositories::{Actor, audit::AuditDraft};
use serde_json::json;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Writes organizations, variables and forms into an empty folder, as `msp import` reads them. What cannot be read is named
/// and left out.
pub async fn export(platform: &Platform, arguments: &Export) -> Result<()> {
    let folder = &arguments.folder;
    if folder.exists() && !folder.is_dir() {
        return Err(UsageError(format!("{} is not a folder", folder.display())).into());
    }
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

    let mut exported = Exported::default();
    if arguments.org.is_empty() {
        let readable = platform.repositories.organizations.all().await?;
        let is_lost = |id: &OrgId| !readable.iter().any(|readable| readable.id == *id);
        let lost = platform.repositories.organizations.ids().await?.into_iter().filter(is_lost);
        exported.left_out.extend(lost.map(|id| format!("organization {}: it is not readable", id.key())));
    }
    exported.files.insert(PathBuf::from(layout::ORGANIZATIONS_CSV), organizations::export(&chosen));
    for organization in &chosen {
        let place = Path::new(layout::ORGANIZATIONS).join(layout::file_name(&organization.name));
        collect(platform, Scope::Org(organization.id), &place, &mut exported).await?;
    }
    if arguments.org.is_empty() {
        collect(platform, Scope::Global, Path::new(layout::GLOBAL), &mut exported).await?;
    }
    let Exported { files, secrets, notes, left_out } = exported;
    // First, so that no data ever leaves unrecorded.
    let details = json!({ "made_by": "command line", "organizations": chosen.len(), "left_out": left_out.len() });
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
    if secrets > 0 {
        println!("{secrets} secrets are named without their values: secrets never leave the platform in clear.");
    }
    notes.iter().for_each(|note| eprintln!("note: {}", plain(note)));
    left_out.iter().for_each(|lost| eprintln!("error: left out: {}", plain(lost)));
    if left_out.is_empty() { Ok(()) } else { Err(Reported.into()) }
}

/// What an export is made of.
#[derive(Default)]
pub struct Exported {
    /// Every file and what is in it.
    pub files: BTreeMap<PathBuf, String>,
    /// How many secrets are named.
    pub secrets: usize,
    /// What should be known before it is imported.
    pub notes: Vec<String>,
    /// What cannot be read, and so is not in it.
    pub left_out: Vec<String>,
}

/// Adds the files of a scope.
async fn collect(platform: &Platform, scope: Scope, place: &Path, exported: &mut Exported) -> Result<()> {
    variables::export(&platform.repositories, scope, place, exported).await?;
    forms::export(&platform.repositories, scope, place, exported).await
}
