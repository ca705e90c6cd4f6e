//! Runs that are submissions of forms: the server checks what was entered.

use msp_domain::{OrgId, Permission};
use msp_storage::repositories::organizations::Organization;
use msp_test_support::{Answer, TestApp, TestCaller};
use serde_json::{Value, json};

const LAUNCHER: &str = env!("CARGO_BIN_EXE_msp-api-worker-launcher");

const WORKSPACE: &str = r#"
from shared.decorators import option_generator, param, workflow

@workflow(name="onboard", description="Create a user")
@param("email", type="email", required=True)
@param("license", type="string", required=False)
@param("manager", type="string", required=False)
@param("is_staff", type="bool", required=False)
@param("note", type="string", required=False, default="none")
async def onboard(context, email, license=None, manager=None, is_staff=False, note="none"):
    return {"email": email, "license": license, "manager": manager, "note": note}

@workflow(name="guarded", description="Only by form", forms_only=True)
@param("email", type="email", required=True)
async def guarded(context, email):
    return email

calls = []

@option_generator(name="growing")
async def growing(context):
    calls.append(len(calls) + 1)
    return list(calls)

@workflow(name="choose", description="One of a list that grows")
@param("choice", type="int", required=True)
async def choose(context, choice):
    return choice

@option_generator(name="licenses")
async def licenses(context, email=""):
    if email.startswith("broken"):
        raise ValueError("no licenses today")
    return [{"label": "Business", "value": "SPB"}, {"label": "For " + email, "value": "E5"}]
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

    async fn form(&self, org: impl Into<Option<OrgId>>, workflow: &str, allow_custom: bool) -> String {
        let mut form = json!({
            "name": "New user", "workflow": workflow,
            "fields": [
                { "name": "email", "label": "Address", "type": "email", "required": true },
                { "name": "is_staff", "label": "Staff", "type": "checkbox" },
                { "name": "manager", "label": "Manager", "type": "text", "required": true,
                  "visible_when": { "all": [{ "field": "is_staff", "op": "eq", "value": true }] } },
                { "name": "license", "label": "License", "type": "select", "options": {
                    "source": "option_generator", "generator": "licenses", "allow_custom": allow_custom,
                    "inputs": { "email": { "field": "email" } } } },
            ],
        });
        if workflow == "guarded" {
            form["fields"] = json!([form["fields"][0]]);
        }
        let created = self.app.admin().post(org, "/api/forms", form).await.expect(201);
        created.json()["id"].as_str().expect("an id").to_owned()
    }

    async fn submit(&self, form: &str, workflow: &str, input: Value) -> Answer {
        let request = self.technician.request("POST", &format!("/workflows/{workflow}")).org(self.org.id);
        request.header("x-form-id", form).json(&input).send().await
    }
}

fn pointers(answer: &Answer) -> Vec<String> {
    let errors = answer.json()["errors"].as_array().cloned().unwrap_or_default();
    errors.iter().map(|fault| fault["pointer"].as_str().unwrap_or("").to_owned()).collect()
}

#[tokio::test]
async fn a_submission_is_checked_against_the_form_and_recorded_with_it() {
    let desk = Desk::new().await;
    let form = desk.form(desk.org.id, "onboard", false).await;

    // Hidden, so neither required nor passed on, whatever was sent.
    let input = json!({ "email": " ada@contoso.example ", "license": "SPB", "manager": "hidden" });
    let ran = desk.submit(&form, "onboard", input).await.expect(200);
    assert_eq!(
        ran.json(),
        json!({ "email": "ada@contoso.example", "license": "SPB", "manager": null, "note": "none" })
    );
    let path = format!("/api/executions/{}", ran.header("x-execution-id"));
    let execution = desk.technician.get(None, &path).await.expect(200).json();
    assert_eq!(
        (&execution["form_id"], &execution["form_name"], &execution["trigger"]),
        (&json!(form), &json!("New user"), &json!("form"))
    );

    for (input, expected) in [
        (json!({}), vec!["#/email"]),
        (json!({ "email": "ada@contoso.example", "is_staff": true }), vec!["#/manager"]),
        (json!({ "email": "ada@contoso.example", "note": "not asked for" }), vec!["#/note"]),
        (json!({ "email": "ada@contoso.example", "license": "E3" }), vec!["#/license"]),
    ] {
        let refused = desk.submit(&form, "onboard", input).await;
        refused.assert_problem(422, "parameters-invalid");
        assert_eq!(pointers(&refused), expected, "{}", refused.text());
    }
    let failed = desk.submit(&form, "onboard", json!({ "email": "broken@contoso.example", "license": "SPB" })).await;
    failed.assert_problem(424, "options-failed");
    let listed = desk.technician.get(desk.org.id, "/api/executions").await.expect(200).json();
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1), "what was refused left no trace");

    let free = desk.form(None, "onboard", true).await;
    let custom = json!({ "email": "ada@contoso.example", "license": "one of our own" });
    assert_eq!(desk.submit(&free, "onboard", custom).await.expect(200).json()["license"], "one of our own");
}

