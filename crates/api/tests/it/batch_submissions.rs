//! Files of rows, checked as single submissions are, and sent again.

use crate::faulty::{Fate, Faulty};
use msp_domain::Permission;
use msp_storage::{Table, TableStore, Write, repositories::organizations::Organization};
use msp_test_support::{Answer, TestApp, TestCaller};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

const LAUNCHER: &str = env!("CARGO_BIN_EXE_msp-api-worker-launcher");

const WORKSPACE: &str = r#"
from shared.decorators import option_generator, param, workflow

@workflow(name="choose", description="One of a list")
@param("choice", type="string", required=False)
async def choose(context, choice=None):
    if choice == "broken":
        raise ValueError("no")
    return choice

growing_calls = []

@option_generator(name="growing")
async def growing(context):
    growing_calls.append(str(len(growing_calls) + 1))
    return list(growing_calls)

fading_calls = []

@option_generator(name="fading", cache_seconds=0)
async def fading(context):
    fading_calls.append(1)
    if len(fading_calls) > 2:
        raise ValueError("gone")
    return ["first"] if len(fading_calls) == 1 else ["second"]
"#;

struct Desk {
    app: TestApp,
    org: Organization,
    technician: TestCaller,
}

impl Desk {
    async fn new() -> Self {
        Self::on(|tables| tables).await
    }

    async fn on(wrap: impl FnOnce(Arc<dyn TableStore>) -> Arc<dyn TableStore>) -> Self {
        let app = TestApp::with_engine_on(wrap, LAUNCHER, &[("workflows/desk.py", WORKSPACE)]).await;
        let org = app.org("Contoso").await;
        let technician = app.user_with(&org, [Permission::ExecuteWorkflows]).await;
        Self { app, org, technician }
    }

    /// A form with one field, of these options.
    async fn form(&self, options: Value) -> String {
        let created = self.app.admin().post(self.org.id, "/api/forms", document(options)).await.expect(201).json();
        created["id"].as_str().expect("an id").to_owned()
    }

    async fn send(&self, path: &str, csv: &str, key: Option<&str>) -> Answer {
        let request = self.technician.request("POST", path).org(self.org.id);
        let request = if csv.is_empty() { request } else { request.header("content-type", "text/csv").body(csv) };
        match key {
            Some(key) => request.header("idempotency-key", key).send().await,
            None => request.send().await,
        }
    }

    async fn submit(&self, form: &str, csv: &str) -> Answer {
        self.send(&format!("/api/forms/{form}/batches"), csv, None).await
    }

    /// How many options the generator that grows has by now, as far as is known without asking it.
    async fn grown(&self) -> Option<usize> {
        let options = self.technician.get(self.org.id, "/options/growing").await.expect(200).json();
        options.as_array().map(Vec::len)
    }

