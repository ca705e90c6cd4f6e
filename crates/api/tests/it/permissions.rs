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
        let items = app.admin().get(None, &path).await.expect(200).json()["items"].clone();
        let items = items.as_array().expect("items");
        let found = items.iter().find(|item| item["user_id"] == json!(user.user())).expect("it is listed");
        assert_eq!((&found["permissions"], &found["granted_at"]), (&set["permissions"], &set["granted_at"]), "{path}");
    }
    let _ = app.admin().delete(None, &grant).await.expect(204);
    user.get(None, &config).await.assert_problem(403, "permission-denied");
    let _ = app.admin().delete(None, &grant).await.expect(204);
}

#[tokio::test]
async fn a_question_about_one_organization_is_not_asked_in_the_name_of_another() {
    let app = TestApp::new().await;
    let (contoso, fabrikam) = (app.org("Contoso").await, app.org("Fabrikam").await);
    let user = app.user_with(&contoso, [Permission::ExecuteWorkflows]).await;
    let question = json!({ "org_id": contoso.id.key(), "permission": "execute_workflows" });

    let _ = user.post(None, "/api/permissions/check", question.clone()).await.expect(200);
    let _ = user.post(contoso.id, "/api/permissions/check", question.clone()).await.expect(200);
    let answer = user.post(fabrikam.id, "/api/permissions/check", question.clone()).await;
    answer.assert_problem(400, "organization-mismatch");
    let path = format!("/api/permissions/check?org_id={}", fabrikam.id);
    user.post(None, &path, question).await.assert_problem(400, "organization-mismatch");
    let positional = json!([contoso.id.key(), "execute_workflows"]);
    user.post(None, "/api/permissions/check", positional).await.assert_problem(422, "body-invalid");
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
