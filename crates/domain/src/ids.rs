//! Identifiers. Each kind is its own type, so one can never be passed for another.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

/// A text that is not the identifier it was given as.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a GUID; expected 32 hexadecimal digits in the form 8-4-4-4-12")]
pub struct IdError {
    /// What was given, cut to a length that is safe to show.
    pub text: String,
}

/// Parses only the hyphenated form: braces, URNs and bare digits would give one entity several spellings.
fn parse_guid(text: &str) -> Result<Uuid, IdError> {
    let fault = || IdError { text: text.chars().take(64).collect() };
    if text.len() != 36 {
        return Err(fault());
    }
    Uuid::parse_str(text).map_err(|_| fault())
}

macro_rules! guid_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schema(value_type = String, format = Uuid)]
        pub struct $name(Uuid);

        impl $name {
            /// A new random identifier.
            pub fn random() -> Self {
                Self(Uuid::new_v4())
            }

            /// The identifier as a UUID.
            pub fn as_uuid(&self) -> Uuid {
                self.0
            }

            /// The lower-case hyphenated text, as used in table keys.
            pub fn key(&self) -> String {
                self.0.hyphenated().to_string()
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.key()
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                parse_guid(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }
    };
}

guid_newtype!(
    /// A client organization. Never `GLOBAL`: that is [`Scope::Global`].
    OrgId
);
guid_newtype!(
    /// A person or service: the `oid` of its token, a random GUID for a local account.
    UserId
);
guid_newtype!(
    /// One run of a workflow. A UUIDv7, so its start and its table row key follow from the id alone.
    ExecutionId
);

guid_newtype!(
    /// One form submitted with many rows. A UUIDv7, as the ids of its executions are.
    BatchId
);

/// Row keys hold `9999999999999 - milliseconds`, so the newest row sorts first (seed, "Table Storage Schema").
const REVERSE_TIMESTAMP_BASE: u64 = 9_999_999_999_999;

fn new_v7(now: DateTime<Utc>) -> Uuid {
    let millis = u64::try_from(now.timestamp_millis()).unwrap_or(0);
    let timestamp = uuid::Timestamp::from_unix(
        uuid::NoContext,
        millis / 1000,
        u32::try_from(millis % 1000).unwrap_or(0) * 1_000_000,
    );
    Uuid::new_v7(timestamp)
}

impl BatchId {
    /// A new id for a batch that is submitted `now`.
    pub fn at(now: DateTime<Utc>) -> Self {
        Self(new_v7(now))
    }

    /// `{ReverseTimestamp}_{BatchId}`, or `None` for an id that carries no time: no batch has one.
    pub fn row_key(&self) -> Option<String> {
        ExecutionId(self.0).row_key()
    }

    /// When it was submitted, in milliseconds since 1970; `None` for an id that carries no time.
    pub fn millis(&self) -> Option<u64> {
        ExecutionId(self.0).millis()
    }
}

impl ExecutionId {
    /// A new id for an execution that starts `now`.
    pub fn at(now: DateTime<Utc>) -> Self {
        Self(new_v7(now))
    }

    /// `{ReverseTimestamp}_{ExecutionId}`, or `None` for an id that carries no time (rows other tools wrote).
    pub fn row_key(&self) -> Option<String> {
        Some(format!("{}_{}", reverse_timestamp(self.millis()?), self.key()))
    }

    /// The start of the execution in milliseconds since 1970; `None` for an id that carries no time.
    pub fn millis(&self) -> Option<u64> {
        if self.0.get_version_num() != 7 {
            return None;
        }
        let (seconds, nanos) = self.0.get_timestamp()?.to_unix();
        Some(seconds * 1000 + u64::from(nanos) / 1_000_000)
    }
}

/// Thirteen digits that sort newest first.
pub fn reverse_timestamp(unix_millis: u64) -> String {
    format!("{:013}", REVERSE_TIMESTAMP_BASE.saturating_sub(unix_millis))
}

/// The milliseconds since 1970 that [`reverse_timestamp`] was given; `None` if the text is none of its.
pub fn millis_of(reverse_timestamp: &str) -> Option<u64> {
    REVERSE_TIMESTAMP_BASE.checked_sub(reverse_timestamp.parse().ok()?)
}

/// Where a thing lives: one client organization, or the platform's own partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Shared by every organization; only platform administrators write it.
    Global,
    /// One client organization.
    Org(OrgId),
}

impl Scope {
    /// The partition key of everything in this scope.
    pub fn key(&self) -> String {
        match self {
            Self::Global => "GLOBAL".to_owned(),
            Self::Org(org) => org.key(),
        }
    }

    /// The organization, unless this is the global scope.
    pub fn org(&self) -> Option<OrgId> {
        match self {
            Self::Global => None,
            Self::Org(org) => Some(*org),
        }
    }

    /// Reads a partition key back.
    ///
    /// # Errors
    /// [`IdError`] when the key is neither `GLOBAL` nor a GUID.
    pub fn from_key(key: &str) -> Result<Self, IdError> {
        if key == "GLOBAL" { Ok(Self::Global) } else { key.parse().map(Self::Org) }
    }
}

impl From<Option<OrgId>> for Scope {
    fn from(org: Option<OrgId>) -> Self {
        org.map_or(Self::Global, Self::Org)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_organization_id_is_lower_cased_and_only_a_hyphenated_guid_parses() {
        let id: OrgId = "6F9619FF-8B86-D011-B42D-00CF4FC964FF".parse().expect("a GUID");
        assert_eq!(id.key(), "6f9619ff-8b86-d011-b42d-00cf4fc964ff");
        for text in ["GLOBAL", "", "6F9619FF8B86D011B42D00CF4FC964FF", "{6F9619FF-8B86-D011-B42D-00CF4FC964FF}"] {
            assert!(text.parse::<OrgId>().is_err(), "{text} parsed");
        }
    }

    #[test]
    fn the_row_key_of_an_execution_follows_from_its_id_and_sorts_newest_first() {
        let earlier = DateTime::from_timestamp_millis(1_763_800_000_123).expect("an instant");
        let later = DateTime::from_timestamp_millis(1_763_800_000_124).expect("an instant");
        let (a, b) = (ExecutionId::at(earlier), ExecutionId::at(later));
        assert_eq!(a.row_key().expect("v7"), format!("{}_{a}", 9_999_999_999_999_u64 - 1_763_800_000_123));
        assert!(b.row_key() < a.row_key());
    }

    #[test]
    fn an_id_without_a_time_has_no_row_key() {
        assert_eq!(ExecutionId::random().row_key(), None);
    }
}
