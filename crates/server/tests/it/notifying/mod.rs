//! Failures are told: at once, once, with a link, whatever dies meanwhile, and to nobody else.

mod receiver;

use crate::{
    faults::{
        clock_jumps::Turn,
        host::{Host, LOOK_EVERY, PATIENCE, SERVE, begin, is_final},
    },
    support::Installation,
};
use msp_domain::SystemClock;
use msp_engine::fault::FAULT_POINT_VARIABLE;
use msp_storage::{Repositories, repositories::Actor};
use msp_storage_local::{LocalHome, LocalOptions};
use receiver::{Channel, MailServer, SIGNATURE, SILENCE};
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    fs::{self, File},
    net::SocketAddr,
    path::PathBuf,
    process::Stdio,
    sync::Arc,
    time::Instant,
};

const WORKFLOWS: &str = r#"
import asyncio
from shared.decorators import param, workflow

@workflow(name="fragile")
@param("note", type="string", required=True)
async def fragile(context, note):
    raise ValueError("no [licence](https://evil.example) left\r\nBcc: evil@example.com")

@workflow(name="brittle")
async def brittle(context):
    raise KeyError("nobody")

@workflow(name="endless")
async def endless(context):
    print("waiting")
    await asyncio.sleep(600)
"#;

/// Stands in every parameter, and must stand in no message.
const PARAMETER: &str = "canary-of-a-parameter";
const DAY: i64 = 24 * 3600;

struct Desk {
    installation: Installation,
    host: Host,
    org: String,
    log: PathBuf,
}

