//! Masking everywhere: workflows and option generators that receive secrets push them, in every encoding, through
//! everything they can write to; afterwards no answer, no line of the server's own log and no file of the data folder
//! holds any of them. A value that is no secret takes the same ways, and is found at every place: the search works.

mod needles;

use crate::support::{Installation, Server, eventually};
use needles::Needles;
use reqwest::Method;
use serde_json::{Value, json};
use std::{fs, path::Path, time::Duration};

/// Nothing here takes this long unless it hangs.
const PATIENCE: Duration = Duration::from_secs(300);

/// A text with everything encodings differ in, and what is its own at both ends.
fn troublesome() -> String {
    let own = || uuid::Uuid::new_v4().simple().to_string()[..14].to_owned();
    format!("{}ä\"it's\\y/ +&%!(~){{€\u{1F600}}}*{}", own(), own())
}

fn digits() -> String {
    let digits: String = (0..2).map(|_| format!("{:020}", uuid::Uuid::new_v4().as_u128() % 10_u128.pow(20))).collect();
    format!("7{digits}")
}

fn pem() -> String {
    let line = || uuid::Uuid::new_v4().simple().to_string() + "/+" + &uuid::Uuid::new_v4().simple().to_string()[..28];
    format!("-----BEGIN PRIVATE KEY-----\n{}\n{}\n{}==\n-----END PRIVATE KEY-----", line(), line(), &line()[..40])
}

/// A place that was looked at, and what was there.
struct Place(String, Vec<u8>);

struct Trial {
    installation: Installation,
    server: Server,
    token: String,
    org: String,
    control: String,
    password: String,
    places: Vec<Place>,
}

