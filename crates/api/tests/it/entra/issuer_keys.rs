//! The keys of Entra ID: several, changing, and not always to be had.

use super::Tenant;
use chrono::Duration;
use futures::future::join_all;
use msp_auth::{Entra, EntraError, EntraSettings};
use msp_test_support::{Person, TestApp, TestCaller};
use serde_json::json;
use std::time::Instant;
use uuid::Uuid;

async fn status(caller: &TestCaller) -> u16 {
    caller.get(None, "/api/me").await.status.as_u16()
}

#[tokio::test]
async fn a_new_key_is_fetched_when_its_first_token_comes_and_the_older_one_stays_good() {
    let tenant = Tenant::new().await;
    let person = Person::named("Ada");
    let before = tenant.caller(&person);
    tenant.issuer.rotate();
    let after = tenant.caller(&person);
    tenant.app.clock.advance(Duration::seconds(11));
    assert_eq!((status(&after).await, status(&before).await, tenant.issuer.asked()), (200, 200, 2));
}

#[tokio::test]
async fn a_key_that_is_withdrawn_is_not_believed_any_more_even_of_tokens_that_were() {
    let tenant = Tenant::new().await;
    let person = Person::named("Ada");
    let before = tenant.caller(&person);
    assert_eq!(status(&before).await, 200);
    tenant.issuer.rotate();
    tenant.issuer.withdraw_older_keys();
    tenant.app.clock.advance(Duration::seconds(11));
    assert_eq!(status(&tenant.caller(&person)).await, 200);
    assert_eq!(status(&before).await, 401);
}

#[tokio::test]
async fn whatever_keys_callers_name_the_issuer_is_asked_once_in_ten_seconds() {
    let tenant = Tenant::new().await;
    let asked = tenant.issuer.asked();
    tenant.app.clock.advance(Duration::seconds(11));
    let person = Person::named("Ada");
    let claims = tenant.issuer.claims_of(&person, "Workflows.Execute");
    let made_up = |number: usize| {
        let header = json!({ "typ": "JWT", "alg": "RS256", "kid": format!("made-up-{number}") });
        tenant.with_token(&person, &tenant.issuer.sign_under(&header, &claims))
    };
    let flood: Vec<_> = (0..40).map(made_up).collect();
    let answers = join_all(flood.iter().map(status)).await;
    assert!(answers.iter().all(|status| *status == 401), "{answers:?}");
    assert_eq!(tenant.issuer.asked(), asked + 1);
    // Known keys are not affected.
    assert_eq!(status(&tenant.caller(&person)).await, 200);
    tenant.app.clock.advance(Duration::seconds(11));
    assert_eq!((status(&flood[0]).await, tenant.issuer.asked()), (401, asked + 2));
}

#[tokio::test]
async fn callers_who_come_at_once_wait_for_one_answer() {
    let (app, issuer) = TestApp::with_entra().await;
    let callers: Vec<_> = (0..20).map(|n| app.entra_caller(&issuer, &Person::named(&format!("Ada {n}")))).collect();
    let answers = join_all(callers.iter().map(status)).await;
    assert!(answers.iter().all(|status| *status == 200), "{answers:?}");
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn while_the_keys_cannot_be_had_nobody_gets_in_and_it_is_not_the_callers_fault() {
    let (app, issuer) = TestApp::with_entra().await;
    issuer.set_down(true);
    let ada = app.entra_caller(&issuer, &Person::named("Ada"));
    let answer = ada.get(None, "/api/me").await;
    answer.assert_problem(503, "entra-unavailable");
    assert_eq!(answer.header("retry-after"), "10");
    assert!(!answer.text().contains(issuer.authority()), "{}", answer.text());
    // It is not asked again at once, and is when it may be.
    issuer.set_down(false);
    ada.get(None, "/api/me").await.assert_problem(503, "entra-unavailable");
    app.clock.advance(Duration::seconds(11));
    let _ = ada.get(None, "/api/me").await.expect(200);
}

#[tokio::test]
async fn known_keys_outlast_a_failure_of_entra_id_for_two_days() {
    let tenant = Tenant::new().await;
    let person = Person::named("Ada");
    tenant.issuer.set_down(true);
    tenant.app.clock.advance(Duration::hours(25));
    assert_eq!(status(&tenant.caller(&person)).await, 200);
    // A key nobody knows may be a new one: nobody can tell.
    tenant.issuer.rotate();
    tenant.app.clock.advance(Duration::seconds(11));
    tenant.caller(&person).get(None, "/api/me").await.assert_problem(503, "entra-unavailable");
    tenant.app.clock.advance(Duration::hours(24));
    tenant.caller(&person).get(None, "/api/me").await.assert_problem(503, "entra-unavailable");
}

#[tokio::test]
async fn keys_of_yesterday_are_read_again_without_anybody_waiting() {
    let tenant = Tenant::new().await;
    let asked = tenant.issuer.asked();
    tenant.app.clock.advance(Duration::hours(25));
    assert_eq!(status(&tenant.caller(&Person::named("Ada"))).await, 200);
    let give_up = Instant::now() + std::time::Duration::from_secs(30);
    while tenant.issuer.asked() == asked {
        assert!(Instant::now() < give_up, "it was not asked again");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(tenant.issuer.asked(), asked + 1);
}

#[tokio::test]
async fn a_document_of_another_issuer_is_not_believed() {
    let (app, issuer) = TestApp::with_entra().await;
    let settings = EntraSettings { tenant_id: Uuid::new_v4(), ..issuer.settings() };
    let entra = Entra::new(settings, app.clock.clone()).expect("an HTTP client");
    let token = issuer.access_token(&Person::named("Ada"));
    let refused = entra.access_token(&token).await.expect_err("refused");
    assert!(matches!(&refused, EntraError::Unavailable(why) if why.contains("another issuer")), "{refused}");
    assert_eq!(issuer.asked(), 0, "its keys were read although the document is not the tenant's");
}
