//! Browsers that sign in with Entra ID: to the issuer, back, and every way it can go wrong.

use super::browser::Place;
use chrono::Duration;
use msp_domain::Scope;
use msp_storage::repositories::{Actor, users::UserChange};
use msp_test_support::{COOKIE_NAME, HOST, TestApp};
use serde_json::{Value, json};

const START: &str = "/api/auth/entra/start";

#[tokio::test]
async fn whoever_entra_vouches_for_gets_a_session_and_no_right_and_comes_back_to_the_same_page() {
    let place = Place::new().await;
    let mut browser = place.browser();
    let begun =
        browser.open("/api/auth/entra/start?return_to=%2Fo%2Fall%2Fexecutions%3Fstatus%3DFailed").await.expect(303);
    let ticket = begun.header("set-cookie");
    for attribute in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=600"] {
        assert!(ticket.contains(attribute), "{ticket}");
    }
    let asked = place.asked(&begun);
    assert_eq!(asked["redirect_uri"], format!("http://{HOST}/api/auth/entra/callback"));
    assert_eq!((asked["response_type"].as_str(), asked["response_mode"].as_str()), ("code", "query"));
    assert_eq!((asked["scope"].as_str(), asked["code_challenge_method"].as_str()), ("openid profile email", "S256"));
    assert!(!asked.contains_key("prompt"));

    let answer = place.answer(&begun, &place.ada).await;
    let back = browser.open(&answer).await.expect(303);
    assert_eq!(back.header("location"), format!("http://{HOST}/o/all/executions?status=Failed"));
    assert!(back.body.is_empty());
    assert!(browser.cookie(&format!("{COOKIE_NAME}_ticket")).is_none(), "the ticket is taken back");

    let me = browser.open("/api/me").await.expect(200).json();
    assert_eq!((&me["user"]["email"], &me["user"]["display_name"]), (&json!("ada@msp.example"), &json!("Ada")));
    assert_eq!((&me["signed_in_with"], &me["is_administrator"]), (&json!("session"), &json!(false)));
    assert_eq!(me["organizations"], json!([]));
    let user = place.user(&place.ada).await.expect("on record");
    assert!(user.last_login_at.is_some() && user.is_active);
    let rows = place.app.audit(Scope::Global).await;
    for action in ["User.Create", "Session.Begin", "User.SignIn"] {
        let row = rows.iter().find(|row| row.draft.action == action && row.draft.entity_id == user.id.key());
        let row = row.unwrap_or_else(|| panic!("no {action}"));
        assert_eq!(row.draft.actor.ip_address.as_deref(), Some("192.0.2.7"), "{action}");
    }
}

#[tokio::test]
async fn signing_in_again_ends_the_session_the_browser_had() {
    let place = Place::new().await;
    let mut browser = place.browser();
    place.sign_in(&mut browser, &place.ada).await;
    let mut earlier = browser.clone();
    place.sign_in(&mut browser, &place.grace).await;
    earlier.open("/api/me").await.assert_problem(401, "unauthenticated");
    assert_eq!(browser.open("/api/me").await.expect(200).json()["user"]["display_name"], "Grace");
}

#[tokio::test]
async fn an_answer_counts_in_the_browser_that_asked_and_once() {
    let place = Place::new().await;
    let mut browser = place.browser();
    let begun = browser.open(START).await.expect(303);
    let answer = place.answer(&begun, &place.ada).await;

    // An attacker's answer in the browser of a victim who began nothing, or something else.
    let mut victim = place.browser();
    place.fails(&mut victim, &answer, "expired").await;
    let own = victim.open(START).await.expect(303);
    place.fails(&mut victim, &answer, "expired").await;
    victim.open("/api/me").await.assert_problem(401, "unauthenticated");
    let own = place.answer(&own, &place.grace).await;
    assert_eq!(
        victim.open(&own).await.expect(303).header("location"),
        format!("http://{HOST}/"),
        "what it began goes on"
    );

    let before = browser.clone();
    let _ = browser.open(&answer).await.expect(303);
    place.fails(&mut browser, &answer, "expired").await;
    // Even with the ticket, and another code for it.
    let again = place.answer(&begun, &place.ada).await;
    place.fails(&mut before.clone(), &again, "expired").await;
    assert_eq!(browser.open("/api/me").await.status, 200, "the session that began goes on");
}

