//! The user directory.

use msp_test_support::TestApp;
use serde_json::json;

#[tokio::test]
async fn an_administrator_adds_and_changes_users() {
    let app = TestApp::new().await;
    let admin = app.admin();
    let body = json!({ "email": "ada@msp.example", "display_name": "Ada" });
    let created = admin.post(None, "/api/users", body).await.expect(201);
    let path = created.header("location").to_owned();
    assert_eq!(admin.get(None, &path).await.expect(200).json(), created.json());
    let body = json!({ "email": "ADA@msp.example", "display_name": "Other" });
    admin.post(None, "/api/users", body).await.assert_problem(409, "email-taken");

    let changed = admin.patch(None, &path, json!({ "display_name": "Ada L." })).await.expect(200);
    assert_eq!(changed.json()["display_name"], "Ada L.");
    let stale = admin
        .request("PATCH", &path)
        .json(&json!({ "display_name": "Late" }))
        .header("if-match", created.header("etag"))
        .send()
        .await;
    stale.assert_problem(412, "stale-version");
    assert_eq!((stale.json()["current"].clone(), stale.header("etag")), (changed.json(), changed.header("etag")));

    let answer = admin.post(None, "/api/users", json!({ "email": "nobody", "display_name": "" })).await;
    answer.assert_problem(422, "body-invalid");
    assert_eq!(answer.json()["errors"].as_array().map(Vec::len), Some(2), "every fault at once");
    let list = admin.get(None, "/api/users").await.expect(200).json();
    assert_eq!(list["items"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn names_and_addresses_that_reorder_or_steer_a_line_are_refused() {
    let app = TestApp::new().await;
    let admin = app.admin();
    for (email, name) in
        [("a\u{202e}b@c.example", "Ada"), ("ada@c.example", "Ada\u{2066}"), ("a@c.example", "A\u{1b}[2J")]
    {
        let body = json!({ "email": email, "display_name": name });
        admin.post(None, "/api/users", body).await.assert_problem(422, "body-invalid");
    }
    let body = json!({ "name": "Con\u{202e}toso" });
    admin.post(None, "/api/organizations", body).await.assert_problem(422, "body-invalid");
    let org = app.org("Contoso").await;
    let body = json!({ "name": "Con\u{202e}toso" });
    admin.patch(None, &format!("/api/organizations/{}", org.id), body).await.assert_problem(422, "body-invalid");
}

#[tokio::test]
async fn the_last_administrator_can_neither_be_demoted_nor_deactivated() {
    let app = TestApp::new().await;
    let admin = app.admin();
    let path = format!("/api/users/{}", admin.user());
    for body in [json!({ "is_active": false }), json!({ "is_platform_admin": false })] {
        admin.patch(None, &path, body).await.assert_problem(409, "last-administrator");
    }
    let body = json!({ "email": "second@msp.example", "display_name": "Second", "is_platform_admin": true });
    let _ = admin.post(None, "/api/users", body).await.expect(201);
    let _ = admin.patch(None, &path, json!({ "is_platform_admin": false })).await.expect(200);
    admin.get(None, "/api/users").await.assert_problem(403, "administrator-required");
}
