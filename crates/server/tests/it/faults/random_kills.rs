//! Kills at moments nobody chose.

use super::{
    effects::Effects,
    host::{installation, start},
};
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// How often the server is killed.
const ROUNDS: u64 = 6;
/// Callers at once.
const CALLERS: usize = 4;

/// A small generator (SplitMix64), so that a printed seed repeats the moments.
struct Moments(u64);

impl Moments {
    fn next(&mut self, below_ms: u64) -> Duration {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        Duration::from_millis((z ^ (z >> 31)) % below_ms)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_at_random_moments_loses_no_accepted_run_and_runs_none_twice() {
    let seed = std::env::var("FAULT_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| u64::from(since.subsec_nanos()))
    });
    println!("repeat with FAULT_SEED={seed}");
    let mut moments = Moments(seed);
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
        tokio::time::sleep(moments.next(800)).await;
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
