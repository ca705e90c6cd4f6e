//! The same request a hundred times at once.

use super::{
    effects::Effects,
    host::{installation, start},
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_identical_requests_at_once_are_one_run_with_one_answer() {
    let effects = Effects::listen();
    let installation = installation();
    let host = start(&installation, None).await.expect("a start");
    let org = host.organization("Contoso").await;
    let input = json!({ "url": effects.url() });
    for prefer in ["wait=60", "respond-async"] {
        let request = || host.run(&org, "act_once", prefer, &input).header("Idempotency-Key", prefer);
        let answers = futures::future::join_all((0..100).map(|_| request().send())).await;
        let mut told = BTreeSet::new();
        for answer in answers {
            let answer = answer.expect("an answer");
            let status = answer.status().as_u16();
            let id = answer.headers()["x-execution-id"].to_str().expect("an id").to_owned();
            let body: Value = answer.json().await.expect("JSON");
            // Asynchronous ones may be told how far it is by now.
            let body = if prefer == "respond-async" { body["execution_id"].clone() } else { body };
            told.insert((status, id, body.to_string()));
        }
        let [(status, id, body)] = &told.into_iter().collect::<Vec<_>>()[..] else { panic!("answers differ") };
        assert_eq!(*status, if prefer == "respond-async" { 202 } else { 200 }, "{body}");
        host.execution_once(&org, id, super::host::is_final).await;
        assert_eq!(effects.of(id), 1, "{prefer}");
    }
    assert_eq!(host.executions_once_ended(&org).await.len(), 2);
}
