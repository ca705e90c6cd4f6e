//! `msp import` and `msp export`.

use crate::support::{Installation, Server};
use nix::sys::signal::Signal;
use reqwest::Method;
use rusqlite::Connection;
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, os::unix::fs::symlink, path::Path};

const ORGANIZATIONS: &str = "name,tenant_id,time_zone,tags,is_active\n\
    Contoso,72f988bf-86f1-41af-91ab-2d7cd011db47,Europe/Berlin,Gold;eu,true\n\
    \"Fabrikam, Inc./EU\",,,,false\n";
const VARIABLES: &str = "name,value,category\n\
    default_domain,contoso.example,general\n\
    main_contact,\"Ada, Lovelace\",Contact\n\
    formula,=1+1,general\n\
    vendor_key,a long vendor secret,secret\n\
    masked,********,password\n";

fn form(name: &str) -> String {
    let fields = json!([{ "name": "email", "label": "Address", "type": "email" }]);
    json!({ "name": name, "workflow": "onboard", "fields": fields }).to_string()
}

/// Writes files under a folder.
fn write(folder: &Path, files: &[(&str, &str)]) {
    for (path, content) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, content).expect("written");
    }
}

fn filled(folder: &Path) {
    write(
        folder,
        &[
            ("organizations.csv", &format!("\u{feff}{}", ORGANIZATIONS.replace('\n', "\r\n"))),
            ("organizations/Contoso/variables.csv", VARIABLES),
            ("organizations/Contoso/forms/New user.json", &form("New user")),
            ("organizations/Contoso/forms/Old.inactive.json", &form("Old")),
            ("global/variables.csv", "name,value,category,type,description\nlimit,-25,general,int,How many\n"),
            ("global/forms/Everybody.json", &form("Everybody")),
        ],
    );
}

/// Every file under a folder with its content.
fn content(folder: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut left = vec![folder.to_owned()];
    while let Some(next) = left.pop() {
        for entry in fs::read_dir(next).expect("read") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                left.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("inside").display().to_string();
                files.insert(name, fs::read_to_string(path).expect("text"));
            }
        }
    }
    files
}

const WORKFLOW: &str = r#"
from msp_sdk import param, workflow

@workflow(name="onboard")
@param("email", type="email")
async def onboard(context, email=None):
    return email
"#;

fn installed() -> Installation {
    let installation = Installation::new();
    installation.write("workflows/onboard.py", WORKFLOW);
    installation.succeed(&["seed"]);
    installation
}

async fn get(server: &Server, token: &str, path: &str) -> Value {
    let answer = server.request(Method::GET, path).bearer_auth(token).send().await.expect("an answer");
    assert!(answer.status().is_success(), "{path}: {}", answer.status());
    answer.json().await.expect("JSON")
}

