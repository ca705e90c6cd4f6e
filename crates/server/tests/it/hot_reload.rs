//! `msp serve --watch`: what authors save is served at once, and what they break is not.

use crate::support::{Installation, Server};
use serde_json::{Value, json};
use std::fs;

fn greeting(words: &str) -> String {
    format!(
        "from shared.decorators import workflow\n\n\
         @workflow(name='greeting', description='{words}', requires_org=False)\n\
         async def greeting():\n    return '{words}'\n"
    )
}

/// A server that watches, and an administrator's token.
fn watching(installation: &Installation) -> (Server, String) {
    installation.write("workflows/greeting.py", &greeting("one"));
    let server = installation.serve_with(&["--listen", "127.0.0.1:0", "--watch"]);
    server.wait_until_ready();
    let token = installation.succeed(&["token"]);
    (server, token)
}

async fn metadata(server: &Server, token: &str) -> Value {
    let (status, metadata) = server.get(token, "/admin/metadata").await;
    assert_eq!(status, 200, "{metadata}");
    metadata
}

/// Waits until the metadata is as wanted.
async fn until(server: &Server, token: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..6000 {
        let metadata = metadata(server, token).await;
        if wanted(&metadata) {
            return metadata;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("{what} did not happen:\n{}", server.process.stderr());
}

/// The value a run returns, and its record.
async fn run(server: &Server, token: &str) -> (Value, Value) {
    let request = server.request(reqwest::Method::POST, "/workflows/greeting");
    let answer = request.bearer_auth(token).json(&json!({})).send().await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 200);
    let id = answer.headers()["x-execution-id"].to_str().expect("an id").to_owned();
    let value = answer.json().await.expect("JSON");
    (value, server.get(token, &format!("/api/executions/{id}")).await.1)
}

#[tokio::test]
async fn a_saved_file_is_served_a_broken_one_is_named_and_held_back_and_runs_name_their_bundle() {
    let installation = Installation::new();
    let (server, token) = watching(&installation);
    let (value, record) = run(&server, &token).await;
    let first = metadata(&server, &token).await["bundle"].clone();
    assert_eq!((value, &record["bundle_hash"]), (json!("one"), &first));

    installation.write("workflows/greeting.py", &greeting("two"));
    let changed = until(&server, &token, "the new version", |seen| seen["bundle"] != first).await;
    assert_eq!(changed["workflows"][0]["description"], "two");
    let (value, record) = run(&server, &token).await;
    assert_eq!((value, &record["bundle_hash"]), (json!("two"), &changed["bundle"]));

    installation.write("workflows/greeting.py", "def broken(:\n");
    let held = until(&server, &token, "the error", |seen| seen["errors"][0]["file"] == "workflows/greeting.py").await;
    assert_eq!((&held["bundle"], &held["errors"][0]["line"]), (&changed["bundle"], &json!(1)));
    assert_eq!(held["workflows"], changed["workflows"]);
    assert_eq!(run(&server, &token).await.0, "two");
    assert!(server.process.stderr().contains("A change is held back"), "{}", server.process.stderr());

    // `check` looks at the files as they are, beside the server and without disturbing it.
    assert_eq!(installation.run(&["workflows", "check"]).code, Some(1));
    installation.write("workflows/greeting.py", &greeting("three"));
    let mended = until(&server, &token, "the mended version", |seen| seen["bundle"] != changed["bundle"]).await;
    assert_eq!(mended["errors"], json!([]));
    assert_eq!(run(&server, &token).await.0, "three");
    assert_eq!(installation.run(&["workflows", "check"]).code, Some(0));
    let copies = installation.data().join("engine/bundles");
    server
        .process
        .wait_for("earlier copies are removed", || (fs::read_dir(&copies).expect("listed").count() == 1).then_some(()));
    assert_eq!(run(&server, &token).await.0, "three");
}

#[test]
fn without_watching_a_server_serves_what_it_loaded() {
    let installation = Installation::new();
    installation.write("workflows/greeting.py", &greeting("one"));
    installation.succeed(&["seed"]);
    let _server = installation.serve();
    installation.write("workflows/greeting.py", &greeting("two"));
    for org in [None, Some("Contoso")] {
        let mut arguments = vec!["workflows", "run", "greeting"];
        arguments.extend(org.iter().flat_map(|org| ["--org", org]));
        // The second is the first run of its organization, in another process than the first.
        assert_eq!(installation.succeed(&arguments), "\"one\"");
    }
}
