//! Every fault point, one after the other.

use super::{
    effects::Effects,
    host::{Host, LOOK_EVERY, PATIENCE, installation, start},
    packing,
};
use crate::support::Installation;
use msp_engine::fault::FaultPoint;
use serde_json::{Value, json};
use std::{os::unix::process::ExitStatusExt, time::Instant};

/// How a run gets to a fault point.
enum Reached {
    /// By a caller that waits for the result.
    Waiting,
    /// By a caller that does not wait.
    Queued,
    /// By a row of a form submitted with a file.
    Row,
    /// By a run that writes a long log.
    Talking,
    /// By the removal of a run that is over.
    Removal,
    /// By an export.
    Export,
    /// By the start after a crash.
    Restart,
    /// By the deletion of an organization.
    Deletion,
}

/// What must be true of the run after the restart.
struct Expected {
    /// The statuses it may end in; `None`: it may be on record not at all.
    status: Option<&'static str>,
    /// Whether it must have acted.
    acted: Option<bool>,
}

fn story(point: FaultPoint) -> (Reached, Expected) {
    let expected = |status, acted| Expected { status, acted };
    match point {
        FaultPoint::BeforeRecord => (Reached::Waiting, expected(None, Some(false))),
        FaultPoint::AfterRecord | FaultPoint::BeforeStart => {
            (Reached::Waiting, expected(Some("Interrupted"), Some(false)))
        }
        // The worker dies with its host, perhaps before, perhaps after it acted.
        FaultPoint::AfterStart => (Reached::Waiting, expected(Some("Interrupted"), None)),
        FaultPoint::AfterOutcome | FaultPoint::BeforeResult => {
            (Reached::Waiting, expected(Some("Interrupted"), Some(true)))
        }
        FaultPoint::AfterResult => (Reached::Waiting, expected(Some("Success"), Some(true))),
        // Accepted and not begun: it runs after the restart, once.
        FaultPoint::AfterEnqueue | FaultPoint::AfterReceive | FaultPoint::BeforeClaim => {
            (Reached::Queued, expected(Some("Success"), Some(true)))
        }
        FaultPoint::AfterBatch | FaultPoint::AfterRow => (Reached::Row, expected(Some("Success"), Some(true))),
        FaultPoint::AfterLogBlob | FaultPoint::AfterLogIndex => {
            (Reached::Talking, expected(Some("Success"), Some(false)))
        }
        // Which runs are gone is another story (`retention.rs`); whatever is there is as it was.
        FaultPoint::AfterRemovalBegun | FaultPoint::AfterRemoval => (Reached::Removal, expected(None, None)),
        // What a file holds then is another story as well (`exports.rs`).
        FaultPoint::AfterExportBegun | FaultPoint::AfterExportWritten => (Reached::Export, expected(None, None)),
        FaultPoint::AfterClaim => (Reached::Queued, expected(Some("Interrupted"), Some(false))),
        FaultPoint::AfterGrantsGone
        | FaultPoint::AfterSecretsGone
        | FaultPoint::AfterSettingsGone
        | FaultPoint::AfterExecutionsGone => (Reached::Deletion, expected(None, None)),
        FaultPoint::DuringRecovery => (Reached::Restart, expected(Some("Interrupted"), None)),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_at_any_fault_point_leaves_one_legal_ending_and_no_second_effect() {
    let effects = Effects::listen();
    let installation = installation();
    let host = start(&installation, None).await.expect("a first start");
    let org = host.organization("Contoso").await;
    host.kill();

    let mut seen = Vec::new();
    for point in FaultPoint::ALL {
        let (reached, expected) = story(point);
        match reached {
            Reached::Waiting | Reached::Queued => {
                let prefer = if matches!(reached, Reached::Waiting) { "wait=30" } else { "respond-async" };
                let host = start(&installation, Some(point.name())).await.expect("it starts");
                let input = json!({ "url": effects.url() });
                // The connection breaks when the server dies; for a queued run the answer may have come before.
                let _ = host.run(&org, "act_once", prefer, &input).send().await;
                assert_eq!(host.death().await.signal(), Some(9), "{point:?}");
            }
            Reached::Row => {
                let host = start(&installation, Some(point.name())).await.expect("it starts");
                let form = host.form(&org, "act_once", &["url"]).await;
                let rows = format!("url\n{0}\n{0}\n{0}\n", effects.url());
                let _ = host.submit(&org, &form, &rows).send().await;
                assert_eq!(host.death().await.signal(), Some(9), "{point:?}");
            }
            Reached::Talking => {
                let host = start(&installation, Some(point.name())).await.expect("it starts");
                let input = json!({ "lines": packing::LINES, "how": "return" });
                let _ = host.run(&org, "count", "wait=30", &input).send().await;
                assert_eq!(host.death().await.signal(), Some(9), "{point:?}");
            }
            Reached::Removal | Reached::Export => continue,
            Reached::Deletion => deletion(point, &installation).await,
            Reached::Restart => {
                let host = start(&installation, None).await.expect("it starts");
                for _ in 0..3 {
                    let input = json!({ "url": effects.url(), "seconds": 60 });
                    let id = host.start_run(&org, "act_and_wait", &input).await;
                    host.execution_once(&org, &id, |execution| execution["status"] == "Running").await;
                }
                host.kill();
                // Every start gets one further and dies there, until nothing is left to recover.
                let mut deaths = 0;
                while start(&installation, Some(point.name())).await.is_none() {
                    deaths += 1;
                }
                assert_eq!(deaths, 3, "{point:?} is reached once for each lost execution");
            }
        }
        let host = start(&installation, None).await.expect("a restart");
        if matches!(reached, Reached::Row) {
            let batch = host.batch_once_ended(&org).await;
            assert_eq!(batch["counts"]["success"], 3, "{point:?}: every row ran: {batch}");
        }
        check(point, &expected, &host, &org, &effects, &mut seen).await;
        if matches!(reached, Reached::Talking) {
            // Or the next start would die of this log before it is ready.
            packing::packed(&installation).await;
        }
        host.kill();
    }
}

/// A server that dies while it deletes an organization: nobody gets in any more, and the next start finishes it.
async fn deletion(point: FaultPoint, installation: &Installation) {
    let host = start(installation, Some(point.name())).await.expect("it starts");
    let org = host.organization("Doomed").await;
    let url = |host: &Host| format!("{}/api/organizations/{org}", host.url);
    let request = host.http.patch(url(&host)).bearer_auth(&host.token).json(&json!({ "is_active": false }));
    let inactive = request.send().await.expect("an answer");
    let etag = inactive.headers()["etag"].clone();
    let request = host.http.delete(url(&host)).bearer_auth(&host.token).query(&[("confirm", "Doomed")]);
    let _ = request.header("If-Match", etag).send().await;
    assert_eq!(host.death().await.signal(), Some(9), "{point:?}");

    let host = start(installation, None).await.expect("a restart");
    let give_up = Instant::now() + PATIENCE;
    while host.http.get(url(&host)).bearer_auth(&host.token).send().await.expect("an answer").status() != 404 {
        assert!(Instant::now() < give_up, "{point:?}: the deletion does not go on");
        tokio::time::sleep(LOOK_EVERY).await;
    }
    host.kill();
}

async fn check(
    point: FaultPoint,
    expected: &Expected,
    host: &Host,
    org: &str,
    effects: &Effects,
    seen: &mut Vec<String>,
) {
    let executions = host.executions_once_ended(org).await;
    let fresh: Vec<&Value> =
        executions.iter().filter(|execution| !seen.iter().any(|id| execution["id"] == *id.as_str())).collect();
    assert_eq!(fresh.is_empty(), expected.status.is_none(), "{point:?}: {fresh:?}");
    for execution in fresh {
        let id = execution["id"].as_str().expect("an id");
        assert_eq!(execution["status"].as_str(), expected.status, "{point:?}: {execution}");
        assert!(effects.of(id) <= 1, "{point:?}: {id} acted {} times", effects.of(id));
        if let Some(acted) = expected.acted {
            assert_eq!(effects.of(id) == 1, acted, "{point:?}: {execution}");
        }
        seen.push(id.to_owned());
    }
}
