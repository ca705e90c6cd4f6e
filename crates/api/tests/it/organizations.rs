//! Client organizations.

use msp_domain::{Permission, Scope};
use msp_test_support::{TestApp, TestCaller};
use serde_json::json;
use uuid::Uuid;

#[tokio::test]
async fn an_administrator_creates_reads_and_changes_an_organization() {
    let app = TestApp::new().await;
    let admin = app.admin();
    let tenant = Uuid::new_v4();
    let body = json!({ "name": " Contoso ", "tenant_id": tenant });
    let created = admin.post(None, "/api/organizations", body).await.expect(201);
    let organization = created.json();
    assert_eq!(organization["name"], "Contoso");
    assert_eq!(organization["tenant_id"], tenant.to_string());
    let path = created.header("location");
    assert_eq!(path, format!("/api/organizations/{}", organization["id"].as_str().unwrap_or_default()));

    let read = admin.get(None, path).await.expect(200);
    assert_eq!(read.json(), organization);
    assert_eq!(read.header("etag"), created.header("etag"));

    let changed = admin.patch(None, path, json!({ "tenant_id": null, "name": "Contoso Ltd" })).await.expect(200);
    assert_eq!(changed.json()["tenant_id"], json!(null));
    assert_eq!(changed.json()["is_active"], true);

    let stale = admin
        .request("PATCH", path)
        .json(&json!({ "name": "Late" }))
        .header("if-match", read.header("etag"))
        .send()
        .await;
    stale.assert_problem(412, "stale-version");
    assert_eq!(stale.json()["current"], changed.json());
    assert_eq!(stale.header("etag"), changed.header("etag"));
    let current = admin
        .request("PATCH", path)
        .json(&json!({ "is_active": false }))
        .header("if-match", changed.header("etag"))
        .send()
        .await
        .expect(200);
    assert_eq!(current.json()["is_active"], false);
    let unquoted = admin.request("PATCH", path).json(&json!({})).header("if-match", "7").send().await;
    unquoted.assert_problem(400, "header-invalid");
}

#[tokio::test]
async fn names_and_tenants_are_unique_and_names_are_checked() {
    let app = TestApp::new().await;
    let admin = app.admin();
    let tenant = Uuid::new_v4();
    let create = |body| admin.post(None, "/api/organizations", body);
    let contoso = create(json!({ "name": "Contoso", "tenant_id": tenant })).await.expect(201);
    let taken = create(json!({ "name": "CONTOSO" })).await;
    taken.assert_problem(409, "organization-name-taken");
    assert_eq!(taken.json()["org_id"], contoso.json()["id"]);
    let taken = create(json!({ "name": "Fabrikam", "tenant_id": tenant })).await;
    taken.assert_problem(409, "tenant-taken");
    assert_eq!(taken.json()["org_id"], contoso.json()["id"]);
    assert_eq!(taken.json()["detail"], "`Contoso` is linked to this tenant. Unlink it there first.");
    for name in ["", "   ", "two\nlines", &"x".repeat(201)] {
        let answer = create(json!({ "name": name })).await;
        answer.assert_problem(422, "body-invalid");
        assert_eq!(answer.json()["errors"][0]["pointer"], "#/name");
    }
}

