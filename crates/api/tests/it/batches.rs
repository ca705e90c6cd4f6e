//! Forms submitted with a file of rows.

use msp_domain::{OrgId, Permission, Permissions, Scope};
use msp_storage::{SecretNamespace, repositories::organizations::Organization};
use msp_test_support::{Answer, TestApp, TestCaller};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const LAUNCHER: &str = env!("CARGO_BIN_EXE_msp-api-worker-launcher");

const WORKSPACE: &str = r#"
import asyncio, pathlib, tempfile
from shared.decorators import option_generator, param, workflow

asked = []

@workflow(name="onboard", description="Create a user")
@param("email", type="email", required=True)
@param("plan", type="string", required=False)
@param("seats", type="int", required=False)
@param("is_large", type="bool", required=False)
async def onboard(context, email, plan=None, seats=None, is_large=False):
    if email.startswith("broken"):
        raise ValueError("=no such user")
    if email.startswith("slow"):
        await asyncio.sleep(600)
    return {"email": email, "plan": plan, "seats": seats}

@workflow(name="tidy", description="Of no organization", requires_org=False)
@param("email", type="email", required=True)
async def tidy(context, email):
    return email

@workflow(name="join", description="Takes a password")
@param("user", type="string", required=True)
@param("password", type="password", required=True)
async def join(context, user, password):
    if user == "broken":
        raise ValueError("refused")
    return len(password)

@option_generator(name="plans")
async def plans(context, is_large=False):
    asked.append(is_large)
    return [{"label": "Asked %d" % len(asked), "value": "count"}, {"label": "Business", "value": "SPB"}]
"#;

struct Desk {
    app: TestApp,
    org: Organization,
    technician: TestCaller,
}

impl Desk {
    async fn new() -> Self {
        let app = TestApp::with_engine(LAUNCHER, &[("workflows/desk.py", WORKSPACE)]).await;
        let org = app.org("Contoso").await;
        let technician = app.user_with(&org, [Permission::ExecuteWorkflows]).await;
        Self { app, org, technician }
    }

    async fn form(&self) -> String {
        let fields = json!([
            { "name": "email", "label": "Address", "type": "email", "required": true },
            { "name": "is_large", "label": "Large", "type": "checkbox" },
            { "name": "seats", "label": "Seats", "type": "number", "required": true,
              "visible_when": { "all": [{ "field": "is_large", "op": "eq", "value": true }] } },
            { "name": "plan", "label": "Plan", "type": "select", "options": {
                "source": "option_generator", "generator": "plans", "inputs": { "is_large": { "field": "is_large" } } } },
        ]);
        self.form_of("onboard", fields).await
    }

    async fn form_of(&self, workflow: &str, fields: Value) -> String {
        let form = json!({ "name": format!("Form of {workflow}"), "workflow": workflow, "fields": fields });
        let created = self.app.admin().post(self.org.id, "/api/forms", form).await.expect(201);
        created.json()["id"].as_str().expect("an id").to_owned()
    }

    async fn send(&self, form: &str, query: &str, csv: &str) -> Answer {
        self.keyed(form, query, csv, None).await
    }

    async fn keyed(&self, form: &str, query: &str, csv: &str, key: Option<&str>) -> Answer {
        let request = self.technician.request("POST", &format!("/api/forms/{form}/batches{query}")).org(self.org.id);
        let request = request.header("content-type", "text/csv; charset=utf-8").body(csv);
        match key {
            Some(key) => request.header("idempotency-key", key).send().await,
            None => request.send().await,
        }
    }

    async fn batch(&self, id: &str) -> Value {
        self.technician.get(self.org.id, &format!("/api/batches/{id}")).await.expect(200).json()
    }

