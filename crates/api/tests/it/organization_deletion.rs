//! Deleting an organization through HTTP: what is shown first, what is refused, and what is left.

use crate::faulty::{Fate, Faulty};
use msp_domain::{Permission, Scope};
use msp_storage::{
    Table, Write,
    repositories::{Actor, organizations::Organization},
};
use msp_test_support::{Answer, PastExecution, TestApp};
use serde_json::json;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

const LAUNCHER: &str = env!("CARGO_BIN_EXE_msp-api-worker-launcher");

async fn delete(app: &TestApp, path: &str, confirm: &str, etag: Option<&str>) -> Answer {
    let request = app.admin().request("DELETE", &format!("{path}?confirm={confirm}"));
    match etag {
        Some(etag) => request.header("if-match", etag).send().await,
        None => request.send().await,
    }
}

fn path_of(organization: &Organization) -> String {
    format!("/api/organizations/{}", organization.id)
}

#[tokio::test]
async fn an_organization_is_deleted_after_it_was_seen_deactivated_and_named() {
    let app = TestApp::new().await;
    let org = app.org("Contoso Ltd").await;
    let user = app.user_with(&org, Permission::ALL).await;
    let path = path_of(&org);
    let body = json!({ "type": "string", "value": "DE" });
    let _ = user.put(None, &format!("{path}/config/location"), body).await.expect(200);
    let _ = user.put(None, &format!("{path}/secrets/key"), json!({ "value": "a long secret" })).await.expect(204);
    let past = PastExecution {
        scope: Scope::Org(org.id),
        workflow: "some".to_owned(),
        user: user.user(),
        result: json!({}),
        log: "ran".to_owned(),
    };
    let execution = app.past_execution(&past).await;
    let admin = app.admin();

    let seen = admin.get(None, &format!("{path}/deletion")).await.expect(200);
    let removes = &seen.json()["removes"];
    assert_eq!((&removes["grants"], &removes["secrets"], &removes["config"]), (&json!(1), &json!(1), &json!(1)));
    assert_eq!((&removes["executions"], &removes["more_executions"]), (&json!(1), &json!(false)));
    assert_eq!(seen.json()["refused_because"], json!(["organization-active"]));
    assert_eq!(seen.json()["started_at"], json!(null));
    let etag = seen.header("etag").to_owned();
    delete(&app, &path, "Contoso%20Ltd", Some(&etag)).await.assert_problem(409, "organization-active");

    let inactive = admin.patch(None, &path, json!({ "is_active": false })).await.expect(200);
    let stale = delete(&app, &path, "Contoso%20Ltd", Some(&etag)).await;
    stale.assert_problem(412, "stale-version");
    assert_eq!(stale.json()["current"], inactive.json());
    let etag = inactive.header("etag");
    delete(&app, &path, "Contoso%20Ltd", None).await.assert_problem(428, "version-required");
    delete(&app, &path, "Contoso%20Ltd", Some("*")).await.assert_problem(428, "version-required");
    delete(&app, &path, "contoso%20ltd", Some(etag)).await.assert_problem(422, "confirmation-mismatch");
    let unconfirmed = admin.request("DELETE", &path).header("if-match", etag).send().await;
    unconfirmed.assert_problem(400, "query-invalid");
    assert_eq!(admin.get(None, &path).await.expect(200).json(), inactive.json());

    let _ = delete(&app, &path, "Contoso%20Ltd", Some(etag)).await.expect(204);
    admin.get(None, &path).await.assert_problem(404, "not-found");
    admin.get(None, &format!("{path}/deletion")).await.assert_problem(404, "not-found");
    delete(&app, &path, "Contoso%20Ltd", Some(etag)).await.assert_problem(404, "not-found");
    user.get(None, &path).await.assert_problem(403, "permission-denied");
    assert_eq!(user.get(None, "/api/me").await.expect(200).json()["organizations"], json!([]));
    user.get(None, &format!("/api/executions/{}", execution.id)).await.assert_problem(404, "not-found");
    for scope in [Scope::Global, Scope::Org(org.id)] {
        let trail = app.audit(scope).await;
        let row = trail.iter().find(|row| row.draft.action == "Organization.Delete").expect("it is on record");
        assert_eq!(row.draft.actor.user, Some(admin.user()));
        assert_eq!(row.draft.details["before"]["name"], "Contoso Ltd");
        assert_eq!(row.draft.details["removed"]["executions"], 1);
    }

    let again = admin.post(None, "/api/organizations", json!({ "name": "Contoso Ltd" })).await.expect(201);
    assert_ne!(again.json()["id"], org.id.key(), "an id never comes back");
    let granted = app.repositories.grants.of_user(user.user()).await.expect("read");
    assert!(granted.is_empty(), "{granted:?}");
}

