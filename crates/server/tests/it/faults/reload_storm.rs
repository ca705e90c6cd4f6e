//! An author who saves all day, broken files among it, while runs go on: no run fails, none runs what was never saved whole,
//! and nothing is left behind. The short form runs with all tests, the long one by `cargo xtask soak`.

use super::host::{Host, PATIENCE, SERVE, begin};
use crate::support::Installation;
use serde_json::{Value, json};
use std::{
    collections::HashSet,
    fs,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// One save of so many is broken.
const BROKEN_EVERY: usize = 5;
/// Callers that run the workflow without a pause; each for an organization of its own.
const CALLERS: usize = 3;
/// How often it is looked whether a save is served.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// Workers that may be there in the end: one of each organization, and the spares.
const MOST_WORKERS: usize = CALLERS + 3;
/// What the server may hold more after the storm than before: its allocator and caches settle by steps. Two hundred
/// editions that were kept would be several times as much.
const MORE_MEMORY_MIB: f64 = 40.0;
/// Connections, and pipes of workers that come and go.
const MORE_DESCRIPTORS: usize = 32;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forty_saves_under_load_fail_no_run_and_leave_nothing_behind() {
    storm(40).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes long: cargo xtask soak"]
async fn two_hundred_saves_under_load_fail_no_run_and_leave_nothing_behind() {
    storm(200).await;
}

fn version(number: usize) -> String {
    format!(
        "from shared.decorators import workflow\n\n\
         VERSION = {number}\n\n\
         @workflow(name='version', description='version {number}')\n\
         async def version(context):\n    return VERSION\n"
    )
}

/// Saves the workflow: half the saves in place, as most programs do, and half whole, as careful editors do.
fn save(installation: &Installation, number: usize, text: &str) {
    if number % 2 == 1 {
        return installation.write("workflows/version.py", text);
    }
    installation.write("workflows/.version.py", text);
    let folder = installation.workspace().join("workflows");
    fs::rename(folder.join(".version.py"), folder.join("version.py")).expect("saved");
}

async fn storm(saves: usize) {
    let installation = Installation::new();
    save(&installation, 0, &version(0));
    let mut command = installation.msp(&SERVE);
    let started = begin(&installation, command.arg("--watch").stdout(Stdio::null()).stderr(Stdio::null())).await;
    let host = Arc::new(started.expect("it starts"));
    let mut orgs = Vec::new();
    for number in 0..CALLERS {
        let org = host.organization(&format!("Client {number}")).await;
        assert_eq!(run(&host, &org).await.0, 200);
        orgs.push(org);
    }
    let server = host.pid();
    let before = (memory_mib(server), descriptors(server));

    let stop = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = orgs.iter().map(|org| tokio::spawn(call(host.clone(), org.clone(), stop.clone()))).collect();
    let mut served = HashSet::from([metadata(&host).await["bundle"].as_str().expect("a hash").to_owned()]);
    let mut waits = Vec::new();
    for number in 1..=saves {
        let saved = Instant::now();
        if number % BROKEN_EVERY == 0 {
            save(&installation, number, &format!("VERSION = {number}\ndef broken(:\n"));
            let held = until(&host, |seen| !seen["errors"].as_array().expect("errors").is_empty()).await;
            assert!(served.contains(held["bundle"].as_str().expect("a hash")), "{held}");
            assert_eq!(held["workflows"][0]["name"], "version", "what worked keeps serving: {held}");
        } else {
            save(&installation, number, &version(number));
            let wanted = format!("version {number}");
            let seen = until(&host, |seen| seen["workflows"][0]["description"] == wanted.as_str()).await;
            assert_eq!(seen["errors"], json!([]));
            served.insert(seen["bundle"].as_str().expect("a hash").to_owned());
            waits.push(saved.elapsed());
        }
    }
    stop.store(true, Ordering::SeqCst);
    let mut runs = 0;
    for caller in callers {
        for (version, bundle) in caller.await.expect("no run failed") {
            runs += 1;
            assert!(version % BROKEN_EVERY != 0 || version == 0, "version {version} was broken, and ran");
            assert!(served.contains(&bundle), "{bundle} never served");
        }
    }
    waits.sort();
    println!("{runs} runs during {saves} saves; from save to served: median {:?}", waits[waits.len() / 2]);
    println!("the longest {:?}", waits[waits.len() - 1]);
    assert!(runs >= CALLERS, "runs went on");

    let (bundles, workers) = (installation.data().join("engine/bundles"), installation.data().join("engine/tmp"));
    let count = |folder: &std::path::Path| fs::read_dir(folder).expect("listed").count();
    let give_up = Instant::now() + PATIENCE;
    while count(&bundles) > 1 || count(&workers) > MOST_WORKERS || descriptors(server) > before.1 + MORE_DESCRIPTORS {
        let left = (count(&bundles), count(&workers), descriptors(server));
        assert!(Instant::now() < give_up, "left behind: {left:?} copies, workers and descriptors; {before:?} before");
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let after = (memory_mib(server), descriptors(server));
    println!("the server held {before:?} before and {after:?} after, MiB and descriptors");
    assert!(after.0 < before.0 + MORE_MEMORY_MIB, "{before:?} before, {after:?} after");
    assert_eq!(run(&host, &orgs[0]).await.0, 200);
}

/// Runs the workflow again and again; answers the version and the bundle of every run.
async fn call(host: Arc<Host>, org: String, stop: Arc<AtomicBool>) -> Vec<(usize, String)> {
    let mut seen = Vec::new();
    while !stop.load(Ordering::SeqCst) {
        let (status, id, value) = run(&host, &org).await;
        assert_eq!(status, 200, "{value}");
        let version = usize::try_from(value.as_u64().expect("a version")).expect("small");
        let record = host.execution(&org, &id).await;
        assert_eq!(record["status"], "Success", "{record}");
        seen.push((version, record["bundle_hash"].as_str().expect("a hash").to_owned()));
    }
    seen
}

async fn run(host: &Host, org: &str) -> (u16, String, Value) {
    let answer = host.run(org, "version", "wait=60", &json!({})).send().await.expect("an answer");
    let status = answer.status().as_u16();
    let id = answer.headers().get("x-execution-id").map_or("", |id| id.to_str().expect("text")).to_owned();
    (status, id, answer.json().await.expect("JSON"))
}

async fn metadata(host: &Host) -> Value {
    let request = host.http.get(format!("{}/admin/metadata", host.url)).bearer_auth(&host.token);
    request.send().await.expect("an answer").json().await.expect("JSON")
}

async fn until(host: &Host, wanted: impl Fn(&Value) -> bool) -> Value {
    let give_up = Instant::now() + PATIENCE;
    loop {
        let seen = metadata(host).await;
        if wanted(&seen) {
            return seen;
        }
        assert!(Instant::now() < give_up, "it stays like this: {seen}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn memory_mib(server: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{server}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
    line.split_whitespace().next().and_then(|kib| kib.parse::<f64>().ok()).expect("a number") / 1024.0
}

fn descriptors(server: u32) -> usize {
    fs::read_dir(format!("/proc/{server}/fd")).expect("it runs").count()
}
