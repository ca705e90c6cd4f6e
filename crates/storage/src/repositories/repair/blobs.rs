//! Inputs, results and long logs in blobs: each is named by one execution.

use super::{Finding, Pass, Walk};
use crate::repositories::executions::packing;
use crate::{BlobStore, Entity, Property, Query, StoreError, Table, blobs::NAMES_A_BLOB};
use futures::TryStreamExt as _;
use msp_domain::ExecutionId;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use uuid::Uuid;

const FOLDER: &str = "executions/";
/// The blobs this version writes, by the beginning of their name; one of any other kind may belong to something that is
/// not known here, and stays.
const KINDS: [&str; 3] = ["input-", "log-", "result-"];

/// The blobs executions name, by the first half of the hash of their path: two never share one.
#[derive(Default)]
pub(super) struct Named(HashMap<u128, ExecutionId>);

impl Named {
    /// Everything a row names.
    pub(super) fn add_all(&mut self, row: &Entity, id: ExecutionId) {
        let of_blobs = row.properties.iter().filter(|(name, _)| name.ends_with(NAMES_A_BLOB));
        for path in of_blobs.filter_map(|(_, value)| if let Property::String(path) = value { Some(path) } else { None })
        {
            self.0.insert(mark(path), id);
        }
    }
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
                    Ok(id) => named.add_all(&entry, id),
                    Err(error) => {
                        // What it names it may still need.
                        named.add_all(&entry, ExecutionId::from(Uuid::nil()));
                        self.unreadable(Table::ExecutionLogs, &entry, error);
                    }
                }
            }
        }
        Ok(())
    }

    pub(super) async fn blobs(&mut self, named: Named) -> Result<(), StoreError> {
        let blobs: &dyn BlobStore = self.repositories.stores.blobs.as_ref();
        let mut missing = named.0;
        let mut paths = blobs.walk(FOLDER);
        while let Some(path) = paths.try_next().await? {
            let is_known = path.rsplit('/').next().is_some_and(|name| KINDS.iter().any(|kind| name.starts_with(kind)));
            if missing.remove(&mark(&path)).is_some() || !is_known {
                continue;
            }
            self.tally.repairable += 1;
            (self.see)(&Finding::BlobNobodyNames { path: path.clone() });
            if self.mend {
                blobs.delete(&path).await?;
            }
        }
        let mut ids: Vec<ExecutionId> = missing.into_values().collect();
        ids.sort_unstable();
        ids.into_iter().for_each(|id| self.beyond_repair(&Finding::BlobMissing { id }));
        Ok(())
    }
}
