//! Grants.

use msp_domain::{Permission, UserId};
use msp_test_support::TestApp;
use serde_json::json;

#[tokio::test]
async fn a_grant_works_at_the_next_request_and_so_does_its_end() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await;
    let user = app.user("ada@msp.example").await;
    let grant = format!("/api/users/{}/permissions/{}", user.user(), org.id);
    let config = format!("/api/organizations/{}/config", org.id);
    user.get(None, &config).await.assert_problem(403, "permission-denied");

    let set = app.admin().put(None, &grant, json!({ "manage_config": true })).await.expect(200).json();
    assert_eq!(set["permissions"]["manage_config"], true);
    assert_eq!(set["permissions"]["execute_workflows"], false);
    let _ = user.get(None, &config).await.expect(200);

    for path in
        [format!("/api/organizations/{}/permissions", org.id), format!("/api/users/{}/permissions", user.user())]
    {
        assert_eq!(app.admin().get(None, &path).await.expect(200).json()["items"], json!([set]), "{path}");
    }
    let _ = app.admin().delete(None, &grant).await.expect(204);
    user.get(None, &config).await.assert_problem(403, "permission-denied");
    let _ = app.admin().delete(None, &grant).await.expect(204);
}

#[tokio::test]
async fn everyone_reads_their_own_grants_and_only_administrators_those_of_others() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await;
    let (ada, bob) =
        (app.user_with(&org, [Permission::ViewHistory]).await, app.user_with(&org, [Permission::ViewHistory]).await);
    let own = ada.get(None, &format!("/api/users/{}/permissions", ada.user())).await.expect(200).json();
    assert_eq!(own["items"][0]["org_id"], org.id.key());
    let others = ada.get(None, &format!("/api/users/{}/permissions", bob.user())).await;
    others.assert_problem(403, "administrator-required");
}

#[tokio::test]
async fn a_grant_needs_a_user_an_organization_and_known_rights() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await;
    let user = app.user("ada@msp.example").await;
    let admin = app.admin();
    let path = |user: UserId| format!("/api/users/{user}/permissions/{}", org.id);
    admin.put(None, &path(UserId::random()), json!({})).await.assert_problem(404, "not-found");
    let nowhere = format!("/api/users/{}/permissions/{}", user.user(), msp_domain::OrgId::random());
    admin.put(None, &nowhere, json!({})).await.assert_problem(404, "not-found");
    let answer = admin.put(None, &path(user.user()), json!({ "manage_conifg": true })).await;
    answer.assert_problem(422, "body-invalid");
    assert!(answer.text().contains("did you mean `manage_config`?"), "{}", answer.text());
}
