//! Making, changing and finding forms.

use msp_domain::{OrgId, Permission, Scope};
use msp_storage::{IfMatch, Table, Write};
use msp_test_support::{Answer, TestApp, TestCaller};
use serde_json::{Value, json};

const LAUNCHER: &str = env!("CARGO_BIN_EXE_msp-api-worker-launcher");

const WORKSPACE: &str = r#"
from shared.decorators import option_generator, param, workflow

@workflow(name="user_onboarding", description="Create a user", category="users")
@param("email", type="email", required=True, label="Address")
@param("license", type="string", required=True, options_from="licenses")
async def user_onboarding(context, email, license):
    return email

@option_generator(name="licenses")
async def licenses(context):
    return [{"label": "Business", "value": "SPB"}]
"#;

async fn app() -> TestApp {
    TestApp::with_engine(LAUNCHER, &[("workflows/onboarding.py", WORKSPACE)]).await
}

fn document(name: &str) -> Value {
    json!({
        "name": name, "workflow": "user_onboarding",
        "fields": [{ "name": "email", "label": "Address", "type": "email", "required": true }],
    })
}

async fn created(caller: &TestCaller, org: impl Into<Option<OrgId>>, name: &str) -> String {
    let answer = caller.post(org, "/api/forms", document(name)).await.expect(201);
    assert_eq!(answer.header("location"), format!("/api/forms/{}", answer.json()["id"].as_str().expect("an id")));
    answer.header("location").to_owned()
}

async fn listed(caller: &TestCaller, org: impl Into<Option<OrgId>>) -> Vec<String> {
    let page = caller.get(org, "/api/forms").await.expect(200).json();
    page["items"].as_array().expect("items").iter().map(|form| form["name"].as_str().unwrap_or("").to_owned()).collect()
}

#[tokio::test]
async fn forms_belong_to_an_organization_or_to_everybody() {
    let app = app().await;
    let (org, other) = (app.org("Contoso").await, app.org("Fabrikam").await);
    let author = app.user_with(&org, [Permission::ManageForms]).await;
    let technician = app.user_with(&org, [Permission::ExecuteWorkflows]).await;
    let stranger = app.user_with(&other, [Permission::ManageForms, Permission::ExecuteWorkflows]).await;
    let viewer = app.user_with(&org, [Permission::ViewHistory]).await;

    technician.post(org.id, "/api/forms", document("No")).await.assert_problem(403, "permission-denied");
    author.post(None, "/api/forms", document("No")).await.assert_problem(403, "administrator-required");
    let own = created(&author, org.id, "New user").await;
    let everybodys = created(&app.admin(), None, "Anywhere").await;

    for caller in [&author, &technician, &app.admin()] {
        for named in [Some(org.id), None] {
            assert_eq!(listed(caller, named).await, ["New user", "Anywhere"], "everybody's come last");
            assert_eq!(caller.get(named, &own).await.expect(200).json()["form"], document("New user"));
            assert_eq!(caller.get(named, &everybodys).await.expect(200).json()["org_id"], Value::Null);
        }
    }
    assert_eq!(listed(&stranger, None).await, ["Anywhere"]);
    for named in [Some(other.id), None] {
        stranger.get(named, &own).await.assert_problem(404, "not-found");
        stranger.delete(named, &own).await.assert_problem(404, "not-found");
    }
    author.put(org.id, &everybodys, document("Mine")).await.assert_problem(403, "administrator-required");
    technician.put(None, &own, document("Mine")).await.assert_problem(403, "permission-denied");
    assert_eq!(listed(&viewer, None).await, Vec::<String>::new());
    viewer.get(org.id, "/api/forms").await.assert_problem(403, "permission-denied");
    let actions: Vec<String> = app
        .audit(Scope::Org(org.id))
        .await
        .into_iter()
        .map(|row| row.draft.action)
        .filter(|a| a.starts_with("Form"))
        .collect();
    assert_eq!(actions, ["Form.Create"]);
}

