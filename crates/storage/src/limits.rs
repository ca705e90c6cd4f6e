//! Azure Table Storage's limits, refused in every home alike, so that what works on a laptop works on Azure.
//!
//! Source of the numbers: Microsoft Learn, "Understanding the Table service data model" and "Performing entity group
//! transactions". Every home calls these functions before it touches its medium.

use crate::{Commit, Entity, Filter, Property, Query, SecretValue, StoreError, Write};
use std::collections::HashSet;

/// Longest string property, in UTF-16 code units.
pub const MAX_STRING_UNITS: usize = 32 * 1024;
/// Longest binary property, in bytes.
pub const MAX_BINARY_BYTES: usize = 64 * 1024;
/// Largest entity, in bytes as Azure counts them (two per character).
pub const MAX_ENTITY_BYTES: usize = 1024 * 1024;
/// Most properties besides the two keys and the timestamp.
pub const MAX_PROPERTIES: usize = 252;
/// Longest property name, in characters.
pub const MAX_PROPERTY_NAME: usize = 255;
/// Longest key, in characters.
pub const MAX_KEY_LENGTH: usize = 512;
/// Most comparisons in a query, those of the keys included: Azure counts them alike.
pub const MAX_COMPARISONS: usize = 15;
/// Most operations in a batch.
pub const MAX_BATCH_WRITES: usize = 100;
/// Largest batch, in bytes.
pub const MAX_BATCH_BYTES: usize = 4 * 1024 * 1024;
/// Most operations in a commit, which Azure takes as several batches: the largest import of one organization, with room.
/// SQLite holds its write lock for less than a second then.
pub const MAX_COMMIT_WRITES: usize = 12_000;
/// Largest commit, in bytes: that import again.
pub const MAX_COMMIT_BYTES: usize = 256 * 1024 * 1024;
/// Most entities in a page, and the page size when none is asked for.
pub const MAX_PAGE: usize = 1000;
/// Longest secret, in bytes. Key Vault ends at 25 kB, and sealed in base64 it must fit a string property.
pub const MAX_SECRET_BYTES: usize = 24_000;
/// The years a date property can hold; Azure's calendar starts in 1601.
const YEARS: std::ops::RangeInclusive<i32> = 1601..=9999;
/// Names the service keeps for itself.
const RESERVED_NAMES: [&str; 3] = ["PartitionKey", "RowKey", "Timestamp"];

fn refuse<T>(reason: impl Into<String>) -> Result<T, StoreError> {
    Err(StoreError::Limit(reason.into()))
}

/// Checks one key against our alphabet, a subset of Azure's that never needs quoting or encoding.
///
/// # Errors
/// [`StoreError::Limit`]; likewise for every function here.
pub fn check_key(key: &str) -> Result<(), StoreError> {
    if key.is_empty() || key.len() > MAX_KEY_LENGTH {
        return refuse(format!("a key must have 1 to {MAX_KEY_LENGTH} characters, this one has {}", key.len()));
    }
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '~' | '-');
    match key.chars().find(|c| !legal(*c)) {
        Some(c) => refuse(format!("a key may use letters, digits and `. _ : ~ -`, not {c:?}")),
        None => Ok(()),
    }
}

/// Checks both keys of an entity.
///
/// # Errors
/// [`StoreError::Limit`].
pub fn check_keys(partition_key: &str, row_key: &str) -> Result<(), StoreError> {
    check_key(partition_key)?;
    check_key(row_key)
}

/// Checks keys, names, values and size of an entity.
///
/// # Errors
/// [`StoreError::Limit`].
pub fn check_entity(entity: &Entity) -> Result<(), StoreError> {
    check_keys(&entity.partition_key, &entity.row_key)?;
    if entity.properties.len() > MAX_PROPERTIES {
        return refuse(format!("an entity has at most {MAX_PROPERTIES} properties, not {}", entity.properties.len()));
    }
    for (name, value) in &entity.properties {
        check_property_name(name)?;
        check_value(name, value)?;
    }
    let size = entity_bytes(entity);
    if size > MAX_ENTITY_BYTES {
        return refuse(format!("an entity has at most {MAX_ENTITY_BYTES} bytes, this one {size}"));
    }
    Ok(())
}

