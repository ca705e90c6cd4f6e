//! `msp workflows new`.

use crate::support::Installation;
use std::fs;

#[test]
fn a_new_workflow_passes_its_check_and_is_never_written_over() {
    let installation = Installation::new();
    let written = installation.succeed(&["workflows", "new", "reset_password"]);
    assert_eq!(written.lines().count(), 3, "{written}");
    let check = installation.run(&["workflows", "check"]);
    assert_eq!(check.code, Some(0), "{check:#?}");
    assert!(check.stdout.contains("1 workflow, 0 option generators, 0 mistakes"), "{}", check.stdout);

    let file = installation.workspace().join("workflows/reset_password.py");
    fs::write(&file, "# mine").expect("written");
    let again = installation.run(&["workflows", "new", "reset_password"]);
    assert_eq!(again.code, Some(2), "{again:#?}");
    assert!(again.stderr.contains("exists already"), "{}", again.stderr);
    assert_eq!(fs::read_to_string(file).expect("read"), "# mine");

    let misnamed = installation.run(&["workflows", "new", "Reset-Password"]);
    assert_eq!(misnamed.code, Some(2), "{misnamed:#?}");
    assert!(misnamed.stderr.contains("try `reset_password`"), "{}", misnamed.stderr);
}
