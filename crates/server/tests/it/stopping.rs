//! How a server stops: what runs may end, what waits stays, whoever asks is answered until then.

use crate::{
    faults::host::start,
    support::{Installation, Server},
};
use msp_engine::fault::FaultPoint;
use nix::sys::signal::Signal;
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    io::Write as _,
    net::{TcpListener, TcpStream},
    time::Duration,
};
use tokio::task::JoinHandle;

/// Runs until whoever it calls says something.
const WORKFLOWS: &str = r#"
import asyncio
from shared.decorators import workflow, param

@workflow(name="until_told", requires_org=False)
@param("port", type="int", required=True)
async def until_told(context, port):
    print("calling")
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await reader.readexactly(1)
    writer.close()
    return "told"
"#;

/// Where `until_told` calls.
struct Told(TcpListener);

impl Told {
    fn listen() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").expect("a free port"))
    }

    fn input(&self) -> Value {
        json!({ "port": self.0.local_addr().expect("an address").port() })
    }

    /// The call of a run: its code is running.
    async fn call(&self) -> TcpStream {
        let listener = self.0.try_clone().expect("the listener");
        tokio::task::spawn_blocking(move || listener.accept().expect("a call").0).await.expect("accepted")
    }
}

struct Caller {
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Caller {
    fn of(installation: &Installation, server: &Server) -> Self {
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(120)).build().expect("a client");
        Self { http, url: server.url.clone(), token: installation.succeed(&["token"]) }
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.token)
    }

    async fn send(&self, method: Method, path: &str) -> (u16, Value) {
        let answer = self.request(method, path).send().await.expect("an answer");
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    async fn queue(&self, told: &Told) -> String {
        let request = self.request(Method::POST, "/workflows/until_told").header("prefer", "respond-async");
        let answer = request.json(&told.input()).send().await.expect("an answer");
        assert_eq!(answer.status(), 202);
        answer.json::<Value>().await.expect("JSON")["execution_id"].as_str().expect("an id").to_owned()
    }

    /// The whole event stream of an execution, from now to its end.
    async fn follow(&self, id: &str) -> JoinHandle<String> {
        let request = self.request(Method::GET, &format!("/api/executions/{id}/logs"));
        let stream = request.header("accept", "text/event-stream").send().await.expect("a stream");
        tokio::spawn(async move { stream.text().await.expect("it ends cleanly") })
    }

    /// An execution that has ended.
    async fn ended(&self, id: &str) -> Value {
        loop {
            let (_, execution) = self.send(Method::GET, &format!("/api/executions/{id}")).await;
            if !matches!(execution["status"].as_str(), Some("Pending" | "Running")) {
                return execution;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until the server says that it stops.
    async fn stopping(&self) {
        loop {
            let (status, problem) = self.send(Method::GET, "/readyz").await;
            if status == 503 {
                assert_eq!(problem["type"], "/problems/engine-unavailable", "{problem}");
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn installation() -> Installation {
    let installation = Installation::new();
    installation.write("workflows/all.py", WORKFLOWS);
    installation
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopping_server_answers_until_what_runs_has_ended_and_leaves_the_rest_for_the_next_start() {
    let installation = installation();
    let told = Told::listen();
    let server = installation.serve();
    let caller = Caller::of(&installation, &server);

    let running = caller.queue(&told).await;
    let mut first = told.call().await;
    let waiting = caller.request(Method::POST, "/workflows/until_told").json(&told.input()).send();
    let waiting = tokio::spawn(waiting);
    let mut second = told.call().await;
    let followed = caller.follow(&running).await;

    server.process.signal(Signal::SIGTERM);
    caller.stopping().await;
    assert_eq!(caller.send(Method::GET, "/healthz").await.0, 200, "the process is well");
    assert_eq!(caller.send(Method::GET, "/api/me").await.0, 200, "questions are answered");
    let request = caller.request(Method::POST, "/workflows/until_told");
    let refused = request.json(&told.input()).send().await.expect("an answer");
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(refused.json::<Value>().await.expect("JSON")["type"], "/problems/engine-unavailable");
    let (_, list) = caller.send(Method::GET, "/api/executions").await;
    assert_eq!(list["items"].as_array().map(Vec::len), Some(2), "the refused run is not on record: {list}");

    first.write_all(b"!").expect("the run listens");
    let events = followed.await.expect("followed");
    assert!(events.contains("event: end") && events.contains(r#""status":"Success""#), "{events}");
    second.write_all(b"!").expect("the run listens");
    let answer = waiting.await.expect("it went on").expect("an answer");
    assert_eq!((answer.status().as_u16(), answer.text().await.expect("a body")), (200, r#""told""#.to_owned()));
    assert_eq!(server.process.end().code(), Some(0));

    let server = installation.serve();
    let caller = Caller::of(&installation, &server);
    assert_eq!(caller.ended(&running).await["status"], "Success", "it was recorded");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_stays_for_the_next_start_and_its_event_stream_is_closed() {
    let installation = installation();
    let told = Told::listen();
    // Accepted, and the server dies before it takes it up; then it is held, so the next server leaves it alone.
    let host = start(&installation, Some(FaultPoint::AfterEnqueue.name())).await.expect("it starts");
    let request = host.http.post(format!("{}/workflows/until_told", host.url)).bearer_auth(&host.token);
    let _ = request.header("prefer", "respond-async").json(&told.input()).send().await;
    host.death().await;
    installation.succeed(&["pause", "--reason", "an incident"]);

    let server = installation.serve();
    let caller = Caller::of(&installation, &server);
    let (_, list) = caller.send(Method::GET, "/api/executions").await;
    let pending = list["items"][0]["id"].as_str().expect("an id").to_owned();
    let followed = caller.follow(&pending).await;
    assert_eq!(server.process.stop().code(), Some(0));
    let events = followed.await.expect("followed");
    assert!(events.contains("event: closed") && events.contains("/problems/engine-unavailable"), "{events}");

    installation.succeed(&["resume"]);
    let server = installation.serve();
    told.call().await.write_all(b"!").expect("the run listens");
    assert_eq!(Caller::of(&installation, &server).ended(&pending).await["status"], "Success");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_ends_what_runs_and_that_is_on_record() {
    let installation = installation();
    let told = Told::listen();
    let server = installation.serve();
    let caller = Caller::of(&installation, &server);
    let running = caller.queue(&told).await;
    let _call = told.call().await;
    let followed = caller.follow(&running).await;

    server.process.signal(Signal::SIGTERM);
    caller.stopping().await;
    server.process.signal(Signal::SIGTERM);
    assert_eq!(server.process.end().code(), Some(0));
    let events = followed.await.expect("followed");
    assert!(events.contains("event: end") && events.contains("Interrupted"), "{events}");

    let server = installation.serve();
    let execution = Caller::of(&installation, &server).ended(&running).await;
    assert_eq!(execution["status"], "Interrupted", "{execution}");
}
