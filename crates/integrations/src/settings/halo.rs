//! Settings of `halopsa`.

use super::{addresses::Kind, fields::Fields};
use msp_domain::FieldFault;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

const KNOWN: [&str; 7] =
    ["base_url", "auth_url", "tenant", "client_id", "client_secret", "default_client_id", "note_outcome_id"];

/// The outcome HaloPSA is delivered with for an internal note.
const STOCK_NOTE_OUTCOME: i64 = 7;

/// Settings as stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct HaloSettings {
    /// The instance.
    pub(crate) base_url: String,
    /// Its authorization server.
    pub(crate) auth_url: String,
    /// Its tenant; cloud-hosted instances have one.
    #[serde(default)]
    pub(crate) tenant: Option<String>,
    /// The API application.
    pub(crate) client_id: String,
    /// The organization's client id in HaloPSA, for notes that name none.
    #[serde(default)]
    pub(crate) default_client_id: Option<i64>,
    /// The outcome of notes on tickets.
    pub(crate) note_outcome_id: i64,
}

pub(super) fn properties() -> Value {
    json!({
        "base_url": {
            "type": "string", "title": "Address", "format": "uri",
            "description": "The instance, such as `https://acme.halopsa.com`.",
        },
        "client_id": {
            "type": "string", "title": "Client ID", "minLength": 1, "maxLength": 500,
            "description": "The client id of the API application in HaloPSA.",
        },
        "client_secret": {
            "type": "string", "title": "Client secret", "minLength": 8, "maxLength": 500, "format": "password",
            "writeOnly": true, "description": "The secret of the API application. Left out, a stored one stays.",
        },
        "tenant": {
            "type": "string", "title": "Tenant", "maxLength": 500, "description": "Needed for cloud-hosted instances.",
        },
        "auth_url": {
            "type": "string", "title": "Authorization server", "format": "uri",
            "description": "Where tokens come from; by default the address followed by `/auth`.",
        },
        "default_client_id": {
            "type": "integer", "title": "Client number", "minimum": 1,
            "description": "Which client in HaloPSA the organization is, for notes that name none.",
        },
        "note_outcome_id": {
            "type": "integer", "title": "Outcome of notes", "minimum": 1, "default": STOCK_NOTE_OUTCOME,
            "description": "The outcome that notes on tickets get.",
        },
    })
}

pub(super) fn check(settings: &Value) -> Result<(Value, Option<String>), Vec<FieldFault>> {
    let mut fields = Fields::new(settings, &KNOWN)?;
    let base_url = fields.address("base_url", Kind::HaloBase);
    if base_url.is_none() && !fields.is_faulty("base_url") {
        fields.fault::<()>("base_url", "is required: the address of the instance, such as `https://acme.halopsa.com`");
    }
    let auth_url = fields.address("auth_url", Kind::HaloAuth);
    let tenant = fields.text("tenant");
    let client_id = fields.required_text("client_id", "the client id of the API application in HaloPSA");
    let credential = fields.credential("client_secret");
    let default_client_id = fields.integer("default_client_id");
    let note_outcome_id = fields.integer("note_outcome_id").unwrap_or(STOCK_NOTE_OUTCOME);
    let auth_url = auth_url.or_else(|| base_url.as_ref().map(|base| format!("{base}/auth")));
    let mut checked = Map::new();
    for (name, value) in [("base_url", base_url), ("auth_url", auth_url), ("tenant", tenant), ("client_id", client_id)]
    {
        if let Some(value) = value {
            checked.insert(name.to_owned(), value.into());
        }
    }
    if let Some(id) = default_client_id {
        checked.insert("default_client_id".to_owned(), id.into());
    }
    checked.insert("note_outcome_id".to_owned(), note_outcome_id.into());
    fields.finish((Value::Object(checked), credential))
}
