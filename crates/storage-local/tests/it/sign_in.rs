//! Sessions and one-time links.

use crate::support::TestHome;
use chrono::Duration;
use msp_domain::{Scope, UserId};
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
