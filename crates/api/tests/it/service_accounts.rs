//! Programs that call in their own name, and accounts that end.

use crate::live::{pending, until};
use chrono::Duration;
use msp_domain::{Clock, ExecutionId, OrgId, Permission, Scope};
use msp_storage::ExecutionPointer;
use msp_test_support::{PastExecution, TestApp, TestCaller};
use serde_json::{Value, json};

const LAUNCHER: &str = env!("CARGO_BIN_EXE_msp-api-worker-launcher");

const WORKSPACE: &str = r#"
from shared.decorators import workflow

@workflow(name="whoami", description="Says who asked", category="demo")
async def whoami(context):
    return context.caller.user_id
"#;

/// A service account with these roles: its path, and a caller with a token of it.
async fn service(app: &TestApp, name: &str, roles: Value) -> (String, TestCaller) {
    let admin = app.admin();
    let body = json!({ "name": name, "app_roles": roles });
    let created = admin.post(None, "/api/service-accounts", body).await.expect(201);
    let path = created.header("location").to_owned();
    let (_, caller) = token(app, &path, json!({ "name": "a test" })).await;
    (path, caller)
}

async fn token(app: &TestApp, path: &str, body: Value) -> (Value, TestCaller) {
    let minted = app.admin().post(None, &format!("{path}/tokens"), body).await.expect(201).json();
    let id = path.rsplit('/').next().expect("an id").parse().expect("an id");
    let caller = app.bearer(id, minted["token"].as_str().expect("a token"));
    (minted, caller)
}

