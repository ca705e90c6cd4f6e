//! Finding executions among many.

use chrono::{DateTime, Duration, SecondsFormat, Utc};
use msp_domain::{Clock, ExecutionId, ExecutionStatus, OrgId, Permission, Scope};
use msp_storage::{Entity, Table, Write};
use msp_test_support::{PastExecution, TestApp, TestCaller};
use serde_json::{Value, json};

async fn ran(app: &TestApp, scope: Scope, user: &TestCaller, workflow: &str) -> String {
    let past = PastExecution {
        scope,
        workflow: workflow.to_owned(),
        user: user.user(),
        result: json!(null),
        log: String::new(),
    };
    app.past_execution(&past).await.id.key()
}

async fn page(caller: &TestCaller, org: impl Into<Option<OrgId>>, query: &str) -> Value {
    caller.get(org.into(), &format!("/api/executions{query}")).await.expect(200).json()
}

fn workflows(page: &Value) -> Vec<&str> {
    page["items"].as_array().expect("items").iter().filter_map(|item| item["workflow_name"].as_str()).collect()
}

fn text(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Puts `count` rows on record in one partition, a millisecond apart; `describe` finishes each.
async fn rows(app: &TestApp, scope: Scope, count: usize, describe: impl Fn(usize, Entity) -> Entity) {
    for batch in (0..count).collect::<Vec<_>>().chunks(100) {
        let writes = batch.iter().map(|number| {
            let now = app.clock.now();
            let id = ExecutionId::at(now);
            let row = Entity::new(scope.key(), id.row_key().expect("v7"))
                .with("ExecutionId", id.as_uuid())
                .with("Status", ExecutionStatus::Success.name())
                .with("WorkflowName", "usual")
                .with("StartedAt", now);
            Write::Insert(describe(*number, row))
        });
        let tables = &app.repositories.stores.tables;
        tables.batch(Table::WorkflowExecutions, writes.collect()).await.expect("written");
    }
}

#[tokio::test]
async fn a_range_of_time_is_found_however_many_rows_lie_outside_of_it() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await;
    let viewer = app.user_with(&org, [Permission::ViewHistory]).await;
    let start = app.clock.now();
    for name in ["first", "second", "third"] {
        ran(&app, Scope::Org(org.id), &viewer, name).await;
        app.clock.advance(Duration::minutes(10));
    }
    // More than a filter looks at: found all the same, because the range says where they are.
    rows(&app, Scope::Org(org.id), 5_100, |_, row| row).await;

    let at = |steps: i64| text(start + Duration::minutes(10 * steps));
    for caller in [&viewer, &app.admin()] {
        for named in [Some(org.id), None] {
            let found = page(caller, named, &format!("?from={}&to={}", at(1), at(2))).await;
            assert_eq!((workflows(&found), &found["next_cursor"]), (vec!["second"], &Value::Null));
            let found = page(caller, named, &format!("?to={}", at(2))).await;
            assert_eq!(workflows(&found), ["second", "first"]);
            let found = page(caller, named, &format!("?workflow=first&to={}", at(2))).await;
            assert_eq!((workflows(&found), &found["searched_to"]), (vec!["first"], &Value::Null));
        }
    }
    let later = page(&viewer, org.id, &format!("?from={}&limit=200", at(3))).await;
    assert_eq!(workflows(&later).len(), 200);
    let far = page(&viewer, org.id, "?from=2999-01-01T00:00:00Z").await;
    assert_eq!((workflows(&far).len(), &far["next_cursor"]), (0, &Value::Null));
}

#[tokio::test]
async fn several_statuses_are_asked_for_at_once() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await;
    let viewer = app.user_with(&org, [Permission::ViewHistory]).await;
    let statuses = ["Success", "Failed", "TimedOut", "Interrupted", "Failed"];
    rows(&app, Scope::Org(org.id), 5, |number, row| {
        row.with("Status", statuses[number]).with("WorkflowName", format!("{number}"))
    })
    .await;
    for (query, expected) in [
        ("?status=Failed", vec!["4", "1"]),
        ("?status=Failed,TimedOut", vec!["4", "2", "1"]),
        ("?status=Interrupted,Success", vec!["3", "0"]),
        ("?status=Cancelled,Pending", vec![]),
    ] {
        assert_eq!(workflows(&page(&viewer, org.id, query).await), expected, "{query}");
    }
}

