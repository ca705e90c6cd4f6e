//! What author code can reach: its organization's own secrets, and nothing of the platform's.

use crate::support::Installation;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// How much of a needle the workflow is told: enough to look for, not enough to be it.
const START: usize = 8;

/// A needle as the workflow is told of it: its beginning, its length and its digest.
fn needle(name: &str, text: &str) -> Value {
    let digest: String = Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    json!({ "name": name, "start": text[..START.min(text.len())], "length": text.len(), "sha256": digest })
}

#[tokio::test]
async fn nothing_a_workflow_can_reach_holds_a_credential_a_token_or_the_platforms_files() {
    let installation = Installation::with_examples();
    installation.write("workflows/snoop.py", include_str!("snoop.py"));
    let (_simulator, address) = installation.simulate();
    installation.succeed(&["seed", "--simulator", &address]);
    let server = installation.serve();
    let run = |workflow: &str, parameters: &[String]| -> Value {
        let mut arguments = vec!["workflows", "run", workflow, "--org", "Contoso"];
        for parameter in parameters {
            arguments.extend(["-p", parameter]);
        }
        serde_json::from_str(&installation.succeed(&arguments)).expect("a result")
    };
    run("use_graph", &[]);

    // What the host used meanwhile, and what it keeps.
    let journal: Value = reqwest::get(format!("http://{address}/_simulator/journal"))
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    let calls = journal.as_array().expect("calls");
    let token = calls.iter().find_map(|call| call["bearer"].as_str()).expect("a token was used");
    let world = installation.simulated();
    let app = world["apps"].as_object().and_then(|apps| apps.values().next()).expect("an application");
    let credential = app["client_secret"].as_str().expect("a secret");
    let master_key = std::fs::read_to_string(installation.data().join("master.key")).expect("the key");
    let foreign = "demo-key-of-fabrikam";

    let needles = json!([
        needle("token", token),
        needle("credential", credential),
        needle("master key", master_key.trim()),
        needle("another organization's secret", foreign),
    ]);
    let data = installation.data();
    let found = run("snoop", &[format!("needles:={needles}"), format!("data={}", data.display())]);
    assert_eq!(found["found"], json!(["own secret"]), "the search works, and finds nothing else");
    assert_eq!(found["opened"], json!([]), "everything of the platform is closed");
    let expected = json!(["HOME", "LANG", "PATH", "PYTHONDONTWRITEBYTECODE", "TMPDIR"]);
    assert_eq!(found["environment"], expected, "the environment is the worker's own");
    let log = server.process.stderr() + &server.process.stdout();
    for secret in [token, credential, master_key.trim(), foreign, "demo-key-of-contoso"] {
        assert!(!log.contains(secret), "the server's log holds a secret");
    }
}
