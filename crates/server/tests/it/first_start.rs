//! The first start, signing in, and starting again.

use crate::support::{Installation, repository};
use reqwest::Method;
use serde_json::json;
use std::{fs, os::unix::fs::PermissionsExt as _};

fn token_of(link: &str) -> &str {
    link.split_once('#').expect("a token in the fragment").1
}

#[tokio::test]
async fn the_first_start_prints_a_link_that_signs_the_administrator_in_once() {
    let installation = Installation::new();
    let server = installation.serve();
    let link = server.link().expect("a link");
    assert!(link.starts_with(&server.url), "{link}");
    assert!(!server.process.stderr().contains(token_of(&link)), "the link is in the log");

    let redeem = || server.request(Method::POST, "/api/auth/link").json(&json!({ "token": token_of(&link) })).send();
    let first = redeem().await.expect("an answer");
    assert_eq!(first.status(), 204);
    let cookie = first.headers()["set-cookie"].to_str().expect("text").split(';').next().expect("a pair").to_owned();
    let me = server.request(Method::GET, "/api/me").header("cookie", &cookie).send().await.expect("an answer");
    assert_eq!(me.status(), 200);
    assert_eq!(redeem().await.expect("an answer").status(), 401);

    // Somebody has signed in: no later start prints a link, but one can be had.
    assert!(server.process.stop().success());
    let again = installation.serve();
    assert_eq!(again.link(), None);
    let link = installation.succeed(&["user", "link"]);
    assert!(link.starts_with(&again.url), "{link}");
}

#[tokio::test]
async fn a_token_works_and_data_survives_a_restart() {
    let installation = Installation::new();
    let server = installation.serve();
    let token = installation.succeed(&["token"]);
    assert_eq!(token.lines().count(), 1);
    let create = server
        .request(Method::POST, "/api/organizations")
        .bearer_auth(&token)
        .json(&json!({ "name": "Adatum" }))
        .send()
        .await
        .expect("an answer");
    assert_eq!(create.status(), 201);
    assert!(server.process.stop().success());
    assert!(!installation.data().join("server.json").exists(), "a stopped server is still announced");

    let server = installation.serve();
    let (status, organizations) = server.get(&token, "/api/organizations").await;
    assert_eq!(status, 200);
    assert_eq!(organizations["items"][0]["name"], "Adatum");
    assert_eq!(server.request(Method::GET, "/api/me").send().await.expect("an answer").status(), 401);
}

#[tokio::test]
async fn what_the_server_writes_beside_the_engine_is_for_its_owner_only() {
    let installation = Installation::new();
    let _server = installation.serve();
    installation.succeed(&["seed"]);
    let mode = |name: &str| {
        let data = fs::metadata(installation.data().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        data.permissions().mode() & 0o777
    };
    assert_eq!(mode("server.json"), 0o600);
    assert_eq!(mode("simulator"), 0o700);
    for file in fs::read_dir(installation.data().join("simulator")).expect("the simulator's folder") {
        assert_eq!(file.expect("a file").metadata().expect("its mode").permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(mode("engine") & 0o011, 0o011, "workers of another user pass through");
    assert_eq!(mode("") & 0o011, 0o011, "and through the folder around it");
}

#[tokio::test]
async fn a_user_added_on_the_command_line_holds_exactly_the_granted_rights() {
    let installation = Installation::new();
    let server = installation.serve();
    let admin = installation.succeed(&["token"]);
    let create = server.request(Method::POST, "/api/organizations").bearer_auth(&admin);
    create.json(&json!({ "name": "Adatum" })).send().await.expect("an answer").error_for_status().expect("created");

    let add = ["user", "add", "tess@msp.example", "--name", "Tess", "--grant"];
    let refused = installation.run(&[&add[..], &["Adatum=execute_workflow"]].concat());
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("did you mean execute_workflows?"), "{}", refused.stderr);
    for (email, name) in [("tess", "Tess"), ("tess@localhost", "Tess"), ("tess@msp.example", "Te\u{202e}ss")] {
        let refused = installation.run(&["user", "add", email, "--name", name]);
        assert_eq!(refused.code, Some(2), "{email:?} {name:?}: {}", refused.stderr);
    }
    installation.succeed(&[&add[..], &["Adatum=execute_workflows,view_history"]].concat());
    assert!(installation.succeed(&["user", "list"]).contains("tess@msp.example"));

    let token = installation.succeed(&["token", "--user", "tess@msp.example"]);
    let (_, me) = server.get(&token, "/api/me").await;
    assert_eq!(me["user"]["email"], "tess@msp.example");
    assert_eq!(me["is_administrator"], false);
    let permissions = &me["organizations"][0]["permissions"];
    assert_eq!(
        permissions,
        &json!({ "execute_workflows": true, "manage_config": false, "manage_forms": false, "view_history": true })
    );
}

#[tokio::test]
async fn the_program_serves_the_client_it_was_built_with_or_says_how_to_build_one() {
    let installation = Installation::new();
    let server = installation.serve();
    let page = server.request(Method::GET, "/o/all/home").header("accept", "text/html").send().await;
    let page = page.expect("an answer").error_for_status().expect("a page").text().await.expect("text");
    match fs::read_to_string(repository().join("client/dist/index.html")) {
        Ok(built) => assert_eq!(page, built, "the client was built after the program"),
        Err(_) => assert!(page.contains("cargo xtask run"), "{page}"),
    }
}
