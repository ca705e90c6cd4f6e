//! Reading the audit trail.

use chrono::{DateTime, Duration, Utc};
use msp_domain::{Clock as _, OrgId, Permission, Scope};
use msp_storage::repositories::{Actor, audit::AuditDraft, seals::Anchor};
use msp_test_support::{Answer, TestApp, TestCaller};
use serde_json::{Value, json};

struct Trail {
    app: TestApp,
    admin: TestCaller,
    orgs: [OrgId; 2],
    began: DateTime<Utc>,
}

impl Trail {
    /// Ten rows of each of two organizations and of nobody's, a second apart, taking turns.
    async fn new() -> Self {
        let app = TestApp::new().await;
        let orgs = [app.org("Contoso").await.id, app.org("Fabrikam").await.id];
        app.clock.advance(Duration::minutes(1));
        let trail = Self { admin: app.admin(), began: app.clock.now(), orgs, app };
        for n in 0..10 {
            for scope in [Scope::Org(orgs[0]), Scope::Org(orgs[1]), Scope::Global] {
                trail.write(scope, "Config.Set", &format!("key_{n}"), json!({ "after": { "value": n } })).await;
            }
        }
        trail
    }

    async fn write(&self, scope: Scope, action: &str, entity_id: &str, details: Value) {
        let actor = Actor { user: Some(self.admin.user()), ip_address: Some("192.0.2.9".into()) };
        let draft = AuditDraft::new(scope, &actor, action, entity_id, details);
        self.app.repositories.audit.record(draft).await.expect("recorded");
        self.app.clock.advance(Duration::seconds(1));
    }

    async fn get(&self, query: &str) -> Answer {
        self.admin.get(None, &format!("/api/audit-logs?{query}")).await
    }

    async fn items(&self, query: &str) -> Vec<Value> {
        let page = self.get(query).await.expect(200).json();
        page["items"].as_array().expect("items").clone()
    }

    /// The rows of this test: not those of the set-up.
    fn from(&self) -> String {
        format!("from={}", self.began.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
    }
}

#[tokio::test]
async fn rows_of_all_organizations_come_by_time_page_after_page_while_more_arrive() {
    let trail = Trail::new().await;
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = trail.get(&format!("{}&limit=7{cursor}", trail.from())).await.expect(200).json();
        seen.extend(page["items"].as_array().expect("items").clone());
        trail.write(Scope::Global, "Config.Set", "arrived meanwhile", json!({})).await;
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 30, "each once, and nothing that came later");
    assert!(seen.is_sorted_by_key(|row| std::cmp::Reverse(row["occurred_at"].as_str().expect("a time").to_owned())));
    let first = &seen[0];
    assert_eq!((&first["entity_id"], &first["org_id"]), (&json!("key_9"), &Value::Null));
    assert_eq!(first["user_name"], "Administrator");
    assert_eq!(first["ip_address"], "192.0.2.9");
    let of_org = trail.admin.get(trail.orgs[1], &format!("/api/audit-logs?{}", trail.from())).await.expect(200).json();
    assert_eq!(of_org["items"].as_array().map(Vec::len), Some(10));
    assert!(of_org["items"].as_array().expect("items").iter().all(|row| row["org_id"] == json!(trail.orgs[1])));
}

