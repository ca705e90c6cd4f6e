//! What holds for every route.

use msp_api::ProblemKind;
use msp_domain::{OrgId, Permission, Scope};
use msp_test_support::TestApp;
use serde_json::json;

#[tokio::test]
async fn every_answer_carries_its_request_id_and_headers_against_sniffing_framing_and_caching() {
    let app = TestApp::new().await;
    for path in ["/healthz", "/api/me", "/", "/icon.svg", "/nowhere"] {
        let answer = app.stranger().get(None, path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
        assert_eq!(answer.header("x-request-id").len(), 36, "{path}");
        let cached = if matches!(path, "/" | "/icon.svg") { "no-cache" } else { "no-store" };
        assert_eq!(answer.header("cache-control"), cached, "{path}");
    }
}

#[tokio::test]
async fn a_host_that_is_not_ours_is_refused_before_anything_else() {
    let app = TestApp::new().await;
    for path in ["/api/me", "/sign-in", "/", "/openapi.json"] {
        let answer = app.admin().request("GET", path).header("host", "evil.example:7071").send().await;
        answer.assert_problem(421, "host-not-allowed");
    }
    app.stranger().request("GET", "/api/me").without("host").send().await.assert_problem(421, "host-not-allowed");
    let probe = app.stranger().request("GET", "/healthz").header("host", "10.0.0.5").send().await;
    assert_eq!(probe.expect(200).json(), json!({ "status": "ok" }));
}

#[tokio::test]
async fn an_unknown_path_and_an_unknown_method_are_problems_too() {
    let app = TestApp::new().await;
    for path in ["/api/nowhere", "/api", "/nowhere", "/api/organizations/x/y/z"] {
        app.admin().get(None, path).await.assert_problem(404, "not-found");
    }
    let answer = app.admin().request("DELETE", "/api/me").send().await;
    answer.assert_problem(405, "method-not-allowed");
    assert_eq!(answer.header("allow"), "GET,HEAD");
}

#[tokio::test]
async fn root_routes_answer_under_api_as_well() {
    let app = TestApp::new().await;
    for path in ["/healthz", "/config.json", "/openapi.json"] {
        let (root, alias) =
            (app.stranger().get(None, path).await, app.stranger().get(None, &format!("/api{path}")).await);
        assert_eq!(root.expect(200).body, alias.expect(200).body, "{path}");
    }
    let config = app.stranger().get(None, "/config.json").await.json();
    assert_eq!((&config["mode"], &config["version"]), (&json!("session"), &json!("0.0.0-test")));
    for path in ["/workflows/x", "/api/workflows/x"] {
        app.admin().post(None, path, json!({})).await.assert_problem(503, "engine-starting");
    }
    for path in ["/options/x", "/api/options/x", "/api/workflows/options/x", "/admin/metadata", "/api/admin/metadata"] {
        let answer = app.admin().get(None, path).await;
        answer.assert_problem(503, "engine-starting");
        assert_eq!(answer.header("retry-after"), "5");
    }
    app.stranger().get(None, "/readyz").await.assert_problem(503, "engine-starting");
}

#[tokio::test]
async fn bodies_are_refused_by_type_size_syntax_and_field() {
    let app = TestApp::new().await;
    let admin = app.admin();
    let request = || admin.request("POST", "/api/organizations");

    request().body("{}").send().await.assert_problem(415, "content-type-unsupported");
    let form = request().body("name=x").header("content-type", "application/x-www-form-urlencoded").send().await;
    form.assert_problem(415, "content-type-unsupported");
    let broken = request().body("{\"name\":").header("content-type", "application/json").send().await;
    broken.assert_problem(400, "body-unreadable");
    let large = request().json(&json!({ "name": "x".repeat(2 * 1024 * 1024) })).send().await;
    large.assert_problem(413, "body-too-large");
    let unknown = request().json(&json!({ "name": "x", "tenant": null })).send().await;
    unknown.assert_problem(422, "body-invalid");
    assert_eq!(
        unknown.json()["errors"],
        json!([{ "pointer": "#/tenant", "detail": "unknown field; did you mean `tenant_id`?" }])
    );
}

#[tokio::test]
async fn queries_cursors_limits_and_ids_are_checked() {
    let app = TestApp::new().await;
    let admin = app.admin();
    for path in [
        "/api/organizations?limit=0",
        "/api/organizations?limit=201",
        "/api/organizations?limit=many",
        "/api/organizations?cursor=%21",
        "/api/organizations?search=x",
        "/api/users?cursor=%21",
        "/api/executions?status=Sleeping",
        "/api/executions?status=Failed,",
        "/api/executions?from=yesterday",
        "/api/executions?from=2026-03-01T00:00:00",
        "/api/executions?from=2026-03-02T00:00:00Z&to=2026-03-02T00:00:00Z",
        "/api/executions?user=me",
        "/api/executions?worklfow=x",
        "/api/executions?cursor=%21",
    ] {
        admin.get(None, path).await.assert_problem(400, "query-invalid");
    }
    let long = format!("/api/executions?q={}", "x".repeat(201));
    admin.get(None, &long).await.assert_problem(400, "query-invalid");
    let (fits, longer) = ("x".repeat(8_000), "x".repeat(8_200));
    admin.get(None, &format!("/api/{fits}")).await.assert_problem(404, "not-found");
    admin.get(None, &format!("/api/{longer}")).await.assert_problem(414, "address-too-long");
    admin.get(None, "/api/executions/7").await.assert_problem(400, "path-invalid");
    admin.get(None, "/api/global/config/two%20words").await.assert_problem(400, "path-invalid");
}

#[tokio::test]
async fn an_unknown_query_name_is_refused_by_every_operation_that_asks_who_is_there() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await;
    let document = serde_json::to_value(msp_api::openapi()).expect("a document");
    for (template, item) in document["paths"].as_object().expect("paths") {
        let path = template
            .replace("{org}", &org.id.key())
            .replace("{id}", &OrgId::random().key())
            .replace("{token_id}", &OrgId::random().key())
            .replace("{file_id}", &OrgId::random().key())
            .replace("{key}", "a_key")
            .replace("{name}", "a_name")
            .replace("{type}", "halopsa");
        for (method, operation) in item.as_object().expect("operations") {
            // Every query parameter of this one is an input of the generator.
            if operation["x-permission"] == "none" || operation["operationId"] == "getOptions" {
                continue;
            }
            let request = app.admin().request(&method.to_uppercase(), &format!("{path}?zzz=1"));
            let request = if path.contains(&org.id.key()) { request } else { request.org(org.id) };
            let answer = request.json(&json!({})).send().await;
            assert_eq!(answer.status.as_u16(), 400, "{method} {template}: {}", answer.text());
            answer.assert_problem(400, "query-invalid");
        }
    }
}

