//! Settings of `msgraph`. The tenant is the organization's own and not among them.

use super::{addresses::Kind, fields::Fields};
use msp_domain::FieldFault;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const KNOWN: [&str; 4] = ["client_id", "auth_url", "base_url", "client_secret"];

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

pub(super) fn check(settings: &Value) -> Result<(Value, Option<String>), Vec<FieldFault>> {
    let mut fields = Fields::new(settings, &KNOWN)?;
    let client_id = fields.required_text("client_id", "the application (client) id of the registration in Entra");
    let auth_url = fields.address("auth_url", Kind::EntraAuth);
    let base_url = fields.address("base_url", Kind::GraphBase);
    let credential = fields.credential("client_secret");
    let settings = json!({
        "client_id": client_id,
        "auth_url": auth_url.unwrap_or_else(|| "https://login.microsoftonline.com".to_owned()),
        "base_url": base_url.unwrap_or_else(|| "https://graph.microsoft.com/v1.0".to_owned()),
    });
    fields.finish((settings, credential))
}
