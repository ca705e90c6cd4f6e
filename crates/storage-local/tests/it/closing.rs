//! What is put into an organization at the moment its deletion begins: it goes with the rest, or never arrives.

use crate::deletions::traces;
use crate::support::{TestHome, actor};
use async_trait::async_trait;
use chrono::Utc;
use futures::future::BoxFuture;
use msp_domain::{
    Clock, ConfigEntry, ConfigType, Every, ExportFormat, ExportSubject, NotificationRule, OrgId, PauseTarget,
    Permissions, Recurrence, Scope, UserId,
    export::time_of_day,
    form::FormSchema,
    notification::{Channel, DEFAULT_STATUSES},
};
use msp_storage::repositories::Actor;
use msp_storage::repositories::exports::{Carry, ScheduleTerms};
use msp_storage::repositories::import::Changes;
use msp_storage::repositories::integrations::{CredentialChange, IntegrationCheck};
use msp_storage::repositories::organizations::{NewOrganization, Organization, OrganizationError};
use msp_storage::{
    Commit, Entity, Etag, Page, Query, Repositories, SecretAddress, SecretChange, SecretNamespace, SecretStore,
    SecretValue, StoreError, Table, TableStore, Write,
};
use serde_json::json;
use std::sync::{Arc, Mutex};

type Act = BoxFuture<'static, ()>;

/// Stores in which something happens right before the n-th write.
struct Meanwhile {
    tables: Arc<dyn TableStore>,
    secrets: Arc<dyn SecretStore>,
    act: Mutex<(usize, Option<Act>)>,
}

impl Meanwhile {
    async fn pass(&self) {
        let act = {
            let mut waiting = self.act.lock().expect("not poisoned");
            waiting.0 = waiting.0.saturating_sub(1);
            if waiting.0 == 0 { waiting.1.take() } else { None }
        };
        if let Some(act) = act {
            act.await;
        }
    }

    fn has_happened(&self) -> bool {
        self.act.lock().expect("not poisoned").1.is_none()
    }
}

#[async_trait]
impl TableStore for Meanwhile {
    fn commits_whole(&self) -> bool {
        self.tables.commits_whole()
    }

    async fn get(&self, table: Table, partition_key: &str, row_key: &str) -> Result<Option<Entity>, StoreError> {
        self.tables.get(table, partition_key, row_key).await
    }

    async fn query(&self, table: Table, query: Query) -> Result<Page, StoreError> {
        self.tables.query(table, query).await
    }

    async fn write(&self, table: Table, write: Write) -> Result<Option<Etag>, StoreError> {
        self.pass().await;
        self.tables.write(table, write).await
    }

    async fn batch(&self, table: Table, writes: Vec<Write>) -> Result<(), StoreError> {
        self.pass().await;
        self.tables.batch(table, writes).await
    }

    async fn commit(&self, commit: Commit) -> Result<(), StoreError> {
        self.pass().await;
        self.tables.commit(commit).await
    }
}

#[async_trait]
impl SecretStore for Meanwhile {
    async fn set(&self, address: &SecretAddress, value: &SecretValue) -> Result<(), StoreError> {
        self.pass().await;
        self.secrets.set(address, value).await
    }

    async fn get(&self, address: &SecretAddress) -> Result<Option<SecretValue>, StoreError> {
        self.secrets.get(address).await
    }

    async fn delete(&self, address: &SecretAddress) -> Result<(), StoreError> {
        self.secrets.delete(address).await
    }

    async fn within(&self, changes: &[SecretChange]) -> Result<Option<Commit>, StoreError> {
        self.secrets.within(changes).await
    }

