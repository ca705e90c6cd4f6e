//! Every change that writes into more than one place, on a store that makes no transaction of a commit: interrupted between
//! any two of its writes, nothing that was to go still works, whatever took effect is on the audit trail, and `repair`
//! converges. Grants one by one are another story (`grants.rs`).

use crate::dying::torn;
use crate::support::{TestHome, actor, execute_audit};
use chrono::Duration;
use msp_domain::{AppRole, AppRoles, Clock, ExecutionStatus, OrgId, Permissions, Scope, UserId};
use msp_storage::repositories::batches::{Batch, BatchCounts, BatchRow, NewBatch};
use msp_storage::repositories::executions::{Ended, Ending, Entry, Execution, NewExecution};
use msp_storage::repositories::organizations::{NewOrganization, OrganizationChange, OrganizationError};
use msp_storage::repositories::users::{NewUser, UserChange, UserError};
use msp_storage::repositories::{Actor, audit::AuditDraft};
use msp_storage::{ExecutionPointer, Query, Repositories, StoreError, Table};
use std::sync::Arc;

/// A change of executions or batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Queue,
    Begin,
    Claim,
    End,
    Cancel,
    Count,
    Remove,
    Submit,
    Complete,
    Withdraw,
}

/// What it is about.
struct Case {
    new: NewExecution,
    run: Option<Execution>,
    submitted: (NewBatch, Vec<BatchRow>, AuditDraft),
    batch: Option<Batch>,
}

impl Change {
    const ALL: [Self; 10] = [
        Self::Queue,
        Self::Begin,
        Self::Claim,
        Self::End,
        Self::Cancel,
        Self::Count,
        Self::Remove,
        Self::Submit,
        Self::Complete,
        Self::Withdraw,
    ];

    async fn before(self, home: &TestHome) -> Case {
        let scope = Scope::Org(OrgId::random());
        let new = home.new_execution(scope, UserId::random());
        let executions = &home.repositories.executions;
        let run = match self {
            Self::Claim | Self::Cancel => Some(home.insert(&new, &Entry::Queued).await),
            Self::End => Some(home.insert(&new, &claimed(home)).await),
            Self::Count | Self::Remove => {
                let run = home.insert(&new, &claimed(home)).await;
                let ended = executions.finish(&run, &ending(home, ExecutionStatus::Success)).await.expect("ended");
                if self == Self::Remove {
                    let counted: Vec<Ended> = Ended::of(&ended).into_iter().collect();
                    executions.count(&counted).await.expect("counted");
                }
                Some(ended)
            }
            _ => None,
        };
        let batch = match self {
            Self::Complete | Self::Withdraw => Some(home.batch(scope, 3).await),
            _ => None,
        };
        Case { new, run, submitted: home.new_batch(scope, 3), batch }
    }

    /// Makes it, or what is left of it.
    async fn make(self, home: &TestHome, by: &Repositories, case: &Case) -> Result<(), StoreError> {
        let (executions, batches) = (&by.executions, &by.batches);
        let (new, pointer) = (&case.new, ExecutionPointer { scope: case.new.scope, execution_id: case.new.id });
        let run = case.run.as_ref();
        match self {
            Self::Queue => executions.insert(new, &Entry::Queued, Vec::new(), execute_audit(new)).await.map(drop),
            Self::Begin => executions.insert(new, &claimed(home), Vec::new(), execute_audit(new)).await.map(drop),
            Self::Claim => {
                let claimed = executions.claim(pointer, "boot-1", "b1", home.clock.now(), Vec::new(), true).await?;
                assert!(claimed.is_some(), "it is ours");
                Ok(())
            }
            Self::End => {
                let ending = ending(home, ExecutionStatus::Success);
                executions.finish(run.expect("it runs"), &ending).await.map(drop)
            }
            Self::Cancel => {
                let audit = AuditDraft { action: "Execution.Cancel".into(), ..execute_audit(new) };
                let ending = ending(home, ExecutionStatus::Cancelled);
                executions.cancel_pending(run.expect("it waits"), &ending, audit).await.map(drop)
            }
            Self::Count => {
                let ended: Vec<Ended> = run.and_then(Ended::of).into_iter().collect();
                executions.count(&ended).await
            }
            Self::Remove => executions.remove(pointer.scope, pointer.execution_id).await,
            Self::Submit => {
                let (new, rows, audit) = &case.submitted;
                batches.insert(new, rows, Vec::new(), audit.clone()).await.map(drop)
            }
            Self::Complete => {
                let batch = case.batch.as_ref().expect("a batch");
                let now = batches.get(batch.scope, batch.id).await?.expect("on record");
                let counts = BatchCounts { cancelled: 3, ..BatchCounts::default() };
                batches.complete(&now, counts).await.map(drop)
            }
            Self::Withdraw => batches.withdraw(case.batch.as_ref().expect("a batch")).await,
        }
    }
}

