use crate::bench::{APP, Bench};
use msp_storage::repositories::{Actor, integrations::CredentialChange};
use serde_json::json;

#[tokio::test]
async fn what_is_not_set_up_or_switched_off_is_said_with_the_remedy() {
    let bench = Bench::bare().await;
    let missing = bench.graph("list_users", json!({})).await.expect_err("nothing set up");
    assert_eq!(missing.code, "not_configured");
    assert!(missing.message.contains("/integrations/msgraph"), "{missing}");

    bench.set_up(&bench.contoso, "msgraph", json!({ "client_id": APP })).await;
    let incomplete = bench.graph("list_users", json!({})).await.expect_err("no credential");
    assert_eq!(incomplete.code, "not_configured");
    assert!(incomplete.message.contains("`client_secret`"), "{incomplete}");

    let stored = &bench.repositories.integrations;
    let settings = stored.get(bench.contoso.id, "msgraph").await.expect("read").expect("stored").settings;
    let keep = CredentialChange::Keep;
    stored.put(bench.contoso.id, "msgraph", false, &settings, keep, None, &Actor::PLATFORM).await.expect("stored");
    assert_eq!(bench.graph("list_users", json!({})).await.expect_err("switched off").code, "disabled");
    let unknown = bench.call(&bench.contoso, "slack", "send", json!({})).await.expect_err("not a platform integration");
    assert_eq!(unknown.code, "unknown_operation");
}