#[tokio::test]
async fn a_form_runs_its_own_workflow_while_it_is_active_and_only_where_it_belongs() {
    let desk = Desk::new().await;
    let input = || json!({ "email": "ada@contoso.example" });
    let form = desk.form(desk.org.id, "onboard", false).await;
    desk.submit(&form, "guarded", input()).await.assert_problem(400, "header-invalid");
    desk.submit("not-an-id", "onboard", input()).await.assert_problem(400, "header-invalid");
    let other = desk.app.org("Fabrikam").await;
    let foreign = desk.form(other.id, "onboard", false).await;
    desk.submit(&foreign, "onboard", input()).await.assert_problem(404, "not-found");

    let path = format!("/api/forms/{form}");
    let _ = desk.app.admin().patch(None, &path, json!({ "is_active": false })).await.expect(200);
    desk.submit(&form, "onboard", input()).await.assert_problem(409, "form-inactive");
}

#[tokio::test]
async fn a_workflow_for_forms_only_is_refused_without_one_also_when_run_again() {
    let desk = Desk::new().await;
    let input = json!({ "email": "ada@contoso.example" });
    desk.technician.post(desk.org.id, "/workflows/guarded", input.clone()).await.assert_problem(400, "form-required");
    let form = desk.form(None, "guarded", false).await;
    let ran = desk.submit(&form, "guarded", input).await.expect(200);
    let again = format!("/api/executions/{}/rerun", ran.header("x-execution-id"));
    let second = desk.technician.post(desk.org.id, &again, json!({})).await.expect(200);
    let path = format!("/api/executions/{}", second.header("x-execution-id"));
    let execution = desk.technician.get(None, &path).await.expect(200).json();
    assert_eq!((&execution["form_id"], &execution["retry_of"]), (&json!(form), &json!(ran.header("x-execution-id"))));
    let wrong = desk.technician.post(desk.org.id, &again, json!({ "email": "nobody" })).await;
    wrong.assert_problem(422, "parameters-invalid");
    assert_eq!(pointers(&wrong), ["#/email"]);

    let _ = desk.app.admin().delete(None, &format!("/api/forms/{form}")).await.expect(204);
    desk.technician.post(desk.org.id, &again, json!({})).await.assert_problem(400, "form-required");
}

#[tokio::test]
async fn run_again_a_submission_is_what_the_form_asks_for_now() {
    let desk = Desk::new().await;
    let form = desk.form(desk.org.id, "onboard", false).await;
    let input = json!({ "email": "ada@contoso.example", "license": "SPB" });
    let ran = desk.submit(&form, "onboard", input).await.expect(200);
    let again = format!("/api/executions/{}/rerun", ran.header("x-execution-id"));
    // `note` was the workflow's own default: the form has no field for it.
    let second = desk.technician.post(desk.org.id, &again, json!({})).await.expect(200).json();
    assert_eq!(second, ran.json());

    let fields = json!([{ "name": "email", "label": "Address", "type": "email", "required": true }]);
    let shorter = json!({ "name": "New user", "workflow": "onboard", "fields": fields });
    let path = format!("/api/forms/{form}");
    let _ = desk.app.admin().put(None, &path, shorter).await.expect(200);
    assert_eq!(desk.technician.post(desk.org.id, &again, json!({})).await.expect(200).json()["license"], Value::Null);

    let elsewhere = json!({ "name": "New user", "workflow": "guarded", "fields": fields });
    let _ = desk.app.admin().put(None, &path, elsewhere).await.expect(200);
    let plain = desk.technician.post(desk.org.id, &again, json!({})).await.expect(200);
    let path = format!("/api/executions/{}", plain.header("x-execution-id"));
    let execution = desk.technician.get(None, &path).await.expect(200).json();
    assert_eq!(execution["form_id"], Value::Null, "the form runs another workflow now");
}

#[tokio::test]
async fn a_kept_answer_of_a_generator_admits_a_choice_and_only_a_new_one_refuses_it() {
    let desk = Desk::new().await;
    let form = json!({ "name": "Choose", "workflow": "choose", "fields": [
        { "name": "choice", "label": "Choice", "type": "select", "required": true, "options_from": "growing" },
    ] });
    let created = desk.app.admin().post(desk.org.id, "/api/forms", form).await.expect(201).json();
    let form = created["id"].as_str().expect("an id");
    let offered = async || {
        let options = desk.technician.get(desk.org.id, "/options/growing").await.expect(200).json();
        options.as_array().map(Vec::len)
    };
    assert_eq!(offered().await, Some(1));

    let _ = desk.submit(form, "choose", json!({ "choice": 1 })).await.expect(200);
    assert_eq!(offered().await, Some(1), "the kept answer was enough");
    let _ = desk.submit(form, "choose", json!({ "choice": 2 })).await.expect(200);
    assert_eq!(offered().await, Some(2), "the generator was asked anew");
    let refused = desk.submit(form, "choose", json!({ "choice": 9 })).await;
    refused.assert_problem(422, "parameters-invalid");
    assert_eq!(pointers(&refused), ["#/choice"]);
    assert_eq!(offered().await, Some(3), "also before it was refused");
}
