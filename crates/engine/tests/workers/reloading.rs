//! A workspace that changes while it is served.

use crate::support::{Bench, Run, Setup, eventually, is_alive, org, returned};
use msp_engine::workers::Reload;
use serde_json::json;
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio_util::sync::CancellationToken;

fn answering(value: &str) -> String {
    format!(
        "
import asyncio, os
from msp_sdk import workflow

@workflow(name='answer')
async def answer(context):
    return '{value}'

@workflow(name='pid')
async def pid(context):
    return os.getpid()

@workflow(name='sleep')
async def sleep(context):
    print('sleeping')
    await asyncio.sleep(3600)

@workflow(name='fails')
async def fails(context):
    raise ValueError('{value}')
"
    )
}

fn copies(bench: &Bench) -> usize {
    std::fs::read_dir(bench.data().join("engine/bundles")).expect("listed").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_workspace_serves_new_runs_while_old_ones_end_where_they_began() {
    let bench = Bench::new(&answering("one")).await;
    let scope = org();
    let before = bench.pool.metadata().bundle.clone();
    let old_process = bench.value(scope, "pid", json!({})).await.as_i64().expect("a number");
    let mut old = bench.run(scope, "sleep", json!({}));
    old.line("sleeping").await;
    let admitted = Run::new(&bench, scope, "answer", json!({}));

    bench.save("workflows/all.py", &answering("two"));
    // Nobody has looked yet: what serves is a copy, and spares started now import it too.
    assert_eq!(bench.value(org(), "answer", json!({})).await, json!("one"));
    assert_eq!(bench.value(org(), "answer", json!({})).await, json!("one"));
    assert_eq!(bench.pool.reload().await, Reload::Replaced);
    assert_ne!(bench.pool.metadata().bundle, before);
    assert_eq!(bench.value(scope, "answer", json!({})).await, json!("two"));
    let mut admitted = admitted.spawn();
    assert_eq!(returned(admitted.outcome().await), json!("one"), "it was admitted under the earlier edition");

    assert!(is_alive(i32::try_from(old_process).expect("a pid")), "a run is in it");
    assert_eq!(copies(&bench), 2);
    old.assignment.cancel.cancel();
    old.outcome().await;
    drop((old, admitted));
    eventually("the old process ends", || (!is_alive(i32::try_from(old_process).expect("a pid"))).then_some(())).await;
    eventually("its copy is removed", || (copies(&bench) == 1).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_a_working_file_is_held_back_and_named_until_it_is_mended() {
    let bench = Bench::new(&answering("one")).await;
    bench.save("shared/words.py", "WORD = 'a'\n");
    assert_eq!(bench.pool.reload().await, Reload::Replaced);

    bench.save("workflows/all.py", "def nothing(:\n");
    let Reload::Held(errors) = bench.pool.reload().await else { panic!("not held") };
    assert_eq!((errors[0].file.as_str(), errors[0].line), ("workflows/all.py", Some(1)));
    let shown = bench.pool.metadata();
    assert_eq!(shown.errors.len(), 1);
    assert!(shown.errors[0].message.contains("the last working version keeps serving"), "{:?}", shown.errors);
    assert_eq!(bench.value(org(), "answer", json!({})).await, json!("one"));
    eventually("the copy that was tried is removed", || (copies(&bench) == 1).then_some(())).await;

    // A workspace that ends its worker, and one that cannot be installed, change nothing either.
    bench.save("workflows/all.py", "import os\nos._exit(3)\n");
    let Reload::Held(errors) = bench.pool.reload().await else { panic!("not held") };
    assert!(errors[0].message.contains("code 3"), "{errors:?}");
    bench.save("workflows/all.py", &answering("two"));
    bench.save("requirements.txt", "no-such-package-here==1\n");
    let Reload::Held(errors) = bench.pool.reload().await else { panic!("not held") };
    assert_eq!(errors[0].file, "requirements.txt");
    assert_eq!(bench.value(org(), "answer", json!({})).await, json!("one"));

    std::fs::remove_file(bench.folder.path().join("workspace/requirements.txt")).expect("removed");
    assert_eq!(bench.pool.reload().await, Reload::Replaced);
    assert_eq!(bench.pool.metadata().errors, []);
    assert_eq!(bench.value(org(), "answer", json!({})).await, json!("two"));

    // A new file that is broken takes nothing away, and a removed one was meant.
    bench.save("workflows/new.py", "import a_module_nobody_has\n");
    assert_eq!(bench.pool.reload().await, Reload::Replaced);
    assert_eq!(bench.pool.metadata().errors[0].file, "workflows/new.py");
    std::fs::remove_file(bench.folder.path().join("workspace/workflows/new.py")).expect("removed");
    assert_eq!(bench.pool.reload().await, Reload::Replaced);
    assert_eq!(bench.pool.reload().await, Reload::Unchanged);

    // Taking the last change back is no change at all: what is held is forgotten.
    bench.save("workflows/all.py", "1 / 0\n");
    assert!(matches!(bench.pool.reload().await, Reload::Held(_)));
    bench.save("workflows/all.py", &answering("two"));
    assert_eq!(bench.pool.reload().await, Reload::Unchanged);
    assert_eq!(bench.pool.metadata().errors, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_emptied_file_of_workflows_is_held_back_until_it_has_content_or_is_deleted() {
    let other = "from msp_sdk import workflow\n\n@workflow(name='other')\nasync def other(context): pass\n";
    let files = [("workflows/all.py", &*answering("one")), ("workflows/other.py", other), ("shared/mail.txt", "Dear")];
    let bench = Bench::with(&files, Setup::default()).await;
    for nothing in ["", "\n\n"] {
        bench.save("workflows/all.py", nothing);
        let Reload::Held(errors) = bench.pool.reload().await else { panic!("not held") };
        assert_eq!((errors.len(), errors[0].file.as_str()), (1, "workflows/all.py"));
        assert!(errors[0].message.contains("The file is empty"), "{errors:?}");
        assert_eq!(bench.pool.metadata().errors.len(), 1);
        assert_eq!(bench.value(org(), "answer", json!({})).await, json!("one"));
    }
    bench.save("workflows/all.py", &answering("two"));
    assert_eq!(bench.pool.reload().await, Reload::Replaced);
    assert_eq!(bench.pool.metadata().errors, []);
    assert_eq!(bench.value(org(), "answer", json!({})).await, json!("two"));

    // What defines nothing may be empty.
    bench.save("shared/mail.txt", "");
    assert_eq!(bench.pool.reload().await, Reload::Replaced);

    bench.save("workflows/all.py", "");
    assert!(matches!(bench.pool.reload().await, Reload::Held(_)));
    std::fs::remove_file(bench.folder.path().join("workspace/workflows/all.py")).expect("removed");
    assert_eq!(bench.pool.reload().await, Reload::Replaced);
    let left = bench.pool.metadata();
    assert_eq!((left.workflows.len(), left.workflows[0].name.as_str(), left.errors.len()), (1, "other", 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_traceback_names_files_as_the_author_knows_them() {
    let bench = Bench::new(&answering("one")).await;
    let outcome = bench.outcome(org(), "fails", json!({})).await;
    let msp_engine::workers::Outcome::Raised { traceback, .. } = outcome else { panic!("{outcome:?}") };
    assert!(traceback.contains("File \"workflows/all.py\""), "{traceback}");
}

#[tokio::test(flavor = "multi_thread")]
async fn saves_under_load_fail_no_run_and_leave_no_processes_behind() {
    const SAVES: usize = 10;
    let bench = Arc::new(
        Bench::with(&[("workflows/all.py", &answering("0"))], Setup { max_workers: 4, ..Setup::default() }).await,
    );
    let stop = CancellationToken::new();
    let watching = tokio::spawn({
        let (pool, stop) = (bench.pool.clone(), stop.clone());
        async move { pool.watch(stop).await }
    });
    let done = Arc::new(AtomicBool::new(false));
    let load: Vec<_> = [org(), org()]
        .into_iter()
        .map(|scope| {
            let (bench, done) = (Arc::clone(&bench), Arc::clone(&done));
            tokio::spawn(async move {
                let mut runs = 0;
                while !done.load(Ordering::SeqCst) {
                    bench.value(scope, "answer", json!({})).await;
                    runs += 1;
                }
                runs
            })
        })
        .collect();
    for save in 1..=SAVES {
        let before = bench.pool.metadata().bundle.clone();
        bench.save("workflows/all.py", &answering(&save.to_string()));
        eventually("the save serves", || (bench.pool.metadata().bundle != before).then_some(())).await;
        assert_eq!(bench.value(org(), "answer", json!({})).await, json!(save.to_string()));
    }
    done.store(true, Ordering::SeqCst);
    for task in load {
        assert!(task.await.expect("no run failed") > 0);
    }
    stop.cancel();
    watching.await.expect("it ended");
    // Each process has a temporary folder, removed once the last trace of it is gone.
    let processes = || std::fs::read_dir(bench.data().join("engine/tmp")).expect("listed").count();
    eventually("processes of earlier editions end", || (processes() <= 4).then_some(())).await;
    eventually("their copies are removed", || (copies(&bench) == 1).then_some(())).await;
    bench.pool.shutdown(Duration::from_secs(5)).await;
}
