//! Every operation that changes something leaves a row on the audit trail, in the name of whoever asked. An operation this
//! file knows nothing about fails the walk.

use msp_domain::{OrgId, Scope};
use msp_storage::repositories::{
    Actor,
    audit::{AuditFilter, AuditRow},
    executions::Started,
};
use msp_test_support::{HOST, PastExecution, Request, TestApp, TestCaller};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const LAUNCHER: &str = env!("CARGO_BIN_EXE_msp-api-worker-launcher");

const WORKSPACE: &str = r#"
import asyncio
from shared.decorators import param, workflow

@workflow(name="quick", description="Ends at once")
async def quick(context):
    return True

@workflow(name="slow", description="Runs until it is cancelled")
async def slow(context):
    await asyncio.sleep(600)

@workflow(name="rowed", description="Ends as its row says")
@param("how", type="string", required=True)
async def rowed(context, how):
    if how == "slow":
        await asyncio.sleep(600)
    raise ValueError(how)
"#;

/// Stands in every secret the walk writes, and must stand in no audit row.
const SECRET: &str = "canary-of-the-audit";

/// Operations that are no `GET` and leave no row, each with its reason.
const LEAVE_NONE: &[(&str, &str)] = &[
    ("putMySettings", "what somebody chose for the client: nothing is decided by it, and SECURITY.md says so"),
    ("checkPermission", "it only asks"),
    ("recordExecution", "only services may: `service_accounts.rs` looks at the row it leaves"),
    ("askOptions", "it reads, and its generator's use of secrets is audited"),
];

/// What a row of an operation must say, besides who and when.
struct Expected {
    action: &'static str,
    details: &'static [&'static str],
}

fn expected(operation: &str) -> Expected {
    let (action, details): (_, &[_]) = match operation {
        "redeemSignInLink" => ("User.SignIn", &[]),
        "signOut" => ("Session.End", &[]),
        "createOrganization" => ("Organization.Create", &["after"]),
        "updateOrganization" => ("Organization.Update", &["before", "after"]),
        "deleteOrganization" => ("Organization.Delete", &["before", "removed"]),
        "createUser" => ("User.Create", &["after"]),
        "updateUser" => ("User.Update", &["before", "after"]),
        "createServiceAccount" => ("User.Create", &["after"]),
        "updateServiceAccount" => ("User.Update", &["before", "after"]),
        "mintServiceToken" => ("ServiceToken.Mint", &["after"]),
        "revokeServiceToken" => ("ServiceToken.Revoke", &["before"]),
        "setUserPermissions" | "grantMany" | "copyUserPermissions" => ("Grant.Set", &["user_id", "before", "after"]),
        "revokeUserPermissions" => ("Grant.Revoke", &["user_id", "before"]),
        "setConfig" | "setGlobalConfig" => ("Config.Set", &["before", "after"]),
        "deleteConfig" | "deleteGlobalConfig" => ("Config.Delete", &["before"]),
        "setSecret" | "setGlobalSecret" => ("Secret.Set", &[]),
        "deleteSecret" | "deleteGlobalSecret" => ("Secret.Delete", &[]),
        "putIntegration" => ("Integration.Set", &["before", "after"]),
        "deleteIntegration" => ("Integration.Delete", &["before"]),
        "testIntegration" => ("Integration.Test", &["status"]),
        "createNotificationRule" | "createGlobalNotificationRule" => ("NotificationRule.Create", &["after"]),
        "putNotificationRule" | "putGlobalNotificationRule" => {
            ("NotificationRule.Update", &["before", "after", "address"])
        }
        "testNotificationRule" | "testGlobalNotificationRule" => ("NotificationRule.Test", &["delivered"]),
        "deleteNotificationRule" | "deleteGlobalNotificationRule" => ("NotificationRule.Delete", &["before"]),
        "createForm" | "importForm" => ("Form.Create", &["after"]),
        "putForm" | "updateForm" => ("Form.Update", &["before", "after"]),
        "deleteForm" => ("Form.Delete", &["before"]),
        "submitBatch" | "rerunFailedRows" => ("Batch.Submit", &["form_id", "rows"]),
        "cancelBatch" => ("Batch.Cancel", &["workflow", "rows"]),
        "createUpload" => ("Upload.Create", &["after"]),
        "deleteUpload" => ("Upload.Delete", &["before"]),
        "setRetention" | "setRetentionDefault" => ("Retention.Set", &["before", "after"]),
        "clearRetention" => ("Retention.Clear", &["before"]),
        "createExportSchedule" => ("ExportSchedule.Create", &["after"]),
        "putExportSchedule" => ("ExportSchedule.Update", &["before", "after"]),
        "deleteExportSchedule" => ("ExportSchedule.Delete", &["before"]),
        "runExportSchedule" => ("ExportSchedule.Run", &["file_id", "from", "to"]),
        "deleteExportFile" => ("ExportFile.Delete", &["before"]),
        "setPause" => ("Pause.Set", &["reason"]),
        "liftPause" => ("Pause.Lift", &["reason"]),
        "runWorkflow" | "rerunExecution" => ("Workflow.Execute", &[]),
        "cancelExecution" => ("Execution.Cancel", &[]),
        other => panic!("say here what `{other}` leaves on the audit trail, or in LEAVE_NONE why it leaves nothing"),
    };
    Expected { action, details }
}

