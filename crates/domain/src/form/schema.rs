//! The document: a form, its fields and what each may say.

use serde::Serialize;
use serde_json::Value;

mod conditions;
mod options;

pub use conditions::{Condition, Conditions, Operator};
pub use options::{FieldOptions, OptionInput, OptionItem, OptionSource};

/// A form that has been checked: only [`FormSchema::parse`] makes one.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(example = json!({ "name": "New user", "workflow": "user_onboarding",
    "fields": [{ "name": "first_name", "label": "First name", "type": "text", "required": true }] }))]
pub struct FormSchema {
    /// What it is called.
    pub name: String,
    /// What it is for.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(required = false)]
    pub description: String,
    /// The workflow it runs.
    pub workflow: String,
    /// What it is listed under.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(required = false)]
    pub category: String,
    /// Whether a person confirms, reading the organization's name, before it runs.
    #[serde(skip_serializing_if = "is_false")]
    #[schema(required = false)]
    pub confirm: bool,
    /// Its fields and layout elements, from top to bottom.
    pub fields: Vec<Field>,
}

/// A field, or an element of the layout.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Field {
    /// The parameter it fills; layout elements may have none.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(required = false)]
    pub name: String,
    /// What stands above it; the title of a section or heading.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(required = false)]
    pub label: String,
    /// Which control it is.
    #[serde(rename = "type")]
    pub field_type: FieldType,
    /// Whether it must be filled in; a checkbox or switch must be on.
    #[serde(skip_serializing_if = "is_false")]
    #[schema(required = false)]
    pub required: bool,
    /// Help under the label; the text of a `markdown` element, where `{{field}}` stands for that field's value.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(required = false)]
    pub description: String,
    /// An example inside the empty control.
    #[serde(skip_serializing_if = "String::is_empty")]
    #[schema(required = false)]
    pub placeholder: String,
    /// What it holds before a person changes it. Only the form shows it: a submission without the field stays without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// How much of the line it takes.
    #[serde(skip_serializing_if = "FieldWidth::is_full")]
    #[schema(required = false)]
    pub width: FieldWidth,
    /// Limits beyond the type.
    #[serde(skip_serializing_if = "FieldValidation::is_empty")]
    #[schema(required = false)]
    pub validation: FieldValidation,
    /// What it offers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<FieldOptions>,
    /// When it is shown. What is not shown is neither checked nor sent. A section hides the fields that follow it as well,
    /// up to the next section.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visible_when: Option<Conditions>,
    /// When it must be filled in, though `required` does not say so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required_when: Option<Conditions>,
}

/// Which control a field is, and so what it sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FieldType {
    /// One line of text; blanks around it are dropped.
    Text,
    /// Several lines of text; blanks around them are dropped.
    Textarea,
    /// An e-mail address, checked loosely.
    Email,
    /// Text that nobody sees again.
    Password,
    /// A number; a whole one when `validation.step` is 1.
    Number,
    /// `true` or `false`.
    Checkbox,
    /// `true` or `false`.
    Switch,
    /// One of the offered values, searched in a list.
    Select,
    /// A list of offered values.
    MultiSelect,
    /// One of a few offered values, all visible.
    Radio,
    /// A calendar day, `YYYY-MM-DD`.
    Date,
    /// An instant, RFC 3339 with offset.
    Datetime,
    /// An uploaded file, or a list of them when `validation.max_items` is more than 1.
    File,
    /// Any JSON value, for parameters no other control can fill.
    Json,
    /// A title that groups what follows.
    Section,
    /// A title.
    Heading,
    /// Formatted text.
    Markdown,
    /// A line.
    Divider,
}

impl FieldType {
    /// Every type.
    pub const ALL: [Self; 18] = [
        Self::Text,
        Self::Textarea,
        Self::Email,
        Self::Password,
        Self::Number,
        Self::Checkbox,
        Self::Switch,
        Self::Select,
        Self::MultiSelect,
        Self::Radio,
        Self::Date,
        Self::Datetime,
        Self::File,
        Self::Json,
        Self::Section,
        Self::Heading,
        Self::Markdown,
        Self::Divider,
    ];

    /// The name in a form's JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Textarea => "textarea",
            Self::Email => "email",
            Self::Password => "password",
            Self::Number => "number",
            Self::Checkbox => "checkbox",
            Self::Switch => "switch",
            Self::Select => "select",
            Self::MultiSelect => "multi_select",
            Self::Radio => "radio",
            Self::Date => "date",
            Self::Datetime => "datetime",
            Self::File => "file",
            Self::Json => "json",
            Self::Section => "section",
            Self::Heading => "heading",
            Self::Markdown => "markdown",
            Self::Divider => "divider",
        }
    }

    /// Whether it only arranges the form and sends nothing.
    pub fn is_layout(self) -> bool {
        matches!(self, Self::Section | Self::Heading | Self::Markdown | Self::Divider)
    }

    /// Whether a value is chosen from options.
    pub fn has_options(self) -> bool {
        matches!(self, Self::Select | Self::MultiSelect | Self::Radio)
    }

    /// Whether its value is a text that a person types.
    pub(super) fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::Textarea | Self::Email | Self::Password)
    }

    /// Whether it is on or off.
    pub(super) fn is_boolean(self) -> bool {
        matches!(self, Self::Checkbox | Self::Switch)
    }
}

/// How much of the line a field takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FieldWidth {
    /// All of it.
    #[default]
    Full,
    /// Half of it, where there is room.
    Half,
}

impl FieldWidth {
    fn is_full(&self) -> bool {
        *self == Self::Full
    }
}

/// Limits beyond the type. Absent means unlimited.
#[derive(Debug, Clone, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct FieldValidation {
    /// A regular expression that some part of the text must match; anchored as written. Linear time: no look-around and no
    /// back-references; `\w`, `\d`, `\s` and `\b` know ASCII only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// What to tell a person whose value is beyond these limits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Smallest number, or earliest day or instant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<Bound>,
    /// Largest number, or latest day or instant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<Bound>,
    /// What a click adds to a number. With 1, only whole numbers are accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<f64>,
    /// Fewest characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_length: Option<usize>,
    /// Most characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_length: Option<usize>,
    /// Fewest chosen values or files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_items: Option<usize>,
    /// Most chosen values or files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_items: Option<usize>,
    /// Files that are accepted: endings (`.csv`), types (`text/csv`) or families of types (`image/*`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub accept: Vec<String>,
    /// Largest file, in MB of 1,048,576 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_size_mb: Option<f64>,
}

impl FieldValidation {
    /// Whether nothing is limited.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A limit of a number, or of a day or instant as its text.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum Bound {
    /// Of a number.
    Number(f64),
    /// Of a `date` or `datetime`.
    Moment(String),
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape serde asks for")]
fn is_false(flag: &bool) -> bool {
    !flag
}