fn check_property_name(name: &str) -> Result<(), StoreError> {
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if !starts_well || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return refuse(format!("a property name has letters, digits and `_` and starts with no digit, not {name:?}"));
    }
    if name.len() > MAX_PROPERTY_NAME {
        return refuse(format!("a property name has at most {MAX_PROPERTY_NAME} characters, not {}", name.len()));
    }
    if RESERVED_NAMES.contains(&name) {
        return refuse(format!("the property name `{name}` belongs to the store"));
    }
    Ok(())
}

fn check_value(name: &str, value: &Property) -> Result<(), StoreError> {
    match value {
        Property::String(text) if utf16_units(text) > MAX_STRING_UNITS => {
            refuse(format!("the text `{name}` has at most {MAX_STRING_UNITS} UTF-16 units, not {}", utf16_units(text)))
        }
        Property::Binary(bytes) if bytes.len() > MAX_BINARY_BYTES => {
            refuse(format!("the binary `{name}` has at most {MAX_BINARY_BYTES} bytes, not {}", bytes.len()))
        }
        Property::DateTime(instant) if !YEARS.contains(&chrono::Datelike::year(instant)) => {
            refuse(format!("the instant `{name}` must lie between the years {} and {}", YEARS.start(), YEARS.end()))
        }
        _ => Ok(()),
    }
}

/// How long a text is for Azure.
pub fn utf16_units(text: &str) -> usize {
    // A text has never more UTF-16 units than bytes, so short ones need no walk.
    if text.is_ascii() { text.len() } else { text.encode_utf16().count() }
}

/// How large an entity is, estimated the way Azure counts: two bytes per character of keys, names and texts, a few bytes
/// around each value. Not measured against the service.
pub fn entity_bytes(entity: &Entity) -> usize {
    let keys = 4 + 2 * (utf16_units(&entity.partition_key) + utf16_units(&entity.row_key));
    entity.properties.iter().fold(keys, |size, (name, value)| size + 8 + 2 * utf16_units(name) + value_bytes(value))
}

fn value_bytes(value: &Property) -> usize {
    match value {
        Property::String(text) => 2 * utf16_units(text) + 4,
        Property::Int(_) | Property::Double(_) | Property::DateTime(_) => 8,
        Property::Bool(_) => 1,
        Property::Guid(_) => 16,
        Property::Binary(bytes) => bytes.len() + 4,
    }
}

/// Checks one write.
///
/// # Errors
/// [`StoreError::Limit`].
pub fn check_write(write: &Write) -> Result<(), StoreError> {
    match write {
        Write::Insert(entity)
        | Write::Replace(entity, _)
        | Write::Merge(entity, _)
        | Write::UpsertReplace(entity)
        | Write::UpsertMerge(entity) => check_entity(entity),
        Write::Delete { partition_key, row_key, .. } => check_keys(partition_key, row_key),
    }
}

/// Checks a batch: 1 to 100 writes of one partition, each entity once, 4 MiB.
///
/// # Errors
/// [`StoreError::Limit`].
pub fn check_batch(writes: &[Write]) -> Result<(), StoreError> {
    check_group("batch", writes.iter(), MAX_BATCH_WRITES, MAX_BATCH_BYTES)?;
    let mut partitions = writes.iter().map(|write| write.keys().0);
    let first = partitions.next();
    if partitions.any(|partition| Some(partition) != first) {
        return refuse("a batch stays in one partition");
    }
    let mut rows = HashSet::new();
    if !writes.iter().all(|write| rows.insert(write.keys().1)) {
        return refuse("a batch names each entity once");
    }
    Ok(())
}

/// Checks a commit: 1 to 12,000 writes, each entity once, 256 MiB. Azure makes batches of what follows each other into one
/// partition, of 100 writes and 4 MiB at most.
///
/// # Errors
/// [`StoreError::Limit`].
pub fn check_commit(commit: &Commit) -> Result<(), StoreError> {
    check_group("commit", commit.writes.iter().map(|(_, write)| write), MAX_COMMIT_WRITES, MAX_COMMIT_BYTES)?;
    let mut entities = HashSet::new();
    if !commit.writes.iter().all(|(table, write)| entities.insert((*table, write.keys()))) {
        return refuse("a commit names each entity once");
    }
    commit.guards.iter().try_for_each(|guard| check_keys(&guard.partition_key, &guard.row_key))
}

