//! What a field offers to choose from.

use super::is_false;
use indexmap::IndexMap;
use serde::Serialize;
use serde_json::Value;

/// What a field offers.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct FieldOptions {
    /// Where the options come from.
    #[serde(flatten)]
    pub source: OptionSource,
    /// Whether a person may enter what is not offered.
    #[serde(skip_serializing_if = "is_false")]
    #[schema(required = false)]
    pub allow_custom: bool,
    /// Whether an option that is the only one is chosen by itself.
    #[serde(skip_serializing_if = "is_false")]
    #[schema(required = false)]
    pub auto_select_single: bool,
}

/// Where options come from.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(tag = "source", rename_all = "snake_case")]
pub enum OptionSource {
    /// They are written in the form.
    Static {
        /// The options.
        items: Vec<OptionItem>,
    },
    /// An option generator is asked when the field is shown.
    OptionGenerator {
        /// Its name.
        generator: String,
        /// Its arguments by name.
        #[serde(skip_serializing_if = "IndexMap::is_empty")]
        #[schema(required = false, value_type = std::collections::BTreeMap<String, OptionInput>)]
        inputs: IndexMap<String, OptionInput>,
    },
}

/// An option of a form.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct OptionItem {
    /// What a person reads.
    pub label: String,
    /// What is sent: a text, a number, `true` or `false`.
    pub value: Value,
    /// A second line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The title it is listed under.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

/// What an argument of an option generator is filled with.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum OptionInput {
    /// The value of another field.
    Field {
        /// Its name.
        field: String,
    },
    /// Always the same value.
    Value {
        /// The value.
        value: Value,
    },
}
