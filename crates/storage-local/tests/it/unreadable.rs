//! A row that cannot be read gives nothing, is named, and takes no other along.

use crate::counting::end;
use crate::support::{TestHome, actor};
use chrono::Duration;
use msp_domain::form::FormSchema;
use msp_domain::notification::{Channel, DEFAULT_STATUSES};
use msp_domain::{
    BatchId, Clock, ConfigEntry, ConfigType, ExecutionId, ExecutionStatus, NotificationRule, OrgId, Permissions, Scope,
    UserId,
};
use msp_storage::repositories::audit::AuditFilter;
use msp_storage::repositories::batches::BatchFilter;
use msp_storage::repositories::executions::{Ended, Entry, ExecutionFilter, Started};
use msp_storage::repositories::integrations::{CredentialChange, IntegrationCheck};
use msp_storage::repositories::organizations::{NewOrganization, OrganizationError};
use msp_storage::repositories::repair::Finding;
use msp_storage::repositories::users::{UserChange, UserError};
use msp_storage::repositories::{Actor, seals::AuditSeals};
use msp_storage::{Query, StoreError, Table};
use rusqlite::Connection;
use serde_json::json;
use uuid::Uuid;

const RUN: Permissions = Permissions { execute_workflows: true, ..Permissions::NONE };

/// What somebody does to a row with `sqlite3`.
#[derive(Debug, Clone, Copy)]
pub enum Damage {
    /// A property has another type.
    Type(&'static str),
    /// The row is no JSON object at all.
    Text,
}

impl TestHome {
    pub fn damage(&self, table: Table, row_key: &str, damage: Damage) {
        let props = match damage {
            Damage::Type(property) => format!("json_set(props, '$.{property}', 7.5)"),
            Damage::Text => "'{\"Name\": oops'".to_owned(),
        };
        let database = Connection::open(self.folder.path().join("msp.db")).expect("opens");
        let sql = format!("UPDATE entities SET props = {props} WHERE tbl = ?1 AND rk = ?2");
        assert_ne!(database.execute(&sql, (table.name(), row_key)).expect("damaged"), 0, "{damage:?}");
    }

    async fn organization(&self) -> OrgId {
        let new = NewOrganization::named("Contoso");
        self.repositories.organizations.create(new, &Actor::PLATFORM).await.expect("created").id
    }

