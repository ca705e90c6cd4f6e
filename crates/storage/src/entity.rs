//! A table entity: two keys, an ETag, typed properties.

use crate::StoreError;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The version of an entity, opaque to everyone but its store.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Etag(pub String);

/// One typed value, as Azure Table Storage knows them.
#[derive(Debug, Clone, PartialEq)]
pub enum Property {
    /// `Edm.String`, at most 32 Ki UTF-16 code units.
    String(String),
    /// `Edm.Int64`.
    Int(i64),
    /// `Edm.Double`.
    Double(f64),
    /// `Edm.Boolean`.
    Bool(bool),
    /// `Edm.DateTime`.
    DateTime(DateTime<Utc>),
    /// `Edm.Guid`.
    Guid(Uuid),
    /// `Edm.Binary`, at most 64 KiB.
    Binary(Vec<u8>),
}

macro_rules! property_from {
    ($($type:ty => $variant:ident),* $(,)?) => {
        $(impl From<$type> for Property {
            fn from(value: $type) -> Self {
                Self::$variant(value.into())
            }
        })*
    };
}
property_from!(&str => String, String => String, i64 => Int, f64 => Double, bool => Bool, DateTime<Utc> => DateTime, Uuid => Guid, Vec<u8> => Binary);

/// An entity of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Entity {
    /// Which partition it is in.
    pub partition_key: String,
    /// Which row it is.
    pub row_key: String,
    /// Its version; `None` until it was stored.
    pub etag: Option<Etag>,
    /// Its values. An absent property is how a store spells "null".
    pub properties: BTreeMap<String, Property>,
}

impl Entity {
    /// An entity without properties, not yet stored.
    pub fn new(partition_key: impl Into<String>, row_key: impl Into<String>) -> Self {
        Self { partition_key: partition_key.into(), row_key: row_key.into(), etag: None, properties: BTreeMap::new() }
    }

    /// Sets a property.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Property>) -> Self {
        self.properties.insert(name.to_owned(), value.into());
        self
    }

    /// Sets a property if there is a value for it.
    #[must_use]
    pub fn with_some(self, name: &str, value: Option<impl Into<Property>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// A text that must be there.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it is missing or of another type. Likewise for the readers below.
    pub fn text(&self, name: &str) -> Result<&str, StoreError> {
        self.text_opt(name)?.ok_or_else(|| self.missing(name))
    }

    /// A text that may be missing.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it is of another type.
    pub fn text_opt(&self, name: &str) -> Result<Option<&str>, StoreError> {
        match self.properties.get(name) {
            None => Ok(None),
            Some(Property::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.mistyped(name)),
        }
    }

    /// A whole number that may be missing.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it is of another type.
    pub fn int_opt(&self, name: &str) -> Result<Option<i64>, StoreError> {
        match self.properties.get(name) {
            None => Ok(None),
            Some(Property::Int(value)) => Ok(Some(*value)),
            Some(_) => Err(self.mistyped(name)),
        }
    }

    /// A whole number that must be there.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it is missing or of another type.
    pub fn int(&self, name: &str) -> Result<i64, StoreError> {
        self.int_opt(name)?.ok_or_else(|| self.missing(name))
    }

    /// A truth value; missing means `false`, which is how rights fail closed.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it is of another type.
    pub fn flag(&self, name: &str) -> Result<bool, StoreError> {
        match self.properties.get(name) {
            None => Ok(false),
            Some(Property::Bool(value)) => Ok(*value),
            Some(_) => Err(self.mistyped(name)),
        }
    }

    /// An instant that may be missing.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it is of another type.
    pub fn instant_opt(&self, name: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
        match self.properties.get(name) {
            None => Ok(None),
            Some(Property::DateTime(value)) => Ok(Some(*value)),
            Some(_) => Err(self.mistyped(name)),
        }
    }

    /// An instant that must be there.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it is missing or of another type.
    pub fn instant(&self, name: &str) -> Result<DateTime<Utc>, StoreError> {
        self.instant_opt(name)?.ok_or_else(|| self.missing(name))
    }

    /// A GUID that may be missing. Other tools write it as text too.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it is of another type or no GUID.
    pub fn guid_opt(&self, name: &str) -> Result<Option<Uuid>, StoreError> {
        match self.properties.get(name) {
            None => Ok(None),
            Some(Property::Guid(value)) => Ok(Some(*value)),
            Some(Property::String(text)) => text.parse().map(Some).map_err(|_| self.mistyped(name)),
            Some(_) => Err(self.mistyped(name)),
        }
    }

    fn missing(&self, name: &str) -> StoreError {
        StoreError::Corrupt(format!("({}, {}) lacks `{name}`", self.partition_key, self.row_key))
    }

    fn mistyped(&self, name: &str) -> StoreError {
        StoreError::Corrupt(format!("({}, {}) has a `{name}` of another type", self.partition_key, self.row_key))
    }
}
