//! What auditors may: read everything but secrets, and do nothing. Every operation of `/openapi.json` is tried by one.

use crate::isolation::{Side, operations};
use msp_test_support::TestApp;
use serde_json::json;

/// What reads and is refused all the same, each with its reason.
const NOT_READ: &[(&str, &str)] = &[
    ("listSecrets", "the names of secrets are part of the secret"),
    ("listGlobalSecrets", "so are those of everybody's"),
    ("listUploads", "one's own files that wait for a submission, and an auditor submits nothing"),
    ("getOptions", "it runs code of authors"),
    ("draftForm", "it is the first step of making a form"),
];

/// What is no `GET` and is answered with something else than 403, each with its reason.
const NOT_REFUSED: &[(&str, u16, &str)] = &[
    ("redeemSignInLink", 401, "it is how anybody signs in; the link of the walk is unknown"),
    ("signOut", 204, "one's own session"),
    ("putMySettings", 200, "what somebody chose for the client: nothing is decided by it"),
];

#[tokio::test]
async fn an_auditor_reads_with_every_operation_that_reads_and_is_refused_by_every_other() {
    let app = TestApp::new().await;
    let side = Side::new(&app, "Contoso", ["some_key", "some_secret", "msgraph"], "of-contoso").await;
    let auditor = app.user("auditor@msp.example").await;
    let path = format!("/api/users/{}", auditor.user());
    let _ = app.admin().patch(None, &path, json!({ "is_auditor": true })).await.expect(200);
    let mut exceptions = 0;
    for operation in operations(&app).await {
        let id = operation.id.as_str();
        let request = operation.request(&auditor, &side, side.org.id, "").org(side.org.id);
        let answer = request.send().await;
        let status = answer.status.as_u16();
        if operation.method == "GET" {
            let is_exception = NOT_READ.iter().any(|(known, _)| *known == id);
            exceptions += usize::from(is_exception);
            assert_eq!(status == 403, is_exception, "{id}: {status} {}", answer.text());
        } else {
            let exception = NOT_REFUSED.iter().find(|(known, ..)| *known == id);
            exceptions += usize::from(exception.is_some());
            let expected = exception.map_or(403, |(_, status, _)| *status);
            assert_eq!(status, expected, "{id}: {}", answer.text());
        }
    }
    assert_eq!(exceptions, NOT_READ.len() + NOT_REFUSED.len(), "an operation that does not exist any more is listed");
}
