use crate::bench::{APP, Bench, SPB};
use msp_simulator::{Change, Service};
use serde_json::json;

fn molly() -> serde_json::Value {
    json!({ "givenName": "Molly", "surname": "Clark", "userPrincipalName": "molly@contoso.example" })
}

#[tokio::test]
async fn a_user_is_created_and_licensed() {
    let bench = Bench::new().await;
    let user = bench.graph("create_user", molly()).await.expect("created");
    assert_eq!(user["displayName"], "Molly Clark");
    let skus = bench.graph("get_subscribed_skus", json!({})).await.expect("listed");
    assert_eq!((&skus[0]["skuPartNumber"], &skus[0]["consumedUnits"]), (&json!("SPB"), &json!(0)));
    let arguments = json!({ "user_id": user["id"], "sku_id": skus[0]["skuId"] });
    bench.graph("assign_license", arguments).await.expect("licensed");

    let tenant = bench.simulator.state().tenants[&bench.tenant()].clone();
    assert_eq!(tenant.users[0].usage_location.as_deref(), Some("US"));
    assert_eq!(tenant.users[0].licenses, [SPB.parse::<uuid::Uuid>().expect("a GUID")]);
    let read = bench.graph("get_user", json!({ "user_id": "Molly@contoso.example" })).await.expect("read");
    assert_eq!(read["assignedLicenses"][0]["skuId"], SPB);
}

#[tokio::test]
async fn each_refusal_has_its_code_and_its_remedy() {
    let bench = Bench::new().await;
    let user = bench.graph("create_user", molly()).await.expect("created");
    let assign = |sku: &str| bench.graph("assign_license", json!({ "user_id": user["id"], "license": sku }));

    let again = bench.graph("create_user", molly()).await.expect_err("a duplicate");
    assert_eq!((again.code, again.status), ("already_exists", Some(400)));
    let elsewhere = json!({ "userPrincipalName": "x@fabrikam.example" });
    assert_eq!(bench.graph("create_user", elsewhere).await.expect_err("not its domain").code, "rejected");
    assert_eq!(assign("NOPE").await.expect_err("no such SKU").code, "not_found");
    assign("spb").await.expect("the only unit");

    let other = json!({ "userPrincipalName": "other@contoso.example" });
    let other = bench.graph("create_user", other).await.expect("created");
    let none_left = bench.graph("assign_license", json!({ "user_id": other["id"], "sku_id": SPB })).await;
    let none_left = none_left.expect_err("no unit left");
    assert_eq!(none_left.code, "no_license_left");
    assert!(none_left.message.contains("`SPB`") && none_left.message.contains("Contoso"), "{none_left}");

    let tenant = bench.tenant();
    let id = SPB.parse().expect("a GUID");
    let more = Change::Sku { tenant, id, part_number: "SPB".into(), enabled: 5, consumed_elsewhere: 0 };
    let nowhere = Change::User {
        tenant,
        user_principal_name: "nowhere@contoso.example".into(),
        display_name: "Nowhere".into(),
        usage_location: None,
    };
    bench.simulator.apply([more, nowhere]).expect("changed");
    let arguments = json!({ "user_id": "nowhere@contoso.example", "sku_id": SPB });
    let unlocated = bench.graph("assign_license", arguments).await.expect_err("no usage location");
    assert_eq!(unlocated.code, "rejected");
    assert!(unlocated.message.contains("default_usage_location"), "{unlocated}");
    let missing = bench.graph("assign_license", json!({ "user_id": "nobody@contoso.example", "sku_id": SPB })).await;
    assert_eq!(missing.expect_err("no such user").code, "not_found");
    assert_eq!(bench.graph("get_user", json!({ "user_id": "nobody@contoso.example" })).await, Ok(json!(null)));
}

