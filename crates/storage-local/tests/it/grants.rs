//! Grants on a store that makes no transaction of a commit: interrupted between any two of its writes, no right is left that
//! was to go, none works that nobody can see, and `repair` converges.

use crate::support::{TestHome, actor};
use async_trait::async_trait;
use chrono::Duration;
use msp_domain::{Categories, Clock, OrgId, Permissions, UserId};
use msp_storage::repositories::grants::{Grant, GrantTerms};
use msp_storage::repositories::{Actor, repair::Finding};
use msp_storage::{Commit, Entity, Etag, Page, Query, Repositories, StoreError, Table, TableStore, Write};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Writes one after the other and fails after as many as are left.
struct Torn {
    tables: Arc<dyn TableStore>,
    left: AtomicUsize,
}

#[async_trait]
impl TableStore for Torn {
    async fn get(&self, table: Table, partition_key: &str, row_key: &str) -> Result<Option<Entity>, StoreError> {
        self.tables.get(table, partition_key, row_key).await
    }

    async fn query(&self, table: Table, query: Query) -> Result<Page, StoreError> {
        self.tables.query(table, query).await
    }

    async fn write(&self, table: Table, write: Write) -> Result<Option<Etag>, StoreError> {
        let left = self.left.load(Ordering::Acquire).checked_sub(1);
        let left = left.ok_or_else(|| StoreError::unavailable("interrupted"))?;
        self.left.store(left, Ordering::Release);
        self.tables.write(table, write).await
    }

    async fn batch(&self, table: Table, writes: Vec<Write>) -> Result<(), StoreError> {
        self.tables.batch(table, writes).await
    }

    async fn commit(&self, commit: Commit) -> Result<(), StoreError> {
        self.commit_etags(commit).await.map(|_| ())
    }

    async fn commit_etags(&self, commit: Commit) -> Result<Vec<Option<Etag>>, StoreError> {
        let mut etags = Vec::new();
        for (table, write) in commit.writes {
            etags.push(self.write(table, write).await?);
        }
        Ok(etags)
    }
}

/// A home whose grants are changed by somebody who is interrupted after a number of writes.
struct Interrupted {
    home: TestHome,
    torn: Arc<Torn>,
    changing: Repositories,
}

impl Interrupted {
    async fn new() -> Self {
        let home = TestHome::new().await;
        let torn = Arc::new(Torn { tables: home.home.stores.tables.clone(), left: AtomicUsize::new(usize::MAX) });
        let mut stores = home.home.stores.clone();
        stores.tables = Arc::clone(&torn) as Arc<dyn TableStore>;
        let changing = Repositories::new(stores, Arc::clone(&home.clock) as Arc<dyn Clock>);
        Self { home, torn, changing }
    }

    /// What the user holds, and what the organization lists of it.
    async fn seen(&self, user: UserId, org: OrgId) -> (Option<GrantTerms>, Option<GrantTerms>) {
        let grants = &self.home.repositories.grants;
        let decides = grants.get(user, org).await.expect("readable").map(|(grant, _)| grant.terms);
        let listed = grants.of_org(org).await.expect("readable").pop().map(|grant: Grant| grant.terms);
        (decides, listed)
    }

    async fn repair(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        let mut see = |finding: &Finding| found.push(finding.clone());
        self.home.repositories.repair(true, &Actor::PLATFORM, &mut see).await.expect("repaired");
        found
    }
}

fn terms(permissions: Permissions) -> GrantTerms {
    permissions.into()
}

const RUN: Permissions = Permissions { execute_workflows: true, ..Permissions::NONE };
const READ: Permissions = Permissions { view_history: true, ..Permissions::NONE };

/// Each change as (before, after); `None` is no grant.
fn changes(home: &TestHome) -> Vec<(Option<GrantTerms>, Option<GrantTerms>)> {
    let both = Permissions { execute_workflows: true, view_history: true, ..Permissions::NONE };
    let helpdesk = Categories::only(&["password_reset".to_owned()]).expect("a category");
    let limited = GrantTerms { categories: helpdesk, ..terms(RUN) };
    let ending = GrantTerms { expires_at: Some(home.clock.now() + Duration::days(1)), ..terms(RUN) };
    vec![
        (None, Some(terms(RUN))),
        (Some(terms(RUN)), None),
        (Some(terms(both)), Some(terms(RUN))),
        (Some(terms(RUN)), Some(terms(both))),
        (Some(terms(RUN)), Some(terms(READ))),
        (Some(terms(RUN)), Some(limited.clone())),
        (Some(limited), Some(terms(RUN))),
        (Some(terms(RUN)), Some(ending.clone())),
        (Some(ending), Some(terms(RUN))),
    ]
}

