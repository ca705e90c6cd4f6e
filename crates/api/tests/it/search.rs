//! One text, looked for in everything the caller may list.

use msp_domain::{Clock, OrgId, Permission, Scope, form::FormSchema};
use msp_storage::{
    Repositories,
    repositories::{Actor, organizations::Organization},
};
use msp_test_support::{PastExecution, TestApp, TestCaller};
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

const LAUNCHER: &str = env!("CARGO_BIN_EXE_msp-api-worker-launcher");

fn schema(name: &str) -> FormSchema {
    let fields = json!([{ "name": "email", "label": "Address", "type": "email" }]);
    FormSchema::parse(&json!({ "name": name, "workflow": "some_workflow", "fields": fields })).expect("a form")
}

async fn form(repositories: &Repositories, scope: impl Into<Scope>, name: &str) -> Uuid {
    repositories.forms.create(scope.into(), &schema(name), &Actor::PLATFORM).await.expect("created").id
}

/// The groups by kind, each as the names in it.
async fn found(caller: &TestCaller, org: impl Into<Option<OrgId>>, query: &str) -> Vec<(String, Vec<String>)> {
    let answer = caller.get(org, &format!("/api/search?{query}")).await.expect(200).json();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let items =
        |group: &Value| group["items"].as_array().expect("items").iter().map(|hit| text(&hit["name"])).collect();
    let groups = answer["groups"].as_array().expect("groups").iter();
    groups.map(|group| (text(&group["type"]), items(group))).collect()
}

fn names(groups: &[(String, Vec<String>)], kind: &str) -> Vec<String> {
    groups.iter().find(|(of, _)| of == kind).map(|(_, names)| names.clone()).unwrap_or_default()
}

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
}

#[tokio::test]
async fn beginnings_come_before_words_and_these_before_insides_and_favourites_before_their_equals() {
    let Desk { app, org, technician } = Desk::new().await;
    for name in ["Renew a licence", "Make it new", "New user", "New mailbox", "Leaver"] {
        form(&app.repositories, Scope::Org(org.id), name).await;
    }
    form(&app.repositories, Scope::Global, "New ticket").await;
    let expected = ["New mailbox", "New ticket", "New user", "Make it new", "Renew a licence"];
    assert_eq!(names(&found(&technician, None, "q=new").await, "forms"), expected);
    assert_eq!(names(&found(&technician, None, "q=USER%20%20new").await, "forms"), ["New user"]);
    let about = names(&found(&technician, None, "q=some_work%20leaver").await, "forms");
    assert_eq!(about, ["Leaver"], "what is said about it counts too");

    let all = technician.get(None, "/api/search?q=new&limit=2").await.expect(200).json();
    assert_eq!(
        (all["groups"][0]["items"].as_array().map(Vec::len), &all["groups"][0]["has_more"]),
        (Some(2), &json!(true))
    );
    let hit = &technician.get(None, "/api/search?q=new%20user").await.expect(200).json()["groups"][0]["items"][0];
    assert_eq!((&hit["org_id"], &hit["org_name"]), (&json!(org.id), &json!("Contoso")));
    let marked = json!({ "favourites": { "forms": [hit["id"]] } });
    let _ = technician.put(None, "/api/me/settings", marked).await.expect(200);
    assert_eq!(names(&found(&technician, None, "q=new").await, "forms")[0], "New user");

    let groups = found(&technician, None, "q=con").await;
    assert_eq!(groups, [("organizations".to_owned(), vec!["Contoso".to_owned()])]);
    assert!(found(&technician, None, "q=con&types=forms,executions").await.is_empty());
}

#[tokio::test]
async fn every_change_is_found_by_the_next_search_also_one_of_another_process() {
    let Desk { app, org, technician } = Desk::new().await;
    let scope = Scope::Org(org.id);
    let other = Repositories::new(app.repositories.stores.clone(), app.clock.clone() as Arc<dyn Clock>);
    assert!(found(&technician, org.id, "q=onboard").await.is_empty());
    let id = form(&other, scope, "Onboard").await;
    assert_eq!(names(&found(&technician, org.id, "q=onboard").await, "forms"), ["Onboard"]);
    other.forms.replace((scope, id), &schema("Welcome"), None, &Actor::PLATFORM).await.expect("changed");
    assert!(found(&technician, org.id, "q=onboard").await.is_empty());
    assert_eq!(names(&found(&technician, org.id, "q=welcome").await, "forms"), ["Welcome"]);
    other.forms.set_active((scope, id), false, None, &Actor::PLATFORM).await.expect("changed");
    assert!(found(&technician, org.id, "q=welcome").await.is_empty(), "inactive ones are for those who make them");
    assert_eq!(names(&found(&app.admin(), org.id, "q=welcome").await, "forms"), ["Welcome"]);
    app.repositories.forms.delete((scope, id), None, &Actor::PLATFORM).await.expect("deleted");
    assert!(found(&app.admin(), org.id, "q=welcome").await.is_empty());

    let tess = other.users.create("tess@msp.example", "Tess Technician", false, &Actor::PLATFORM).await;
    assert_eq!(names(&found(&app.admin(), None, "q=tess").await, "users"), ["Tess Technician"]);
    tess.expect("created");
    other.grants.revoke(technician.user(), org.id, &Actor::PLATFORM).await.expect("revoked");
    assert!(found(&technician, None, "q=contoso").await.is_empty(), "without a right nothing is found any more");
}

