//! Files that forms are submitted with, and those that workflows write.

use crate::retention::next_pass;
use chrono::Duration;
use msp_domain::{OrgId, Permission, Scope};
use msp_storage::repositories::organizations::Organization;
use msp_test_support::{Answer, TestApp, TestCaller};
use serde_json::{Value, json};

const LAUNCHER: &str = env!("CARGO_BIN_EXE_msp-api-worker-launcher");

const WORKSPACE: &str = r#"
import asyncio
import hashlib
from msp_sdk import FileError
from shared.decorators import option_generator, param, workflow

@workflow(name="import_users", description="Read a roster and say what was in it")
@param("roster", type="json", required=True)
@param("scans", type="json")
@param("with_scans", type="bool")
async def import_users(context, roster, scans=None, with_scans=False):
    rows = await context.files.read(roster)
    report = await context.files.write("../<b>report</b>.html", rows.upper(), content_type="text/html")
    return {"report": report, "names": [file.name for file in await context.files.list()], "scans": scans}

@workflow(name="peek", description="Read a file by its id")
@param("id", type="string", required=True)
async def peek(context, id):
    try:
        return (await context.files.read(id)).decode()
    except FileError as error:
        return error.code

@workflow(name="fill", description="Write a file and read it back")
@param("size", type="int", required=True)
def fill(context, size):
    async def both():
        data = bytes(range(256)) * (size // 256)
        try:
            file = await context.files.write("large.bin", data)
        except FileError as error:
            return error.code
        return [file.size_bytes, await context.files.read(file) == data, hashlib.sha256(data).hexdigest()]
    return asyncio.run(both())

@workflow(name="careless", description="Breaks the rules of files")
async def careless(context):
    answers = []
    begun = {"name": "a", "content_type": "", "data": "aGk=", "size_bytes": 4}
    for method, arguments in [
        ("files.write", {**begun, "name": "..", "size_bytes": 2}), ("files.write", {**begun, "data": "?"}),
        ("files.write", {**begun, "size_bytes": 1}), ("files.write", {**begun, "size_bytes": None}),
        ("files.append", {"id": "x", "data": ""}), ("files.read", {"id": "x", "part": 0}), ("files.erase", {}),
    ]:
        try:
            await context._host.call(method, arguments)
        except Exception as error:
            answers.append(error.code)
    await context._host.call("files.write", begun)
    return [answers, [file.name for file in await context.files.list()]]

@option_generator(name="nosy")
async def nosy(context):
    try:
        return [file.name for file in await context.files.list()]
    except FileError as error:
        return [error.code]
"#;

struct Desk {
    app: TestApp,
    org: Organization,
    technician: TestCaller,
    form: String,
}

impl Desk {
    async fn new() -> Self {
        let app = TestApp::with_engine(LAUNCHER, &[("workflows/files.py", WORKSPACE)]).await;
        let org = app.org("Contoso").await;
        let technician = app.user_with(&org, [Permission::ExecuteWorkflows]).await;
        let form = json!({
            "name": "Import", "workflow": "import_users",
            "fields": [
                { "name": "roster", "label": "Roster", "type": "file", "required": true,
                  "validation": { "accept": [".csv"], "max_size_mb": 0.001 } },
                { "name": "with_scans", "label": "With scans", "type": "checkbox" },
                { "name": "scans", "label": "Scans", "type": "file", "validation": { "max_items": 2 },
                  "visible_when": { "all": [{ "field": "with_scans", "op": "eq", "value": true }] } },
            ],
        });
        let created = app.admin().post(org.id, "/api/forms", form).await.expect(201).json();
        let form = created["id"].as_str().expect("an id").to_owned();
        Self { app, org, technician, form }
    }

    async fn upload(&self, caller: &TestCaller, org: impl Into<Option<OrgId>>, name: &str, content: &[u8]) -> Value {
        let request = caller.request("POST", &format!("/api/uploads?name={name}")).org(org);
        request.header("content-type", "text/csv").body(content).send().await.expect(201).json()
    }

    async fn roster(&self) -> Value {
        self.upload(&self.technician, self.org.id, "users.csv", b"name\nAda\n").await
    }

    async fn submit(&self, input: &Value) -> Answer {
        self.submission(input).send().await
    }

    fn submission(&self, input: &Value) -> msp_test_support::Request {
        let request = self.technician.request("POST", "/workflows/import_users").org(self.org.id);
        request.header("x-form-id", &self.form).json(input)
    }

    async fn waiting(&self) -> usize {
        let listed = self.technician.get(self.org.id, "/api/uploads").await.expect(200).json();
        listed["items"].as_array().expect("items").len()
    }

    async fn run(&self, workflow: &str, input: Value) -> Answer {
        self.technician.post(self.org.id, &format!("/workflows/{workflow}"), input).await
    }
}

fn faults(answer: &Answer) -> Vec<(String, String)> {
    answer.assert_problem(422, "parameters-invalid");
    let text = |fault: &Value, key: &str| fault[key].as_str().unwrap_or_default().to_owned();
    let errors = answer.json()["errors"].as_array().cloned().unwrap_or_default();
    errors.iter().map(|fault| (text(fault, "pointer"), text(fault, "detail"))).collect()
}

#[tokio::test]
async fn a_submitted_file_is_the_runs_and_is_downloaded_with_what_the_run_wrote_by_who_may_read_it() {
    let desk = Desk::new().await;
    let roster = desk.roster().await;

    // What a client says about the file does not matter; what the server knows does.
    let ran = desk.submit(&json!({ "roster": { "id": roster["id"], "name": "lies.exe" } })).await.expect(200);

    let result = ran.json();
    assert_eq!(result["names"], json!(["users.csv", "b>.html"]), "of a path the last part counts");
    assert_eq!(desk.waiting().await, 0, "it waits no more");
    let path = format!("/api/executions/{}", ran.header("x-execution-id"));
    let execution = desk.technician.get(None, &path).await.expect(200).json();
    let reference = json!({ "id": roster["id"], "name": "users.csv", "size_bytes": 9, "content_type": "text/csv" });
    assert_eq!(execution["input"]["roster"], reference);
    let listed = desk.technician.get(None, &format!("{path}/files")).await.expect(200).json();
    let facts = |file: &Value| (file["name"].clone(), file["source"].clone(), file["field"].clone());
    let items = listed["items"].as_array().expect("items");
    assert_eq!(items.len(), 2, "{listed}");
    assert_eq!(facts(&items[0]), (json!("users.csv"), json!("input"), json!("roster")));
    assert_eq!(facts(&items[1]), (json!("b>.html"), json!("output"), Value::Null));
    let page = desk.technician.get(None, &format!("{path}/files?limit=1")).await.expect(200).json();
    let rest = format!("{path}/files?cursor={}", page["next_cursor"].as_str().expect("a cursor"));
    assert_eq!(desk.technician.get(None, &rest).await.expect(200).json()["items"], json!([items[1]]));
    desk.technician.get(None, &format!("{path}/files?cursor=!")).await.assert_problem(400, "query-invalid");

    let report = format!("{path}/files/{}", result["report"]["id"].as_str().expect("an id"));
    let auditor = desk.app.user_with(&desk.org, [Permission::ViewHistory]).await;
    for caller in [&desk.technician, &auditor] {
        let file = caller.get(desk.org.id, &report).await.expect(200);
        assert_eq!(file.body.as_ref(), b"NAME\nADA\n");
        assert_eq!(file.header("content-type"), "application/octet-stream", "whatever it says it is");
        assert!(file.header("content-disposition").starts_with("attachment; filename=\"b_.html\""));
        assert!(file.header("content-security-policy").starts_with("sandbox; default-src 'none'"));
        assert_eq!(file.header("x-content-type-options"), "nosniff");
        assert_eq!((file.header("content-length"), file.header("accept-ranges")), ("9", "bytes"));
    }
    let colleague = desk.app.user_with(&desk.org, [Permission::ExecuteWorkflows]).await;
    let other = desk.app.org("Fabrikam").await;
    let stranger = desk.app.user_with(&other, Permission::ALL).await;
    for path in [format!("{path}/files"), report.clone()] {
        colleague.get(desk.org.id, &path).await.assert_problem(403, "permission-denied");
        stranger.get(desk.org.id, &path).await.assert_problem(403, "permission-denied");
        stranger.get(None, &path).await.assert_problem(404, "not-found");
        stranger.get(other.id, &path).await.assert_problem(404, "not-found");
    }
    let unknown = format!("{path}/files/{}", uuid::Uuid::new_v4());
    desk.technician.get(None, &unknown).await.assert_problem(404, "not-found");
    let audited = desk.app.audit(Scope::Org(desk.org.id)).await;
    let start = audited.iter().find(|row| row.draft.action == "Workflow.Execute").expect("on record");
    assert_eq!(start.draft.details["files"], json!([roster["id"]]));
}

#[tokio::test]
async fn a_part_of_a_file_is_answered_by_that_part() {
    let desk = Desk::new().await;
    let ran = desk.run("fill", json!({ "size": 2_500_096 })).await.expect(200);
    let (size, same, sha256) = (&ran.json()[0], &ran.json()[1], ran.json()[2].as_str().expect("a hash").to_owned());
    assert_eq!((size, same), (&json!(2_500_096), &json!(true)), "over several frames");
    let path = format!("/api/executions/{}/files", ran.header("x-execution-id"));
    let listed = desk.technician.get(None, &path).await.expect(200).json();
    assert_eq!(listed["items"][0]["sha256"], sha256);
    let path = format!("{path}/{}", listed["items"][0]["id"].as_str().expect("an id"));
    let get = |range: &str| desk.technician.request("GET", &path).header("range", range);

    let whole = desk.technician.get(None, &path).await.expect(200);
    assert_eq!(whole.header("etag"), format!("\"{sha256}\""));
    let part = get("bytes=1048570-1048581").send().await.expect(206);
    assert_eq!(part.body, whole.body.slice(1_048_570..1_048_582), "across two parts of it");
    assert_eq!(part.header("content-range"), "bytes 1048570-1048581/2500096");
    assert_eq!(get("bytes=-6").send().await.expect(206).body, whole.body.slice(2_500_090..));
    assert_eq!(get("bytes=9999999-").send().await.expect(200).body.len(), 2_500_096);
    let same = get("bytes=0-0").header("if-range", whole.header("etag"));
    assert_eq!(same.send().await.expect(206).body.len(), 1);
    assert_eq!(get("bytes=0-0").header("if-range", "\"another\"").send().await.expect(200).body.len(), 2_500_096);
}

#[tokio::test]
async fn a_file_that_is_not_the_callers_or_does_not_fit_its_field_is_refused_and_stays() {
    let desk = Desk::new().await;
    let colleague = desk.app.user_with(&desk.org, [Permission::ExecuteWorkflows]).await;
    let foreign = desk.upload(&colleague, desk.org.id, "users.csv", b"x").await;
    let elsewhere = desk.upload(&desk.technician, None, "users.csv", b"x").await;
    for roster in [&foreign, &elsewhere, &json!({ "id": uuid::Uuid::new_v4() }), &json!({ "id": 7 }), &json!("x")] {
        let refused = desk.submit(&json!({ "roster": roster })).await;
        assert_eq!(faults(&refused), [("#/roster".to_owned(), "Choose the file again".to_owned())], "{roster}");
    }
    let refused = desk.submit(&json!({ "roster": foreign["id"] })).await;
    assert_eq!(faults(&refused).len(), 1, "an id alone opens nothing either");
    let own = desk.roster().await;
    let _ = desk.submit(&json!({ "roster": own["id"] })).await.expect(200);
    let program = desk.upload(&desk.technician, desk.org.id, "users.exe", b"x").await;
    let refused = desk.submit(&json!({ "roster": program })).await;
    assert_eq!(faults(&refused), [("#/roster".to_owned(), "users.exe is not one of .csv".to_owned())]);
    let mut large = desk.upload(&desk.technician, desk.org.id, "users.csv", &[b'x'; 1100]).await;
    large["size_bytes"] = json!(1);
    let refused = desk.submit(&json!({ "roster": large })).await;
    assert_eq!(faults(&refused), [("#/roster".to_owned(), "users.csv is larger than 0.001 MB".to_owned())]);

    let roster = desk.roster().await;
    let twice = json!({ "roster": roster, "with_scans": true, "scans": [roster] });
    let refused = desk.submit(&twice).await;
    assert_eq!(faults(&refused), [("#/scans".to_owned(), "The same file was chosen twice".to_owned())]);
    let many = json!({ "roster": roster, "with_scans": true, "scans": vec![&roster; 21] });
    assert_eq!(faults(&desk.submit(&many).await)[0].0, "#/scans");
    let scan = desk.upload(&desk.technician, desk.org.id, "scan.png", b"x").await;
    let three = json!({ "roster": roster, "with_scans": true, "scans": [scan, program, large] });
    assert_eq!(faults(&desk.submit(&three).await), [("#/scans".to_owned(), "Add at most 2 files".to_owned())]);
    assert_eq!(desk.waiting().await, 4, "what was refused is still there");

    let hidden = desk.submit(&json!({ "roster": roster, "scans": [scan] })).await.expect(200);
    assert_eq!(hidden.json()["scans"], Value::Null);
    assert_eq!(desk.waiting().await, 3, "what a hidden field named was not taken");
    let again = desk.submit(&json!({ "roster": roster })).await;
    assert_eq!(faults(&again), [("#/roster".to_owned(), "Choose the file again".to_owned())], "taken once");

    let roster = desk.roster().await;
    desk.app.clock.advance(Duration::hours(24));
    let technician = desk.app.renewed(&desk.technician);
    let late = technician.request("POST", "/workflows/import_users").org(desk.org.id);
    let late = late.header("x-form-id", &desk.form).json(&json!({ "roster": roster })).send().await;
    assert_eq!(faults(&late), [("#/roster".to_owned(), "Choose the file again".to_owned())], "a day has passed");
}

#[tokio::test]
async fn of_racing_submissions_with_one_file_exactly_one_runs() {
    let desk = Desk::new().await;
    let input = json!({ "roster": desk.roster().await });
    let answers = futures::future::join_all((0..4).map(|_| desk.submit(&input))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    for refused in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!(faults(refused), [("#/roster".to_owned(), "Choose the file again".to_owned())]);
    }
}

#[tokio::test]
async fn a_submission_sent_again_is_answered_by_its_run_though_file_and_form_are_gone() {
    let desk = Desk::new().await;
    let input = json!({ "roster": desk.roster().await });
    let send = async |input: &Value| desk.submission(input).header("idempotency-key", "one").send().await;
    let first = send(&input).await.expect(200);
    let form = format!("/api/forms/{}", desk.form);
    let _ = desk.app.admin().patch(None, &form, json!({ "is_active": false })).await.expect(200);

    let again = send(&input).await.expect(200);

    assert_eq!(again.header("x-execution-id"), first.header("x-execution-id"));
    assert_eq!(again.body, first.body);
    send(&json!({ "roster": { "id": "other" } })).await.assert_problem(422, "idempotency-key-reused");
    let _ = desk.app.admin().delete(None, &form).await.expect(204);
    assert_eq!(send(&input).await.expect(200).header("x-execution-id"), first.header("x-execution-id"));
    desk.submit(&input).await.assert_problem(404, "not-found");
}

#[tokio::test]
async fn run_again_a_submission_asks_for_its_files_again() {
    let desk = Desk::new().await;
    let scans = desk.upload(&desk.technician, desk.org.id, "scan.png", b"x").await;
    let input = json!({ "roster": desk.roster().await, "with_scans": true, "scans": [scans] });
    let ran = desk.submit(&input).await.expect(200);
    let again = format!("/api/executions/{}/rerun", ran.header("x-execution-id"));
    let rerun = async |overrides: Value| desk.technician.post(desk.org.id, &again, overrides).await;

    let pointers = |answer: &Answer| faults(answer).into_iter().map(|(pointer, _)| pointer).collect::<Vec<_>>();
    assert_eq!(pointers(&rerun(json!({})).await), ["#/roster", "#/scans"]);
    assert_eq!(pointers(&rerun(json!({ "roster": null, "scans": null })).await), ["#/roster"]);
    let second = rerun(json!({ "roster": desk.roster().await, "scans": null })).await.expect(200);
    assert_eq!(second.json()["names"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn a_run_reads_its_own_files_and_nobody_elses_and_keeps_to_the_rules() {
    let desk = Desk::new().await;
    let roster = desk.roster().await;
    let waiting = desk.roster().await;
    let ran = desk.submit(&json!({ "roster": roster })).await.expect(200);
    for id in [&roster["id"], &ran.json()["report"]["id"], &waiting["id"], &json!("../../msp.db")] {
        let peeked = desk.run("peek", json!({ "id": id })).await.expect(200);
        assert_eq!(peeked.json(), "file_not_found", "{id}");
    }
    assert_eq!(desk.run("fill", json!({ "size": 52_429_056 })).await.expect(200).json(), "file_too_large");
    assert_eq!(desk.run("fill", json!({ "size": 0 })).await.expect(200).json()[1], true);
    let careless = desk.run("careless", json!({})).await.expect(200);
    let invalid = "invalid_arguments";
    let refusals = [invalid, invalid, invalid, invalid, "file_not_found", "file_not_found", "unknown_method"];
    assert_eq!(careless.json(), json!([refusals, []]), "what is not written to its end is not there");
    let path = format!("/api/executions/{}/files", careless.header("x-execution-id"));
    assert_eq!(desk.technician.get(None, &path).await.expect(200).json()["items"], json!([]));
    let blobs = desk.app.repositories.stores.blobs.list("files/").await.expect("listed");
    assert_eq!(blobs.len(), 3, "the roster, its report and the one that waits: {blobs:?}");
    let options = desk.technician.get(desk.org.id, "/options/nosy").await.expect(200).json();
    assert_eq!(options[0]["value"], "no_files");
}

#[tokio::test]
async fn what_a_run_was_given_and_what_it_wrote_goes_with_it_when_it_has_been_kept_for_long_enough() {
    let desk = Desk::new().await;
    let submit = async |desk: &Desk| {
        let ran = desk.submit(&json!({ "roster": desk.roster().await })).await.expect(200);
        let path = format!("/api/executions/{}/files", ran.header("x-execution-id"));
        let listed = desk.technician.get(None, &path).await.expect(200).json();
        let files = listed["items"].as_array().expect("items").iter();
        let files: Vec<String> = files.map(|file| file["id"].as_str().expect("an id").to_owned()).collect();
        assert_eq!(files.len(), 2, "one of the submission, one that it wrote: {listed}");
        (path, files)
    };
    let (old, old_files) = submit(&desk).await;
    desk.app.clock.advance(Duration::days(3));
    let technician = desk.app.renewed(&desk.technician);
    let desk = Desk { technician, ..desk };
    let (young, young_files) = submit(&desk).await;
    let blobs = async || desk.app.repositories.stores.blobs.list("files/").await.expect("listed");
    assert_eq!(blobs().await.len(), 4);

    let limit = format!("/api/organizations/{}/retention", desk.org.id);
    let set = async || drop(desk.app.admin().put(None, &limit, json!({ "days": 2 })).await.expect(200));
    let pass = next_pass(&desk.app, set).await;

    assert_eq!((&pass["removed"], &pass["failed"]), (&json!(1), &json!(0)), "{pass}");
    for caller in [&desk.technician, &desk.app.admin()] {
        caller.get(None, &old).await.assert_problem(404, "not-found");
        for file in &old_files {
            caller.get(None, &format!("{old}/{file}")).await.assert_problem(404, "not-found");
        }
    }
    for file in &young_files {
        let _ = desk.technician.get(None, &format!("{young}/{file}")).await.expect(200);
    }
    let left = blobs().await;
    let is_of_the_young = |path: &String| young_files.iter().any(|file| path.contains(file.as_str()));
    assert!(left.len() == 2 && left.iter().all(is_of_the_young), "{left:?}");
}
