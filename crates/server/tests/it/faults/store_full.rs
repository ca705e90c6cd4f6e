//! A disk without room. The limit on the size of files stands in for it: it can be lowered and raised while the server
//! runs, needs no rights, and makes every write of database, blobs and log file fail, as a full disk does.

use super::{
    effects::Effects,
    host::{Host, SERVE, begin, installation, is_final},
};
use crate::support::Installation;
use serde_json::{Value, json};
use std::{
    fs::{self, File},
    os::unix::fs::PermissionsExt as _,
    process::Command,
};

/// A command that outlives writing beyond the limit, as it would outlive a full disk. Its log is a file, which the limit
/// meets as well.
fn surviving(installation: &Installation) -> Command {
    let msp = installation.msp(&SERVE);
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(msp.get_program()).args(msp.get_args());
    for (name, value) in msp.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let log = File::create(installation.workspace().with_file_name("server.log")).expect("a log");
    command.current_dir(installation.workspace()).stdout(log.try_clone().expect("a copy")).stderr(log);
    command
}

/// Leaves no room for anything, or all of it.
fn room(host: &Host, limit: &str) {
    let of = format!("--pid={}", host.pid());
    let done = Command::new("prlimit").args([&of, &format!("--fsize={limit}:unlimited")]).status();
    assert!(done.expect("prlimit is part of every Linux").success());
}

async fn refusal(request: reqwest::RequestBuilder) -> Value {
    let answer = request.send().await.expect("an answer");
    let status = answer.status();
    let body: Value = answer.json().await.expect("JSON");
    assert_eq!((status.as_u16(), &body["type"]), (507, &json!("/problems/store-full")), "{body}");
    body
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_new_runs_with_nothing_half_done_and_the_server_recovers_by_itself() {
    let effects = Effects::listen();
    let installation = installation();
    let host = begin(&installation, &mut surviving(&installation)).await.expect("a start");
    let org = host.organization("Contoso").await;
    let act = json!({ "url": effects.url() });
    let first = host.run(&org, "act_once", "wait=30", &act).send().await.expect("an answer");
    assert_eq!(first.status(), 200);
    let talking = host.start_run(&org, "act_and_talk", &act).await;
    host.execution_once(&org, &talking, |_| effects.of(&talking) == 1).await;
    let blobs = files(&installation, "blobs");

    room(&host, "1");
    for prefer in ["wait=30", "respond-async"] {
        let refused = refusal(host.run(&org, "act_once", prefer, &act)).await;
        assert_eq!(refused["detail"], Value::Null, "nothing internal is told: {refused}");
        refusal(host.run(&org, "take", prefer, &json!({ "text": "y".repeat(100_000) }))).await;
    }
    let organization = host.http.post(format!("{}/api/organizations", host.url)).bearer_auth(&host.token);
    refusal(organization.json(&json!({ "name": "Fabrikam" }))).await;
    let upload = host.http.post(format!("{}/api/uploads?name=a.csv", host.url)).bearer_auth(&host.token);
    refusal(upload.header("X-Organization-Id", &org).body("name,email")).await;
    // Reads go on, and so does what needs no record. Neither probe fails: starting again would not help.
    assert_eq!(host.execution(&org, &talking).await["status"], "Running");
    for path in ["/healthz", "/readyz", "/api/executions", "/api/organizations", "/options/sizes"] {
        let request = host.http.get(format!("{}{path}", host.url)).bearer_auth(&host.token);
        let answer = request.header("X-Organization-Id", &org).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{path}");
    }
    // The run that talks has come to its end meanwhile, which cannot be written.
    let log = || fs::read_to_string(installation.workspace().with_file_name("server.log")).expect("the log");
    assert!(!log().contains("panicked"), "{}", log());
    let at_its_end = format!("{talking}-has-ended");
    host.execution_once(&org, &talking, |_| effects.of(&at_its_end) == 1).await;
    assert_eq!(host.execution(&org, &talking).await["status"], "Running");
    assert_eq!(files(&installation, "blobs"), blobs, "a refused run left a blob, or half of one");

    room(&host, "unlimited");
    let ended = host.execution_once(&org, &talking, is_final).await;
    assert_eq!((&ended["status"], &ended["result"]["lines"]), (&json!("Success"), &json!(40)), "{ended}");
    for line in 1..=40 {
        let line = format!("line {line}");
        assert!(host.log_containing(&org, &talking, &line).await.is_some(), "{line} is lost");
    }
    let again = host.run(&org, "act_once", "wait=30", &act).send().await.expect("an answer");
    assert_eq!(again.status(), 200, "the same server runs again");
    let queued = host.start_run(&org, "act_once", &act).await;
    assert_eq!(host.execution_once(&org, &queued, is_final).await["status"], "Success");
    let all = host.executions_once_ended(&org).await;
    assert_eq!(all.len(), 4, "what was refused is not on record: {all:?}");
    assert!(all.iter().all(|run| effects.of(run["id"].as_str().expect("an id")) == 1), "{all:?}");
    assert!(!log().contains("panicked"), "{}", log());

    // What is under way when the server dies on a full disk ends as interrupted.
    let lost = host.start_run(&org, "act_and_talk", &act).await;
    host.execution_once(&org, &lost, |_| effects.of(&lost) == 1).await;
    room(&host, "1");
    host.kill();
    let host = begin(&installation, &mut surviving(&installation)).await.expect("a restart");
    assert_eq!(host.execution_once(&org, &lost, is_final).await["status"], "Interrupted");
    host.kill();
}

fn files(installation: &Installation, folder: &str) -> usize {
    fn count(folder: &std::path::Path) -> usize {
        let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
        entries.map(|entry| if entry.path().is_dir() { count(&entry.path()) } else { 1 }).sum()
    }
    count(&installation.data().join(folder))
}

#[test]
fn a_data_folder_that_may_not_be_written_is_named_at_the_start() {
    let installation = installation();
    assert!(installation.serve().process.stop().success());
    let readonly = |mode| {
        for entry in fs::read_dir(installation.data()).expect("a folder").filter_map(Result::ok) {
            if entry.path().is_file() {
                fs::set_permissions(entry.path(), fs::Permissions::from_mode(mode)).expect("ours");
            }
        }
        let folder = if mode == 0o400 { 0o500 } else { 0o700 };
        fs::set_permissions(installation.data(), fs::Permissions::from_mode(folder)).expect("ours");
    };
    readonly(0o400);
    let msp = installation.msp(&SERVE);
    // Root writes wherever it likes unless it gives that up.
    let mut command = Command::new(if nix::unistd::Uid::effective().is_root() { "setpriv" } else { "env" });
    if nix::unistd::Uid::effective().is_root() {
        command.args([
            "--bounding-set",
            "-dac_override,-dac_read_search",
            "--inh-caps",
            "-dac_override,-dac_read_search",
        ]);
    }
    command.arg(msp.get_program()).args(msp.get_args());
    let output = command.current_dir(installation.workspace()).output().expect("it starts");
    readonly(0o600);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let data = installation.data().display().to_string();
    assert!(said.contains(&data) && said.lines().count() < 5, "{said}");
}
