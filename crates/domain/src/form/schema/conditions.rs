//! Conditions are data, never code: what they can say.

use serde::Serialize;
use serde_json::Value;

/// Rows of a condition, and how many of them must hold.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Conditions {
    /// Every one.
    All(Vec<Condition>),
    /// At least one.
    Any(Vec<Condition>),
}

impl Conditions {
    /// The rows.
    pub fn rows(&self) -> &[Condition] {
        match self {
            Self::All(rows) | Self::Any(rows) => rows,
        }
    }

    /// The name in a form's JSON.
    pub(in crate::form) fn name(&self) -> &'static str {
        match self {
            Self::All(_) => "all",
            Self::Any(_) => "any",
        }
    }
}

/// One row of a condition. A field that is hidden counts as empty.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Condition {
    /// The field that is looked at.
    pub field: String,
    /// How its value is compared.
    pub op: Operator,
    /// With what; absent for `empty` and `not_empty`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
}

/// How a value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Operator {
    /// The same value of the same kind: `5` is not `"5"`.
    Eq,
    /// Not `eq`; so an empty field is unequal to everything.
    Ne,
    /// One of a list; of several chosen values, at least one.
    In,
    /// Not `in`.
    NotIn,
    /// Nothing, an empty text or an empty list. `false` is a value.
    Empty,
    /// Not `empty`.
    NotEmpty,
    /// A text that contains this one, letter case as written; chosen values with this one among them.
    Contains,
    /// A larger number, or a later day or instant.
    Gt,
    /// `gt` or equal.
    Gte,
    /// A smaller number, or an earlier day or instant.
    Lt,
    /// `lt` or equal.
    Lte,
}

impl Operator {
    /// Every operator.
    pub const ALL: [Self; 11] = [
        Self::Eq,
        Self::Ne,
        Self::In,
        Self::NotIn,
        Self::Empty,
        Self::NotEmpty,
        Self::Contains,
        Self::Gt,
        Self::Gte,
        Self::Lt,
        Self::Lte,
    ];

    /// The name in a form's JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ne => "ne",
            Self::In => "in",
            Self::NotIn => "not_in",
            Self::Empty => "empty",
            Self::NotEmpty => "not_empty",
            Self::Contains => "contains",
            Self::Gt => "gt",
            Self::Gte => "gte",
            Self::Lt => "lt",
            Self::Lte => "lte",
        }
    }
}