impl Desk {
    /// A server that may call these, with one organization.
    async fn new(installation: Installation, callable: &[SocketAddr]) -> Self {
        installation.write("workflows/all.py", WORKFLOWS);
        let log = installation.workspace().with_file_name("server.log");
        let host = serve(&installation, &log, None).await.expect("it starts");
        let clock = Arc::new(SystemClock);
        let data = installation.data();
        let options = LocalOptions { data, master_key_file: None, create: false, clock: clock.clone() };
        let repositories = Repositories::new(LocalHome::open(options).await.expect("the data folder").stores, clock);
        for address in callable {
            repositories.addresses.allow(*address, &Actor::PLATFORM).await.expect("allowed");
        }
        let org = host.organization("Contoso").await;
        Self { installation, host, org, log }
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let mut request = self.host.http.request(method, format!("{}{path}", self.host.url));
        request = request.bearer_auth(&self.host.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.expect("an answer");
        let status = answer.status();
        let text = answer.text().await.expect("a text");
        assert!(status.is_success(), "{path}: {text}");
        assert!(!text.contains(SIGNATURE), "{path}: {text}");
        serde_json::from_str(&text).expect("JSON")
    }

    /// A new rule of the organization, and its path.
    async fn rule(&self, rule: Value) -> String {
        let base = format!("/api/organizations/{}/notification-rules", self.org);
        let made = self.ask(Method::POST, &base, Some(rule)).await;
        format!("{base}/{}", made["id"].as_str().expect("an id"))
    }

    /// A rule, once it satisfies a condition.
    async fn rule_once(&self, path: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let give_up = Instant::now() + PATIENCE;
        loop {
            let rule = self.ask(Method::GET, path, None).await;
            if holds(&rule) {
                return rule;
            }
            assert!(Instant::now() < give_up, "it stays like this: {rule}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Runs the workflow that fails, and answers the id of the run.
    async fn fail(&self) -> String {
        let id = self.host.start_run(&self.org, "fragile", &json!({ "note": PARAMETER })).await;
        assert_eq!(self.host.execution_once(&self.org, &id, is_final).await["status"], "Failed");
        id
    }

    fn link(&self, id: &str) -> String {
        format!("{}/o/{}/executions/{id}", self.host.url, self.org)
    }
}

/// Starts a server whose log goes on in this file.
async fn serve(installation: &Installation, log: &PathBuf, fault_point: Option<&str>) -> Option<Host> {
    let log = File::options().create(true).append(true).open(log).expect("a file");
    let mut command = installation.msp(&SERVE);
    if let Some(point) = fault_point {
        command.env(FAULT_POINT_VARIABLE, point);
    }
    begin(installation, command.stdout(Stdio::null()).stderr(log)).await
}

/// Waits for something the receivers see.
async fn once<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let give_up = Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < give_up, "{what} never came");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn messages(channel: &Channel, count: usize) -> Vec<Value> {
    once("a message", || Some(channel.taken()).filter(|taken| taken.len() >= count)).await
}

fn webhook(channel: &Channel) -> Value {
    json!({ "name": "Service desk", "channel": "webhook", "url": channel.url() })
}

/// The words of a card, one line for each block.
fn words(card: &Value) -> String {
    let blocks = card["attachments"][0]["content"]["body"].as_array().expect("blocks");
    let line = |block: &Value| {
        let runs = block["inlines"].as_array().expect("runs");
        runs.iter().map(|run| run["text"].as_str().expect("a text")).collect::<String>()
    };
    blocks.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn links(card: &Value) -> Vec<String> {
    let actions = card["attachments"][0]["content"]["actions"].as_array().expect("actions");
    actions.iter().map(|action| action["url"].as_str().expect("an address").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_is_told_at_once_and_once_with_a_link_and_without_anything_secret() {
    let channel = Channel::listen();
    let desk = Desk::new(Installation::new(), &[channel.address]).await;
    let rule = desk.rule(webhook(&channel)).await;
    let tested = desk.ask(Method::POST, &format!("{rule}/test"), None).await;
    assert_eq!((&tested["delivered"], &tested["error"]), (&json!(true), &Value::Null));
    assert!(words(&channel.taken()[0]).starts_with("A test of the notifications of Service desk"));

    let id = desk.fail().await;
    let card = messages(&channel, 2).await.remove(1);
    let told = words(&card);
    for line in [
        "fragile failed for Contoso",
        "Workflow: fragile",
        "Organization: Contoso",
        "Run by: Administrator",
        "Error: ValueError",
        "Message: no [licence](https://evil.example) left Bcc: evil@example.com",
    ] {
        assert!(told.lines().any(|told| told == line), "{line} is missing: {told}");
    }
    assert_eq!(links(&card), [desk.link(&id)]);
    assert_eq!(card["attachments"][0]["contentType"], "application/vnd.microsoft.card.adaptive");
    let page = desk.host.http.get(desk.link(&id)).header("accept", "text/html").send().await.expect("an answer");
    assert_eq!(page.status(), 200, "the link opens the client");
    let rule = desk.rule_once(&rule, |rule| rule["untold"] == 0 && rule["last_delivered_at"].is_string()).await;
    assert_eq!(rule["last_error"], Value::Null);

    // A run that succeeds, or is cancelled, is nobody's failure.
    let cancelled = desk.host.start_run(&desk.org, "endless", &json!({})).await;
    desk.host.log_once(&desk.org, &cancelled, "waiting").await;
    let path = format!("/api/executions/{cancelled}/cancel?org_id={}", desk.org);
    desk.ask(Method::POST, &path, None).await;
    desk.host.execution_once(&desk.org, &cancelled, is_final).await;
    let audit = desk.ask(Method::GET, "/api/audit-logs?limit=200", None).await;
    assert!(audit.to_string().contains("NotificationRule.Create"), "{audit}");
    assert_eq!(channel.taken().len(), 2);
    assert!(!card.to_string().contains(PARAMETER), "{card}");
    let log = fs::read_to_string(&desk.log).expect("the log");
    assert!(!log.contains(SIGNATURE), "{log}");
    for file in fs::read_dir(desk.installation.data()).expect("the data folder").filter_map(Result::ok) {
        let content = fs::read(file.path()).unwrap_or_default();
        let found = content.windows(SIGNATURE.len()).any(|part| part == SIGNATURE.as_bytes());
        assert!(!found, "{}", file.path().display());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_failures_are_one_message_and_one_later_about_the_rest() {
    let channel = Channel::listen();
    let mut installation = Installation::new();
    let turn = Turn::of(&mut installation);
    let desk = Desk::new(installation, &[channel.address]).await;
    let rule = desk.rule(webhook(&channel)).await;
    let first = desk.fail().await;
    assert_eq!(links(&messages(&channel, 1).await[0]), [desk.link(&first)]);
    let second = desk.fail().await;
    for _ in 0..18 {
        desk.fail().await;
    }
    desk.rule_once(&rule, |rule| rule["untold"] == 19).await;
    assert_eq!(channel.taken().len(), 1, "the quiet time has not passed");
    turn.to(16 * 60);
    let summary = messages(&channel, 2).await.remove(1);
    let told = words(&summary);
    assert!(told.lines().any(|line| line.starts_with("and 18 more since ") && line.ends_with(" UTC")), "{told}");
    let history = format!("{}/o/{}/executions?workflow=fragile&status=Failed", desk.host.url, desk.org);
    assert_eq!(links(&summary), [desk.link(&second), history]);
    desk.rule_once(&rule, |rule| rule["untold"] == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_of_failing_rows_is_one_message() {
    let channel = Channel::listen();
    let desk = Desk::new(Installation::new(), &[channel.address]).await;
    let rule = desk.rule(webhook(&channel)).await;
    let form = desk.host.form(&desk.org, "fragile", &["note"]).await;
    let rows: String = std::iter::once("note\n").chain(std::iter::repeat_n("x\n", 40)).collect();
    let submitted = desk.host.submit(&desk.org, &form, &rows).send().await.expect("an answer");
    assert_eq!(submitted.status(), 202);
    desk.host.batch_once_ended(&desk.org).await;
    let told = words(&messages(&channel, 1).await[0]);
    assert!(told.contains("Form: fragile"), "{told}");
    let more = told.lines().find_map(|line| line.strip_prefix("and ")?.split(' ').next()?.parse::<u64>().ok());
    let rest = 40 - 1 - more.unwrap_or(0);
    desk.rule_once(&rule, |rule| rule["untold"] == rest).await;
    assert_eq!(channel.taken().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_failed_is_told_although_the_server_was_killed() {
    let channel = Channel::listen();
    let desk = Desk::new(Installation::new(), &[channel.address]).await;
    let rule = desk.rule(webhook(&channel)).await;

    // While the message was on its way.
    channel.answer(SILENCE);
    let failed = desk.fail().await;
    once("a call", || (channel.calls() > 0).then_some(())).await;
    channel.answer(202);
    // While it ran.
    let running = desk.host.start_run(&desk.org, "endless", &json!({})).await;
    desk.host.log_once(&desk.org, &running, "waiting").await;
    let Desk { installation, host, org, log } = desk;
    host.kill();
    let host = serve(&installation, &log, None).await.expect("it starts");
    let desk = Desk { installation, host, org, log };
    let mut told: Vec<_> = messages(&channel, 2)
        .await
        .iter()
        .map(|card| (words(card).lines().next().unwrap_or_default().to_owned(), links(card)))
        .collect();
    told.sort();
    let expected = [
        ("endless was interrupted for Contoso".to_owned(), vec![desk.link(&running)]),
        ("fragile failed for Contoso".to_owned(), vec![desk.link(&failed)]),
    ];
    assert_eq!(told, expected);

    // Until it is on record that they were taken, they would be told again.
    desk.rule_once(&rule, |rule| rule["untold"] == 0).await;

    // Between its end and anything else.
    let Desk { installation, host, org, log } = desk;
    host.kill();
    let host = serve(&installation, &log, Some("after_result")).await.expect("it starts");
    let id = host.start_run(&org, "brittle", &json!({})).await;
    host.death().await;
    assert_eq!(channel.taken().len(), 2);
    let host = serve(&installation, &log, None).await.expect("it starts");
    let desk = Desk { installation, host, org, log };
    assert_eq!(links(&messages(&channel, 3).await[2]), [desk.link(&id)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_service_is_tried_again_shown_on_its_rule_given_up_after_a_day_and_holds_up_nobody() {
    let (dead, alive) = (Channel::listen(), Channel::listen());
    let mut installation = Installation::new();
    let turn = Turn::of(&mut installation);
    let mut desk = Desk::new(installation, &[dead.address, alive.address]).await;
    dead.answer(503);
    let (to_dead, _) = (desk.rule(webhook(&dead)).await, desk.rule(webhook(&alive)).await);
    desk.fail().await;
    messages(&alive, 1).await;
    let shown = desk.rule_once(&to_dead, |rule| rule["last_error"].is_string()).await;
    let error = shown["last_error"].as_str().expect("a text");
    assert!(error.contains("HTTP 503") && error.contains(&dead.address.to_string()), "{error}");
    assert_eq!((&shown["untold"], &shown["last_delivered_at"]), (&json!(1), &Value::Null));

    // The first wait is half a minute at most, the second a minute.
    turn.to(60);
    once("another call", || (dead.calls() == 2).then_some(())).await;
    dead.answer(202);
    turn.to(180);
    messages(&dead, 1).await;
    let shown = desk.rule_once(&to_dead, |rule| rule["last_error"].is_null()).await;
    assert_eq!((&shown["untold"], shown["last_delivered_at"].is_string()), (&json!(0), true));

    dead.answer(404);
    turn.to(3600);
    desk.host.token = desk.installation.succeed(&["token"]);
    desk.fail().await;
    let shown = desk.rule_once(&to_dead, |rule| rule["last_error"].is_string()).await;
    assert!(shown["last_error"].as_str().expect("a text").contains("Make a new webhook"), "{shown}");
    turn.to(3600 + DAY + 60);
    desk.host.token = desk.installation.succeed(&["token"]);
    let given_up =
        |rule: &Value| rule["last_error"].as_str().is_some_and(|error| error.starts_with("Given up after a day"));
    let shown = desk.rule_once(&to_dead, given_up).await;
    assert!(shown["last_error"].as_str().expect("a text").contains("1 failures"), "{shown}");
    assert_eq!(shown["untold"], 0);

    // Switched off, it drops what waits.
    desk.fail().await;
    desk.rule_once(&to_dead, |rule| rule["untold"] == 1).await;
    let off = json!({ "name": "Service desk", "channel": "webhook", "enabled": false });
    desk.ask(Method::PUT, &to_dead, Some(off)).await;
    desk.rule_once(&to_dead, |rule| rule["untold"] == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_of_everybody_writes_mail_that_nobodys_words_can_change() {
    let server = MailServer::listen();
    let mut installation = Installation::new();
    installation.set("MSP_SMTP_URL", format!("smtp://{}", server.address));
    installation.set("MSP_SMTP_FROM", "MSP <msp@example.com>");
    installation.set("MSP_PUBLIC_URL", "https://automation.example.com");
    let desk = Desk::new(installation, &[]).await;
    let recipients = ["ada@example.com", "desk@example.com"];
    let rule = json!({ "name": "Everybody", "channel": "email", "recipients": recipients, "workflow": "fragile" });
    let base = "/api/global/notification-rules";
    let made = desk.ask(Method::POST, base, Some(rule)).await;
    let path = format!("{base}/{}", made["id"].as_str().expect("an id"));
    let tested = desk.ask(Method::POST, &format!("{path}/test"), None).await;
    assert_eq!((&tested["delivered"], &tested["error"]), (&json!(true), &Value::Null));
    let id = desk.fail().await;
    let mail = once("a mail", || server.taken().into_iter().nth(1)).await;
    assert_eq!(mail.recipients, recipients);
    let (head, body) = mail.content.split_once("\n\n").expect("a head");
    assert!(head.contains("Subject: fragile failed for Contoso"), "{head}");
    assert!(head.contains("From: MSP <msp@example.com>") && !head.to_lowercase().contains("bcc"), "{head}");
    let link = format!("https://automation.example.com/o/{}/executions/{id}", desk.org);
    assert!(body.replace("=\n", "").contains(&link), "{body}");
    assert!(!mail.content.contains(PARAMETER), "{}", mail.content);
    desk.rule_once(&path, |rule| rule["last_delivered_at"].is_string() && rule["untold"] == 0).await;
}