/// What is on the audit trail before the change takes effect, and whether it has.
async fn effect(change: Change, home: &TestHome, case: &Case) -> Option<(&'static str, bool)> {
    let execution = home.repositories.executions.get(case.new.scope, case.new.id).await.expect("read");
    match change {
        Change::Queue | Change::Begin => Some(("Workflow.Execute", execution.is_some())),
        Change::Cancel => {
            let is_cancelled = execution.is_some_and(|execution| execution.status == ExecutionStatus::Cancelled);
            Some(("Execution.Cancel", is_cancelled))
        }
        Change::Submit => {
            let NewBatch { scope, id, .. } = case.submitted.0;
            Some(("Batch.Submit", home.repositories.batches.get(scope, id).await.expect("read").is_some()))
        }
        _ => None,
    }
}

fn claimed(home: &TestHome) -> Entry {
    Entry::Claimed { owner: "boot-1".into(), deadline_at: home.clock.now() + Duration::seconds(60) }
}

fn ending(home: &TestHome, status: ExecutionStatus) -> Ending {
    Ending {
        status,
        result_json: None,
        error_type: None,
        error_message: None,
        completed_at: home.clock.now(),
        logs_through: 0,
    }
}

/// Everything but the audit trail and versions.
async fn content(home: &TestHome) -> Vec<String> {
    let mut content = Vec::new();
    let others = [Table::AuditLogs, Table::AuditSeals, Table::Platform];
    for table in Table::ALL.into_iter().filter(|table| !others.contains(table)) {
        for row in home.home.stores.tables.query_all(table, Query::default()).await.expect("read") {
            content.push(format!("{} {} {} {:?}", table.name(), row.partition_key, row.row_key, row.properties));
        }
    }
    for folder in ["batches/", "executions/"] {
        content.extend(home.home.stores.blobs.list(folder).await.expect("listed"));
    }
    content
}

#[tokio::test]
async fn wherever_a_change_of_executions_or_batches_is_interrupted_a_repair_leaves_it_made_or_not_made() {
    for change in Change::ALL {
        let mut places = 0;
        loop {
            let home = TestHome::new().await;
            let case = change.before(&home).await;
            let before = content(&home).await;
            let made = change.make(&home, &torn(&home, places + 1), &case).await;
            let which = format!("{change:?}, interrupted after {places} writes");
            if made.is_ok() {
                assert_eq!(home.repaired().await, [], "{change:?} leaves no damage");
                break;
            }
            if let Some((action, true)) = effect(change, &home, &case).await {
                assert!(
                    home.audited(case.new.scope).await.iter().any(|audited| audited == action),
                    "{which}: unrecorded"
                );
            }
            home.repaired().await;
            assert_eq!(home.repaired().await, [], "{which}: repairing again finds nothing");
            let repaired = content(&home).await;
            change.make(&home, &home.repositories, &case).await.unwrap_or_else(|error| panic!("{which}: {error}"));
            let after = content(&home).await;
            assert!(repaired == before || repaired == after, "{which}: {repaired:#?}\n{before:#?}\n{after:#?}");
            assert_eq!(home.repaired().await, [], "{which}: made anew it leaves no damage");
            places += 1;
        }
        assert!(places > 1 || change == Change::Count, "{change:?} is one write");
    }
}

