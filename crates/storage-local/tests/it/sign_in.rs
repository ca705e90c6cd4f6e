//! Sessions and one-time links.

use crate::support::TestHome;
use chrono::Duration;
use msp_domain::{Clock as _, Scope, UserId};
use msp_storage::repositories::Actor;
use msp_storage::{Query, Table};

#[tokio::test]
async fn a_session_ends_when_idle_when_old_and_when_told() {
    let home = TestHome::new().await;
    let sessions = &home.repositories.sessions;
    let user = UserId::random();
    let begin = async || sessions.begin(user, &Actor::PLATFORM).await.expect("begun");
    let find = async |cookie: &msp_storage::SecretValue| sessions.find(cookie.reveal()).await.expect("asked");

    let idle = begin().await;
    assert_eq!(find(&idle).await.expect("alive").user, user);
    home.clock.turn(Duration::hours(11));
    assert!(find(&idle).await.is_some(), "use within 12 hours keeps it alive");
    home.clock.turn(Duration::hours(11));
    assert!(find(&idle).await.is_some(), "because its use was noted");
    home.clock.turn(Duration::hours(12));
    assert!(find(&idle).await.is_none(), "unused for 12 hours it is over");

    let busy = begin().await;
    for _ in 0..16 {
        home.clock.turn(Duration::hours(10));
        assert!(find(&busy).await.is_some());
    }
    home.clock.turn(Duration::hours(8));
    assert!(find(&busy).await.is_none(), "after 7 days it is over, however busy");

    let told = begin().await;
    sessions.end(told.reveal(), &Actor::PLATFORM).await.expect("ended");
    assert!(find(&told).await.is_none());
    sessions.end(told.reveal(), &Actor::PLATFORM).await.expect("ending it again is no error");
    assert!(sessions.find("forged").await.expect("asked").is_none());
    assert_eq!(home.audited(Scope::Global).await.iter().filter(|action| *action == "Session.Begin").count(), 3);

    let rows = home.home.stores.tables.query_all(Table::Sessions, Query::default()).await.expect("read");
    assert!(rows.is_empty(), "sessions that are over are cleared when others begin");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_link_works_once_for_one_of_those_who_race_and_only_for_fifteen_minutes() {
    let home = TestHome::new().await;
    let links = &home.repositories.sign_in_links;
    let user = UserId::random();
    let token = links.issue(user, &Actor::PLATFORM).await.expect("issued");
    let redeemed = futures::future::join_all((0..8).map(|_| links.redeem(token.reveal()))).await;
    let winners: Vec<_> = redeemed.into_iter().filter_map(|outcome| outcome.expect("answered")).collect();
    assert_eq!(winners, [user], "one of the racers gets in");

    let late = links.issue(user, &Actor::PLATFORM).await.expect("issued");
    home.clock.turn(Duration::minutes(15));
    assert_eq!(links.redeem(late.reveal()).await.expect("answered"), None);
    assert_eq!(links.redeem("forged").await.expect("answered"), None);
    let stored = home.home.stores.tables.query_all(Table::AuditLogs, Query::default()).await.expect("read");
    assert!(!format!("{stored:?}").contains(token.reveal()), "no token is stored");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_state_is_spent_once_by_one_of_those_who_race_and_forgotten_when_it_is_too_old() {
    let home = TestHome::new().await;
    let spent = &home.repositories.spent_sign_ins;
    let expires_at = home.clock.now() + Duration::minutes(10);
    let tried = futures::future::join_all((0..8).map(|_| spent.spend("a state", expires_at))).await;
    let winners = tried.into_iter().filter(|outcome| *outcome.as_ref().expect("answered")).count();
    assert_eq!(winners, 1, "one of the racers spends it");

    home.clock.turn(Duration::minutes(10));
    assert!(!spent.spend("a state", expires_at).await.expect("answered"), "known for as long as it could be good");
    home.clock.turn(Duration::seconds(1));
    assert!(spent.spend("another", expires_at + Duration::hours(1)).await.expect("answered"));
    let rows = home.home.stores.tables.query_all(Table::SignInLinks, Query::default()).await.expect("read");
    assert_eq!(rows.len(), 1, "the old one is cleared when another is spent");
    assert!(!format!("{rows:?}").contains("another"), "no state is stored");
}