struct Walk {
    app: TestApp,
    admin: TestCaller,
    org: OrgId,
}

impl Walk {
    /// A request that succeeds, with everything it needs.
    async fn request(&self, operation: &str) -> Request {
        let Self { app, admin, org } = self;
        let of_org = |path: &str| format!("/api/organizations/{org}/{path}");
        let config = json!({ "type": "string", "value": "a value" });
        let secret = json!({ "value": SECRET });
        match operation {
            "redeemSignInLink" => {
                let link = app.repositories.sign_in_links.issue(admin.user(), &Actor::PLATFORM).await.expect("issued");
                let request =
                    app.stranger().request("POST", "/api/auth/link").header("origin", &format!("http://{HOST}"));
                request.json(&json!({ "token": link.reveal() }))
            }
            "signOut" => app.in_browser(admin).await.request("POST", "/api/auth/sign-out"),
            "createOrganization" => self.post("/api/organizations", json!({ "name": "Fabrikam" })),
            "updateOrganization" => {
                self.send("PATCH", &format!("/api/organizations/{org}"), json!({ "name": "Contoso 2" }))
            }
            "deleteOrganization" => {
                let doomed = json!({ "name": "Doomed" });
                let made = admin.post(None, "/api/organizations", doomed).await.expect(201);
                let path = made.header("location");
                let inactive = admin.patch(None, path, json!({ "is_active": false })).await.expect(200);
                let request = admin.request("DELETE", &format!("{path}?confirm=Doomed"));
                request.header("if-match", inactive.header("etag"))
            }
            "createUser" => self.post("/api/users", json!({ "email": "a@msp.example", "display_name": "A" })),
            "updateUser" => {
                let user = app.user("b@msp.example").await.user();
                self.send("PATCH", &format!("/api/users/{user}"), json!({ "display_name": "B" }))
            }
            "createServiceAccount" | "updateServiceAccount" | "mintServiceToken" | "revokeServiceToken" => {
                self.service_account(operation).await
            }
            "grantMany" | "copyUserPermissions" => {
                let user = app.user(&format!("{operation}@msp.example")).await.user();
                let many = json!({ "user_ids": [user], "org_ids": [org], "grant": { "view_history": true } });
                if operation == "grantMany" {
                    return self.post("/api/permissions/bulk", many);
                }
                let _ = admin.post(None, "/api/permissions/bulk", many).await.expect(200);
                let to = app.user("copied-to@msp.example").await.user();
                self.post(&format!("/api/users/{to}/permissions/copy"), json!({ "from": user, "mode": "add" }))
            }
            "setUserPermissions" | "revokeUserPermissions" => {
                let user = app.user(&format!("{operation}@msp.example")).await;
                let path = format!("/api/users/{}/permissions/{org}", user.user());
                let grant = json!({ "execute_workflows": true });
                if operation == "setUserPermissions" {
                    return self.send("PUT", &path, grant);
                }
                let _ = admin.put(None, &path, grant).await.expect(200);
                admin.request("DELETE", &path)
            }
            "setConfig" => self.send("PUT", &of_org("config/walk"), config),
            "setGlobalConfig" => self.send("PUT", "/api/global/config/walk", config),
            "deleteConfig" => self.put_and_delete(&of_org("config/gone"), config).await,
            "deleteGlobalConfig" => self.put_and_delete("/api/global/config/gone", config).await,
            "setSecret" => self.send("PUT", &of_org("secrets/walk"), secret),
            "setGlobalSecret" => self.send("PUT", "/api/global/secrets/walk", secret),
            "deleteSecret" => self.put_and_delete(&of_org("secrets/gone"), secret).await,
            "deleteGlobalSecret" => self.put_and_delete("/api/global/secrets/gone", secret).await,
            "putIntegration" | "deleteIntegration" | "testIntegration" => self.integration(operation).await,
            "createNotificationRule" | "putNotificationRule" | "deleteNotificationRule" | "testNotificationRule" => {
                self.rule(operation, &of_org("notification-rules")).await
            }
            "createGlobalNotificationRule"
            | "putGlobalNotificationRule"
            | "deleteGlobalNotificationRule"
            | "testGlobalNotificationRule" => self.rule(operation, "/api/global/notification-rules").await,
            "createForm" => self.post("/api/forms", form("Walk")).org(*org),
            "submitBatch" | "cancelBatch" | "rerunFailedRows" => self.batch(operation).await,
            "importForm" => self.post("/api/forms/import", form("Brought in")).org(*org),
            "putForm" | "updateForm" | "deleteForm" => {
                let made = admin.post(*org, "/api/forms", form(operation)).await.expect(201).json();
                let path = format!("/api/forms/{}", made["id"].as_str().expect("an id"));
                match operation {
                    "putForm" => self.send("PUT", &path, form("Changed")).org(*org),
                    "updateForm" => self.send("PATCH", &path, json!({ "is_active": false })).org(*org),
                    _ => admin.request("DELETE", &path).org(*org),
                }
            }
            "createUpload" => self.upload("made.csv"),
            "deleteUpload" => {
                let made = self.upload("gone.csv").send().await.expect(201).json();
                let path = format!("/api/uploads/{}", made["id"].as_str().expect("an id"));
                admin.request("DELETE", &path).org(*org)
            }
            "setRetentionDefault" => self.send("PUT", "/api/retention", json!({ "days": 400 })),
            "setRetention" => self.send("PUT", &of_org("retention"), json!({ "days": 300 })),
            "clearRetention" => self.put_and_delete(&of_org("retention"), json!({ "days": 200 })).await,
            "createExportSchedule"
            | "putExportSchedule"
            | "deleteExportSchedule"
            | "runExportSchedule"
            | "deleteExportFile" => self.export(operation).await,
            "setPause" => self.send("PUT", "/api/pauses/workflow:slow", json!({ "reason": "the walk" })),
            "liftPause" => self.put_and_delete("/api/pauses/workflow:quick", json!({ "reason": "the walk" })).await,
            "runWorkflow" => self.post("/workflows/quick", json!({})).org(*org),
            "rerunExecution" => {
                let (scope, user) = (Scope::Org(*org), admin.user());
                let (workflow, log) = ("quick".to_owned(), "a line".to_owned());
                let past = app.past_execution(&PastExecution { scope, workflow, user, result: json!(1), log }).await;
                self.post(&format!("/api/executions/{}/rerun", past.id), json!({})).org(*org)
            }
            "cancelExecution" => {
                let _ = admin.delete(None, "/api/pauses/workflow:slow").await;
                let start = self.post("/workflows/slow", json!({})).org(*org).header("prefer", "respond-async");
                let started = start.send().await.expect(202).json();
                let id = started["execution_id"].as_str().expect("an id").to_owned();
                admin.request("POST", &format!("/api/executions/{id}/cancel")).org(*org)
            }
            other => panic!("the walk has no request for `{other}`"),
        }
    }