#[tokio::test]
async fn nobody_finds_what_no_list_would_show() {
    let Desk { app, org, technician } = Desk::new().await;
    let other = app.org("Secret Fabrikam").await;
    let member = app.user_with(&other, Permission::ALL).await;
    form(&app.repositories, Scope::Org(other.id), "Secret form").await;
    let run = async |scope, user: &TestCaller, workflow: &str| {
        let (workflow, log) = (workflow.to_owned(), String::from("a line"));
        app.past_execution(&PastExecution { scope, workflow, user: user.user(), result: json!(1), log }).await.id
    };
    let of_other = run(Scope::Org(other.id), &member, "secret_work").await;
    let of_admin = run(Scope::Org(org.id), &app.admin(), "secret_of_admin").await;
    let own = run(Scope::Org(org.id), &technician, "secret_of_own").await;

    let groups = found(&technician, None, "q=secret").await;
    assert_eq!(groups, [("executions".to_owned(), vec!["secret_of_own".to_owned()])], "one's own runs, and no users");
    for (id, is_found) in [(own, true), (of_admin, false), (of_other, false)] {
        for named in [None, Some(org.id)] {
            let groups = found(&technician, named, &format!("q={id}")).await;
            assert_eq!(!groups.is_empty(), is_found, "{id} in {named:?}: {groups:?}");
        }
    }
    technician.get(other.id, "/api/search?q=secret").await.assert_problem(403, "permission-denied");
    technician
        .get(None, &format!("/api/search?q=secret&org_id={}", other.id))
        .await
        .assert_problem(403, "permission-denied");
    app.stranger().get(None, "/api/search?q=secret").await.assert_problem(401, "unauthenticated");

    let of_member: Vec<_> = found(&member, None, "q=secret").await.into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(of_member, ["organizations", "forms", "executions"]);
    let of_admin_all = found(&app.admin(), None, "q=secret").await;
    assert_eq!(names(&of_admin_all, "executions").len(), 3);
    assert_eq!(names(&found(&app.admin(), other.id, "q=secret").await, "executions"), ["secret_work"]);
}

#[tokio::test]
async fn workflows_are_found_by_those_who_may_run_them() {
    let source = "from shared.decorators import workflow\n\n@workflow(name=\"user_onboarding\", description=\"Creates a user\", \
                  category=\"people\")\nasync def onboard(context):\n    return 1\n";
    let app = TestApp::with_engine(LAUNCHER, &[("workflows/onboard.py", source)]).await;
    let org = app.org("Contoso").await;
    let technician = app.user_with(&org, [Permission::ExecuteWorkflows]).await;
    let reader = app.user_with(&org, [Permission::ViewHistory]).await;
    for named in [None, Some(org.id)] {
        for query in ["q=onboarding", "q=creates", "q=people"] {
            assert_eq!(names(&found(&technician, named, query).await, "workflows"), ["user_onboarding"], "{query}");
        }
        assert!(found(&reader, named, "q=onboarding").await.is_empty());
    }
    let limited = app.user("limited@msp.example").await;
    let path = format!("/api/users/{}/permissions/{}", limited.user(), org.id);
    let grant = json!({ "execute_workflows": true, "categories": ["machines"] });
    let _ = app.admin().put(None, &path, grant).await.expect(200);
    assert!(found(&limited, org.id, "q=onboarding").await.is_empty());
}

#[tokio::test]
async fn texts_kinds_and_limits_are_checked() {
    let Desk { technician, .. } = Desk::new().await;
    let long = "x".repeat(101);
    for query in [
        "",
        "q=",
        "q=%20",
        &format!("q={long}"),
        "q=a&types=forms,secrets",
        "q=a&limit=0",
        "q=a&limit=21",
        "q=a&sort=x",
    ] {
        technician.get(None, &format!("/api/search?{query}")).await.assert_problem(400, "query-invalid");
    }
}