#[tokio::test]
async fn an_organization_that_is_being_deleted_is_closed_and_the_same_call_finishes_it() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await;
    let user = app.user_with(&org, Permission::ALL).await;
    let (path, admin) = (path_of(&org), app.admin());
    let inactive = admin.patch(None, &path, json!({ "is_active": false })).await.expect(200);
    let etag = inactive.header("etag").to_owned();
    let stored = app.repositories.organizations.get(org.id).await.expect("read").expect("there");
    app.repositories.begin_deletion(org.id, &stored.etag, &Actor::PLATFORM).await.expect("begun");

    user.get(None, &path).await.assert_problem(403, "permission-denied");
    user.get(org.id, "/api/executions").await.assert_problem(403, "permission-denied");
    let shown = admin.get(None, &path).await.expect(200).json();
    assert!(shown["deletion_started_at"].is_string(), "{shown}");
    let deletion = admin.get(None, &format!("{path}/deletion")).await.expect(200).json();
    assert_eq!((&deletion["started_by"], &deletion["refused_because"]), (&json!("platform"), &json!([])));
    let listed = admin.get(None, "/api/organizations").await.expect(200).json();
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1));
    let config = json!({ "type": "string", "value": "late" });
    let grant = format!("/api/users/{}/permissions/{}", user.user(), org.id);
    for (method, path, body) in [
        ("PATCH", path.as_str(), json!({ "is_active": true })),
        ("PUT", &format!("{path}/config/late"), config),
        ("PUT", &grant, json!({ "view_history": true })),
    ] {
        let refused = admin.request(method, path).json(&body).send().await;
        refused.assert_problem(409, "organization-being-deleted");
    }
    admin.post(org.id, "/workflows/some", json!({})).await.assert_problem(409, "organization-being-deleted");

    let _ = delete(&app, &path, "Contoso", Some(&etag)).await.expect(204);
    admin.get(None, &path).await.assert_problem(404, "not-found");
}

#[tokio::test]
async fn an_organization_whose_executions_have_not_ended_is_not_deleted() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await;
    let past = PastExecution {
        scope: Scope::Org(org.id),
        workflow: "some".to_owned(),
        user: app.admin().user(),
        result: json!({}),
        log: "runs".to_owned(),
    };
    let _ = app.running_execution(&past).await;
    let path = path_of(&org);
    let inactive = app.admin().patch(None, &path, json!({ "is_active": false })).await.expect(200);
    let seen = app.admin().get(None, &format!("{path}/deletion")).await.expect(200).json();
    assert_eq!(seen["refused_because"], json!(["organization-busy"]));
    let refused = delete(&app, &path, "Contoso", Some(inactive.header("etag"))).await;
    refused.assert_problem(409, "organization-busy");
    assert_eq!(refused.json()["unended_executions"], 1);
}

#[tokio::test]
async fn deletions_that_were_interrupted_go_on_at_start() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await;
    let path = path_of(&org);
    let _ = app.admin().patch(None, &path, json!({ "is_active": false })).await.expect(200);
    let stored = app.repositories.organizations.get(org.id).await.expect("read").expect("there");
    app.repositories.begin_deletion(org.id, &stored.etag, &Actor::PLATFORM).await.expect("begun");
    app.api.resume_deletions().await.expect("resumed");
    // Asking for the same deletion waits for the one that goes on.
    let answer = delete(&app, &path, "Contoso", Some("\"any\"")).await;
    assert!(matches!(answer.status.as_u16(), 204 | 404), "{}", answer.text());
    app.admin().get(None, &path).await.assert_problem(404, "not-found");
}

#[tokio::test]
async fn a_deletion_in_which_the_platform_panics_begins_again() {
    let panics = Arc::new(AtomicUsize::new(1));
    let left = Arc::clone(&panics);
    let disturb = move |tables| {
        Faulty::over(tables, move |writes| {
            let is_last = |write: &Write| matches!(write, Write::Delete { .. });
            let is_meant = writes.iter().any(|(table, write)| *table == Table::Organizations && is_last(write));
            let panics =
                is_meant && left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
            if panics { Fate::Panic } else { Fate::Done }
        })
    };
    let app = TestApp::with_engine_on(disturb, LAUNCHER, &[("workflows/none.py", "")]).await;
    let org = app.org("Contoso").await;
    let path = path_of(&org);
    let inactive = app.admin().patch(None, &path, json!({ "is_active": false })).await.expect(200);
    let _ = delete(&app, &path, "Contoso", Some(inactive.header("etag"))).await.expect(204);
    assert_eq!(panics.load(Ordering::SeqCst), 0, "it panicked");
    app.admin().get(None, &path).await.assert_problem(404, "not-found");
}
