//! Organizations, users, grants, config, secrets and integrations: what a change writes besides itself.

use crate::support::{TestHome, actor};
use msp_domain::{Clock, ConfigEntry, ConfigOrigin, ConfigType, OrgId, Permission, Permissions, Scope, UserId};
use msp_storage::repositories::Actor;
use msp_storage::repositories::integrations::{CredentialChange, IntegrationCheck};
use msp_storage::repositories::organizations::{NewOrganization, OrganizationChange, OrganizationError};
use msp_storage::repositories::users::{UserChange, UserError};
use msp_storage::{Etag, SecretValue, StoreError, Table};
use serde_json::{Value, json};
use uuid::Uuid;

/// Whether the generation moved since it was last asked.
async fn moved(home: &TestHome, seen: &mut Option<Etag>) -> bool {
    let current = home.repositories.generation.current().await.expect("read");
    std::mem::replace(seen, current.clone()) != current
}

fn entry(key: &str, config_type: ConfigType, value: Value) -> ConfigEntry {
    ConfigEntry { key: key.into(), config_type, value, description: None }
}

#[tokio::test]
async fn every_change_of_rights_or_settings_is_audited_and_moves_the_generation() {
    let home = TestHome::new().await;
    let repositories = &home.repositories;
    let admin = actor(UserId::random());
    let mut seen = None;
    assert!(!moved(&home, &mut seen).await, "a new installation has no generation");

    let org = repositories.organizations.create(NewOrganization::named("Contoso"), &admin).await.expect("created");
    assert!(moved(&home, &mut seen).await);
    let change = OrganizationChange { tenant_id: Some(Some(Uuid::new_v4())), ..Default::default() };
    let updated = repositories.organizations.update(org.id, &change, Some(&org.etag), &admin).await.expect("updated");
    assert!(moved(&home, &mut seen).await);
    assert_eq!(repositories.organizations.get(org.id).await.expect("read").as_ref(), Some(&updated));
    let stale = repositories.organizations.update(org.id, &change, Some(&org.etag), &admin).await;
    assert!(matches!(stale, Err(OrganizationError::Store(StoreError::PreconditionFailed))));
    assert!(!moved(&home, &mut seen).await, "what is refused moves nothing");

    let scope = Scope::Org(org.id);
    let value = entry("default_usage_location", ConfigType::String, json!("DE"));
    let stored = repositories.config.set(scope, &value, None, &admin).await.expect("set");
    assert!(moved(&home, &mut seen).await);
    assert_eq!(repositories.config.get(scope, &value.key).await.expect("read"), Some(stored));
    repositories.config.delete(scope, &value.key, None, &admin).await.expect("deleted");
    assert!(moved(&home, &mut seen).await);
    let again = repositories.config.delete(scope, &value.key, None, &admin).await;
    assert!(matches!(again, Err(StoreError::NotFound)));

    let settings = json!({ "tenant": "contoso.example" });
    let integrations = &repositories.integrations;
    integrations.put(org.id, "halopsa", true, &settings, CredentialChange::Keep, None, &admin).await.expect("put");
    assert!(moved(&home, &mut seen).await);
    integrations.delete(org.id, "halopsa", None, &admin).await.expect("deleted");
    assert!(moved(&home, &mut seen).await);

    let user = repositories.users.create("tess@example.com", "Tess", false, &admin).await.expect("created");
    assert!(moved(&home, &mut seen).await);
    repositories.users.signed_in(user.id, &admin).await.expect("noted");
    assert!(!moved(&home, &mut seen).await, "a sign-in changes nothing a decision rests on");
    let rights = [Permission::ExecuteWorkflows].into_iter().collect();
    repositories.grants.set(user.id, org.id, rights, &admin).await.expect("granted");
    assert!(moved(&home, &mut seen).await);
    repositories.grants.revoke(user.id, org.id, &admin).await.expect("revoked");
    assert!(moved(&home, &mut seen).await);
    repositories.addresses.allow("[::1]:8443".parse().expect("an address"), &admin).await.expect("allowed");
    assert!(moved(&home, &mut seen).await);
    assert_eq!(repositories.addresses.list().await.expect("read"), ["[::1]:8443".parse().expect("an address")]);

    let mut actions = home.audited(scope).await;
    actions.sort();
    assert_eq!(
        actions,
        [
            "Config.Delete",
            "Config.Set",
            "Grant.Revoke",
            "Grant.Set",
            "Integration.Delete",
            "Integration.Set",
            "Organization.Create",
            "Organization.Update"
        ]
    );
    let mut global = home.audited(Scope::Global).await;
    global.sort();
    assert_eq!(global, ["Address.Allow", "User.Create", "User.SignIn"]);
    let rows = repositories.audit.list(scope, None, 3).await.expect("listed");
    assert_eq!(rows.items[0].draft.actor, admin);
    let older = repositories.audit.list(scope, rows.next_cursor.as_deref(), 100).await.expect("listed");
    assert_eq!(older.items.len(), 5, "the rest follows without repetition");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_create_one_name_or_address_at_once_one_does() {
    let home = TestHome::new().await;
    let organizations = &home.repositories.organizations;
    let users = &home.repositories.users;
    let names = ["Fabrikam", "FABRIKAM", "fabrikam"];
    let creates = (0..12).map(|n| organizations.create(NewOrganization::named(names[n % 3]), &Actor::PLATFORM));
    let outcomes = futures::future::join_all(creates).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(_) | Err(OrganizationError::NameTaken { .. }))));
    let others = (0..12).map(|n| async move {
        organizations.create(NewOrganization::named(format!("Org {n}")), &Actor::PLATFORM).await
    });
    assert!(
        futures::future::join_all(others).await.iter().all(Result::is_ok),
        "different names do not hinder each other"
    );

    let creates = (0..8).map(|_| users.create("Tess@Example.com", "Tess", false, &Actor::PLATFORM));
    let outcomes = futures::future::join_all(creates).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert!(users.find_by_email("tess@example.COM").await.expect("read").is_some());
}

