//! The emergency stop: who may use it, what it takes, and who sees it.

use msp_domain::{OrgId, Permission, Scope};
use msp_test_support::TestApp;
use serde_json::{Value, json};

fn ids(list: &Value) -> Vec<&str> {
    list.as_array().expect("a list").iter().filter_map(|pause| pause["id"].as_str()).collect()
}

#[tokio::test]
async fn an_administrator_pauses_and_resumes_and_both_are_on_record() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await;
    let admin = app.admin();
    let path = format!("/api/pauses/organization:{}", org.id);

    let set = admin.put(None, &path, json!({ "reason": " too many licences " })).await.expect(200).json();
    assert_eq!(set["id"], format!("organization:{}", org.id));
    assert_eq!((&set["org_id"], &set["reason"]), (&json!(org.id), &json!("too many licences")));
    assert_eq!((&set["paused_by"], &set["paused_by_name"]), (&json!(admin.user()), &json!("Administrator")));
    assert_eq!(set["cancelling"], 0);
    let again = admin.put(None, &path, json!({ "reason": "too many licences" })).await.expect(200).json();
    assert_eq!(again, set, "pausing it again changes nothing");
    let all = json!({ "reason": "the vendor is down", "cancel_running": true });
    let _ = admin.put(None, "/api/pauses/all", all).await.expect(200);
    // Nobody knows the names while the engine of this test starts.
    let _ = admin.put(None, "/api/pauses/workflow:rotate", json!({ "reason": "broken" })).await.expect(200);

    let listed = admin.get(None, "/api/pauses").await.expect(200).json();
    assert_eq!(ids(&listed["items"]), ["all", &format!("organization:{}", org.id), "workflow:rotate"]);
    for id in ["all", &format!("organization:{}", org.id), "workflow:rotate", "all"] {
        let _ = admin.delete(None, &format!("/api/pauses/{id}")).await.expect(204);
    }
    assert_eq!(admin.get(None, "/api/pauses").await.expect(200).json()["items"], json!([]));

    let actions = async |scope| {
        let rows = app.audit(scope).await.into_iter().map(|row| row.draft.action);
        rows.filter(|action| action.starts_with("Pause")).collect::<Vec<_>>()
    };
    assert_eq!(actions(Scope::Org(org.id)).await, ["Pause.Lift", "Pause.Set"]);
    assert_eq!(actions(Scope::Global).await, ["Pause.Lift", "Pause.Lift", "Pause.Set", "Pause.Set"]);
}

#[tokio::test]
async fn a_technician_neither_pauses_nor_resumes_but_sees_what_holds_their_own_work() {
    let app = TestApp::new().await;
    let (own, other) = (app.org("Contoso").await, app.org("Fabrikam").await);
    let technician = app.user_with(&own, Permission::ALL).await;
    let nobody = app.user("nobody@msp.example").await;
    let body = json!({ "reason": "a test" });
    for id in [format!("organization:{}", own.id), format!("organization:{}", other.id), "all".to_owned()] {
        let path = format!("/api/pauses/{id}");
        technician.put(None, &path, body.clone()).await.assert_problem(403, "administrator-required");
        let _ = app.admin().put(None, &path, body.clone()).await.expect(200);
        technician.delete(None, &path).await.assert_problem(403, "administrator-required");
    }
    technician.get(None, "/api/pauses").await.assert_problem(403, "administrator-required");
    assert_eq!(app.repositories.pauses.list().await.expect("read").len(), 3, "nothing was resumed");

    let me = technician.get(None, "/api/me").await.expect(200).json();
    assert_eq!(ids(&me["pauses"]), ["all", &format!("organization:{}", own.id)]);
    let me = nobody.get(None, "/api/me").await.expect(200).json();
    assert_eq!(me["pauses"], json!([]), "who may do nothing is told nothing");
}

#[tokio::test]
async fn a_pause_names_what_exists_and_says_why() {
    let app = TestApp::new().await;
    let admin = app.admin();
    for (body, pointer) in [
        (json!({}), "#/reason"),
        (json!({ "reason": "  " }), "#/reason"),
        (json!({ "reason": "two\nlines" }), "#/reason"),
        (json!({ "reason": "x", "cancel": true }), "#/cancel"),
    ] {
        let answer = admin.put(None, "/api/pauses/all", body).await;
        answer.assert_problem(422, "body-invalid");
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer);
    }
    let body = json!({ "reason": "a test" });
    for id in ["everything", "organization:GLOBAL", "workflow:", "workflow:a%20b"] {
        let path = format!("/api/pauses/{id}");
        admin.put(None, &path, body.clone()).await.assert_problem(400, "path-invalid");
        admin.delete(None, &path).await.assert_problem(400, "path-invalid");
    }
    let unknown = format!("/api/pauses/organization:{}", OrgId::random());
    admin.put(None, &unknown, body).await.assert_problem(404, "not-found");
    assert!(app.repositories.pauses.list().await.expect("read").is_empty());
}