#[tokio::test]
async fn an_organization_is_named_well_formed_and_once() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await;
    let user = app.user_with(&org, Permission::ALL).await;
    let ask = |header: &str| user.request("GET", "/api/executions").header("x-organization-id", header);

    ask(&org.id.key().to_uppercase()).send().await.expect(200).json();
    for text in ["GLOBAL", "contoso", "", "{6f9619ff-8b86-d011-b42d-00cf4fc964ff}"] {
        ask(text).send().await.assert_problem(400, "organization-invalid");
    }
    let path = format!("/api/executions?org_id={}", org.id);
    assert_eq!(user.get(None, &path).await.expect(200).json()["items"], json!([]));
    user.get(OrgId::random(), &path).await.assert_problem(400, "organization-mismatch");
    let path = format!("{path}&org_id={}", org.id);
    user.get(None, &path).await.assert_problem(400, "query-invalid");
}

#[tokio::test]
async fn denials_are_on_record_one_row_for_strangers_of_a_minute_and_one_each_for_callers() {
    let app = TestApp::new().await;
    let org = app.org("Contoso").await;
    let user = app.user("nobody@msp.example").await;

    for _ in 0..5 {
        let answer = app.stranger().get(None, "/api/me").await;
        answer.assert_problem(401, "unauthenticated");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    user.get(org.id, "/api/executions").await.assert_problem(403, "permission-denied");
    user.get(None, "/api/users").await.assert_problem(403, "administrator-required");
    app.api.flush_denials().await;

    let denials: Vec<_> =
        app.audit(Scope::Global).await.into_iter().filter(|row| row.draft.action == "Access.Denied").collect();
    assert_eq!(denials.len(), 3, "{denials:?}");
    let of_strangers = denials.iter().find(|row| row.draft.actor.user.is_none()).expect("a row for strangers");
    assert_eq!(of_strangers.draft.details["count"], 5);
    assert!(denials.iter().all(|row| row.draft.actor.ip_address.as_deref() == Some("192.0.2.7")), "{denials:?}");
    assert_eq!(denials.iter().filter(|row| row.draft.actor.user == Some(user.user())).count(), 2);
}

#[test]
fn every_kind_of_problem_has_its_page_and_every_page_its_kind() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/problems");
    for kind in ProblemKind::ALL {
        let page = folder.join(format!("{}.md", kind.slug()));
        let text = std::fs::read_to_string(&page).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
        assert!(text.starts_with(&format!("# {}\n", kind.title())), "{} has another title", kind.slug());
        assert!(text.contains(&format!("`{}`", kind.status())), "{} does not state its status", kind.slug());
        for heading in ["## Causes", "## Remedy"] {
            assert!(text.contains(heading), "{} lacks {heading}", kind.slug());
        }
    }
    for entry in std::fs::read_dir(folder).expect("the folder of the pages") {
        let name = entry.expect("a page").file_name().to_string_lossy().into_owned();
        let slug = name.trim_end_matches(".md");
        assert!(slug == "README" || ProblemKind::from_slug(slug).is_some(), "{name} explains no problem");
    }
}

