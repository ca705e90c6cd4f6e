//! Bundles: good, broken, and hopeless.

use crate::support::{Bench, Run, Setup, eventually, org};
use msp_engine::workers::{NotStarted, Outcome};
use serde_json::json;
use std::time::{Duration, Instant};

const GOOD: &str = "
from msp_sdk import workflow

@workflow(name='fine')
async def fine(context):
    return 1
";

#[tokio::test(flavor = "multi_thread")]
async fn broken_files_are_named_with_their_line_and_take_nothing_else_down() {
    let files = [
        ("workflows/good.py", GOOD),
        ("workflows/broken.py", "x = 1\ndef nothing(:\n"),
        ("options/lacking.py", "\nimport a_module_nobody_has\n"),
    ];
    let bench = Bench::with(&files, Setup::default()).await;
    let metadata = bench.pool.metadata();
    assert_eq!(metadata.bundle.len(), 64);
    let mut errors: Vec<_> = metadata.errors.iter().map(|error| (error.file.as_str(), error.line)).collect();
    errors.sort_unstable();
    assert_eq!(errors, [("options/lacking.py", Some(2)), ("workflows/broken.py", Some(2))]);
    assert_eq!(bench.value(org(), "fine", json!({})).await, json!(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn requirements_that_cannot_be_installed_are_reported_and_the_rest_works() {
    let files = [("workflows/good.py", GOOD), ("requirements.txt", "./no-such-folder-here\n")];
    let bench = Bench::with(&files, Setup { install_requirements: true, ..Setup::default() }).await;
    let metadata = bench.pool.metadata();
    assert_eq!(metadata.errors.len(), 1);
    assert_eq!(metadata.errors[0].file, "requirements.txt");
    assert!(metadata.errors[0].message.contains("no-such-folder-here"), "{}", metadata.errors[0].message);
    assert_eq!(bench.value(org(), "fine", json!({})).await, json!(1));
    let left = std::fs::read_dir(bench.data().join("engine/environments")).expect("listed").count();
    assert_eq!(left, 0, "a half-built environment is left");
}

/// The package comes from the workspace itself, without dependencies or a build system to download.
#[tokio::test(flavor = "multi_thread")]
async fn requirements_are_installed_once_and_importable() {
    let wheel_maker = "
import zipfile, sys
with zipfile.ZipFile(sys.argv[1], 'w') as wheel:
    wheel.writestr('tiny_package.py', 'ANSWER = 42')
    wheel.writestr('tiny_package-1.0.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: tiny-package\\nVersion: 1.0\\n')
    wheel.writestr('tiny_package-1.0.dist-info/WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    wheel.writestr('tiny_package-1.0.dist-info/RECORD', '')
";
    let folder = tempfile::tempdir().expect("a folder");
    let wheel = folder.path().join("tiny_package-1.0-py3-none-any.whl");
    let made = std::process::Command::new("python3").args(["-c", wheel_maker]).arg(&wheel).status().expect("run");
    assert!(made.success());
    let workflow = "
import tiny_package
from msp_sdk import workflow

@workflow(name='answer')
async def answer(context):
    return tiny_package.ANSWER
";
    let requirements = format!("--no-index\n{}\n", wheel.display());
    let files = [("workflows/answer.py", workflow), ("requirements.txt", &requirements)];
    let bench = Bench::with(&files, Setup { install_requirements: true, ..Setup::default() }).await;
    assert_eq!(bench.pool.metadata().errors, []);
    assert_eq!(bench.value(org(), "answer", json!({})).await, json!(42));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_that_ends_the_process_is_reported_with_its_last_words_and_runs_fail_fast() {
    let files = [("workflows/exits.py", "import os, sys\nos.write(2, b'goodbye cruel world\\n')\nos._exit(7)\n")];
    let bench = Bench::with(&files, Setup::default()).await;
    let errors = &bench.pool.metadata().errors;
    assert!(errors[0].message.contains("code 7") && errors[0].message.contains("goodbye cruel world"), "{errors:?}");

    let asked = Instant::now();
    let outcome = bench.outcome(org(), "anything", json!({})).await;
    let Outcome::NotStarted(NotStarted::SpawnFailed(why)) = outcome else { panic!("{outcome:?}") };
    assert!(why.contains("goodbye cruel world"), "{why}");
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_line_refuses_at_once_and_only_the_organization_that_filled_it() {
    let source = "
import asyncio
from msp_sdk import workflow

@workflow(name='hold')
def hold(context):
    import time
    print('holding')
    time.sleep(3600)
";
    let setup = Setup { max_workers: 1, ..Setup::default() };
    let bench = Bench::with(&[("workflows/hold.py", source)], setup).await;
    let flood = org();
    let first = bench.run(flood, "hold", json!({}));
    first.line("holding").await;
    let waiting: Vec<Run> = (0..500).map(|_| bench.run(flood, "hold", json!({}))).collect();
    eventually("saturated", || bench.pool.is_saturated(flood).then_some(())).await;
    let refused = bench.outcome(flood, "hold", json!({})).await;
    assert_eq!(refused, Outcome::NotStarted(NotStarted::Saturated));
    assert!(!bench.pool.is_saturated(org()));
    bench.pool.shutdown(Duration::ZERO).await;
    for mut run in waiting {
        assert_eq!(run.outcome().await, Outcome::NotStarted(NotStarted::ShuttingDown));
    }
}
