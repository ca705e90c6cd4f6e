//! Deleting organizations: closed from the first write on, whole at the end, however often it is interrupted.

use crate::dying::dying;
use crate::support::{TestHome, actor};
use crate::unreadable::Damage;
use msp_domain::{
    ConfigEntry, ConfigType, Every, ExecutionStatus, ExportFormat, ExportSubject, NotificationRule, OrgId, PauseTarget,
    Permissions, Recurrence, Scope, UserId,
    export::time_of_day,
    form::FormSchema,
    notification::{Channel, DEFAULT_STATUSES},
};
use msp_storage::repositories::batches::BatchCounts;
use msp_storage::repositories::executions::{Ended, Ending, Entry};
use msp_storage::repositories::exports::{Carry, Counted, ScheduleTerms};
use msp_storage::repositories::integrations::CredentialChange;
use msp_storage::repositories::organizations::{NewOrganization, Organization, OrganizationError};
use msp_storage::repositories::{Actor, deletion::Belongings};
use msp_storage::{Property, Query, SecretAddress, SecretNamespace, SecretValue, StoreError, Table};
use rusqlite::Connection;
use serde_json::json;

/// An inactive organization that has one of everything.
pub async fn furnished(home: &TestHome, name: &str) -> Organization {
    let (repositories, actor) = (&home.repositories, &Actor::PLATFORM);
    let new = NewOrganization { is_active: false, ..NewOrganization::named(name) };
    let organization = repositories.organizations.create(new, actor).await.expect("created");
    let (org, scope, user) = (organization.id, Scope::Org(organization.id), UserId::random());
    let may = Permissions { execute_workflows: true, ..Permissions::NONE };
    repositories.grants.set(user, org, may, actor).await.expect("granted");
    let secret = SecretValue::new("a secret of theirs");
    repositories.workflow_secrets.set(scope, "key", &secret, actor).await.expect("stored");
    let parameter = SecretAddress::new(SecretNamespace::Parameter, scope, UserId::random().key());
    repositories.stores.secrets.set(&parameter, &secret).await.expect("stored");
    let credential = CredentialChange::Set(secret);
    let settings = json!({});
    let put = repositories.integrations.put(org, "halopsa", true, &settings, credential, None, actor);
    put.await.expect("stored");
    let entry = ConfigEntry { key: "key".into(), config_type: ConfigType::Int, value: json!(7), description: None };
    repositories.config.set(scope, &entry, None, actor).await.expect("stored");
    let form = json!({ "name": "Form", "workflow": "some", "fields": [] });
    let form = FormSchema::parse(&form).expect("a form");
    repositories.forms.create(scope, &form, actor).await.expect("stored");
    let rule = NotificationRule {
        name: "Desk".to_owned(),
        enabled: true,
        workflow: None,
        statuses: DEFAULT_STATUSES.to_vec(),
        quiet_minutes: 15,
        channel: Channel::Webhook { host: "hooks.example.com".to_owned() },
    };
    let url = SecretValue::new("https://hooks.example.com/signature");
    let rule = repositories.notification_rules.create(scope, rule, Some(url), actor).await.expect("stored");
    repositories.notification_rules.note(&rule, Some("nobody answers")).await.expect("noted");
    repositories.retention.set(scope, Some(30), None, actor).await.expect("limited");
    repositories.pauses.pause(&PauseTarget::Organization(org), "why not", "us", actor).await.expect("paused");
    let recurrence = Recurrence { every: Every::Day, at: time_of_day("00:00").expect("a time") };
    let terms = ScheduleTerms { format: ExportFormat::Csv, recurrence, is_enabled: true, keep_days: None };
    let (what, begins) = ((scope, ExportSubject::Executions), (repositories.now(), &Carry::default()));
    let schedule = repositories.exports.create(what, terms, begins, actor).await.expect("scheduled");
    let file = repositories.exports.begin((scope, schedule.id), repositories.now(), None).await.expect("begun");
    let schedule = repositories.exports.get(scope, schedule.id).await.expect("read").expect("there");
    let mut writer = repositories.exports.writer(&file).await.expect("written");
    writer.write(b"a line\n").await.expect("written");
    let counted = Counted { rows: 1, unreadable: 0 };
    repositories.exports.complete(&schedule, &file, writer, (counted, &Carry::default())).await.expect("whole");
    let new = home.new_execution(scope, user);
    let run = home.insert(&new, &Entry::Claimed { owner: "boot".into(), deadline_at: new.started_at }).await;
    let ending = Ending {
        status: ExecutionStatus::Failed,
        result_json: None,
        error_type: None,
        error_message: None,
        completed_at: new.started_at,
        logs_through: 0,
    };
    let run = repositories.executions.finish(&run, &ending).await.expect("ended");
    repositories.executions.count(&Ended::of(&run).into_iter().collect::<Vec<_>>()).await.expect("counted");
    repositories.retention.begin(scope, 30, new.started_at).await.expect("said");
    let batch = home.batch(scope, 2).await;
    let counts = BatchCounts { cancelled: 2, ..BatchCounts::default() };
    repositories.batches.complete(&batch, counts).await.expect("completed");
    home.upload(user, scope, b"waits for a submission").await;
    repositories.organizations.get(org).await.expect("read").expect("there")
}

