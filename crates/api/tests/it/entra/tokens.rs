//! Which tokens are believed.

use super::Tenant;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as B64};
use chrono::Duration;
use msp_auth::entra::{ADMINISTRATOR_ROLE, AUDITOR_ROLE};
use msp_domain::{OrgId, Permission};
use msp_test_support::{Person, TestApp, TestIssuer};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

const EVERY_SCOPE: &str = "Workflows.Execute Forms.Manage Organizations.Manage";

async fn is_refused(tenant: &Tenant, person: &Person, what: &str, token: &str) {
    let answer = tenant.with_token(person, token).get(None, "/api/me").await;
    assert_eq!(answer.status.as_u16(), 401, "{what}: {}", answer.text());
    answer.assert_problem(401, "unauthenticated");
    let users = tenant.admin.get(None, "/api/users").await.expect(200).json();
    assert!(!users.to_string().contains(&person.oid.key()), "{what}: it was put on record");
}

#[tokio::test]
async fn a_token_that_is_not_the_tenants_for_this_application_is_refused_and_leaves_no_account() {
    let tenant = Tenant::new().await;
    let person = Person::named("Ada").with_role(ADMINISTRATOR_ROLE);
    let good = tenant.issuer.claims_of(&person, EVERY_SCOPE);
    let now = good["iat"].as_i64().expect("a time");
    let other = TestIssuer::start(tenant.app.clock.clone());
    let set = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        claims
    };
    let without = |name: &str| {
        let mut claims = good.clone();
        claims.as_object_mut().expect("claims").remove(name);
        claims
    };
    let issuer = good["iss"].as_str().expect("an issuer").to_owned();
    for (what, claims) in [
        ("another tenant", set("tid", json!(Uuid::new_v4()))),
        ("another tenant's issuer", set("iss", json!(other.settings().authority.as_str()))),
        ("an issuer that only begins alike", set("iss", json!(format!("{issuer}/")))),
        ("no issuer", without("iss")),
        ("another audience", set("aud", json!(Uuid::new_v4()))),
        ("several audiences", set("aud", json!([tenant.issuer.client_id(), Uuid::new_v4()]))),
        ("no audience", without("aud")),
        ("no tenant", without("tid")),
        ("no object id", without("oid")),
        ("an object id that is none", set("oid", json!("ada@msp.example"))),
        ("version 1.0", set("ver", json!("1.0"))),
        ("no version", without("ver")),
        ("expired", set("exp", json!(now - 61))),
        ("no end", without("exp")),
        ("not valid yet", set("nbf", json!(now + 120))),
        ("no beginning", without("nbf")),
        ("issued in the future", set("iat", json!(now + 120))),
        ("no time of issue", without("iat")),
        ("no client", without("azp")),
        ("neither scopes nor a program", without("scp")),
        ("an id token", tenant.issuer.id_claims_of(&person, "n-1")),
        ("an id token with a client", {
            let mut claims = tenant.issuer.id_claims_of(&person, "n-1");
            claims["azp"] = json!(tenant.issuer.client_id());
            claims
        }),
    ] {
        is_refused(&tenant, &person, what, &tenant.issuer.sign(&claims)).await;
    }
    is_refused(&tenant, &person, "of another issuer altogether", &other.access_token(&person)).await;
    // Nothing but what was changed was wrong.
    let _ = tenant.caller(&person).get(None, "/api/me").await.expect(200);
}

#[tokio::test]
async fn only_a_signature_of_a_published_key_counts() {
    let tenant = Tenant::new().await;
    let person = Person::named("Ada").with_role(ADMINISTRATOR_ROLE);
    let claims = tenant.issuer.claims_of(&person, EVERY_SCOPE);
    let kid = tenant.issuer.key_id();
    let unsigned = |alg: &str| {
        let header = json!({ "typ": "JWT", "alg": alg, "kid": kid });
        format!("{}.{}", B64.encode(header.to_string()), B64.encode(claims.to_string()))
    };
    for alg in ["none", "None", "RS384", "PS256", "ES256"] {
        let header = json!({ "typ": "JWT", "alg": alg, "kid": kid });
        is_refused(&tenant, &person, alg, &tenant.issuer.sign_under(&header, &claims)).await;
        is_refused(&tenant, &person, alg, &format!("{}.", unsigned(alg))).await;
    }
    // The public key, taken for a secret.
    let text = unsigned("HS256");
    let signature = hmac_sha256(&tenant.issuer.public_key(), text.as_bytes());
    is_refused(&tenant, &person, "HS256", &format!("{text}.{}", B64.encode(signature))).await;
    let without_kid = tenant.issuer.sign_under(&json!({ "typ": "JWT", "alg": "RS256" }), &claims);
    is_refused(&tenant, &person, "no key named", &without_kid).await;
    let critical = json!({ "typ": "JWT", "alg": "RS256", "kid": kid, "crit": ["b64"] });
    is_refused(&tenant, &person, "an extension", &tenant.issuer.sign_under(&critical, &claims)).await;
    let good = tenant.issuer.access_token(&person);
    let (head, signature) = good.rsplit_once('.').expect("three parts");
    let mut forged = claims.clone();
    forged["oid"] = json!(Uuid::new_v4());
    let (header, _) = head.split_once('.').expect("three parts");
    let swapped = format!("{header}.{}.{signature}", B64.encode(forged.to_string()));
    is_refused(&tenant, &person, "other claims", &swapped).await;
    for junk in ["", "a", "a.b.c", "....", &"x".repeat(4_000)] {
        is_refused(&tenant, &person, "junk", &format!("x{junk}")).await;
    }
}