#[tokio::test]
async fn what_the_tenant_withholds_is_explained() {
    let bench = Bench::new().await;
    let consent = |roles: &[&str]| Change::Consent {
        tenant: bench.tenant(),
        client_id: APP.into(),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
    };
    bench.simulator.apply([consent(&["User.Read.All"])]).expect("changed");
    let denied = bench.graph("create_user", molly()).await.expect_err("read only");
    assert_eq!((denied.code, denied.status), ("permission_denied", Some(403)));
    assert!(denied.message.contains("User.ReadWrite.All"), "{denied}");

    bench.simulator.revoke_tokens();
    let withdrawn = Change::WithdrawConsent { tenant: bench.tenant(), client_id: APP.into() };
    bench.simulator.apply([withdrawn]).expect("changed");
    let unconsented = bench.graph("list_users", json!({})).await.expect_err("no consent");
    assert_eq!(unconsented.code, "consent_required");
    assert!(unconsented.message.contains("adminconsent?client_id="), "{unconsented}");

    let replaced = Change::App { client_id: APP.into(), client_secret: "another".into() };
    bench.simulator.apply([replaced]).expect("changed");
    let rejected = bench.graph("list_users", json!({})).await.expect_err("a wrong secret");
    assert_eq!((rejected.code, rejected.status), ("credential_rejected", Some(401)));

    let mut lost = bench.contoso.clone();
    lost.tenant_id = Some(uuid::Uuid::new_v4());
    let unknown = bench.call(&lost, "msgraph", "list_users", json!({})).await.expect_err("an unknown tenant");
    assert!(unknown.message.contains("AADSTS90002") && unknown.message.contains("tenant_id"), "{unknown}");
    lost.tenant_id = None;
    let unlinked = bench.call(&lost, "msgraph", "list_users", json!({})).await.expect_err("no tenant");
    assert_eq!(unlinked.code, "not_configured");
}

#[tokio::test]
async fn faulty_calls_never_leave_the_host() {
    let bench = Bench::new().await;
    for (operation, arguments, code, word) in [
        ("create_users", json!({}), "unknown_operation", "`create_user`"),
        ("create_user", json!({ "given_name": "x" }), "invalid_arguments", "`givenName`"),
        ("assign_license", json!({ "user_id": "x" }), "invalid_arguments", "`sku_id`"),
        ("assign_license", json!({ "user_id": "..", "sku_id": SPB }), "invalid_arguments", "`user_id`"),
        ("list_users", json!({ "limit": 0 }), "invalid_arguments", "`limit`"),
        ("list_users", json!({ "filer": "x" }), "invalid_arguments", "`filter`"),
        ("get_user", json!({ "user_id": 7 }), "invalid_arguments", "`user_id`"),
    ] {
        let error = bench.graph(operation, arguments).await.expect_err(operation);
        assert_eq!(error.code, code, "{error}");
        assert!(error.message.contains(word), "{error}");
    }
    assert_eq!(bench.simulator.journal(), []);
}

#[tokio::test]
async fn a_list_is_followed_page_after_page() {
    let bench = Bench::new().await;
    let users = (0..1200).map(|number| Change::User {
        tenant: bench.tenant(),
        user_principal_name: format!("user{number}@contoso.example"),
        display_name: format!("User {number}"),
        usage_location: None,
    });
    bench.simulator.apply(users).expect("many users");
    let all = bench.graph("list_users", json!({})).await.expect("listed");
    assert_eq!(all.as_array().map(Vec::len), Some(1200));
    assert_eq!(bench.arrived(Service::Graph).len(), 2);
    let few = bench.graph("list_users", json!({ "limit": "3", "select": ["userPrincipalName"] })).await;
    assert_eq!(few.expect("listed")[2], json!({ "userPrincipalName": "user2@contoso.example" }));
    let filter = json!({ "filter": "userPrincipalName eq 'user7@contoso.example'" });
    assert_eq!(bench.graph("list_users", filter).await.expect("listed")[0]["displayName"], "User 7");
}