impl Trial {
    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.server.request(method, path).bearer_auth(&self.token).timeout(PATIENCE);
        request.header("X-Organization-Id", &self.org)
    }

    /// Keeps an answer as a place, and reads it.
    async fn look(&mut self, name: &str, request: reqwest::RequestBuilder) -> Value {
        let answer = request.send().await.expect("an answer");
        let headers = format!("{:?}", answer.headers());
        let body = answer.bytes().await.expect("a body");
        self.places.push(Place(name.to_owned(), [headers.as_bytes(), &body].concat()));
        serde_json::from_slice(&body).unwrap_or_default()
    }

    async fn run(&mut self, workflow: &str, prefer: &str, rest: Value) -> Value {
        let mut input = json!({ "control": self.control, "password": self.password });
        input.as_object_mut().expect("an object").extend(rest.as_object().expect("an object").clone());
        let request = self.request(Method::POST, &format!("/workflows/{workflow}")).header("Prefer", prefer);
        self.look(&format!("the answer of {workflow} {rest}"), request.json(&input)).await
    }

    async fn begin(&mut self, workflow: &str, rest: Value) -> String {
        let accepted = self.run(workflow, "respond-async", rest).await;
        accepted["execution_id"].as_str().expect("an id").to_owned()
    }

    async fn wait_for_line(&self, id: &str, text: &str) {
        let give_up = std::time::Instant::now() + PATIENCE;
        loop {
            let mut after = 0;
            loop {
                let path = format!("/api/executions/{id}/logs?after={after}");
                let page: Value =
                    self.request(Method::GET, &path).send().await.expect("an answer").json().await.expect("JSON");
                let Some(lines) = page["items"].as_array().filter(|lines| !lines.is_empty()) else { break };
                if lines.iter().any(|line| line["message"] == text) {
                    return;
                }
                after = lines.last().expect("a line")["seq"].as_u64().expect("a number");
            }
            assert!(std::time::Instant::now() < give_up, "{id} never says `{text}`");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Everything the API tells about an execution, once it has ended; its event stream waits for that.
    async fn look_at_execution(&mut self, id: &str, of: &str) -> Value {
        let stream = self.request(Method::GET, &format!("/api/executions/{id}/logs"));
        self.look(&format!("the stream of {of}"), stream.header("accept", "text/event-stream")).await;
        let mut after = 0;
        let mut pages = Vec::new();
        loop {
            let path = format!("/api/executions/{id}/logs?after={after}");
            let page = self.request(Method::GET, &path).send().await.expect("an answer").text().await.expect("text");
            let page_json: Value = serde_json::from_str(&page).expect("JSON");
            pages.extend(page.into_bytes());
            let Some(last) = page_json["items"].as_array().expect("items").last() else { break };
            after = last["seq"].as_u64().expect("a number");
        }
        self.places.push(Place(format!("the log of {of}"), pages));
        let path = format!("/api/executions/{id}/result");
        self.look(&format!("the result of {of}"), self.request(Method::GET, &path)).await;
        let path = format!("/api/executions/{id}");
        self.look(&format!("the execution of {of}"), self.request(Method::GET, &path)).await
    }

    async fn every_execution(&self) -> Vec<(String, String)> {
        let path = "/api/executions?limit=200";
        let list: Value = self.request(Method::GET, path).send().await.expect("an answer").json().await.expect("JSON");
        let field = |item: &Value, name: &str| item[name].as_str().expect("a text").to_owned();
        let items = list["items"].as_array().expect("items");
        items.iter().map(|item| (field(item, "id"), field(item, "workflow_name"))).collect()
    }

    /// Every file of the data folder as it is now, the database's log included.
    fn look_at_files(&mut self, when: &str) {
        let mut places = Vec::new();
        collect(&self.installation.data(), &mut places);
        self.places.extend(places.into_iter().map(|Place(path, bytes)| Place(format!("{path} {when}"), bytes)));
    }

    fn find(&self, needles: &Needles) -> Vec<String> {
        let found = |Place(name, bytes): &Place| Some(format!("{name}: {}", needles.found_in(bytes)?));
        self.places.iter().filter_map(found).collect()
    }
}

fn collect(folder: &Path, places: &mut Vec<Place>) {
    for entry in fs::read_dir(folder).expect("a folder").filter_map(Result::ok) {
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            collect(&entry.path(), places);
        } else if let Ok(bytes) = fs::read(entry.path()) {
            // A temporary file may be gone by now.
            places.push(Place(entry.path().display().to_string(), bytes));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_canary_is_in_any_answer_log_or_file_whatever_a_workflow_does_with_it() {
    let (symbols, pem, digits) = (troublesome(), pem(), digits());
    let mut installation = Installation::new();
    installation.write("workflows/leaky.py", include_str!("leaky.py"));
    installation.write("options/.keep", "");
    installation.set("MSP_LOG", "debug");
    let server = installation.serve();
    let token = installation.succeed(&["token"]);
    let (control, password) = (troublesome(), troublesome());
    let org = String::new();
    let mut trial = Trial { installation, server, token, org, control, password, places: Vec::new() };
    let created = trial.server.request(Method::POST, "/api/organizations").bearer_auth(&trial.token);
    let created = created.json(&json!({ "name": "Contoso" })).send().await.expect("an answer");
    trial.org = created.json::<Value>().await.expect("JSON")["id"].as_str().expect("an id").to_owned();
    for (name, value) in [("symbols", &symbols), ("pem", &pem), ("digits", &digits)] {
        let path = format!("/api/organizations/{}/secrets/{name}", trial.org);
        let answer =
            trial.request(Method::PUT, &path).json(&json!({ "value": value })).send().await.expect("an answer");
        assert_eq!(answer.status(), 204, "{}", answer.text().await.unwrap_or_default());
    }

    // Every ending, alone in its process.
    for how in ["return", "raise", "raise_long", "raise_class", "report", "unserializable", "die"] {
        trial.run("leak", "wait=200", json!({ "how": how })).await;
    }
    trial.run("leak_and_hang", "wait=200", json!({})).await;
    let mut plain = json!({ "control": trial.control, "password": trial.password, "digits": digits });
    trial.run("leak_plainly", "wait=200", json!({ "digits": "12345678" })).await;
    let cancelled = trial.begin("leak", json!({ "how": "wait" })).await;
    trial.wait_for_line(&cancelled, "waiting").await;
    let request = trial.request(Method::POST, &format!("/api/executions/{cancelled}/cancel"));
    trial.look("the answer of a cancellation", request).await;
    trial.look_at_execution(&cancelled, "a cancelled run").await;
    // Two in one process: raw output belongs to neither, and goes to the server's own log. Idle processes come first, so
    // as many runs wait as there are processes.
    let mut waiting = Vec::new();
    let mut is_shared = json!(false);
    while is_shared == json!(false) {
        assert!(waiting.len() < 20, "no two runs ever share a process");
        let id = trial.begin("leak_together", json!({ "how": "two" })).await;
        trial.wait_for_line(&id, "waiting").await;
        waiting.push(id);
        is_shared = trial.run("leak_together", "wait=200", json!({ "how": "quick" })).await;
    }
    assert_eq!(is_shared, true);
    for id in &waiting {
        let cancel = trial.request(Method::POST, &format!("/api/executions/{id}/cancel"));
        trial.look("the answer of a second cancellation", cancel).await;
        trial.look_at_execution(id, "a run of two").await;
    }
    // Again, with the password once more, and without it.
    let path = format!("/api/executions/{cancelled}/rerun");
    let again = json!({ "password": trial.password, "how": "return" });
    trial.look("the answer of a rerun", trial.request(Method::POST, &path).json(&again)).await;
    let refused = trial.request(Method::POST, &path).json(&json!({ "how": "return" }));
    let refused = trial.look("the refusal of a rerun", refused).await;
    assert_eq!(refused["status"], 422, "{refused}");
    plain["digits"] = json!(17);
    plain["unknown"] = json!(trial.password);
    let refused = trial.request(Method::POST, "/workflows/leak_plainly").json(&plain);
    assert_eq!(trial.look("a refusal of parameters", refused).await["status"], 422);

    let inputs = |how: &str| json!({ "inputs": { "control": trial.control, "how": how } });
    for (how, inputs) in [("return", inputs("return")), ("raise", inputs("raise"))] {
        let request = trial.request(Method::POST, "/options/leaky_options").json(&inputs);
        let answer = trial.look(&format!("options that {how}"), request).await;
        assert_eq!(answer["items"].is_array(), how == "return", "{answer}");
    }

    for (id, workflow) in trial.every_execution().await {
        trial.look_at_execution(&id, &format!("{workflow} {id}")).await;
    }
    let lists = ["/api/executions?limit=200", "/admin/metadata"];
    for path in lists {
        trial.look(path, trial.request(Method::GET, path)).await;
    }
    trial.look_at_files("while it runs");
    let log = || format!("{}{}", trial.server.process.stdout(), trial.server.process.stderr());
    // The raw lines of two at once arrive through a pipe of their own.
    let log =
        eventually("the server's log holds raw output", || Some(log()).filter(|log| log.contains("A worker wrote")));
    trial.places.push(Place("the server's own log".to_owned(), log.into_bytes()));
    assert!(trial.server.process.stop().success());
    trial.look_at_files("at rest");

    let found = trial.find(&Needles::of("control", &trial.control));
    let has = |start: &str| found.iter().any(|place| place.starts_with(start));
    for place in [
        "the answer of leak",
        "the stream of",
        "the log of",
        "the result of",
        "the execution of",
        "options that return",
        "options that raise",
        "the server's own log",
    ] {
        assert!(has(place), "the control was not found in {place}: the search, or the workflow, does not work");
    }
    let in_file = |part: &str| found.iter().any(|place| place.contains(part));
    assert!(in_file("/msp.db at rest") && in_file("/blobs/"), "the control was not found in the files: {found:#?}");

    let mut leaks = Vec::new();
    for (name, canary) in [("symbols", &symbols), ("pem", &pem), ("digits", &digits), ("password", &trial.password)] {
        leaks.extend(trial.find(&Needles::of(name, canary)));
    }
    assert!(leaks.is_empty(), "{} leaks:\n{}", leaks.len(), leaks.join("\n"));
}
