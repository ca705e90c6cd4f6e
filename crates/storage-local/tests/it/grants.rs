//! Grants on a store that makes no transaction of a commit: interrupted between any two of its writes, no right is left that
//! was to go, none works that nobody can see, and `repair` converges.

use crate::dying::torn;
use crate::support::{TestHome, actor};
use chrono::Duration;
use msp_domain::{Categories, Clock, OrgId, Permissions, UserId};
use msp_storage::StoreError;
use msp_storage::repositories::grants::{Grant, GrantTerms, Grants};
use std::sync::atomic::{AtomicUsize, Ordering};

/// What the user holds, and what the organization lists of it.
async fn seen(home: &TestHome, user: UserId, org: OrgId) -> (Option<GrantTerms>, Option<GrantTerms>) {
    let grants = &home.repositories.grants;
    let decides = grants.get(user, org).await.expect("readable").map(|(grant, _)| grant.terms);
    let listed = grants.of_org(org).await.expect("readable").pop().map(|grant: Grant| grant.terms);
    (decides, listed)
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
    let home = TestHome::new().await;
    let by = actor(UserId::random());
    let mut interruptions = 0;
    for (before, after) in changes(&home) {
        for writes in 0.. {
            let (user, org) = (UserId::random(), home.org().await);
            if let Some(before) = &before {
                home.repositories.grants.change(user, org, before, None, &by).await.expect("granted");
            }
            let change = async |grants: &Grants| match &after {
                Some(after) => grants.change(user, org, after, None, &by).await.map(|_| ()),
                None => grants.revoke(user, org, &by).await,
            };
            let outcome = change(&torn(&home, writes + 1).grants).await;
            let which = format!("{before:?} -> {after:?}, interrupted after {writes} writes");
            if outcome.is_ok() {
                assert_eq!(seen(&home, user, org).await, (after.clone(), after.clone()), "{which}");
                break;
            }
            interruptions += 1;
            let (decides, listed) = seen(&home, user, org).await;
            assert!(decides == before || decides == after, "{which}: {decides:?}");
            if takes_away(before.as_ref(), after.as_ref()) {
                // The list may lag behind, never ahead: what it hides does not work.
                assert!(listed == before || decides == after, "{which}: gone from the list, {decides:?} still works");
            } else {
                assert!(decides == before || listed == after, "{which}: {decides:?} works, {listed:?} is listed");
            }

            // Both ways out end in a store that agrees with itself.
            if writes % 2 == 0 {
                home.repaired().await;
                let (decides, listed) = seen(&home, user, org).await;
                assert_eq!(decides, listed, "{which}, repaired");
                assert_eq!(home.repaired().await, [], "{which}: repairing again finds nothing");
            }
            change(&home.repositories.grants).await.unwrap_or_else(|error| panic!("{which}, repeated: {error}"));
            assert_eq!(seen(&home, user, org).await, (after.clone(), after.clone()), "{which}, repeated");
        }
    }
    assert!(interruptions > 20, "{interruptions}");
}

#[tokio::test]
async fn a_change_meant_for_an_older_version_changes_nothing() {
    let home = TestHome::new().await;
    let grants = &home.repositories.grants;
    let (user, org, by) = (UserId::random(), home.org().await, actor(UserId::random()));
    let (_, first) = grants.change(user, org, &terms(RUN), None, &by).await.expect("granted");
    let (_, second) = grants.change(user, org, &terms(READ), Some(&first), &by).await.expect("changed");
    for stale in [
        grants.change(user, org, &terms(RUN), Some(&first), &by).await.map(|_| ()),
        grants.revoke_if(user, org, Some(&first), &by).await,
        grants.change(user, home.org().await, &terms(RUN), Some(&first), &by).await.map(|_| ()),
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
    let (user, org, by) = (UserId::random(), home.org().await, actor(UserId::random()));
    let ending = GrantTerms { expires_at: Some(home.clock.now() + Duration::seconds(10)), ..terms(RUN) };
    let (grant, _) = grants.change(user, org, &ending, None, &by).await.expect("granted");
    home.clock.turn(Duration::milliseconds(9_999));
    assert_eq!(grants.permissions(user, org).await.expect("readable"), RUN);
    home.clock.turn(Duration::milliseconds(1));
    assert_eq!(grants.permissions(user, org).await.expect("readable"), Permissions::NONE);
    assert_eq!(grants.of_user(user).await.expect("readable"), std::slice::from_ref(&grant));
    assert_eq!(grants.of_org(org).await.expect("readable"), [grant]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_revoked_while_grants_are_copied_does_not_come_back() {
    let home = TestHome::new().await;
    let (grants, admin, org) = (&home.repositories.grants, actor(UserId::random()), home.org().await);
    let wide = Permissions { manage_config: true, ..Permissions::NONE };
    let more = Permissions { view_history: true, ..Permissions::NONE };
    // Whose grant is revoked meanwhile: that of the one it is copied from, or that of the one who gets it.
    for of_source in [true, false] {
        let (from, to) = (UserId::random(), UserId::random());
        grants.set(from, org, more, &admin).await.expect("granted");
        grants.set(to, org, wide, &admin).await.expect("granted");
        let tries = AtomicUsize::new(0);
        let decide = |source: Option<&Grant>, own: Option<&Grant>| {
            if tries.fetch_add(1, Ordering::AcqRel) == 0 {
                let revoked = grants.revoke(if of_source { from } else { to }, org, &admin);
                tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(revoked)).expect("revoked");
            }
            let more = source.ok_or("gone")?.terms.permissions;
            let own = own.map_or(Permissions::NONE, |own| own.terms.permissions);
            Ok::<GrantTerms, &str>(own.or(&more).into())
        };
        let derived = grants.derive((from, to), org, decide, &admin).await.expect("the store works");
        assert_eq!(tries.load(Ordering::Acquire), 2, "it was decided anew");
        let held = grants.permissions(to, org).await.expect("read");
        if of_source {
            assert_eq!((derived.err(), held), (Some("gone"), wide));
        } else {
            assert_eq!((derived.map(|grant| grant.terms.permissions), held), (Ok(more), more));
        }
    }
}