#[tokio::test]
async fn a_caller_lists_what_it_has_rights_in_by_name_page_by_page() {
    let app = TestApp::new().await;
    let user = app.user("user@msp.example").await;
    for name in ["Delta", "alpha", "Charlie", "bravo", "hidden"] {
        let org = app.org(name).await;
        if name != "hidden" {
            app.grant(&user, org.id, [Permission::ViewHistory].into_iter().collect()).await;
        }
    }
    let mut names = Vec::new();
    let mut path = "/api/organizations?limit=3".to_owned();
    loop {
        let page = user.get(None, &path).await.expect(200).json();
        let items = page["items"].as_array().expect("items").clone();
        assert!(items.len() <= 3);
        names.extend(items.iter().map(|item| item["name"].as_str().unwrap_or_default().to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/api/organizations?limit=3&cursor={cursor}");
    }
    assert_eq!(names, ["alpha", "bravo", "Charlie", "Delta"]);
    let all = app.admin().get(None, "/api/organizations").await.expect(200).json();
    assert_eq!(all["items"].as_array().map(Vec::len), Some(5));
}

#[tokio::test]
async fn time_zone_and_tags_are_stored_in_one_spelling_and_their_faults_are_named() {
    let app = TestApp::new().await;
    let admin = app.admin();
    let body = json!({ "name": "Contoso", "time_zone": "Europe/Berlin", "tags": ["Gold", " eu ", "gold"] });
    let created = admin.post(None, "/api/organizations", body).await.expect(201);
    assert_eq!(created.json()["time_zone"], "Europe/Berlin");
    assert_eq!(created.json()["tags"], json!(["eu", "gold"]));
    let path = created.header("location");

    let wrong = json!({ "name": "", "time_zone": "Europe/Berln", "tags": ["fine", "a;b"] });
    let refused = admin.post(None, "/api/organizations", wrong.clone()).await;
    refused.assert_problem(422, "body-invalid");
    let errors = refused.json()["errors"].as_array().expect("errors").clone();
    let pointers: Vec<_> = errors.iter().map(|error| error["pointer"].as_str().unwrap_or_default()).collect();
    assert_eq!(pointers, ["#/time_zone", "#/tags/1", "#/name"]);
    assert_eq!(errors[0]["detail"], "unknown time zone; did you mean `Europe/Berlin`?");
    admin.patch(None, path, wrong).await.assert_problem(422, "body-invalid");
    assert_eq!(admin.get(None, path).await.expect(200).json(), created.json());
    let many: Vec<_> = (0..21).map(|number| format!("tag {number}")).collect();
    let refused = admin.patch(None, path, json!({ "tags": many })).await;
    assert_eq!(refused.json()["errors"][0]["pointer"], "#/tags");

    let kept = admin.patch(None, path, json!({ "is_active": true })).await.expect(200);
    assert_eq!(kept.json()["tags"], json!(["eu", "gold"]));
    let changed = admin.patch(None, path, json!({ "time_zone": null, "tags": [] })).await.expect(200);
    assert_eq!((&changed.json()["time_zone"], &changed.json()["tags"]), (&json!(null), &json!([])));

    let trail = app.audit(Scope::Org(created.json()["id"].as_str().expect("an id").parse().expect("an id"))).await;
    let cleared = trail.iter().find(|row| row.draft.details["after"]["time_zone"].is_null());
    let details = &cleared.expect("the last change").draft.details;
    assert_eq!(details["before"]["tags"], json!(["eu", "gold"]));
    assert_eq!(details["before"]["time_zone"], "Europe/Berlin");
    assert_eq!((&details["after"]["tags"], &details["after"]["time_zone"]), (&json!([]), &json!(null)));
}

#[tokio::test]
async fn a_list_filtered_by_tags_holds_what_has_all_of_them_and_may_be_seen() {
    let app = TestApp::new().await;
    let admin = app.admin();
    let user = app.user("user@msp.example").await;
    for (name, tags) in [("A", json!(["eu", "gold"])), ("B", json!(["eu"])), ("C", json!(["eu", "gold"]))] {
        let created = admin.post(None, "/api/organizations", json!({ "name": name, "tags": tags })).await.expect(201);
        if name == "C" {
            let id = created.json()["id"].as_str().expect("an id").parse().expect("an id");
            app.grant(&user, id, [Permission::ViewHistory].into_iter().collect()).await;
        }
    }
    let names = async |caller: &TestCaller, query: &str| {
        let page = caller.get(None, &format!("/api/organizations?{query}")).await.expect(200).json();
        let items = page["items"].as_array().expect("items").clone();
        items.iter().map(|item| item["name"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&admin, "tag=eu").await, ["A", "B", "C"]);
    assert_eq!(names(&admin, "tag=EU&limit=2&tag=gold").await, ["A", "C"]);
    assert_eq!(names(&admin, "tag=eu&tag=silver").await, [""; 0]);
    assert_eq!(names(&user, "tag=gold").await, ["C"]);
    for wrong in ["tag=", "tag=a%3Bb", "tag=eu&tags=gold", "limit=1&limit=2"] {
        let refused = admin.get(None, &format!("/api/organizations?{wrong}")).await;
        refused.assert_problem(400, "query-invalid");
    }
}

#[tokio::test]
async fn an_inactive_organization_is_closed_to_everyone_but_administrators_and_runs_nothing() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await;
    let user = app.user_with(&org, Permission::ALL).await;
    let path = format!("/api/organizations/{}", org.id);
    let _ = app.admin().patch(None, &path, json!({ "is_active": false })).await.expect(200);

    user.get(None, &path).await.assert_problem(409, "organization-inactive");
    user.get(org.id, "/api/executions").await.assert_problem(409, "organization-inactive");
    user.post(org.id, "/workflows/x", json!({})).await.assert_problem(409, "organization-inactive");
    assert_eq!(user.get(None, "/api/me").await.expect(200).json()["organizations"], json!([]));

    let _ = app.admin().get(None, &path).await.expect(200);
    let _ = app.admin().get(None, &format!("{path}/config")).await.expect(200);
    app.admin().post(org.id, "/workflows/x", json!({})).await.assert_problem(409, "organization-inactive");
    app.admin().get(org.id, "/options/x").await.assert_problem(409, "organization-inactive");
}
