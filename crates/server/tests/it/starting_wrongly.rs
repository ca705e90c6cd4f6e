//! Starts that are refused, and what they say.

use crate::support::{Installation, repository};
use std::{fs, os::unix::fs::PermissionsExt as _};

#[test]
fn a_second_engine_on_the_same_folder_is_refused_and_the_first_goes_on() {
    let installation = Installation::new();
    let server = installation.serve();
    let second = installation.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(second.code, Some(1));
    assert!(second.stderr.contains("another engine"), "{}", second.stderr);
    assert!(second.stderr.contains(&server.process.id().to_string()), "{}", second.stderr);
    assert!(!installation.succeed(&["user", "link"]).is_empty(), "the first server's address was lost");
}

#[test]
fn listening_beyond_loopback_needs_its_flag() {
    let installation = Installation::new();
    let refused = installation.run(&["serve", "--listen", "0.0.0.0:0"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("--allow-remote"), "{}", refused.stderr);
    assert!(!installation.data().exists(), "a refused start left something behind");

    let allowed = installation.serve_with(&["--listen", "0.0.0.0:0", "--allow-remote"]);
    assert!(allowed.url.starts_with("http://127.0.0.1:"), "{}", allowed.url);
    assert_eq!(allowed.link(), None, "a link is printed on loopback only");
}

#[test]
fn every_wrong_setting_is_reported_at_once_from_file_and_environment() {
    let installation = Installation::new();
    let file = installation.workspace().join("local.settings.json");
    fs::write(&file, r#"{ "Values": { "KeyVaultUrl": "https://msp.vault.azure.net", "MSP_PUBLIC_ULR": "x" } }"#)
        .expect("written");
    let mut command = installation.msp(&["serve", "--settings", file.to_str().expect("a path")]);
    command.env("MSP_WORKERS_MAX", "none").env("MSP_REQUESTS_PER_MINUTE", "few").env("MSP_LOG", "=[");
    let output = command.output().expect("it starts");
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stderr);
    let settings = ["MSP_WORKERS_MAX", "MSP_REQUESTS_PER_MINUTE", "MSP_LOG"];
    for fault in ["KeyVaultUrl", "later version", "did you mean MSP_PUBLIC_URL?"].into_iter().chain(settings) {
        assert!(text.contains(fault), "{fault} is not in:\n{text}");
    }
}

#[test]
fn a_missing_wrong_or_exposed_key_is_refused_and_the_right_one_helps() {
    let installation = Installation::new();
    drop(installation.serve());
    let key = installation.data().join("master.key");
    let kept = fs::read(&key).expect("the key");
    let refusal = || installation.run(&["serve", "--listen", "127.0.0.1:0"]);

    fs::remove_file(&key).expect("removed");
    let missing = refusal();
    assert_eq!(missing.code, Some(1));
    assert!(missing.stderr.contains("is missing"), "{}", missing.stderr);

    let other = Installation::new();
    drop(other.serve());
    fs::copy(other.data().join("master.key"), &key).expect("copied");
    let wrong = refusal();
    assert!(wrong.stderr.contains("is not the one this database was made with"), "{}", wrong.stderr);

    fs::write(&key, kept).expect("restored");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("chmod");
    assert!(refusal().stderr.contains("chmod 600"));
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("chmod");
    drop(installation.serve());
}

#[test]
fn commands_that_need_an_installation_say_so() {
    let installation = Installation::new();
    for arguments in [&["token"][..], &["user", "list"]] {
        let refused = installation.run(arguments);
        assert_eq!(refused.code, Some(1));
        assert!(refused.stderr.contains("no installation"), "{}", refused.stderr);
    }
    assert!(!installation.data().exists());
}

#[test]
fn the_stored_description_of_the_api_is_the_one_this_program_prints() {
    let printed = Installation::new().succeed(&["openapi"]);
    let stored = fs::read_to_string(repository().join("docs/openapi.json")).expect("docs/openapi.json");
    assert!(stored.trim() == printed, "docs/openapi.json is stale; run: msp openapi > docs/openapi.json");
}