fn takes_away(before: Option<&GrantTerms>, after: Option<&GrantTerms>) -> bool {
    let Some(before) = before else { return false };
    let Some(after) = after else { return true };
    let lasts = after.expires_at.is_none() || after.expires_at == before.expires_at;
    !(after.permissions.cover(&before.permissions) && after.categories.cover(&before.categories) && lasts)
}

#[tokio::test]
async fn interrupted_anywhere_a_change_leaves_no_right_that_was_to_go_and_none_that_nobody_sees() {
    let interrupted = Interrupted::new().await;
    let Interrupted { home, torn, changing } = &interrupted;
    let by = actor(UserId::random());
    let mut interruptions = 0;
    for (before, after) in changes(home) {
        for writes in 0.. {
            let (user, org) = (UserId::random(), OrgId::random());
            if let Some(before) = &before {
                home.repositories.grants.change(user, org, before, None, &by).await.expect("granted");
            }
            let change = async || match &after {
                Some(after) => changing.grants.change(user, org, after, None, &by).await.map(|_| ()),
                None => changing.grants.revoke(user, org, &by).await,
            };
            torn.left.store(writes, Ordering::Release);
            let outcome = change().await;
            torn.left.store(usize::MAX, Ordering::Release);
            let which = format!("{before:?} -> {after:?}, interrupted after {writes} writes");
            if outcome.is_ok() {
                assert_eq!(interrupted.seen(user, org).await, (after.clone(), after.clone()), "{which}");
                break;
            }
            interruptions += 1;
            let (decides, listed) = interrupted.seen(user, org).await;
            assert!(decides == before || decides == after, "{which}: {decides:?}");
            if takes_away(before.as_ref(), after.as_ref()) {
                // The list may lag behind, never ahead: what it hides does not work.
                assert!(listed == before || decides == after, "{which}: gone from the list, {decides:?} still works");
            } else {
                assert!(decides == before || listed == after, "{which}: {decides:?} works, {listed:?} is listed");
            }

            // Both ways out end in a store that agrees with itself.
            if writes % 2 == 0 {
                interrupted.repair().await;
                let (decides, listed) = interrupted.seen(user, org).await;
                assert_eq!(decides, listed, "{which}, repaired");
                assert_eq!(interrupted.repair().await, [], "{which}: repairing again finds nothing");
            }
            change().await.unwrap_or_else(|error| panic!("{which}, repeated: {error}"));
            assert_eq!(interrupted.seen(user, org).await, (after.clone(), after.clone()), "{which}, repeated");
        }
    }
    assert!(interruptions > 20, "{interruptions}");
}

#[tokio::test]
async fn a_change_meant_for_an_older_version_changes_nothing() {
    let home = TestHome::new().await;
    let grants = &home.repositories.grants;
    let (user, org, by) = (UserId::random(), OrgId::random(), actor(UserId::random()));
    let (_, first) = grants.change(user, org, &terms(RUN), None, &by).await.expect("granted");
    let (_, second) = grants.change(user, org, &terms(READ), Some(&first), &by).await.expect("changed");
    for stale in [
        grants.change(user, org, &terms(RUN), Some(&first), &by).await.map(|_| ()),
        grants.revoke_if(user, org, Some(&first), &by).await,
        grants.change(user, OrgId::random(), &terms(RUN), Some(&first), &by).await.map(|_| ()),
    ] {
        assert!(matches!(stale, Err(StoreError::PreconditionFailed)), "{stale:?}");
    }
    assert_eq!(grants.permissions(user, org).await.expect("readable"), READ);
    grants.revoke_if(user, org, Some(&second), &by).await.expect("revoked");
    assert_eq!(grants.permissions(user, org).await.expect("readable"), Permissions::NONE);
}

#[tokio::test]
async fn an_expired_grant_gives_nothing_from_that_instant_on_and_stays_listed() {
    let home = TestHome::new().await;
    let grants = &home.repositories.grants;
    let (user, org, by) = (UserId::random(), OrgId::random(), actor(UserId::random()));
    let ending = GrantTerms { expires_at: Some(home.clock.now() + Duration::seconds(10)), ..terms(RUN) };
    let (grant, _) = grants.change(user, org, &ending, None, &by).await.expect("granted");
    home.clock.turn(Duration::milliseconds(9_999));
    assert_eq!(grants.permissions(user, org).await.expect("readable"), RUN);
    home.clock.turn(Duration::milliseconds(1));
    assert_eq!(grants.permissions(user, org).await.expect("readable"), Permissions::NONE);
    assert_eq!(grants.of_user(user).await.expect("readable"), std::slice::from_ref(&grant));
    assert_eq!(grants.of_org(org).await.expect("readable"), [grant]);
}
