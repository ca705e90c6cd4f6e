//! Forms: what their JSON may say, which fields a person sees, and what a submission must hold.
//!
//! Three questions, three answers that the browser must give alike (`crates/domain/vectors` is run against both):
//! [`FormSchema::parse`] refuses a document with a JSON pointer to each fault, [`FormSchema::state`] evaluates conditions,
//! and [`FormSchema::validate`] turns a submission into the input of a workflow.

mod cells;
mod check;
mod condition;
mod document;
mod draft;
mod moment;
mod offered;
mod pattern;
mod read;
mod schema;
mod submission;
mod uploaded;
mod value;

pub use cells::{Columns, chosen_among};
pub use condition::FormState;
pub use draft::draft;
pub use offered::is_among;
pub use schema::{
    Bound, Condition, Conditions, Field, FieldOptions, FieldType, FieldValidation, FieldWidth, FormSchema, Operator,
    OptionInput, OptionItem, OptionSource,
};
pub use uploaded::UploadedFile;

/// Largest form as stored, in bytes of compact JSON (seed, "Forms").
pub const MAX_FORM_BYTES: usize = 32 * 1024;
/// Most fields of one form: more than a person fills in, and far more than fit into [`MAX_FORM_BYTES`] with a label each.
pub const MAX_FIELDS: usize = 400;
/// Most rows of one condition.
pub const MAX_CONDITIONS: usize = 20;
/// Most options that a radio group shows; more are easier to search in a list.
pub const MAX_RADIO_OPTIONS: usize = 7;