#[tokio::test]
async fn words_are_found_in_what_a_list_shows_and_in_the_input() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await;
    let viewer = app.user_with(&org, [Permission::ViewHistory]).await;
    let scope = Scope::Org(org.id);
    rows(&app, scope, 3, |number, row| match number {
        0 => row.with("WorkflowName", "user_onboarding").with("InputData", r#"{"email":"Ada@Contoso.example"}"#),
        1 => row.with("WorkflowName", "reset").with("ErrorMessage", "No license left").with("FormName", "Reset access"),
        _ => row.with("WorkflowName", "report").with("ExecutedByName", "Zoë Å"),
    })
    .await;
    let named = ran(&app, scope, &viewer, "by_id").await;
    for (words, expected) in [
        ("ada@contoso", vec!["user_onboarding"]),
        ("ONBOARDING ada", vec!["user_onboarding"]),
        ("ada reset", vec![]),
        ("license%20access", vec!["reset"]),
        ("ZO%C3%8B", vec!["report"]),
        (&named, vec!["by_id"]),
        ("%20", vec!["by_id", "report", "reset", "user_onboarding"]),
    ] {
        let query = format!("?q={}", words.replace(' ', "%20"));
        assert_eq!(workflows(&page(&viewer, org.id, &query).await), expected, "{words}");
    }

    let (colleague, other) = (app.user_with(&org, [Permission::ExecuteWorkflows]).await, app.org("Other").await);
    let stranger = app.user_with(&other, Permission::ALL).await;
    for caller in [colleague, stranger] {
        assert_eq!(workflows(&page(&caller, None, "?q=ada").await), Vec::<&str>::new());
    }
}

#[tokio::test]
async fn a_search_looks_at_five_thousand_rows_per_answer_and_says_how_far_back() {
    for everywhere in [false, true] {
        let app = TestApp::new().await;
        let (busy, quiet) = (app.org("Busy").await, app.org("Quiet").await);
        rows(&app, Scope::Org(quiet.id), 1, |_, row| row.with("WorkflowName", "wanted")).await;
        rows(&app, Scope::Org(busy.id), 6_000, |number, row| {
            row.with("WorkflowName", if number == 10 { "wanted" } else { "usual" })
        })
        .await;
        let written = app.clock.now();
        let named = (!everywhere).then_some(busy.id);

        let first = page(&app.admin(), named, "?q=wanted").await;
        assert_eq!(first["items"], json!([]), "the row lies behind the first 5,000");
        let searched_to: DateTime<Utc> = first["searched_to"].as_str().expect("how far").parse().expect("an instant");
        let looked_at = (written - searched_to).num_milliseconds();
        // A row each millisecond; the instant is that of the next one, which was not looked at.
        assert!((4_000..=5_001).contains(&looked_at), "{looked_at} rows");

        // What arrives meanwhile is newer than where the search stands: it neither shifts nor repeats anything.
        rows(&app, Scope::Org(busy.id), 3, |_, row| row.with("WorkflowName", "wanted")).await;
        let cursor = first["next_cursor"].as_str().expect("more");
        let rest = page(&app.admin(), named, &format!("?q=wanted&cursor={cursor}")).await;
        assert_eq!(workflows(&rest).len(), if everywhere { 2 } else { 1 });
        assert_eq!(rest["next_cursor"], Value::Null);
    }
}

