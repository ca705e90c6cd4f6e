//! `/metrics`, as Prometheus reads it.

use crate::support::{Installation, Server};
use reqwest::Method;
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs};

const TOKEN: &str = "a-scrape-token-of-0123456789-characters";

const WORKFLOWS: &str = r#"
from shared.decorators import workflow

@workflow(name="distinctive_name")
async def distinctive(context):
    return {"success": True}

@workflow(name="fails")
async def fails(context):
    raise ValueError("no")
"#;

fn installation() -> Installation {
    let installation = Installation::new();
    installation.write("workflows/all.py", WORKFLOWS);
    installation.write("scrape-token", TOKEN);
    installation
}

fn serve(installation: &Installation) -> Server {
    let mut command = installation.msp(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("MSP_METRICS_TOKEN_FILE", installation.workspace().join("scrape-token"));
    let server = installation.serve_by(command);
    server.wait_until_ready();
    server
}

async fn scrape(server: &Server, token: &str) -> (u16, String) {
    let answer = server.request(Method::GET, "/metrics").bearer_auth(token).send().await.expect("an answer");
    (answer.status().as_u16(), answer.text().await.expect("a body"))
}

/// Every series with its value. Each line must be one, or say what a figure is; no figure is introduced twice.
fn figures(text: &str) -> BTreeMap<&str, f64> {
    assert!(text.ends_with("# EOF\n"), "{text}");
    let introductions: Vec<_> = text.lines().filter(|line| line.starts_with("# TYPE ")).collect();
    for line in &introductions {
        assert_eq!(introductions.iter().filter(|other| other == &line).count(), 1, "{line}");
    }
    let series = text.lines().filter(|line| !line.starts_with("# "));
    series
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no figure: {line}"));
            (name, value.parse().unwrap_or_else(|_| panic!("no number: {line}")))
        })
        .collect()
}

#[tokio::test]
async fn figures_count_what_happened_and_name_nobody() {
    let installation = installation();
    let server = serve(&installation);
    let admin = installation.succeed(&["token"]);
    let post = |path: &str, body: Value| server.request(Method::POST, path).bearer_auth(&admin).json(&body);
    let answer = post("/api/organizations", json!({ "name": "Contoso" })).send().await.expect("an answer");
    let org: Value = answer.json().await.expect("JSON");
    let org = org["id"].as_str().expect("an id");
    for (workflow, status) in [("distinctive_name", 200), ("distinctive_name", 200), ("fails", 424)] {
        let run = post(&format!("/workflows/{workflow}"), json!({})).header("x-organization-id", org);
        assert_eq!(run.send().await.expect("an answer").status(), status);
    }
    // Nobody has allowed this machine to be called.
    let rule = json!({ "name": "nobody", "channel": "webhook", "url": "https://127.0.0.1:9/" });
    let made = post("/api/global/notification-rules", rule).send().await.expect("an answer");
    let made: Value = made.json().await.expect("JSON");
    let test = format!("/api/global/notification-rules/{}/test", made["id"].as_str().expect("an id"));
    let tested: Value = post(&test, json!(null)).send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(tested["delivered"], false, "{tested}");
    installation.succeed(&["pause", "--org", "Contoso", "--reason", "a test"]);
    let _ = server.get(&admin, "/nothing/here").await;

    let (status, text) = scrape(&server, TOKEN).await;
    assert_eq!(status, 200, "{text}");
    let figures = figures(&text);
    for (series, value) in [
        (r#"msp_executions_ended_total{status="Success",trigger="api"}"#, 2.0),
        (r#"msp_executions_ended_total{status="Failed",trigger="api"}"#, 1.0),
        (r#"msp_executions_ended_total{status="Interrupted",trigger="api"}"#, 0.0),
        ("msp_execution_duration_seconds_count", 3.0),
        ("msp_executions_running", 0.0),
        ("msp_executions_in_line", 0.0),
        ("msp_executions_pending", 0.0),
        ("msp_executions_pending_oldest_seconds", 0.0),
        (r#"msp_option_requests_total{result="asked"}"#, 0.0),
        (r#"msp_workers{phase="assigned"}"#, 1.0),
        (r#"msp_http_requests_total{route="/workflows/{name}",status="2xx"}"#, 2.0),
        (r#"msp_http_requests_total{route="/workflows/{name}",status="4xx"}"#, 1.0),
        (r#"msp_http_requests_total{route="other",status="4xx"}"#, 1.0),
        (r#"msp_http_request_duration_seconds_count{route="/workflows/{name}"}"#, 3.0),
        (r#"msp_paused{kind="organization"}"#, 1.0),
        (r#"msp_paused{kind="everything"}"#, 0.0),
        ("msp_store_failures_total", 0.0),
        ("msp_log_lines_dropped_total", 0.0),
        ("msp_notifications_delivered_total", 0.0),
        ("msp_notifications_undelivered_total", 1.0),
        (r#"msp_build_info{version="0.1.0"}"#, 1.0),
    ] {
        assert_eq!(figures.get(series), Some(&value), "{series}\n{text}");
    }
    for series in [
        "msp_store_commit_duration_seconds_count",
        "msp_store_commit_requests_count",
        "msp_store_database_bytes",
        "process_resident_memory_bytes",
        "process_open_fds",
        "process_uptime_seconds",
    ] {
        assert!(figures.get(series).is_some_and(|value| *value > 0.0), "{series}\n{text}");
    }
    assert!(figures.contains_key("msp_store_log_bytes"), "{text}");
    for name in [org, "Contoso", "distinctive_name", "admin@localhost"] {
        assert!(!text.contains(name), "{name} is in\n{text}");
    }
}

#[tokio::test]
async fn figures_are_for_administrators_and_for_the_scrape_token_which_opens_nothing_else() {
    let installation = installation();
    let server = serve(&installation);
    installation.succeed(&["user", "add", "tess@msp.example", "--name", "Tess"]);
    let tess = installation.succeed(&["token", "--user", "tess@msp.example"]);

    assert_eq!(scrape(&server, &installation.succeed(&["token"])).await.0, 200);
    assert_eq!(scrape(&server, TOKEN).await.0, 200);
    assert_eq!(scrape(&server, &tess).await.0, 403);
    for wrong in [&TOKEN[1..], "x", &format!("{TOKEN}x")] {
        assert_eq!(scrape(&server, wrong).await.0, 401, "{wrong}");
    }
    let nobody = server.request(Method::GET, "/metrics").send().await.expect("an answer");
    assert_eq!(nobody.status(), 401);
    assert_eq!(server.get(TOKEN, "/api/me").await.0, 401, "the token is for figures only");
}

#[test]
fn a_scrape_token_that_could_be_guessed_is_a_fault_of_the_settings() {
    let installation = installation();
    installation.write("scrape-token", "short\n");
    for file in ["scrape-token", "missing"] {
        let mut command = installation.msp(&["serve", "--listen", "127.0.0.1:0"]);
        command.env("MSP_METRICS_TOKEN_FILE", installation.workspace().join(file));
        let output = command.output().expect("the program starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains("MSP_METRICS_TOKEN_FILE"), "{said}");
        assert!(!said.contains("short"), "{said}");
    }
    assert!(fs::metadata(installation.data()).is_err(), "nothing was made");
}