#[tokio::test]
async fn filters_narrow_the_trail_and_wrong_ones_are_named() {
    let trail = Trail::new().await;
    trail
        .write(Scope::Org(trail.orgs[0]), "Form.Update", "some form", json!({ "after": { "name": "Leaver of Acme" } }))
        .await;
    let admin = trail.admin.user();
    for (query, count) in [
        ("action=Form.Update", 1),
        ("action=Form.Update,Config.Set", 31),
        ("entity_type=Form", 1),
        ("entity_id=key_3", 3),
        ("q=ACME%20leaver", 1),
        ("q=192.0.2.9%20key_3", 3),
        ("q=nowhere", 0),
        (&format!("user={admin}&entity_type=Config"), 30),
        ("user=platform&entity_type=Config", 0),
    ] {
        assert_eq!(trail.items(&format!("{query}&limit=200")).await.len(), count, "{query}");
    }
    let to = (trail.began + Duration::seconds(3)).to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    assert_eq!(trail.items(&format!("{}&to={to}", trail.from())).await.len(), 3);
    let long = "x".repeat(201);
    for (query, name) in [
        ("user=somebody", "user"),
        ("from=yesterday", "from"),
        (&format!("q={long}"), "q"),
        ("limit=0", "limit"),
        ("cursor=foreign!", "cursor"),
        ("actoin=x", "actoin"),
        ("format=xml", "format"),
        ("follow=true&format=csv", "format"),
        (&format!("follow=true&{}", trail.from()), "follow"),
        ("follow=true&cursor=foreign!", "cursor"),
        ("format=csv&cursor=foreign!", "cursor"),
    ] {
        let answer = trail.get(query).await;
        answer.assert_problem(400, "query-invalid");
        assert!(answer.text().contains(name), "{query}: {}", answer.text());
    }
}

#[tokio::test]
async fn one_row_is_read_by_its_id_also_of_an_organization_that_is_gone() {
    let trail = Trail::new().await;
    let gone = OrgId::random();
    trail.write(Scope::Org(gone), "Organization.Delete", "gone", json!({ "before": { "name": "Gone" } })).await;
    let of_gone = trail.admin.get(gone, "/api/audit-logs").await.expect(200).json();
    let row = of_gone["items"][0].clone();
    let path = format!("/api/audit-logs/{}", row["id"].as_str().expect("an id"));
    assert_eq!(trail.admin.get(gone, &path).await.expect(200).json(), row);
    trail.admin.get(trail.orgs[0], &path).await.assert_problem(404, "not-found");
    let row = trail.items("entity_id=key_4&limit=200").await.remove(0);
    let path = format!("/api/audit-logs/{}", row["id"].as_str().expect("an id"));
    assert_eq!(trail.admin.get(None, &path).await.expect(200).json(), row);
    let unknown = "/api/audit-logs/b9bb3ad1-6687-4eb2-9413-a2bbe7263003";
    trail.admin.get(None, unknown).await.assert_problem(404, "not-found");
    trail.admin.get(None, "/api/audit-logs/first").await.assert_problem(400, "path-invalid");
}

