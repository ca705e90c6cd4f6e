//! `msp repair`, after damage that only somebody with `sqlite3` or a home without transactions can do.

use super::{installation, run_large};
use crate::{
    faults::{
        effects::Effects,
        host::{is_final, start},
    },
    support::Installation,
};
use msp_engine::fault::FaultPoint;
use rusqlite::Connection;
use serde_json::json;
use std::fs;

/// An installation with a granted user, two ended runs of which one has a large result, and one that waits.
struct Damaged {
    installation: Installation,
    effects: Effects,
    org: String,
    large: String,
    waiting: String,
}

async fn prepared() -> Damaged {
    let (installation, effects) = (installation(), Effects::listen());
    let host = start(&installation, None).await.expect("a start");
    let org = host.organization("Contoso").await;
    let tess = ["user", "add", "tess@example.com", "--name", "Tess", "--grant", "Contoso=execute_workflows"];
    installation.succeed(&tess);
    let large = run_large(&host, &org, "a").await;
    let once = host.run(&org, "speak", "wait=60", &json!({})).header("Idempotency-Key", "once");
    assert_eq!(once.send().await.expect("an answer").status(), 200);
    host.kill();
    let host = start(&installation, Some(FaultPoint::AfterEnqueue.name())).await.expect("a start");
    let _ = host.run(&org, "act_once", "respond-async", &json!({ "url": effects.url() })).send().await;
    host.death().await;
    let waiting = database(&installation)
        .query_row(
            "SELECT rk FROM entities WHERE tbl = 'ActiveExecutions' AND rk < '~' AND props ->> 'LeaseOwner' IS NULL",
            [],
            |row| row.get(0),
        )
        .expect("it waits");
    Damaged { installation, effects, org, large, waiting }
}

fn database(installation: &Installation) -> Connection {
    Connection::open(installation.data().join("msp.db")).expect("opens")
}

/// Everything the repair is about, as text.
fn content(installation: &Installation) -> Vec<String> {
    let database = database(installation);
    let sql = "SELECT tbl || ' ' || pk || ' ' || rk || ' ' || props FROM entities WHERE tbl IN ('UserPermissions',
        'OrgPermissions', 'WorkflowExecutions', 'UserExecutions', 'ActiveExecutions') ORDER BY tbl, pk, rk";
    let mut statement = database.prepare(sql).expect("prepared");
    statement.query_map([], |row| row.get(0)).expect("read").map(|line| line.expect("text")).collect()
}

