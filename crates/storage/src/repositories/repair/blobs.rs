//! Inputs, results, long logs and files in blobs: each is named by one execution, or by one export.

use super::{Finding, Pass, Walk};
use crate::repositories::executions::packing;
use crate::repositories::{exports, files};
use crate::{BlobStore, Entity, Property, Query, StoreError, Table, blobs::NAMES_A_BLOB};
use futures::TryStreamExt as _;
use sha2::{Digest, Sha256};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

const FOLDER: &str = "executions/";
/// The blobs this version writes, by the beginning of their name; one of any other kind may belong to something that is
/// not known here, and stays.
const KINDS: [&str; 3] = ["input-", "log-", "result-"];

/// The blobs that are needed.
#[derive(Default)]
pub(super) struct Named {
    /// Those executions and exports name, by the first half of the hash of their path: two never share one.
    of_rows: HashMap<u128, Uuid>,
    /// Those of them that are made anew when they are gone.
    recoverable: HashSet<u128>,
    /// Executions that are not readable: whatever there is of them stays.
    pub kept_executions: HashSet<String>,
    /// Files that may be on their way, and exports that are not readable: likewise.
    pub kept: HashSet<String>,
}

impl Named {
    /// Everything a row names.
    pub(super) fn add_all(&mut self, row: &Entity, id: Uuid) {
        self.of_rows.extend(named_by(row).map(|path| (mark(path), id)));
    }

    /// The same of a row that can do without.
    pub(super) fn add_recoverable(&mut self, row: &Entity, id: Uuid) {
        self.add_all(row, id);
        self.recoverable.extend(named_by(row).map(mark));
    }
}

fn named_by(row: &Entity) -> impl Iterator<Item = &str> {
    let of_blobs = row.properties.iter().filter(|(name, _)| name.ends_with(NAMES_A_BLOB));
    of_blobs.filter_map(|(_, value)| if let Property::String(path) = value { Some(path.as_str()) } else { None })
}

fn mark(path: &str) -> u128 {
    let hash: [u8; 32] = Sha256::digest(path.as_bytes()).into();
    hash.iter().take(16).fold(0, |mark, byte| mark << 8 | u128::from(*byte))
}

impl Pass<'_> {
    /// Adds the blobs that long logs are in.
    pub(super) async fn logs(&mut self, named: &mut Named) -> Result<(), StoreError> {
        let mut walk = Walk::over(Table::ExecutionLogs);
        walk.query = walk.query.map(|query| Query { row_from: Some(packing::INDEX_PREFIX.to_owned()), ..query });
        while let Some(entries) = self.next_page(&mut walk).await? {
            for entry in entries {
                match packing::execution_of(&entry.partition_key) {
                    Ok(id) => named.add_all(&entry, id.as_uuid()),
                    Err(error) => {
                        // What it names it may still need.
                        named.add_all(&entry, Uuid::nil());
                        self.unreadable(Table::ExecutionLogs, &entry, error);
                    }
                }
            }
        }
        Ok(())
    }

    pub(super) async fn blobs(&mut self, named: Named) -> Result<(), StoreError> {
        let Named { of_rows: mut missing, recoverable, kept_executions, kept } = named;
        let is_known =
            |path: &str| path.rsplit('/').next().is_some_and(|name| KINDS.iter().any(|kind| name.starts_with(kind)));
        let is_of_kept = |path: &str| {
            let id = path.strip_prefix(FOLDER).and_then(|path| path.split('/').next());
            id.is_some_and(|id| kept_executions.contains(id))
        };
        self.walk_blobs(FOLDER, &mut missing, |path| !is_known(path) || is_of_kept(path)).await?;
        let is_kept = |path: &str| files::file_of_path(path).is_none_or(|file| kept.contains(file));
        self.walk_blobs(files::FOLDER, &mut missing, is_kept).await?;
        // That of a file that is there is not named before the file is whole.
        let is_kept = |path: &str| {
            exports::of_carry(path).is_none_or(|(schedule, file)| kept.contains(schedule) || kept.contains(file))
        };
        self.walk_blobs(exports::FOLDER, &mut missing, is_kept).await?;
        missing.retain(|path, _| !recoverable.contains(path));
        let mut ids: Vec<Uuid> = missing.into_values().collect();
        ids.sort_unstable();
        ids.into_iter().for_each(|id| self.beyond_repair(&Finding::BlobMissing { id }));
        Ok(())
    }

    /// Looks at everything in a folder: takes what is there from `missing`, and what is neither there nor spared away.
    async fn walk_blobs(
        &mut self,
        folder: &str,
        missing: &mut HashMap<u128, Uuid>,
        is_spared: impl Fn(&str) -> bool + Send,
    ) -> Result<(), StoreError> {
        let blobs: &dyn BlobStore = self.repositories.stores.blobs.as_ref();
        let mut paths = blobs.walk(folder);
        while let Some(path) = paths.try_next().await? {
            if missing.remove(&mark(&path)).is_some() || is_spared(&path) {
                continue;
            }
            self.tally.repairable += 1;
            (self.see)(&Finding::BlobNobodyNames { path: path.clone() });
            if self.mend {
                blobs.delete(&path).await?;
            }
        }
        Ok(())
    }
}
