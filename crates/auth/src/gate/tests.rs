use super::*;
use msp_domain::{Clock, SystemClock};
use msp_storage::repositories::{
    Actor,
    organizations::{NewOrganization, OrganizationChange},
    users::{User, UserChange},
};
use msp_storage::{Entity, Table, Write};
use msp_storage_local::{LocalHome, LocalOptions};
use std::sync::Arc;
use tempfile::TempDir;
use uuid::Uuid;

const EXECUTE: [Permission; 1] = [Permission::ExecuteWorkflows];

struct Fixture {
    repositories: Repositories,
    gate: Gate,
    contoso: Organization,
    _folder: TempDir,
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let data = folder.path().join("data");
        let options = LocalOptions { data, master_key_file: None, create: true, clock: clock.clone() };
        let home = LocalHome::open(options).await.expect("the data folder opens");
        let repositories = Repositories::new(home.stores, clock);
        let contoso = repositories
            .organizations
            .create(NewOrganization::named("Contoso"), &Actor::PLATFORM)
            .await
            .expect("an organization");
        Self { gate: Gate::new(repositories.clone()), repositories, contoso, _folder: folder }
    }

    async fn user(&self, is_platform_admin: bool, granted: &[Permission]) -> Caller {
        let email = format!("{}@msp.example", UserId::random());
        let users = &self.repositories.users;
        let user = users.create(&email, "Somebody", is_platform_admin, &Actor::PLATFORM).await.expect("a user");
        if !granted.is_empty() {
            self.grant(user.id, granted).await;
        }
        caller(user)
    }

    async fn grant(&self, user: UserId, permissions: &[Permission]) {
        let permissions = permissions.iter().copied().collect();
        let grants = &self.repositories.grants;
        grants.set(user, self.contoso.id, permissions, &Actor::PLATFORM).await.expect("a grant");
    }

    async fn change_user(&self, user: UserId, change: UserChange) {
        self.repositories.users.update(user, &change, None, &Actor::PLATFORM).await.expect("a change");
    }

    async fn deactivate_contoso(&self) {
        let change = OrganizationChange { is_active: Some(false), ..OrganizationChange::default() };
        let organizations = &self.repositories.organizations;
        organizations.update(self.contoso.id, &change, None, &Actor::PLATFORM).await.expect("a change");
    }
}

fn caller(user: User) -> Caller {
    as_caller(&user, Uuid::nil(), TokenScopes::ALL, CallerKind::Session)
}

fn is_missing<T: std::fmt::Debug>(answer: &Result<T, Denied>) -> bool {
    matches!(answer, Err(Denied::Permission { permission: Permission::ExecuteWorkflows }))
}

#[tokio::test]
async fn any_one_of_the_permissions_opens_and_the_access_knows_them_all() {
    let fixture = Fixture::new().await;
    let user = fixture.user(false, &[Permission::ManageForms, Permission::ViewHistory]).await;
    let org = fixture.contoso.id;
    let any_of = [Permission::ExecuteWorkflows, Permission::ManageForms];
    let access = fixture.gate.organization(&user, org, &any_of).await.expect("access");
    assert_eq!(access.scope(), Scope::Org(org));
    assert!(access.permissions().view_history && !access.permissions().execute_workflows);
    assert!(is_missing(&fixture.gate.organization(&user, org, &EXECUTE).await));
}

#[tokio::test]
async fn the_access_carries_the_generation_of_before_a_change_that_follows_it() {
    let fixture = Fixture::new().await;
    let user = fixture.user(false, &EXECUTE).await;
    let access = fixture.gate.organization(&user, fixture.contoso.id, &EXECUTE).await.expect("access");
    let generation = &fixture.repositories.generation;
    assert_eq!(access.generation(), generation.current().await.expect("readable").as_ref());
    fixture.grant(user.user, &[]).await;
    assert_ne!(access.generation(), generation.current().await.expect("readable").as_ref());
    assert!(is_missing(&fixture.gate.organization(&user, fixture.contoso.id, &EXECUTE).await));
}

#[tokio::test]
async fn a_caller_authenticated_before_its_account_changed_gets_the_rights_of_after() {
    let fixture = Fixture::new().await;
    let (_, other_admin) = (fixture.user(true, &[]).await, fixture.user(true, &[]).await);
    let org = fixture.contoso.id;
    fixture.gate.organization(&other_admin, org, &EXECUTE).await.expect("an administrator may");
    let demoted = UserChange { is_platform_admin: Some(false), ..UserChange::default() };
    fixture.change_user(other_admin.user, demoted).await;
    assert!(is_missing(&fixture.gate.organization(&other_admin, org, &EXECUTE).await));

    let user = fixture.user(false, &EXECUTE).await;
    fixture.change_user(user.user, UserChange { is_active: Some(false), ..UserChange::default() }).await;
    assert!(is_missing(&fixture.gate.organization(&user, org, &EXECUTE).await));
    assert!(is_missing(&fixture.gate.global(&user, &EXECUTE).await));
    assert!(is_missing(&fixture.gate.still_allowed(user.user, Scope::Org(org)).await));
}

#[tokio::test]
async fn only_administrators_learn_that_an_organization_does_not_exist() {
    let fixture = Fixture::new().await;
    let (admin, user) = (fixture.user(true, &[]).await, fixture.user(false, &EXECUTE).await);
    let unknown = OrgId::random();
    assert!(is_missing(&fixture.gate.organization(&user, unknown, &EXECUTE).await));
    let answer = fixture.gate.organization(&admin, unknown, &EXECUTE).await;
    assert!(matches!(answer, Err(Denied::NoSuchOrganization)), "{answer:?}");
}

