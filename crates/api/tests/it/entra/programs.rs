//! Programs: tokens without a person.

use super::Tenant;
use msp_auth::entra::ADMINISTRATOR_ROLE;
use msp_domain::{Permission, UserId};
use msp_test_support::{Program, TestCaller};
use serde_json::{Value, json};

impl Tenant {
    fn program(&self, program: &Program) -> TestCaller {
        self.app.bearer(program.oid, &self.issuer.program_token(program))
    }

    fn program_with(&self, oid: UserId, claims: &Value) -> TestCaller {
        self.app.bearer(oid, &self.issuer.sign(claims))
    }
}

#[tokio::test]
async fn a_program_needs_a_role_to_get_in_and_a_grant_to_see_anything() {
    let tenant = Tenant::new().await;
    let org = tenant.app.org("Contoso").await;
    for roles in [&[][..], &["Mail.Send"], &[ADMINISTRATOR_ROLE], &["Platform.Auditor", "Workflows.Execute"]] {
        let refused = tenant.program(&Program::with_roles(roles)).get(None, "/api/me").await;
        refused.assert_problem(401, "unauthenticated");
    }
    let program = Program::with_roles(&["Organizations.Manage", "Mail.Send", ADMINISTRATOR_ROLE]);
    let caller = tenant.program(&program);
    let me = caller.get(None, "/api/me").await.expect(200).json();
    assert_eq!((&me["signed_in_with"], &me["organizations"]), (&json!("service"), &json!([])));
    assert_eq!(me["is_administrator"], false);
    let config = format!("/api/organizations/{}/config", org.id);
    caller.get(None, &config).await.assert_problem(403, "permission-denied");
    tenant.app.grant(&caller, org.id, Permission::ALL.into_iter().collect()).await;
    let _ = caller.get(None, &config).await.expect(200);
    let me = caller.get(None, "/api/me").await.expect(200).json();
    let permissions = &me["organizations"][0]["permissions"];
    assert_eq!((&permissions["manage_config"], &permissions["execute_workflows"]), (&json!(true), &json!(false)));

    let account = tenant.admin.get(None, &format!("/api/service-accounts/{}", program.oid)).await.expect(200).json();
    assert_eq!(account["app_roles"], json!(["Organizations.Manage"]));
    assert_eq!(account["tenant_id"], json!(tenant.issuer.tenant_id()));
}

#[tokio::test]
async fn a_program_that_audits_reads_and_does_nothing_else() {
    let tenant = Tenant::new().await;
    let caller = tenant.program(&Program::with_roles(&["Platform.Auditor"]));
    let _ = caller.get(None, "/api/users").await.expect(200);
    caller.post(None, "/api/organizations", json!({ "name": "X" })).await.assert_problem(403, "administrator-required");
}

#[tokio::test]
async fn what_is_no_programs_token_is_not_taken_for_one() {
    let tenant = Tenant::new().await;
    let program = Program::with_roles(&["Workflows.Execute"]);
    let mut claims = tenant.issuer.claims_of_program(&program);
    claims["idtyp"] = json!("app");
    let _ = tenant.program_with(program.oid, &claims).get(None, "/api/me").await.expect(200);
    claims["idtyp"] = json!("user");
    tenant.program_with(program.oid, &claims).get(None, "/api/me").await.assert_problem(401, "unauthenticated");
    let mut about_another = tenant.issuer.claims_of_program(&program);
    about_another["sub"] = json!(UserId::random());
    tenant.program_with(program.oid, &about_another).get(None, "/api/me").await.assert_problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_role_taken_away_in_entra_id_is_gone_with_the_next_token() {
    let tenant = Tenant::new().await;
    let org = tenant.app.org("Contoso").await;
    let program = Program::with_roles(&["Organizations.Manage", "Workflows.Execute"]);
    let caller = tenant.program(&program);
    let _ = caller.get(None, "/api/me").await.expect(200);
    tenant.app.grant(&caller, org.id, Permission::ALL.into_iter().collect()).await;
    tenant.app.clock.advance(chrono::Duration::minutes(1));
    let less = Program { roles: vec!["Workflows.Execute".to_owned()], ..program };
    let config = format!("/api/organizations/{}/config", org.id);
    tenant.program(&less).get(None, &config).await.assert_problem(403, "permission-denied");
    caller.get(None, &config).await.assert_problem(403, "permission-denied");
}

#[tokio::test]
async fn a_program_of_entra_id_has_its_roles_and_tokens_there_and_its_name_here() {
    let tenant = Tenant::new().await;
    let program = Program::with_roles(&["Workflows.Execute"]);
    let caller = tenant.program(&program);
    let _ = caller.get(None, "/api/me").await.expect(200);
    let path = format!("/api/service-accounts/{}", program.oid);
    let token = tenant.admin.post(None, &format!("{path}/tokens"), json!({ "name": "x" })).await;
    token.assert_problem(409, "managed-by-entra");
    let roles = json!({ "app_roles": ["Organizations.Manage"] });
    tenant.admin.patch(None, &path, roles).await.assert_problem(409, "managed-by-entra");
    let _ = tenant.admin.patch(None, &path, json!({ "name": "Nightly report" })).await.expect(200);
    tenant.app.clock.advance(chrono::Duration::minutes(1));
    let me = tenant.program(&program).get(None, "/api/me").await.expect(200).json();
    assert_eq!(me["user"]["display_name"], "Nightly report");
}
