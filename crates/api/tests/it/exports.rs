//! Executions as a file.

use futures::StreamExt as _;
use msp_domain::{Permission, Permissions, Scope};
use msp_storage::repositories::organizations::Organization;
use msp_test_support::{PastExecution, TestApp, TestCaller};
use serde_json::{Value, json};

async fn past(app: &TestApp, org: &Organization, user: &TestCaller, workflow: &str) {
    let (scope, user) = (Scope::Org(org.id), user.user());
    let past = PastExecution { scope, workflow: workflow.into(), user, result: json!(1), log: "a line".into() };
    let _ = app.past_execution(&past).await;
}

/// The ids that the list shows, page by page.
async fn listed(caller: &TestCaller, org: Option<&Organization>, query: &str) -> Vec<String> {
    let (mut ids, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/api/executions?limit=37{query}{cursor}");
        let page = caller.get(org.map(|org| org.id), &path).await.expect(200).json();
        let items = page["items"].as_array().expect("items").iter();
        ids.extend(items.map(|item| item["id"].as_str().expect("an id").to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return ids,
        }
    }
}

#[tokio::test]
async fn a_file_holds_what_the_list_shows_for_the_same_query_and_nothing_else() {
    let app = TestApp::new().await;
    let (own, other) = (app.org("Contoso").await, app.org("Fabrikam").await);
    let member = app.user_with(&own, [Permission::ViewHistory]).await;
    let admin = app.admin();
    for number in 0..230 {
        let workflow = if number % 3 == 0 { "third" } else { "demo" };
        past(&app, &own, &admin, workflow).await;
    }
    past(&app, &other, &admin, "third").await;
    for (caller, org, query) in [
        (&member, Some(&own), ""),
        (&member, None, ""),
        (&member, None, "&workflow=third"),
        (&member, None, "&q=nowhere"),
        (&admin, None, "&workflow=third&status=Success"),
    ] {
        let ids = listed(caller, org, query).await;
        let path = |format: &str| format!("/api/executions/export?format={format}{query}");
        let lines = caller.get(org.map(|org| org.id), &path("jsonl")).await.expect(200);
        assert_eq!(lines.header("content-type"), "application/jsonl");
        let of_lines = lines.text();
        let of_lines = of_lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")["id"].clone());
        assert_eq!(of_lines.collect::<Vec<_>>(), ids, "{query}");
        let table = caller.get(org.map(|org| org.id), &path("csv")).await.expect(200);
        assert!(table.header("content-disposition").ends_with(".csv\""), "{}", table.header("content-disposition"));
        let text = table.text();
        let text = text.strip_prefix('\u{feff}').expect("a mark for Excel");
        let mut rows = text.split_terminator("\r\n");
        assert!(rows.next().expect("a header").starts_with("id,org_id,workflow_name,"), "{text}");
        assert_eq!(rows.map(|row| &row[..36]).collect::<Vec<_>>(), ids, "{query}");
    }
}

#[tokio::test]
async fn no_cell_is_a_formula_and_every_text_stays_in_its_cell() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await;
    for workflow in ["=1+1", "a \"b\", c", "@SUM(A1)"] {
        past(&app, &org, &app.admin(), workflow).await;
    }
    let text = app.admin().get(Some(org.id), "/api/executions/export").await.expect(200).text();
    for cell in [",'=1+1,", ",\"a \"\"b\"\", c\",", ",'@SUM(A1),"] {
        assert!(text.contains(cell), "{cell} is not in {text}");
    }
}

#[tokio::test]
async fn an_export_needs_the_right_to_see_and_knows_its_parameters() {
    let app = TestApp::new().await;
    let (own, other) = (app.org("Contoso").await, app.org("Fabrikam").await);
    let technician = app.user_with(&own, [Permission::ExecuteWorkflows]).await;
    past(&app, &own, &app.admin(), "demo").await;
    past(&app, &own, &technician, "mine").await;
    let lines = technician.get(Some(own.id), "/api/executions/export?format=jsonl").await.expect(200).text();
    assert_eq!(lines.lines().count(), 1, "without `view_history` one's own: {lines}");
    assert!(lines.contains("\"mine\""));
    technician.get(Some(other.id), "/api/executions/export").await.assert_problem(403, "permission-denied");
    app.stranger().get(Some(own.id), "/api/executions/export").await.assert_problem(401, "unauthenticated");
    for query in ["format=xlsx", "limit=5", "cursor=eA", "status=Done", "from=yesterday"] {
        let path = format!("/api/executions/export?{query}");
        app.admin().get(None, &path).await.assert_problem(400, "query-invalid");
    }
}

#[tokio::test]
async fn an_export_whose_caller_loses_the_right_breaks_off() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await;
    let member = app.user_with(&org, [Permission::ViewHistory]).await;
    for _ in 0..150 {
        past(&app, &org, &app.admin(), "demo").await;
    }
    let mut body = member.request("GET", "/api/executions/export?format=jsonl").org(org.id).send_in_parts().await;
    let first = body.next().await.expect("a part").expect("readable");
    assert_eq!(first.split(|byte| *byte == b'\n').count(), 101, "a hundred at once");
    app.grant(&member, org.id, Permissions::NONE).await;
    let broken = body.next().await.expect("it does not just end");
    assert!(broken.is_err(), "what was there is no whole file");
    assert!(body.next().await.is_none());
}
