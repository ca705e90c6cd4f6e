//! The files of the browser client, and what is answered where no client was built.

use msp_api::ClientFile;
use msp_test_support::{Answer, TestApp};

/// What a browser sends when somebody opens an address.
const OPENED: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

const PAGE: &[u8] = b"<!doctype html><script src=\"/assets/index-3f9a.js\" type=\"module\"></script>";
const FILES: &[ClientFile] = &[
    ClientFile { path: "/index.html", plain: PAGE, brotli: Some(b"page as brotli"), gzip: Some(b"page as gzip") },
    ClientFile { path: "/assets/index-3f9a.js", plain: b"run()", brotli: Some(b"br"), gzip: Some(b"gz") },
    ClientFile { path: "/icon.svg", plain: b"<svg/>", brotli: None, gzip: None },
];

async fn open(app: &TestApp, path: &str) -> Answer {
    app.stranger().request("GET", path).header("accept", OPENED).send().await
}

#[tokio::test]
async fn an_address_of_the_client_gets_the_page_which_is_asked_about_each_time() {
    let app = TestApp::with_client(FILES).await;
    for path in ["/", "/index.html", "/sign-in", "/o/all/executions?status=Failed", "/admin/users", "/account"] {
        let answer = open(&app, path).await.expect(200);
        assert_eq!(answer.body, PAGE, "{path}");
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8", "{path}");
        assert_eq!(answer.header("cache-control"), "no-cache", "{path}");
        assert_eq!(answer.header("vary"), "accept-encoding", "{path}");
        let tag = answer.header("etag").to_owned();
        let again = app.stranger().request("GET", path).header("accept", OPENED).header("if-none-match", &tag);
        let again = again.send().await.expect(304);
        assert!(again.body.is_empty(), "{path}");
        assert_eq!(again.header("etag"), tag, "{path}");
        let other = app.stranger().request("GET", path).header("accept", OPENED).header("if-none-match", "\"other\"");
        assert_eq!(other.send().await.expect(200).body, PAGE, "{path}");
    }
}

#[tokio::test]
async fn an_asset_is_kept_for_good_and_sent_in_the_best_encoding_that_is_accepted() {
    let app = TestApp::with_client(FILES).await;
    let ask = |encodings: &'static str| {
        app.stranger().request("GET", "/assets/index-3f9a.js").header("accept-encoding", encodings).send()
    };
    for (encodings, encoding, body) in [
        ("gzip, deflate, br, zstd", "br", "br"),
        ("gzip, br;q=0", "gzip", "gz"),
        ("deflate", "", "run()"),
        ("", "", "run()"),
    ] {
        let answer = ask(encodings).await.expect(200);
        assert_eq!(answer.header("content-encoding"), encoding, "{encodings}");
        assert_eq!(answer.text(), body, "{encodings}");
        assert_eq!(answer.header("content-type"), "text/javascript; charset=utf-8");
        assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(answer.header("vary"), "accept-encoding");
    }
    let icon = app.stranger().request("GET", "/icon.svg").header("accept-encoding", "br").send().await.expect(200);
    assert_eq!((icon.header("content-encoding"), icon.header("cache-control")), ("", "no-cache"));
}

#[tokio::test]
async fn every_file_comes_with_the_policy_of_the_client_and_an_answer_of_the_api_with_a_stricter_one() {
    let app = TestApp::with_client(FILES).await;
    for path in ["/", "/assets/index-3f9a.js", "/icon.svg"] {
        let policy = open(&app, path).await.header("content-security-policy").to_owned();
        for part in [
            "default-src 'self'",
            "script-src 'self'",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data:",
            "connect-src 'self'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.split("; ").any(|directive| directive == part), "{path} lacks {part}: {policy}");
        }
    }
    let of_data = open(&app, "/config.json").await.header("content-security-policy").to_owned();
    assert!(of_data.starts_with("default-src 'none'"), "{of_data}");
}

#[tokio::test]
async fn what_is_not_an_address_of_the_client_stays_a_problem() {
    let app = TestApp::with_client(FILES).await;
    for path in ["/api", "/api/", "/api/nowhere", "/assets/index-0000.js", "/assets/"] {
        open(&app, path).await.assert_problem(404, "not-found");
    }
    // A program that mistypes a path must not take a page for success.
    for path in ["/api/nowhere", "/nowhere", "/o/all/home"] {
        app.stranger().get(None, path).await.assert_problem(404, "not-found");
        app.stranger().request("GET", path).header("accept", "text/html;q=0, */*").send().await.expect(404).json();
    }
    for method in ["POST", "PUT", "DELETE"] {
        let answer = app.stranger().request(method, "/o/all/home").header("accept", OPENED).send().await;
        answer.assert_problem(404, "not-found");
    }
    open(&app, "/workflows/greet").await.assert_problem(405, "method-not-allowed");
    open(&app, "/api/me").await.assert_problem(401, "unauthenticated");
    let elsewhere = app.stranger().request("GET", "/").header("host", "evil.example").send().await;
    elsewhere.assert_problem(421, "host-not-allowed");
}

#[tokio::test]
async fn a_question_for_the_headers_alone_is_answered_without_the_file() {
    let app = TestApp::with_client(FILES).await;
    let request = app.stranger().request("HEAD", "/o/all/home").header("accept", OPENED);
    let answer = request.header("accept-encoding", "br").send().await.expect(200);
    assert!(answer.body.is_empty());
    assert_eq!(answer.header("content-length"), "14", "the length of the page as it would be sent");
    assert_eq!(answer.header("content-encoding"), "br");
}

#[tokio::test]
async fn another_build_has_another_name() {
    let build = |app: TestApp| async move { app.stranger().get(None, "/config.json").await.json()["build"].clone() };
    let page = |plain| [ClientFile { path: "/index.html", plain, brotli: None, gzip: None }];
    let first = build(TestApp::with_client(&page(b"one")).await).await;
    let second = build(TestApp::with_client(&page(b"two")).await).await;
    assert_ne!(first, second);
    assert_eq!(first, build(TestApp::with_client(&page(b"one")).await).await);
    assert_eq!(first.as_str().map(str::len), Some(16), "{first}");
}

#[tokio::test]
async fn without_a_built_client_every_address_says_how_to_build_it_and_how_to_sign_in() {
    let app = TestApp::new().await;
    for path in ["/", "/sign-in", "/o/all/home"] {
        let page = open(&app, path).await.expect(200).text();
        for command in ["cargo xtask run", "npm --prefix client ci", "msp user link EMAIL", "msp workflows run"] {
            assert!(page.contains(command), "{path} does not name `{command}`");
        }
        assert!(page.contains("<html lang=\"en\">") && page.contains("<main") && page.contains("<h1>"), "{page}");
        // The policy allows no script inside the page.
        assert_eq!(page.matches("<script").count(), page.matches("<script src=").count(), "{page}");
        assert!(!page.contains("onclick"), "{page}");
    }
    let page = open(&app, "/").await.text();
    let links = page.split('"').filter(|text| text.starts_with('/'));
    for link in links {
        let answer = app.admin().get(None, link).await;
        assert!(matches!(answer.status.as_u16(), 200 | 503), "{link}: {}", answer.status);
    }
}