/// Every row and secret that names an organization; audit rows stay.
pub async fn traces(home: &TestHome, org: OrgId) -> Vec<String> {
    let mut traces = Vec::new();
    for table in Table::ALL.into_iter().filter(|table| *table != Table::AuditLogs) {
        for row in home.home.stores.tables.query_all(table, Query::default()).await.expect("read") {
            let in_it = row.properties.get("OrgId") == Some(&Property::Guid(org.as_uuid()));
            let names_it = in_it || row.partition_key.contains(&org.key()) || row.row_key.contains(&org.key());
            traces.extend(names_it.then(|| format!("{} {} {}", table.name(), row.partition_key, row.row_key)));
        }
    }
    use SecretNamespace::{Integration, Notification, Parameter, Workflow};
    for namespace in [Workflow, Integration, Parameter, Notification] {
        let names = home.home.stores.secrets.names(namespace, Scope::Org(org)).await.expect("read");
        traces.extend(names.into_iter().map(|name| format!("secret {name}")));
    }
    traces
}

async fn count(home: &TestHome, scope: Scope, action: &str) -> usize {
    home.audited(scope).await.iter().filter(|audited| *audited == action).count()
}

#[tokio::test]
async fn wherever_a_deletion_is_interrupted_it_is_closed_and_the_next_call_finishes_it() {
    let home = TestHome::new().await;
    let neighbour = furnished(&home, "Neighbour").await;
    let of_neighbour = traces(&home, neighbour.id).await;
    let admin = actor(UserId::random());
    for loses_only_the_answer in [false, true] {
        let mut at = 1;
        loop {
            let when = format!("dead at write {at}, only the answer lost: {loses_only_the_answer}");
            let organization = furnished(&home, "Contoso").await;
            let (org, before) = (organization.id, traces(&home, organization.id).await);
            let mortal = dying(&home, at, loses_only_the_answer);
            let deleted = async {
                mortal.begin_deletion(org, &organization.etag, &admin).await?;
                Ok::<_, OrganizationError>(mortal.finish_deletion(org, &admin, &|_| {}).await?)
            };
            let deleted = deleted.await;
            let left = traces(&home, org).await;
            match home.repositories.organizations.get(org).await.expect("read") {
                None => assert_eq!(left, Vec::<String>::new(), "{when}"),
                Some(stored) if stored.deletion.is_none() => assert_eq!(left, before, "{when}"),
                // Rights before secrets before the rest.
                Some(_) => {
                    let has = |what: &str| left.iter().any(|trace| trace.starts_with(what));
                    assert!(!has("UserPermissions") || has("secret key"), "{when}: {left:?}");
                    assert!(!has("secret") || has("OrgConfig") && has("Forms"), "{when}: {left:?}");
                }
            }
            match home.repositories.begin_deletion(org, &organization.etag, &admin).await {
                Ok(_) | Err(OrganizationError::NotFound) => {}
                Err(error) => panic!("{when}: {error}"),
            }
            home.repositories.finish_deletion(org, &admin, &|_| {}).await.expect("finished");
            assert_eq!(traces(&home, org).await, Vec::<String>::new(), "{when}");
            for action in ["Organization.Deleting", "Organization.Delete"] {
                assert_eq!(count(&home, Scope::Org(org), action).await, 1, "{when}: {action}");
            }
            if deleted.is_ok() {
                break;
            }
            at += 1;
        }
        assert!(at > 12, "it died at only {at} places");
    }
    assert_eq!(traces(&home, neighbour.id).await, of_neighbour);
    // The neighbour's file, and the row that names its one blob; among the blobs its upload too.
    let files = home.home.stores.tables.query_all(Table::ExportFiles, Query::default()).await.expect("read");
    assert_eq!(files.len(), 2, "{files:?}");
    let bytes = home.home.stores.blobs.list("files/").await.expect("listed");
    let carried = home.home.stores.blobs.list("exports/").await.expect("listed");
    assert_eq!((bytes.len(), carried.len()), (2, 1), "{bytes:?} {carried:?}");
    let rows = home.repositories.audit.list(Scope::Global, None, 1000).await.expect("listed").items;
    let row = rows.iter().find(|row| row.draft.action == "Organization.Delete").expect("recorded");
    assert_eq!(row.draft.details["before"]["name"], "Contoso");
    let removed = &row.draft.details["removed"];
    for (what, number) in removed.as_object().expect("an object") {
        // One of everything: whatever a deletion removes is named before.
        let expected = if what.starts_with("more_") { json!(false) } else { json!(1) };
        let flag = what.starts_with("has_") || what.starts_with("is_");
        assert_eq!(*number, if flag { json!(true) } else { expected }, "{what}");
    }
    assert_eq!(removed.as_object().map(serde_json::Map::len), Some(15));
}