#[tokio::test]
async fn a_token_works_until_its_time_is_over() {
    let tenant = Tenant::new().await;
    let ada = tenant.caller(&Person::named("Ada"));
    let _ = ada.get(None, "/api/me").await.expect(200);
    tenant.app.clock.advance(Duration::minutes(75));
    let _ = ada.get(None, "/api/me").await.expect(200);
    tenant.app.clock.advance(Duration::seconds(61));
    ada.get(None, "/api/me").await.assert_problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_token_gives_what_both_its_scopes_and_the_grants_allow() {
    let tenant = Tenant::new().await;
    let org = tenant.app.org("Contoso").await;
    let person = Person::named("Ada");
    let ada = tenant.caller(&person);
    let _ = ada.get(None, "/api/me").await.expect(200);
    let both = [Permission::ExecuteWorkflows, Permission::ManageConfig].into_iter().collect();
    tenant.app.grant(&ada, org.id, both).await;
    let held = async |scopes: &str| {
        let token = tenant.issuer.scoped_token(&person, scopes);
        let me = tenant.with_token(&person, &token).get(None, "/api/me").await.expect(200).json();
        let held = me["organizations"][0]["permissions"].clone();
        (held["execute_workflows"] == true, held["manage_config"] == true, held["manage_forms"] == true)
    };
    assert_eq!(held(EVERY_SCOPE).await, (true, true, false));
    assert_eq!(held("Workflows.Execute Forms.Manage").await, (true, false, false));
    assert_eq!(held("Organizations.Manage").await, (false, true, false));
    assert_eq!(held("openid User.Read").await, (false, false, false));
}

#[tokio::test]
async fn an_administrators_narrow_token_does_not_administer() {
    let tenant = Tenant::new().await;
    let person = Person::named("Ada").with_role(ADMINISTRATOR_ROLE);
    let narrow = tenant.with_token(&person, &tenant.issuer.scoped_token(&person, "Workflows.Execute"));
    narrow.get(None, "/api/users").await.assert_problem(403, "administrator-required");
    let _ = tenant.caller(&person).get(None, "/api/users").await.expect(200);
}

#[tokio::test]
async fn an_auditor_reads_everything_and_whoever_has_both_roles_is_administrator() {
    let tenant = Tenant::new().await;
    let auditor = tenant.caller(&Person::named("Ada").with_role(AUDITOR_ROLE));
    let _ = auditor.get(None, "/api/users").await.expect(200);
    auditor
        .post(None, "/api/organizations", json!({ "name": "X" }))
        .await
        .assert_problem(403, "administrator-required");
    let both = tenant.caller(&Person::named("Bo").with_role(AUDITOR_ROLE).with_role(ADMINISTRATOR_ROLE));
    let me = both.get(None, "/api/me").await.expect(200).json();
    assert_eq!((&me["is_administrator"], &me["is_auditor"]), (&json!(true), &json!(false)));
}

#[tokio::test]
async fn a_caller_of_another_organization_is_refused_whatever_the_token_says() {
    let tenant = Tenant::new().await;
    let (contoso, fabrikam) = (tenant.app.org("Contoso").await, tenant.app.org("Fabrikam").await);
    let person = Person::named("Ada");
    let ada = tenant.caller(&person);
    let _ = ada.get(None, "/api/me").await.expect(200);
    tenant.app.grant(&ada, contoso.id, Permission::ALL.into_iter().collect()).await;
    let path = |org: OrgId| format!("/api/organizations/{org}/config");
    let _ = ada.get(None, &path(contoso.id)).await.expect(200);
    ada.get(None, &path(fabrikam.id)).await.assert_problem(403, "permission-denied");
}

#[tokio::test]
async fn without_entra_id_its_tokens_are_nothing() {
    let app = TestApp::new().await;
    let issuer = TestIssuer::start(app.clock.clone());
    let person = Person::named("Ada").with_role(ADMINISTRATOR_ROLE);
    app.entra_caller(&issuer, &person).get(None, "/api/me").await.assert_problem(401, "unauthenticated");
    assert_eq!(issuer.asked(), 0);
}

/// RFC 2104.
fn hmac_sha256(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut block = [0_u8; 64];
    let key = if key.len() > block.len() { Sha256::digest(key).to_vec() } else { key.to_vec() };
    block[..key.len()].copy_from_slice(&key);
    let pad = |with: u8| block.map(|byte| byte ^ with).to_vec();
    let inner = Sha256::digest([pad(0x36), text.to_vec()].concat());
    Sha256::digest([pad(0x5c), inner.to_vec()].concat()).to_vec()
}
