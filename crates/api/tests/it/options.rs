//! Answers of option generators that are kept: for whom, for how long, and what makes them void.

use chrono::Duration;
use msp_domain::{Permission, Permissions};
use msp_test_support::{Answer, TestApp};
use serde_json::{Value, json};

const LAUNCHER: &str = env!("CARGO_BIN_EXE_msp-api-worker-launcher");
const SECRET: &str = "correct-horse-battery";

const OPTIONS: &str = r#"
import uuid
from shared.decorators import option_generator, workflow

def answer(label):
    return [{"label": label, "value": str(uuid.uuid4())}, {"label": "other", "value": "x"}]

@option_generator(name="kept")
async def kept(context, shade="light"):
    return answer(shade)

@option_generator(name="never_kept", cache_seconds=0)
async def never_kept(context):
    return answer("now")

@option_generator(name="personal", cache_seconds=30)
async def personal(context):
    return answer(context.caller.email)

@option_generator(name="clients")
async def clients(context):
    return [{"label": org.name, "value": org.id} for org in await context.organizations()]

@workflow(name="count_clients", description="Counts", requires_org=False)
async def count_clients(context):
    return [org.name for org in await context.organizations()]

failed = False

@option_generator(name="fails_at_first")
async def fails_at_first(context):
    global failed
    if not failed:
        failed = True
        raise ValueError("not yet")
    return answer("better")

@option_generator(name="knows_a_secret")
async def knows_a_secret(context):
    return ["correct-horse-battery"]

@option_generator(name="reads_the_secret")
async def reads_the_secret(context):
    return [await context.secrets.get("key")]
"#;

async fn app() -> TestApp {
    TestApp::with_engine(LAUNCHER, &[("options/demo.py", OPTIONS)]).await
}

/// The value of the first option, which differs with every run of its generator.
fn run_of(answer: &Answer) -> Value {
    let body = answer.clone().expect(200).json();
    let items = if body.is_array() { &body } else { &body["items"] };
    items[0]["value"].clone()
}