#[tokio::test]
async fn a_tenant_belongs_to_one_organization_and_a_rename_needs_a_free_name() {
    let home = TestHome::new().await;
    let organizations = &home.repositories.organizations;
    let tenant = Uuid::new_v4();
    organizations
        .create(NewOrganization { tenant_id: Some(tenant), ..NewOrganization::named("Contoso") }, &Actor::PLATFORM)
        .await
        .expect("created");
    let taken = organizations
        .create(NewOrganization { tenant_id: Some(tenant), ..NewOrganization::named("Fabrikam") }, &Actor::PLATFORM)
        .await;
    assert!(matches!(taken, Err(OrganizationError::TenantTaken { .. })));
    let other = organizations.create(NewOrganization::named("Fabrikam"), &Actor::PLATFORM).await.expect("created");
    let rename = |name: &str| OrganizationChange { name: Some(name.into()), ..Default::default() };
    let taken = organizations.update(other.id, &rename("contoso"), None, &Actor::PLATFORM).await;
    assert!(matches!(taken, Err(OrganizationError::NameTaken { .. })));
    let renamed = organizations.update(other.id, &rename("FABRIKAM"), None, &Actor::PLATFORM).await;
    assert_eq!(renamed.expect("its own name in other letters is free").name, "FABRIKAM");
    let unknown = organizations.update(OrgId::random(), &rename("New"), None, &Actor::PLATFORM).await;
    assert!(matches!(unknown, Err(OrganizationError::NotFound)));
    let names: Vec<_> = organizations.all().await.expect("read").into_iter().map(|org| org.name).collect();
    assert_eq!(names, ["Contoso", "FABRIKAM"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_last_administrator_stays_even_when_both_are_demoted_at_once() {
    let home = TestHome::new().await;
    let users = &home.repositories.users;
    let one = users.create("one@example.com", "One", true, &Actor::PLATFORM).await.expect("created");
    let two = users.create("two@example.com", "Two", true, &Actor::PLATFORM).await.expect("created");
    let demote = UserChange { is_platform_admin: Some(false), ..Default::default() };
    let disable = UserChange { is_active: Some(false), ..Default::default() };
    let (first, second) = tokio::join!(
        users.update(one.id, &demote, None, &Actor::PLATFORM),
        users.update(two.id, &disable, None, &Actor::PLATFORM)
    );
    let refused =
        [&first, &second].iter().filter(|outcome| matches!(outcome, Err(UserError::LastAdministrator))).count();
    assert_eq!((refused, first.is_ok() || second.is_ok()), (1, true), "{first:?} {second:?}");
    assert_eq!(users.administrators().await.expect("read").len(), 1);
}

#[tokio::test]
async fn a_grant_is_found_from_both_sides_and_only_the_deciding_row_counts() {
    let home = TestHome::new().await;
    let (user, org) = (UserId::random(), home.org().await);
    let grants = &home.repositories.grants;
    assert_eq!(grants.permissions(user, org).await.expect("read"), Permissions::NONE);
    let rights = Permissions { view_history: true, ..Permissions::NONE };
    let grant = grants.set(user, org, rights, &Actor::PLATFORM).await.expect("granted");
    assert_eq!(grants.permissions(user, org).await.expect("read"), rights);
    assert_eq!(grants.of_user(user).await.expect("read"), std::slice::from_ref(&grant));
    assert_eq!(grants.of_org(org).await.expect("read"), [grant]);

    // As an interruption between the two rows of a revocation leaves it.
    let tables = &home.home.stores.tables;
    let delete = msp_storage::Write::delete(user.key(), org.key(), msp_storage::IfMatch::Any);
    tables.write(Table::UserPermissions, delete).await.expect("deleted");
    assert_eq!(grants.permissions(user, org).await.expect("read"), Permissions::NONE);
    grants.revoke(user, org, &Actor::PLATFORM).await.expect("repeated");
    assert!(grants.of_org(org).await.expect("read").is_empty(), "repeating unlists it");
    grants.revoke(user, org, &Actor::PLATFORM).await.expect("revoking nothing is no error");
}

#[tokio::test]
async fn config_inherits_keeps_its_types_and_respects_versions() {
    let home = TestHome::new().await;
    let config = &home.repositories.config;
    let org = home.org().await;
    let scope = Scope::Org(org);
    let set = async |scope, entry: &ConfigEntry, if_match: Option<&Etag>| {
        config.set(scope, entry, if_match, &Actor::PLATFORM).await
    };
    set(Scope::Global, &entry("limit", ConfigType::Int, json!(25)), None).await.expect("set");
    set(Scope::Global, &entry("greet", ConfigType::Bool, json!(true)), None).await.expect("set");
    let own = set(scope, &entry("limit", ConfigType::Int, json!(-3)), None).await.expect("set");
    let effective = config.effective(Some(org)).await.expect("read");
    assert_eq!(effective.to_values(), json!({ "greet": true, "limit": -3 }).as_object().expect("an object").clone());
    assert_eq!(effective.0["greet"].1, ConfigOrigin::Global);
    assert_eq!(config.effective(None).await.expect("read").get("limit"), Some(&json!(25)));

    let next = entry("limit", ConfigType::Int, json!(4));
    set(scope, &next, Some(&own.etag)).await.expect("the current version is accepted");
    for stale in [
        set(scope, &next, Some(&own.etag)).await,
        set(scope, &entry("new", ConfigType::Int, json!(1)), Some(&own.etag)).await,
    ] {
        assert!(matches!(stale, Err(StoreError::PreconditionFailed)));
    }
    let too_long = entry("long", ConfigType::String, json!("x".repeat(40_000)));
    assert!(matches!(set(scope, &too_long, None).await, Err(StoreError::Limit(_))));
}

#[tokio::test]
async fn a_workflow_secret_resolves_to_the_organizations_own_and_never_appears_in_the_audit() {
    let home = TestHome::new().await;
    let secrets = &home.repositories.workflow_secrets;
    let org = home.org().await;
    let set = async |scope, text: &str| secrets.set(scope, "api_key", &SecretValue::new(text), &Actor::PLATFORM).await;
    assert!(secrets.resolve(Some(org), "api_key").await.expect("read").is_none());
    // Workflows ask for whatever they like; that is no failure of the store.
    for name in ["", "../api_key", "a\0b", "a/b", &"a".repeat(100_000)] {
        assert!(secrets.resolve(Some(org), name).await.expect("read").is_none());
    }
    set(Scope::Global, "shared-canary").await.expect("set");
    let (value, origin) = secrets.resolve(Some(org), "api_key").await.expect("read").expect("inherited");
    assert_eq!((value.reveal(), origin), ("shared-canary", ConfigOrigin::Global));
    set(Scope::Org(org), "own-canary").await.expect("set");
    let (value, origin) = secrets.resolve(Some(org), "api_key").await.expect("read").expect("own");
    assert_eq!((value.reveal(), origin), ("own-canary", ConfigOrigin::Organization));
    assert_eq!(secrets.names(Scope::Org(org)).await.expect("read"), ["api_key"]);
    secrets.delete(Scope::Org(org), "api_key", &Actor::PLATFORM).await.expect("deleted");
    let again = secrets.delete(Scope::Org(org), "api_key", &Actor::PLATFORM).await;
    assert!(matches!(again, Err(StoreError::NotFound)));
    let mut audited = home.audited(Scope::Org(org)).await;
    audited.sort();
    assert_eq!(audited, ["Organization.Create", "Secret.Delete", "Secret.Set"]);
    let rows = home.home.stores.tables.query_all(Table::AuditLogs, msp_storage::Query::default()).await.expect("read");
    assert!(!format!("{rows:?}").contains("canary"));
}

#[tokio::test]
async fn an_integration_credential_follows_its_settings() {
    let home = TestHome::new().await;
    let integrations = &home.repositories.integrations;
    let org = home.org().await;
    let put = async |settings: Value, change, if_match: Option<&Etag>| {
        integrations.put(org, "msgraph", true, &settings, change, if_match, &Actor::PLATFORM).await
    };
    let credential =
        async || integrations.credential(org, "msgraph").await.expect("read").map(|value| value.reveal().to_owned());
    let first = json!({ "tenant": "one" });
    let stored = put(first.clone(), CredentialChange::Set(SecretValue::new("s3cret")), None).await.expect("put");
    assert!(stored.has_credential);
    assert_eq!(credential().await.as_deref(), Some("s3cret"));
    put(first.clone(), CredentialChange::Keep, Some(&stored.etag)).await.expect("put");
    assert_eq!(credential().await.as_deref(), Some("s3cret"));

    // Nothing that is refused may cost the credential.
    let set = || CredentialChange::Set(SecretValue::new("other"));
    let stale = put(json!({ "tenant": "two" }), set(), Some(&stored.etag)).await;
    assert!(matches!(stale, Err(StoreError::PreconditionFailed)));
    let too_long = put(json!({ "tenant": "x".repeat(40_000) }), CredentialChange::Clear, None).await;
    assert!(matches!(too_long, Err(StoreError::Limit(_))));
    assert_eq!(credential().await.as_deref(), Some("s3cret"));

    let cleared = put(json!({ "tenant": "two" }), CredentialChange::Clear, None).await.expect("put");
    assert!(!cleared.has_credential);
    assert_eq!(credential().await, None);
    assert_eq!(integrations.list(org).await.expect("read"), [cleared]);
    integrations.delete(org, "msgraph", None, &Actor::PLATFORM).await.expect("deleted");
    let again = integrations.delete(org, "msgraph", None, &Actor::PLATFORM).await;
    assert!(matches!(again, Err(StoreError::NotFound)));
}

#[tokio::test]
async fn lists_page_through_everything_once() {
    let home = TestHome::new().await;
    let organizations = &home.repositories.organizations;
    for number in 0..5 {
        organizations.create(NewOrganization::named(format!("Org {number}")), &Actor::PLATFORM).await.expect("created");
    }
    let mut listed = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = organizations.list(cursor.as_deref(), 2).await.expect("listed");
        listed.extend(page.items.into_iter().map(|organization| organization.id));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    let mut all: Vec<_> = organizations.all().await.expect("read").into_iter().map(|org| org.id).collect();
    all.sort();
    assert_eq!(listed, all);
    let one = home.repositories.installation.directory_id().await.expect("made");
    assert_eq!(home.repositories.installation.directory_id().await.expect("kept"), one);
}

#[tokio::test]
async fn moving_an_organization_to_another_tenant_takes_only_the_old_tenants_credential() {
    let home = TestHome::new().await;
    let (organizations, integrations) = (&home.repositories.organizations, &home.repositories.integrations);
    let org = organizations.create(NewOrganization::named("Contoso"), &Actor::PLATFORM).await.expect("created").id;
    for integration in ["msgraph", "halopsa"] {
        let credential = CredentialChange::Set(SecretValue::new("s3cret"));
        let stored = integrations.put(org, integration, true, &json!({}), credential, None, &Actor::PLATFORM).await;
        stored.expect("put");
    }
    let held = async |integration| integrations.credential(org, integration).await.expect("read").is_some();
    let check = async || {
        for stored in integrations.list(org).await.expect("listed") {
            let check = IntegrationCheck {
                integration_type: stored.integration_type,
                settings_version: stored.etag,
                error_type: None,
                message: "Connected.".to_owned(),
                status: None,
                checked_at: home.clock.now(),
                checked_by: Actor::PLATFORM.key(),
                duration_ms: 5,
            };
            integrations.record_check(org, &check, &Actor::PLATFORM).await.expect("recorded");
        }
    };
    let checked = async || {
        let checks = integrations.checks(org).await.expect("listed");
        checks.into_iter().map(|check| check.integration_type).collect::<Vec<_>>()
    };
    let link = |tenant| OrganizationChange { tenant_id: Some(tenant), ..Default::default() };

    let linked = organizations.update(org, &link(Some(Uuid::new_v4())), None, &Actor::PLATFORM).await;
    linked.expect("the first link moves nothing away");
    assert!(held("msgraph").await);
    check().await;
    let renamed = OrganizationChange { name: Some("Contoso Ltd".to_owned()), ..Default::default() };
    organizations.update(org, &renamed, None, &Actor::PLATFORM).await.expect("renamed");
    assert_eq!(checked().await, ["halopsa", "msgraph"]);
    organizations.update(org, &link(Some(Uuid::new_v4())), None, &Actor::PLATFORM).await.expect("moved");
    assert!(!held("msgraph").await, "the old tenant's credential must not be sent to the new one");
    assert!(held("halopsa").await);
    assert_eq!(checked().await, ["halopsa"], "nobody has asked the new tenant yet");
    check().await;
    organizations.update(org, &link(None), None, &Actor::PLATFORM).await.expect("unlinked");
    assert_eq!(checked().await, ["halopsa"]);

    let rows = home.repositories.audit.list(Scope::Org(org), None, 50).await.expect("listed").items;
    let rows = rows.into_iter().filter(|row| row.draft.action == "Organization.Update");
    let dropped: Vec<Value> = rows.filter_map(|row| row.draft.details.get("dropped_credentials").cloned()).collect();
    assert_eq!(dropped, [json!(["msgraph"])], "only the move took one away");
}