#[tokio::test]
async fn pages_are_neither_shifted_nor_repeated_by_rows_that_arrive() {
    let app = TestApp::new().await;
    let (one, two) = (app.org("One").await, app.org("Two").await);
    for round in 0..20 {
        for org in [&one, &two] {
            rows(&app, Scope::Org(org.id), 1, |_, row| row.with("WorkflowName", format!("{round} {}", org.name))).await;
        }
    }
    let all = page(&app.admin(), None, "").await;
    let expected: Vec<String> = workflows(&all).into_iter().map(str::to_owned).collect();
    assert_eq!(expected.len(), 40);
    for filter in ["", "&q=o"] {
        let mut listed = Vec::new();
        let mut cursor = String::new();
        loop {
            let found = page(&app.admin(), None, &format!("?limit=3{filter}{cursor}")).await;
            listed.extend(workflows(&found).into_iter().map(str::to_owned));
            let Some(next) = found["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
            rows(&app, Scope::Org(one.id), 1, |_, row| row.with("WorkflowName", "newer o")).await;
        }
        let kept: Vec<&String> = listed.iter().filter(|name| *name != "newer o").collect();
        assert_eq!(kept, expected.iter().collect::<Vec<_>>(), "{filter}");
    }
}

#[tokio::test]
async fn what_repeats_an_execution_is_found_by_it() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await;
    let other = app.org("Fabrikam").await;
    let viewer = app.user_with(&org, [Permission::ViewHistory]).await;
    let earlier = ran(&app, Scope::Org(org.id), &viewer, "earlier").await;
    let earlier: ExecutionId = earlier.parse().expect("an id");
    let repeat = |number: usize, row: Entity| match number {
        1 => row.with("WorkflowName", "again").with("RetryOf", earlier.as_uuid()),
        2 => row.with("RetryOf", ExecutionId::at(app.clock.now()).as_uuid()),
        _ => row,
    };
    rows(&app, Scope::Org(org.id), 4, repeat).await;
    rows(&app, Scope::Org(other.id), 4, repeat).await;

    for named in [Some(org.id), None] {
        let found = page(&viewer, named, &format!("?retry_of={earlier}")).await;
        assert_eq!(workflows(&found), ["again"], "the other organization's repeat is not the caller's to see");
    }
    viewer.get(Some(org.id), "/api/executions?retry_of=yesterday").await.assert_problem(400, "query-invalid");
}

#[tokio::test]
async fn the_runs_of_one_user_are_found_among_any_number_of_others_and_only_where_the_caller_may_look() {
    let app = TestApp::new().await;
    let (one, two, hidden) = (app.org("One").await, app.org("Two").await, app.org("Hidden").await);
    let viewer = app.user_with(&one, [Permission::ViewHistory]).await;
    app.grant(&viewer, two.id, [Permission::ViewHistory].into_iter().collect()).await;
    let runner = app.user_with(&one, [Permission::ExecuteWorkflows]).await;
    for (org, name) in [(&one, "first"), (&two, "second"), (&hidden, "hidden"), (&one, "third")] {
        ran(&app, Scope::Org(org.id), &runner, name).await;
    }
    // More than a filter looks at.
    rows(&app, Scope::Org(one.id), 5_100, |_, row| row).await;
    ran(&app, Scope::Org(two.id), &runner, "fourth").await;
    ran(&app, Scope::Org(two.id), &viewer, "somebody else's").await;

    let of_runner = format!("?user={}", runner.user());
    for (caller, named, query, expected) in [
        (&viewer, None, "", vec!["fourth", "third", "second", "first"]),
        (&viewer, Some(one.id), "", vec!["third", "first"]),
        (&viewer, None, "&workflow=second", vec!["second"]),
        (&viewer, None, "&status=Failed", vec![]),
        (&app.admin(), None, "", vec!["fourth", "third", "hidden", "second", "first"]),
        // Without `view_history` one's own, where one may run something.
        (&runner, None, "", vec!["third", "first"]),
    ] {
        let found = page(caller, named, &format!("{of_runner}{query}")).await;
        assert_eq!((workflows(&found), &found["next_cursor"]), (expected, &Value::Null), "{query}");
        assert_eq!(found["searched_to"], Value::Null, "everything was looked at in one answer");
    }
    assert_eq!(workflows(&page(&runner, None, "").await), ["third", "first"], "without a filter as well");

    let (mut listed, mut cursor) = (Vec::new(), String::new());
    loop {
        let found = page(&viewer, None, &format!("{of_runner}&limit=1{cursor}")).await;
        listed.extend(workflows(&found).into_iter().map(str::to_owned));
        let Some(next) = found["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
        // What arrives meanwhile is newer than where the list stands.
        ran(&app, Scope::Org(one.id), &runner, "newer").await;
    }
    assert_eq!(listed, ["fourth", "third", "second", "first"]);
    let refused = app.admin().get(None, &format!("/api/executions{of_runner}&cursor=%21")).await;
    refused.assert_problem(400, "query-invalid");
}
