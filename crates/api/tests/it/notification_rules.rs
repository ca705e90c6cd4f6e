//! Rules by which failures are told: what they may say, who may see them, and that their addresses stay inside.

use futures::future::join_all;
use msp_domain::{Permission, Scope};
use msp_storage::SecretNamespace;
use msp_test_support::{Answer, TestApp};
use serde_json::{Value, json};

const URL: &str = "https://prod-12.westeurope.logic.azure.com/workflows/a1/triggers/manual?sig=canary-signature";
const OTHER_URL: &str = "https://hooks.example.com:8443/canary-signature-2";

fn webhook(name: &str) -> Value {
    json!({ "name": name, "channel": "webhook", "url": URL })
}

fn pointers(answer: &Answer) -> Vec<String> {
    let errors = answer.json()["errors"].as_array().cloned().unwrap_or_default();
    errors.iter().map(|error| error["pointer"].as_str().expect("a pointer").to_owned()).collect()
}

#[tokio::test]
async fn a_rule_shows_of_its_address_only_the_host_and_its_address_is_one_secret() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await;
    let user = app.user_with(&org, [Permission::ManageConfig, Permission::ViewHistory]).await;
    let base = format!("/api/organizations/{}/notification-rules", org.id);
    let created = user.post(None, &base, webhook("Service desk")).await.expect(201);
    let path = created.header("location").to_owned();
    let view = created.json();
    assert_eq!(view["host"], "prod-12.westeurope.logic.azure.com");
    assert_eq!(view["statuses"], json!(["Failed", "TimedOut", "Interrupted"]));
    let said = (&view["enabled"], &view["quiet_minutes"], &view["workflow"], &view["untold"], &view["org_id"]);
    assert_eq!(said, (&json!(true), &json!(15), &json!(null), &json!(0), &json!(org.id)));

    let secrets = &app.repositories.stores.secrets;
    let names = async || secrets.names(SecretNamespace::Notification, Scope::Org(org.id)).await.expect("the names");
    let first = names().await;
    let kept =
        user.put(None, &path, json!({ "name": "Desk", "channel": "webhook", "enabled": false })).await.expect(200);
    assert_eq!((&kept.json()["host"], &kept.json()["enabled"]), (&view["host"], &json!(false)));
    assert_eq!(names().await, first, "what was left out stays");
    let moved = json!({ "name": "Desk", "channel": "webhook", "url": OTHER_URL, "statuses": ["Cancelled", "Failed"] });
    let moved = user.put(None, &path, moved).await.expect(200);
    assert_eq!(moved.json()["host"], "hooks.example.com:8443");
    assert_eq!(moved.json()["statuses"], json!(["Failed", "Cancelled"]));
    let second = names().await;
    assert!(second.len() == 1 && second != first, "the earlier address is gone: {second:?}");

    let read = user.get(None, &path).await.expect(200);
    let list = user.get(None, &base).await.expect(200);
    assert_eq!(list.json()["items"], json!([read.json()]));
    let mut answered: String = [&created, &kept, &moved, &read, &list].map(Answer::text).concat();
    let _ = user.delete(None, &path).await.expect(204);
    user.get(None, &path).await.assert_problem(404, "not-found");
    assert_eq!(names().await, [""; 0]);
    answered += &format!("{:?}", app.audit(Scope::Org(org.id)).await);
    assert!(!answered.contains("canary"), "{answered}");
}

#[tokio::test]
async fn every_fault_of_a_rule_points_to_its_field() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await;
    let base = format!("/api/organizations/{}/notification-rules", org.id);
    let admin = app.admin();
    let faulty = json!({
        "name": " ", "workflow": "a\nb", "statuses": ["Success", "Failed"], "quiet_minutes": 0, "channel": "webhook",
        "url": "http://hooks.example.com/canary", "recipients": ["ada@example.com"]
    });
    let answer = admin.post(None, &base, faulty).await;
    answer.assert_problem(422, "body-invalid");
    let expected = ["#/name", "#/workflow", "#/statuses", "#/quiet_minutes", "#/recipients", "#/url"];
    assert_eq!(pointers(&answer), expected, "{}", answer.text());
    assert!(!answer.text().contains("canary"), "{}", answer.text());
    let mail =
        json!({ "name": "n", "channel": "email", "url": URL, "recipients": ["ada@example.com", "a\r\nBcc: b@c.de"] });
    let answer = admin.post(None, &base, mail).await;
    assert_eq!(pointers(&answer), ["#/url", "#/recipients/1"], "{}", answer.text());
    for (body, pointer) in [
        (json!({ "name": "n", "channel": "webhook" }), "#/url"),
        (json!({ "name": "n", "channel": "webhook", "url": URL, "statuses": [] }), "#/statuses"),
        (json!({ "name": "n", "channel": "email" }), "#/recipients"),
        (json!({ "name": "n", "channel": "email", "recipients": vec!["ada@example.com"; 21] }), "#/recipients"),
    ] {
        let answer = admin.post(None, &base, body).await;
        answer.assert_problem(422, "body-invalid");
        assert_eq!(pointers(&answer), [pointer], "{}", answer.text());
    }
    assert_eq!(admin.get(None, &base).await.expect(200).json()["items"], json!([]));
}

