//! Signing in and out, sessions and tokens.

use chrono::Duration;
use msp_domain::Permission;
use msp_storage::repositories::{Actor, sessions::IDLE_TIMEOUT, users::UserChange};
use msp_test_support::{Answer, COOKIE_NAME, TestApp, TestCaller};
use serde_json::json;

async fn link_for(app: &TestApp, caller: &TestCaller) -> String {
    let token = app.repositories.sign_in_links.issue(caller.user(), &Actor::PLATFORM).await;
    token.expect("a link").reveal().to_owned()
}

/// The session a `Set-Cookie` begins.
fn session_of(answer: &Answer) -> String {
    let cookie = answer.header("set-cookie");
    let value = cookie.split(';').next().and_then(|pair| pair.strip_prefix(&format!("{COOKIE_NAME}=")));
    value.unwrap_or_else(|| panic!("no session in `{cookie}`")).to_owned()
}

async fn status_with(app: &TestApp, session: &str) -> u16 {
    let cookie = format!("other=1; {COOKIE_NAME}={session}");
    app.stranger().request("GET", "/api/me").header("cookie", &cookie).send().await.status.as_u16()
}

#[tokio::test]
async fn a_one_time_link_signs_in_once_and_ends_the_session_the_browser_had() {
    let app = TestApp::new().await;
    let token = link_for(&app, &app.admin()).await;
    let earlier = app.in_browser(&app.admin()).await;
    let redeem = || earlier.post(None, "/api/auth/link", json!({ "token": token }));

    let answer = redeem().await.expect(204);
    for attribute in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=604800"] {
        assert!(answer.header("set-cookie").contains(attribute), "{}", answer.header("set-cookie"));
    }
    let session = session_of(&answer);
    assert_eq!(status_with(&app, &session).await, 200);
    assert_eq!(status_with(&app, earlier.credential()).await, 401, "the earlier session has ended");

    redeem().await.assert_problem(401, "link-invalid");
    assert_eq!(status_with(&app, &session).await, 200, "a used link changes nothing");
}

#[tokio::test]
async fn a_link_of_an_inactive_user_does_not_sign_in() {
    let app = TestApp::new().await;
    let user = app.user("left@msp.example").await;
    let token = link_for(&app, &user).await;
    let change = UserChange { is_active: Some(false), ..UserChange::default() };
    app.repositories.users.update(user.user(), &change, None, &Actor::PLATFORM).await.expect("deactivated");
    let answer = app.stranger().post(None, "/api/auth/link", json!({ "token": token })).await;
    answer.assert_problem(401, "link-invalid");
}

#[tokio::test]
async fn an_address_that_keeps_failing_is_told_to_wait_and_a_valid_link_works_all_the_same() {
    let app = TestApp::new().await;
    let attempt = || app.stranger().request("POST", "/api/auth/link").json(&json!({ "token": "guess" }));
    for _ in 0..10 {
        attempt().send().await.assert_problem(401, "link-invalid");
    }
    let refused = attempt().send().await;
    refused.assert_problem(429, "too-many-attempts");
    assert_eq!(refused.header("retry-after"), "60");
    attempt().from_address([192, 0, 2, 8]).send().await.assert_problem(401, "link-invalid");
    let token = link_for(&app, &app.admin()).await;
    let answer = app.stranger().post(None, "/api/auth/link", json!({ "token": token })).await.expect(204);
    assert_eq!(status_with(&app, &session_of(&answer)).await, 200, "a valid link works whoever else fails");
    attempt().send().await.assert_problem(429, "too-many-attempts");
    app.clock.advance(Duration::minutes(1));
    attempt().send().await.assert_problem(401, "link-invalid");
}

#[tokio::test]
async fn signing_out_ends_the_session_for_good() {
    let app = TestApp::new().await;
    let browser = app.in_browser(&app.admin()).await;
    assert_eq!(status_with(&app, browser.credential()).await, 200);
    let answer = browser.request("POST", "/api/auth/sign-out").send().await.expect(204);
    assert!(answer.header("set-cookie").starts_with(&format!("{COOKIE_NAME}=; ")), "{}", answer.header("set-cookie"));
    assert_eq!(status_with(&app, browser.credential()).await, 401);
}