#[tokio::test]
async fn a_state_that_is_forged_missing_doubled_or_too_old_signs_nobody_in() {
    let place = Place::new().await;
    let mut browser = place.browser();
    let begun = browser.open(START).await.expect(303);
    let answer = place.answer(&begun, &place.ada).await;
    let state = &place.asked(&begun)["state"];
    for bad in [
        answer.replace(state, "forged"),
        answer.replace(&format!("state={state}"), "x=1"),
        format!("{answer}&state={state}"),
        "/api/auth/entra/callback".to_owned(),
        "/api/auth/entra/callback?error=access_denied".to_owned(),
    ] {
        place.fails(&mut browser, &bad, "expired").await;
    }
    place.fails(&mut browser, &answer.replace("code=", "kode="), "unproven").await;

    let begun = browser.open(START).await.expect(303);
    let answer = place.answer(&begun, &place.ada).await;
    place.app.clock.advance(Duration::minutes(10));
    place.fails(&mut browser, &answer, "expired").await;
    assert!(place.user(&place.ada).await.is_none(), "nobody is on record");
}

#[tokio::test]
async fn a_code_is_good_for_the_attempt_it_was_given_for() {
    let place = Place::new().await;
    let (mut attacker, mut victim) = (place.browser(), place.browser());
    let begun = attacker.open(START).await.expect(303);
    let theirs = victim.open(START).await.expect(303);
    let (own, stolen) = (place.answer(&begun, &place.ada).await, place.answer(&theirs, &place.grace).await);
    let code = |answer: &str| answer.split("code=").nth(1).and_then(|rest| rest.split('&').next()).map(str::to_owned);
    let (own_code, stolen_code) = (code(&own).expect("a code"), code(&stolen).expect("a code"));
    place.fails(&mut attacker, &own.replace(&own_code, &stolen_code), "expired").await;
}

#[tokio::test]
async fn an_id_token_of_another_sign_in_application_or_tenant_proves_nothing() {
    let place = Place::new().await;
    for (claim, value) in [
        ("nonce", json!("of-another-sign-in")),
        ("nonce", Value::Null),
        ("aud", json!("11111111-1111-4111-8111-111111111111")),
        ("tid", json!("11111111-1111-4111-8111-111111111111")),
        ("iss", json!("https://evil.example/v2.0")),
        ("exp", json!(1_000)),
    ] {
        let mut browser = place.browser();
        let begun = browser.open(START).await.expect(303);
        place.issuer.alter_id_tokens(claim, value);
        let answer = place.answer(&begun, &place.ada).await;
        place.fails(&mut browser, &answer, "unproven").await;
        browser.open("/api/me").await.assert_problem(401, "unauthenticated");
    }
    assert!(place.user(&place.ada).await.is_none(), "nobody is on record");
}

#[tokio::test]
async fn afterwards_nothing_but_a_page_of_this_server_is_shown() {
    let place = Place::new().await;
    for (return_to, shown) in [
        ("", "/"),
        ("?return_to=%2F%2Fevil.example", "/"),
        ("?return_to=%2F%5Cevil.example", "/"),
        ("?return_to=%2F%09%2Fevil.example", "/"),
        ("?return_to=https%3A%2F%2Fevil.example", "/"),
        ("?return_to=%2F.%2F%2Fevil.example", "/"),
        ("?return_to=%2Fapi%2Fme", "/"),
        ("?return_to=%2Fo%2Fa&return_to=%2F%2Fevil.example", "/"),
        ("?return_to=%2Fo%2Fa%23b", "/o/a#b"),
        ("?return_to=%2Fo%2Fa%0D%0ASet-Cookie%3A%20x%3D1", "/"),
    ] {
        let mut browser = place.browser();
        let begun = browser.open(&format!("{START}{return_to}")).await.expect(303);
        let answer = place.answer(&begun, &place.ada).await;
        let back = browser.open(&answer).await.expect(303);
        assert_eq!(back.header("location"), format!("http://{HOST}{shown}"), "{return_to}");
    }
}

#[tokio::test]
async fn a_sign_in_begins_on_our_own_pages() {
    let place = Place::new().await;
    for (header, value) in
        [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("sec-fetch-mode", "no-cors")]
    {
        let answer = place.app.stranger().request("GET", START).header(header, value).send().await.expect(303);
        assert_eq!(answer.header("location"), format!("http://{HOST}/sign-in"), "{value}");
        assert_eq!(answer.header("set-cookie"), "", "{value}");
    }
    let own = place.app.stranger().request("GET", START).header("sec-fetch-site", "same-origin");
    assert!(!own.header("sec-fetch-mode", "navigate").send().await.expect(303).header("set-cookie").is_empty());
}