#[tokio::test]
async fn a_folder_is_imported_as_a_dry_run_said_and_importing_it_or_its_export_again_changes_nothing() {
    let installation = installed();
    let folder = installation.data().with_file_name("folder");
    filled(&folder);
    let path = folder.to_str().expect("UTF-8");
    let before =
        installation.succeed(&["export", installation.data().with_file_name("before").to_str().expect("UTF-8")]);
    assert!(before.contains("3 organizations"), "{before}");

    // Contoso is one of the demo: it moves to another tenant.
    let said = installation.succeed(&["import", path, "--dry-run"]);
    for line in [
        "update     Contoso: organization (tenant_id, time_zone, tags)  (organizations.csv:2)",
        "create     Fabrikam, Inc./EU: organization  (organizations.csv:3)",
        "create     Contoso: variable default_domain  (organizations/Contoso/variables.csv:2)",
        "create     Contoso: secret vendor_key  (organizations/Contoso/variables.csv:5)",
        "skipped    Contoso: secret masked has no value here; set it by hand  (organizations/Contoso/variables.csv:6)",
        "create     Contoso: form `New user`  (organizations/Contoso/forms/New user.json)",
        "create     global: variable limit  (global/variables.csv:2)",
        "3 to write, 0 things unchanged; nothing was written.",
    ] {
        assert!(said.contains(line), "{line}\n{said}");
    }
    assert!(!said.contains("a long vendor secret"), "{said}");
    let again = installation.succeed(&["import", path, "--dry-run"]);
    assert_eq!(again, said, "a dry run writes nothing");
    let done = installation.succeed(&["import", path]);
    assert!(done.ends_with("3 written, 0 things unchanged."), "{done}");
    let again = installation.succeed(&["import", path]);
    assert!(again.ends_with("0 written, 10 things unchanged."), "{again}");

    let exported = installation.data().with_file_name("exported");
    let target = exported.to_str().expect("UTF-8");
    let told = installation.succeed(&["export", target]);
    assert!(told.contains("secrets are named without their values"), "{told}");
    let files = content(&exported);
    assert!(files.values().all(|text| !text.contains("a long vendor secret") && !text.contains("demo-key-of")));
    let variables = &files["organizations/Contoso/variables.csv"];
    for line in ["formula,'=1+1,general,string,", "main_contact,\"Ada, Lovelace\",Contact,string,"] {
        assert!(variables.contains(line), "{variables}");
    }
    assert!(files.keys().any(|path| path == "organizations/Contoso/forms/Old.inactive.json"), "{files:?}");
    let unchanged = installation.succeed(&["import", target]);
    assert!(unchanged.contains("0 written") && unchanged.lines().count() == 1, "{unchanged}");

    let elsewhere = installed();
    elsewhere.succeed(&["import", target]);
    let copy = elsewhere.data().with_file_name("copy");
    elsewhere.succeed(&["export", copy.to_str().expect("UTF-8")]);
    let strip = |files: BTreeMap<String, String>| -> BTreeMap<String, String> {
        // Secrets do not travel.
        let without =
            |text: String| text.lines().filter(|line| !line.contains(",,secret,")).collect::<Vec<_>>().join("\n");
        files.into_iter().map(|(path, text)| (path, without(text))).collect()
    };
    assert_eq!(strip(content(&copy)), strip(files));

    let server = installation.serve();
    let token = installation.succeed(&["token"]);
    let organizations = get(&server, &token, "/api/organizations").await;
    let items = organizations["items"].as_array().expect("items");
    let contoso = items.iter().find(|one| one["name"] == "Contoso").expect("there");
    assert_eq!((&contoso["time_zone"], &contoso["tags"]), (&json!("Europe/Berlin"), &json!(["eu", "gold"])));
    let org = contoso["id"].as_str().expect("an id");
    let contact = get(&server, &token, &format!("/api/organizations/{org}/config/main_contact")).await;
    assert_eq!((&contact["value"], &contact["description"]), (&json!("Ada, Lovelace"), &Value::Null));
    let limit = get(&server, &token, "/api/global/config/limit").await;
    assert_eq!((&limit["value"], &limit["type"]), (&json!(-25), &json!("int")));
}

#[tokio::test]
async fn a_running_server_checks_the_workflows_of_forms_and_serves_what_was_imported_at_once() {
    let installation = installed();
    let folder = installation.data().with_file_name("folder");
    write(
        &folder,
        &[
            ("organizations/Contoso/variables.csv", "name,value,category\nregion,north,general\n"),
            ("organizations/Fabrikam/forms/New user.json", &form("New user").replace("onboard", "offboard")),
        ],
    );
    let server = installation.serve();
    let token = installation.succeed(&["token"]);
    let finished = installation.run(&["import", folder.to_str().expect("UTF-8")]);
    assert_eq!(finished.code, Some(1), "{finished:#?}");
    assert!(finished.stdout.contains("error      Fabrikam: form `New user`: #/workflow"), "{finished:#?}");
    assert!(finished.stdout.contains("1 written"), "one organization does not keep another: {finished:#?}");
    let organizations = get(&server, &token, "/api/organizations").await;
    let items = organizations["items"].as_array().expect("items");
    let org = items.iter().find(|one| one["name"] == "Contoso").expect("there")["id"].as_str().expect("an id");
    let region = get(&server, &token, &format!("/api/organizations/{org}/config/region")).await;
    assert_eq!(region["value"], "north");
}