#[tokio::test]
async fn everything_is_exported_as_lines_or_as_a_table_in_which_nothing_is_computed() {
    let trail = Trail::new().await;
    trail.write(Scope::Global, "Config.Set", "=HYPERLINK(\"http://evil.example\")", json!({ "a": "b,\"c\"" })).await;
    for n in 0..150 {
        trail.write(Scope::Org(trail.orgs[0]), "Config.Set", &format!("many_{n}"), json!({})).await;
    }
    let lines = trail.get(&format!("format=jsonl&{}", trail.from())).await.expect(200);
    assert_eq!(lines.header("content-type"), "application/x-ndjson");
    let rows: Vec<Value> = lines.text().lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(rows.len(), 181);
    assert!(rows.is_sorted_by_key(|row| std::cmp::Reverse(row["occurred_at"].as_str().expect("a time").to_owned())));
    let table = trail.get("format=csv&q=hyperlink").await.expect(200);
    assert_eq!(table.header("content-type"), "text/csv; charset=utf-8");
    let text = table.text();
    let lines: Vec<_> = text.split("\r\n").collect();
    let columns = "occurred_at,org_id,user_id,user_name,ip_address,action,entity_type,entity_id,details,id";
    assert_eq!(lines[0].strip_prefix('\u{feff}'), Some(columns), "marked as UTF-8");
    assert!(lines[1].contains(r#","'=HYPERLINK(""http://evil.example"")","#), "{text}");
    assert_eq!((lines.len(), lines[2]), (3, ""));
    assert_eq!(trail.get("format=csv&q=nowhere").await.expect(200).text().lines().count(), 1);
}

#[tokio::test]
async fn a_stream_sends_rows_once_they_are_sealed_and_goes_on_where_it_broke_off() {
    let trail = Trail::new().await;
    let seals = trail.app.repositories.seals.clone();
    seals.seal_rest().await.expect("sealed");
    trail.app.clock.advance(Duration::minutes(1));
    let follow = async |query: &str, rows: &[&str]| {
        let request = trail.admin.request("GET", &format!("/api/audit-logs?follow=true{query}"));
        let api = trail.app.api.clone();
        let (written, mut arrived) = (tokio::sync::Notify::new(), 0);
        let writing = async {
            for row in rows {
                trail.write(Scope::Org(trail.orgs[0]), "Config.Set", row, json!({})).await;
                trail.write(Scope::Global, "Form.Update", row, json!({})).await;
                seals.seal_rest().await.expect("sealed");
                written.notified().await;
            }
            api.close_streams();
        };
        let following = request.send_and_follow(|text| {
            let now = text.matches("\"cursor\"").count();
            (arrived < now).then(|| written.notify_one());
            arrived = now;
        });
        tokio::join!(following, writing).0.expect(200)
    };
    let answer = follow("&action=Config.Set", &["one"]).await;
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    let lines: Vec<Value> = answer.text().lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), 3, "{lines:#?}");
    assert_eq!((&lines[0]["action"], &lines[0]["entity_id"]), (&json!("Config.Set"), &json!("one")));
    assert_eq!(lines[2]["closed"], "/problems/engine-unavailable");

    let cursor = lines[1]["cursor"].as_str().expect("a cursor").to_owned();
    trail.write(Scope::Global, "Config.Set", "while nobody followed", json!({})).await;
    seals.seal_rest().await.expect("sealed");
    let again = follow(&format!("&cursor={cursor}"), &[]).await;
    assert!(again.text().contains("while nobody followed"), "{}", again.text());
    assert!(!again.text().contains("key_9"), "what was sent long before does not come again: {}", again.text());
}

#[tokio::test]
async fn only_administrators_and_auditors_read_the_trail_and_its_anchors() {
    let trail = Trail::new().await;
    let org = trail.app.repositories.organizations.get(trail.orgs[0]).await.expect("read").expect("there");
    let member = trail.app.user_with(&org, Permission::ALL).await;
    let id = trail.items("limit=1").await.remove(0)["id"].as_str().expect("an id").to_owned();
    for path in ["", "?format=csv", "?follow=true", "/anchors", &format!("/{id}")] {
        let path = format!("/api/audit-logs{path}");
        trail.app.stranger().get(None, &path).await.assert_problem(401, "unauthenticated");
        for named in [None, Some(trail.orgs[0]), Some(trail.orgs[1])] {
            member.get(named, &path).await.assert_problem(403, "administrator-required");
        }
    }
    let auditor = trail.app.user("auditor@msp.example").await;
    let path = format!("/api/users/{}", auditor.user());
    let _ = trail.admin.patch(None, &path, json!({ "is_auditor": true })).await.expect(200);
    for path in ["", "?format=csv", &format!("/{id}")] {
        let _ = auditor.get(None, &format!("/api/audit-logs{path}")).await.expect(200);
    }
    trail.app.repositories.seals.seal_rest().await.expect("sealed");
    let answer = auditor.get(None, "/api/audit-logs/anchors").await.expect(200);
    let anchors = Anchor::parse_lines(&answer.text()).expect("anchors");
    assert_eq!(anchors.len(), 3);
    let verified = trail.app.repositories.seals.verify(None, &anchors, &mut |fault| panic!("{fault}")).await;
    assert_eq!(verified.expect("checked").anchored, 3);
}
