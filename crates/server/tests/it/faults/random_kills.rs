//! Kills at moments nobody chose.

use super::{
    effects::Effects,
    host::{installation, start},
    seed::{Chance, seed},
};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

/// How often the server is killed.
const ROUNDS: u64 = 6;
/// Callers at once.
const CALLERS: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_at_random_moments_loses_no_accepted_run_and_runs_none_twice() {
    let seed = seed();
    let mut chance = Chance(seed);
    let effects = Effects::listen();
    let installation = installation();
    let first = start(&installation, None).await.expect("a first start");
    let org = first.organization("Contoso").await;
    first.kill();

    let accepted: Arc<Mutex<Vec<String>>> = Arc::default();
    for _ in 0..ROUNDS {
        let host = start(&installation, None).await.expect("a start");
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let prefer = if caller % 2 == 0 { "respond-async" } else { "wait=30" };
                let request = host.run(&org, "act_once", prefer, &json!({ "url": effects.url() }));
                let accepted = accepted.clone();
                tokio::spawn(async move {
                    // Ends when the server is gone.
                    while let Ok(answer) = request.try_clone().expect("the body is in memory").send().await {
                        let named = answer.headers().get("x-execution-id").and_then(|id| id.to_str().ok());
                        let named = named.map(str::to_owned);
                        let body: Value = answer.json().await.unwrap_or_default();
                        let id = named.or_else(|| body["execution_id"].as_str().map(str::to_owned));
                        accepted.lock().expect("no caller panicked").extend(id);
                    }
                })
            })
            .collect();
        tokio::time::sleep(chance.within_ms(800)).await;
        host.kill();
        for caller in callers {
            caller.await.expect("a caller does not panic");
        }
    }

    let host = start(&installation, None).await.expect("a last start");
    let executions = host.executions_once_ended(&org).await;
    let find = |id: &str| executions.iter().find(|execution| execution["id"] == id);
    for id in accepted.lock().expect("no caller panicked").iter() {
        assert!(find(id).is_some(), "seed {seed}: {id} was accepted and is not on record");
    }
    for execution in &executions {
        let id = execution["id"].as_str().expect("an id");
        let acted = effects.of(id);
        let legal = match execution["status"].as_str() {
            Some("Success") => acted == 1,
            Some("Interrupted") => acted <= 1,
            _ => false,
        };
        assert!(legal, "seed {seed}: acted {acted} times: {execution}");
    }
    assert!(executions.iter().any(|execution: &Value| execution["status"] == "Success"), "seed {seed}: nothing ran");
}