    /// A batch as lists show it, once it satisfies a condition.
    async fn until_listed(&self, id: &str, holds: impl Fn(&Value) -> bool) {
        let give_up = Instant::now() + Duration::from_secs(30);
        loop {
            let list = self.technician.get(self.org.id, "/api/batches").await.expect(200).json();
            let mut items = list["items"].as_array().expect("items").iter();
            if items.any(|batch| batch["id"] == id && holds(batch)) {
                return;
            }
            assert!(Instant::now() < give_up, "it does not come to that: {list}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn until(&self, id: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let give_up = Instant::now() + Duration::from_secs(30);
        loop {
            let batch = self.batch(id).await;
            if holds(&batch) {
                return batch;
            }
            assert!(Instant::now() < give_up, "it does not come to that: {batch}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn ended(&self, id: &str) -> Value {
        self.until(id, |batch| batch["completed_at"].is_string()).await
    }

    async fn rows(&self, id: &str, query: &str) -> Value {
        self.technician.get(self.org.id, &format!("/api/batches/{id}/rows{query}")).await.expect(200).json()
    }

    async fn executions(&self, org: impl Into<Option<OrgId>>) -> Vec<Value> {
        let list = self.app.admin().get(org, "/api/executions?limit=200").await.expect(200).json();
        list["items"].as_array().expect("items").clone()
    }
}

fn id_of(batch: &Value) -> String {
    batch["id"].as_str().expect("an id").to_owned()
}

fn faults(answer: &Answer) -> Vec<(String, String)> {
    let text = |fault: &Value, name: &str| fault[name].as_str().unwrap_or_default().to_owned();
    let errors = answer.json()["errors"].as_array().cloned().unwrap_or_default();
    errors.iter().map(|fault| (text(fault, "pointer"), text(fault, "detail"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_runs_and_what_became_of_each_is_listed_and_downloaded() {
    let desk = Desk::new().await;
    let form = desk.form().await;
    let csv = "\u{feff}Address;large;Seats;Plan\r\nada@contoso.example;yes;25;business\r\nbroken@contoso.example;;;\r\n\
               eve@contoso.example;no;7;SPB\r\n";
    let accepted = desk.send(&form, "", csv).await.expect(202);
    let batch = accepted.json();
    let id = id_of(&batch);
    assert_eq!(accepted.header("location"), format!("/api/batches/{id}"));
    assert_eq!(batch["row_count"], 3);
    let ended = desk.ended(&id).await;
    assert_eq!(ended["counts"], json!({ "pending": 0, "running": 0, "success": 2, "failed": 1, "cancelled": 0 }));

    let rows = desk.rows(&id, "").await;
    assert_eq!(rows["items"].as_array().map(Vec::len), Some(3));
    let first = &rows["items"][0];
    assert_eq!((&first["row_number"], &first["status"]), (&json!(1), &json!("Success")));
    let input = json!({ "email": "ada@contoso.example", "plan": "SPB", "seats": 25, "is_large": true });
    assert_eq!(first["input"], input, "as the workflow takes it");
    assert_eq!(rows["items"][1]["error_message"], "=no such user");
    let input = json!({ "email": "eve@contoso.example", "plan": "SPB", "is_large": false });
    assert_eq!(rows["items"][2]["input"], input, "what is hidden is dropped");
    let page = desk.rows(&id, "?limit=2").await;
    let next = page["next_cursor"].as_str().expect("a cursor").to_owned();
    let rest = desk.rows(&id, &format!("?limit=2&cursor={next}")).await;
    assert_eq!((rest["items"][0]["row_number"].as_u64(), &rest["next_cursor"]), (Some(3), &Value::Null));
    assert_eq!(desk.rows(&id, "?status=Failed,TimedOut").await["items"][0]["row_number"], 2);

    let execution = format!("/api/executions/{}", first["execution_id"].as_str().expect("an id"));
    let execution = desk.technician.get(desk.org.id, &execution).await.expect(200).json();
    let whose = (&execution["batch_id"], &execution["row_number"], &execution["form_name"], &execution["trigger"]);
    assert_eq!(whose, (&json!(id), &json!(1), &json!("Form of onboard"), &json!("form")));

    let file = desk.technician.get(desk.org.id, &format!("/api/batches/{id}/rows.csv")).await.expect(200);
    assert_eq!(file.header("content-type"), "text/csv; charset=utf-8");
    let text = file.text();
    let lines: Vec<_> = text.lines().collect();
    let columns = "\u{feff}row_number,status,error_type,error_message,execution_id,completed_at,result,email";
    assert!(lines[0].starts_with(columns), "{text}");
    assert!(lines[2].starts_with("2,Failed,ValueError,'=no such user,"), "a formula is none: {text}");

    let audit = desk.app.audit(Scope::Org(desk.org.id)).await;
    let submitted = audit.iter().find(|row| row.draft.action == "Batch.Submit").expect("an audit row");
    assert_eq!((&submitted.draft.entity_id, &submitted.draft.details["rows"]), (&id, &json!(3)));
    assert_eq!(audit.iter().filter(|row| row.draft.details["batch_id"] == id.as_str()).count(), 3, "each start");
    let list = desk.technician.get(desk.org.id, "/api/batches").await.expect(200).json();
    assert_eq!((list["items"].as_array().map(Vec::len), &list["items"][0]["id"]), (Some(1), &json!(id)));
}

#[tokio::test]
async fn every_fault_of_every_row_is_told_at_once_and_nothing_runs() {
    let desk = Desk::new().await;
    let form = desk.form().await;
    let csv = "email,is_large,seats,plan\nada,yes,,SPB\neve@contoso.example,perhaps,,none\nbob@contoso.example,,,none\nok@contoso.example,,,\n";
    let refused = desk.send(&form, "", csv).await;
    refused.assert_problem(422, "rows-invalid");
    let faults = faults(&refused);
    let pointers: Vec<_> = faults.iter().map(|(pointer, _)| pointer.as_str()).collect();
    assert_eq!(pointers, ["#/rows/1/email", "#/rows/1/seats", "#/rows/2/is_large", "#/rows/3/plan"], "{faults:?}");
    assert!(faults[3].1.contains("`none` is not offered"), "{faults:?}");
    assert_eq!(refused.json()["error_count"], 4);

    let misspelt = desk.send(&form, "", "emial,zzz\na,b\n").await;
    misspelt.assert_problem(422, "rows-invalid");
    assert!(misspelt.text().contains("did you mean `email`?"), "{}", misspelt.text());
    for (body, kind) in [("email,plan\nx\n", "csv-unreadable"), ("", "csv-unreadable"), ("email\n", "csv-unreadable")] {
        desk.send(&form, "", body).await.assert_problem(400, kind);
    }
    let path = format!("/api/forms/{form}/batches");
    desk.technician.post(desk.org.id, &path, json!({})).await.assert_problem(415, "content-type-unsupported");
    assert!(desk.executions(desk.org.id).await.is_empty());
    assert!(
        desk.technician.get(desk.org.id, "/api/batches").await.expect(200).json()["items"]
            .as_array()
            .is_some_and(Vec::is_empty)
    );
}

#[tokio::test]
async fn a_dry_run_checks_and_runs_nothing_and_asks_each_question_once() {
    let desk = Desk::new().await;
    let form = desk.form().await;
    let rows: String = (0..50).map(|row| format!("user{row}@contoso.example,Business\n")).collect();
    let checked = desk.send(&form, "?dry_run=true", &format!("email,plan\n{rows}")).await.expect(200).json();
    assert_eq!(checked, json!({ "row_count": 50, "columns": ["email", "plan"] }));
    let request =
        desk.technician.request("POST", "/options/plans").org(desk.org.id).header("cache-control", "no-cache");
    let options = request.json(&json!({})).send().await.expect(200).json();
    assert_eq!(options["items"][0]["label"], "Asked 2", "once for fifty rows, and once now");
    assert!(desk.executions(desk.org.id).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_file_sent_again_with_its_key_is_the_same_batch() {
    let desk = Desk::new().await;
    let form = desk.form().await;
    let csv = "email\nada@contoso.example\neve@contoso.example\n";
    let first = id_of(&desk.keyed(&form, "", csv, Some("k")).await.expect(202).json());
    assert_eq!(id_of(&desk.keyed(&form, "", csv, Some("k")).await.expect(202).json()), first);
    let other = "email\nbob@contoso.example\n";
    desk.keyed(&form, "", other, Some("k")).await.assert_problem(422, "idempotency-key-reused");
    desk.ended(&first).await;
    assert_eq!(id_of(&desk.keyed(&form, "", csv, Some("k")).await.expect(202).json()), first);
    assert_eq!(desk.executions(desk.org.id).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_not_begun_is_cancelled_others_run_meanwhile_and_what_failed_runs_again() {
    let desk = Desk::new().await;
    let form = desk.form().await;
    let slow: String = (0..40).map(|row| format!("slow{row}@contoso.example\n")).collect();
    let batch = id_of(&desk.send(&form, "", &format!("email\n{slow}")).await.expect(202).json());
    let path = format!("/api/batches/{batch}");
    desk.until(&batch, |batch| batch["counts"]["running"] == 16).await;
    desk.until_listed(&batch, |batch| {
        batch["counts"] == json!({ "pending": 24, "running": 16, "success": 0, "failed": 0, "cancelled": 0 })
    })
    .await;
    let quick = desk.technician.request("POST", "/workflows/onboard").org(desk.org.id).header("prefer", "wait=20");
    let quick = quick.json(&json!({ "email": "ada@contoso.example" })).send().await.expect(200);
    assert_eq!(quick.header("x-execution-status"), "Success", "it waits behind no file");
    let again = desk.technician.request("POST", &format!("{path}/rerun-failed")).org(desk.org.id);
    again.send().await.assert_problem(409, "batch-running");

    let cancelled = desk.technician.request("POST", &format!("{path}/cancel")).org(desk.org.id).send().await;
    assert_eq!(cancelled.expect(202).json()["counts"]["cancelled"], 24);
    let running = desk.rows(&batch, "?status=Running").await;
    for row in running["items"].as_array().expect("items") {
        let execution = row["execution_id"].as_str().expect("an id");
        drop(crate::live::cancel(&desk.technician, execution).await.expect(202));
    }
    let ended = desk.ended(&batch).await;
    assert_eq!((&ended["counts"]["cancelled"], &ended["counts"]["failed"]), (&json!(40), &json!(0)), "{ended}");
    let twice = desk.technician.request("POST", &format!("{path}/cancel")).org(desk.org.id).send().await;
    twice.assert_problem(409, "batch-ended");
    let nothing = desk.technician.request("POST", &format!("{path}/rerun-failed")).org(desk.org.id).send().await;
    nothing.assert_problem(409, "nothing-failed");
    assert_eq!(desk.executions(desk.org.id).await.len(), 16 + 1, "what was cancelled before its turn became none");

    let mixed = "email\nada@contoso.example\nbroken@contoso.example\n";
    let mixed = id_of(&desk.send(&form, "", mixed).await.expect(202).json());
    desk.ended(&mixed).await;
    let failed = desk.rows(&mixed, "?status=Failed").await["items"][0]["execution_id"].clone();
    let again = desk.technician.request("POST", &format!("/api/batches/{mixed}/rerun-failed")).org(desk.org.id);
    let again = again.send().await.expect(202).json();
    assert_eq!((&again["retry_of"], &again["row_count"]), (&json!(mixed), &json!(1)));
    let again = id_of(&again);
    desk.ended(&again).await;
    let row = desk.rows(&again, "").await["items"][0].clone();
    assert_eq!((&row["row_number"], &row["status"]), (&json!(2), &json!("Failed")));
    let execution = format!("/api/executions/{}", row["execution_id"].as_str().expect("an id"));
    assert_eq!(desk.technician.get(None, &execution).await.expect(200).json()["retry_of"], failed);
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_are_checked_again_for_each_row_when_its_turn_comes() {
    let desk = Desk::new().await;
    let form = desk.form().await;
    drop(desk.app.admin().put(None, "/api/pauses/all", json!({ "reason": "wait" })).await.expect(200));
    desk.send(&form, "", "email\nada@contoso.example\n").await.assert_problem(409, "paused");
    drop(desk.app.admin().delete(None, "/api/pauses/all").await);
    let slow: String = (0..20).map(|row| format!("slow{row}@contoso.example\n")).collect();
    let batch = id_of(&desk.send(&form, "", &format!("email\n{slow}")).await.expect(202).json());
    desk.until(&batch, |batch| batch["counts"]["running"] == 16).await;
    desk.app.grant(&desk.technician, desk.org.id, Permissions::NONE).await;
    let admin = desk.app.admin();
    for execution in desk.executions(desk.org.id).await {
        drop(crate::live::cancel(&admin, execution["id"].as_str().expect("an id")).await);
    }
    let path = format!("/api/batches/{batch}");
    desk.technician.get(desk.org.id, &path).await.assert_problem(403, "permission-denied");
    let give_up = Instant::now() + Duration::from_secs(30);
    let ended = loop {
        let ended = admin.get(desk.org.id, &path).await.expect(200).json();
        if ended["completed_at"].is_string() {
            break ended;
        }
        assert!(Instant::now() < give_up, "{ended}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!((&ended["counts"]["cancelled"], &ended["counts"]["failed"]), (&json!(16), &json!(4)), "{ended}");
    let rows = admin.get(desk.org.id, &format!("{path}/rows?status=Failed")).await.expect(200).json();
    assert_eq!(rows["items"][0]["error_type"], "permission_denied");
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_of_rows_are_nowhere_shown_gone_at_the_end_and_never_run_again() {
    let desk = Desk::new().await;
    let fields = json!([
        { "name": "user", "label": "User", "type": "text", "required": true },
        { "name": "password", "label": "Password", "type": "password", "required": true },
    ]);
    let form = desk.form_of("join", fields).await;
    let csv = "user,password\nada,correct horse\nbroken,battery staple\n";
    let batch = id_of(&desk.send(&form, "", csv).await.expect(202).json());
    desk.ended(&batch).await;
    let rows = desk.rows(&batch, "").await.to_string();
    assert!(!rows.contains("horse") && !rows.contains("staple"), "{rows}");
    let first = desk.rows(&batch, "").await["items"][0]["execution_id"].as_str().expect("an id").to_owned();
    let ran = desk.technician.get(None, &format!("/api/executions/{first}")).await.expect(200).json();
    assert_eq!(ran["result"], 13, "the workflow had it");
    let again = desk.technician.request("POST", &format!("/api/batches/{batch}/rerun-failed")).org(desk.org.id);
    let again = again.send().await;
    again.assert_problem(422, "rows-invalid");
    assert_eq!(faults(&again)[0].0, "#/rows/2/password");
    let secrets = &desk.app.repositories.stores.secrets;
    let names = secrets.names(SecretNamespace::Parameter, Scope::Org(desk.org.id)).await.expect("the names");
    assert!(names.is_empty(), "{names:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_organization_and_a_colleague_without_view_history_see_and_change_nothing() {
    let desk = Desk::new().await;
    let form = desk.form().await;
    let batch = id_of(&desk.send(&form, "", "email\nada@contoso.example\n").await.expect(202).json());
    desk.ended(&batch).await;
    let other = desk.app.org("Fabrikam").await;
    let outsider = desk.app.user_with(&other, Permission::ALL).await;
    let colleague = desk.app.user_with(&desk.org, [Permission::ExecuteWorkflows]).await;
    let paths = ["", "/rows", "/rows.csv"].map(|tail| ("GET", format!("/api/batches/{batch}{tail}")));
    let changes = ["/cancel", "/rerun-failed"].map(|tail| ("POST", format!("/api/batches/{batch}{tail}")));
    for (method, path) in paths.iter().chain(&changes) {
        let with =
            async |caller: &TestCaller, org: &Organization| caller.request(method, path).org(org.id).send().await;
        with(&outsider, &desk.org).await.assert_problem(403, "permission-denied");
        with(&outsider, &other).await.assert_problem(404, "not-found");
        with(&colleague, &desk.org).await.assert_problem(403, "permission-denied");
    }
    let request = outsider.request("POST", &format!("/api/forms/{form}/batches")).header("content-type", "text/csv");
    request.org(other.id).body("email\nx@contoso.example\n").send().await.assert_problem(404, "not-found");
    let list = colleague.get(desk.org.id, "/api/batches").await.expect(200).json();
    assert!(list["items"].as_array().is_some_and(Vec::is_empty), "{list}");
    outsider.get(desk.org.id, "/api/batches").await.assert_problem(403, "permission-denied");
}

#[tokio::test]
async fn a_right_that_is_limited_to_other_categories_submits_no_file() {
    let desk = Desk::new().await;
    let form = desk.form().await;
    let path = format!("/api/users/{}/permissions/{}", desk.technician.user(), desk.org.id);
    let limited = json!({ "execute_workflows": true, "categories": ["reports"] });
    drop(desk.app.admin().put(None, &path, limited).await.expect(200));
    let refused = desk.send(&form, "", "email\nada@contoso.example\n").await;
    refused.assert_problem(403, "permission-denied");
    assert!(desk.executions(desk.org.id).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_has_only_so_many_batches_under_way() {
    let desk = Desk::new().await;
    let form = desk.form().await;
    for _ in 0..10 {
        drop(desk.send(&form, "", "email\nslow@contoso.example\n").await.expect(202));
    }
    desk.send(&form, "", "email\nada@contoso.example\n").await.assert_problem(409, "batches-full");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_goes_with_its_rows_when_it_has_been_over_for_as_long_as_its_organization_keeps_things() {
    let desk = Desk::new().await;
    let form = desk.form().await;
    let submit = async |desk: &Desk| {
        let answer = desk.send(&form, "", "Address,Plan\nada@example.com,SPB\n").await.expect(202).json();
        let id = answer["id"].as_str().expect("an id").to_owned();
        let _ = desk.ended(&id).await;
        id
    };
    let old = submit(&desk).await;
    desk.app.clock.advance(chrono::Duration::days(3));
    // Tokens are good for an hour.
    let technician = desk.app.user_with(&desk.org, [Permission::ExecuteWorkflows]).await;
    let desk = Desk { technician, ..desk };
    let young = submit(&desk).await;
    let scope = Scope::Org(desk.org.id);
    let stored = desk.app.repositories.batches.get(scope, old.parse().expect("an id")).await.expect("read");
    let stored = stored.expect("on record");

    let limit = format!("/api/organizations/{}/retention", desk.org.id);
    let _ = desk.app.admin().put(None, &limit, json!({ "days": 2 })).await.expect(200);
    let give_up = Instant::now() + Duration::from_secs(30);
    while desk.app.repositories.batches.rows(&stored).await.is_ok() {
        assert!(Instant::now() < give_up, "it stays");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let gone = desk.technician.get(desk.org.id, &format!("/api/batches/{old}")).await;
    gone.assert_problem(404, "not-found");
    assert_eq!(desk.rows(&young, "").await["items"].as_array().map(Vec::len), Some(1), "the other one stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_no_organization_is_read_by_who_sent_it_while_it_may_run_workflows() {
    let desk = Desk::new().await;
    let fields = json!([{ "name": "email", "label": "Address", "type": "email", "required": true }]);
    let form = json!({ "name": "Tidy", "workflow": "tidy", "fields": fields });
    let form = desk.app.admin().post(None, "/api/forms", form).await.expect(201).json();
    let path = format!("/api/forms/{}/batches", form["id"].as_str().expect("an id"));
    let submit = desk.technician.request("POST", &path).header("content-type", "text/csv");
    let batch = submit.body("email\nada@example.com\n").send().await.expect(202).json();
    let path = format!("/api/batches/{}", batch["id"].as_str().expect("an id"));
    let _ = desk.technician.get(None, &path).await.expect(200);
    assert_eq!(desk.technician.get(None, "/api/batches").await.expect(200).json()["items"][0]["id"], batch["id"]);

    let nothing = json!({ "items": [], "next_cursor": null });
    let colleague = desk.app.user_with(&desk.org, [Permission::ExecuteWorkflows, Permission::ViewHistory]).await;
    desk.app.grant(&desk.technician, desk.org.id, [Permission::ViewHistory].into_iter().collect()).await;
    for caller in [&colleague, &desk.technician] {
        caller.get(None, &path).await.assert_problem(404, "not-found");
        assert_eq!(caller.get(None, "/api/batches").await.expect(200).json(), nothing);
    }
    let everything = desk.app.admin().get(None, "/api/batches").await.expect(200).json();
    assert_eq!(everything["items"][0]["id"], batch["id"]);
}