#[tokio::test]
async fn an_organization_that_is_not_readable_is_closed_and_only_who_could_enter_it_learns_why() {
    let fixture = Fixture::new().await;
    let (admin, member, stranger) =
        (fixture.user(true, &[]).await, fixture.user(false, &EXECUTE).await, fixture.user(false, &[]).await);
    let (organizations, grants) = (&fixture.repositories.organizations, &fixture.repositories.grants);
    let other = organizations.create(NewOrganization::named("Fabrikam"), &Actor::PLATFORM).await.expect("created");
    let may_run = EXECUTE.into_iter().collect();
    grants.set(member.user, other.id, may_run, &Actor::PLATFORM).await.expect("granted");
    let org = fixture.contoso.id;
    let damage = Write::UpsertMerge(Entity::new("ORG", org.key()).with("IsActive", "perhaps"));
    fixture.repositories.stores.tables.write(Table::Organizations, damage).await.expect("damaged");

    for caller in [&admin, &member] {
        let answer = fixture.gate.organization(caller, org, &EXECUTE).await;
        assert!(matches!(answer, Err(Denied::Store(StoreError::Corrupt(_)))), "{answer:?}");
        fixture.gate.organization(caller, other.id, &EXECUTE).await.expect("the other one is open");
        let reached = fixture.gate.organizations_of(caller).await.expect("readable");
        assert_eq!(reached.iter().map(|(one, _)| one.id).collect::<Vec<_>>(), [other.id]);
    }
    assert!(is_missing(&fixture.gate.organization(&stranger, org, &EXECUTE).await));
}

#[tokio::test]
async fn nothing_runs_in_an_inactive_organization_and_only_administrators_manage_it() {
    let fixture = Fixture::new().await;
    let (admin, user) = (fixture.user(true, &[]).await, fixture.user(false, &Permission::ALL).await);
    let org = fixture.contoso.id;
    fixture.deactivate_contoso().await;
    for caller in [&admin, &user] {
        for any_of in [&EXECUTE[..], &[Permission::ExecuteWorkflows, Permission::ManageForms]] {
            let answer = fixture.gate.organization(caller, org, any_of).await;
            assert!(matches!(answer, Err(Denied::Inactive)), "{answer:?}");
        }
    }
    let manage = [Permission::ManageConfig];
    assert!(fixture.gate.organization(&admin, org, &manage).await.is_ok());
    assert!(matches!(fixture.gate.organization(&user, org, &manage).await, Err(Denied::Inactive)));
    assert!(matches!(fixture.gate.still_allowed(user.user, Scope::Org(org)).await, Err(Denied::Inactive)));
    assert!(fixture.gate.organizations_of(&user).await.expect("readable").is_empty());
    assert!(is_missing(&fixture.gate.global(&user, &EXECUTE).await), "the only grant is in an inactive organization");
}

#[tokio::test]
async fn what_runs_without_organization_needs_the_permission_somewhere() {
    let fixture = Fixture::new().await;
    let runner = fixture.user(false, &EXECUTE).await;
    let access = fixture.gate.global(&runner, &EXECUTE).await.expect("access");
    assert_eq!((access.scope(), access.organization().is_none()), (Scope::Global, true));
    let nobody = fixture.user(false, &[]).await;
    assert!(is_missing(&fixture.gate.global(&nobody, &EXECUTE).await));
    let narrow = Caller { scopes: TokenScopes::parse("Forms.Manage"), ..runner.clone() };
    assert!(is_missing(&fixture.gate.global(&narrow, &EXECUTE).await));
    assert!(fixture.gate.still_allowed(runner.user, Scope::Global).await.is_ok());
}

#[tokio::test]
async fn what_is_kept_in_memory_is_given_up_at_every_change_also_of_another_process() {
    let fixture = Fixture::new().await;
    let caller = fixture.user(false, &EXECUTE).await;
    let contoso = fixture.contoso.id;
    let asked = async || fixture.gate.organization(&caller, contoso, &EXECUTE).await;
    let before = asked().await.expect("allowed").generation().cloned();
    assert_eq!(asked().await.expect("allowed").generation().cloned(), before);

    // A second handle on the folder keeps nothing this one knows of.
    let data = fixture._folder.path().join("data");
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let options = LocalOptions { data, master_key_file: None, create: false, clock: clock.clone() };
    let other = Repositories::new(LocalHome::open(options).await.expect("opens").stores, clock);
    other.grants.revoke(caller.user, contoso, &Actor::PLATFORM).await.expect("revoked");
    assert!(matches!(asked().await, Err(Denied::Permission { .. })));

    other.grants.set(caller.user, contoso, EXECUTE.into_iter().collect(), &Actor::PLATFORM).await.expect("granted");
    let change = OrganizationChange { name: Some("Contoso Ltd".into()), ..OrganizationChange::default() };
    other.organizations.update(contoso, &change, None, &Actor::PLATFORM).await.expect("renamed");
    let access = asked().await.expect("allowed again");
    assert_eq!(access.organization().expect("an organization").name, "Contoso Ltd");
    assert_ne!(access.generation().cloned(), before);
}
