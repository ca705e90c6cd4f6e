//! Integration settings.

use msp_domain::Permission;
use msp_test_support::TestApp;
use serde_json::json;

#[tokio::test]
async fn a_credential_is_stored_kept_and_cleared_but_never_answered() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await;
    let user = app.user_with(&org, [Permission::ManageConfig]).await;
    let path = format!("/api/organizations/{}/integrations/halopsa", org.id);
    let settings =
        json!({ "base_url": "https://contoso.halopsa.com", "client_id": "an id", "client_secret": "write-only value" });

    let created = user.put(None, &path, json!({ "settings": settings })).await.expect(200);
    assert_eq!(created.json()["has_credential"], true);
    assert_eq!(created.json()["enabled"], true);

    let without = json!({ "base_url": "https://contoso.halopsa.com", "client_id": "another id" });
    let kept = user.put(None, &path, json!({ "settings": without, "enabled": false })).await.expect(200);
    assert_eq!((&kept.json()["has_credential"], &kept.json()["enabled"]), (&json!(true), &json!(false)));

    let elsewhere = json!({ "base_url": "https://elsewhere.halopsa.com", "client_id": "another id" });
    let cleared = user.put(None, &path, json!({ "settings": elsewhere })).await.expect(200);
    assert_eq!(cleared.json()["has_credential"], false, "the old credential must never be sent to a new address");

    let read = user.get(None, &path).await.expect(200);
    let list = user.get(None, &format!("/api/organizations/{}/integrations", org.id)).await.expect(200);
    assert_eq!(list.json()["items"], json!([read.json()]));
    for answer in [&created, &kept, &cleared, &read, &list] {
        assert!(!answer.text().contains("write-only value"), "{}", answer.text());
    }

    let stale = user
        .request("PUT", &path)
        .json(&json!({ "settings": elsewhere }))
        .header("if-match", created.header("etag"))
        .send()
        .await;
    stale.assert_problem(412, "stale-version");
    let delete = |etag: &str| user.request("DELETE", &path).header("if-match", etag);
    let _ = user.put(None, &path, json!({ "settings": settings })).await.expect(200);
    let stale = delete(created.header("etag")).send().await;
    stale.assert_problem(412, "stale-version");
    assert_eq!(stale.json()["current"]["has_credential"], true, "a refusal takes no credential away");
    let current = user.get(None, &path).await.expect(200);
    assert_eq!(stale.header("etag"), current.header("etag"));
    let _ = delete(current.header("etag")).send().await.expect(204);
    user.get(None, &path).await.assert_problem(404, "not-found");
}

#[tokio::test]
async fn faulty_settings_point_into_the_body_and_an_unknown_type_names_the_nearest() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await;
    let admin = app.admin();
    let base = format!("/api/organizations/{}/integrations", org.id);
    let answer = admin.put(None, &format!("{base}/msgraph"), json!({ "settings": { "clientid": "x" } })).await;
    answer.assert_problem(422, "body-invalid");
    let pointers: Vec<_> = answer.json()["errors"].as_array().cloned().unwrap_or_default();
    assert!(pointers.iter().any(|error| error["pointer"] == "#/settings/clientid"), "{}", answer.text());

    let answer = admin.put(None, &format!("{base}/msgrap"), json!({ "settings": {} })).await;
    answer.assert_problem(404, "not-found");
    assert_eq!(answer.json()["nearest"], "msgraph");
}
