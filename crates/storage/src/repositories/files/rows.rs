//! Files as table rows, and back.

use super::{StoredFile, writer::Written};
use crate::blobs::NAMES_A_BLOB;
use crate::{Entity, Property, StoreError};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Where the bytes of every file are.
pub(in crate::repositories) const FOLDER: &str = "files/";

/// Whether a file is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::repositories) enum State {
    /// It is being written or removed, or was when something interrupted that: nobody may see it.
    Partial,
    /// All of it is there.
    Whole,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Partial => "partial",
            Self::Whole => "whole",
        }
    }

    /// What is not said to be whole is not shown.
    pub fn of(row: &Entity) -> Self {
        if row.text_opt("State").is_ok_and(|state| state == Some(Self::Whole.name())) {
            Self::Whole
        } else {
            Self::Partial
        }
    }
}

pub(super) fn key(id: Uuid) -> String {
    id.hyphenated().to_string()
}

/// Where a part of a file is.
pub(in crate::repositories) fn path(id: Uuid, part: usize) -> String {
    format!("{FOLDER}{id}/{part:04}")
}

/// The file whose bytes a path holds.
pub(in crate::repositories) fn file_of_path(path: &str) -> Option<&str> {
    path.strip_prefix(FOLDER)?.split_once('/').map(|(file, _)| file)
}

/// A file of which no byte is there yet; `size_bytes` is how many there may be.
pub(super) fn partial(
    (partition_key, id): (String, Uuid),
    name: &str,
    content_type: &str,
    size_bytes: u64,
    now: DateTime<Utc>,
) -> Entity {
    Entity::new(partition_key, key(id))
        .with("State", State::Partial.name())
        .with("Name", name)
        .with("ContentType", content_type)
        .with("SizeBytes", i64::try_from(size_bytes).unwrap_or(i64::MAX))
        .with("CreatedAt", now)
}

/// The same row once all of it is there.
pub(super) fn whole(row: Entity, written: &Written) -> Entity {
    let row = row
        .with("State", State::Whole.name())
        .with("SizeBytes", i64::try_from(written.size_bytes).unwrap_or(i64::MAX))
        .with("Sha256", written.sha256.as_str());
    written.parts.iter().enumerate().fold(row, |row, (part, path)| row.with(&part_name(part), path.as_str()))
}

/// The change that hides a file from everybody.
pub(super) fn hidden(row: &Entity) -> Entity {
    Entity::new(row.partition_key.as_str(), row.row_key.as_str()).with("State", State::Partial.name())
}

fn part_name(part: usize) -> String {
    format!("Part{part:04}{NAMES_A_BLOB}")
}

pub(super) fn size_of(row: &Entity) -> Result<u64, StoreError> {
    let size = row.int("SizeBytes")?;
    u64::try_from(size).map_err(|_| StoreError::Corrupt(format!("file {} has a size of {size}", row.row_key)))
}

pub(super) fn id_of(row: &Entity) -> Result<Uuid, StoreError> {
    row.row_key.parse().map_err(|_| StoreError::Corrupt(format!("file {} has no GUID", row.row_key)))
}

/// A whole file.
pub(super) fn read(row: &Entity) -> Result<StoredFile, StoreError> {
    // Their names sort as the parts do.
    let parts = row.properties.iter().filter(|(name, _)| name.starts_with("Part") && name.ends_with(NAMES_A_BLOB));
    let parts =
        parts.filter_map(|(_, value)| if let Property::String(path) = value { Some(path.clone()) } else { None });
    Ok(StoredFile {
        id: id_of(row)?,
        name: row.text("Name")?.to_owned(),
        content_type: row.text("ContentType")?.to_owned(),
        size_bytes: size_of(row)?,
        sha256: row.text("Sha256")?.to_owned(),
        created_at: row.instant("CreatedAt")?,
        parts: parts.collect(),
    })
}
