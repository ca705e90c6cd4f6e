//! A server that is stopped, not dead.

use super::{
    effects::Effects,
    host::{SERVE, installation, is_final, start},
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_server_is_stopped_no_other_takes_its_data_and_afterwards_its_runs_go_on() {
    let effects = Effects::listen();
    let installation = installation();
    let host = start(&installation, None).await.expect("a start");
    let org = host.organization("Contoso").await;
    let wait = json!({ "url": effects.url(), "seconds": 1 });
    let run = host.start_run(&org, "act_and_wait", &wait).await;
    host.execution_once(&org, &run, |_| effects.of(&run) == 1).await;
    let pid = Pid::from_raw(host.pid().cast_signed());
    kill(pid, Signal::SIGSTOP).expect("it runs");
    let second = installation.run(&SERVE);
    kill(pid, Signal::SIGCONT).expect("it is there");
    assert_eq!(second.code, Some(1), "{second:?}");
    assert!(second.stderr.contains(&pid.to_string()), "the one that holds it is named: {second:?}");
    assert_eq!(host.execution_once(&org, &run, is_final).await["status"], "Success");
    assert_eq!(effects.of(&run), 1);
}