#[tokio::test]
async fn only_the_version_that_was_seen_is_deleted_and_only_while_nobody_uses_it() {
    let home = TestHome::new().await;
    let repositories = &home.repositories;
    let delete = async |organization: &Organization| {
        repositories.begin_deletion(organization.id, &organization.etag, &Actor::PLATFORM).await
    };
    let seen = furnished(&home, "Contoso").await;
    let change = |is_active| msp_storage::repositories::organizations::OrganizationChange {
        is_active: Some(is_active),
        ..Default::default()
    };
    let active = repositories.organizations.update(seen.id, &change(true), None, &Actor::PLATFORM).await;
    let stale = delete(&seen).await;
    assert!(matches!(stale, Err(OrganizationError::Store(StoreError::PreconditionFailed))), "{stale:?}");
    let refused = delete(&active.expect("activated")).await;
    assert!(matches!(refused, Err(OrganizationError::Active)), "{refused:?}");
    home.insert(&home.new_execution(Scope::Org(seen.id), UserId::random()), &Entry::Queued).await;
    let inactive = repositories.organizations.update(seen.id, &change(false), None, &Actor::PLATFORM).await;
    let refused = delete(&inactive.expect("deactivated")).await;
    assert!(matches!(refused, Err(OrganizationError::Busy { unended: 1 })), "{refused:?}");
    assert!(repositories.deletions().await.expect("read").is_empty());
    let all = Belongings {
        grants: 1,
        secrets: 1,
        integrations: 1,
        config: 1,
        forms: 1,
        notification_rules: 1,
        exports: 1,
        untold_failures: 1,
        has_retention_limit: true,
        is_paused: true,
        uploads: 1,
        batches: 1,
        more_batches: false,
        executions: 2,
        more_executions: false,
    };
    assert_eq!(repositories.belongings(seen.id).await.expect("counted"), all);
    repositories.finish_deletion(seen.id, &Actor::PLATFORM, &|_| {}).await.expect("nothing to do");
    assert_eq!(repositories.belongings(seen.id).await.expect("counted"), all);
}

#[tokio::test]
async fn a_repair_finishes_a_deletion_and_a_dry_run_only_names_it() {
    let home = TestHome::new().await;
    let organization = furnished(&home, "Contoso").await;
    let repositories = &home.repositories;
    repositories.begin_deletion(organization.id, &organization.etag, &Actor::PLATFORM).await.expect("begun");
    for mend in [false, true] {
        let mut found = Vec::new();
        let tally = repositories.repair(mend, &Actor::PLATFORM, &mut |finding| found.push(finding.to_string())).await;
        assert_eq!(tally.expect("repaired").repairable, 1, "{found:?}");
        assert!(found[0].contains("is being deleted"), "{found:?}");
    }
    assert_eq!(traces(&home, organization.id).await, Vec::<String>::new());
}

