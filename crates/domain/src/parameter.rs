//! Parameters of a workflow, as their author declared them.

mod accept;

pub use accept::validate_input;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a parameter accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ParameterType {
    /// Text.
    String,
    /// A whole number; text of one is accepted.
    Int,
    /// A finite number; text of one is accepted.
    Number,
    /// `true` or `false`.
    Bool,
    /// An e-mail address, checked loosely: the mail system decides.
    Email,
    /// Text that is masked wherever the run is shown.
    Password,
    /// A calendar day, `YYYY-MM-DD`.
    Date,
    /// An instant, RFC 3339 with offset.
    Datetime,
    /// One of the offered values.
    Select,
    /// Any number of the offered values.
    MultiSelect,
    /// Any JSON value.
    Json,
}

/// One parameter, as its author declared it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Parameter {
    /// The name of the Python argument.
    pub name: String,
    /// What it accepts.
    #[serde(rename = "type")]
    pub parameter_type: ParameterType,
    /// Whether a run without it is refused.
    pub required: bool,
    /// The value used when none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// The option generator that fills its dropdown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options_from: Option<String>,
    /// The values a `select` or `multi_select` offers, when they are fixed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<Vec<Value>>,
    /// What a form shows above it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What a form shows below it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Further limits.
    #[serde(default, skip_serializing_if = "Validation::is_empty")]
    pub validation: Validation,
}

/// Limits beyond the type. Absent means unlimited.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Validation {
    /// A regular expression (linear time, no look-around) some part of the text must match; anchored as written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// What to tell a person whose text does not match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Smallest number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// Largest number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// Fewest characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_length: Option<usize>,
    /// Most characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<usize>,
    /// Fewest chosen values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_items: Option<usize>,
    /// Most chosen values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_items: Option<usize>,
}

impl Validation {
    /// Whether nothing is limited.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What is wrong with one field of the input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FieldFault {
    /// JSON pointer to the field, as a URI fragment: `#/email`.
    pub pointer: String,
    /// What to do about it.
    pub detail: String,
}

impl FieldFault {
    /// A fault of the field with this name.
    pub fn at(field: &str, detail: impl Into<String>) -> Self {
        Self { pointer: format!("#/{}", field.replace('~', "~0").replace('/', "~1")), detail: detail.into() }
    }
}