#[test]
fn of_an_organization_with_a_fault_nothing_is_written_and_each_fault_has_its_place() {
    let installation = installed();
    let folder = installation.data().with_file_name("folder");
    write(
        &folder,
        &[
            (
                "organizations.csv",
                "name,time_zone,tenant_id\nNew,Europe/Berln,\nFabrikam,,c0c0c0c0-0001-4c0c-8c0c-c0c0c0c0c0c0\nTwice,,\nTWICE,,\n",
            ),
            ("organizations/New/variables.csv", "name,value,category\nfine,1,general\n"),
            (
                "organizations/Northwind/variables.csv",
                "name,value,category,type\na b,1,general,\nfine,1,general,\nfine,2,general,\nn,x,general,int\nshort,abc,secret,\n",
            ),
            ("organizations/Northwind/forms/broken.json", "{"),
            ("organizations/Northwind/forms/wrong.json", "{\"name\": \"Wrong\"}"),
        ],
    );
    let finished = installation.run(&["import", folder.to_str().expect("UTF-8")]);
    assert_eq!(finished.code, Some(1), "{finished:#?}");
    for line in [
        "error      New: time_zone: unknown time zone; did you mean `Europe/Berlin`?  (organizations.csv:2)",
        "conflict   Fabrikam: its tenant is linked to `Contoso`  (organizations.csv:3)",
        "conflict   Twice: the file names this organization again  (organizations.csv:5)",
        "conflict   TWICE: the file names this organization twice  (organizations.csv:5)",
        "error      Northwind: the name `a b` may use letters",
        "error      Northwind: `fine` stands in line 3 already  (organizations/Northwind/variables.csv:4)",
        "error      Northwind: variable n: expected a whole number, such as `25` (int)",
        "error      Northwind: secret short needs at least 8 characters",
        "error      Northwind: it is not JSON: line 1, column 1  (organizations/Northwind/forms/broken.json)",
        "error      Northwind: #/workflow",
        "0 written",
    ] {
        assert!(finished.stdout.contains(line), "{line}\n{}", finished.stdout);
    }
    let exported = installation.data().with_file_name("exported");
    installation.succeed(&["export", exported.to_str().expect("UTF-8")]);
    let files = content(&exported);
    assert!(!files["organizations/Northwind/variables.csv"].contains("fine"), "{files:?}");
    assert!(!files["organizations.csv"].contains("New"), "{files:?}");
}

#[test]
fn what_is_no_import_is_refused_before_anything_is_read_or_written() {
    let installation = installed();
    let folder = installation.data().with_file_name("folder");
    let path = folder.to_str().expect("UTF-8").to_owned();
    let refused = |code: i32, said: &str, arguments: &[&str]| {
        let finished = installation.run(arguments);
        assert_eq!(finished.code, Some(code), "{said}: {finished:#?}");
        assert!(finished.stderr.contains(said), "{said}\n{}", finished.stderr);
    };
    refused(2, "is not a folder", &["import", &path]);
    let cases: [(&str, &[u8], &str); 6] = [
        ("organisations.csv", b"name\n", "did you mean `organizations.csv`?"),
        (
            "organizations.csv",
            b"name,timezone\n",
            "organizations.csv:1: unknown column `timezone`; did you mean `time_zone`?",
        ),
        ("organizations.csv", b"\xff\xfen\0a\0", "is UTF-16; save it as UTF-8"),
        ("organizations.csv", b"name\nA\nM\xfcnchen\n", "organizations.csv:3 is not UTF-8; save it as UTF-8"),
        ("organizations/Contosso/variables.csv", b"", "belongs to no organization; did you mean `Contoso`?"),
        ("organizations/Contoso/variable.csv", b"", "did you mean `variables.csv`?"),
    ];
    for (file, bytes, said) in cases {
        let _ = fs::remove_dir_all(&folder);
        write(&folder, &[(file, "")]);
        fs::write(folder.join(file), bytes).expect("written");
        refused(1, said, &["import", &path]);
    }
    fs::remove_dir_all(&folder).expect("removed");
    write(&folder, &[("organizations.csv", "name\n")]);
    fs::write(folder.join("organizations.csv"), vec![b'x'; (16 << 20) + 1]).expect("written");
    refused(1, "at most 16777216 are read", &["import", &path]);
    fs::write(folder.join("organizations.csv"), "name\nNew\n").expect("written");
    refused(2, "the folder has no organization `Newer`; did you mean `New`?", &["import", &path, "--org", "Newer"]);

    // Links lead out of the folder.
    let secret = installation.data().join("master.key");
    fs::create_dir_all(folder.join("organizations/Contoso/forms")).expect("made");
    symlink(&secret, folder.join("organizations/Contoso/forms/x.json")).expect("linked");
    refused(1, "is a link, and links are not followed", &["import", &path]);
    refused(2, "is not empty", &["export", &path]);
    refused(2, "is not a folder", &["export", folder.join("organizations.csv").to_str().expect("UTF-8")]);
    let exported = installation.data().with_file_name("exported");
    installation.succeed(&["export", exported.to_str().expect("UTF-8")]);
    assert!(!content(&exported)["organizations.csv"].contains("New"));
}

