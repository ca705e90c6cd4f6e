//! A server that is going to be killed, started again on the same data.

use crate::support::Installation;
use serde_json::{Value, json};
use std::{
    fs,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

/// Nothing in these tests takes this long unless something hangs.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// How often a condition that is waited for is looked at.
pub const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What a server under test is started with.
pub const SERVE: [&str; 3] = ["serve", "--listen", "127.0.0.1:0"];

/// An installation with the workflows these tests run.
pub fn installation() -> Installation {
    let installation = Installation::new();
    installation.write("workflows/acting.py", include_str!("acting.py"));
    installation.write("workflows/hostile.py", include_str!("hostile.py"));
    installation
}

/// Starts a server; `fault_point` arms one. `None`: it died before it was ready, as a fault point may want.
pub async fn start(installation: &Installation, fault_point: Option<&str>) -> Option<Host> {
    let mut command = installation.msp(&SERVE);
    if let Some(point) = fault_point {
        command.env(msp_engine::fault::FAULT_POINT_VARIABLE, point);
    }
    begin(installation, command.stdout(Stdio::null()).stderr(Stdio::null())).await
}

/// Starts a server by this command, which is given everything but time.
pub async fn begin(installation: &Installation, command: &mut Command) -> Option<Host> {
    // The address of a killed server is still on file.
    let _ = fs::remove_file(installation.data().join("server.json"));
    let child = command.spawn().expect("the server starts");
    let mut host = Host { child, url: String::new(), token: String::new(), http: reqwest::Client::new() };
    let give_up = Instant::now() + PATIENCE;
    while host.url.is_empty() || !host.is_ready().await {
        if host.child.try_wait().expect("a child").is_some() {
            return None;
        }
        assert!(Instant::now() < give_up, "the server is not ready");
        if let Some(url) = address(&installation.data()) {
            host.url = url;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    host.token = installation.succeed(&["token"]);
    Some(host)
}

fn address(data: &Path) -> Option<String> {
    let content: Value = serde_json::from_slice(&fs::read(data.join("server.json")).ok()?).ok()?;
    content["url"].as_str().map(str::to_owned)
}

/// A running server and a caller who administers it.
pub struct Host {
    child: Child,
    pub url: String,
    pub token: String,
    pub http: reqwest::Client,
}

impl Host {
    async fn is_ready(&self) -> bool {
        let answer = self.http.get(format!("{}/readyz", self.url)).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    /// A new organization.
    pub async fn organization(&self, name: &str) -> String {
        let request = self.http.post(format!("{}/api/organizations", self.url)).bearer_auth(&self.token);
        let answer = request.json(&json!({ "name": name })).send().await.expect("an answer");
        assert_eq!(answer.status(), 201);
        let body: Value = answer.json().await.expect("JSON");
        body["id"].as_str().expect("an id").to_owned()
    }

    /// A request to run a workflow; `prefer` as in the header.
    pub fn run(&self, org: &str, workflow: &str, prefer: &str, input: &Value) -> reqwest::RequestBuilder {
        self.http
            .post(format!("{}/workflows/{workflow}", self.url))
            .bearer_auth(&self.token)
            .header("X-Organization-Id", org)
            .header("Prefer", prefer)
            .json(input)
    }

    /// A new form of required texts.
    pub async fn form(&self, org: &str, workflow: &str, fields: &[&str]) -> String {
        let field = |name: &&str| json!({ "name": name, "label": name, "type": "text", "required": true });
        let fields: Vec<_> = fields.iter().map(field).collect();
        let request = self.http.post(format!("{}/api/forms", self.url)).bearer_auth(&self.token);
        let form = json!({ "name": workflow, "workflow": workflow, "fields": fields });
        let answer = request.header("X-Organization-Id", org).json(&form).send().await.expect("an answer");
        assert_eq!(answer.status(), 201);
        let body: Value = answer.json().await.expect("JSON");
        body["id"].as_str().expect("an id").to_owned()
    }

    /// A request to submit a form with a file of rows.
    pub fn submit(&self, org: &str, form: &str, rows: &str) -> reqwest::RequestBuilder {
        self.http
            .post(format!("{}/api/forms/{form}/batches", self.url))
            .bearer_auth(&self.token)
            .header("X-Organization-Id", org)
            .header("Content-Type", "text/csv")
            .body(rows.to_owned())
    }

    /// The newest batch, once its last row has ended.
    pub async fn batch_once_ended(&self, org: &str) -> Value {
        let give_up = Instant::now() + PATIENCE;
        loop {
            let request = self.http.get(format!("{}/api/batches", self.url)).bearer_auth(&self.token);
            let answer = request.header("X-Organization-Id", org).send().await.expect("an answer");
            let list: Value = answer.json().await.expect("JSON");
            let newest = list["items"][0].clone();
            if newest["completed_at"].is_string() {
                return newest;
            }
            assert!(Instant::now() < give_up, "it never ends: {list}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Starts a run that goes on by itself and answers its id.
    pub async fn start_run(&self, org: &str, workflow: &str, input: &Value) -> String {
        let answer = self.run(org, workflow, "respond-async", input).send().await.expect("an answer");
        assert_eq!(answer.status(), 202);
        let body: Value = answer.json().await.expect("JSON");
        body["execution_id"].as_str().expect("an id").to_owned()
    }

    /// One execution.
    pub async fn execution(&self, org: &str, id: &str) -> Value {
        let request = self.http.get(format!("{}/api/executions/{id}", self.url)).bearer_auth(&self.token);
        let answer = request.header("X-Organization-Id", org).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "execution {id}");
        answer.json().await.expect("JSON")
    }

    /// One execution, once it satisfies a condition.
    pub async fn execution_once(&self, org: &str, id: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let give_up = Instant::now() + PATIENCE;
        loop {
            let execution = self.execution(org, id).await;
            if holds(&execution) {
                return execution;
            }
            assert!(Instant::now() < give_up, "it stays like this: {execution}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Every execution of an organization, once all have ended.
    pub async fn executions_once_ended(&self, org: &str) -> Vec<Value> {
        let give_up = Instant::now() + PATIENCE;
        loop {
            let executions = self.executions(org).await;
            if executions.iter().all(is_final) {
                return executions;
            }
            assert!(Instant::now() < give_up, "some never end: {executions:?}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Every execution of an organization as it is now.
    pub async fn executions(&self, org: &str) -> Vec<Value> {
        let mut executions = Vec::new();
        let mut cursor = String::new();
        loop {
            let request = self.http.get(format!("{}/api/executions", self.url)).bearer_auth(&self.token);
            let mut request = request.header("X-Organization-Id", org).query(&[("limit", "200")]);
            if !cursor.is_empty() {
                request = request.query(&[("cursor", &cursor)]);
            }
            let page: Value = request.send().await.expect("an answer").json().await.expect("JSON");
            executions.extend(page["items"].as_array().expect("items").clone());
            match page["next_cursor"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => return executions,
            }
        }
    }

    /// The first page of an execution's log, as text.
    pub async fn log(&self, org: &str, id: &str) -> String {
        self.log_after(org, id, 0).await
    }

    /// The page of an execution's log after a line, as text.
    pub async fn log_after(&self, org: &str, id: &str, after: u64) -> String {
        self.log_page(org, id, after).await.to_string()
    }

    /// The first line of an execution's log that contains a text.
    pub async fn log_containing(&self, org: &str, id: &str, text: &str) -> Option<String> {
        let mut after = 0;
        loop {
            let page = self.log_page(org, id, after).await;
            let lines = page["items"].as_array().expect("items");
            let mut messages = lines.iter().filter_map(|line| line["message"].as_str());
            if let Some(found) = messages.find(|message| message.contains(text)) {
                return Some(found.to_owned());
            }
            after = lines.last()?["seq"].as_u64()?;
        }
    }

    /// Waits until an execution's log contains a text.
    pub async fn log_once(&self, org: &str, id: &str, text: &str) {
        let give_up = Instant::now() + PATIENCE;
        while self.log_containing(org, id, text).await.is_none() {
            assert!(Instant::now() < give_up, "{text:?} is never logged");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn log_page(&self, org: &str, id: &str, after: u64) -> Value {
        let request = self.http.get(format!("{}/api/executions/{id}/logs", self.url)).bearer_auth(&self.token);
        let request = request.header("X-Organization-Id", org).query(&[("after", after)]);
        request.send().await.expect("an answer").json().await.expect("JSON")
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL: no clean-up of any kind.
    pub fn kill(mut self) {
        self.child.kill().expect("it is ours");
        self.child.wait().expect("it ends");
    }

    /// Waits until it died by itself.
    pub async fn death(mut self) -> ExitStatus {
        let give_up = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status;
            }
            assert!(Instant::now() < give_up, "the fault point was never reached");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether an execution has ended.
pub fn is_final(execution: &Value) -> bool {
    !matches!(execution["status"].as_str(), Some("Pending" | "Running"))
}