fn check_group<'a>(
    what: &str,
    writes: impl ExactSizeIterator<Item = &'a Write>,
    most: usize,
    most_bytes: usize,
) -> Result<(), StoreError> {
    let count = writes.len();
    if count == 0 || count > most {
        return refuse(format!("a {what} has 1 to {most} writes, not {count}"));
    }
    let mut size = 0;
    for write in writes {
        check_write(write)?;
        size += write.entity().map_or(0, entity_bytes);
    }
    if size > most_bytes {
        return refuse(format!("a {what} has at most {most_bytes} bytes, this one {size}"));
    }
    Ok(())
}

/// Checks a query: page size, keys, and how many comparisons its keys and filter need.
///
/// # Errors
/// [`StoreError::Limit`].
pub fn check_query(query: &Query) -> Result<(), StoreError> {
    if query.limit > MAX_PAGE {
        return refuse(format!("a page has at most {MAX_PAGE} entities, not {}", query.limit));
    }
    if let Some(partition_key) = &query.partition_key {
        check_key(partition_key)?;
    }
    let of_keys = [query.partition_key.is_some(), query.row_from.is_some(), query.row_before.is_some()];
    let keys = of_keys.into_iter().filter(|used| *used).count();
    let comparisons = keys + query.filter.as_ref().map_or(Ok(0), comparisons)?;
    if comparisons > MAX_COMPARISONS {
        return refuse(format!(
            "a query has at most {MAX_COMPARISONS} comparisons, those of its keys included; this one has {comparisons}"
        ));
    }
    Ok(())
}

fn comparisons(filter: &Filter) -> Result<usize, StoreError> {
    match filter {
        Filter::Compare(name, _, value) => {
            check_property_name(name)?;
            check_value(name, value)?;
            Ok(1)
        }
        Filter::And(parts) | Filter::Or(parts) if parts.is_empty() => refuse("a filter joins at least one condition"),
        Filter::And(parts) | Filter::Or(parts) => parts.iter().map(comparisons).sum(),
    }
}

/// Checks the length of a secret.
///
/// # Errors
/// [`StoreError::Limit`].
pub fn check_secret(value: &SecretValue) -> Result<(), StoreError> {
    let size = value.reveal().len();
    if size > MAX_SECRET_BYTES {
        return refuse(format!("a secret has at most {MAX_SECRET_BYTES} bytes, this one {size}"));
    }
    Ok(())
}

/// A text that fits into `units` UTF-16 units, cut with a visible mark when it does not: what must be written in any
/// case (how a run ended, a log line) is better cut than refused.
pub fn shorten(text: &str, units: usize) -> String {
    const MARK: &str = " … (cut)";
    if utf16_units(text) <= units {
        return text.to_owned();
    }
    let mut left = units.saturating_sub(utf16_units(MARK));
    let end = text
        .char_indices()
        .find(|(_, c)| match left.checked_sub(c.len_utf16()) {
            Some(rest) => {
                left = rest;
                false
            }
            None => true,
        })
        .map_or(text.len(), |(index, _)| index);
    format!("{}{MARK}", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortened_text_fits_and_says_that_it_was_cut() {
        assert_eq!(shorten("short", 10), "short");
        let cut = shorten(&"𝄞".repeat(100), 51);
        assert!(utf16_units(&cut) <= 51, "{} units", utf16_units(&cut));
        assert!(cut.ends_with("(cut)"));
    }

    #[test]
    fn the_keys_of_a_query_count_as_comparisons() {
        let compare = |n: usize| Filter::Compare(format!("P{n}"), crate::Comparison::Eq, Property::Int(1));
        let query = |n| Query { filter: Some(Filter::Or((0..n).map(compare).collect())), ..Query::partition("P") };
        assert!(check_query(&query(14)).is_ok());
        assert!(matches!(check_query(&query(15)), Err(StoreError::Limit(_))));
    }
}
