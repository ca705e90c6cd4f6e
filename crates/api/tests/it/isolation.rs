//! Two organizations hold the same kinds of things. Every operation of `/openapi.json` is tried by somebody who may do
//! everything in one of them and nothing in the other. An operation this file knows nothing about fails the walk.

use msp_domain::{
    BatchId, Clock as _, ConfigEntry, ConfigType, Every, ExecutionId, ExportFormat, ExportSubject, NotificationRule,
    OrgId, Permission, Recurrence, Scope, UserId,
    export::time_of_day,
    form::FormSchema,
    notification::{self, Channel},
};
use msp_storage::{
    SecretValue,
    repositories::{
        Actor,
        audit::AuditDraft,
        batches::{BatchRow, NewBatch},
        executions::Execution,
        exports::{Carry, Counted, ScheduleTerms},
        files::{NewOutput, NewUpload},
        integrations::CredentialChange,
        organizations::Organization,
    },
};
use msp_test_support::{Answer, PastExecution, Request, TestApp, TestCaller};
use serde_json::{Value, json};

/// Stands in everything the other organization holds.
const CANARY: &str = "canary-of-the-other";

/// How an operation is about organizations.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    /// It is about one organization, of the path or of the header.
    Organization,
    /// Administrators only.
    Administrator,
    /// It is about no organization, or about the caller: what it answers is checked all the same.
    WithoutOrganization,
}

