//! Option generators under way: who waits for them, and when they are given up.

use crate::support::{Installation, Server};
use serde_json::{Value, json};
use std::pin::pin;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    select,
    time::{Duration, timeout},
};

/// Far longer than anything here takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Every run connects to the test, which sees it begin and end and says what it answers.
const GENERATORS: &str = r#"
import asyncio
from shared.decorators import option_generator

async def told(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        # The test may see a connection before we do; it believes this only.
        writer.write(b"begun\n")
        return (await reader.readline()).decode().strip()
    except asyncio.CancelledError:
        writer.write(b"cancelled\n")
        raise
    finally:
        writer.close()

@option_generator(name="waits")
async def waits(context, port: int):
    return [await told(port)]

@option_generator(name="looks")
async def looks(context, port: int):
    return [f"{context.caller.email}: {await told(port)}"]
"#;

/// A server that tells when a question joins another's run.
fn serve(installation: &Installation) -> Server {
    installation.write("options/waiting.py", GENERATORS);
    installation.write("../settings.json", r#"{"Values": {"MSP_LOG": "info,msp_engine=debug"}}"#);
    let settings = installation.workspace().join("../settings.json");
    let settings = settings.to_str().expect("a path");
    let server = installation.serve_with(&["--listen", "127.0.0.1:0", "--settings", settings]);
    server.wait_until_ready();
    server
}

/// The test's side of the runs.
struct Runs(TcpListener);

/// One run of a generator.
struct Run(BufReader<TcpStream>);

impl Runs {
    async fn listen() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.expect("a port"))
    }

    /// A question to a generator.
    async fn ask(&self, server: &Server, token: &str, generator: &str) -> Value {
        let port = self.0.local_addr().expect("an address").port();
        let (status, answer) = server.get(token, &format!("/options/{generator}?port={port}")).await;
        assert_eq!(status, 200, "{answer}");
        answer[0]["value"].clone()
    }

    /// The next run that begins.
    async fn next(&self) -> Run {
        let (stream, _) = timeout(PATIENCE, self.0.accept()).await.expect("a run begins").expect("a connection");
        let mut run = Run(BufReader::new(stream));
        assert_eq!(run.words().await, "begun\n");
        run
    }
}

impl Run {
    async fn answer(mut self, text: &str) {
        self.0.write_all(format!("{text}\n").as_bytes()).await.expect("it listens");
    }

    /// What it says next.
    async fn words(&mut self) -> String {
        let mut words = String::new();
        timeout(PATIENCE, self.0.read_line(&mut words)).await.expect("it speaks or ends").expect("readable");
        words
    }
}

