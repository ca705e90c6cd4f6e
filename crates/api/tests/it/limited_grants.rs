//! Grants that are limited: to a time, and to categories of workflows.

use crate::live::{pending, start, until};
use chrono::Duration;
use msp_domain::{Clock, Permission, Scope, form::FormSchema};
use msp_storage::{
    ExecutionPointer,
    repositories::{Actor, organizations::Organization},
};
use msp_test_support::{TestApp, TestCaller};
use serde_json::{Value, json};

const LAUNCHER: &str = env!("CARGO_BIN_EXE_msp-api-worker-launcher");

const WORKSPACE: &str = r#"
import asyncio
from shared.decorators import option_generator, param, workflow

@workflow(name="reset", description="Resets a password", category="password_reset")
@param("user", type="string", required=True, options_from="users")
async def reset(context, user):
    return [org.name for org in await context.organizations()]

@workflow(name="offboard", description="Takes everything away", category="offboarding")
@param("user", type="string", required=True, options_from="leavers")
async def offboard(context, user):
    return user

@workflow(name="loose", description="Has no category")
async def loose(context):
    return "ran"

@workflow(name="talk", description="Talks", category="password_reset")
async def talk(context):
    for number in range(200):
        print(f"line {number}")
        await asyncio.sleep(0.05)

@workflow(name="anywhere", description="Needs no organization", category="password_reset", requires_org=False)
async def anywhere(context):
    return "ran"

@workflow(name="everywhere", description="Needs none either", category="offboarding", requires_org=False)
async def everywhere(context):
    return "ran"

@option_generator(name="users")
async def users(context):
    return [{"label": "Ada", "value": "ada"}]

@option_generator(name="leavers")
async def leavers(context):
    return [{"label": "Bob", "value": "bob"}]

@option_generator(name="desks")
async def desks(context):
    return [{"label": "Desk", "value": "desk"}]

@option_generator(name="reachable", cache_seconds=3600)
async def reachable(context):
    return [{"label": org.name, "value": org.name} for org in await context.organizations()]
"#;

struct Desk {
    app: TestApp,
    org: Organization,
    junior: TestCaller,
}

impl Desk {
    async fn new() -> Self {
        let app = TestApp::with_engine(LAUNCHER, &[("workflows/desk.py", WORKSPACE)]).await;
        let org = app.org("Contoso").await;
        let junior = app.user("junior@msp.example").await;
        let desk = Self { app, org, junior };
        desk.grant(json!({ "execute_workflows": true, "categories": ["password_reset"] })).await;
        desk
    }

    async fn grant(&self, body: Value) {
        self.grant_in(&self.org, body).await;
    }

    async fn grant_in(&self, org: &Organization, body: Value) {
        let path = format!("/api/users/{}/permissions/{}", self.junior.user(), org.id);
        let _ = self.app.admin().put(None, &path, body).await.expect(200);
    }

