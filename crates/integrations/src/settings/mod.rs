//! Settings of the integrations: what they hold, how they are checked, what a change does to the credential.

mod addresses;
mod fields;
pub(crate) mod graph;
pub(crate) mod halo;

use msp_domain::FieldFault;
use serde_json::Value;

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
