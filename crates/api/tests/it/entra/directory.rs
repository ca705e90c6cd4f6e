//! The directory fills at first sight, and follows what Entra ID says.

use super::Tenant;
use chrono::Duration;
use futures::future::join_all;
use msp_auth::entra::{ADMINISTRATOR_ROLE, AUDITOR_ROLE};
use msp_domain::{Permission, Scope, UserId};
use msp_storage::repositories::audit::AuditRow;
use msp_test_support::Person;
use serde_json::{Value, json};

impl Tenant {
    /// What the directory says of somebody.
    async fn user(&self, id: UserId) -> Value {
        self.admin.get(None, &format!("/api/users/{id}")).await.expect(200).json()
    }

    async fn trail_of(&self, person: &Person) -> Vec<AuditRow> {
        let mut rows = self.app.audit(Scope::Global).await;
        rows.retain(|row| row.draft.entity_id == person.oid.key());
        rows
    }
}

#[tokio::test]
async fn the_first_token_makes_the_account_without_any_right_and_a_grant_makes_it_useful() {
    let tenant = Tenant::new().await;
    let org = tenant.app.org("Contoso").await;
    let person = Person::named("Ada Lovelace");
    let ada = tenant.caller(&person);
    let me = ada.get(None, "/api/me").await.expect(200).json();
    assert_eq!(me["user"], json!({ "id": person.oid, "email": person.username, "display_name": "Ada Lovelace" }));
    assert_eq!((&me["organizations"], &me["is_administrator"]), (&json!([]), &json!(false)));
    ada.get(None, "/api/users").await.assert_problem(403, "administrator-required");
    let config = format!("/api/organizations/{}/config", org.id);
    ada.get(None, &config).await.assert_problem(403, "permission-denied");

    let user = tenant.user(person.oid).await;
    assert_eq!(user["tenant_id"], json!(tenant.issuer.tenant_id()));
    assert_eq!((&user["is_active"], &user["is_service"]), (&json!(true), &json!(false)));
    assert!(user["last_login_at"].is_string(), "{user}");
    let trail = tenant.trail_of(&person).await;
    assert_eq!(trail.len(), 1, "{trail:#?}");
    assert_eq!((trail[0].draft.action.as_str(), trail[0].draft.actor.user), ("User.Create", Some(person.oid)));
    assert_eq!(trail[0].draft.actor.ip_address.as_deref(), Some("192.0.2.7"));
    assert_eq!(trail[0].draft.details["made_by"], "sign-in");

    let grant = format!("/api/users/{}/permissions/{}", person.oid, org.id);
    let _ = tenant.admin.put(None, &grant, json!({ "manage_config": true })).await.expect(200);
    let _ = ada.get(None, &config).await.expect(200);
}

#[tokio::test]
async fn nothing_is_written_while_nothing_differs() {
    let tenant = Tenant::new().await;
    let person = Person::named("Ada");
    let _ = tenant.caller(&person).get(None, "/api/me").await.expect(200);
    let before = tenant.user(person.oid).await;
    for _ in 0..3 {
        tenant.app.clock.advance(Duration::minutes(10));
        let _ = tenant.caller(&person).get(None, "/api/me").await.expect(200);
    }
    assert_eq!((tenant.user(person.oid).await, tenant.trail_of(&person).await.len()), (before, 1));
}

#[tokio::test]
async fn requests_that_race_on_first_sight_make_one_account() {
    let tenant = Tenant::new().await;
    let person = Person::named("Ada");
    let ada = tenant.caller(&person);
    let answers = join_all((0..16).map(|_| ada.get(None, "/api/me"))).await;
    assert!(answers.iter().all(|answer| answer.status.as_u16() == 200), "{answers:#?}");
    assert_eq!(tenant.trail_of(&person).await.len(), 1);
}

#[tokio::test]
async fn a_changed_name_and_address_are_taken_over_on_record() {
    let tenant = Tenant::new().await;
    let mut person = Person::named("Ada Byron");
    let _ = tenant.caller(&person).get(None, "/api/me").await.expect(200);
    person.name = "Ada \u{202e}Lovelace".to_owned();
    person.username = "ada.lovelace@msp.example".to_owned();
    tenant.app.clock.advance(Duration::minutes(1));
    let me = tenant.caller(&person).get(None, "/api/me").await.expect(200).json();
    assert_eq!(me["user"]["display_name"], "Ada Lovelace");
    let trail = tenant.trail_of(&person).await;
    assert_eq!(trail[0].draft.action, "User.Update");
    assert_eq!(trail[0].draft.details["before"]["email"], "ada.byron@msp.example");
    assert_eq!(trail[0].draft.details["after"]["email"], "ada.lovelace@msp.example");
}