#[tokio::test]
async fn rows_that_are_not_readable_are_counted_among_what_goes_and_keep_no_deletion() {
    let home = TestHome::new().await;
    let organization = furnished(&home, "Contoso").await;
    let (repositories, org) = (&home.repositories, organization.id);
    let counted = repositories.belongings(org).await.expect("counted");
    let database = Connection::open(home.folder.path().join("msp.db")).expect("opens");
    for table in [Table::IntegrationConfig, Table::NotificationRules, Table::OrgConfig, Table::Forms, Table::Batches] {
        let sql = "UPDATE entities SET props = '{oops' WHERE tbl = ?1 AND pk = ?2";
        assert!(database.execute(sql, (table.name(), org.key())).expect("damaged") > 0, "{table:?}");
    }
    assert_eq!(repositories.belongings(org).await.expect("counted"), counted);
    repositories.begin_deletion(org, &organization.etag, &Actor::PLATFORM).await.expect("begun");
    repositories.finish_deletion(org, &Actor::PLATFORM, &|_| {}).await.expect("finished");
    assert_eq!(traces(&home, org).await, Vec::<String>::new());
}

/// Where there may be bytes of an organization.
const FOLDERS: [&str; 4] = ["batches/", "executions/", "exports/", "files/"];

#[tokio::test]
async fn a_deletion_is_completed_whatever_of_the_organization_cannot_be_read() {
    // What is damaged: one row after the other, and at the end all of them.
    for nth in 0.. {
        let home = TestHome::new().await;
        let organization = furnished(&home, "Contoso").await;
        let (org, by) = (organization.id, &Actor::PLATFORM);
        let mut open = home.new_execution(Scope::Org(org), UserId::random());
        open.input_json = format!("\"{}\"", "i".repeat(40_000));
        home.insert(&open, &Entry::Queued).await;
        home.batch(Scope::Org(org), 3).await;
        // Nobody runs them: no engine can read them either.
        let row_key = open.id.row_key().expect("a time");
        home.damage(Table::WorkflowExecutions, &row_key, Damage::Type("Status"));
        let batches = home.home.stores.tables.query_all(Table::Batches, Query::default()).await.expect("read");
        for batch in &batches {
            home.damage(Table::Batches, &batch.row_key, Damage::Type("RowCount"));
        }
        let spared = [Table::Organizations, Table::Secrets, Table::AuditSeals];
        let mut rows = Vec::new();
        for table in Table::ALL.into_iter().filter(|table| *table != Table::AuditLogs && !spared.contains(table)) {
            for row in home.home.stores.tables.query_all(table, Query::default()).await.expect("read") {
                let in_it = row.properties.get("OrgId") == Some(&Property::Guid(org.as_uuid()));
                let names_it = in_it || row.partition_key.contains(&org.key()) || row.row_key.contains(&org.key());
                rows.extend(names_it.then_some((table, row.row_key)));
            }
        }
        let all_of_them = nth == rows.len();
        let chosen = if all_of_them { rows.as_slice() } else { &rows[nth..=nth] };
        for (table, row_key) in chosen {
            // An upload belongs to its user; whose organization it is for its row alone says.
            let damage = if *table == Table::Uploads { Damage::Type("Name") } else { Damage::Text };
            home.damage(*table, row_key, damage);
        }

        home.repositories.begin_deletion(org, &organization.etag, by).await.unwrap_or_else(|error| {
            panic!("{chosen:?}: {error}");
        });
        home.repositories.finish_deletion(org, by, &|_| {}).await.unwrap_or_else(|error| panic!("{chosen:?}: {error}"));

        assert!(home.repositories.organizations.get(org).await.expect("read").is_none());
        assert_eq!(traces(&home, org).await, Vec::<String>::new(), "{chosen:?}");
        for folder in FOLDERS {
            let left = home.home.stores.blobs.list(folder).await.expect("listed");
            assert_eq!(left, Vec::<String>::new(), "{chosen:?}");
        }
        let left = home.home.stores.tables.query_all(Table::UserExecutions, Query::default()).await.expect("read");
        assert_eq!(left, [], "{chosen:?}");
        assert_eq!(count(&home, Scope::Org(org), "Organization.Delete").await, 1);
        assert_eq!(home.repaired().await, [], "{chosen:?}");
        if all_of_them {
            assert!(nth > 20, "{nth}");
            break;
        }
    }
}