/// Every operation by name. The ones without organization are an explicit decision each.
const OPERATIONS: &[(&str, Kind)] = &[
    ("redeemSignInLink", Kind::WithoutOrganization),
    ("signOut", Kind::WithoutOrganization),
    ("startEntraSignIn", Kind::WithoutOrganization),
    ("completeEntraSignIn", Kind::WithoutOrganization),
    ("signOutOfEntra", Kind::WithoutOrganization),
    ("getMe", Kind::WithoutOrganization),
    ("getMySettings", Kind::WithoutOrganization),
    ("putMySettings", Kind::WithoutOrganization),
    ("listOrganizations", Kind::WithoutOrganization),
    ("checkPermission", Kind::WithoutOrganization),
    ("listUserPermissions", Kind::WithoutOrganization),
    ("getUserPermissions", Kind::WithoutOrganization),
    ("listIntegrationTypes", Kind::WithoutOrganization),
    ("draftForm", Kind::WithoutOrganization),
    ("getClientConfig", Kind::WithoutOrganization),
    ("getHealth", Kind::WithoutOrganization),
    ("getReadiness", Kind::WithoutOrganization),
    ("getOpenApi", Kind::WithoutOrganization),
    ("createOrganization", Kind::Administrator),
    ("updateOrganization", Kind::Administrator),
    ("deleteOrganization", Kind::Administrator),
    ("getOrganizationDeletion", Kind::Administrator),
    ("listOrganizationPermissions", Kind::Administrator),
    ("listGlobalConfig", Kind::Administrator),
    ("getGlobalConfig", Kind::Administrator),
    ("setGlobalConfig", Kind::Administrator),
    ("deleteGlobalConfig", Kind::Administrator),
    ("listGlobalSecrets", Kind::Administrator),
    ("setGlobalSecret", Kind::Administrator),
    ("deleteGlobalSecret", Kind::Administrator),
    ("listUsers", Kind::Administrator),
    ("createUser", Kind::Administrator),
    ("getUser", Kind::Administrator),
    ("updateUser", Kind::Administrator),
    ("listUserOrganizations", Kind::Administrator),
    ("grantMany", Kind::Administrator),
    ("copyUserPermissions", Kind::Administrator),
    ("getAccessReview", Kind::Administrator),
    ("listServiceAccounts", Kind::Administrator),
    ("createServiceAccount", Kind::Administrator),
    ("getServiceAccount", Kind::Administrator),
    ("updateServiceAccount", Kind::Administrator),
    ("listServiceTokens", Kind::Administrator),
    ("mintServiceToken", Kind::Administrator),
    ("revokeServiceToken", Kind::Administrator),
    ("setUserPermissions", Kind::Administrator),
    ("revokeUserPermissions", Kind::Administrator),
    ("listAuditLogs", Kind::Administrator),
    ("getAuditLog", Kind::Administrator),
    ("getAuditAnchors", Kind::Administrator),
    ("listPauses", Kind::Administrator),
    ("getMetrics", Kind::Administrator),
    ("getRetentionDefault", Kind::Administrator),
    ("setRetentionDefault", Kind::Administrator),
    ("setRetention", Kind::Administrator),
    ("clearRetention", Kind::Administrator),
    ("setPause", Kind::Administrator),
    ("liftPause", Kind::Administrator),
    ("getOrganization", Kind::Organization),
    ("getRetention", Kind::Organization),
    ("listConfig", Kind::Organization),
    ("getConfig", Kind::Organization),
    ("setConfig", Kind::Organization),
    ("deleteConfig", Kind::Organization),
    ("listSecrets", Kind::Organization),
    ("setSecret", Kind::Organization),
    ("deleteSecret", Kind::Organization),
    ("listIntegrations", Kind::Organization),
    ("getIntegration", Kind::Organization),
    ("putIntegration", Kind::Organization),
    ("deleteIntegration", Kind::Organization),
    ("testIntegration", Kind::Organization),
    ("listGlobalNotificationRules", Kind::Administrator),
    ("createGlobalNotificationRule", Kind::Administrator),
    ("getGlobalNotificationRule", Kind::Administrator),
    ("putGlobalNotificationRule", Kind::Administrator),
    ("deleteGlobalNotificationRule", Kind::Administrator),
    ("testGlobalNotificationRule", Kind::Administrator),
    ("testNotificationRule", Kind::Organization),
    ("listNotificationRules", Kind::Organization),
    ("createNotificationRule", Kind::Organization),
    ("getNotificationRule", Kind::Organization),
    ("putNotificationRule", Kind::Organization),
    ("deleteNotificationRule", Kind::Organization),
    ("listForms", Kind::Organization),
    ("createForm", Kind::Organization),
    ("importForm", Kind::Organization),
    ("getForm", Kind::Organization),
    ("exportForm", Kind::Organization),
    ("putForm", Kind::Organization),
    ("updateForm", Kind::Organization),
    ("deleteForm", Kind::Organization),
    ("listUploads", Kind::Organization),
    ("createUpload", Kind::Organization),
    ("deleteUpload", Kind::Organization),
    ("search", Kind::Organization),
    ("submitBatch", Kind::Organization),
    ("listBatches", Kind::Organization),
    ("getBatch", Kind::Organization),
    ("listBatchRows", Kind::Organization),
    ("downloadBatchRows", Kind::Organization),
    ("cancelBatch", Kind::Organization),
    ("rerunFailedRows", Kind::Organization),
    ("listExportSchedules", Kind::Organization),
    ("createExportSchedule", Kind::Organization),
    ("getExportSchedule", Kind::Organization),
    ("putExportSchedule", Kind::Organization),
    ("deleteExportSchedule", Kind::Organization),
    ("runExportSchedule", Kind::Organization),
    ("listExportFiles", Kind::Organization),
    ("downloadExportFile", Kind::Organization),
    ("deleteExportFile", Kind::Organization),
    ("listExecutions", Kind::Organization),
    ("recordExecution", Kind::WithoutOrganization),
    ("getStatistics", Kind::Organization),
    ("exportExecutions", Kind::Organization),
    ("getExecution", Kind::Organization),
    ("getExecutionResult", Kind::Organization),
    ("getExecutionLogs", Kind::Organization),
    ("listExecutionFiles", Kind::Organization),
    ("getExecutionFile", Kind::Organization),
    ("cancelExecution", Kind::Organization),
    ("rerunExecution", Kind::Organization),
    ("runWorkflow", Kind::Organization),
    ("getOptions", Kind::Organization),
    ("askOptions", Kind::Organization),
    ("getMetadata", Kind::Organization),
];