/// A change that takes rights away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loss {
    /// The account is deactivated.
    Deactivation,
    /// An administrator becomes anybody.
    Demotion,
    /// Many grants are revoked together.
    Bulk,
    /// The token of a service is taken back.
    Token,
    /// The organization is deactivated.
    Organization,
    /// The organization is deleted.
    Deletion,
}

/// Who loses what.
struct Holder {
    user: UserId,
    orgs: Vec<OrgId>,
    token: String,
    token_id: uuid::Uuid,
}

const RUN: Permissions = Permissions { execute_workflows: true, ..Permissions::NONE };

impl Loss {
    const ALL: [Self; 6] =
        [Self::Deactivation, Self::Demotion, Self::Bulk, Self::Token, Self::Organization, Self::Deletion];

    async fn before(self, home: &TestHome) -> Holder {
        let (repositories, by) = (&home.repositories, &Actor::PLATFORM);
        repositories.users.create("root@msp.example", "Root", true, by).await.expect("another administrator");
        let new = match self {
            Self::Token => {
                let roles = AppRoles::new([AppRole::WorkflowsExecute]).expect("roles");
                NewUser::service("robot", roles)
            }
            _ => NewUser::person("ada@msp.example", "Ada", self == Self::Demotion),
        };
        let user = repositories.users.add(new, by).await.expect("created").id;
        let mut orgs = Vec::new();
        for name in ["Contoso", "Fabrikam", "Northwind"] {
            // One that is deleted is inactive before.
            let is_active = self != Self::Deletion;
            let new = NewOrganization { is_active, ..NewOrganization::named(name) };
            orgs.push(repositories.organizations.create(new, by).await.expect("created").id);
            repositories.grants.set(user, *orgs.last().expect("one"), RUN, by).await.expect("granted");
        }
        let (token, token_id) = if self == Self::Token {
            let ends = home.clock.now() + Duration::days(1);
            let (token, secret) = repositories.service_tokens.mint(user, "ci", ends, None, by).await.expect("minted");
            (secret.reveal().to_owned(), token.id)
        } else {
            (String::new(), uuid::Uuid::nil())
        };
        Holder { user, orgs, token, token_id }
    }

    async fn make(self, by: &Repositories, holder: &Holder) -> Result<(), StoreError> {
        let admin = actor(UserId::random());
        let first = holder.orgs[0];
        let of_user = |change: UserChange| async move {
            match by.users.update(holder.user, &change, None, &admin).await {
                Ok(_) => Ok(()),
                Err(UserError::Store(error)) => Err(error),
                Err(other) => panic!("{other}"),
            }
        };
        let of_organization = |error: OrganizationError| match error {
            OrganizationError::Store(error) => error,
            other => panic!("{other}"),
        };
        match self {
            Self::Deactivation => of_user(UserChange { is_active: Some(false), ..UserChange::default() }).await,
            Self::Demotion => of_user(UserChange { is_platform_admin: Some(false), ..UserChange::default() }).await,
            Self::Bulk => {
                for org in &holder.orgs {
                    by.grants.revoke(holder.user, *org, &Actor::PLATFORM).await?;
                }
                Ok(())
            }
            Self::Token => by.service_tokens.revoke(holder.user, holder.token_id, &Actor::PLATFORM).await,
            Self::Organization => {
                let change = OrganizationChange { is_active: Some(false), ..OrganizationChange::default() };
                by.organizations.update(first, &change, None, &Actor::PLATFORM).await.map(drop).map_err(of_organization)
            }
            Self::Deletion => {
                if let Some(organization) = by.organizations.get(first).await? {
                    let begun = by.begin_deletion(first, &organization.etag, &Actor::PLATFORM).await;
                    begun.map_err(of_organization)?;
                }
                by.finish_deletion(first, &Actor::PLATFORM, &|_| {}).await
            }
        }
    }