    async fn form(&self, name: &str, workflow: &str, generator: &str) -> String {
        let options = json!({ "source": "option_generator", "generator": generator });
        let fields = json!([{ "name": "user", "label": "Who", "type": "select", "options": options }]);
        let form = json!({ "name": name, "workflow": workflow, "fields": fields });
        let saved = self.app.admin().post(self.org.id, "/api/forms", form).await.expect(201).json();
        saved["id"].as_str().expect("an id").to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_for_some_categories_runs_workflows_of_these_and_no_others_however_they_are_started() {
    let desk = Desk::new().await;
    let Desk { app, org, junior } = &desk;
    let ran = junior.post(org.id, "/workflows/reset", json!({ "user": "ada" })).await.expect(200);
    assert_eq!(ran.json(), json!(["Contoso"]));

    let refused = junior.post(org.id, "/workflows/offboard", json!({ "user": "bob" })).await;
    refused.assert_problem(403, "permission-denied");
    assert_eq!(refused.json()["category"], "offboarding");
    assert!(refused.text().contains("is in the category `offboarding`"), "{}", refused.text());
    let refused = junior.post(org.id, "/workflows/loose", json!({})).await;
    refused.assert_problem(403, "permission-denied");
    assert_eq!(refused.json()["category"], Value::Null);
    let _ = junior.post(None, "/workflows/anywhere", json!({})).await.expect(200);
    junior.post(None, "/workflows/everywhere", json!({})).await.assert_problem(403, "permission-denied");

    // By a form: its option generator is not asked either.
    let form = desk.form("Leaver", "offboard", "leavers").await;
    let request = junior.request("POST", "/workflows/offboard").org(org.id).header("x-form-id", &form);
    request.json(&json!({ "user": "bob" })).send().await.assert_problem(403, "permission-denied");

    // Again, what an administrator ran.
    let path = format!("/api/users/{}/permissions/{}", junior.user(), org.id);
    let body = json!({ "execute_workflows": true, "view_history": true, "categories": ["password_reset"] });
    let _ = app.admin().put(None, &path, body).await.expect(200);
    let earlier = app.admin().post(org.id, "/workflows/offboard", json!({ "user": "bob" })).await.expect(200);
    let rerun = format!("/api/executions/{}/rerun", earlier.header("x-execution-id"));
    junior.post(org.id, &rerun, json!({})).await.assert_problem(403, "permission-denied");

    let denials = app.audit(Scope::Global).await;
    let named = |row: &&msp_storage::repositories::audit::AuditRow| row.draft.details["category"] == "offboarding";
    assert_eq!(denials.iter().filter(named).count(), 4, "each refusal is on record");
}

/// A run that waits in the queue, and what wakes the engine for it.
async fn queued(desk: &Desk, scope: Scope, workflow: &str) -> ExecutionPointer {
    let id = pending(&desk.app, scope, &desk.junior, workflow).await;
    ExecutionPointer { scope, execution_id: id.parse().expect("an id") }
}

async fn outcome(desk: &Desk, run: ExecutionPointer) -> Value {
    desk.app.repositories.stores.queue.send(run).await.expect("sent");
    let id = run.execution_id.key();
    until(&desk.app.admin(), &id, |execution| execution["completed_at"].is_string()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queued_run_does_not_start_once_its_category_was_taken_away_or_its_grant_has_expired() {
    let desk = Desk::new().await;
    let scope = Scope::Org(desk.org.id);
    let mut runs = Vec::new();
    for (workflow, scope) in
        [("everywhere", scope), ("everywhere", Scope::Global), ("anywhere", scope), ("anywhere", Scope::Global)]
    {
        runs.push((workflow, queued(&desk, scope, workflow).await));
    }
    let late = queued(&desk, scope, "anywhere").await;
    for (workflow, run) in runs {
        let ended = outcome(&desk, run).await;
        if workflow == "anywhere" {
            assert_eq!(ended["status"], "Success", "{ended}");
            continue;
        }
        assert_eq!(
            (&ended["status"], &ended["error_type"]),
            (&json!("Failed"), &json!("permission_denied")),
            "{ended}"
        );
        assert!(ended["error_message"].as_str().is_some_and(|text| text.contains("category `offboarding`")), "{ended}");
    }

    let expires_at = desk.app.clock.now() + Duration::minutes(5);
    desk.grant(json!({ "execute_workflows": true, "expires_at": expires_at })).await;
    desk.app.clock.advance(Duration::minutes(5));
    let ended = outcome(&desk, late).await;
    assert_eq!((&ended["status"], &ended["error_type"]), (&json!("Failed"), &json!("permission_denied")), "{ended}");
}

#[tokio::test(flavor = "multi_thread")]
async fn generators_are_asked_for_what_the_caller_may_run_and_by_the_form_that_names_them() {
    let desk = Desk::new().await;
    let Desk { app, org, junior } = &desk;
    let ask = async |generator: &str, form: Option<&str>| {
        let mut request = junior.request("GET", &format!("/options/{generator}")).org(org.id);
        if let Some(form) = form {
            request = request.header("x-form-id", form);
        }
        request.send().await
    };
    let (own, foreign) = (desk.form("Reset", "reset", "desks").await, desk.form("Leaver", "offboard", "desks").await);
    let _ = ask("users", None).await.expect(200);
    let _ = ask("desks", Some(&own)).await.expect(200);
    for (generator, form) in [
        ("leavers", None),
        ("desks", None),
        ("desks", Some(&foreign)),
        ("leavers", Some(&own)),
        ("leavers", Some(&foreign)),
    ] {
        let refused = ask(generator, form.map(String::as_str)).await;
        refused.assert_problem(403, "permission-denied");
        assert_eq!(refused.json()["categories"], json!(["password_reset"]), "{generator}");
    }
    // Whoever makes forms asks every generator.
    let categories = json!({ "execute_workflows": true, "manage_forms": true, "categories": ["password_reset"] });
    desk.grant(categories).await;
    let _ = ask("leavers", None).await.expect(200);
    let _ = app.admin().get(org.id, "/options/leavers").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_told_what_its_user_may_run_and_where_until_when() {
    let desk = Desk::new().await;
    let Desk { app, org, junior } = &desk;
    let metadata = junior.get(org.id, "/admin/metadata").await.expect(200).json();
    assert_eq!(metadata["may_run"], json!(["reset", "talk", "anywhere"]));
    assert_eq!(metadata["workflows"].as_array().map(Vec::len), Some(6), "the rest is known, and not offered");
    let all = app.admin().get(org.id, "/admin/metadata").await.expect(200).json();
    assert_eq!(all["may_run"].as_array().map(Vec::len), Some(6));

    let expires_at = app.clock.now() + Duration::minutes(5);
    let body = json!({ "execute_workflows": true, "categories": ["password_reset"], "expires_at": expires_at });
    desk.grant(body).await;
    let me = junior.get(None, "/api/me").await.expect(200).json();
    let mine = &me["organizations"][0];
    assert_eq!((&mine["id"], &mine["categories"]), (&json!(org.id), &json!(["password_reset"])));
    assert_eq!(mine["expires_at"], json!(expires_at));
    app.clock.advance(Duration::minutes(5));
    let me = junior.get(None, "/api/me").await.expect(200).json();
    assert_eq!((&me["organizations"], &me["is_auditor"]), (&json!([]), &json!(false)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workflow_is_told_of_the_organizations_its_caller_may_run_it_in_and_no_kept_answer_outlives_a_right() {
    let desk = Desk::new().await;
    let Desk { app, org, junior } = &desk;
    let (fabrikam, tailspin) = (app.org("Fabrikam").await, app.org("Tailspin").await);
    desk.grant_in(&fabrikam, json!({ "execute_workflows": true, "categories": ["offboarding"] })).await;
    let expires_at = app.clock.now() + Duration::minutes(5);
    desk.grant_in(&tailspin, json!({ "execute_workflows": true, "expires_at": expires_at })).await;
    let ran = junior.post(org.id, "/workflows/reset", json!({ "user": "ada" })).await.expect(200);
    assert_eq!(ran.json(), json!(["Contoso", "Tailspin"]));

    desk.grant(json!({ "execute_workflows": true })).await;
    let labels = async || {
        let items = junior.get(org.id, "/options/reachable").await.expect(200).json();
        items
            .as_array()
            .expect("items")
            .iter()
            .map(|item| item["label"].as_str().expect("a label").to_owned())
            .collect()
    };
    let before: Vec<String> = labels().await;
    assert_eq!(before, ["Contoso", "Fabrikam", "Tailspin"]);
    app.clock.advance(Duration::minutes(5));
    let after: Vec<String> = labels().await;
    assert_eq!(after, ["Contoso", "Fabrikam"], "the answer was kept for an hour, the right ended before");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_the_right_behind_it() {
    let desk = Desk::new().await;
    let Desk { app, org, junior } = &desk;
    let expires_at = app.clock.now() + Duration::minutes(5);
    desk.grant(json!({ "execute_workflows": true, "expires_at": expires_at })).await;
    let id = start(junior, org, "talk").await;
    let request = junior.request("GET", &format!("/api/executions/{id}/logs")).header("accept", "text/event-stream");
    let mut turned = false;
    let stream = request.send_and_follow(|text| {
        if !turned && text.contains("line 3") {
            turned = true;
            app.clock.advance(Duration::minutes(6));
        }
    });
    let text = stream.await.expect(200).text().to_string();
    assert!(turned && !text.contains("line 199"), "{text}");
    let last = text.rsplit("event: ").next().unwrap_or_default();
    assert!(last.contains("not-found") || last.contains("permission-denied"), "{last}");
    let _ = app.admin().post(None, &format!("/api/executions/{id}/cancel"), json!({})).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_of_workflows_in_other_categories_are_neither_listed_nor_found_nor_read_nor_exported() {
    let desk = Desk::new().await;
    let Desk { app, org, junior } = &desk;
    let fabrikam = app.org("Fabrikam").await;
    let mut forms = Vec::new();
    for (name, workflow, scope) in [
        ("Form of resets", "reset", Scope::Org(org.id)),
        ("Form of leavers", "offboard", Scope::Org(org.id)),
        ("Form of anything", "loose", Scope::Org(org.id)),
        ("Form of what is gone", "unheard_of", Scope::Org(org.id)),
        ("Form anywhere", "anywhere", Scope::Global),
        ("Form everywhere", "everywhere", Scope::Global),
        ("Form of their leavers", "offboard", Scope::Org(fabrikam.id)),
    ] {
        let form = FormSchema::parse(&json!({ "name": name, "workflow": workflow, "fields": [] })).expect("a form");
        let form = app.repositories.forms.create(scope, &form, &Actor::PLATFORM).await.expect("a form");
        forms.push((name, form.id));
    }
    let seen = async |named: bool| -> Vec<String> {
        let header = named.then_some(org.id);
        let mut ways = Vec::new();
        let listed = junior.get(header, "/api/forms").await.expect(200).json();
        ways.push(names(&listed["items"]));
        let found = junior.get(header, "/api/search?types=forms&q=form&limit=20").await.expect(200).json();
        ways.push(names(&found["groups"][0]["items"]));
        for way in ["", "/export"] {
            let mut readable = Vec::new();
            for (name, id) in &forms {
                let answer = junior.get(header, &format!("/api/forms/{id}{way}")).await;
                match answer.status.as_u16() {
                    200 => readable.push((*name).to_owned()),
                    _ => answer.assert_problem(404, "not-found"),
                }
            }
            readable.sort();
            ways.push(readable);
        }
        assert!(ways.iter().all(|way| *way == ways[0]), "each way shows the same: {ways:?}");
        ways.swap_remove(0)
    };
    let few = ["Form anywhere", "Form of resets", "Form of what is gone"];
    for named in [true, false] {
        assert_eq!(seen(named).await, few);
    }
    for (name, id) in &forms {
        // Nor does a refusal say that it is there.
        let status = junior.delete(None, &format!("/api/forms/{id}")).await.status.as_u16();
        assert_eq!(status, if few.contains(name) { 403 } else { 404 }, "{name}");
    }

    // Another category elsewhere: seen there, and of everybody's wherever it may be run.
    desk.grant_in(&fabrikam, json!({ "execute_workflows": true, "categories": ["offboarding"] })).await;
    assert_eq!(seen(true).await, few);
    let more = ["Form anywhere", "Form everywhere", "Form of resets", "Form of their leavers", "Form of what is gone"];
    assert_eq!(seen(false).await, more);
    desk.grant_in(&fabrikam, json!({})).await;

    // Whoever makes forms sees them all.
    let body = json!({ "execute_workflows": true, "manage_forms": true, "categories": ["password_reset"] });
    desk.grant(body).await;
    for named in [true, false] {
        assert_eq!(seen(named).await.len(), 6, "all but the other's");
    }
}

/// The names of what is listed, in order.
fn names(items: &Value) -> Vec<String> {
    let name = |item: &Value| item["name"].as_str().expect("a name").to_owned();
    let mut names: Vec<String> = items.as_array().into_iter().flatten().map(name).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_reads_and_finds_what_the_bundle_offers_and_forms_that_are_switched_off_and_runs_nothing() {
    let desk = Desk::new().await;
    let Desk { app, org, .. } = &desk;
    let auditor = app.user("auditor@msp.example").await;
    let path = format!("/api/users/{}", auditor.user());
    let _ = app.admin().patch(None, &path, json!({ "is_auditor": true })).await.expect(200);
    let form = desk.form("Switched off", "offboard", "desks").await;
    let off = app.admin().patch(org.id, &format!("/api/forms/{form}"), json!({ "is_active": false })).await;
    let _ = off.expect(200);
    for header in [Some(org.id), None] {
        let metadata = auditor.get(header, "/admin/metadata").await.expect(200).json();
        assert_eq!(metadata["workflows"].as_array().map(Vec::len), Some(6));
        assert_eq!(metadata["may_run"], json!([]));
        let listed = auditor.get(header, "/api/forms").await.expect(200).json();
        let found = auditor.get(header, "/api/search?types=forms&q=switched").await.expect(200).json();
        assert_eq!(names(&listed["items"]), ["Switched off"]);
        assert_eq!(names(&found["groups"][0]["items"]), ["Switched off"]);
        let found = auditor.get(header, "/api/search?types=workflows&q=offboard").await.expect(200).json();
        assert_eq!(names(&found["groups"][0]["items"]), ["everywhere", "offboard"]);
        auditor.get(header, "/options/desks").await.assert_problem(403, "permission-denied");
    }
    // A narrower token of an auditor audits nothing.
    let narrow = app.scoped(&auditor, "Organizations.Manage");
    narrow.get(org.id, "/admin/metadata").await.assert_problem(403, "permission-denied");
    let found = narrow.get(org.id, "/api/search?q=switched").await.expect(200).json();
    assert_eq!(found["groups"], json!([]));
    let found = narrow.get(org.id, "/api/search?q=offboard").await.expect(200).json();
    assert_eq!(found["groups"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_for_some_categories_is_held_for_these_and_never_without_saying_which() {
    let desk = Desk::new().await;
    let Desk { app, org, junior } = &desk;
    let ask = async |what: Value| {
        let mut question = json!({ "org_id": org.id, "permission": "execute_workflows" });
        let members = what.as_object().expect("an object").clone();
        question.as_object_mut().expect("an object").extend(members);
        junior.post(None, "/api/permissions/check", question).await
    };
    for may in [json!({ "workflow": "reset" }), json!({ "category": "password_reset" })] {
        assert_eq!(ask(may).await.expect(200).json(), json!({ "allowed": true }));
    }
    for may_not in [
        json!({}),
        json!({ "workflow": null, "category": null }),
        json!({ "workflow": "offboard" }),
        json!({ "workflow": "loose" }),
        json!({ "workflow": "unheard_of" }),
        json!({ "category": "offboarding" }),
        json!({ "category": "Password_Reset" }),
    ] {
        let refused = ask(may_not.clone()).await;
        refused.assert_problem(403, "permission-denied");
        let answer = refused.json();
        assert_eq!((&answer["allowed"], &answer["permission"]), (&json!(false), &json!("execute_workflows")));
        assert_eq!(answer["categories"], json!(["password_reset"]), "{may_not}");
        assert!(refused.text().contains("`password_reset`"), "{}", refused.text());
    }
    let named = |row: &&msp_storage::repositories::audit::AuditRow| row.draft.details["categories"].is_array();
    assert_eq!(app.audit(Scope::Global).await.iter().filter(named).count(), 7, "each refusal is on record");

    for (nonsense, pointer) in [
        (json!({ "workflow": "reset", "category": "password_reset" }), "#/category"),
        (json!({ "category": " " }), "#/category"),
        (json!({ "permission": "view_history", "workflow": "reset" }), "#/workflow"),
    ] {
        let refused = ask(nonsense).await;
        refused.assert_problem(422, "body-invalid");
        assert_eq!(refused.json()["errors"][0]["pointer"], pointer, "{}", refused.text());
    }

    // Whoever may run everything may be asked about anything.
    desk.grant(json!({ "execute_workflows": true })).await;
    for anything in [json!({}), json!({ "workflow": "offboard" }), json!({ "category": "offboarding" })] {
        let _ = ask(anything).await.expect(200);
    }
}

#[tokio::test]
async fn a_limited_grant_names_its_faults_and_respects_versions() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await;
    let user = app.user("ada@msp.example").await;
    let admin = app.admin();
    let path = format!("/api/users/{}/permissions/{}", user.user(), org.id);
    let past = app.clock.now();
    for (body, pointer) in [
        (json!({ "execute_workflows": true, "expires_at": past }), "#/expires_at"),
        (json!({ "execute_workflows": true, "categories": [] }), "#/categories"),
        (json!({ "execute_workflows": true, "categories": [" "] }), "#/categories"),
        (json!({ "view_history": true, "categories": ["demo"] }), "#/categories"),
    ] {
        let answer = admin.put(None, &path, body).await;
        answer.assert_problem(422, "body-invalid");
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{}", answer.text());
    }
    admin.get(None, &path).await.assert_problem(404, "not-found");

    let set = admin.put(None, &path, json!({ "execute_workflows": true })).await.expect(200);
    let first = set.header("etag").to_owned();
    assert_eq!(user.get(None, &path).await.expect(200).header("etag"), first);
    let change =
        async |etag: &str, body: Value| admin.request("PUT", &path).header("if-match", etag).json(&body).send().await;
    let second = change(&first, json!({ "view_history": true })).await.expect(200).header("etag").to_owned();
    let stale = change(&first, json!({ "manage_config": true })).await;
    stale.assert_problem(412, "stale-version");
    assert_eq!(stale.json()["current"]["permissions"]["view_history"], true);
    assert_eq!(stale.header("etag"), second);
    let delete = async |etag: &str| admin.request("DELETE", &path).header("if-match", etag).send().await;
    delete(&first).await.assert_problem(412, "stale-version");
    let _ = delete(&second).await.expect(204);
}

#[tokio::test]
async fn an_expired_grant_is_listed_gives_nothing_and_can_be_removed() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await;
    let user = app.user("ada@msp.example").await;
    let path = format!("/api/users/{}/permissions/{}", user.user(), org.id);
    let config = format!("/api/organizations/{}/config", org.id);
    let body = json!({ "manage_config": true, "expires_at": app.clock.now() + Duration::minutes(5) });
    let _ = app.admin().put(None, &path, body).await.expect(200);
    let _ = user.get(None, &config).await.expect(200);
    app.clock.advance(Duration::minutes(5));
    user.get(None, &config).await.assert_problem(403, "permission-denied");
    let check = json!({ "org_id": org.id, "permission": "manage_config" });
    user.post(None, "/api/permissions/check", check).await.assert_problem(403, "permission-denied");
    assert_eq!(user.get(None, "/api/organizations").await.expect(200).json()["items"], json!([]));
    let listed = format!("/api/users/{}/permissions", user.user());
    assert_eq!(user.get(None, &listed).await.expect(200).json()["items"][0]["is_expired"], true);
    let _ = app.admin().delete(None, &path).await.expect(204);
    assert_eq!(user.get(None, &listed).await.expect(200).json()["items"], json!([]));
}

#[tokio::test]
async fn an_auditor_reads_everywhere_and_neither_runs_nor_changes_nor_sees_secrets() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await;
    // Grants do not matter: an auditor only reads.
    let auditor = app.user_with(&org, Permission::ALL).await;
    let path = format!("/api/users/{}", auditor.user());
    let both = json!({ "is_auditor": true, "is_platform_admin": true });
    app.admin().patch(None, &path, both).await.assert_problem(422, "body-invalid");
    assert_eq!(
        app.admin().patch(None, &path, json!({ "is_auditor": true })).await.expect(200).json()["is_auditor"],
        true
    );

    let base = format!("/api/organizations/{}", org.id);
    let value = json!({ "type": "string", "value": "x" });
    let _ = app.admin().put(None, &format!("{base}/config/key"), value.clone()).await.expect(200);
    let _ = app.admin().put(None, "/api/global/config/key", value).await.expect(200);
    let settings =
        json!({ "base_url": "https://contoso.halopsa.com", "client_id": "an id", "client_secret": "a canary of ours" });
    let halo = format!("{base}/integrations/halopsa");
    let _ = app.admin().put(None, &halo, json!({ "settings": settings })).await.expect(200);
    let mut forms = Vec::new();
    for scope in [Scope::Org(org.id), Scope::Global] {
        let document = json!({ "name": "Form", "workflow": "some_workflow", "fields": [] });
        let form = FormSchema::parse(&document).expect("a form");
        let form = app.repositories.forms.create(scope, &form, &Actor::PLATFORM).await.expect("a form").id;
        app.repositories.forms.set_active((scope, form), false, None, &Actor::PLATFORM).await.expect("switched off");
        forms.push(format!("/api/forms/{form}"));
    }
    for form in &forms {
        let _ = auditor.get(None, form).await.expect(200);
        let _ = auditor.get(org.id, &format!("{form}/export")).await.expect(200);
        let refused = auditor.delete(None, form).await;
        assert_eq!(refused.status.as_u16(), 403, "{}", refused.text());
    }
    let listed = auditor.get(org.id, "/api/forms").await.expect(200).json();
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(2), "{listed}");
    assert!(!auditor.get(None, &halo).await.expect(200).text().contains("canary"));
    auditor.delete(None, &halo).await.assert_problem(403, "permission-denied");
    auditor.delete(None, "/api/global/config/key").await.assert_problem(403, "administrator-required");
    auditor.get(None, "/api/global/secrets").await.assert_problem(403, "administrator-required");
    let narrow = app.scoped(&auditor, "Organizations.Manage");
    narrow.get(None, &halo).await.assert_problem(403, "permission-denied");
    narrow.get(None, "/api/global/config").await.assert_problem(403, "administrator-required");
    narrow.get(org.id, &forms[0]).await.assert_problem(403, "permission-denied");
    for readable in [
        "/api/users",
        "/api/global/config",
        "/api/global/config/key",
        "/api/retention",
        &format!("{base}/config"),
        &format!("{base}/config/key"),
        &format!("{base}/integrations"),
        "/api/organizations",
        "/api/executions",
        "/api/pauses",
        &path,
        &base,
        &format!("{base}/permissions"),
    ] {
        let _ = auditor.get(None, readable).await.expect(200);
    }
    let me = auditor.get(None, "/api/me").await.expect(200).json();
    assert_eq!((&me["is_auditor"], &me["is_administrator"]), (&json!(true), &json!(false)));
    assert_eq!(me["organizations"][0]["permissions"]["execute_workflows"], false);
    assert_eq!(me["organizations"][0]["permissions"]["view_history"], true);

    let grant = format!("{path}/permissions/{}", org.id);
    auditor.get(None, &format!("{base}/secrets")).await.assert_problem(403, "permission-denied");
    auditor.post(org.id, "/workflows/any", json!({})).await.assert_problem(403, "permission-denied");
    auditor.patch(None, &path, json!({ "is_auditor": false })).await.assert_problem(403, "administrator-required");
    auditor.put(None, &grant, json!({})).await.assert_problem(403, "administrator-required");
    auditor.delete(None, &grant).await.assert_problem(403, "administrator-required");
    let config = json!({ "type": "string", "value": "x" });
    auditor.put(None, &format!("{base}/config/key"), config).await.assert_problem(403, "permission-denied");
    app.scoped(&auditor, "Organizations.Manage")
        .get(None, "/api/users")
        .await
        .assert_problem(403, "administrator-required");
}
