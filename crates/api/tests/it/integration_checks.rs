//! Checks of integrations, against the simulator.

use chrono::Duration;
use msp_domain::{Permission, Scope};
use msp_simulator::{Change, Simulator};
use msp_storage::repositories::{
    Actor,
    organizations::{Organization, OrganizationChange},
};
use msp_test_support::{Answer, TestApp, TestCaller};
use serde_json::{Value, json};
use std::net::SocketAddr;
use uuid::Uuid;

const APP: &str = "7b0d2f4e-0000-4000-8000-00000000a001";
const SECRET: &str = "the-secret-of-the-application";

struct Services {
    app: TestApp,
    simulator: Simulator,
    address: SocketAddr,
    org: Organization,
    tenant: Uuid,
    user: TestCaller,
}

impl Services {
    async fn new() -> Self {
        let app = TestApp::new().await;
        let org = app.org("Contoso").await;
        let user = app.user_with(&org, [Permission::ManageConfig]).await;
        let simulator = Simulator::open(None).expect("a simulator");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(msp_simulator::serve(listener, simulator.clone(), std::future::pending()));
        let tenant = Uuid::new_v4();
        let change = OrganizationChange { tenant_id: Some(Some(tenant)), ..OrganizationChange::default() };
        app.repositories.organizations.update(org.id, &change, None, &Actor::PLATFORM).await.expect("linked");
        app.repositories.addresses.allow(address, &Actor::PLATFORM).await.expect("allowed");
        simulator
            .apply(vec![
                Change::Tenant { id: tenant, name: "Contoso".into(), domains: vec!["contoso.example".into()] },
                Change::App { client_id: APP.into(), client_secret: SECRET.into() },
                Change::HaloInstance { tenant: "acme".into() },
                Change::HaloApp { tenant: "acme".into(), client_id: "halo-app".into(), client_secret: SECRET.into() },
            ])
            .expect("a world");
        Self { app, simulator, address, org, tenant, user }
    }

    fn path(&self, integration: &str) -> String {
        format!("/api/organizations/{}/integrations/{integration}", self.org.id)
    }

    async fn set_up(&self, integration: &str, secret: &str, enabled: bool) -> Answer {
        let settings = match integration {
            "msgraph" => json!({
                "client_id": APP, "client_secret": secret,
                "auth_url": format!("http://{}", self.address), "base_url": format!("http://{}/v1.0", self.address),
            }),
            _ => json!({
                "client_id": "halo-app", "client_secret": secret, "tenant": "acme",
                "base_url": format!("http://{}", self.address),
            }),
        };
        let body = json!({ "enabled": enabled, "settings": settings });
        self.user.put(None, &self.path(integration), body).await.expect(200)
    }

    async fn check(&self, integration: &str) -> Value {
        // Of each other: a minute apart they are not too many.
        self.app.clock.advance(Duration::minutes(1));
        let path = format!("{}/test", self.path(integration));
        self.user.request("POST", &path).send().await.expect(200).json()
    }

    fn consent(&self) {
        let roles = vec!["LicenseAssignment.Read.All".to_owned()];
        let consent = Change::Consent { tenant: self.tenant, client_id: APP.into(), roles };
        self.simulator.apply(vec![consent]).expect("consented");
    }
}

#[tokio::test]
async fn a_check_asks_the_service_and_says_what_is_wrong_until_it_works() {
    let services = Services::new().await;
    services.set_up("msgraph", "not-the-secret", false).await;
    let wrong = services.check("msgraph").await;
    assert_eq!((&wrong["ok"], &wrong["error_type"]), (&json!(false), &json!("credential_rejected")), "{wrong}");
    assert!(wrong["message"].as_str().is_some_and(|text| text.contains("Enter the secret's value")), "{wrong}");
    assert!(!wrong.to_string().contains("not-the-secret"));

    services.set_up("msgraph", SECRET, false).await;
    let unconsented = services.check("msgraph").await;
    assert_eq!(unconsented["error_type"], "consent_required", "{unconsented}");
    assert!(unconsented["message"].as_str().is_some_and(|text| text.contains("adminconsent")), "{unconsented}");

    services.consent();
    let works = services.check("msgraph").await;
    assert_eq!((&works["ok"], &works["error_type"]), (&json!(true), &Value::Null), "{works}");
    assert!(works["duration_ms"].as_i64().is_some());
}

