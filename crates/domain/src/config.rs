//! Config values of an organization and how they inherit from the global ones.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::str::FromStr;

/// How a config value is read (seed, "Organization Config").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConfigType {
    /// Any text.
    String,
    /// A whole number.
    Int,
    /// `true` or `false`.
    Bool,
    /// The name of a secret; never the secret itself.
    SecretRef,
}

impl ConfigType {
    /// The name on the wire and in the `Type` property.
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Int => "int",
            Self::Bool => "bool",
            Self::SecretRef => "secret_ref",
        }
    }

    /// Parses a value of this type from JSON or from its stored text.
    ///
    /// # Errors
    /// A sentence that says what was expected.
    pub fn parse(self, value: &Value) -> Result<Value, String> {
        match (self, value) {
            (Self::String, Value::String(_)) => Ok(value.clone()),
            (Self::Int, Value::Number(number)) if number.is_i64() => Ok(value.clone()),
            (Self::Int, Value::String(text)) => text
                .trim()
                .parse::<i64>()
                .map(Value::from)
                .map_err(|_| "expected a whole number, such as `25`".to_owned()),
            (Self::Bool, Value::Bool(_)) => Ok(value.clone()),
            (Self::Bool, Value::String(text)) => match text.trim() {
                "true" => Ok(Value::Bool(true)),
                "false" => Ok(Value::Bool(false)),
                _ => Err("expected `true` or `false`".to_owned()),
            },
            (Self::SecretRef, Value::String(text)) => {
                check_name(text).map(|()| value.clone()).map_err(|fault| format!("the secret name {fault}"))
            }
            (Self::String | Self::SecretRef, _) => Err("expected a text".to_owned()),
            (Self::Int, _) => Err("expected a whole number, such as `25`".to_owned()),
            (Self::Bool, _) => Err("expected `true` or `false`".to_owned()),
        }
    }
}

impl FromStr for ConfigType {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "string" => Ok(Self::String),
            "int" => Ok(Self::Int),
            "bool" => Ok(Self::Bool),
            "secret_ref" => Ok(Self::SecretRef),
            other => Err(format!("unknown config type `{other}`; use string, int, bool or secret_ref")),
        }
    }
}

/// One stored config value.
#[derive(Debug, Clone, PartialEq)]
pub struct ConfigEntry {
    /// Its name, such as `default_usage_location`.
    pub key: String,
    /// How it is read.
    pub config_type: ConfigType,
    /// The parsed value.
    pub value: Value,
    /// What it is for.
    pub description: Option<String>,
}

/// Where an effective value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConfigOrigin {
    /// Set for this organization.
    Organization,
    /// Inherited from the global values.
    Global,
}

/// Every value that holds for an organization, with its origin.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EffectiveConfig(pub IndexMap<String, (ConfigEntry, ConfigOrigin)>);

impl EffectiveConfig {
    /// Lays the organization's values over the global ones.
    pub fn merge(global: Vec<ConfigEntry>, organization: Vec<ConfigEntry>) -> Self {
        let mut merged: IndexMap<_, _> =
            global.into_iter().map(|entry| (entry.key.clone(), (entry, ConfigOrigin::Global))).collect();
        for entry in organization {
            merged.insert(entry.key.clone(), (entry, ConfigOrigin::Organization));
        }
        merged.sort_keys();
        Self(merged)
    }

    /// The value of a key, wherever it was set.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key).map(|(entry, _)| &entry.value)
    }

    /// Keys and values as Python receives them.
    pub fn to_values(&self) -> serde_json::Map<String, Value> {
        self.0.iter().map(|(key, (entry, _))| (key.clone(), entry.value.clone())).collect()
    }
}

/// Longest config key, secret or integration name. Key Vault ends at 127 characters, and the name goes into keys.
pub const MAX_NAME_LENGTH: usize = 120;

/// Checks the name of a config key, a secret or an integration.
///
/// # Errors
/// The rest of a sentence whose subject is the name.
pub fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() || name.len() > MAX_NAME_LENGTH {
        return Err(format!("must have 1 to {MAX_NAME_LENGTH} characters"));
    }
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if !name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') || !name.chars().all(legal) {
        return Err("may use letters, digits, `_`, `-` and `.`, and starts with a letter, digit or `_`".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn entry(key: &str, value: &str) -> ConfigEntry {
        ConfigEntry { key: key.into(), config_type: ConfigType::String, value: json!(value), description: None }
    }

    #[test]
    fn the_organizations_value_wins_over_the_global_one_and_the_origin_says_so() {
        let effective =
            EffectiveConfig::merge(vec![entry("a", "global"), entry("b", "global")], vec![entry("a", "org")]);
        assert_eq!(effective.get("a"), Some(&json!("org")));
        assert_eq!(effective.0["a"].1, ConfigOrigin::Organization);
        assert_eq!(effective.0["b"].1, ConfigOrigin::Global);
    }

    #[test]
    fn values_are_parsed_when_written() {
        assert_eq!(ConfigType::Int.parse(&json!("25")), Ok(json!(25)));
        assert!(ConfigType::Int.parse(&json!(2.5)).is_err());
        assert!(ConfigType::Bool.parse(&json!("yes")).is_err());
        assert!(ConfigType::SecretRef.parse(&json!("two words")).is_err());
    }
}