/// The body an operation takes, about the given side.
fn body_of(operation: &str, side: &Side) -> Option<Value> {
    Some(match operation {
        "redeemSignInLink" => json!({ "token": "unknown" }),
        "createOrganization" => json!({ "name": "New" }),
        "updateOrganization" => json!({ "name": "Renamed" }),
        "setConfig" | "setGlobalConfig" => json!({ "type": "string", "value": "written by the walk" }),
        "setSecret" | "setGlobalSecret" => json!({ "value": "written by the walk" }),
        "putIntegration" => json!({ "enabled": false, "settings": integration_settings() }),
        "createNotificationRule"
        | "putNotificationRule"
        | "createGlobalNotificationRule"
        | "putGlobalNotificationRule" => json!({
            "name": "written by the walk", "channel": "webhook", "url": "https://hooks.example.com/walk"
        }),
        "createUser" => json!({ "email": "new@msp.example", "display_name": "New" }),
        "updateUser" => json!({ "display_name": "Renamed" }),
        "grantMany" => json!({
            "user_ids": [side.member.user()], "org_ids": [side.org.id], "grant": { "view_history": true }
        }),
        "copyUserPermissions" => json!({ "from": side.member.user(), "mode": "add" }),
        "createServiceAccount" => json!({ "name": "New", "app_roles": ["Workflows.Execute"] }),
        "updateServiceAccount" => json!({ "is_active": false }),
        "mintServiceToken" => json!({ "name": "New" }),
        "recordExecution" => json!({
            "workflow_name": "elsewhere", "status": "Success",
            "started_at": "2026-01-01T00:00:00Z", "completed_at": "2026-01-01T00:00:01Z"
        }),
        "setUserPermissions" => json!({ "execute_workflows": true }),
        "putMySettings" => json!({ "theme": "dark" }),
        "setRetentionDefault" | "setRetention" => json!({ "days": 30 }),
        "setPause" => json!({ "reason": "the walk" }),
        "checkPermission" => json!({ "org_id": side.org.id, "permission": "execute_workflows" }),
        "createForm" | "importForm" | "putForm" => form_document("written by the walk"),
        "updateForm" => json!({ "is_active": true }),
        "createExportSchedule" | "putExportSchedule" => {
            json!({ "subject": "executions", "format": "csv", "every": "day", "at": "02:30" })
        }
        "runWorkflow" => json!({ "email": "ada@contoso.example" }),
        "askOptions" => json!({ "inputs": {} }),
        "createUpload" => json!("a file of the walk"),
        "submitBatch" => json!("a file of rows"),
        "rerunExecution" => json!({}),
        _ => return None,
    })
}

fn integration_settings() -> Value {
    json!({ "client_id": "0f6e8a4e-27f5-4a53-8a5c-0d4f5f7f1a11", "client_secret": "a credential of the walk" })
}

fn form_document(name: &str) -> Value {
    let fields = json!([{ "name": "email", "label": "Address", "type": "email" }]);
    json!({ "name": name, "workflow": "some_workflow", "fields": fields })
}

/// One organization with one of everything, each named differently from the other's.
pub struct Side {
    pub org: Organization,
    member: TestCaller,
    key: &'static str,
    secret: &'static str,
    integration: &'static str,
    execution: Execution,
    form: uuid::Uuid,
    rule: uuid::Uuid,
    upload: uuid::Uuid,
    file: uuid::Uuid,
    batch: BatchId,
    /// A schedule, and the file it wrote.
    export: [uuid::Uuid; 2],
}

