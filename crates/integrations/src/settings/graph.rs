//! Settings of `msgraph`. The tenant is the organization's own and not among them.

use super::{addresses::Kind, fields::Fields};
use msp_domain::FieldFault;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const KNOWN: [&str; 4] = ["client_id", "auth_url", "base_url", "client_secret"];

const AUTH_URL: &str = "https://login.microsoftonline.com";
const BASE_URL: &str = "https://graph.microsoft.com/v1.0";

/// Settings as stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct GraphSettings {
    /// The application registration.
    pub(crate) client_id: String,
    /// Where tokens come from.
    pub(crate) auth_url: String,
    /// Graph with its version.
    pub(crate) base_url: String,
}

pub(super) fn properties() -> Value {
    json!({
        "client_id": {
            "type": "string", "title": "Client ID", "minLength": 1, "maxLength": 500,
            "description": "The application (client) id of the registration in Entra. The tenant is the organization's.",
        },
        "client_secret": {
            "type": "string", "title": "Client secret", "minLength": 8, "maxLength": 500, "format": "password",
            "writeOnly": true, "description": "The secret's value, not its id. Left out, a stored one stays.",
        },
        "auth_url": {
            "type": "string", "title": "Sign-in address", "format": "uri", "default": AUTH_URL,
            "description": "Where tokens come from; differs in national clouds.",
        },
        "base_url": {
            "type": "string", "title": "Graph address", "format": "uri", "default": BASE_URL,
            "description": "Graph with its version; differs in national clouds.",
        },
    })
}

pub(super) fn check(settings: &Value) -> Result<(Value, Option<String>), Vec<FieldFault>> {
    let mut fields = Fields::new(settings, &KNOWN)?;
    let client_id = fields.required_text("client_id", "the application (client) id of the registration in Entra");
    let auth_url = fields.address("auth_url", Kind::EntraAuth);
    let base_url = fields.address("base_url", Kind::GraphBase);
    let credential = fields.credential("client_secret");
    let settings = json!({
        "client_id": client_id,
        "auth_url": auth_url.unwrap_or_else(|| AUTH_URL.to_owned()),
        "base_url": base_url.unwrap_or_else(|| BASE_URL.to_owned()),
    });
    fields.finish((settings, credential))
}