#[test]
fn more_than_a_commit_holds_is_imported_whole() {
    let installation = installed();
    let folder = installation.data().with_file_name("folder");
    let mut variables = "name,value,category\n".to_owned();
    (0..120).for_each(|number| variables += &format!("key_{number},{number},general\n"));
    write(&folder, &[("organizations.csv", "name\nLarge\n"), ("organizations/Large/variables.csv", &variables)]);
    let path = folder.to_str().expect("UTF-8");
    let done = installation.succeed(&["import", path, "--org", "large"]);
    assert!(done.ends_with("1 written, 0 things unchanged."), "{done}");
    let again = installation.succeed(&["import", path]);
    assert!(again.ends_with("0 written, 121 things unchanged."), "{again}");
}

#[test]
fn without_a_server_the_workspace_says_whether_workflows_exist_and_forms_come_in_unseen_only_when_asked() {
    let installation = installed();
    let folder = installation.data().with_file_name("folder");
    let path = folder.to_str().expect("UTF-8");
    write(
        &folder,
        &[
            ("organizations/Contoso/forms/Known.json", &form("Known")),
            ("organizations/Fabrikam/forms/Unknown.json", &form("Unknown").replace("onboard", "onbord")),
        ],
    );
    let finished = installation.run(&["import", path]);
    assert_eq!(finished.code, Some(1), "{finished:#?}");
    let said = "error      Fabrikam: form `Unknown`: #/workflow unknown workflow `onbord`; did you mean `onboard`?";
    assert!(finished.stdout.contains(said), "{finished:#?}");
    assert!(finished.stdout.contains("1 written"), "{finished:#?}");

    fs::remove_dir_all(installation.workspace()).expect("removed");
    let finished = installation.run(&["import", path, "--dry-run"]);
    assert_eq!(finished.code, Some(1), "{finished:#?}");
    let said = "error      Fabrikam: form `Unknown`: nobody can say whether its workflow exists (no server answers;";
    assert!(finished.stdout.contains(said) && finished.stdout.contains("`--unchecked`"), "{finished:#?}");
    let done = installation.succeed(&["import", path, "--unchecked"]);
    assert!(done.ends_with("1 written, 1 things unchanged."), "{done}");
}