#[tokio::test]
async fn a_role_that_was_taken_away_ends_administration_with_the_next_token_and_older_ones() {
    let tenant = Tenant::new().await;
    let mut person = Person::named("Ada").with_role(ADMINISTRATOR_ROLE);
    let before = tenant.caller(&person);
    let _ = before.get(None, "/api/users").await.expect(200);
    person.roles.clear();
    tenant.app.clock.advance(Duration::minutes(1));
    let after = tenant.caller(&person);
    after.get(None, "/api/users").await.assert_problem(403, "administrator-required");
    assert_eq!(tenant.user(person.oid).await["is_platform_admin"], false);
    before.get(None, "/api/users").await.assert_problem(403, "administrator-required");
    assert_eq!(tenant.trail_of(&person).await.len(), 2, "the older token changes nothing back");
}

#[tokio::test]
async fn a_token_without_the_role_never_administers_although_a_newer_one_does() {
    let tenant = Tenant::new().await;
    let mut person = Person::named("Ada");
    let before = tenant.caller(&person);
    let _ = before.get(None, "/api/me").await.expect(200);
    person.roles.push(ADMINISTRATOR_ROLE.to_owned());
    tenant.app.clock.advance(Duration::minutes(1));
    let _ = tenant.caller(&person).get(None, "/api/users").await.expect(200);
    before.get(None, "/api/users").await.assert_problem(403, "administrator-required");
    let org = tenant.app.org("Contoso").await;
    let config = format!("/api/organizations/{}/config", org.id);
    before.get(None, &config).await.assert_problem(403, "permission-denied");
}

#[tokio::test]
async fn a_deactivated_account_stays_refused_until_somebody_activates_it() {
    let tenant = Tenant::new().await;
    let person = Person::named("Ada");
    let path = format!("/api/users/{}", person.oid);
    let old = tenant.caller(&person);
    let _ = old.get(None, "/api/me").await.expect(200);
    let _ = tenant.admin.patch(None, &path, json!({ "is_active": false })).await.expect(200);
    tenant.app.clock.advance(Duration::minutes(1));
    // Neither the old token nor a new one, nor one that says something else, brings it back.
    let renamed = Person { name: "Ada Lovelace".to_owned(), ..person.clone().with_role(ADMINISTRATOR_ROLE) };
    for caller in [&old, &tenant.caller(&person), &tenant.caller(&renamed)] {
        caller.get(None, "/api/me").await.assert_problem(401, "unauthenticated");
    }
    let user = tenant.user(person.oid).await;
    assert_eq!((&user["is_active"], &user["is_platform_admin"]), (&json!(false), &json!(false)));
    let _ = tenant.admin.patch(None, &path, json!({ "is_active": true })).await.expect(200);
    old.get(None, "/api/me").await.assert_problem(401, "unauthenticated");
    let _ = tenant.caller(&person).get(None, "/api/me").await.expect(200);
}

#[tokio::test]
async fn an_address_makes_nobody_another_account_and_belongs_to_whoever_has_it_now() {
    let tenant = Tenant::new().await;
    let org = tenant.app.org("Contoso").await;
    let leaver = Person::named("Ada");
    let old = tenant.caller(&leaver);
    let _ = old.get(None, "/api/me").await.expect(200);
    tenant.app.grant(&old, org.id, Permission::ALL.into_iter().collect()).await;
    tenant.app.clock.advance(Duration::minutes(1));
    // The same address, and even that of the local administrator: another object id is another person.
    let newcomer = Person::named("Ada");
    let local = Person { username: "Admin@MSP.example".to_owned(), ..Person::named("Mallory") };
    for person in [&newcomer, &local] {
        let me = tenant.caller(person).get(None, "/api/me").await.expect(200).json();
        assert_eq!((&me["organizations"], &me["user"]["email"]), (&json!([]), &json!(person.username)));
        assert_eq!(me["is_administrator"], false);
    }
    assert_eq!(tenant.user(leaver.oid).await["email"], "");
    // The leaver's token still works, with the leaver's rights, and takes nothing back.
    let me = old.get(None, "/api/me").await.expect(200).json();
    assert_eq!(me["organizations"][0]["id"], json!(org.id));
    assert_eq!(tenant.user(newcomer.oid).await["email"], json!(newcomer.username));
    let administrator = tenant.user(tenant.app.admin().user()).await;
    assert_eq!(administrator["email"], "admin@msp.example");
}

#[tokio::test]
async fn what_entra_id_says_is_not_changed_by_hand() {
    let tenant = Tenant::new().await;
    let person = Person::named("Ada").with_role(AUDITOR_ROLE);
    let _ = tenant.caller(&person).get(None, "/api/me").await.expect(200);
    let path = format!("/api/users/{}", person.oid);
    for body in [
        json!({ "is_platform_admin": true, "is_auditor": false }),
        json!({ "is_auditor": false }),
        json!({ "display_name": "Somebody" }),
    ] {
        tenant.admin.patch(None, &path, body).await.assert_problem(409, "managed-by-entra");
    }
    let same = json!({ "is_auditor": true, "display_name": "Ada", "is_active": true });
    let _ = tenant.admin.patch(None, &path, same).await.expect(200);
    let new = json!({ "email": "bo@msp.example", "display_name": "Bo" });
    tenant.admin.post(None, "/api/users", new).await.assert_problem(409, "managed-by-entra");
}
