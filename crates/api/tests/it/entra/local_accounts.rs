//! What is left of local accounts where people sign in with Entra ID.

use super::Tenant;
use msp_domain::{CallerKind, Permission, TokenScopes, UserId};
use msp_storage::repositories::Actor;
use msp_test_support::{Person, TestApp};
use serde_json::json;

#[tokio::test]
async fn no_local_account_gets_in_by_token_session_or_link() {
    let tenant = Tenant::new().await;
    let local = tenant.app.admin();
    local.get(None, "/api/me").await.assert_problem(401, "unauthenticated");
    let session = tenant.app.in_browser(&local).await;
    session.get(None, "/api/me").await.assert_problem(401, "unauthenticated");
    let link = tenant.app.repositories.sign_in_links.issue(local.user(), &Actor::PLATFORM).await.expect("a link");
    let redeem = tenant.app.stranger().request("POST", "/api/auth/link").header("origin", "http://127.0.0.1:7071");
    let redeemed = redeem.json(&json!({ "token": link.reveal() })).send().await;
    redeemed.assert_problem(403, "local-sign-in-off");
}

#[tokio::test]
async fn local_service_accounts_go_on_working() {
    let tenant = Tenant::new().await;
    let body = json!({ "name": "Nightly report", "app_roles": ["Workflows.Execute"] });
    let created = tenant.admin.post(None, "/api/service-accounts", body).await.expect(201);
    let path = created.header("location").to_owned();
    let minted = tenant.admin.post(None, &format!("{path}/tokens"), json!({ "name": "x" })).await.expect(201).json();
    let id = created.json()["id"].as_str().expect("an id").parse().expect("an id");
    let caller = tenant.app.bearer(id, minted["token"].as_str().expect("a token"));
    assert_eq!(caller.get(None, "/api/me").await.expect(200).json()["signed_in_with"], "service");
}

#[tokio::test]
async fn a_session_of_entra_id_lasts_a_day_of_work() {
    let tenant = Tenant::new().await;
    let person = Person::named("Ada");
    let ada = tenant.caller(&person);
    let _ = ada.get(None, "/api/me").await.expect(200);
    let session = tenant.app.in_browser(&ada).await;
    for _ in 0..11 {
        tenant.app.clock.advance(chrono::Duration::hours(1));
        let _ = session.get(None, "/api/me").await.expect(200);
    }
    tenant.app.clock.advance(chrono::Duration::hours(1));
    session.get(None, "/api/me").await.assert_problem(401, "unauthenticated");
}

#[tokio::test]
async fn what_a_local_account_left_in_the_queue_is_not_run_any_more() {
    let tenant = Tenant::new().await;
    let org = tenant.app.org("Contoso").await;
    let local = tenant.app.user_with(&org, [Permission::ExecuteWorkflows]).await;
    let gate = &tenant.app.api.gate;
    let scope = msp_domain::Scope::Org(org.id);
    assert!(gate.still_allowed(local.user(), scope).await.is_err());
    let ada = tenant.caller(&Person::named("Ada"));
    let _ = ada.get(None, "/api/me").await.expect(200);
    tenant.app.grant(&ada, org.id, Permission::ALL.into_iter().collect()).await;
    let access = gate.still_allowed(ada.user(), scope).await.expect("Ada may");
    assert_eq!(access.caller().tid, tenant.issuer.tenant_id());
    assert_eq!((access.caller().kind, access.caller().scopes), (CallerKind::Token, TokenScopes::ALL));
}

#[tokio::test]
async fn the_access_review_shows_that_local_accounts_reach_nothing() {
    let tenant = Tenant::new().await;
    let org = tenant.app.org("Contoso").await;
    let local = tenant.app.admin().user();
    let review = tenant.admin.get(None, "/api/access-review").await.expect(200).json();
    let of = |id: UserId| {
        let rows = review["items"].as_array().expect("rows");
        rows.iter().find(|row| row["user_id"] == json!(id)).expect("a row")["is_active"].clone()
    };
    assert_eq!((of(local), of(tenant.admin.user())), (json!(false), json!(true)));
    let reached = tenant.admin.get(None, &format!("/api/users/{local}/organizations")).await.expect(200).json();
    assert_eq!(reached["items"], json!([]));
    let reached = tenant.admin.get(None, &format!("/api/users/{}/organizations", tenant.admin.user())).await;
    assert_eq!(reached.expect(200).json()["items"][0]["org_id"], json!(org.id));
}

#[tokio::test]
async fn back_with_local_accounts_nobody_of_entra_id_has_a_way_in() {
    let app = TestApp::new().await;
    let account = msp_storage::repositories::users::EntraAccount {
        tenant_id: uuid::Uuid::new_v4(),
        id: UserId::random(),
        email: Some("grace@msp.example".to_owned()),
        display_name: Some("Grace".to_owned()),
        is_platform_admin: true,
        is_auditor: false,
        app_roles: None,
        as_of: app.repositories.now(),
    };
    let user = app.repositories.users.admit(&account, &Actor::PLATFORM).await.expect("made");
    let caller = app.renewed(&app.bearer(user.id, "none"));
    caller.get(None, "/api/me").await.assert_problem(401, "unauthenticated");
    app.in_browser(&caller).await.get(None, "/api/me").await.assert_problem(401, "unauthenticated");
    // Her address is free for a local account: it is not the same person.
    let body = json!({ "email": "grace@msp.example", "display_name": "Grace" });
    let _ = app.admin().post(None, "/api/users", body).await.expect(201);
}