/// Waits until as many questions as this have joined a run of somebody else.
async fn joined(server: &Server, count: usize) {
    let look = || server.process.stderr().matches("An equal question waits for the same run").count() >= count;
    timeout(PATIENCE, async {
        while !look() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("a question joins the run");
}

#[tokio::test]
async fn a_request_that_hangs_up_ends_its_generator_and_nothing_is_kept() {
    let installation = Installation::new();
    let server = serve(&installation);
    let token = installation.succeed(&["token"]);
    let runs = Runs::listen().await;

    let mut run = {
        let mut asking = pin!(runs.ask(&server, &token, "waits"));
        select! {
            run = runs.next() => run,
            early = &mut asking => panic!("answered {early}"),
        }
        // The request is dropped here, and its connection with it.
    };
    assert_eq!(run.words().await, "cancelled\n");
    let (answer, ()) =
        tokio::join!(runs.ask(&server, &token, "waits"), async { runs.next().await.answer("red").await });
    assert_eq!(answer, "red");
    assert_eq!(runs.ask(&server, &token, "waits").await, "red", "kept: nobody is asked, and nobody answers");
}

#[tokio::test]
async fn a_run_that_two_wait_for_goes_on_when_one_hangs_up_and_ends_when_both_have() {
    let installation = Installation::new();
    let server = serve(&installation);
    let token = installation.succeed(&["token"]);
    let runs = Runs::listen().await;

    let mut first = Box::pin(runs.ask(&server, &token, "waits"));
    let run = select! {
        run = runs.next() => run,
        early = &mut first => panic!("answered {early}"),
    };
    let mut second = Box::pin(runs.ask(&server, &token, "waits"));
    select! {
        () = joined(&server, 1) => {}
        early = &mut second => panic!("answered {early}"),
        early = &mut first => panic!("answered {early}"),
    }
    drop(first);
    let (answer, ()) = tokio::join!(second, run.answer("red"));
    assert_eq!(answer, "red");

    // Another question: the first is answered by now.
    let runs = Runs::listen().await;
    let mut first = Box::pin(runs.ask(&server, &token, "waits"));
    let mut run = select! {
        run = runs.next() => run,
        early = &mut first => panic!("answered {early}"),
    };
    let mut second = Box::pin(runs.ask(&server, &token, "waits"));
    select! {
        () = joined(&server, 2) => {}
        early = &mut second => panic!("answered {early}"),
        early = &mut first => panic!("answered {early}"),
    }
    drop((first, second));
    assert_eq!(run.words().await, "cancelled\n");
}

#[tokio::test]
async fn who_waited_for_a_run_that_looked_at_somebody_else_is_asked_for_separately() {
    let installation = Installation::new();
    let server = serve(&installation);
    let admin = installation.succeed(&["token"]);
    let body = json!({ "email": "bob@msp.example", "display_name": "Bob", "is_platform_admin": true });
    let request = server.request(reqwest::Method::POST, "/api/users").bearer_auth(&admin).json(&body);
    assert_eq!(request.send().await.expect("an answer").status().as_u16(), 201);
    let bob = installation.succeed(&["token", "--user", "bob@msp.example"]);
    let runs = Runs::listen().await;

    let mut of_admin = Box::pin(runs.ask(&server, &admin, "looks"));
    let run = select! {
        run = runs.next() => run,
        early = &mut of_admin => panic!("answered {early}"),
    };
    let mut of_bob = Box::pin(runs.ask(&server, &bob, "looks"));
    select! {
        () = joined(&server, 1) => {}
        early = &mut of_bob => panic!("answered {early}"),
        early = &mut of_admin => panic!("answered {early}"),
    }
    let told = async {
        run.answer("first").await;
        runs.next().await.answer("second").await;
    };
    let (of_admin, of_bob, ()) = tokio::join!(of_admin, of_bob, told);
    let of_admin = of_admin.as_str().expect("a text");
    assert!(of_admin.ends_with(": first") && !of_admin.starts_with("bob"), "{of_admin}");
    assert_eq!(of_bob, "bob@msp.example: second");
    // Each finds its own again.
    assert_eq!(runs.ask(&server, &bob, "looks").await, "bob@msp.example: second");
    assert_eq!(runs.ask(&server, &admin, "looks").await, of_admin);
}

#[tokio::test]
async fn a_save_asks_anew_whatever_was_kept() {
    let colours = |colour: &str| {
        format!(
            "from shared.decorators import option_generator\n\n\
             @option_generator(name='colours', cache_seconds=3600)\n\
             async def colours(context):\n    return ['{colour}']\n"
        )
    };
    let installation = Installation::new();
    installation.write("options/colours.py", &colours("red"));
    let server = installation.serve_with(&["--listen", "127.0.0.1:0", "--watch"]);
    server.wait_until_ready();
    let token = installation.succeed(&["token"]);
    let bundle = async || server.get(&token, "/admin/metadata").await.1["bundle"].clone();
    let first = bundle().await;
    assert_eq!(server.get(&token, "/options/colours").await.1[0]["value"], "red");
    installation.write("options/colours.py", &colours("blue"));
    timeout(PATIENCE, async {
        while bundle().await == first {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("the save is served");
    assert_eq!(server.get(&token, "/options/colours").await.1[0]["value"], "blue");
}