#[tokio::test]
async fn an_idle_session_and_an_old_token_are_over() {
    let app = TestApp::new().await;
    let admin = app.admin();
    let browser = app.in_browser(&admin).await;
    app.clock.advance(Duration::hours(2));
    admin.get(None, "/api/me").await.assert_problem(401, "unauthenticated");
    let _ = browser.get(None, "/api/me").await.expect(200);
    app.clock.advance(IDLE_TIMEOUT);
    browser.get(None, "/api/me").await.assert_problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_session_changes_things_only_from_our_own_pages() {
    let app = TestApp::new().await;
    let browser = app.in_browser(&app.admin()).await;
    let create = |name: &str| browser.request("POST", "/api/organizations").json(&json!({ "name": name }));

    for (header, value) in [("origin", "http://evil.example"), ("origin", "null"), ("origin", "http://127.0.0.1:8080")]
    {
        create("A").header(header, value).send().await.assert_problem(403, "origin-not-allowed");
    }
    create("A").without("origin").send().await.assert_problem(403, "origin-not-allowed");
    let cross = create("A").without("origin").header("sec-fetch-site", "same-site").send().await;
    cross.assert_problem(403, "origin-not-allowed");
    assert_eq!(app.repositories.organizations.all().await.expect("organizations"), []);

    let _ = create("A").without("origin").header("sec-fetch-site", "same-origin").send().await.expect(201);
    let _ = create("B").send().await.expect(201);
    let by_token = app.admin().request("POST", "/api/organizations").header("origin", "http://evil.example");
    let _ = by_token.json(&json!({ "name": "C" })).send().await.expect(201);
    let sign_in = app.stranger().request("POST", "/api/auth/link").header("origin", "http://evil.example");
    sign_in.json(&json!({ "token": "x" })).send().await.assert_problem(403, "origin-not-allowed");
}

#[tokio::test]
async fn a_bearer_token_wins_over_a_cookie_even_when_it_is_invalid() {
    let app = TestApp::new().await;
    let browser = app.in_browser(&app.admin()).await;
    let user = app.user("user@msp.example").await;
    let with = |value: String| browser.request("GET", "/api/me").header("authorization", &value).send();

    let me = with(format!("Bearer {}", user.credential())).await.expect(200).json();
    assert_eq!(me["user"]["id"], user.user().key());
    assert_eq!(me["signed_in_with"], "token");
    for value in ["Bearer nonsense", "Bearer ", "Basic YTpi"] {
        with(value.to_owned()).await.assert_problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn a_header_that_decides_who_asks_is_refused_when_it_comes_twice() {
    let app = TestApp::new().await;
    let bearer = format!("Bearer {}", app.admin().credential());
    let twice = app.stranger().request("GET", "/api/me").header("authorization", &bearer);
    twice.header_too("authorization", "Bearer other").send().await.assert_problem(400, "header-invalid");

    let browser = app.in_browser(&app.admin()).await;
    let create = browser.request("POST", "/api/organizations").json(&json!({ "name": "A" }));
    create.header_too("origin", "http://evil.example").send().await.assert_problem(400, "header-invalid");
    assert_eq!(app.repositories.organizations.all().await.expect("organizations"), []);
}

#[tokio::test]
async fn an_inactive_user_is_refused_at_the_next_request_whatever_the_credential() {
    let app = TestApp::new().await;
    let user = app.user("user@msp.example").await;
    let browser = app.in_browser(&user).await;
    let _ = browser.get(None, "/api/me").await.expect(200);
    let path = format!("/api/users/{}", user.user());
    let _ = app.admin().patch(None, &path, json!({ "is_active": false })).await.expect(200);
    user.get(None, "/api/me").await.assert_problem(401, "unauthenticated");
    browser.get(None, "/api/me").await.assert_problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_token_acts_with_the_intersection_of_its_scopes_and_the_rights_of_its_user() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await;
    let user = app.user_with(&org, [Permission::ManageConfig, Permission::ExecuteWorkflows]).await;
    let narrow = app.scoped(&user, "Workflows.Execute Forms.Manage");
    let path = format!("/api/organizations/{}/config", org.id);

    let _ = user.get(None, &path).await.expect(200);
    narrow.get(None, &path).await.assert_problem(403, "permission-denied");
    let me = narrow.get(None, "/api/me").await.expect(200).json();
    assert_eq!(
        me["organizations"][0]["permissions"],
        json!({ "execute_workflows": true, "manage_config": false, "manage_forms": false, "view_history": false })
    );
    let narrow_admin = app.scoped(&app.admin(), "Organizations.Manage");
    narrow_admin.get(None, "/api/users").await.assert_problem(403, "administrator-required");
}