impl Side {
    pub async fn new(app: &TestApp, name: &str, keys: [&'static str; 3], mark: &str) -> Self {
        let [key, secret, integration] = keys;
        let org = app.org(&format!("{name} {mark}")).await;
        let member = app.user_with(&org, Permission::ALL).await;
        let scope = Scope::Org(org.id);
        let actor = Actor::PLATFORM;
        let entry = ConfigEntry {
            key: key.to_owned(),
            config_type: ConfigType::String,
            value: json!(format!("config {mark}")),
            description: Some(mark.to_owned()),
        };
        app.repositories.config.set(scope, &entry, None, &actor).await.expect("config");
        let value = SecretValue::new(format!("secret {mark}"));
        app.repositories.workflow_secrets.set(scope, secret, &value, &actor).await.expect("secret");
        let credential = CredentialChange::Set(SecretValue::new(format!("credential {mark}")));
        let settings = json!({ "note": mark });
        app.repositories
            .integrations
            .put(org.id, integration, true, &settings, credential, None, &actor)
            .await
            .expect("integration");
        let past = PastExecution {
            scope,
            workflow: format!("workflow_{mark}"),
            user: member.user(),
            result: json!({ "value": mark }),
            log: format!("log {mark}"),
        };
        let execution = app.past_execution(&past).await;
        let form = FormSchema::parse(&form_document(&format!("form {mark}"))).expect("a form");
        let form = app.repositories.forms.create(scope, &form, &actor).await.expect("form").id;
        let rule = NotificationRule {
            name: format!("rule {mark}"),
            enabled: true,
            workflow: None,
            statuses: notification::DEFAULT_STATUSES.to_vec(),
            quiet_minutes: 15,
            channel: Channel::Webhook { host: format!("{mark}.example.com") },
        };
        let url = SecretValue::new(format!("https://{mark}.example.com/"));
        let rules = &app.repositories.notification_rules;
        let rule = rules.create(scope, rule, Some(url), &actor).await.expect("a rule").id;
        let upload = NewUpload {
            user: member.user(),
            scope,
            name: format!("{mark}.txt"),
            content_type: "text/plain".to_owned(),
            size_bytes: 0,
        };
        let files = &app.repositories.files;
        let upload = files.begin_upload(&upload).await.expect("begun");
        let upload = files.complete_upload(member.user(), upload, &actor).await.expect("an upload").file.id;
        let file = NewOutput {
            execution: execution.id,
            scope,
            name: format!("{mark}.txt"),
            content_type: "text/plain".to_owned(),
            size_bytes: mark.len() as u64,
        };
        let mut writer = files.begin_output(&file).await.expect("begun");
        writer.write(mark.as_bytes()).await.expect("written");
        let file = files.complete_output(execution.id, writer).await.expect("a file").file.id;
        let batch = batch(app, scope, member.user(), mark).await;
        let export = export(app, scope, mark).await;
        Self { org, member, key, secret, integration, execution, form, rule, upload, file, batch, export }
    }

    /// The path of an operation with ids of this side.
    fn path(&self, template: &str, org: OrgId) -> String {
        let id = match template {
            users if users.starts_with("/api/users") => self.member.user().key(),
            forms if forms.starts_with("/api/forms") => self.form.to_string(),
            rules if rules.contains("/notification-rules") => self.rule.to_string(),
            batches if batches.starts_with("/api/batches") => self.batch.key(),
            uploads if uploads.starts_with("/api/uploads") => self.upload.to_string(),
            _ => self.execution.id.key(),
        };
        let (id, file) = match template {
            exports if exports.starts_with("/api/export-schedules") => {
                (self.export[0].to_string(), self.export[1].to_string())
            }
            _ => (id, self.file.to_string()),
        };
        let name = if template.contains("secrets") { self.secret } else { "some_workflow" };
        template
            .replace("{org}", &org.key())
            .replace("{key}", self.key)
            .replace("{type}", self.integration)
            .replace("{name}", name)
            .replace("{id}", &id)
            .replace("{token_id}", &id)
            .replace("{file_id}", &file)
    }
}

/// A schedule with one whole file.
async fn export(app: &TestApp, scope: Scope, mark: &str) -> [uuid::Uuid; 2] {
    let recurrence = Recurrence { every: Every::Month, at: time_of_day("00:00").expect("a time") };
    let terms = ScheduleTerms { format: ExportFormat::Csv, recurrence, is_enabled: false, keep_days: None };
    let (exports, carry, now) = (&app.repositories.exports, Carry::default(), app.clock.now());
    let schedule = exports.create((scope, ExportSubject::Executions), terms, (now, &carry), &Actor::PLATFORM).await;
    let schedule = schedule.expect("a schedule");
    let file = exports.begin((scope, schedule.id), now, None).await.expect("begun");
    let schedule = exports.get(scope, schedule.id).await.expect("read").expect("there");
    let mut writer = exports.writer(&file).await.expect("written");
    writer.write(mark.as_bytes()).await.expect("written");
    exports.complete(&schedule, &file, writer, (Counted { rows: 1, unreadable: 0 }, &carry)).await.expect("whole");
    [schedule.id, file.id]
}

/// A batch of one row that nobody works on.
pub async fn batch(app: &TestApp, scope: Scope, user: UserId, mark: &str) -> BatchId {
    let now = app.clock.now();
    let new = NewBatch {
        id: BatchId::at(now),
        scope,
        form_id: uuid::Uuid::nil(),
        form_name: format!("form {mark}"),
        workflow_name: "some_workflow".to_owned(),
        submitted_by: user,
        submitted_by_name: mark.to_owned(),
        created_at: now,
        bundle_hash: String::new(),
        timeout_seconds: 60,
        minutes_saved: None,
        has_passwords: false,
        retry_of: None,
        mark: None,
    };
    let input = json!({ "email": mark }).as_object().cloned().expect("an object");
    let rows = [BatchRow { row: 1, execution_id: ExecutionId::at(now), input, retry_of: None }];
    let audit = AuditDraft::new(scope, &Actor::PLATFORM, "Batch.Submit", new.id.key(), json!({}));
    app.repositories.batches.insert(&new, &rows, Vec::new(), audit).await.expect("a batch").id
}

pub struct Operation {
    pub id: String,
    pub method: String,
    template: String,
    kind: Kind,
    takes_body: bool,
}

pub async fn operations(app: &TestApp) -> Vec<Operation> {
    let document = app.stranger().get(None, "/openapi.json").await.expect(200).json();
    let mut operations = Vec::new();
    for (template, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let id = operation["operationId"].as_str().expect("every operation has an id").to_owned();
            let known = OPERATIONS.iter().find(|(known, _)| *known == id);
            let kind = known.unwrap_or_else(|| panic!("the walk has no test data for the operation `{id}`")).1;
            let takes_body = operation.get("requestBody").is_some();
            operations.push(Operation {
                id,
                method: method.to_uppercase(),
                template: template.clone(),
                kind,
                takes_body,
            });
        }
    }
    // Writing under a name of the other makes a thing of one's own: last, so that nothing before finds it.
    operations.sort_by_key(|operation| operation.method == "PUT");
    assert_eq!(operations.len(), OPERATIONS.len(), "the walk knows operations that do not exist any more");
    operations
}