    async fn ended(&self, batch: &str) {
        let give_up = Instant::now() + Duration::from_secs(30);
        let path = format!("/api/batches/{batch}");
        while self.technician.get(self.org.id, &path).await.expect(200).json()["completed_at"].is_null() {
            assert!(Instant::now() < give_up, "it does not end");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn document(options: Value) -> Value {
    let field = json!({ "name": "choice", "label": "Choice", "type": "select", "options": options });
    json!({ "name": "Choose", "workflow": "choose", "fields": [field] })
}

fn of_generator(name: &str) -> Value {
    json!({ "source": "option_generator", "generator": name })
}

fn id_of(answer: Answer) -> String {
    answer.expect(202).json()["id"].as_str().expect("an id").to_owned()
}

fn pointers(answer: &Answer) -> Vec<String> {
    let errors = answer.json()["errors"].as_array().cloned().unwrap_or_default();
    errors.iter().map(|fault| fault["pointer"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_answer_of_a_generator_admits_rows_and_only_a_new_one_refuses_them() {
    let desk = Desk::new().await;
    let form = desk.form(of_generator("growing")).await;
    assert_eq!(desk.grown().await, Some(1));

    let _ = desk.submit(&form, "choice\n1\n1\n").await.expect(202);
    assert_eq!(desk.grown().await, Some(1), "the kept answer was enough");
    let _ = desk.submit(&form, "choice\n1\n2\n2\n").await.expect(202);
    assert_eq!(desk.grown().await, Some(2), "the generator was asked anew, once for both rows");
    let refused = desk.submit(&form, "choice\n2\n9\n8\n").await;
    refused.assert_problem(422, "rows-invalid");
    assert_eq!(pointers(&refused), ["#/rows/2/choice", "#/rows/3/choice"]);
    assert_eq!(desk.grown().await, Some(3), "also before they were refused");
    let path = format!("/api/forms/{form}/batches?dry_run=true");
    let _ = desk.send(&path, "choice\n4\n", None).await.expect(200);
    assert_eq!(desk.grown().await, Some(4), "also when nothing is to run");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_checked_again_when_rights_or_settings_change_before_they_are_on_record() {
    let attempts = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&attempts);
    let stale_at_first = move |tables| {
        Faulty::over(tables, move |writes| {
            let is_batch =
                |(table, write): &(Table, Write)| *table == Table::Batches && matches!(write, Write::Insert(_));
            let is_first = writes.iter().any(is_batch) && counted.fetch_add(1, Ordering::SeqCst) == 0;
            if is_first { Fate::Stale } else { Fate::Done }
        })
    };
    let desk = Desk::on(stale_at_first).await;
    let form = desk.form(of_generator("fading")).await;

    let refused = desk.submit(&form, "choice\nfirst\n").await;

    refused.assert_problem(422, "rows-invalid");
    assert_eq!(pointers(&refused), ["#/rows/1/choice"], "it is not offered any more");
    assert_eq!(attempts.load(Ordering::SeqCst), 1);
    let listed = desk.technician.get(desk.org.id, "/api/batches").await.expect(200).json();
    assert_eq!(listed["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_sent_again_is_answered_by_its_batch_whatever_has_become_of_form_and_generator() {
    let desk = Desk::new().await;
    let admin = desk.app.admin();
    let form = desk.form(of_generator("fading")).await;
    let (path, submit) = (format!("/api/forms/{form}"), format!("/api/forms/{form}/batches"));
    let send = async |csv: &str| desk.send(&submit, csv, Some("one")).await;
    let file = "choice\nfirst\n";
    let first = id_of(send(file).await);
    desk.ended(&first).await;
    assert_eq!(id_of(send(file).await), first, "the generator does not offer it any more");
    assert_eq!(id_of(send("\u{feff}choice\r\n\"first\"\r\n").await), first, "the same cells");
    desk.submit(&form, file).await.assert_problem(422, "rows-invalid");
    desk.submit(&form, file).await.assert_problem(424, "options-failed");
    assert_eq!(id_of(send(file).await), first, "the generator fails");

    let _ = admin.patch(None, &path, json!({ "is_active": false })).await.expect(200);
    assert_eq!(id_of(send(file).await), first);
    send("choice\nsecond\n").await.assert_problem(422, "idempotency-key-reused");
    desk.submit(&form, file).await.assert_problem(409, "form-inactive");
    let limited = json!({ "execute_workflows": true, "categories": ["reports"] });
    let grant = format!("/api/users/{}/permissions/{}", desk.technician.user(), desk.org.id);
    let _ = admin.put(None, &grant, limited).await.expect(200);
    send(file).await.assert_problem(403, "permission-denied");
    let _ = admin.put(None, &grant, json!({ "execute_workflows": true })).await.expect(200);

    let _ = admin.delete(None, &path).await.expect(204);
    assert_eq!(id_of(send(file).await), first);
    desk.submit(&form, file).await.assert_problem(404, "not-found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_names_the_same_request_though_its_labels_now_mean_something_else() {
    let desk = Desk::new().await;
    let options = |value: &str| json!({ "source": "static", "items": [{ "label": "Business", "value": value }] });
    let form = desk.form(options("SPB")).await;
    let submit = format!("/api/forms/{form}/batches");
    let first = id_of(desk.send(&submit, "choice\nBusiness\n", Some("one")).await);
    let changed = document(options("O365"));
    let _ = desk.app.admin().put(None, &format!("/api/forms/{form}"), changed).await.expect(200);
    assert_eq!(id_of(desk.send(&submit, "choice\nBusiness\n", Some("one")).await), first);
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_rows_are_run_again_once_under_one_key_whatever_has_become_of_the_form() {
    let desk = Desk::new().await;
    let options = json!({ "source": "static", "allow_custom": true, "items": [{ "label": "A", "value": "a" }] });
    let form = desk.form(options).await;
    let batch = id_of(desk.submit(&form, "choice\na\nbroken\n").await);
    desk.ended(&batch).await;
    let rerun = format!("/api/batches/{batch}/rerun-failed");
    let again = id_of(desk.send(&rerun, "", Some("two")).await);
    desk.ended(&again).await;

    let path = format!("/api/forms/{form}");
    let _ = desk.app.admin().patch(None, &path, json!({ "is_active": false })).await.expect(200);
    assert_eq!(id_of(desk.send(&rerun, "", Some("two")).await), again);
    let of_the_second = format!("/api/batches/{again}/rerun-failed");
    desk.send(&of_the_second, "", Some("two")).await.assert_problem(422, "idempotency-key-reused");
    let _ = desk.app.admin().delete(None, &path).await.expect(204);
    assert_eq!(id_of(desk.send(&rerun, "", Some("two")).await), again);
    desk.send(&rerun, "", None).await.assert_problem(404, "not-found");
}
