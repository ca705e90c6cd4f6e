//! Secrets go in and never come out.

use msp_domain::{Permission, Scope};
use msp_test_support::TestApp;
use serde_json::json;

#[tokio::test]
async fn a_secret_is_written_listed_by_name_and_never_answered() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await;
    let user = app.user_with(&org, [Permission::ManageConfig]).await;
    let base = format!("/api/organizations/{}/secrets", org.id);
    let value = "correct horse battery staple";
    let mut answers = vec![
        user.put(None, &format!("{base}/vendor_key"), json!({ "value": value })).await.expect(204),
        app.admin().put(None, "/api/global/secrets/shared_key", json!({ "value": value })).await.expect(204),
        app.admin().put(None, "/api/global/secrets/vendor_key", json!({ "value": value })).await.expect(204),
    ];
    let list = user.get(None, &base).await.expect(200);
    assert_eq!(
        list.json()["items"],
        json!([{ "name": "shared_key", "origin": "global" }, { "name": "vendor_key", "origin": "organization" }])
    );
    answers.push(list);
    for path in [format!("{base}/vendor_key"), "/api/global/secrets/shared_key".to_owned()] {
        let answer = app.admin().get(None, &path).await;
        answer.assert_problem(405, "method-not-allowed");
        answers.push(answer);
    }
    assert!(answers.iter().all(|answer| !answer.text().contains(value)));
    for scope in [Scope::Global, Scope::Org(org.id)] {
        let trail = format!("{:?}", app.audit(scope).await);
        assert!(trail.contains("vendor_key") && !trail.contains(value), "{trail}");
    }

    let _ = user.delete(None, &format!("{base}/vendor_key")).await.expect(204);
    user.delete(None, &format!("{base}/vendor_key")).await.assert_problem(404, "not-found");
}

#[tokio::test]
async fn a_secret_too_short_to_be_masked_is_refused_without_being_repeated() {
    let app = TestApp::new().await;
    let answer = app.admin().put(None, "/api/global/secrets/pin", json!({ "value": "1234567" })).await;
    answer.assert_problem(422, "body-invalid");
    assert_eq!(answer.json()["errors"][0]["pointer"], "#/value");
    assert!(!answer.text().contains("1234567"));
    let answer = app.admin().put(None, "/api/global/secrets/two%20words", json!({ "value": "long enough" })).await;
    answer.assert_problem(400, "path-invalid");
    let answer = app.admin().put(None, "/api/global/secrets/pin", json!({ "value": 12345678 })).await;
    answer.assert_problem(422, "body-invalid");
    assert!(!answer.text().contains("12345678"), "{}", answer.text());
}