impl Operation {
    /// The request by the caller, about `ids` of a side, with `org` in the path if the path has one.
    pub fn request(&self, caller: &TestCaller, ids: &Side, org: OrgId, query: &str) -> Request {
        let mut path = ids.path(&self.template, org) + query;
        if self.id == "createUpload" {
            path += if query.is_empty() { "?name=a.txt" } else { "&name=a.txt" };
        }
        let request = caller.request(&self.method, &path);
        if !self.takes_body {
            return request;
        }
        let body = body_of(&self.id, ids).unwrap_or_else(|| panic!("the walk has no body for `{}`", self.id));
        if self.id == "submitBatch" {
            return request.header("content-type", "text/csv").body("email\nada@contoso.example\n");
        }
        request.json(&body)
    }

    fn names_org_in_path(&self) -> bool {
        self.template.contains("{org}")
    }
}

fn assert_status(operation: &Operation, attempt: &str, answer: &Answer, status: u16) {
    let text = answer.text();
    assert!(!text.contains(CANARY), "{} ({attempt}) let a canary out: {text}", operation.id);
    assert_eq!(answer.status.as_u16(), status, "{} ({attempt}): {text}", operation.id);
    if status >= 400 {
        assert_eq!(answer.header("content-type"), "application/problem+json", "{} ({attempt})", operation.id);
    }
}