#[tokio::test]
async fn an_account_that_was_deactivated_here_does_not_come_in() {
    let place = Place::new().await;
    place.sign_in(&mut place.browser(), &place.ada).await;
    let user = place.user(&place.ada).await.expect("on record");
    let change = UserChange { is_active: Some(false), ..UserChange::default() };
    place.app.repositories.users.update(user.id, &change, None, &Actor::PLATFORM).await.expect("deactivated");
    let mut browser = place.browser();
    let begun = browser.open(&format!("{START}?choose_account=true")).await.expect(303);
    assert_eq!(place.asked(&begun)["prompt"], "select_account");
    let answer = place.answer(&begun, &place.ada).await;
    place.fails(&mut browser, &answer, "inactive").await;
    browser.open("/api/me").await.assert_problem(401, "unauthenticated");
}

#[tokio::test]
async fn what_the_issuer_refuses_is_named_and_none_of_its_text_is_repeated() {
    let place = Place::new().await;
    for (error, description, reason) in [
        ("access_denied", "AADSTS65004: declined <script>alert(1)</script>", "cancelled"),
        ("access_denied", "AADSTS50105: not assigned", "not-assigned"),
        ("consent_required", "", "consent-missing"),
        ("<script>", "<script>", "issuer-refused"),
    ] {
        let mut browser = place.browser();
        let begun = browser.open(START).await.expect(303);
        let query = [("state", &*place.asked(&begun)["state"]), ("error", error), ("error_description", description)];
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        place.fails(&mut browser, &format!("/api/auth/entra/callback?{query}"), reason).await;
    }
}

#[tokio::test]
async fn an_issuer_that_is_away_or_refuses_the_application_is_told_apart() {
    let place = Place::new().await;
    let mut browser = place.browser();
    let begun = browser.open(START).await.expect(303);
    let answer = place.answer(&begun, &place.ada).await;
    place.issuer.expire_client_secret();
    place.fails(&mut browser, &answer, "misconfigured").await;

    let begun = browser.open(START).await.expect(303);
    let answer = place.answer(&begun, &place.ada).await;
    place.issuer.set_down(true);
    place.fails(&mut browser, &answer, "issuer-unreachable").await;
    let unknown = Place::new().await;
    unknown.issuer.set_down(true);
    unknown.fails(&mut unknown.browser(), START, "issuer-unreachable").await;
    let out = unknown.browser().open("/api/auth/entra/sign-out").await.expect(303);
    assert_eq!(out.header("location"), format!("http://{HOST}/signed-out"), "one stays here");
}

#[tokio::test]
async fn an_address_that_keeps_failing_is_told_to_wait_and_an_answer_that_holds_works_all_the_same() {
    let place = Place::new().await;
    let forged = "/api/auth/entra/callback?state=x&code=y";
    for _ in 0..10 {
        place.fails(&mut place.browser(), forged, "expired").await;
    }
    place.fails(&mut place.browser(), forged, "too-many").await;
    place.sign_in(&mut place.browser(), &place.ada).await;
    place.app.clock.advance(Duration::minutes(1));
    place.fails(&mut place.browser(), forged, "expired").await;

    place.app.api.flush_denials().await;
    let rows = place.app.audit(Scope::Global).await;
    let failed: Vec<_> = rows.iter().filter(|row| row.draft.action == "SignIn.Failed").collect();
    assert!(failed.iter().all(|row| row.draft.actor.ip_address.as_deref() == Some("192.0.2.7")));
    let counts = failed.iter().filter_map(|row| row.draft.details["count"].as_u64());
    assert_eq!(counts.sum::<u64>(), 12);
}

#[tokio::test]
async fn the_session_at_the_issuer_is_ended_there_and_its_page_leads_back() {
    let place = Place::new().await;
    let out = place.browser().open("/api/auth/entra/sign-out").await.expect(303);
    let asked = place.asked(&out);
    assert_eq!(asked["post_logout_redirect_uri"], format!("http://{HOST}/signed-out"));
}

#[tokio::test]
async fn clients_are_told_how_people_sign_in_and_without_entra_there_is_no_way_to_it() {
    let place = Place::new().await;
    let config = place.app.stranger().get(None, "/config.json").await.expect(200).json();
    assert_eq!((&config["sign_in"], &config["url"]), (&json!("entra"), &json!(format!("http://{HOST}/"))));
    let local = TestApp::new().await;
    assert_eq!(local.stranger().get(None, "/config.json").await.expect(200).json()["sign_in"], "local");
    for path in ["start", "callback?state=x&code=y", "sign-out"] {
        local.stranger().get(None, &format!("/api/auth/entra/{path}")).await.assert_problem(404, "not-found");
    }
}
