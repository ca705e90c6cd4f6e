//! Many grants at once, and who can reach what.

use chrono::Duration;
use futures::StreamExt as _;
use msp_domain::{Clock, OrgId, Permission, UserId};
use msp_test_support::TestApp;
use serde_json::{Value, json};

async fn items(app: &TestApp, path: &str) -> Vec<Value> {
    let mut all = Vec::new();
    let mut next = String::new();
    loop {
        let separator = if path.contains('?') { '&' } else { '?' };
        let page = app.admin().get(None, &format!("{path}{separator}limit=2{next}")).await.expect(200).json();
        all.extend(page["items"].as_array().expect("items").clone());
        let Some(cursor) = page["next_cursor"].as_str() else { return all };
        next = format!("&cursor={cursor}");
    }
}

fn names(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["display_name"].as_str().expect("a name")).collect()
}

#[tokio::test]
async fn one_grant_for_many_is_checked_as_a_whole_and_answered_pair_by_pair() {
    let app = TestApp::new().await;
    let admin = app.admin();
    let orgs = [app.org("Contoso").await, app.org("Fabrikam").await];
    let users = [app.user("ada@msp.example").await, app.user("bob@msp.example").await];
    let user_ids: Vec<UserId> = users.iter().map(|user| user.user()).collect();
    let org_ids: Vec<OrgId> = orgs.iter().map(|org| org.id).collect();
    let many = |user_ids: Value, org_ids: Value, grant: Value| json!({ "user_ids": user_ids, "org_ids": org_ids, "grant": grant });
    let wanted = json!({ "manage_config": true });
    for (body, pointer) in [
        (many(json!([user_ids[0], UserId::random()]), json!(org_ids), wanted.clone()), "#/user_ids/"),
        (many(json!(user_ids), json!([OrgId::random()]), wanted.clone()), "#/org_ids/0"),
        (many(json!(user_ids), json!([]), wanted.clone()), "#/user_ids"),
        (
            many(json!(user_ids), json!(org_ids), json!({ "execute_workflows": true, "categories": [] })),
            "#/grant/categories",
        ),
        (
            many(json!(vec![json!(UserId::random()); 1]), json!(vec![OrgId::random(); 1]), wanted.clone()),
            "#/user_ids/0",
        ),
    ] {
        let answer = admin.post(None, "/api/permissions/bulk", body).await;
        answer.assert_problem(422, "body-invalid");
        let named = answer.json()["errors"][0]["pointer"].as_str().expect("a pointer").to_owned();
        assert!(named.starts_with(pointer), "{}", answer.text());
    }
    let config = |org: OrgId| format!("/api/organizations/{org}/config");
    users[0].get(None, &config(org_ids[0])).await.assert_problem(403, "permission-denied");

    let body = many(json!(user_ids), json!(org_ids), wanted);
    let pairs = admin.post(None, "/api/permissions/bulk", body.clone()).await.expect(200).json();
    let pairs = pairs["items"].as_array().expect("pairs").clone();
    assert_eq!(pairs.len(), 4);
    assert!(pairs.iter().all(|pair| pair["outcome"] == "set" && pair["grant"]["permissions"]["manage_config"] == true));
    for user in &users {
        for org in &org_ids {
            let _ = user.get(None, &config(*org)).await.expect(200);
        }
    }
    users[0].post(None, "/api/permissions/bulk", body).await.assert_problem(403, "administrator-required");
}