#[tokio::test]
async fn no_operation_crosses_from_one_organization_into_another() {
    let app = TestApp::new().await;
    let own = Side::new(&app, "Own", ["own_key", "own_secret", "msgraph"], "of-ours").await;
    let other = Side::new(&app, "Other", ["other_key", "other_secret", "halopsa"], CANARY).await;
    let caller = &own.member;
    let (own_org, other_org) = (own.org.id, other.org.id);

    for operation in operations(&app).await {
        let op = &operation;
        let stranger = op.request(&app.stranger(), &own, own_org, "").org(own_org).send().await;
        match op.kind {
            Kind::WithoutOrganization => {
                let answer = op.request(caller, &own, own_org, "").send().await;
                assert!(!answer.text().contains(CANARY), "{}", op.id);
                continue;
            }
            Kind::Administrator => {
                assert_status(op, "nobody", &stranger, 401);
                let answer = op.request(caller, &own, own_org, "").send().await;
                assert_status(op, "own ids", &answer, 403);
                let answer = op.request(caller, &other, other_org, "").send().await;
                assert_status(op, "the other's ids", &answer, 403);
            }
            Kind::Organization => {
                assert_status(op, "nobody", &stranger, 401);
                let answer = op.request(caller, &other, other_org, "").org(other_org).send().await;
                assert_status(op, "foreign header, foreign ids", &answer, 403);
                let path_org = if op.names_org_in_path() { other_org } else { own_org };
                let answer = op.request(caller, &own, path_org, "").org(other_org).send().await;
                assert_status(op, "foreign header, own ids", &answer, 403);
                let answer = op.request(caller, &own, own_org, &format!("?org_id={other_org}")).send().await;
                let expected = if op.names_org_in_path() { 400 } else { 403 };
                assert_status(op, "foreign organization in the query", &answer, expected);
            }
        }
        let answer = op.request(caller, &own, own_org, &format!("?org_id={other_org}")).org(own_org).send().await;
        assert_status(op, "query differs from header", &answer, 400);
        if op.names_org_in_path() {
            let answer = op.request(caller, &own, other_org, "").org(own_org).send().await;
            assert_status(op, "path differs from header", &answer, 400);
        }
        if op.kind == Kind::Organization {
            ids_of_the_other_do_not_exist_here(op, caller, &own, &other).await;
        }
    }

    assert_the_other_is_untouched(&app, &other).await;
}

