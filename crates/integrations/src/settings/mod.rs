//! Settings of the integrations: what they hold, how they are checked, what a change does to the credential.

mod addresses;
mod fields;
pub(crate) mod graph;
pub(crate) mod halo;

pub(crate) use addresses::may_lack_tls;

use msp_domain::FieldFault;
use serde_json::{Value, json};

/// An integration as people meet it.
#[derive(Debug, Clone, PartialEq)]
pub struct IntegrationType {
    /// `msgraph` or `halopsa`.
    pub name: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// What it is needed for.
    pub description: &'static str,
    /// JSON Schema (2020-12) of its settings. Its properties stand in the order of a form; one that is `writeOnly` is the
    /// credential.
    pub settings_schema: Value,
}

pub(crate) fn types() -> [IntegrationType; 2] {
    [
        IntegrationType {
            name: "msgraph",
            title: "Microsoft Graph",
            description: "Users and licenses of the organization's Microsoft Entra tenant.",
            settings_schema: schema(graph::properties(), &["client_id"]),
        },
        IntegrationType {
            name: "halopsa",
            title: "HaloPSA",
            description: "Notes on tickets and clients.",
            settings_schema: schema(halo::properties(), &["base_url", "client_id"]),
        },
    ]
}

fn schema(properties: Value, required: &[&str]) -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

/// Settings of an integration, checked: what to store, and whether a stored credential may stay.
#[derive(Clone, PartialEq)]
pub struct CheckedSettings {
    /// The settings with defaults filled and addresses normalised, without the credential.
    pub settings: Value,
    /// The credential the body carried, to be stored as a secret.
    pub credential: Option<String>,
    /// Whether host, auth address or tenant differ from `previous`, so a stored credential must be cleared.
    pub clears_credential: bool,
}

impl std::fmt::Debug for CheckedSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CheckedSettings")
            .field("settings", &self.settings)
            .field("credential", &self.credential.as_ref().map(|_| ".."))
            .field("clears_credential", &self.clears_credential)
            .finish()
    }
}

/// What decides where a credential is sent.
const CREDENTIAL_BOUND_TO: [&str; 3] = ["base_url", "auth_url", "tenant"];

pub(crate) fn check(
    integration: &str,
    settings: &Value,
    previous: Option<&Value>,
) -> Option<Result<CheckedSettings, Vec<FieldFault>>> {
    let checked = match integration {
        "msgraph" => graph::check(settings),
        "halopsa" => halo::check(settings),
        _ => return None,
    };
    Some(checked.map(|(settings, credential)| {
        let moved =
            |previous: &Value| CREDENTIAL_BOUND_TO.iter().any(|field| previous.get(field) != settings.get(field));
        let clears_credential = previous.is_some_and(moved);
        CheckedSettings { settings, credential, clears_credential }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn checked(integration: &str, settings: Value, previous: Option<&Value>) -> CheckedSettings {
        check(integration, &settings, previous).expect("a known integration").expect("valid settings")
    }

    #[test]
    fn defaults_are_filled_and_the_credential_is_taken_out() {
        let graph = checked("msgraph", json!({ "client_id": "an-app", "client_secret": "long value" }), None);
        assert_eq!(
            graph.settings,
            json!({
                "client_id": "an-app",
                "auth_url": "https://login.microsoftonline.com",
                "base_url": "https://graph.microsoft.com/v1.0",
            })
        );
        assert_eq!(graph.credential.as_deref(), Some("long value"));
        assert!(!format!("{graph:?}").contains("long value"));
        let halo =
            checked("halopsa", json!({ "base_url": "acme.halopsa.com/api", "client_id": "x", "tenant": "acme" }), None);
        assert_eq!(
            halo.settings,
            json!({
                "base_url": "https://acme.halopsa.com",
                "auth_url": "https://acme.halopsa.com/auth",
                "tenant": "acme",
                "client_id": "x",
                "note_outcome_id": 7,
            })
        );
    }

    #[test]
    fn moving_host_auth_address_or_tenant_clears_the_credential_and_a_new_spelling_does_not() {
        let before =
            checked("halopsa", json!({ "base_url": "a.example", "client_id": "x", "tenant": "t" }), None).settings;
        let clears = |settings| checked("halopsa", settings, Some(&before)).clears_credential;
        assert!(!clears(json!({ "base_url": "https://A.example/api/", "client_id": "y", "tenant": "t" })));
        assert!(clears(json!({ "base_url": "b.example", "client_id": "x", "tenant": "t" })));
        assert!(clears(json!({ "base_url": "a.example", "auth_url": "b.example", "client_id": "x", "tenant": "t" })));
        assert!(clears(json!({ "base_url": "a.example", "client_id": "x" })));
    }

    #[test]
    fn the_schema_names_the_settings_that_are_taken_and_those_that_are_required() {
        for kind in types() {
            let properties = kind.settings_schema["properties"].as_object().expect("properties").clone();
            let faults_of = |settings: Value| check(kind.name, &settings, None).expect("known").expect_err("faulty");
            let every: Value =
                properties.keys().map(|name| (name.clone(), json!([]))).collect::<serde_json::Map<_, _>>().into();
            let pointers: Vec<String> = faults_of(every).into_iter().map(|fault| fault.pointer).collect();
            for name in properties.keys() {
                let at = format!("#/{name}");
                let found = faults_of(json!({ name: [], "clientid": 1 }));
                assert!(found.iter().any(|fault| fault.pointer == at && !fault.detail.contains("known are")), "{name}");
                assert!(pointers.contains(&at), "{name} is not read");
            }
            let required: Vec<String> = faults_of(json!({}))
                .into_iter()
                .map(|fault| fault.pointer.trim_start_matches("#/").to_owned())
                .collect();
            assert_eq!(kind.settings_schema["required"], json!(required), "{}", kind.name);
            let secret: Vec<&String> =
                properties.iter().filter(|(_, property)| property["writeOnly"] == true).map(|(name, _)| name).collect();
            assert_eq!(secret, ["client_secret"]);
        }
    }

    #[test]
    fn every_faulty_field_is_reported_at_once_and_an_unknown_one_with_the_nearest_word() {
        let body = json!({ "base_url": "ftp://x", "clientid": "x", "note_outcome_id": 7.5, "client_secret": 3 });
        let faults = check("halopsa", &body, None).expect("known").expect_err("faulty");
        let pointers: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(pointers, ["#/clientid", "#/base_url", "#/client_id", "#/client_secret", "#/note_outcome_id"]);
        assert!(faults[0].detail.contains("`client_id`"), "{}", faults[0].detail);
        assert_eq!(check("unheard_of", &body, None), None);
        assert!(check("msgraph", &json!([]), None).expect("known").is_err());
    }
}
