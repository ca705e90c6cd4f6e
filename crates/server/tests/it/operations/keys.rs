//! `msp secrets rotate-key`.

use super::{beside, kept_key};
use crate::{
    faults::host::{Host, installation, start},
    support::Installation,
};
use serde_json::{Value, json};
use std::fs;

const READING: &str = r#"
from shared.decorators import workflow

@workflow(description="Says how long a secret is")
async def measure(context):
    return {"length": len(await context.secrets.get("api_key"))}
"#;

async fn set_secret(host: &Host, org: &str) {
    let url = format!("{}/api/organizations/{org}/secrets/api_key", host.url);
    let request = host.http.put(url).bearer_auth(&host.token).header("X-Organization-Id", org);
    let answer = request.json(&json!({ "value": "a secret of 25 characters" })).send().await.expect("an answer");
    assert!(answer.status().is_success(), "{answer:?}");
}

/// Runs the workflow under an idempotency key; answers the execution's id and what it returned.
async fn measure(host: &Host, org: &str, idempotency_key: &str) -> (String, Value) {
    let request = host.run(org, "measure", "wait=60", &json!({})).header("Idempotency-Key", idempotency_key);
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let id = answer.headers()["x-execution-id"].to_str().expect("text").to_owned();
    (id, answer.json().await.expect("JSON"))
}

#[tokio::test]
async fn after_another_key_secrets_work_old_tokens_do_not_and_requests_sent_again_start_nothing() {
    let installation = installation();
    installation.write("workflows/reading.py", READING);
    let host = start(&installation, None).await.expect("a start");
    let org = host.organization("Contoso").await;
    set_secret(&host, &org).await;
    let (first, _) = measure(&host, &org, "once").await;

    let refused = installation.run(&["secrets", "rotate-key"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("another engine"), "{}", refused.stderr);
    let (_, earlier) = beside(&installation, "earlier");
    installation.succeed(&["backup", &earlier]);
    let old_token = host.token.clone();
    host.kill();
    let old_key = kept_key(&installation);

    let printed = installation.succeed(&["secrets", "rotate-key"]);
    let new_key = installation.data().join("master.key");
    for part in ["3 secrets", "old key is kept nowhere", "msp backup", "refused", new_key.to_str().expect("text")] {
        assert!(printed.contains(part), "{part} is not in:\n{printed}");
    }
    assert_ne!(fs::read(&new_key).expect("the key"), fs::read(&old_key).expect("the key"));

    installation.succeed(&["audit", "verify"]);
    let host = start(&installation, None).await.expect("a start");
    assert_eq!(measure(&host, &org, "another").await.1, json!({ "length": 25 }));
    assert_eq!(measure(&host, &org, "once").await.0, first, "a request that was sent again started a second run");
    let answer = host.http.get(format!("{}/api/me", host.url)).bearer_auth(old_token).send().await.expect("an answer");
    assert_eq!(answer.status(), 401);
    drop(host);

    let other = Installation::new();
    let wrong = other.run(&["restore", &earlier, "--key", new_key.to_str().expect("text")]);
    assert!(wrong.stderr.contains("is not the one this database was made with"), "{}", wrong.stderr);
    other.succeed(&["restore", &earlier, "--key", &old_key]);
}

#[tokio::test]
async fn a_key_that_is_kept_elsewhere_is_changed_where_it_is() {
    let installation = installation();
    installation.write("workflows/reading.py", READING);
    let host = start(&installation, None).await.expect("a start");
    let org = host.organization("Contoso").await;
    set_secret(&host, &org).await;
    host.kill();
    let (key, text) = beside(&installation, "moved.key");
    fs::rename(installation.data().join("master.key"), &key).expect("moved");
    let before = fs::read(&key).expect("the key");
    let rotated = installation.msp(&["secrets", "rotate-key"]).env("MSP_MASTER_KEY_FILE", &text).output();
    let rotated = rotated.expect("it starts");
    assert!(rotated.status.success(), "{rotated:?}");
    assert_ne!(fs::read(&key).expect("the key"), before);
    fs::rename(&key, installation.data().join("master.key")).expect("moved back");
    let host = start(&installation, None).await.expect("a start");
    assert_eq!(measure(&host, &org, "once").await.1, json!({ "length": 25 }));
}