/// One's own header with ids of the other organization's things.
async fn ids_of_the_other_do_not_exist_here(op: &Operation, caller: &TestCaller, own: &Side, other: &Side) {
    let own_org = own.org.id;
    let answer = op.request(caller, other, own_org, "").org(own_org).send().await;
    match op.id.as_str() {
        "getConfig"
        | "deleteConfig"
        | "deleteSecret"
        | "getIntegration"
        | "deleteIntegration"
        | "testIntegration"
        | "getNotificationRule"
        | "testNotificationRule"
        | "getForm"
        | "exportForm"
        | "getBatch"
        | "listBatchRows"
        | "downloadBatchRows"
        | "getExecution"
        | "getExecutionResult"
        | "getExecutionLogs"
        | "listExecutionFiles"
        | "getExecutionFile" => {
            assert_status(op, "own header, the other's id", &answer, 404);
            if !op.names_org_in_path() {
                let answer = op.request(caller, other, own_org, "").send().await;
                assert_status(op, "no header, the other's id", &answer, 404);
            }
            let answer = op.request(caller, own, own_org, "").org(own_org).send().await;
            assert!(answer.status.is_success(), "{}: one's own is there: {}", op.id, answer.text());
        }
        "cancelExecution" | "rerunExecution" => {
            assert_status(op, "own header, the other's id", &answer, 404);
            let answer = op.request(caller, other, own_org, "").send().await;
            assert_status(op, "no header, the other's id", &answer, 404);
            let answer = op.request(caller, own, own_org, "").org(own_org).send().await;
            // One's own has ended, and the engine of this test never starts.
            let expected = if op.id == "cancelExecution" { 409 } else { 503 };
            assert_status(op, "own header, own id", &answer, expected);
        }
        "cancelBatch" | "rerunFailedRows" => {
            assert_status(op, "own header, the other's id", &answer, 404);
            let answer = op.request(caller, other, own_org, "").send().await;
            assert_status(op, "no header, the other's id", &answer, 404);
            let answer = op.request(caller, own, own_org, "").org(own_org).send().await;
            // One's own has not ended, and the engine of this test never starts.
            let expected = if op.id == "cancelBatch" { 503 } else { 409 };
            assert_status(op, "own header, own id", &answer, expected);
        }
        "listBatches" => {
            assert_status(op, "one's own", &answer, 200);
            assert_eq!(answer.json()["items"].as_array().map(Vec::len), Some(1), "{}", answer.text());
            let everywhere = op.request(caller, own, own_org, "").send().await;
            assert_status(op, "everywhere", &everywhere, 200);
            assert_eq!(everywhere.json(), answer.json(), "what the caller may not view is not listed");
        }
        "getExportSchedule" | "listExportFiles" | "downloadExportFile" => {
            assert_status(op, "own header, the other's id", &answer, 404);
            let answer = op.request(caller, other, own_org, "").send().await;
            assert_status(op, "no header, the other's id", &answer, 403);
            let answer = op.request(caller, own, own_org, "").org(own_org).send().await;
            assert!(answer.status.is_success(), "{}: one's own is there: {}", op.id, answer.text());
        }
        "putExportSchedule" | "deleteExportSchedule" | "runExportSchedule" | "deleteExportFile" => {
            assert_status(op, "own header, the other's id", &answer, 404);
        }
        "createExportSchedule" => assert_status(op, "one's own", &answer, 201),
        "listExportSchedules" => {
            assert_status(op, "one's own", &answer, 200);
            assert_eq!(answer.json()["items"][0]["id"], json!(own.export[0]), "{}", answer.text());
        }
        "submitBatch" | "putForm" | "updateForm" | "deleteForm" | "deleteUpload" => {
            assert_status(op, "own header, the other's id", &answer, 404);
            let answer = op.request(caller, other, own_org, "").send().await;
            assert_status(op, "no header, the other's id", &answer, 404);
        }
        "putNotificationRule" | "deleteNotificationRule" => {
            assert_status(op, "own header, the other's id", &answer, 404);
        }
        "createNotificationRule" => assert_status(op, "one's own", &answer, 201),
        "createUpload" => assert_status(op, "one's own", &answer, 201),
        "listUploads" => {
            assert_status(op, "one's own", &answer, 200);
            assert_eq!(answer.json()["items"][0]["name"], "of-ours.txt", "{}", answer.text());
        }
        "search" => {
            for request in [
                op.request(caller, own, own_org, &format!("?q={CANARY}")).org(own_org),
                op.request(caller, own, own_org, &format!("?q={CANARY}")),
                op.request(caller, own, own_org, &format!("?q={}", other.execution.id)),
            ] {
                let answer = request.send().await;
                assert_eq!(answer.expect(200).json(), json!({ "groups": [] }));
            }
            let answer = op.request(caller, own, own_org, "?q=of-ours").send().await;
            assert_status(op, "everywhere", &answer, 200);
            let groups = answer.json()["groups"].as_array().map(Vec::len);
            assert_eq!(groups, Some(3), "organization, form and execution: {}", answer.text());
        }
        "listForms" => {
            let answer = op.request(caller, own, own_org, "").send().await;
            assert_status(op, "everywhere", &answer, 200);
            assert_eq!(answer.json()["items"].as_array().map(Vec::len), Some(1), "{}", answer.text());
        }
        "listExecutions" => {
            let user = other.member.user();
            for request in [
                op.request(caller, own, own_org, &format!("?user={user}")).org(own_org),
                op.request(caller, own, own_org, &format!("?user={user}")),
                op.request(caller, own, own_org, &format!("?workflow=workflow_{CANARY}")),
            ] {
                let answer = request.send().await;
                assert_status(op, "filtered by the other's id", &answer, 200);
                assert_eq!(answer.json()["items"], json!([]), "{}", op.id);
            }
            let answer = op.request(caller, own, own_org, "").send().await;
            assert_status(op, "everywhere", &answer, 200);
            assert_eq!(answer.json()["items"].as_array().map(Vec::len), Some(1), "{}", answer.text());
        }
        "exportExecutions" => {
            assert_status(op, "the own organization", &answer, 200);
            let everywhere = op.request(caller, own, own_org, "").send().await;
            assert_status(op, "everywhere", &everywhere, 200);
            assert_eq!(answer.text(), everywhere.text(), "what the caller may not view is not exported");
            assert_eq!(answer.text().lines().count(), 2, "{}", answer.text());
        }
        "getStatistics" => {
            assert_status(op, "the own organization", &answer, 200);
            let everywhere = op.request(caller, own, own_org, "").send().await;
            assert_status(op, "everywhere", &everywhere, 200);
            assert_eq!(answer.json(), everywhere.json(), "what the caller may not view is not counted");
            assert_eq!(answer.json()["total"]["succeeded"], 1, "{}", answer.text());
        }
        // A name belongs to its organization: writing the same name here makes a thing of one's own.
        "setConfig" | "setSecret" => assert!(answer.status.is_success(), "{}: {}", op.id, answer.text()),
        "putIntegration" => assert!(!answer.text().contains(CANARY), "{}", answer.text()),
        "getOrganization"
        | "getRetention"
        | "listConfig"
        | "listSecrets"
        | "listIntegrations"
        | "listNotificationRules" => {
            assert_status(op, "the own organization", &answer, 200);
        }
        // Names of the bundle, which all organizations share; the engine of this test never starts.
        "runWorkflow" | "getOptions" | "askOptions" | "getMetadata" | "createForm" | "importForm" => {
            assert_status(op, "an engine that is starting", &answer, 503);
        }
        id => panic!("the walk does not know what `{id}` answers for the other's ids"),
    }
}