#[tokio::test]
async fn every_kind_of_damage_is_listed_by_a_dry_run_and_undone_by_a_repair() {
    let damaged = prepared().await;
    let installation = &damaged.installation;
    let before = content(installation);
    let stranger = "0197c1c8-0000-4000-8000-00000000000a";
    let copy = |table: &str, keys: &str, condition: &str| {
        format!(
            "INSERT INTO entities (tbl, pk, rk, etag, props) SELECT tbl, {keys}, 1, props FROM entities WHERE tbl = '{table}' AND {condition} LIMIT 1"
        )
    };
    let is_large = format!("rk LIKE '%{}'", damaged.large);
    let damages = [
        // The grant is listed with another right; a stranger is listed too.
        ("not listed as it is in", "UPDATE entities SET props = json_set(props, '$.CanManageConfig', json('true')) WHERE tbl = 'OrgPermissions'".to_owned()),
        ("lists a grant", copy("OrgPermissions", &format!("pk, '{stranger}'"), "1")),
        // One run is missing from its user's list, one has another status there, a stranger has one.
        ("not listed as it is among", format!("DELETE FROM entities WHERE tbl = 'UserExecutions' AND {is_large}")),
        ("not listed as it is among", format!("UPDATE entities SET props = json_set(props, '$.Status', 'Failed') WHERE tbl = 'UserExecutions' AND NOT {is_large} AND props ->> 'Status' = 'Success'")),
        ("is said to have run", copy("UserExecutions", &format!("'{stranger}', rk"), "1")),
        // Nobody would find the run that waits; one that is not on record is said to go on.
        ("would not find it", format!("DELETE FROM entities WHERE tbl = 'ActiveExecutions' AND rk = '{}'", damaged.waiting)),
        ("is said to go on", format!(
            "INSERT INTO entities (tbl, pk, rk, etag, props) VALUES ('ActiveExecutions', 'ACTIVE', '{stranger}', 1, json_object('ExecutionId', '{stranger}', 'OrgId', '{}'))", damaged.org)),
        ("an idempotency key", copy("WorkflowExecutions", "pk, '~idem_00'", "rk LIKE '~idem_%'").replace("props FROM", &format!("json_set(props, '$.ExecutionId', '{stranger}') FROM"))),
    ];
    for (_, sql) in &damages {
        assert_eq!(database(installation).execute(sql, []).expect(sql), 1, "{sql}");
    }
    let blobs = installation.data().join("blobs/executions").join(stranger);
    fs::create_dir_all(&blobs).expect("a folder");
    fs::write(blobs.join("result-00.json"), "{}").expect("a blob nobody names");
    fs::write(blobs.join("of-another-kind.bin"), "{}").expect("a blob of some later version");

    let broken = content(installation);
    let dry = installation.succeed(&["repair", "--dry-run"]);
    for (line, _) in &damages {
        assert!(dry.contains(line), "{line:?} is not in:\n{dry}");
    }
    assert!(dry.contains("result-00.json belongs to nothing"), "{dry}");
    assert!(dry.ends_with("9 to repair; nothing was changed."), "{dry}");
    assert_eq!(content(installation), broken, "a look changed something");
    assert!(blobs.join("result-00.json").exists());

    let repaired = installation.succeed(&["repair"]);
    assert!(repaired.ends_with("9 repaired."), "{repaired}");
    assert_eq!(content(installation), before);
    assert!(!blobs.join("result-00.json").exists() && blobs.join("of-another-kind.bin").exists());
    assert_eq!(installation.succeed(&["repair"]), "Nothing to repair.");

    let host = start(installation, None).await.expect("a start");
    let execution = host.execution_once(&damaged.org, &damaged.waiting, is_final).await;
    assert_eq!(execution["status"], "Success", "{execution}");
    assert_eq!(damaged.effects.of(&damaged.waiting), 1);
    let refused = installation.run(&["repair"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("another engine"), "{}", refused.stderr);
}

#[tokio::test]
async fn what_cannot_be_repaired_is_named_and_left_alone() {
    let damaged = prepared().await;
    let installation = &damaged.installation;
    fs::remove_dir_all(installation.data().join("blobs/executions").join(&damaged.large)).expect("its blobs");
    let sql = "UPDATE entities SET props = json_set(props, '$.Status', 'Sideways') WHERE tbl = 'WorkflowExecutions'
        AND props ->> 'WorkflowName' = 'speak'";
    database(installation).execute(sql, []).expect("damaged");
    let before = content(installation);
    let finished = installation.run(&["repair"]);
    assert_eq!(finished.code, Some(1), "{finished:#?}");
    assert!(finished.stdout.contains(&format!("result of execution {} is missing", damaged.large)), "{finished:#?}");
    assert!(finished.stdout.contains("cannot be read"), "{finished:#?}");
    assert!(finished.stdout.contains("Nothing to repair."), "{finished:#?}");
    assert!(finished.stderr.contains("2 cannot be repaired"), "{finished:#?}");
    assert_eq!(content(installation), before);
}

#[tokio::test]
async fn a_database_that_is_damaged_itself_is_not_touched() {
    let damaged = prepared().await;
    let installation = &damaged.installation;
    database(installation).query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).expect("one file");
    let file = installation.data().join("msp.db");
    let mut bytes = fs::read(&file).expect("the database");
    // A page in the middle.
    let page = bytes.len() / 4096 / 2 * 4096;
    bytes[page..page + 4096].fill(0xa5);
    fs::write(&file, &bytes).expect("written");
    let refused = installation.run(&["repair"]);
    assert_eq!(refused.code, Some(1), "{refused:#?}");
    assert!(refused.stderr.contains("the database itself is damaged"), "{refused:#?}");
    assert_eq!(fs::read(&file).expect("the database"), bytes);
    let missing = Installation::new().run(&["repair"]);
    assert!(missing.stderr.contains("no installation"), "{missing:#?}");
}
