//! What operators do with an installation: back it up, put it back.

mod audits;
mod backups;
mod keys;
mod long_logs;
mod repairs;
mod restores;

use crate::{faults::host::Host, support::Installation};
use serde_json::{Value, json};
use std::{fs, path::PathBuf};

/// A workflow whose result is too large for a row.
const LARGE: &str = r#"
from shared.decorators import workflow

@workflow(description="Answers a lot", requires_org=False)
async def answer_much(context, text: str):
    return {"text": text * 40_000}
"#;

fn installation() -> Installation {
    let installation = crate::faults::host::installation();
    installation.write("workflows/large.py", LARGE);
    installation
}

/// A place for a backup, beside the data folder.
fn beside(installation: &Installation, name: &str) -> (PathBuf, String) {
    let path = installation.data().with_file_name(name);
    let text = path.to_str().expect("a readable path").to_owned();
    (path, text)
}

/// A key file kept apart from the backup.
fn kept_key(installation: &Installation) -> String {
    let (path, text) = beside(installation, "kept.key");
    fs::copy(installation.data().join("master.key"), path).expect("the key");
    text
}

/// The whole result of an execution, wherever it is stored.
async fn result(host: &Host, org: &str, id: &str) -> Value {
    let execution = host.execution(org, id).await;
    match execution["result_url"].as_str() {
        Some(url) => {
            let request = host.http.get(format!("{}{url}", host.url)).bearer_auth(&host.token);
            request.header("X-Organization-Id", org).send().await.expect("an answer").json().await.expect("JSON")
        }
        None => execution["result"].clone(),
    }
}

/// Runs the large workflow and answers the execution's id once the caller has the result.
async fn run_large(host: &Host, org: &str, text: &str) -> String {
    let answer = host.run(org, "answer_much", "wait=60", &json!({ "text": text })).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    answer.headers()["x-execution-id"].to_str().expect("text").to_owned()
}
