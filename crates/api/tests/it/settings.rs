//! What people have chosen for the client.

use msp_domain::{Permission, Scope};
use msp_test_support::TestApp;
use serde_json::{Value, json};

const PATH: &str = "/api/me/settings";

#[tokio::test]
async fn everybody_has_settings_of_their_own() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await;
    let (ada, ben) = (app.user_with(&org, Permission::ALL).await, app.user("ben@msp.example").await);
    let new = ada.get(None, PATH).await.expect(200);
    assert_eq!(new.header("etag"), "", "nothing was chosen yet");
    assert_eq!(
        new.json(),
        json!({
            "favourites": { "organizations": [], "workflows": [], "forms": [] },
            "recent": { "organizations": [], "workflows": [], "forms": [] },
            "theme": "system", "shortcuts": true, "time_zone": null, "tables": {},
        })
    );
    let chosen = json!({
        "favourites": { "organizations": [org.id], "workflows": ["user_onboarding"], "forms": [] },
        "recent": { "organizations": [org.id], "workflows": [], "forms": ["0197c1c8-7a4e-4c41-9e0b-3f6f6d7f2f10"] },
        "theme": "dark", "shortcuts": false, "time_zone": "Europe/Amsterdam",
        "tables": { "executions": { "columns": ["status", "workflow"], "widths": { "status": 120 }, "page_size": 100 } },
    });
    let answer = ada.request("PUT", PATH).json(&chosen).send().await.expect(200);
    assert_eq!(answer.json(), chosen);
    let read = ada.get(None, PATH).await.expect(200);
    assert_eq!((read.json(), read.header("etag")), (chosen, answer.header("etag")));

    assert_eq!(ben.get(None, PATH).await.expect(200).json(), new.json(), "not his");
    app.stranger().get(None, PATH).await.assert_problem(401, "unauthenticated");
    let again = ada.request("PUT", PATH).json(&json!({ "theme": "light" })).send().await.expect(200).json();
    assert_eq!((&again["theme"], &again["shortcuts"], &again["tables"]), (&json!("light"), &json!(true), &json!({})));
    assert!(app.audit(Scope::Global).await.iter().all(|row| !row.draft.action.starts_with("UserSettings")));
}

#[tokio::test]
async fn a_choice_meant_for_an_older_version_is_refused_with_what_is_there() {
    let app = TestApp::new().await;
    let ada = app.user("ada@msp.example").await;
    let put = async |etag: &str, theme: &str| {
        ada.request("PUT", PATH).json(&json!({ "theme": theme })).header("if-match", etag).send().await
    };
    put("\"0\"", "dark").await.assert_problem(412, "stale-version");
    assert_eq!(ada.get(None, PATH).await.expect(200).header("etag"), "", "nothing was written");
    let first = put("*", "dark").await.expect(200);
    let second = put(first.header("etag"), "light").await.expect(200);
    let refused = put(first.header("etag"), "system").await;
    refused.assert_problem(412, "stale-version");
    assert_eq!((refused.header("etag"), &refused.json()["current"]), (second.header("etag"), &second.json()));
    assert_eq!(put(refused.header("etag"), "system").await.status, 200);
}

#[tokio::test]
async fn settings_are_bounded_and_every_fault_is_named() {
    let app = TestApp::new().await;
    let ada = app.user("ada@msp.example").await;
    let put = async |body: Value| ada.request("PUT", PATH).json(&body).send().await;
    let ids: Vec<_> = (0..21).map(|_| msp_domain::OrgId::random()).collect();
    let refused = put(json!({ "recent": { "organizations": ids }, "time_zone": "here and now" })).await;
    refused.assert_problem(422, "body-invalid");
    let errors = refused.json()["errors"].clone();
    assert_eq!(
        (&errors[0]["pointer"], &errors[1]["pointer"]),
        (&json!("#/recent/organizations"), &json!("#/time_zone"))
    );
    for body in [
        json!({ "theme": "pink" }),
        json!({ "favorites": {} }),
        json!({ "favourites": { "organizations": ["GLOBAL"] } }),
        json!({ "tables": { "executions": { "page_size": 0 } } }),
    ] {
        put(body).await.assert_problem(422, "body-invalid");
    }
    let columns: Vec<_> = (0..40).map(|number| format!("{number:060}")).collect();
    let tables: serde_json::Map<_, _> =
        (0..40).map(|number| (format!("table_{number}"), json!({ "columns": columns }))).collect();
    put(json!({ "tables": tables })).await.assert_problem(422, "limit-exceeded");
    assert_eq!(ada.get(None, PATH).await.expect(200).json()["tables"], json!({}));
}
