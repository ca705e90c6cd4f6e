//! A day's work in minutes: callers of several organizations, workers that are killed, a workspace that changes, servers
//! that are killed. Nothing that was accepted is lost, every run ends, and the server holds no more at the end than in
//! the middle. The short form runs with all tests, the long one by `cargo xtask soak`.

mod figures;
mod load;

use super::{
    host::{Host, SERVE, begin},
    seed::{Chance, seed},
};
use crate::support::Installation;
use figures::Figures;
use load::{Load, call};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    collections::HashMap,
    env,
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};

const CALLERS: u64 = 12;
const ORGANIZATIONS: usize = 6;
/// How often the server is looked at, and something may happen to it.
const LOOK: Duration = Duration::from_millis(250);
/// The token of the callers is renewed after this long: it holds for an hour.
const SHIFT: Duration = Duration::from_secs(30 * 60);
/// A worker is killed only when it has been seen this often: one that dies while it loads says that the workspace is
/// broken, which is another test.
const SEEN: usize = 8;
/// Below, memory has not settled, and is only printed.
const SETTLED: u64 = 20_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_some_hundred_runs_nothing_is_lost_and_nothing_grows() {
    soak(800, None, 2).await;
}

/// `SOAK_RUNS` or `SOAK_MINUTES` say how much.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes long: cargo xtask soak"]
async fn in_a_hundred_thousand_runs_nothing_is_lost_and_nothing_grows() {
    let number = |name: &str| env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let minutes = number("SOAK_MINUTES").map(|minutes| Duration::from_secs(60 * minutes));
    let runs = number("SOAK_RUNS").unwrap_or(if minutes.is_some() { u64::MAX } else { 100_000 });
    soak(runs, minutes, 10).await;
}

/// So many requests, within so much time; then the server is killed so many times under load.
async fn soak(runs: u64, at_most: Option<Duration>, kills: u64) {
    let seed = seed();
    let began = Instant::now();
    let installation = Installation::new();
    installation.write("workflows/steady.py", include_str!("steady.py"));
    installation.write("workflows/changing.py", "VERSION = 0\n");
    let mut host = serve(&installation).await;
    let mut orgs = Vec::new();
    for number in 0..ORGANIZATIONS {
        orgs.push(host.organization(&format!("Client {number}")).await);
    }
    let load = Arc::new(Load::new(orgs, seed, runs));
    let mut chance = Chance(seed.wrapping_add(1));
    let mut figures = Figures::default();
    let mut round = 0;
    loop {
        let shift_ends = Instant::now() + SHIFT;
        host = work(host, &load, round, async |server| {
            let over = at_most.is_some_and(|most| began.elapsed() > most);
            disturb(&installation, &mut figures, &mut chance, server);
            over || Instant::now() > shift_ends
        })
        .await;
        round += 1;
        let done = runs - load.left();
        if load.left() == 0 || at_most.is_some_and(|most| began.elapsed() > most) {
            let seconds = began.elapsed().as_secs_f64();
            println!("{done} requests by {CALLERS} callers for {ORGANIZATIONS} organizations in {seconds:.0} s");
            figures.conclude(seed, done >= SETTLED);
            break;
        }
        host.token = installation.succeed(&["token"]);
    }
    for _ in 0..kills {
        load.allow(u64::MAX);
        let kill_at = Instant::now() + chance.within_ms(3_000);
        host = work(host, &load, round, async |server| {
            let now = Instant::now() > kill_at;
            if now {
                load.expect_the_worst();
                kill(Pid::from_raw(server.cast_signed()), Signal::SIGKILL).expect("it runs");
            }
            now
        })
        .await;
        round += 1;
        drop(host);
        host = serve(&installation).await;
    }
    println!("the server was killed {kills} times; answers: {:?}", load.answers());
    check(&host, &load, seed).await;
    println!("everything took {:.0} s", began.elapsed().as_secs_f64());
}

async fn serve(installation: &Installation) -> Host {
    let mut command = installation.msp(&[&SERVE[..], &["--watch"]].concat());
    let command = command.stdout(Stdio::null()).stderr(Stdio::null());
    begin(installation, command).await.expect("a server")
}

/// Lets callers work until nothing is left, or `look` says that it is enough.
async fn work(host: Host, load: &Arc<Load>, round: u64, mut look: impl AsyncFnMut(u32) -> bool) -> Host {
    let host = Arc::new(host);
    load.resume();
    let callers: Vec<_> =
        (0..CALLERS).map(|caller| tokio::spawn(call(host.clone(), load.clone(), round * CALLERS + caller))).collect();
    while !callers.iter().all(tokio::task::JoinHandle::is_finished) {
        if look(host.pid()).await {
            load.pause();
            break;
        }
        tokio::time::sleep(LOOK).await;
    }
    for caller in callers {
        caller.await.expect("a caller does not panic");
    }
    Arc::into_inner(host).expect("every caller has ended")
}

/// Looks, and now and then kills a worker or saves the workspace.
fn disturb(installation: &Installation, figures: &mut Figures, chance: &mut Chance, server: u32) {
    figures.look(server);
    let old = figures.workers_seen(SEEN, server);
    match chance.below(12) {
        0 if !old.is_empty() => {
            let index = usize::try_from(chance.below(old.len() as u64)).expect("few");
            // It may have ended by itself since.
            let _ = kill(Pid::from_raw(old[index].cast_signed()), Signal::SIGKILL);
            figures.killed += 1;
        }
        1 => {
            installation.write("workflows/changing.py", &format!("VERSION = {}\n", chance.below(1_000_000)));
            figures.saved += 1;
        }
        _ => {}
    }
}

/// Every accepted run is on record, and every run on record has ended.
async fn check(host: &Host, load: &Load, seed: u64) {
    let mut known = HashMap::new();
    for org in &load.orgs {
        for execution in host.executions_once_ended(org).await {
            let field = |name: &str| execution[name].as_str().expect("a text").to_owned();
            let legal: &[&str] = match execution["workflow_name"].as_str() {
                Some("works" | "works_plainly") => &["Success", "Interrupted"],
                Some("reports" | "raises") => &["Failed", "Interrupted"],
                // Nobody cancels one whose server was killed before the cancellation arrived.
                _ => &["Cancelled", "Interrupted", "Success"],
            };
            let status = field("status");
            assert!(legal.contains(&status.as_str()), "seed {seed}: {execution}");
            assert!(known.insert(field("id"), status).is_none(), "seed {seed}: listed twice: {execution}");
        }
    }
    let accepted = load.accepted();
    for id in &accepted {
        assert!(known.contains_key(id), "seed {seed}: {id} was accepted and is not on record");
    }
    let interrupted = known.values().filter(|status| *status == "Interrupted").count();
    println!("{} executions on record, {} of them answered, {interrupted} interrupted", known.len(), accepted.len());
}
