//! One organization that queues more than it will ever get done, and another that has work to do.

use super::host::{Host, LOOK_EVERY, PATIENCE, start};
use crate::support::Installation;
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

const WORKFLOWS: &str = r#"
import asyncio
from shared.decorators import workflow

@workflow(name="endless")
async def endless(context):
    await asyncio.sleep(3600)

@workflow(name="quick")
async def quick(context):
    return context.org.name
"#;

/// Executions of one organization that the dispatcher lets fly at once while nobody else's do (half of its 128 places).
const SHARE: usize = 64;
/// Executions of one organization that may be pending (docs/problems/engine-saturated.md).
const MOST_PENDING: usize = 2_000;
const CALLERS: usize = 16;

/// Queues so many endless runs; answers how many were accepted.
async fn flood(host: &Arc<Host>, org: &str, count: usize) -> usize {
    let (left, accepted) = (Arc::new(AtomicUsize::new(count)), Arc::new(AtomicUsize::new(0)));
    let callers = (0..CALLERS).map(|_| {
        let (host, org) = (Arc::clone(host), org.to_owned());
        let (left, accepted) = (Arc::clone(&left), Arc::clone(&accepted));
        tokio::spawn(async move {
            while left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
                let answer = host.run(&org, "endless", "respond-async", &json!({})).send().await.expect("an answer");
                match answer.status().as_u16() {
                    202 => accepted.fetch_add(1, Ordering::SeqCst),
                    503 => continue,
                    other => panic!("answered {other}"),
                };
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.expect("no panic");
    }
    accepted.load(Ordering::SeqCst)
}

fn of_status<'a>(executions: &'a [Value], status: &str) -> Vec<&'a Value> {
    executions.iter().filter(|execution| execution["status"] == status).collect()
}

/// The executions of the flood, once its share of them flies.
async fn once_flying(host: &Host, org: &str) -> Vec<Value> {
    let give_up = Instant::now() + PATIENCE;
    loop {
        let executions = host.executions(org).await;
        if of_status(&executions, "Running").len() == SHARE {
            return executions;
        }
        assert!(Instant::now() < give_up, "{} run", of_status(&executions, "Running").len());
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organization_that_floods_the_queue_delays_nobody_and_is_refused_at_its_bound_before_any_record() {
    let installation = Installation::new();
    installation.write("workflows/all.py", WORKFLOWS);
    let host = Arc::new(start(&installation, None).await.expect("it starts"));
    let (greedy, other) = (host.organization("Contoso").await, host.organization("Fabrikam").await);

    assert_eq!(flood(&host, &greedy, 1_000).await, 1_000);
    // None of them will ever end: whoever had to wait for one would wait for ever.
    for _ in 0..3 {
        let id = host.start_run(&other, "quick", &json!({})).await;
        host.execution_once(&other, &id, |execution| execution["status"] == "Success").await;
        let answer = host.run(&other, "quick", "wait=60", &json!({})).send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
    }
    let executions = once_flying(&host, &greedy).await;
    assert_eq!(of_status(&executions, "Pending").len(), 1_000 - SHARE);

    let accepted = flood(&host, &greedy, 1_200).await;
    assert_eq!(1_000 + accepted, SHARE + MOST_PENDING);
    let refused = host.run(&greedy, "endless", "respond-async", &json!({})).send().await.expect("an answer");
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    let problem: Value = refused.json().await.expect("JSON");
    assert_eq!(problem["type"], "/problems/engine-saturated", "{problem}");
    let executions = host.executions(&greedy).await;
    assert_eq!(executions.len(), SHARE + MOST_PENDING, "what is refused is not on record");
    // The bound is the flood's own.
    let id = host.start_run(&other, "quick", &json!({})).await;
    host.execution_once(&other, &id, |execution| execution["status"] == "Success").await;

    // A place that comes free is a place for one.
    let pending = of_status(&executions, "Pending")[0]["id"].as_str().expect("an id").to_owned();
    let cancel = host.http.post(format!("{}/api/executions/{pending}/cancel", host.url));
    let cancelled = cancel.bearer_auth(&host.token).header("X-Organization-Id", &greedy).send().await;
    assert_eq!(cancelled.expect("an answer").status(), 202);
    assert_eq!(flood(&host, &greedy, 3).await, 1);

    // Accepted runs outlive the server, and still take turns with what comes.
    Arc::into_inner(host).expect("nobody else holds it").kill();
    let host = Arc::new(start(&installation, None).await.expect("a restart"));
    let id = host.start_run(&other, "quick", &json!({})).await;
    host.execution_once(&other, &id, |execution| execution["status"] == "Success").await;
    let executions = once_flying(&host, &greedy).await;
    assert_eq!(of_status(&executions, "Interrupted").len(), SHARE, "what ran when the server died");
    assert_eq!(of_status(&executions, "Pending").len(), MOST_PENDING - SHARE);
}
