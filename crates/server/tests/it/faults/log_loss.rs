//! Numbered lines, and ends of every kind: what was written before the end is there, once, in order.

use super::{
    host::{Host, installation, is_final, start},
    seed::{Chance, seed},
};
use serde_json::{Value, json};

/// Lines a run writes before it ends.
const LINES: u64 = 6_000;
/// Lines of the run that is followed.
const FOLLOWED: u64 = 1_500;
/// Of a flood, the SDK gathers up to 64 KiB; a process that is killed takes those lines with it.
const GATHERED: u64 = 64 * 1024 / 60;

/// The numbers in the log of `count`, page by page.
pub async fn numbers(host: &Host, org: &str, id: &str) -> Vec<u64> {
    let mut numbers = Vec::new();
    let mut after = 0;
    loop {
        let page: Value = serde_json::from_str(&host.log_after(org, id, after).await).expect("JSON");
        let lines = page["items"].as_array().expect("items");
        numbers.extend(lines.iter().filter_map(number));
        match lines.last() {
            Some(last) => after = last["seq"].as_u64().expect("a number"),
            None => return numbers,
        }
    }
}

pub fn number(line: &Value) -> Option<u64> {
    line["message"].as_str()?.strip_prefix("numbered ")?.trim().parse().ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_line_that_left_a_run_is_on_record_however_it_ends() {
    let installation = installation();
    let host = start(&installation, None).await.expect("a start");
    let org = host.organization("Contoso").await;
    for (how, status, lost) in [
        ("return", "Success", 0),
        ("raise", "Failed", 0),
        ("exit", "Interrupted", GATHERED),
        ("kill", "Interrupted", GATHERED),
        ("raw and kill", "Interrupted", 0),
    ] {
        let id = host.start_run(&org, "count", &json!({ "lines": LINES, "how": how })).await;
        let ended = host.execution_once(&org, &id, is_final).await;
        assert_eq!(ended["status"], status, "{how}: {ended}");
        let found = numbers(&host, &org, &id).await;
        let expected: Vec<u64> = (1..=found.len() as u64).collect();
        assert_eq!(found, expected, "{how}: a gap, a double or another order");
        assert!(found.len() as u64 + lost >= LINES, "{how}: only {} of {LINES} lines", found.len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_breaks_anywhere_resumes_without_gap_or_double() {
    let seed = seed();
    let mut chance = Chance(seed);
    let installation = installation();
    let host = start(&installation, None).await.expect("a start");
    let org = host.organization("Contoso").await;
    let id = host.start_run(&org, "count", &json!({ "lines": FOLLOWED, "how": "return" })).await;
    let mut seen: Vec<u64> = Vec::new();
    let mut last = 0;
    let mut breaks = 0;
    loop {
        let request = host.http.get(format!("{}/api/executions/{id}/logs", host.url)).bearer_auth(&host.token);
        let request = request.header("X-Organization-Id", &org).header("accept", "text/event-stream");
        let mut answer = request.header("last-event-id", last.to_string()).send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
        let until = 1 + chance.below(6);
        let mut text = String::new();
        let mut chunks = 0;
        // Cut off in the middle of an event, as networks do: what is not whole does not count.
        while chunks < until
            && let Some(chunk) = answer.chunk().await.expect("readable")
        {
            text += &String::from_utf8_lossy(&chunk);
            chunks += 1;
        }
        drop(answer);
        let whole = text.rfind("\n\n").map_or("", |end| &text[..end + 2]);
        let mut ended = false;
        for event in whole.split("\n\n") {
            let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
            if let Some(id) = field("id:").and_then(|id| id.parse().ok()) {
                last = id;
            }
            match field("event:") {
                Some("log") => {
                    let line: Value = serde_json::from_str(field("data:").expect("data")).expect("JSON");
                    seen.extend(number(&line));
                }
                Some("end") => ended = true,
                _ => {}
            }
        }
        if ended {
            break;
        }
        breaks += 1;
    }
    let expected: Vec<u64> = (1..=FOLLOWED).collect();
    assert_eq!(seen, expected, "seed {seed}: a gap, a double or another order after {breaks} breaks");
    assert!(breaks > 1, "seed {seed}: it broke only {breaks} times");
}