fn is_kept(answer: &Answer) -> bool {
    !answer.header("age").is_empty()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_kept_as_long_as_its_generator_allows_and_no_cache_asks_anew() {
    let app = app().await;
    let org = app.org("Contoso").await;
    let user = app.user_with(&org, [Permission::ExecuteWorkflows]).await;
    let path = "/options/kept?shade=dark";
    let ask = |more: Value| {
        let mut body = json!({ "inputs": { "shade": "dark" } });
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        user.request("POST", "/options/kept").org(org.id).json(&body)
    };

    let first = user.get(org.id, path).await;
    assert!(!is_kept(&first));
    app.clock.advance(Duration::seconds(10));
    // Neither method nor search nor limit makes it another question.
    let again = ask(json!({ "limit": 1, "search": "DARK" })).send().await;
    assert_eq!((run_of(&again), again.header("age")), (run_of(&first), "10"));
    assert_eq!((&again.json()["ttl_seconds"], &again.json()["truncated"]), (&json!(50), &json!(false)));
    let searched = ask(json!({ "search": "oth" })).send().await.expect(200).json();
    assert_eq!(searched["items"], json!([{ "label": "other", "value": "x" }]));
    let other = user.get(org.id, "/options/kept").await;
    assert!(!is_kept(&other), "another input is another question");

    let anew = user.request("GET", path).org(org.id).header("cache-control", "max-age=0, No-Cache").send().await;
    assert!(!is_kept(&anew) && run_of(&anew) != run_of(&first));
    let replaced = ask(json!({})).send().await;
    assert_eq!((run_of(&replaced), is_kept(&replaced)), (run_of(&anew), true));
    let anew = ask(json!({})).header("cache-control", "no-cache").send().await;
    assert!(!is_kept(&anew) && run_of(&anew) != run_of(&replaced));
    assert_eq!(anew.json()["ttl_seconds"], 60, "what a generator that says nothing is kept for");

    app.clock.advance(Duration::seconds(60));
    let later = user.get(org.id, path).await;
    assert!(!is_kept(&later) && run_of(&later) != run_of(&anew));

    let (one, two) = (user.get(org.id, "/options/never_kept").await, user.get(org.id, "/options/never_kept").await);
    assert!(!is_kept(&two) && run_of(&one) != run_of(&two));
    let failed = user.get(org.id, "/options/fails_at_first").await;
    failed.assert_problem(424, "options-failed");
    let problem = failed.json();
    assert_eq!((&problem["generator"], &problem["error_type"]), (&json!("fails_at_first"), &json!("ValueError")));
    assert_eq!(problem["detail"], "The option generator `fails_at_first` failed (ValueError): not yet");
    assert_eq!(user.get(org.id, "/options/fails_at_first").await.expect(200).json()[0]["label"], "better");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_shared_within_its_organization_unless_the_generator_looked_at_its_caller() {
    let app = app().await;
    let (contoso, fabrikam) = (app.org("Contoso").await, app.org("Fabrikam").await);
    let ada = app.user_with(&contoso, [Permission::ExecuteWorkflows]).await;
    let bob = app.user_with(&contoso, [Permission::ManageForms]).await;
    let eve = app.user_with(&fabrikam, [Permission::ExecuteWorkflows]).await;

    let of_ada = ada.get(contoso.id, "/options/kept").await;
    let of_bob = bob.get(contoso.id, "/options/kept").await;
    assert_eq!((run_of(&of_bob), is_kept(&of_bob)), (run_of(&of_ada), true));
    eve.get(contoso.id, "/options/kept").await.assert_problem(403, "permission-denied");
    let of_eve = eve.get(fabrikam.id, "/options/kept").await;
    assert!(!is_kept(&of_eve) && run_of(&of_eve) != run_of(&of_ada));
    let of_nobody = ada.get(None, "/options/kept").await;
    assert!(!is_kept(&of_nobody), "without organization it is another question");

    let of_ada = ada.get(contoso.id, "/options/personal").await;
    let of_bob = bob.get(contoso.id, "/options/personal").await;
    assert!(!is_kept(&of_bob) && of_bob.json()[0]["label"] != of_ada.json()[0]["label"]);
    for (caller, first) in [(&ada, &of_ada), (&bob, &of_bob)] {
        let again = caller.get(contoso.id, "/options/personal").await;
        assert_eq!((again.json(), is_kept(&again)), (first.json(), true));
    }

    // The gate is asked every time.
    app.grant(&bob, contoso.id, Permissions::NONE).await;
    for path in ["/options/kept", "/options/personal"] {
        bob.get(contoso.id, path).await.assert_problem(403, "permission-denied");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_settings_makes_what_was_answered_before_void() {
    let app = app().await;
    let org = app.org("Contoso").await;
    let user = app.user_with(&org, [Permission::ExecuteWorkflows]).await;
    let before = user.get(org.id, "/options/kept").await;
    assert!(is_kept(&user.get(org.id, "/options/kept").await));
    let path = format!("/api/organizations/{}/config/offices", org.id);
    let _ = app.admin().put(None, &path, json!({ "type": "string", "value": "Kiel" })).await.expect(200);
    let after = user.get(org.id, "/options/kept").await;
    assert!(!is_kept(&after) && run_of(&after) != run_of(&before));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_a_secret_makes_what_was_answered_before_void() {
    let app = app().await;
    let org = app.org("Contoso").await;
    let user = app.user_with(&org, [Permission::ExecuteWorkflows]).await;
    for path in [format!("/api/organizations/{}/secrets/key", org.id), "/api/global/secrets/key".to_owned()] {
        for value in [SECRET, "another-horse-battery"] {
            let before = user.get(org.id, "/options/kept").await;
            assert!(is_kept(&user.get(org.id, "/options/kept").await));
            let _ = app.admin().put(None, &path, json!({ "value": value })).await.expect(204);
            let after = user.get(org.id, "/options/kept").await;
            assert!(!is_kept(&after) && run_of(&after) != run_of(&before), "{path}");
        }
        assert!(is_kept(&user.get(org.id, "/options/kept").await));
        let _ = app.admin().delete(None, &path).await.expect(204);
        assert!(!is_kept(&user.get(org.id, "/options/kept").await), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_the_workers_received_since_is_masked_in_what_was_answered_before() {
    let app = app().await;
    let org = app.org("Contoso").await;
    let user = app.user_with(&org, [Permission::ExecuteWorkflows]).await;
    let path = format!("/api/organizations/{}/secrets/key", org.id);
    let _ = app.admin().put(None, &path, json!({ "value": SECRET })).await.expect(204);

    let before = user.get(org.id, "/options/knows_a_secret").await.expect(200);
    assert_eq!(before.json()[0]["value"], SECRET, "nobody received it yet: it is a text of the author's");
    let read = user.get(org.id, "/options/reads_the_secret").await.expect(200);
    assert!(!read.text().contains(SECRET), "{}", read.text());
    let after = user.get(org.id, "/options/knows_a_secret").await.expect(200);
    assert!(is_kept(&after) && !after.text().contains(SECRET), "{}", after.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_organizations_of_the_context_are_those_its_caller_may_run_workflows_in() {
    let app = app().await;
    let (contoso, fabrikam) = (app.org("Contoso").await, app.org("Fabrikam").await);
    let (idle, foreign) = (app.org("Idle").await, app.org("Foreign").await);
    let ada = app.user_with(&contoso, [Permission::ExecuteWorkflows]).await;
    let execute = || [Permission::ExecuteWorkflows].into_iter().collect::<Permissions>();
    app.grant(&ada, idle.id, execute()).await;
    app.grant(&ada, foreign.id, [Permission::ViewHistory, Permission::ManageForms].into_iter().collect()).await;
    let bob = app.user_with(&contoso, [Permission::ExecuteWorkflows]).await;
    let inactive = json!({ "is_active": false });
    let _ = app.admin().patch(None, &format!("/api/organizations/{}", idle.id), inactive).await.expect(200);

    let labels = |answer: Answer| -> Vec<Value> {
        let items = answer.expect(200).json();
        items.as_array().expect("a list").iter().map(|item| item["label"].clone()).collect()
    };
    let clients = "/options/clients";
    assert_eq!(labels(ada.get(contoso.id, clients).await), ["Contoso"]);
    assert!(is_kept(&ada.get(contoso.id, clients).await));
    assert_eq!(labels(app.admin().get(contoso.id, clients).await), ["Contoso", "Fabrikam", "Foreign"]);
    app.grant(&ada, fabrikam.id, execute()).await;
    assert_eq!(labels(ada.get(contoso.id, clients).await), ["Contoso", "Fabrikam"]);
    assert_eq!(labels(bob.get(contoso.id, clients).await), ["Contoso"]);
    // A token for less than its user may do is not given more because an earlier answer was.
    app.grant(&ada, contoso.id, Permission::ALL.into_iter().collect()).await;
    assert_eq!(labels(ada.get(contoso.id, clients).await), ["Contoso", "Fabrikam"]);
    assert_eq!(labels(app.scoped(&ada, "Forms.Manage").get(contoso.id, clients).await), Vec::<Value>::new());

    let counted = ada.post(None, "/workflows/count_clients", json!({})).await.expect(200);
    assert_eq!(counted.json(), json!(["Contoso", "Fabrikam"]));
}