    /// How much of what is to go still works, for whoever asks like a request: at the version of this moment.
    async fn left(self, asked: &Repositories, holder: &Holder, home: &TestHome) -> usize {
        let snapshot = asked.snapshots.current().await.expect("read");
        let user = snapshot.user(holder.user).await.expect("read").expect("there");
        match self {
            Self::Deactivation => usize::from(user.is_active),
            Self::Demotion => usize::from(user.is_platform_admin),
            Self::Token => usize::from(asked.service_tokens.find(&holder.token).await.expect("read").is_some()),
            Self::Bulk => {
                let mut works = 0;
                for org in &holder.orgs {
                    let grant = snapshot.grant(holder.user, *org).await.expect("read");
                    works +=
                        usize::from((*grant).as_ref().is_some_and(|one| one.permissions_at(home.clock.now()) == RUN));
                }
                works
            }
            Self::Organization | Self::Deletion => {
                let organization = snapshot.organization(holder.orgs[0]).await.expect("read");
                let is_open = |is_active: bool| is_active || self == Self::Deletion;
                usize::from(organization.is_some_and(|one| one.deletion.is_none() && is_open(one.is_active)))
            }
        }
    }

    fn action(self) -> &'static str {
        match self {
            Self::Deactivation | Self::Demotion => "User.Update",
            Self::Bulk => "Grant.Revoke",
            Self::Token => "ServiceToken.Revoke",
            Self::Organization => "Organization.Update",
            Self::Deletion => "Organization.Deleting",
        }
    }
}

async fn is_audited(home: &TestHome, holder: &Holder, action: &str) -> bool {
    let mut actions = home.audited(Scope::Global).await;
    for org in &holder.orgs {
        actions.extend(home.audited(Scope::Org(*org)).await);
    }
    actions.iter().any(|audited| audited == action)
}

#[tokio::test]
async fn wherever_a_loss_of_rights_is_interrupted_it_is_on_record_first_and_nothing_comes_back() {
    for loss in Loss::ALL {
        let mut places = 0;
        loop {
            let home = TestHome::new().await;
            let holder = loss.before(&home).await;
            let process = || Repositories::new(home.home.stores.clone(), Arc::clone(&home.clock) as Arc<dyn Clock>);
            // One that has been running since before, and so keeps in memory what it read then.
            let running = process();
            let held = loss.left(&running, &holder, &home).await;
            assert!(held > 0, "{loss:?} takes nothing away");
            let made = loss.make(&torn(&home, places + 1), &holder).await;
            let which = format!("{loss:?}, interrupted after {places} writes");
            let left = loss.left(&process(), &holder, &home).await;
            let kept = loss.left(&running, &holder, &home).await;
            assert!(kept <= left, "{which}: what is gone works on in another process");
            assert!(left == held || is_audited(&home, &holder, loss.action()).await, "{which}: unrecorded");
            if made.is_ok() {
                assert_eq!((left, loss.left(&running, &holder, &home).await), (0, 0), "{which}: answered");
                assert_eq!(home.repaired().await, [], "{which}");
                break;
            }
            home.repaired().await;
            assert_eq!(home.repaired().await, [], "{which}: repairing again finds nothing");
            let repaired = loss.left(&process(), &holder, &home).await;
            assert!(repaired <= left, "{which}: a repair gave something back");
            assert_eq!(loss.left(&running, &holder, &home).await, repaired, "{which}: kept in memory beyond a repair");
            loss.make(&home.repositories, &holder).await.unwrap_or_else(|error| panic!("{which}: {error}"));
            for asked in [process(), running] {
                assert_eq!(loss.left(&asked, &holder, &home).await, 0, "{which}, repeated");
            }
            assert_eq!(home.repaired().await, [], "{which}, repeated");
            places += 1;
        }
        assert!(places > 1, "{loss:?} is one write");
    }
}