    /// Whether a repair names a row as one that it cannot put right, and nothing else.
    async fn is_named(&self, wanted: Table, key: &str) -> bool {
        let found = self.repaired().await;
        found.len() == 1
            && matches!(&found[0], Finding::Unreadable { table, row_key, .. } if *table == wanted && row_key == key)
    }
}

fn is_corrupt<T>(outcome: &Result<T, StoreError>) -> bool {
    matches!(outcome, Err(StoreError::Corrupt(_)))
}

#[tokio::test]
async fn an_organization_that_is_not_readable_is_left_out_and_named_and_still_sealed() {
    for damage in [Damage::Type("IsActive"), Damage::Text] {
        let home = TestHome::new().await;
        let organizations = &home.repositories.organizations;
        let create = async |name: &str| organizations.create(NewOrganization::named(name), &Actor::PLATFORM).await;
        let (lost, kept) = (create("Contoso").await.expect("created"), create("Fabrikam").await.expect("created"));
        home.damage(Table::Organizations, &lost.id.key(), damage);

        assert!(is_corrupt(&organizations.get(lost.id).await), "{damage:?}");
        assert_eq!(organizations.all().await.expect("read"), std::slice::from_ref(&kept));
        assert_eq!(organizations.list(None, 10).await.expect("listed").items, [kept]);
        assert!(organizations.ids().await.expect("read").contains(&lost.id));
        let scopes = AuditSeals::scopes(&home.repositories.seals).await.expect("read");
        assert!(scopes.contains(&Scope::Org(lost.id)), "its audit trail is still sealed");
        assert!(home.is_named(Table::Organizations, &lost.id.key()).await, "{damage:?}");
        if matches!(damage, Damage::Type(_)) {
            let taken = create("contoso").await;
            assert!(matches!(taken, Err(OrganizationError::NameTaken { by }) if by == lost.id), "{taken:?}");
        }
        create("Northwind").await.expect("others are made and changed as ever");
    }
}

#[tokio::test]
async fn a_grant_that_is_not_readable_gives_nothing_and_is_revoked_or_set_anew() {
    let home = TestHome::new().await;
    let (grants, by) = (&home.repositories.grants, actor(UserId::random()));
    let (user, lost, kept) = (UserId::random(), home.org().await, home.org().await);
    for anew in [false, true] {
        for org in [lost, kept] {
            grants.set(user, org, RUN, &by).await.expect("granted");
        }
        home.damage(Table::UserPermissions, &lost.key(), Damage::Type("CanManageForms"));
        assert!(is_corrupt(&grants.get(user, lost).await));
        let held: Vec<OrgId> = grants.of_user(user).await.expect("read").iter().map(|grant| grant.org).collect();
        assert_eq!(held, [kept]);
        let snapshot = home.repositories.snapshots.current().await.expect("read");
        assert!(snapshot.grant(user, lost).await.expect("read").is_none());
        assert!(home.is_named(Table::UserPermissions, &lost.key()).await);
        if anew {
            grants.set(user, lost, RUN, &by).await.expect("set anew");
            assert_eq!(grants.permissions(user, lost).await.expect("readable"), RUN);
        } else {
            grants.revoke(user, lost, &by).await.expect("revoked");
            assert_eq!(grants.get(user, lost).await.expect("readable"), None);
            assert!(grants.of_org(lost).await.expect("read").is_empty());
        }
        assert_eq!(home.repaired().await, []);
    }
    let rows = home.repositories.audit.list(Scope::Org(lost), None, 10).await.expect("listed").items;
    assert!(rows.iter().any(|row| row.draft.action == "Grant.Revoke" && row.draft.details["before"] == "not readable"));
}

#[tokio::test]
async fn a_user_that_is_not_readable_is_nobody_and_keeps_its_address_and_makes_no_new_administrator() {
    let home = TestHome::new().await;
    let users = &home.repositories.users;
    assert!(!users.may_have_administrator().await.expect("read"));
    let lost = users.create("ada@msp.example", "Ada", true, &Actor::PLATFORM).await.expect("created");
    let kept = users.create("bob@msp.example", "Bob", false, &Actor::PLATFORM).await.expect("created");
    home.damage(Table::Users, &lost.id.key(), Damage::Type("IsActive"));
    assert!(is_corrupt(&users.get(lost.id).await));
    assert_eq!(users.all().await.expect("read"), std::slice::from_ref(&kept));
    assert!(users.administrators().await.expect("read").is_empty());
    assert!(users.may_have_administrator().await.expect("read"), "nobody can tell");
    let taken = users.create("ADA@msp.example", "Another", true, &Actor::PLATFORM).await;
    assert!(matches!(taken, Err(UserError::EmailTaken)), "{taken:?}");
    let change = UserChange { display_name: Some("Bobby".into()), ..UserChange::default() };
    users.update(kept.id, &change, None, &Actor::PLATFORM).await.expect("others are changed as ever");
    assert!(home.is_named(Table::Users, &lost.id.key()).await);
}

#[tokio::test]
async fn a_removal_or_an_upload_that_is_not_readable_keeps_no_other_from_its_sweep() {
    let home = TestHome::new().await;
    let (executions, files) = (&home.repositories.executions, &home.repositories.files);
    let scope = Scope::Org(OrgId::random());
    let mut begun = Vec::new();
    for _ in 0..2 {
        let ended = end(&home, scope, "any", ExecutionStatus::Success).await;
        assert!(executions.begin_removal(scope, ended.id).await.expect("begun"));
        begun.push(ended.id);
    }
    home.damage(Table::ActiveExecutions, &begun[0].key(), Damage::Type("OrgId"));
    let left: Vec<ExecutionId> =
        executions.removals().await.expect("read").iter().map(|begun| begun.execution_id).collect();
    assert_eq!(left, begun[1..]);
    executions.remove(scope, begun[1]).await.expect("finished");
    assert!(home.is_named(Table::ActiveExecutions, &begun[0].key()).await);

    let user = UserId::random();
    let lost = home.upload(user, scope, b"lost").await;
    let kept = home.upload(user, scope, b"kept").await;
    home.damage(Table::Uploads, &lost.file.id.to_string(), Damage::Type("Sha256"));
    assert_eq!(files.uploads(user, scope).await.expect("listed"), std::slice::from_ref(&kept));
    home.clock.turn(Duration::hours(25));
    files.sweep_uploads().await.expect("swept");
    assert!(files.upload(user, scope, kept.file.id).await.expect("read").is_none());
    let blobs = home.home.stores.blobs.list("files/").await.expect("listed");
    assert!(blobs.len() == 1 && blobs[0].contains(&lost.file.id.to_string()), "{blobs:?}");
    let found = home.repaired().await;
    assert!(
        found.iter().any(|finding| matches!(finding, Finding::Unreadable { table: Table::Uploads, .. })),
        "{found:?}"
    );
}

#[tokio::test]
async fn a_counter_that_is_not_readable_keeps_no_other_and_is_counted_anew_by_a_repair() {
    for of_scope in [true, false] {
        let home = TestHome::new().await;
        let executions = &home.repositories.executions;
        let (scope, day) = (Scope::Org(OrgId::random()), home.clock.now().date_naive());
        let ended = async |workflow: &str| Ended::of(&end(&home, scope, workflow, ExecutionStatus::Success).await);
        let succeeded = async |scope: Option<Scope>, workflow: &str| {
            let counted = executions.counted(scope, day, day).await.expect("read");
            counted.iter().find(|one| one.workflow_name == workflow).map(|one| one.figures.succeeded)
        };
        for workflow in ["aaa", "bbb"] {
            executions.count(&[ended(workflow).await.expect("ended")]).await.expect("counted");
        }
        let named = if of_scope { scope.key() } else { "ALL".to_owned() };
        let counter = format!("~day_{named}_{}_aaa", day.format("%Y%m%d"));
        home.damage(Table::ActiveExecutions, &counter, Damage::Type("Succeeded"));
        let waiting = [ended("aaa").await.expect("ended"), ended("bbb").await.expect("ended")];

        executions.count(&waiting).await.expect("the others are counted");

        assert_eq!(succeeded(Some(scope), "bbb").await, Some(2));
        let uncounted = executions.uncounted().await.expect("read");
        assert_eq!(uncounted, waiting[..1], "what it should count waits");
        assert!(matches!(home.repaired().await[..], [Finding::CountedWrongly { .. }]));
        assert_eq!(home.repaired().await, []);
        executions.count(&uncounted).await.expect("counted");
        for scope in [Some(scope), None] {
            assert_eq!((succeeded(scope, "aaa").await, succeeded(scope, "bbb").await), (Some(2), Some(2)));
        }
    }
}

#[tokio::test]
async fn a_pointer_or_an_open_batch_that_is_not_readable_keeps_no_other_from_being_recovered() {
    let home = TestHome::new().await;
    let (executions, batches) = (&home.repositories.executions, &home.repositories.batches);
    let scope = Scope::Org(OrgId::random());
    let mut waiting = Vec::new();
    for _ in 0..2 {
        waiting.push(home.insert(&home.new_execution(scope, UserId::random()), &Entry::Queued).await.id);
    }
    home.damage(Table::ActiveExecutions, &waiting[0].key(), Damage::Text);
    let found: Vec<ExecutionId> =
        executions.active().await.expect("read").iter().map(|active| active.pointer.execution_id).collect();
    assert_eq!(found, waiting[1..]);
    assert!(
        matches!(home.repaired().await[..], [Finding::PointerMissing { .. }]),
        "a pointer follows from its execution"
    );

    let mut open = Vec::new();
    for _ in 0..2 {
        open.push(home.batch(scope, 3).await.id);
    }
    let row_key = open[0].row_key().expect("a time");
    home.damage(Table::Batches, &row_key, Damage::Type("BundleHash"));
    let readable: Vec<BatchId> = batches.open().await.expect("read").iter().map(|batch| batch.id).collect();
    assert_eq!(readable, open[1..]);
    assert_eq!(batches.open_ids().await.expect("read").len(), 2);
}

#[tokio::test]
async fn what_a_row_that_cannot_be_made_out_may_name_is_not_removed_by_a_repair() {
    let home = TestHome::new().await;
    let mut new = home.new_execution(Scope::Global, UserId::random());
    new.input_json = format!("\"{}\"", "i".repeat(40_000));
    home.insert(&new, &Entry::Queued).await;
    let row_key = new.id.row_key().expect("a time");
    home.damage(Table::WorkflowExecutions, &row_key, Damage::Text);
    let blobs = home.home.stores.blobs.list("executions/").await.expect("listed");
    assert!(home.is_named(Table::WorkflowExecutions, &row_key).await);
    assert_eq!(home.home.stores.blobs.list("executions/").await.expect("listed"), blobs);
    assert_eq!(blobs.len(), 1);
}

#[tokio::test]
async fn an_execution_or_an_audit_row_that_is_not_readable_is_left_out_of_lists_of_one_organization_and_of_all() {
    for damage in [Damage::Type("Status"), Damage::Text] {
        let home = TestHome::new().await;
        let scopes = [Scope::Org(OrgId::random()), Scope::Org(OrgId::random())];
        let mut ids = Vec::new();
        for scope in [scopes[0], scopes[1], scopes[0]] {
            ids.push(home.insert(&home.new_execution(scope, UserId::random()), &Entry::Queued).await.id);
            home.clock.turn(Duration::seconds(1));
        }
        home.damage(Table::WorkflowExecutions, &ids[2].row_key().expect("a key"), damage);
        let listed = async |scopes: &[Scope]| {
            let asked = scopes.iter().map(|scope| (*scope, ExecutionFilter::default())).collect();
            let page = home.repositories.executions.list(asked, Started::default(), None, 10).await.expect("listed");
            page.items.into_iter().map(|execution| execution.id).collect::<Vec<_>>()
        };
        assert_eq!(listed(&scopes[..1]).await, [ids[0]], "{damage:?}");
        assert_eq!(listed(&scopes).await, [ids[1], ids[0]], "{damage:?}");

        let trail = home.home.stores.tables.query_all(Table::AuditLogs, Query::partition(scopes[0].key())).await;
        let newest = trail.expect("read").remove(0).row_key;
        home.damage(
            Table::AuditLogs,
            &newest,
            if matches!(damage, Damage::Text) { damage } else { Damage::Type("Action") },
        );
        let (audit, seals, all) = (&home.repositories.audit, &home.repositories.seals, AuditFilter::default());
        let of_one = audit.search(vec![scopes[0]], &all, Started::default(), None, 10).await.expect("listed");
        let of_all = seals.search_over_all(&all, Started::default(), None, 10).await.expect("listed");
        assert_eq!((of_one.items.len(), of_all.items.len()), (1, 2), "{damage:?}");
    }
}

#[tokio::test]
async fn a_form_that_is_not_readable_is_left_out_of_lists_and_of_the_search_and_named() {
    for damage in [Damage::Type("IsActive"), Damage::Text] {
        let home = TestHome::new().await;
        let (forms, scope) = (&home.repositories.forms, Scope::Org(home.organization().await));
        let create = async |name: &str| {
            let form = FormSchema::parse(&json!({ "name": name, "workflow": "some", "fields": [] })).expect("a form");
            forms.create(scope, &form, &Actor::PLATFORM).await.expect("stored").id
        };
        let (lost, kept) = (create("Lost").await, create("Kept").await);
        home.damage(Table::Forms, &lost.to_string(), damage);

        let listed: Vec<Uuid> = forms.list(scope).await.expect("listed").iter().map(|form| form.id).collect();
        let found: Vec<Uuid> = forms.index(&[scope]).await.expect("read")[0].iter().map(|form| form.id).collect();
        assert_eq!((listed, found), (vec![kept], vec![kept]), "{damage:?}");
        assert!(is_corrupt(&forms.get(scope, lost).await), "{damage:?}");
        let each = forms.each_of(scope).await.expect("listed");
        assert_eq!(each.iter().filter(|form| is_corrupt(form)).count(), 1, "an export misses none: {damage:?}");
        assert!(home.is_named(Table::Forms, &lost.to_string()).await, "{damage:?}");
    }
}

#[tokio::test]
async fn a_config_value_that_is_not_readable_is_left_out_and_neither_inherited_nor_run_without() {
    for damage in [Damage::Type("Value"), Damage::Text] {
        let home = TestHome::new().await;
        let (config, org) = (&home.repositories.config, home.organization().await);
        let set = async |scope: Scope, key: &str| {
            let entry =
                ConfigEntry { key: key.into(), config_type: ConfigType::Int, value: json!(7), description: None };
            config.set(scope, &entry, None, &Actor::PLATFORM).await.expect("set")
        };
        set(Scope::Org(org), "lost").await;
        home.damage(Table::OrgConfig, "config:lost", damage);
        let kept = set(Scope::Org(org), "kept").await;
        set(Scope::Global, "lost").await;

        assert_eq!(config.of_scope(Scope::Org(org)).await.expect("listed"), std::slice::from_ref(&kept), "{damage:?}");
        assert_eq!(config.holding(org).await.expect("listed"), [(Scope::Org(org), kept)], "{damage:?}");
        assert!(is_corrupt(&config.effective(Some(org)).await), "{damage:?}");
        assert!(config.effective(None).await.is_ok(), "what runs elsewhere does not need it");
        assert!(home.is_named(Table::OrgConfig, "config:lost").await, "{damage:?}");
    }
}

#[tokio::test]
async fn an_integration_or_its_check_that_is_not_readable_is_left_out_and_named() {
    for (lost, damage) in [
        ("integration:halopsa", Damage::Type("Enabled")),
        ("integration:halopsa", Damage::Text),
        ("check:halopsa", Damage::Type("Message")),
    ] {
        let home = TestHome::new().await;
        let (integrations, by) = (&home.repositories.integrations, &Actor::PLATFORM);
        let org = home.organization().await;
        for integration in ["halopsa", "msgraph"] {
            let settings = json!({});
            let put = integrations.put(org, integration, true, &settings, CredentialChange::Keep, None, by);
            let check = IntegrationCheck {
                integration_type: integration.to_owned(),
                settings_version: put.await.expect("put").etag,
                error_type: None,
                message: "It answered.".to_owned(),
                status: None,
                checked_at: home.clock.now(),
                checked_by: by.key(),
                duration_ms: 5,
            };
            integrations.record_check(org, &check, by).await.expect("recorded");
        }
        home.damage(Table::IntegrationConfig, lost, damage);
        let of_settings = |listed: &str| {
            let both = ["halopsa", "msgraph"].map(|name| format!("{listed}:{name}"));
            both.into_iter().filter(|key| key != lost).collect::<Vec<_>>()
        };
        let settings = integrations.list(org).await.expect("listed");
        let settings: Vec<_> = settings.iter().map(|one| format!("integration:{}", one.integration_type)).collect();
        let checks = integrations.checks(org).await.expect("listed");
        let checks: Vec<_> = checks.iter().map(|one| format!("check:{}", one.integration_type)).collect();
        assert_eq!((settings, checks), (of_settings("integration"), of_settings("check")), "{damage:?}");
        assert!(home.is_named(Table::IntegrationConfig, lost).await, "{lost} {damage:?}");
    }
}

#[tokio::test]
async fn a_rule_or_its_delivery_that_is_not_readable_is_left_out_and_named() {
    for (lost, damage) in
        [("rule", Damage::Type("Rule")), ("rule", Damage::Text), ("delivery", Damage::Type("LastError"))]
    {
        let home = TestHome::new().await;
        let rules = &home.repositories.notification_rules;
        let mut made = Vec::new();
        for name in ["First", "Second"] {
            let rule = NotificationRule {
                name: name.to_owned(),
                enabled: true,
                workflow: None,
                statuses: DEFAULT_STATUSES.to_vec(),
                quiet_minutes: 15,
                channel: Channel::Webhook { host: "hooks.example.com".to_owned() },
            };
            let rule = rules.create(Scope::Global, rule, None, &Actor::PLATFORM).await.expect("a rule");
            rules.note(&rule, Some("nobody answers")).await.expect("noted");
            made.push(rule.id);
        }
        let lost_key = format!("{lost}:{}", made[0]);
        home.damage(Table::NotificationRules, &lost_key, damage);

        let listed: Vec<Uuid> = rules.list(Scope::Global).await.expect("listed").iter().map(|rule| rule.id).collect();
        let deliveries = rules.deliveries(Scope::Global).await.expect("listed");
        assert_eq!(listed.contains(&made[0]), lost != "rule", "{damage:?}");
        assert_eq!(deliveries.contains_key(&made[0]), lost != "delivery", "{damage:?}");
        assert!(listed.contains(&made[1]) && deliveries.contains_key(&made[1]), "{damage:?}");
        assert!(rules.delivery(Scope::Global, made[0]).await.is_ok(), "{damage:?}");
        assert!(home.is_named(Table::NotificationRules, &lost_key).await, "{lost} {damage:?}");
    }
}

#[tokio::test]
async fn a_batch_that_is_not_readable_is_left_out_of_its_list() {
    for damage in [Damage::Type("FormName"), Damage::Text] {
        let home = TestHome::new().await;
        let (batches, scope) = (&home.repositories.batches, Scope::Org(home.organization().await));
        let (lost, kept) = (home.batch(scope, 3).await, home.batch(scope, 3).await);
        home.damage(Table::Batches, &lost.id.row_key().expect("a time"), damage);
        for (by, left) in
            [(None, vec![kept.id]), (Some(kept.submitted_by), vec![kept.id]), (Some(lost.submitted_by), vec![])]
        {
            let listed =
                batches.list(vec![(scope, BatchFilter { submitted_by: by })], None, 10).await.expect("listed").items;
            assert_eq!(listed.iter().map(|batch| batch.id).collect::<Vec<_>>(), left, "{damage:?}");
        }
    }
}