#[test]
fn an_export_leaves_out_and_names_what_cannot_be_read_and_tells_forms_of_one_name_apart() {
    let installation = installed();
    let folder = installation.data().with_file_name("folder");
    filled(&folder);
    let path = folder.to_str().expect("UTF-8");
    installation.succeed(&["import", path]);
    let database = Connection::open(installation.data().join("msp.db")).expect("opens");
    let change = |sql: &str| assert_eq!(database.execute(sql, []).expect("written"), 1, "{sql}");
    // Two forms of one name, as the API allows.
    change(
        "UPDATE entities SET props = replace(props, 'Old', 'New user') WHERE tbl = 'Forms' AND json_extract(props, '$.Name') = 'Old'",
    );
    let export = |name: &str| {
        let target = installation.data().with_file_name(name);
        (installation.run(&["export", target.to_str().expect("UTF-8")]), content(&target))
    };
    let (finished, files) = export("twice");
    assert_eq!(finished.code, Some(0), "{finished:#?}");
    assert!(
        finished.stderr.contains("note: organizations/Contoso: 2 forms are called `New user`, and an import"),
        "{finished:#?}"
    );
    let forms: Vec<&String> =
        files.keys().filter(|path| path.starts_with("organizations/Contoso/forms/New user~")).collect();
    assert_eq!(forms.len(), 2, "{files:#?}");
    assert_eq!(forms.iter().filter(|path| path.ends_with(".inactive.json")).count(), 1, "{forms:?}");

    change("UPDATE entities SET props = '{' WHERE tbl = 'Forms' AND json_extract(props, '$.IsActive') = 0");
    change("UPDATE entities SET props = '{' WHERE tbl = 'OrgConfig' AND rk = 'config:main_contact'");
    change(
        "UPDATE entities SET props = '{' WHERE tbl = 'Organizations' AND json_extract(props, '$.Name') = 'Northwind'",
    );
    let (finished, files) = export("damaged");
    assert_eq!(finished.code, Some(1), "{finished:#?}");
    for said in [
        "error: left out: organization ",
        "error: left out: organizations/Contoso: a variable: ",
        "config:main_contact",
        "error: left out: organizations/Contoso: a form: ",
    ] {
        assert!(finished.stderr.contains(said), "{said}\n{finished:#?}");
    }
    assert!(files.contains_key("organizations/Contoso/forms/New user.json"), "{files:#?}");
    assert!(files["organizations/Contoso/variables.csv"].contains("default_domain"), "{files:#?}");
    assert!(files.contains_key("global/forms/Everybody.json"), "{files:#?}");

    // Where something is not readable, nothing is written beside it; elsewhere everything is.
    fs::write(folder.join("global/variables.csv"), "name,value,category\nlimit,-26,general\n").expect("written");
    let finished = installation.run(&["import", path]);
    assert_eq!(finished.code, Some(1), "{finished:#?}");
    for said in [
        "error      Contoso: a variable that is there cannot be read: ",
        "error      Contoso: a form that is there",
        "1 written",
    ] {
        assert!(finished.stdout.contains(said), "{said}\n{finished:#?}");
    }
}

/// Variables of each organization whose import is killed: enough to be killed in the middle of.
const MANY: usize = 1_500;

#[test]
fn an_import_killed_at_any_moment_leaves_whole_organizations_and_the_next_one_brings_the_rest() {
    let installation = installed();
    let folder = installation.data().with_file_name("folder");
    let path = folder.to_str().expect("UTF-8");
    let mut variables = "name,value,category\n".to_owned();
    (0..MANY).for_each(|number| variables += &format!("key_{number},{number},general\n"));
    variables += "vendor_key,a long vendor secret,secret\n";
    let names: Vec<String> = (0..6).map(|number| format!("Client {number}")).collect();
    write(&folder, &[("organizations.csv", &("name\n".to_owned() + &names.join("\n")))]);
    for name in &names {
        write(&folder, &[(&format!("organizations/{name}/variables.csv"), &variables)]);
    }
    let log = installation.data().join("msp.db-wal");
    let written = || fs::metadata(&log).map_or(0, |log| log.len());
    for round in 0..4_u64 {
        let before = written();
        let import = installation.begin("import", &["import", path]);
        // Later in each round, by what stands on the disk: one import leaves half a megabyte and more.
        import.wait_for("something is written", || (written() > before + round * 300_000).then_some(()));
        import.signal(Signal::SIGKILL);
        import.end();
        let exported = installation.data().with_file_name(format!("exported-{round}"));
        installation.succeed(&["export", exported.to_str().expect("UTF-8")]);
        let files = content(&exported);
        for name in names.iter().filter(|name| files["organizations.csv"].contains(*name)) {
            let variables = files.get(&format!("organizations/{name}/variables.csv")).expect("whole");
            assert_eq!(variables.matches("\nkey_").count(), MANY, "{name} in round {round}");
            assert!(variables.contains("vendor_key,,secret"), "{name} in round {round}");
        }
    }
    installation.succeed(&["import", path]);
    let again = installation.succeed(&["import", path]);
    assert!(again.contains("0 written"), "{again}");
}