#[tokio::test]
async fn grants_are_copied_to_replace_or_to_add() {
    let app = TestApp::new().await;
    let admin = app.admin();
    let (contoso, fabrikam, tailspin) =
        (app.org("Contoso").await, app.org("Fabrikam").await, app.org("Tailspin").await);
    let (from, to) = (app.user("ada@msp.example").await, app.user("bob@msp.example").await);
    let set = async |user: UserId, org: OrgId, body: Value| {
        let _ = admin.put(None, &format!("/api/users/{user}/permissions/{org}"), body).await.expect(200);
    };
    let soon = app.clock.now() + Duration::minutes(5);
    set(from.user(), contoso.id, json!({ "execute_workflows": true, "categories": ["a"] })).await;
    set(from.user(), fabrikam.id, json!({ "view_history": true, "expires_at": app.clock.now() + Duration::days(1) }))
        .await;
    set(from.user(), tailspin.id, json!({ "manage_config": true, "expires_at": soon })).await;
    set(to.user(), contoso.id, json!({ "execute_workflows": true, "manage_forms": true, "categories": ["b"] })).await;
    set(to.user(), fabrikam.id, json!({ "manage_forms": true })).await;
    set(to.user(), tailspin.id, json!({ "manage_forms": true })).await;
    app.clock.advance(Duration::minutes(5));

    let copy = format!("/api/users/{}/permissions/copy", to.user());
    let outcome = |pairs: &Value, org: OrgId| {
        let pairs = pairs["items"].as_array().expect("pairs");
        pairs.iter().find(|pair| pair["org_id"] == json!(org)).map(|pair| pair["outcome"].clone())
    };
    let held = async |org: OrgId| admin.get(None, &format!("/api/users/{}/permissions/{org}", to.user())).await;
    let added = admin.post(None, &copy, json!({ "from": from.user(), "mode": "add" })).await.expect(200).json();
    assert_eq!(outcome(&added, contoso.id), Some(json!("set")));
    assert_eq!(outcome(&added, fabrikam.id), Some(json!("different_end")));
    assert_eq!(outcome(&added, tailspin.id), None, "what has expired is not copied");
    let grant = held(contoso.id).await.expect(200).json();
    assert_eq!((&grant["categories"], &grant["permissions"]["manage_forms"]), (&json!(["a", "b"]), &json!(true)));
    let again = admin.post(None, &copy, json!({ "from": from.user(), "mode": "add" })).await.expect(200).json();
    assert_eq!(outcome(&again, contoso.id), Some(json!("kept")));

    let replaced = admin.post(None, &copy, json!({ "from": from.user(), "mode": "replace" })).await.expect(200).json();
    assert_eq!(outcome(&replaced, contoso.id), Some(json!("set")));
    assert_eq!(outcome(&replaced, tailspin.id), Some(json!("revoked")));
    assert_eq!(held(contoso.id).await.expect(200).json()["categories"], json!(["a"]));
    held(tailspin.id).await.assert_problem(404, "not-found");
    for wrong in [json!({ "from": to.user(), "mode": "add" }), json!({ "from": UserId::random(), "mode": "add" })] {
        admin.post(None, &copy, wrong).await.assert_problem(422, "body-invalid");
    }
    to.post(None, &copy, json!({ "from": from.user(), "mode": "add" }))
        .await
        .assert_problem(403, "administrator-required");
}

#[tokio::test]
async fn who_can_reach_an_organization_and_what_somebody_can_reach_are_listed_with_names() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await;
    let _other = app.org("Fabrikam").await;
    let (ada, bob, eve) =
        (app.user("ada@msp.example").await, app.user("bob@msp.example").await, app.user("eve@msp.example").await);
    let admin = app.admin();
    let grant = format!("/api/users/{}/permissions/{}", ada.user(), org.id);
    let body = json!({ "execute_workflows": true, "expires_at": app.clock.now() + Duration::minutes(5) });
    let _ = admin.put(None, &grant, body).await.expect(200);
    let _ = admin.patch(None, &format!("/api/users/{}", bob.user()), json!({ "is_auditor": true })).await.expect(200);

    let path = format!("/api/organizations/{}/permissions", org.id);
    let reach = items(&app, &path).await;
    assert_eq!(names(&reach), ["ada@msp.example", "Administrator", "bob@msp.example"]);
    let through: Vec<&Value> = reach.iter().map(|one| &one["through"]).collect();
    assert_eq!(through, [&json!("grant"), &json!("administrator"), &json!("auditor")]);
    assert_eq!(reach[0]["granted_by_name"], "Administrator");
    let reached = |user: UserId| format!("/api/users/{user}/organizations");
    assert_eq!(items(&app, &reached(ada.user())).await.len(), 1);
    assert_eq!(items(&app, &reached(bob.user())).await.len(), 2, "an auditor reads everywhere");
    assert!(items(&app, &reached(eve.user())).await.is_empty());
    app.clock.advance(Duration::minutes(5));
    assert_eq!(items(&app, &path).await[0]["is_expired"], true, "it stays listed");
    assert!(items(&app, &reached(ada.user())).await.is_empty());
    let _ = bob.get(None, &path).await.expect(200);
    ada.get(None, &path).await.assert_problem(403, "administrator-required");
    ada.get(None, &reached(ada.user())).await.assert_problem(403, "administrator-required");
}