#[tokio::test]
async fn an_inactive_form_is_for_those_who_make_forms() {
    let app = app().await;
    let org = app.org("Contoso").await;
    let author = app.user_with(&org, [Permission::ManageForms]).await;
    let technician = app.user_with(&org, [Permission::ExecuteWorkflows]).await;
    let form = created(&author, org.id, "New user").await;
    assert_eq!(author.patch(None, &form, json!({ "is_active": false })).await.expect(200).json()["is_active"], false);
    assert_eq!(listed(&technician, org.id).await, Vec::<String>::new());
    technician.get(org.id, &form).await.assert_problem(404, "not-found");
    assert_eq!(listed(&author, org.id).await, ["New user"]);
    let _ = author.delete(None, &form).await.expect(204);
    author.get(None, &form).await.assert_problem(404, "not-found");
}

#[tokio::test]
async fn a_form_that_does_not_fit_the_workspace_is_refused_with_a_pointer_to_each_fault() {
    let app = app().await;
    let org = app.org("Contoso").await;
    let author = app.user_with(&org, [Permission::ManageForms]).await;
    let field = |name: &str| json!({ "name": name, "label": "A field", "type": "text" });
    let license = json!({ "name": "license", "label": "License", "type": "select", "options_from": "licences" });
    for (form, pointers) in [
        (
            json!({ "name": "A", "workflow": "user_onbording", "fields": [license] }),
            vec!["#/workflow", "#/fields/0/options/generator"],
        ),
        (
            json!({ "name": "A", "workflow": "user_onboarding", "fields": [field("a"), field("a")] }),
            vec!["#/fields/1/name"],
        ),
        (
            json!({ "name": "A", "workflow": "user_onboarding", "fields": [field("email"), field("licens")] }),
            vec!["#/fields/1/name"],
        ),
        (
            json!({ "name": "A", "workflow": "user_onboarding", "fields": [
                { "name": "email", "label": "Address", "type": "text", "validation": { "pattern": "(" } },
            ] }),
            vec!["#/fields/0/validation/pattern"],
        ),
        (
            json!({ "name": "A", "workflow": "user_onboarding", "fields": [
                { "name": "email", "label": "Address", "type": "text",
                  "visible_when": { "all": [{ "field": "license", "op": "not_empty" }] } },
                { "name": "license", "label": "License", "type": "text",
                  "visible_when": { "all": [{ "field": "email", "op": "not_empty" }] } },
            ] }),
            vec!["#/fields/0/visible_when"],
        ),
        (
            json!({ "name": "A", "workflow": "user_onboarding", "fields": [
                { "name": "email", "label": "Roster", "type": "file" },
            ] }),
            vec!["#/fields/0/type"],
        ),
        (json!({ "workflow": "user_onboarding", "fields": [] }), vec!["#/name"]),
    ] {
        let refused = author.post(org.id, "/api/forms", form).await;
        refused.assert_problem(422, "form-invalid");
        let found: Vec<Value> =
            refused.json()["errors"].as_array().expect("errors").iter().map(|fault| fault["pointer"].clone()).collect();
        assert_eq!(found, pointers, "{}", refused.text());
    }
    let mut large = document("Large");
    large["fields"] = (0..9)
        .map(|n| json!({ "name": format!("f{n}"), "label": "A", "type": "text", "description": "x".repeat(4000) }))
        .collect();
    let refused = author.post(org.id, "/api/forms", large).await;
    refused.assert_problem(422, "form-invalid");
    let faults = refused.json()["errors"].clone();
    assert_eq!((faults.as_array().map(Vec::len), &faults[0]["pointer"]), (Some(1), &json!("#")), "{faults}");
    assert!(
        faults[0]["detail"].as_str().is_some_and(|detail| detail.contains("at most 32768 can be stored")),
        "{faults}"
    );
    assert_eq!(listed(&author, org.id).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_list_says_which_forms_are_confirmed_before_they_run_also_of_rows_that_have_no_such_property() {
    let app = app().await;
    let org = app.org("Contoso").await;
    let admin = app.admin();
    let confirmed = || {
        let mut form = document("Confirmed");
        form["confirm"] = json!(true);
        form
    };
    let form = admin.post(org.id, "/api/forms", confirmed()).await.expect(201).json();
    let plain = created(&admin, org.id, "Plain").await;
    let path = format!("/api/forms/{}", form["id"].as_str().expect("an id"));
    let asked = async || {
        let page = admin.get(org.id, "/api/forms").await.expect(200).json();
        page["items"].as_array().expect("items").iter().map(|form| form["confirm"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(asked().await, [true, false]);
    for (document, expected) in [(document("Confirmed"), false), (confirmed(), true)] {
        assert_eq!(admin.put(None, &path, document).await.expect(200).json()["confirm"], expected);
        assert_eq!(asked().await, [expected, false]);
    }

    // As earlier versions and other tools write them.
    let tables = &app.repositories.stores.tables;
    for path in [&path, &plain] {
        let row_key = path.rsplit('/').next().expect("an id");
        let mut row = tables.get(Table::Forms, &org.id.key(), row_key).await.expect("read").expect("there");
        assert!(row.properties.remove("Confirm").is_some());
        tables.write(Table::Forms, Write::Replace(row, IfMatch::Any)).await.expect("written");
    }
    assert_eq!(asked().await, [true, false]);
}

#[tokio::test]
async fn a_required_parameter_that_no_field_asks_for_is_a_warning_until_one_does() {
    let app = app().await;
    let org = app.org("Contoso").await;
    let author = app.user_with(&org, [Permission::ManageForms]).await;
    let saved = author.post(org.id, "/api/forms", document("New user")).await.expect(201);
    let warnings = saved.json()["warnings"].clone();
    assert_eq!(warnings[0]["pointer"], "#/fields");
    assert!(warnings[0]["detail"].as_str().is_some_and(|detail| detail.contains("`license`")), "{warnings}");
    let mut whole = document("New user");
    let license = json!({ "name": "license", "label": "License", "type": "select", "options_from": "licenses" });
    whole["fields"].as_array_mut().expect("fields").push(license);
    let saved = author.put(None, saved.header("location"), whole).await.expect(200);
    assert_eq!(saved.json().get("warnings"), None);
}

#[tokio::test]
async fn a_stale_change_is_refused_with_what_is_there_and_an_export_can_be_created_again() {
    let app = app().await;
    let (org, other) = (app.org("Contoso").await, app.org("Fabrikam").await);
    let author = app.user_with(&org, [Permission::ManageForms]).await;
    let form = created(&author, org.id, "New user").await;
    let first = author.get(None, &form).await.expect(200).header("etag").to_owned();
    let put = |name: &str| author.request("PUT", &form).json(&document(name)).header("if-match", &first);
    let second = put("Second").send().await.expect(200);
    let stale = put("Third").send().await;
    stale.assert_problem(412, "stale-version");
    let mut there = second.json();
    there.as_object_mut().expect("a form").remove("warnings");
    assert_eq!((stale.header("etag"), &stale.json()["current"]), (second.header("etag"), &there));
    for method in ["PATCH", "DELETE"] {
        let request = author.request(method, &form).json(&json!({ "is_active": false })).header("if-match", &first);
        request.send().await.assert_problem(412, "stale-version");
    }

    let export = author.get(None, &format!("{form}/export")).await.expect(200);
    assert!(export.header("content-disposition").starts_with("attachment; filename=\"form-"));
    let copy = app.admin().post(other.id, "/api/forms", export.json()).await.expect(201).json();
    assert_eq!((&copy["form"], &copy["org_id"]), (&document("Second"), &json!(other.id)));
}

#[tokio::test]
async fn an_import_creates_or_replaces_the_form_of_its_name_and_says_which() {
    let app = app().await;
    let (org, other) = (app.org("Contoso").await, app.org("Fabrikam").await);
    let author = app.user_with(&org, [Permission::ManageForms]).await;
    let import =
        async |query: &str, document: Value| author.post(org.id, &format!("/api/forms/import{query}"), document).await;
    let done = |answer: Answer| {
        let answer = answer.expect(200).json();
        (answer["action"].clone(), answer["id"].clone())
    };
    let mut changed = document("New user");
    changed["description"] = json!("For new colleagues");

    assert_eq!(done(import("?dry_run=true", document("New user")).await), (json!("created"), Value::Null));
    assert_eq!(listed(&author, org.id).await, Vec::<String>::new());
    let (action, id) = done(import("", document("New user")).await);
    assert_eq!(action, "created");
    assert_eq!(done(import("", document("New user")).await), (json!("unchanged"), id.clone()));
    assert_eq!(done(import("?dry_run=true", changed.clone()).await), (json!("updated"), id.clone()));
    assert_eq!(done(import("", document("New user")).await), (json!("unchanged"), id.clone()), "it only said so");
    assert_eq!(done(import("", changed.clone()).await), (json!("updated"), id.clone()));
    let path = format!("/api/forms/{}", id.as_str().expect("an id"));
    let export = author.get(org.id, &format!("{path}/export")).await.expect(200).json();
    assert_eq!(export, changed);

    let mut unknown = document("New user");
    unknown["workflow"] = json!("user_onbording");
    unknown["fields"][0] = json!({ "name": "email", "label": "A", "type": "select", "options_from": "licences" });
    let refused = import("", unknown).await;
    refused.assert_problem(422, "form-invalid");
    let errors = refused.json()["errors"].clone();
    assert_eq!(
        (&errors[0]["pointer"], &errors[1]["pointer"]),
        (&json!("#/workflow"), &json!("#/fields/0/options/generator"))
    );
    created(&author, org.id, "New user").await;
    import("", document("New user")).await.assert_problem(409, "conflict");
    author.post(other.id, "/api/forms/import", changed.clone()).await.assert_problem(403, "permission-denied");
    author.post(None, "/api/forms/import", changed.clone()).await.assert_problem(403, "administrator-required");
    let global = app.admin().post(None, "/api/forms/import", changed).await;
    assert_eq!(done(global).0, "created", "names count within an organization");
}

#[tokio::test]
async fn a_form_that_many_import_at_once_is_there_once_and_can_be_imported_again() {
    let app = app().await;
    let org = app.org("Contoso").await;
    let author = app.user_with(&org, [Permission::ManageForms]).await;
    let import = async |number: usize| {
        let mut form = document("New user");
        form["description"] = json!(format!("From place {number}"));
        author.post(org.id, "/api/forms/import", form).await.expect(200).json()["action"].clone()
    };
    let actions = futures::future::join_all((0..8).map(import)).await;
    assert_eq!(actions.iter().filter(|action| *action == "created").count(), 1, "{actions:?}");
    assert_eq!(listed(&author, org.id).await, ["New user"]);
    assert_eq!(import(8).await, "updated");
}

#[tokio::test]
async fn a_draft_asks_for_every_parameter_of_a_workflow() {
    let app = app().await;
    let org = app.org("Contoso").await;
    let author = app.user_with(&org, [Permission::ManageForms]).await;
    let draft = author.get(None, "/api/form-drafts/user_onboarding").await.expect(200).json();
    assert_eq!(draft["errors"], json!([]));
    let created = author.post(org.id, "/api/forms", draft["form"].clone()).await.expect(201).json();
    assert_eq!(created["form"]["fields"][1]["options"]["generator"], "licenses");
    let unknown = author.get(None, "/api/form-drafts/user_onbording").await;
    unknown.assert_problem(404, "not-found");
    assert_eq!(unknown.json()["nearest"], "user_onboarding");
    let technician = app.user_with(&org, [Permission::ExecuteWorkflows]).await;
    technician.get(None, "/api/form-drafts/user_onboarding").await.assert_problem(403, "permission-denied");
}

#[tokio::test]
async fn pages_of_forms_go_through_every_organization_once() {
    let app = app().await;
    let mut expected = Vec::new();
    for name in ["Contoso", "Fabrikam", "Adatum"] {
        let org = app.org(name).await;
        for number in ["b", "A", "c"] {
            created(&app.admin(), org.id, &format!("{number} of {name}")).await;
        }
        expected.push((org.id.key(), ["A", "b", "c"].map(|number| format!("{number} of {name}")).to_vec()));
    }
    created(&app.admin(), None, "everybody's").await;
    expected.sort();
    let mut expected: Vec<String> = expected.into_iter().flat_map(|(_, names)| names).collect();
    expected.push("everybody's".to_owned());
    for limit in [1, 2, 3, 10] {
        let mut found = Vec::new();
        let mut path = format!("/api/forms?limit={limit}");
        loop {
            let page = app.admin().get(None, &path).await.expect(200).json();
            let items = page["items"].as_array().expect("items").clone();
            found.extend(items.iter().map(|form| form["name"].as_str().unwrap_or("").to_owned()));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            path = format!("/api/forms?limit={limit}&cursor={cursor}");
        }
        assert_eq!(found, expected, "{limit} at a time");
    }
}
