//! Config values: inheritance, origin, types, versions.

use msp_domain::Permission;
use msp_test_support::TestApp;
use serde_json::json;

#[tokio::test]
async fn an_organization_inherits_global_values_until_it_sets_its_own() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await;
    let user = app.user_with(&org, [Permission::ManageConfig]).await;
    let path = format!("/api/organizations/{}/config", org.id);
    let key = format!("{path}/default_usage_location");
    let set = |value: &str| json!({ "type": "string", "value": value });
    let _ = app.admin().put(None, "/api/global/config/default_usage_location", set("US")).await.expect(200);
    let _ = app.admin().put(None, "/api/global/config/timeout", json!({ "type": "int", "value": "25" })).await;

    let inherited = user.get(None, &key).await.expect(200);
    assert_eq!((inherited.json()["value"].clone(), inherited.json()["origin"].clone()), (json!("US"), json!("global")));
    assert_eq!(inherited.header("etag"), "");

    let own = user.put(None, &key, set("DE")).await.expect(200);
    assert_eq!(own.json()["origin"], "organization");
    assert_eq!(own.json()["updated_by"], user.user().key());
    let list = user.get(None, &path).await.expect(200).json();
    let shown: Vec<_> = list["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|item| json!([item["key"], item["value"], item["origin"]]))
        .collect();
    assert_eq!(shown, [json!(["default_usage_location", "DE", "organization"]), json!(["timeout", 25, "global"])]);

    let _ = user.delete(None, &key).await.expect(204);
    assert_eq!(user.get(None, &key).await.expect(200).json()["origin"], "global");
    user.delete(None, &key).await.assert_problem(404, "not-found");
}

#[tokio::test]
async fn a_value_is_parsed_by_its_type_and_a_stale_version_is_refused() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await;
    let user = app.user_with(&org, [Permission::ManageConfig]).await;
    let path = format!("/api/organizations/{}/config/limit", org.id);

    for body in [json!({ "type": "int", "value": "many" }), json!({ "type": "bool", "value": "yes" })] {
        let answer = user.put(None, &path, body).await;
        answer.assert_problem(422, "body-invalid");
        assert_eq!(answer.json()["errors"][0]["pointer"], "#/value");
    }
    let unknown_type = user.put(None, &path, json!({ "type": "float", "value": 1 })).await;
    unknown_type.assert_problem(422, "body-invalid");

    let first = user.put(None, &path, json!({ "type": "int", "value": "7" })).await.expect(200);
    assert_eq!(first.json()["value"], 7);
    let second = user.put(None, &path, json!({ "type": "int", "value": 8 })).await.expect(200);
    assert_ne!(first.header("etag"), second.header("etag"));
    let stale = user
        .request("PUT", &path)
        .json(&json!({ "type": "int", "value": 9 }))
        .header("if-match", first.header("etag"))
        .send()
        .await;
    stale.assert_problem(412, "stale-version");
    assert_eq!((stale.json()["current"].clone(), stale.header("etag")), (second.json(), second.header("etag")));
    let read = user.get(None, &path).await.expect(200);
    assert_eq!((read.json()["value"].clone(), read.header("etag")), (json!(8), second.header("etag")));
}

#[tokio::test]
async fn without_manage_config_nothing_is_read_or_written() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await;
    let user =
        app.user_with(&org, [Permission::ExecuteWorkflows, Permission::ManageForms, Permission::ViewHistory]).await;
    let base = format!("/api/organizations/{}", org.id);
    for path in ["config", "config/x", "secrets", "integrations", "integrations/msgraph"] {
        user.get(None, &format!("{base}/{path}")).await.assert_problem(403, "permission-denied");
    }
    let body = json!({ "type": "string", "value": "x" });
    user.put(None, &format!("{base}/config/x"), body).await.assert_problem(403, "permission-denied");
    let body = json!({ "value": "long enough" });
    user.put(None, &format!("{base}/secrets/x"), body).await.assert_problem(403, "permission-denied");
}

#[tokio::test]
async fn a_value_is_removed_only_in_the_version_that_is_meant() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await;
    let admin = app.admin();
    for path in [format!("/api/organizations/{}/config/key", org.id), "/api/global/config/key".to_owned()] {
        let first = admin.put(None, &path, json!({ "type": "int", "value": 7 })).await.expect(200);
        let second = admin.put(None, &path, json!({ "type": "int", "value": 8 })).await.expect(200);
        let delete = |etag: &str| admin.request("DELETE", &path).header("if-match", etag);
        let stale = delete(first.header("etag")).send().await;
        stale.assert_problem(412, "stale-version");
        assert_eq!((stale.json()["current"].clone(), stale.header("etag")), (second.json(), second.header("etag")));
        assert_eq!(admin.get(None, &path).await.expect(200).json()["value"], 8, "{path}");
        let _ = delete(second.header("etag")).send().await.expect(204);
        delete(second.header("etag")).send().await.assert_problem(404, "not-found");
    }
}