    async fn batch(&self, operation: &str) -> Request {
        let field = json!({ "name": "how", "label": "How", "type": "text", "required": true });
        let form = json!({ "name": operation, "workflow": "rowed", "fields": [field] });
        let made = self.admin.post(self.org, "/api/forms", form).await.expect(201).json();
        let path = format!("/api/forms/{}/batches", made["id"].as_str().expect("an id"));
        let how = if operation == "cancelBatch" { "slow" } else { "broken" };
        let submit = self.admin.request("POST", &path).org(self.org).header("content-type", "text/csv");
        let submit = submit.body(format!("how\n{how}\n"));
        if operation == "submitBatch" {
            return submit;
        }
        let path = format!("/api/batches/{}", submit.send().await.expect(202).json()["id"].as_str().expect("an id"));
        if operation == "cancelBatch" {
            return self.admin.request("POST", &format!("{path}/cancel")).org(self.org);
        }
        let give_up = Instant::now() + Duration::from_secs(30);
        while !self.admin.get(self.org, &path).await.expect(200).json()["completed_at"].is_string() {
            assert!(Instant::now() < give_up, "the batch never ends");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.admin.request("POST", &format!("{path}/rerun-failed")).org(self.org)
    }

    async fn export(&self, operation: &str) -> Request {
        let (admin, org) = (&self.admin, self.org);
        let schedule = json!({ "subject": "executions", "format": "csv", "every": "day", "at": "02:30" });
        let create = self.post("/api/export-schedules", schedule.clone()).org(org);
        if operation == "createExportSchedule" {
            return create;
        }
        let path = create.send().await.expect(201).header("location").to_owned();
        let run = admin.request("POST", &format!("{path}/run")).org(org);
        match operation {
            "putExportSchedule" => self.send("PUT", &path, schedule).org(org),
            "deleteExportSchedule" => admin.request("DELETE", &path).org(org),
            "runExportSchedule" => run,
            _ => {
                let file = run.send().await.expect(202).header("location").to_owned();
                self.app.api.write_due_exports().await.expect("written");
                admin.request("DELETE", &file).org(org)
            }
        }
    }

    fn upload(&self, name: &str) -> Request {
        let request = self.admin.request("POST", &format!("/api/uploads?name={name}")).org(self.org);
        request.header("content-type", "text/csv").body("name\nAda\n")
    }

    async fn integration(&self, operation: &str) -> Request {
        let path = format!("/api/organizations/{}/integrations/halopsa", self.org);
        let settings = json!({
            "base_url": "https://127.0.0.1:9", "auth_url": "https://127.0.0.1:9", "tenant": "acme",
            "client_id": "an application", "client_secret": SECRET,
        });
        let body = json!({ "enabled": true, "settings": settings });
        if operation == "putIntegration" {
            return self.send("PUT", &path, body);
        }
        let _ = self.admin.put(None, &path, body).await;
        match operation {
            "deleteIntegration" => self.admin.request("DELETE", &path),
            _ => self.admin.request("POST", &format!("{path}/test")),
        }
    }

    async fn rule(&self, operation: &str, path: &str) -> Request {
        // Of this machine, and not allowed: nothing is sent.
        let url = format!("https://127.0.0.1:9/{SECRET}");
        let rule = json!({ "name": operation, "channel": "webhook", "url": url });
        if operation.starts_with("create") {
            return self.post(path, rule);
        }
        let made = self.admin.post(None, path, rule.clone()).await.expect(201);
        let path = made.header("location").to_owned();
        match &operation[..3] {
            "put" => self.send("PUT", &path, rule),
            "tes" => self.admin.request("POST", &format!("{path}/test")),
            _ => self.admin.request("DELETE", &path),
        }
    }

    async fn service_account(&self, operation: &str) -> Request {
        let account = json!({ "name": operation, "app_roles": ["Workflows.Execute"] });
        if operation == "createServiceAccount" {
            return self.post("/api/service-accounts", account);
        }
        let made = self.admin.post(None, "/api/service-accounts", account).await.expect(201);
        let path = made.header("location").to_owned();
        if operation == "updateServiceAccount" {
            return self.send("PATCH", &path, json!({ "is_active": false }));
        }
        let (tokens, token) = (format!("{path}/tokens"), json!({ "name": "a server" }));
        if operation == "mintServiceToken" {
            return self.post(&tokens, token);
        }
        let minted = self.admin.post(None, &tokens, token).await.expect(201).json();
        self.admin.request("DELETE", &format!("{tokens}/{}", minted["id"].as_str().expect("an id")))
    }

    fn send(&self, method: &str, path: &str, body: Value) -> Request {
        self.admin.request(method, path).json(&body)
    }

    fn post(&self, path: &str, body: Value) -> Request {
        self.send("POST", path, body)
    }

    async fn put_and_delete(&self, path: &str, body: Value) -> Request {
        assert!(self.admin.put(None, path, body).await.status.is_success(), "{path}");
        self.admin.request("DELETE", path)
    }

    /// Every audit row there is.
    async fn rows(&self) -> Vec<AuditRow> {
        let seals = &self.app.repositories.seals;
        let page = seals.search_over_all(&AuditFilter::default(), Started::default(), None, 1000).await.expect("read");
        assert_eq!(page.next_cursor, None);
        page.items
    }
}

fn form(name: &str) -> Value {
    json!({ "name": name, "workflow": "quick", "fields": [] })
}

#[tokio::test]
async fn every_operation_that_changes_something_leaves_a_row_in_the_name_of_whoever_asked() {
    let app = TestApp::with_engine(LAUNCHER, &[("workflows/walk.py", WORKSPACE)]).await;
    let org = app.org("Contoso").await.id;
    let walk = Walk { admin: app.admin(), org, app };
    let document = walk.admin.get(None, "/openapi.json").await.expect(200).json();
    let paths = document["paths"].as_object().expect("paths");
    let operations = paths.values().flat_map(|item| item.as_object().expect("operations"));
    for (_, operation) in operations.filter(|(method, _)| *method != "get") {
        let id = operation["operationId"].as_str().expect("an id");
        if LEAVE_NONE.iter().any(|(known, _)| *known == id) {
            continue;
        }
        let expected = expected(id);
        let request = walk.request(id).await;
        let before = walk.rows().await;
        let answer = request.send().await;
        assert!(answer.status.is_success(), "{id}: {}", answer.text());
        let fresh: Vec<_> = walk.rows().await.into_iter().filter(|row| !before.contains(row)).collect();
        let row = fresh.iter().find(|row| row.draft.action == expected.action);
        let row = row.unwrap_or_else(|| panic!("{id} left no `{}`: {fresh:#?}", expected.action));
        assert_eq!(row.draft.actor.user, Some(walk.admin.user()), "{id}");
        assert_eq!(row.draft.actor.ip_address.as_deref(), Some("192.0.2.7"), "{id}");
        for name in expected.details {
            assert!(row.draft.details.get(name).is_some(), "{id} says nothing of `{name}`: {}", row.draft.details);
        }
        assert!(!format!("{fresh:?}").contains(SECRET), "{id} let a secret out: {fresh:#?}");
    }
    let known = |(id, _): &(&str, &str)| document.to_string().contains(&format!("\"operationId\":\"{id}\""));
    assert!(LEAVE_NONE.iter().all(known), "an operation that does not exist any more is listed");
}

#[tokio::test]
async fn what_another_site_or_another_host_name_makes_a_browser_ask_is_counted() {
    let app = TestApp::new().await;
    let evil = "http://evil.example";
    for _ in 0..2 {
        let request = app.stranger().request("POST", "/api/auth/link").header("origin", evil);
        request.json(&json!({ "token": "unknown" })).send().await.assert_problem(403, "origin-not-allowed");
    }
    let request = app.stranger().request("POST", "/api/auth/sign-out").header("origin", evil);
    request.send().await.assert_problem(403, "origin-not-allowed");
    let session = app.in_browser(&app.admin()).await;
    let request = session.request("POST", "/api/auth/sign-out").header("origin", evil);
    request.send().await.assert_problem(403, "origin-not-allowed");
    let request = app.stranger().request("GET", "/api/me").header("host", "evil.example");
    request.send().await.assert_problem(421, "host-not-allowed");
    app.api.flush_denials().await;
    let rows = app.audit(Scope::Global).await;
    let counted = |action: &str| {
        let row = rows.iter().find(|row| row.draft.action == action && row.draft.actor.user.is_none());
        row.map(|row| (row.draft.entity_id.clone(), row.draft.details["count"].clone()))
    };
    assert_eq!(counted("SignIn.Failed"), Some(("192.0.2.7".to_owned(), json!(2))));
    assert_eq!(counted("Access.Denied"), Some(("192.0.2.7".to_owned(), json!(3))));
    let _ = session.get(None, "/api/me").await.expect(200);
}

#[tokio::test]
async fn failed_sign_ins_and_denials_are_on_the_trail() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await;
    for _ in 0..3 {
        let request = app.stranger().request("POST", "/api/auth/link").header("origin", &format!("http://{HOST}"));
        request.json(&json!({ "token": "unknown" })).send().await.assert_problem(401, "link-invalid");
    }
    app.stranger().get(None, "/api/me").await.assert_problem(401, "unauthenticated");
    let user = app.user("curious@msp.example").await;
    user.get(org.id, "/api/forms").await.assert_problem(403, "permission-denied");
    user.get(None, "/api/audit-logs").await.assert_problem(403, "administrator-required");
    app.api.flush_denials().await;
    let rows = app.audit(Scope::Global).await;
    let counted = |action: &str| {
        let mut rows = rows.iter().filter(|row| row.draft.action == action && row.draft.actor.user.is_none());
        rows.next().map(|row| (row.draft.entity_id.clone(), row.draft.details["count"].clone()))
    };
    assert_eq!(counted("SignIn.Failed"), Some(("192.0.2.7".to_owned(), json!(3))));
    assert_eq!(counted("Access.Denied"), Some(("192.0.2.7".to_owned(), json!(1))));
    let denied: Vec<_> = rows.iter().filter(|row| row.draft.actor.user == Some(user.user())).collect();
    assert_eq!(denied.iter().map(|row| row.draft.action.as_str()).collect::<Vec<_>>(), ["Access.Denied"; 2]);
}
