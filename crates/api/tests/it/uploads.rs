//! Uploading files, and removing them again.

use msp_domain::{Permission, Scope, file::MAX_FILE_BYTES};
use msp_storage::repositories::{files::NewUpload, organizations::Organization};
use msp_test_support::{Answer, TestApp, TestCaller};
use serde_json::{Value, json};

struct Desk {
    app: TestApp,
    org: Organization,
    technician: TestCaller,
}

impl Desk {
    async fn new() -> Self {
        let app = TestApp::new().await;
        let org = app.org("Contoso").await;
        let technician = app.user_with(&org, [Permission::ExecuteWorkflows]).await;
        Self { app, org, technician }
    }

    async fn upload(&self, name: &str, content_type: &str, content: &[u8]) -> Answer {
        let request = self.technician.request("POST", &format!("/api/uploads?name={name}")).org(self.org.id);
        request.header("content-type", content_type).body(content).send().await
    }

    async fn listed(&self, caller: &TestCaller, org: &Organization) -> Value {
        caller.get(org.id, "/api/uploads").await.expect(200).json()["items"].clone()
    }
}

#[tokio::test]
async fn a_file_is_uploaded_as_it_is_and_waits_for_its_caller() {
    let desk = Desk::new().await;

    let created = desk.upload("..%2F%C3%9Cbersicht.csv", "Text/CSV; charset=utf-8", b"name\nAda\n").await.expect(201);

    let upload = created.json();
    assert_eq!(
        (&upload["name"], &upload["size_bytes"], &upload["content_type"]),
        (&json!("Übersicht.csv"), &json!(9), &json!("text/csv"))
    );
    assert_eq!(upload["sha256"], "b97998758a2ee1f0237f7924feb7558fff4749725019a5974f26b109d1bf36c3");
    assert_eq!(desk.listed(&desk.technician, &desk.org).await, json!([upload]));
    let colleague = desk.app.user_with(&desk.org, Permission::ALL).await;
    assert_eq!(desk.listed(&colleague, &desk.org).await, json!([]), "it is nobody else's");
    let path = format!("/api/uploads/{}", upload["id"].as_str().expect("an id"));
    colleague.delete(desk.org.id, &path).await.assert_problem(404, "not-found");
    desk.technician.delete(None, &path).await.assert_problem(404, "not-found");

    let _ = desk.technician.delete(desk.org.id, &path).await.expect(204);
    desk.technician.delete(desk.org.id, &path).await.assert_problem(404, "not-found");
    assert_eq!(desk.listed(&desk.technician, &desk.org).await, json!([]));
    let audited = desk.app.audit(Scope::Org(desk.org.id)).await;
    let mut actions: Vec<_> = audited.into_iter().map(|row| row.draft.action).collect();
    actions.retain(|action| action.starts_with("Upload."));
    actions.sort();
    assert_eq!(actions, ["Upload.Create", "Upload.Delete"]);
}

#[tokio::test]
async fn an_upload_that_is_no_file_has_no_name_or_is_too_large_is_refused() {
    let desk = Desk::new().await;
    desk.upload("a.csv", "multipart/form-data; boundary=x", b"--x")
        .await
        .assert_problem(415, "content-type-unsupported");
    for name in ["", "%2F..", "&name=b"] {
        desk.upload(name, "text/csv", b"x").await.assert_problem(400, "query-invalid");
    }
    let unnamed = desk.technician.request("POST", "/api/uploads").org(desk.org.id).body("x").send().await;
    unnamed.assert_problem(400, "query-invalid");
    let sent = async |announced: &str| {
        let request = desk.technician.request("POST", "/api/uploads?name=a.csv").org(desk.org.id);
        request.header("content-length", announced).body("four").send().await
    };
    sent(&(MAX_FILE_BYTES + 1).to_string()).await.assert_problem(413, "body-too-large");
    sent("3").await.assert_problem(413, "body-too-large");
    sent("many").await.assert_problem(400, "header-invalid");
    assert_eq!(desk.listed(&desk.technician, &desk.org).await, json!([]));
    assert_eq!(desk.app.repositories.stores.blobs.list("files/").await.expect("listed"), Vec::<String>::new());
}

#[tokio::test]
async fn whoever_has_too_much_waiting_is_refused_until_some_of_it_is_gone() {
    let desk = Desk::new().await;
    let begin = async || {
        let new = NewUpload {
            user: desk.technician.user(),
            scope: Scope::Org(desk.org.id),
            name: "large.iso".to_owned(),
            content_type: "application/octet-stream".to_owned(),
            size_bytes: MAX_FILE_BYTES,
        };
        desk.app.repositories.files.begin_upload(&new).await.expect("begun").id()
    };
    let first = begin().await;
    for _ in 0..3 {
        begin().await;
    }
    desk.upload("a.csv", "text/csv", b"x").await.assert_problem(409, "uploads-full");
    desk.app.repositories.files.abandon_upload(desk.technician.user(), first).await.expect("abandoned");
    let _ = desk.upload("a.csv", "text/csv", b"x").await.expect(201);
}

#[tokio::test]
async fn uploading_needs_the_right_to_run_workflows() {
    let desk = Desk::new().await;
    let author = desk.app.user_with(&desk.org, [Permission::ManageForms, Permission::ViewHistory]).await;
    let other = desk.app.org("Fabrikam").await;
    let upload = async |caller: &TestCaller, org: &Organization| {
        let request = caller.request("POST", "/api/uploads?name=a.csv").org(org.id);
        request.header("content-type", "text/csv").body("x").send().await
    };
    upload(&author, &desk.org).await.assert_problem(403, "permission-denied");
    upload(&desk.technician, &other).await.assert_problem(403, "permission-denied");
    desk.technician.get(other.id, "/api/uploads").await.assert_problem(403, "permission-denied");
    let id = uuid::Uuid::new_v4();
    desk.technician.delete(other.id, &format!("/api/uploads/{id}")).await.assert_problem(403, "permission-denied");
}