    async fn names(&self, namespace: SecretNamespace, scope: Scope) -> Result<Vec<String>, StoreError> {
        self.secrets.names(namespace, scope).await
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Thing {
    Grant,
    Config,
    Form,
    Rule,
    Schedule,
    Integration,
    Check,
    Secret,
    Limit,
    Sweep,
    Pause,
    Import,
}

impl Thing {
    const ALL: [Self; 12] = [
        Self::Grant,
        Self::Config,
        Self::Form,
        Self::Rule,
        Self::Schedule,
        Self::Integration,
        Self::Check,
        Self::Secret,
        Self::Limit,
        Self::Sweep,
        Self::Pause,
        Self::Import,
    ];

    async fn put(self, into: OrgId, by: &Repositories) -> Result<(), StoreError> {
        let (scope, actor, now) = (Scope::Org(into), &actor(UserId::random()), by.now());
        let secret = || SecretValue::new("https://hooks.example.com/signature");
        let entry = ConfigEntry { key: "key".into(), config_type: ConfigType::Int, value: json!(7), description: None };
        let form = json!({ "name": "Form", "workflow": "some", "fields": [] });
        let form = FormSchema::parse(&form).expect("a form");
        match self {
            Self::Grant => {
                let may = Permissions { execute_workflows: true, ..Permissions::NONE };
                by.grants.set(UserId::random(), into, may, actor).await.map(drop)
            }
            Self::Config => by.config.set(scope, &entry, None, actor).await.map(drop),
            Self::Form => by.forms.create(scope, &form, actor).await.map(drop),
            Self::Rule => {
                let rule = NotificationRule {
                    name: "Desk".to_owned(),
                    enabled: true,
                    workflow: None,
                    statuses: DEFAULT_STATUSES.to_vec(),
                    quiet_minutes: 15,
                    channel: Channel::Webhook { host: "hooks.example.com".to_owned() },
                };
                by.notification_rules.create(scope, rule, Some(secret()), actor).await.map(drop)
            }
            Self::Schedule => {
                let recurrence = Recurrence { every: Every::Day, at: time_of_day("00:00").expect("a time") };
                let terms = ScheduleTerms { format: ExportFormat::Csv, recurrence, is_enabled: true, keep_days: None };
                let what = (scope, ExportSubject::Executions);
                by.exports.create(what, terms, (now, &Carry::default()), actor).await.map(drop)
            }
            Self::Integration => {
                let (settings, credential) = (json!({}), CredentialChange::Set(secret()));
                by.integrations.put(into, "halopsa", true, &settings, credential, None, actor).await.map(drop)
            }
            Self::Check => {
                let check = IntegrationCheck {
                    integration_type: "halopsa".to_owned(),
                    settings_version: Etag("1".to_owned()),
                    error_type: None,
                    message: "It answers.".to_owned(),
                    status: None,
                    checked_at: now,
                    checked_by: actor.key(),
                    duration_ms: 1,
                };
                by.integrations.record_check(into, &check, actor).await
            }
            Self::Secret => by.workflow_secrets.set(scope, "key", &secret(), actor).await,
            Self::Limit => by.retention.set(scope, Some(30), None, actor).await.map(drop),
            Self::Sweep => by.retention.begin(scope, 30, Utc::now()).await,
            Self::Pause => by.pauses.pause(&PauseTarget::Organization(into), "why not", "us", actor).await.map(drop),
            Self::Import => {
                let changes = Changes {
                    organization: None,
                    config: vec![(None, entry, None)],
                    forms: vec![(None, form, true)],
                    forms_seen: None,
                    secrets: vec![("key".to_owned(), None, secret())],
                };
                match by.apply(scope, &changes, actor).await {
                    Err(OrganizationError::Store(error)) => Err(error),
                    Err(OrganizationError::NotFound | OrganizationError::BeingDeleted) => Err(StoreError::NotFound),
                    outcome => {
                        outcome.expect("no other reason");
                        Ok(())
                    }
                }
            }
        }
    }
}

async fn delete(repositories: &Repositories, organization: &Organization, is_whole: bool) {
    let begun = repositories.begin_deletion(organization.id, &organization.etag, &Actor::PLATFORM).await;
    begun.expect("begun");
    if is_whole {
        repositories.finish_deletion(organization.id, &Actor::PLATFORM, &|_| {}).await.expect("finished");
    }
}

#[tokio::test]
async fn what_is_put_into_an_organization_while_its_deletion_begins_is_not_left_behind() {
    for thing in Thing::ALL {
        // Whether all of the deletion fits between two writes, or it goes on behind the last of them.
        for is_whole in [true, false] {
            let mut refusals = 0;
            for nth in 1.. {
                let home = TestHome::new().await;
                let new = NewOrganization { is_active: false, ..NewOrganization::named("Contoso") };
                let created = home.repositories.organizations.create(new, &Actor::PLATFORM).await;
                let organization = created.expect("created");
                let (id, others) = (organization.id, home.repositories.clone());
                let act: Act = Box::pin(async move { delete(&others, &organization, is_whole).await });
                let stores = Arc::new(Meanwhile {
                    tables: home.home.stores.tables.clone(),
                    secrets: home.home.stores.secrets.clone(),
                    act: Mutex::new((nth, Some(act))),
                });
                let mut through = home.home.stores.clone();
                through.tables = stores.clone();
                through.secrets = stores.clone();
                let through = Repositories::new(through, Arc::clone(&home.clock) as Arc<dyn Clock>);
                let put = thing.put(id, &through).await;
                if !stores.has_happened() {
                    put.unwrap_or_else(|error| panic!("{thing:?} into one that stays: {error}"));
                    assert!(nth > 1, "{thing:?} writes nothing");
                    break;
                }
                refusals += usize::from(put.is_err());
                home.repositories.finish_deletion(id, &Actor::PLATFORM, &|_| {}).await.expect("finished");
                let which = format!("{thing:?}, deleted before write {nth}, whole: {is_whole}");
                assert_eq!(traces(&home, id).await, Vec::<String>::new(), "{which}: {put:?}");
                for folder in ["exports/", "files/"] {
                    let left = home.home.stores.blobs.list(folder).await.expect("listed");
                    assert_eq!(left, Vec::<String>::new(), "{which}");
                }
            }
            assert!(refusals > 0, "{thing:?} was never refused");
        }
    }
}
