//! From JSON to a form: every fault with a pointer to where it stands.

use super::{
    MAX_FIELDS, MAX_FORM_BYTES, check,
    document::{Faults, Object, Place},
    schema::{Field, FieldType, FieldWidth, FormSchema},
};
use crate::{FieldFault, naming, workflow::nearest};
use conditions::read_conditions;
use limits::read_validation;
use options::read_options;
use serde_json::Value;

mod conditions;
mod limits;
mod options;

/// Longest name of a field, in characters.
const MAX_NAME_CHARS: usize = 64;
/// Longest label or placeholder, in characters: it stands in one line.
const MAX_LABEL_CHARS: usize = 200;
/// Longest description, in characters. The size of the whole form limits it further.
const MAX_TEXT_CHARS: usize = 8000;

impl FormSchema {
    /// Reads a form. The seed's field-level `options_from` is accepted and read as `options`.
    ///
    /// # Errors
    /// Every fault with a pointer into the document. What stands between fields (names, references, circular conditions) is
    /// only looked at once each field can be read.
    pub fn parse(document: &Value) -> Result<Self, Vec<FieldFault>> {
        let faults = Faults::default();
        let form = Place::root(&faults).object(document).and_then(|form| read_form(&form));
        let Some(form) = form.filter(|_| faults.is_empty()) else { return Err(faults.into_inner()) };
        check::check(&form, &Place::root(&faults));
        let bytes = serde_json::to_vec(&form).map_or(usize::MAX, |json| json.len());
        if bytes > MAX_FORM_BYTES {
            let detail = format!("The form takes {bytes} bytes; at most {MAX_FORM_BYTES} can be stored");
            Place::root(&faults).fault(detail);
        }
        if faults.is_empty() { Ok(form) } else { Err(faults.into_inner()) }
    }
}

fn read_form(form: &Object<'_>) -> Option<FormSchema> {
    form.knows(&["name", "description", "workflow", "category", "confirm", "fields"]);
    let name = form.text("name", MAX_LABEL_CHARS);
    if let Err(expected) = naming::name(&name) {
        form.place("name").fault(format!("{expected} for the name of the form"));
    }
    let workflow = form.text("workflow", MAX_LABEL_CHARS);
    if workflow.is_empty() {
        form.place("workflow").fault("name the workflow that the form runs");
    }
    let Some(items) = form.get("fields") else {
        form.place("fields").fault("expected a list of fields");
        return None;
    };
    let place = form.place("fields");
    let items = place.list(items)?;
    if items.len() > MAX_FIELDS {
        place.fault(format!("a form has at most {MAX_FIELDS} fields"));
    }
    // All of them are read before one that cannot be ends it: each has its faults to tell.
    let fields: Vec<Option<Field>> =
        items.iter().enumerate().map(|(i, item)| read_field(&place.at(i).object(item)?)).collect();
    Some(FormSchema {
        name: name.trim().to_owned(),
        description: form.text("description", MAX_TEXT_CHARS),
        workflow,
        category: form.text("category", MAX_LABEL_CHARS),
        confirm: form.flag("confirm"),
        fields: fields.into_iter().collect::<Option<_>>()?,
    })
}

fn read_field(field: &Object<'_>) -> Option<Field> {
    let Some(field_type) = FieldType::ALL.into_iter().find(|known| field.get("type") == Some(&known.name().into()))
    else {
        let names = FieldType::ALL.map(FieldType::name);
        let given = field.get("type").and_then(Value::as_str).unwrap_or_default();
        let hint = nearest(given, names)
            .map_or_else(|| format!("use one of {}", names.join(", ")), |near| format!("did you mean `{near}`?"));
        field.place("type").fault(format!("`{given}` is not a type of field; {hint}"));
        return None;
    };
    field.knows(properties_of(field_type));
    let name = field.text("name", MAX_NAME_CHARS);
    let may_lack = field_type.is_layout() && name.is_empty();
    if !(is_field_name(&name) || may_lack) {
        let detail = "a name starts with a letter from a to z, followed by letters from a to z, digits or `_`";
        field.place("name").fault(detail);
    }
    let label = field.text("label", MAX_LABEL_CHARS);
    if label.trim().is_empty() && !matches!(field_type, FieldType::Markdown | FieldType::Divider) {
        field.place("label").fault("say what stands above it");
    }
    let width = match field.get("width").map(|width| width.as_str().unwrap_or_default()) {
        None | Some("full") => FieldWidth::Full,
        Some("half") => FieldWidth::Half,
        Some(_) => {
            field.place("width").fault("expected `full` or `half`");
            FieldWidth::Full
        }
    };
    let validation = field.child("validation").map(|limits| read_validation(field_type, &limits)).unwrap_or_default();
    Some(Field {
        name,
        label,
        field_type,
        required: field.flag("required"),
        description: field.text("description", MAX_TEXT_CHARS),
        placeholder: field.text("placeholder", MAX_LABEL_CHARS),
        default: field.get("default").cloned(),
        width,
        validation,
        options: read_options(field_type, field),
        visible_when: read_conditions(field, "visible_when"),
        required_when: read_conditions(field, "required_when"),
    })
}

/// What a field of this type may say, so that a property without effect is noticed.
fn properties_of(field_type: FieldType) -> &'static [&'static str] {
    match field_type {
        FieldType::Divider => &["name", "type", "visible_when"],
        FieldType::Heading => &["name", "type", "label", "visible_when"],
        FieldType::Section => &["name", "type", "label", "description", "visible_when"],
        FieldType::Markdown => &["name", "type", "label", "description", "width", "visible_when"],
        FieldType::Select | FieldType::MultiSelect | FieldType::Radio => &[
            "name",
            "label",
            "type",
            "required",
            "description",
            "placeholder",
            "default",
            "width",
            "validation",
            "options",
            "options_from",
            "visible_when",
            "required_when",
        ],
        FieldType::Password | FieldType::File => &[
            "name",
            "label",
            "type",
            "required",
            "description",
            "placeholder",
            "width",
            "validation",
            "visible_when",
            "required_when",
        ],
        _ => &[
            "name",
            "label",
            "type",
            "required",
            "description",
            "placeholder",
            "default",
            "width",
            "validation",
            "visible_when",
            "required_when",
        ],
    }
}

/// `^[a-z][a-z0-9_]*$`
fn is_field_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}