#[test]
fn every_kind_of_problem_is_provoked_by_a_test() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut folders = vec![root.join("api/tests"), root.join("server/tests")];
    let mut tests = String::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder of tests") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                tests += &std::fs::read_to_string(path).unwrap_or_default();
            }
        }
    }
    let named = |slug: &str| tests.contains(&format!("\"{slug}\"")) || tests.contains(&format!("/problems/{slug}\""));
    let slugs: Vec<_> = ProblemKind::ALL.iter().map(|kind| kind.slug()).filter(|slug| !named(slug)).collect();
    assert_eq!(slugs, [""; 0], "no test expects these problems");
}

#[test]
fn every_operation_is_described_with_summary_permission_and_known_problems() {
    let document = serde_json::to_value(msp_api::openapi()).expect("a document");
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let at = format!("{method} {path}");
            assert!(operation["summary"].as_str().is_some_and(|text| text.len() > 10), "{at} has no summary");
            assert!(operation["x-permission"].is_string(), "{at} names no permission");
            assert!(operation["responses"]["500"].is_object(), "{at} lists no problems");
            let description = operation["description"].as_str().unwrap_or_default();
            if let Some((_, listed)) = description.split_once("Problems:") {
                for slug in listed.split('`').skip(1).step_by(2) {
                    assert!(ProblemKind::from_slug(slug).is_some(), "{at} lists the unknown problem `{slug}`");
                }
            }
            let answers = operation["responses"].as_object().expect("responses");
            let succeeding = answers.iter().filter(|(status, _)| status.starts_with('2')).map(|(_, answer)| answer);
            for body in succeeding.chain(operation.get("requestBody")) {
                for (media_type, content) in body["content"].as_object().into_iter().flatten() {
                    assert!(!content["example"].is_null(), "{at} shows no example of its {media_type}");
                }
            }
        }
    }
}