#[tokio::test]
async fn a_rule_is_changed_and_deleted_only_in_the_version_that_was_meant() {
    let app = TestApp::new().await;
    let admin = app.admin();
    let created = admin.post(None, "/api/global/notification-rules", webhook("Everybody")).await.expect(201);
    let (path, etag) = (created.header("location").to_owned(), created.header("etag").to_owned());
    assert_eq!(created.json()["org_id"], json!(null));
    let _ = admin.put(None, &path, json!({ "name": "Renamed", "channel": "webhook" })).await.expect(200);
    for request in [admin.request("PUT", &path).json(&webhook("Stale")), admin.request("DELETE", &path)] {
        let stale = request.header("if-match", &etag).send().await;
        stale.assert_problem(412, "stale-version");
        assert_eq!(stale.json()["current"]["name"], "Renamed");
        assert!(!stale.text().contains("canary"), "{}", stale.text());
    }
    let names = app.repositories.stores.secrets.names(SecretNamespace::Notification, Scope::Global).await;
    assert_eq!(names.expect("the names").len(), 1, "the address of the stale change is gone");
}

#[tokio::test]
async fn an_organization_has_at_most_twenty_rules_however_many_are_made_at_once() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await;
    let base = format!("/api/organizations/{}/notification-rules", org.id);
    let admin = app.admin();
    let making = (0..23).map(|number| admin.post(None, &base, webhook(&format!("{number}"))));
    let (made, refused): (Vec<_>, Vec<_>) = join_all(making).await.into_iter().partition(|answer| answer.status == 201);
    assert_eq!((made.len(), refused.len()), (20, 3));
    refused.iter().for_each(|answer| answer.assert_problem(422, "limit-exceeded"));
    let names = app.repositories.stores.secrets.names(SecretNamespace::Notification, Scope::Org(org.id)).await;
    assert_eq!(names.expect("the names").len(), 20, "addresses of those that were refused are gone");
}

#[tokio::test]
async fn rules_of_an_organization_are_tested_a_few_times_a_minute_however_many_there_are() {
    let app = TestApp::new().await;
    let (org, other) = (app.org("Contoso").await, app.org("Fabrikam").await);
    let admin = app.admin();
    let mut tests = Vec::new();
    for (org, name) in [(&org, "first"), (&org, "second"), (&other, "of another")] {
        let rule = json!({ "name": name, "channel": "webhook", "url": "https://10.1.2.3/canary" });
        let base = format!("/api/organizations/{}/notification-rules", org.id);
        let made = admin.post(None, &base, rule).await.expect(201);
        tests.push(format!("{}/test", made.header("location")));
    }
    for number in 0..6 {
        let tested = admin.request("POST", &tests[number % 2]).send().await.expect(200);
        assert_eq!(tested.json()["delivered"], false, "a private address is not called");
        assert!(!tested.text().contains("canary"), "{}", tested.text());
    }
    for path in &tests[..2] {
        let refused = admin.request("POST", path).send().await;
        refused.assert_problem(429, "too-many-attempts");
        assert!(!refused.header("retry-after").is_empty());
    }
    let _ = admin.request("POST", &tests[2]).send().await.expect(200);
}

#[tokio::test]
async fn without_a_mail_server_a_rule_that_sends_mail_is_refused() {
    let app = TestApp::new().await;
    let mail = json!({ "name": "n", "channel": "email", "recipients": ["ada@example.com"] });
    let answer = app.admin().post(None, "/api/global/notification-rules", mail).await;
    answer.assert_problem(409, "email-not-configured");
    assert!(answer.text().contains("MSP_SMTP_URL"), "{}", answer.text());
}

#[tokio::test]
async fn rules_of_everybody_are_for_administrators_and_those_of_an_organization_for_who_manages_it() {
    let app = TestApp::new().await;
    let (org, other) = (app.org("Contoso").await, app.org("Fabrikam").await);
    let base = format!("/api/organizations/{}/notification-rules", org.id);
    let manager = app.user_with(&org, [Permission::ManageConfig, Permission::ViewHistory]).await;
    let created = manager.post(None, &base, webhook("Service desk")).await.expect(201);
    let path = created.header("location");
    let runner = app.user_with(&org, [Permission::ExecuteWorkflows, Permission::ViewHistory]).await;
    let stranger = app.user_with(&other, Permission::ALL).await;
    for caller in [&runner, &stranger] {
        for path in [base.as_str(), path] {
            caller.get(None, path).await.assert_problem(403, "permission-denied");
        }
        caller.post(None, &base, webhook("n")).await.assert_problem(403, "permission-denied");
        caller.put(None, path, webhook("n")).await.assert_problem(403, "permission-denied");
        caller.delete(None, path).await.assert_problem(403, "permission-denied");
    }
    // A rule tells of the runs of others, which this one may not read.
    let curious = app.user_with(&org, [Permission::ManageConfig]).await;
    let _ = curious.get(None, path).await.expect(200);
    curious.post(None, &base, webhook("n")).await.assert_problem(403, "permission-denied");
    curious.put(None, path, webhook("n")).await.assert_problem(403, "permission-denied");
    // The same id elsewhere is no rule.
    let id = created.json()["id"].as_str().expect("an id").to_owned();
    let elsewhere = format!("/api/organizations/{}/notification-rules/{id}", other.id);
    stranger.get(None, &elsewhere).await.assert_problem(404, "not-found");
    let everybodys = "/api/global/notification-rules";
    manager.get(None, everybodys).await.assert_problem(403, "administrator-required");
    manager.post(None, everybodys, webhook("n")).await.assert_problem(403, "administrator-required");
    app.admin().get(None, &format!("{everybodys}/{id}")).await.assert_problem(404, "not-found");
}