async fn grant(app: &TestApp, caller: &TestCaller, org: OrgId, body: Value) {
    let _ = app.admin().put(None, &format!("/api/users/{}/permissions/{org}", caller.user()), body).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_account_does_what_both_its_roles_and_its_grants_allow() {
    let app = TestApp::with_engine(LAUNCHER, &[("workflows/demo.py", WORKSPACE)]).await;
    let org = app.org("Contoso").await;
    let (path, bot) = service(&app, "Nightly report", json!(["Workflows.Execute"])).await;
    let me = bot.get(None, "/api/me").await.expect(200).json();
    assert_eq!((&me["signed_in_with"], &me["organizations"]), (&json!("service"), &json!([])));
    bot.post(org.id, "/workflows/whoami", json!({})).await.assert_problem(403, "permission-denied");

    grant(&app, &bot, org.id, json!({ "execute_workflows": true, "manage_config": true })).await;
    let ran = bot.post(org.id, "/workflows/whoami", json!({})).await.expect(200);
    assert_eq!(ran.json(), json!(bot.user()));
    let config = format!("/api/organizations/{}/config", org.id);
    bot.get(None, &config).await.assert_problem(403, "permission-denied");
    let both = json!({ "app_roles": ["Workflows.Execute", "Organizations.Manage"] });
    let _ = app.admin().patch(None, &path, both).await.expect(200);
    let _ = bot.get(None, &config).await.expect(200);

    // What it holds is what all lists of it say.
    let execute_only = json!({ "app_roles": ["Workflows.Execute"] });
    let _ = app.admin().patch(None, &path, execute_only).await.expect(200);
    for list in [
        format!("/api/organizations/{}/permissions", org.id),
        format!("/api/users/{}/organizations", bot.user()),
        "/api/access-review".to_owned(),
    ] {
        let listed = app.admin().get(None, &list).await.expect(200).json();
        let its = |row: &&Value| row.get("user_id").is_none_or(|user| *user == json!(bot.user()));
        let row = listed["items"].as_array().expect("items").iter().find(its).expect("it is listed");
        let held = json!({
            "execute_workflows": true, "manage_config": false, "manage_forms": false, "view_history": false
        });
        assert_eq!(row["permissions"], held, "{list}");
    }
    let both = json!({ "app_roles": ["Workflows.Execute", "Organizations.Manage"] });
    let _ = app.admin().patch(None, &path, both).await.expect(200);

    // What waits in the queue loses its right with the role.
    let waiting = pending(&app, Scope::Org(org.id), &bot, "whoami").await;
    let _ = app.admin().patch(None, &path, json!({ "app_roles": ["Organizations.Manage"] })).await.expect(200);
    bot.post(org.id, "/workflows/whoami", json!({})).await.assert_problem(403, "permission-denied");
    let run = ExecutionPointer { scope: Scope::Org(org.id), execution_id: waiting.parse().expect("an id") };
    app.repositories.stores.queue.send(run).await.expect("sent");
    let ended = until(&app.admin(), &waiting, |execution| execution["completed_at"].is_string()).await;
    assert_eq!((&ended["status"], &ended["error_type"]), (&json!("Failed"), &json!("permission_denied")));
}

#[tokio::test]
async fn a_token_is_shown_once_expires_is_replaced_and_taken_back() {
    let app = TestApp::new().await;
    let admin = app.admin();
    let (path, first) = service(&app, "Nightly report", json!(["Workflows.Execute"])).await;
    let _ = first.get(None, "/api/me").await.expect(200);
    let tokens = format!("{path}/tokens");
    let listed = admin.get(None, &tokens).await.expect(200);
    assert!(!listed.text().contains(first.credential()), "what a token says is not kept");
    assert!(listed.json()["items"][0]["last_used_at"].is_string(), "{}", listed.text());

    let replaced = listed.json()["items"][0]["id"].clone();
    let (minted, second) = token(&app, &path, json!({ "name": "the next", "replaces": replaced })).await;
    first.get(None, "/api/me").await.assert_problem(401, "unauthenticated");
    let _ = second.get(None, "/api/me").await.expect(200);
    let _ = admin.delete(None, &format!("{tokens}/{}", minted["id"].as_str().expect("an id"))).await.expect(204);
    second.get(None, "/api/me").await.assert_problem(401, "unauthenticated");

    let expires_at = app.clock.now() + Duration::minutes(10);
    let (_, third) = token(&app, &path, json!({ "name": "short", "expires_at": expires_at })).await;
    let _ = third.get(None, "/api/me").await.expect(200);
    app.clock.advance(Duration::minutes(10));
    third.get(None, "/api/me").await.assert_problem(401, "unauthenticated");
    let admin = app.admin();
    assert_eq!(admin.get(None, &tokens).await.expect(200).json()["items"][0]["is_expired"], true);
    for end in ["", "0", "x"] {
        let forged = app.bearer(third.user(), &format!("{}{end}", &third.credential()[..80]));
        forged.get(None, "/api/me").await.assert_problem(401, "unauthenticated");
    }

    let now = app.clock.now();
    for (body, pointer) in [
        (json!({ "name": "" }), "#/name"),
        (json!({ "name": "late", "expires_at": now }), "#/expires_at"),
        (json!({ "name": "long", "expires_at": now + Duration::days(367) }), "#/expires_at"),
        (json!({ "name": "next", "replaces": replaced }), "#/replaces"),
    ] {
        let answer = admin.post(None, &tokens, body).await;
        answer.assert_problem(422, "body-invalid");
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{}", answer.text());
    }
    for number in 1..20 {
        let _ = admin.post(None, &tokens, json!({ "name": number.to_string() })).await.expect(201);
    }
    admin.post(None, &tokens, json!({ "name": "one more" })).await.assert_problem(409, "too-many-tokens");
    let actions: Vec<String> = app.audit(Scope::Global).await.into_iter().map(|row| row.draft.action).collect();
    assert!(actions.iter().any(|action| action == "ServiceToken.Revoke"), "{actions:?}");
    assert!(!format!("{:?}", app.audit(Scope::Global).await).contains(first.credential()));
}

#[tokio::test]
async fn service_accounts_are_told_apart_by_name_and_have_no_flags_of_people() {
    let app = TestApp::new().await;
    let admin = app.admin();
    let (path, bot) = service(&app, "Nightly report", json!(["Platform.Auditor"])).await;
    let body = json!({ "name": "NIGHTLY report", "app_roles": ["Forms.Manage"] });
    admin.post(None, "/api/service-accounts", body).await.assert_problem(409, "name-taken");
    for roles in [json!([]), json!(["Platform.Auditor", "Forms.Manage"]), json!(["Platform.Admin"])] {
        let body = json!({ "name": "Other", "app_roles": roles });
        admin.post(None, "/api/service-accounts", body).await.assert_problem(422, "body-invalid");
    }
    let user = format!("/api/users/{}", bot.user());
    admin.patch(None, &user, json!({ "is_platform_admin": true })).await.assert_problem(422, "body-invalid");
    let _ = bot.get(None, "/api/users").await.expect(200);
    bot.post(None, "/api/users", json!({ "email": "a@b.example", "display_name": "A" }))
        .await
        .assert_problem(403, "administrator-required");

    let person = app.user("ada@msp.example").await;
    let listed = admin.get(None, "/api/service-accounts?limit=1").await.expect(200).json();
    assert_eq!(listed["items"][0]["name"], "Nightly report");
    let as_service = format!("/api/service-accounts/{}", person.user());
    admin.get(None, &as_service).await.assert_problem(404, "not-found");
    admin.post(None, &format!("{as_service}/tokens"), json!({ "name": "x" })).await.assert_problem(404, "not-found");
    person.get(None, "/api/service-accounts").await.assert_problem(403, "administrator-required");
    person.patch(None, &path, json!({ "is_active": false })).await.assert_problem(403, "administrator-required");

    let etag = admin.get(None, &path).await.expect(200).header("etag").to_owned();
    let _ = admin.patch(None, &path, json!({ "name": "Daily report" })).await.expect(200);
    let stale = admin.request("PATCH", &path).header("if-match", &etag).json(&json!({ "name": "Late" })).send().await;
    stale.assert_problem(412, "stale-version");
    assert_eq!(stale.json()["current"]["name"], "Daily report");
}

#[tokio::test]
async fn who_is_deactivated_is_out_at_once_and_stays_out_of_old_sessions_when_activated_again() {
    let app = TestApp::new().await;
    let admin = app.admin();
    let org = app.org("Contoso").await;
    let user = app.user_with(&org, [Permission::ViewHistory]).await;
    let browser = app.in_browser(&user).await;
    let (service, bot) = service(&app, "Nightly report", json!(["Workflows.Execute"])).await;
    let path = format!("/api/users/{}", user.user());
    for caller in [&user, &browser, &bot] {
        let _ = caller.get(None, "/api/me").await.expect(200);
    }
    for active in [false, true] {
        let _ = admin.patch(None, &path, json!({ "is_active": active })).await.expect(200);
        let _ = admin.patch(None, &service, json!({ "is_active": active })).await.expect(200);
        for caller in [&user, &browser, &bot] {
            caller.get(None, "/api/me").await.assert_problem(401, "unauthenticated");
        }
    }
    app.clock.advance(Duration::seconds(1));
    let _ = app.in_browser(&user).await.get(None, "/api/me").await.expect(200);
    let _ = app.scoped(&user, "Organizations.Manage").get(org.id, "/api/executions").await.expect(200);

    let second = app.user("second@msp.example").await;
    let second_path = format!("/api/users/{}", second.user());
    let _ = admin.patch(None, &second_path, json!({ "is_platform_admin": true })).await.expect(200);
    let own = format!("/api/users/{}", admin.user());
    admin.patch(None, &own, json!({ "is_active": false })).await.assert_problem(409, "own-account");
    let _ = second.patch(None, &own, json!({ "is_active": false })).await.expect(200);
    admin.get(None, "/api/me").await.assert_problem(401, "unauthenticated");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_elsewhere_is_recorded_by_services_with_the_role_and_is_never_taken_for_one_of_ours() {
    let app = TestApp::with_engine(LAUNCHER, &[("workflows/demo.py", WORKSPACE)]).await;
    let (org, other) = (app.org("Contoso").await, app.org("Fabrikam").await);
    let (_, recorder) = service(&app, "Backups", json!(["Executions.Record"])).await;
    let (_, runner) = service(&app, "Runner", json!(["Workflows.Execute"])).await;
    for caller in [&recorder, &runner] {
        grant(&app, caller, org.id, json!({ "execute_workflows": true })).await;
    }
    let started_at = app.clock.now() - Duration::hours(1);
    let id = ExecutionId::at(started_at);
    let body = json!({
        "id": id, "workflow_name": "whoami", "status": "Success", "started_at": started_at,
        "completed_at": started_at + Duration::minutes(2), "input": { "server": "files-1" }, "result": { "size_gb": 41 },
    });
    let recorded = recorder.post(org.id, "/api/executions", body.clone()).await.expect(201);
    assert_eq!(recorded.json()["trigger"], "external");
    assert_ne!(recorded.json()["id"], json!(id), "nobody chooses the id of a record");
    let again = recorder.post(org.id, "/api/executions", body.clone()).await.expect(201);
    assert_eq!(again.json(), recorded.json());
    let shown = app.admin().get(org.id, recorded.header("location")).await.expect(200).json();
    assert_eq!((&shown["status"], &shown["result"]), (&json!("Success"), &json!({ "size_gb": 41 })));
    assert_eq!(shown["duration_ms"], 120_000);
    let rows = app.audit(Scope::Org(org.id)).await;
    let row = rows.iter().find(|row| row.draft.action == "Execution.Record").expect("an audit row");
    assert_eq!((row.draft.actor.user, &row.draft.details["status"]), (Some(recorder.user()), &json!("Success")));

    // A failure of elsewhere is told as any other.
    let rule = json!({ "name": "Desk", "channel": "webhook", "url": "https://hooks.example.com/" });
    let _ = app.admin().post(None, "/api/global/notification-rules", rule).await.expect(201);
    let failed = json!({
        "workflow_name": "nightly_backup", "status": "Failed", "error_type": "disk_full", "started_at": started_at,
        "completed_at": started_at + Duration::minutes(1),
    });
    let failed = recorder.post(org.id, "/api/executions", failed).await.expect(201).json();
    let notices = app.repositories.notices.all().await.expect("read");
    let told: Vec<_> =
        notices.iter().map(|notice| (json!(notice.first), notice.error_type.as_str(), notice.untold)).collect();
    assert_eq!(told, [(failed["id"].clone(), "disk_full", 1)]);

    let past = PastExecution {
        scope: Scope::Org(other.id),
        workflow: "whoami".into(),
        user: runner.user(),
        result: json!("theirs"),
        log: "a line of theirs".into(),
    };
    let theirs = app.past_execution(&past).await;
    let mut aimed = body.clone();
    (aimed["id"], aimed["started_at"]) = (json!(theirs.id), json!(theirs.started_at));
    aimed["completed_at"] = json!(theirs.started_at);
    let beside = recorder.post(org.id, "/api/executions", aimed).await.expect(201);
    let log = app.admin().get(org.id, &format!("{}/logs", beside.header("location"))).await.expect(200).json();
    assert_eq!(log["items"], json!([]), "nothing of another organization is met under a chosen id");
    let log = app.admin().get(other.id, &format!("/api/executions/{}/logs", theirs.id)).await.expect(200).json();
    assert_eq!(log["items"].as_array().map(Vec::len), Some(1));

    let rerun = format!("{}/rerun", recorded.header("location"));
    app.admin().post(org.id, &rerun, json!({})).await.assert_problem(409, "execution-external");
    let mut otherwise = body.clone();
    otherwise["status"] = json!("Failed");
    recorder.post(org.id, "/api/executions", otherwise).await.assert_problem(409, "conflict");

    recorder.post(org.id, "/workflows/whoami", json!({})).await.assert_problem(403, "permission-denied");
    let mut fresh = body.clone();
    fresh.as_object_mut().expect("an object").remove("id");
    for caller in [&runner, &app.admin()] {
        caller.post(org.id, "/api/executions", fresh.clone()).await.assert_problem(403, "permission-denied");
    }
    recorder.post(other.id, "/api/executions", fresh.clone()).await.assert_problem(403, "permission-denied");
    recorder.post(None, "/api/executions", fresh.clone()).await.assert_problem(400, "organization-required");
    grant(&app, &recorder, org.id, json!({ "execute_workflows": true, "categories": ["demo"] })).await;
    recorder.post(org.id, "/api/executions", fresh.clone()).await.assert_problem(403, "permission-denied");
    grant(&app, &recorder, org.id, json!({ "execute_workflows": true })).await;
    for (field, value) in [
        ("status", json!("Running")),
        ("completed_at", json!(started_at - Duration::minutes(1))),
        ("completed_at", json!(app.clock.now() + Duration::hours(1))),
        ("workflow_name", json!("")),
        ("id", json!(ExecutionId::random())),
    ] {
        let mut wrong = fresh.clone();
        wrong[field] = value;
        let answer = recorder.post(org.id, "/api/executions", wrong).await;
        answer.assert_problem(422, "body-invalid");
        assert_eq!(answer.json()["errors"][0]["pointer"], format!("#/{field}"));
    }
}