#[tokio::test]
async fn halopsa_that_shows_no_clients_is_not_called_a_success() {
    let services = Services::new().await;
    services.set_up("halopsa", SECRET, true).await;
    let blind = services.check("halopsa").await;
    assert_eq!((&blind["ok"], &blind["error_type"]), (&json!(false), &json!("permission_denied")), "{blind}");
    let client = Change::HaloClient { tenant: "acme".into(), id: 12, name: "Contoso".into() };
    services.simulator.apply(vec![client]).expect("a client");
    assert_eq!(services.check("halopsa").await["ok"], true);

    services.set_up("halopsa", "another-secret", true).await;
    let wrong = services.check("halopsa").await;
    assert_eq!((&wrong["error_type"], &wrong["service_status"]), (&json!("credential_rejected"), &json!(400)));
}

#[tokio::test]
async fn the_last_check_is_shown_until_the_settings_change_and_stands_on_the_audit_trail() {
    let services = Services::new().await;
    let written = services.set_up("msgraph", SECRET, true).await;
    assert_eq!(written.json()["last_check"], Value::Null);
    services.consent();
    let check = services.check("msgraph").await;
    let path = services.path("msgraph");
    let read = services.user.get(None, &path).await.expect(200);
    assert_eq!(read.json()["last_check"], check);
    assert_eq!(read.header("etag"), written.header("etag"), "a check is no new version of the settings");
    let list = services.user.get(None, &format!("/api/organizations/{}/integrations", services.org.id)).await;
    assert_eq!(list.expect(200).json()["items"][0]["last_check"], check);
    let audited = services.app.audit(Scope::Org(services.org.id)).await;
    let row = audited.iter().find(|row| row.draft.action == "Integration.Test").expect("on record");
    assert_eq!((row.draft.actor.user, &row.draft.entity_id), (Some(services.user.user()), &"msgraph".to_owned()));

    let again = services.set_up("msgraph", SECRET, false).await;
    assert_eq!(again.json()["last_check"], Value::Null);
    services.check("msgraph").await;
    let _ = services.user.delete(None, &path).await.expect(204);
    let checks = services.app.repositories.integrations.checks(services.org.id).await.expect("readable");
    assert_eq!(checks, [], "it goes with the settings");
}

#[tokio::test]
async fn checks_are_bounded_and_need_settings_and_a_known_type() {
    let services = Services::new().await;
    let ask = async |path: &str| services.user.request("POST", &format!("{path}/test")).send().await;
    ask(&services.path("msgraph")).await.assert_problem(404, "not-found");
    let unknown = ask(&services.path("msgrap")).await;
    unknown.assert_problem(404, "not-found");
    assert_eq!(unknown.json()["nearest"], "msgraph");

    services.set_up("msgraph", SECRET, true).await;
    services.set_up("halopsa", SECRET, true).await;
    for _ in 0..6 {
        assert_eq!(ask(&services.path("msgraph")).await.status, 200);
    }
    let refused = ask(&services.path("msgraph")).await;
    refused.assert_problem(429, "too-many-attempts");
    assert_eq!(refused.header("retry-after"), "60");
    assert_eq!(ask(&services.path("halopsa")).await.status, 200, "another one is not held up");
    services.app.clock.advance(Duration::minutes(1));
    assert_eq!(ask(&services.path("msgraph")).await.status, 200);
}

#[tokio::test]
async fn the_types_describe_their_settings() {
    let app = TestApp::new().await;
    let user = app.user("tess@msp.example").await;
    let types = user.get(None, "/api/integration-types").await.expect(200).json();
    let names: Vec<_> = types["items"].as_array().expect("items").iter().map(|kind| kind["type"].clone()).collect();
    assert_eq!(names, [json!("msgraph"), json!("halopsa")]);
    let schema = &types["items"][0]["settings_schema"];
    let fields: Vec<_> = schema["properties"].as_object().expect("properties").keys().cloned().collect();
    assert_eq!(fields, ["client_id", "client_secret", "auth_url", "base_url"], "in the order of a form");
    assert_eq!(
        (&schema["required"], &schema["properties"]["client_secret"]["writeOnly"]),
        (&json!(["client_id"]), &json!(true))
    );
    app.stranger().get(None, "/api/integration-types").await.assert_problem(401, "unauthenticated");
}