async fn assert_the_other_is_untouched(app: &TestApp, other: &Side) {
    let admin = app.admin();
    let base = format!("/api/organizations/{}", other.org.id);
    let config = admin.get(None, &format!("{base}/config/{}", other.key)).await.expect(200).json();
    assert_eq!(config["value"], format!("config {CANARY}"));
    let integration = admin.get(None, &format!("{base}/integrations/{}", other.integration)).await.expect(200).json();
    assert_eq!(integration["settings"], json!({ "note": CANARY }));
    let rule = admin.get(None, &format!("{base}/notification-rules/{}", other.rule)).await.expect(200).json();
    assert_eq!((&rule["name"], &rule["last_failed_at"]), (&json!(format!("rule {CANARY}")), &Value::Null));
    let scope = Scope::Org(other.org.id);
    assert_eq!(app.repositories.workflow_secrets.names(scope).await.expect("names"), [other.secret]);
    let (value, _) = app
        .repositories
        .workflow_secrets
        .resolve(Some(other.org.id), other.secret)
        .await
        .expect("readable")
        .expect("still there");
    assert_eq!(value.reveal(), format!("secret {CANARY}"));
}

#[tokio::test]
async fn asking_for_a_right_elsewhere_is_denied_with_a_403_that_says_not_allowed() {
    let app = TestApp::new().await;
    let (own, other) = (app.org("Own").await, app.org("Other").await);
    let caller = app.user_with(&own, [Permission::ExecuteWorkflows]).await;
    let ask = async |org: OrgId, permission: &str| {
        caller.post(None, "/api/permissions/check", json!({ "org_id": org, "permission": permission })).await
    };

    assert_eq!(ask(own.id, "execute_workflows").await.expect(200).json(), json!({ "allowed": true }));
    let unknown = OrgId::random();
    for (org, permission) in
        [(own.id, "manage_config"), (other.id, "execute_workflows"), (unknown, "execute_workflows")]
    {
        let answer = ask(org, permission).await;
        answer.assert_problem(403, "permission-denied");
        assert_eq!(answer.json()["allowed"], false);
    }
}

#[tokio::test]
async fn an_unknown_organization_and_a_foreign_one_look_the_same() {
    let app = TestApp::new().await;
    let (own, other) = (app.org("Own").await, app.org("Other").await);
    let caller = app.user_with(&own, Permission::ALL).await;
    let unknown = OrgId::random();
    let mut answers = Vec::new();
    for org in [other.id, unknown] {
        let answer = caller.get(None, &format!("/api/organizations/{org}")).await;
        answer.assert_problem(403, "permission-denied");
        let mut problem = answer.json();
        problem["instance"] = Value::Null;
        answers.push(problem);
    }
    assert_eq!(answers[0], answers[1]);
    app.admin().get(None, &format!("/api/organizations/{unknown}")).await.assert_problem(404, "not-found");
}