#[tokio::test]
async fn the_access_review_says_who_may_do_what_and_who_does_not_use_it_also_as_a_file() {
    let app = TestApp::new().await;
    let org = app.org("=HYPERLINK(\"x\")").await;
    let ada = app.user_with(&org, [Permission::ExecuteWorkflows, Permission::ViewHistory]).await;
    let rows = items(&app, "/api/access-review").await;
    let everywhere: Vec<&Value> = rows.iter().filter(|row| row["org_id"].is_null()).collect();
    assert_eq!((everywhere.len(), &everywhere[0]["through"]), (1, &json!("administrator")));
    let of_ada = rows.iter().find(|row| row["user_id"] == json!(ada.user())).expect("a row");
    assert_eq!((&of_ada["org_name"], &of_ada["unused_days"]), (&json!(org.name), &json!(0)));
    assert_eq!(of_ada["last_used_at"], Value::Null);

    app.clock.advance(Duration::days(40));
    app.repositories.users.signed_in(ada.user(), &msp_storage::repositories::Actor::PLATFORM).await.expect("noted");
    let unused = items(&app, "/api/access-review?unused_days=30").await;
    assert_eq!(names(&unused), ["Administrator"], "who signed in is not among them");
    let wrong = app.admin().get(None, "/api/access-review?unused_days=-1").await;
    wrong.assert_problem(400, "query-invalid");

    let file = app.admin().request("GET", "/api/access-review").header("accept", "text/csv").send().await.expect(200);
    assert_eq!(file.header("content-type"), "text/csv; charset=utf-8");
    let text = file.text();
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert!(lines[0].starts_with("\u{feff}user_id,display_name,email"), "{text}");
    assert_eq!(lines.len(), 4, "a head, two rows, the end: {text}");
    assert!(text.contains("\"'=HYPERLINK(\"\"x\"\")\""), "{text}");
    assert!(text.contains("execute_workflows view_history"), "{text}");
    let ada = app.scoped(&ada, "Workflows.Execute Forms.Manage Organizations.Manage");
    ada.get(None, "/api/access-review").await.assert_problem(403, "administrator-required");
}

#[tokio::test]
async fn the_pages_of_an_access_review_hold_every_row_once_however_small_they_are() {
    let app = TestApp::new().await;
    let admin = app.admin();
    let (ada, bob, eve) =
        (app.user("ada@msp.example").await, app.user("bob@msp.example").await, app.user("eve@msp.example").await);
    let mut expected = vec![(admin.user(), None)];
    for name in ["Contoso", "Fabrikam", "Tailspin"] {
        let org = app.org(name).await.id;
        for user in [ada.user(), bob.user()] {
            let grant = json!({ "execute_workflows": true });
            let _ = admin.put(None, &format!("/api/users/{user}/permissions/{org}"), grant).await.expect(200);
            expected.push((user, Some(org)));
        }
    }
    // With both, grants and flag; eve has neither.
    let _ = admin.patch(None, &format!("/api/users/{}", bob.user()), json!({ "is_auditor": true })).await.expect(200);
    expected.push((bob.user(), None));
    expected.sort_by_key(|(user, org)| (*user, org.is_none(), *org));
    assert!(expected.iter().all(|(user, _)| *user != eve.user()));

    for limit in 1..=10 {
        let (mut rows, mut next) = (Vec::new(), String::new());
        loop {
            let page = admin.get(None, &format!("/api/access-review?limit={limit}{next}")).await.expect(200).json();
            let items = page["items"].as_array().expect("items");
            assert!(items.len() <= limit, "{} of {limit}", items.len());
            rows.extend(items.iter().map(|row| {
                let user = row["user_id"].as_str().expect("a user").parse::<UserId>().expect("an id");
                (user, row["org_id"].as_str().map(|id| id.parse::<OrgId>().expect("an id")))
            }));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            next = format!("&cursor={cursor}");
        }
        assert_eq!(rows, expected, "pages of {limit}");
    }
    let foreign = admin.get(None, "/api/access-review?cursor=bm90IG91cnM").await;
    foreign.assert_problem(400, "query-invalid");
}

#[tokio::test]
async fn a_file_of_the_access_review_whose_caller_loses_the_right_breaks_off() {
    let app = TestApp::new().await;
    let auditor = app.user("auditor@msp.example").await;
    let path = format!("/api/users/{}", auditor.user());
    let _ = app.admin().patch(None, &path, json!({ "is_auditor": true })).await.expect(200);
    for number in 0..230 {
        let _ = app.user(&format!("user{number}@msp.example")).await;
    }
    let request = auditor.request("GET", "/api/access-review").header("accept", "text/csv");
    let mut body = request.send_in_parts().await;
    assert!(body.next().await.expect("a part").is_ok());
    let _ = app.admin().patch(None, &path, json!({ "is_auditor": false })).await.expect(200);
    assert!(body.next().await.expect("it does not just end").is_err(), "what was there is no whole file");
    assert!(body.next().await.is_none());
}
