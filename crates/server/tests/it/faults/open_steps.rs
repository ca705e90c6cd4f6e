//! A server dies while a step is open.

use super::host::{installation, start};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_that_was_open_when_the_server_died_ends_with_its_run() {
    let installation = installation();
    let host = start(&installation, None).await.expect("a start");
    let org = host.organization("Contoso").await;
    let id = host.start_run(&org, "hold_in_a_step", &json!({ "seconds": 600 })).await;
    host.execution_once(&org, &id, |execution| execution["steps"][1]["status"] == "Running").await;
    host.kill();

    let host = start(&installation, None).await.expect("a second start");
    let ended = host.execution_once(&org, &id, |execution| execution["status"] != "Running").await;
    assert_eq!(ended["status"], "Interrupted");
    let steps: Vec<_> = ended["steps"].as_array().expect("steps").iter().collect();
    let stand: Vec<_> = steps.iter().map(|step| (&step["name"], &step["status"])).collect();
    assert_eq!(stand, [(&json!("begin"), &json!("Success")), (&json!("hold"), &json!("Interrupted"))]);
    assert_eq!(steps[1]["ended_at"], ended["completed_at"]);
}
