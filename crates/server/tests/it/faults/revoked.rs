//! A right that is taken away while its run waits in the queue.

use super::{
    effects::Effects,
    host::{installation, start},
};
use msp_domain::{OrgId, SystemClock};
use msp_engine::fault::FaultPoint;
use msp_storage::{Repositories, repositories::Actor};
use msp_storage_local::{LocalHome, LocalOptions};
use serde_json::json;
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queued_run_whose_right_was_taken_away_meanwhile_is_refused_and_does_not_act() {
    let effects = Effects::listen();
    let installation = installation();
    let host = start(&installation, None).await.expect("a first start");
    let org = host.organization("Contoso").await;
    host.kill();
    installation.succeed(&[
        "user",
        "add",
        "tess@msp.example",
        "--name",
        "Tess",
        "--grant",
        "Contoso=execute_workflows,view_history",
    ]);

    // Accepted, and the server dies before it runs.
    let mut host = start(&installation, Some(FaultPoint::AfterEnqueue.name())).await.expect("it starts");
    host.token = installation.succeed(&["token", "--user", "tess@msp.example"]);
    let _ = host.run(&org, "act_once", "respond-async", &json!({ "url": effects.url() })).send().await;
    host.death().await;
    revoke(&installation.data(), &org).await;

    let host = start(&installation, None).await.expect("a restart");
    let executions = host.executions_once_ended(&org).await;
    assert_eq!(executions.len(), 1, "{executions:?}");
    assert_eq!(executions[0]["status"], "Failed");
    assert_eq!(executions[0]["error_type"], "permission_denied");
    assert_eq!(effects.of(executions[0]["id"].as_str().expect("an id")), 0, "it acted");
}

async fn revoke(data: &std::path::Path, org: &str) {
    let options =
        LocalOptions { data: data.to_owned(), master_key_file: None, create: false, clock: Arc::new(SystemClock) };
    let home = LocalHome::open(options).await.expect("the data folder");
    let repositories = Repositories::new(home.stores, Arc::new(SystemClock));
    let user = repositories.users.find_by_email("tess@msp.example").await.expect("read").expect("Tess");
    let org: OrgId = org.parse().expect("an id");
    repositories.grants.revoke(user.id, org, &Actor::PLATFORM).await.expect("revoked");
}
