//! Every route, its layers and its description.

use crate::{
    client,
    http::{
        json::{MANAGEMENT_BODY_LIMIT, RUN_BODY_LIMIT},
        layers,
    },
    management::{
        access_review, audit, auth, batches, bulk_grants, config,
        executions::{cancel, export, external, files, list, logs, read, rerun, statistics},
        exports, forms, grants, integration_checks, integrations, me, metrics, notification_rules,
        organization_deletion, organizations, pauses, permissions, reach, retention, search, secrets, service,
        service_accounts, service_tokens, settings, uploads, users,
    },
    openapi as description,
    state::{Api, ApiState},
    workflows::{metadata, options, run},
};
use axum::{Router, extract::DefaultBodyLimit, routing};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Where options are as the clients of the first design call them.
const OPTIONS_OF_OLD: &str = "/api/workflows/options/{name}";

/// The whole API over this state (give an `Arc` to keep a handle on it), ready to be served with `ConnectInfo<SocketAddr>`.
pub fn router(state: impl Into<Arc<ApiState>>) -> Router {
    let api: Api = state.into();
    let (management, under_api) = management().split_for_parts();
    let (everywhere, at_the_root) = everywhere().split_for_parts();
    let aliases = at_the_root.paths.paths.keys().map(|path| format!("/api{path}"));
    let templates = under_api.paths.paths.keys().chain(at_the_root.paths.paths.keys()).cloned().chain(aliases);
    api.traffic.count(templates.chain([OPTIONS_OF_OLD.to_owned()]));
    let router = Router::new()
        .merge(management)
        .merge(everywhere.clone())
        .nest("/api", everywhere)
        .route(OPTIONS_OF_OLD, routing::get(options::get_options).post(options::ask_options))
        .fallback(client::file_or_page)
        .method_not_allowed_fallback(layers::no_such_method);
    layers::around(router, &api).with_state(api)
}

/// The OpenAPI description of every operation. Aliases under `/api` are mentioned, not listed.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut document =
        OpenApiRouter::with_openapi(description::base()).merge(management()).merge(everywhere()).into_openapi();
    description::add_problems(&mut document);
    description::parameters::describe(&mut document);
    description::examples::add(&mut document);
    document
}

/// Routes that stand under `/api` only.
fn management() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(auth::link::redeem_link))
        .routes(routes!(auth::entra::start::start_entra_sign_in))
        .routes(routes!(auth::entra::callback::complete_entra_sign_in))
        .routes(routes!(auth::entra::sign_out::sign_out_of_entra))
        .routes(routes!(auth::sign_out::sign_out))
        .routes(routes!(me::get_me))
        .routes(routes!(settings::get_my_settings, settings::put_my_settings))
        .routes(routes!(organizations::list_organizations, organizations::create_organization))
        .routes(routes!(
            organizations::get_organization,
            organizations::update_organization,
            organization_deletion::delete_organization
        ))
        .routes(routes!(organization_deletion::get_organization_deletion))
        .routes(routes!(config::list_config))
        .routes(routes!(config::get_config, config::set_config, config::delete_config))
        .routes(routes!(config::list_global_config))
        .routes(routes!(config::get_global_config, config::set_global_config, config::delete_global_config))
        .routes(routes!(secrets::list_secrets))
        .routes(routes!(secrets::set_secret, secrets::delete_secret))
        .routes(routes!(secrets::list_global_secrets))
        .routes(routes!(secrets::set_global_secret, secrets::delete_global_secret))
        .routes(routes!(integration_checks::list_integration_types))
        .routes(routes!(integrations::list_integrations))
        .routes(routes!(integration_checks::test_integration))
        .routes(routes!(integrations::get_integration, integrations::put_integration, integrations::delete_integration))
        .routes(routes!(
            notification_rules::of_organization::list_notification_rules,
            notification_rules::of_organization::create_notification_rule
        ))
        .routes(routes!(
            notification_rules::of_organization::get_notification_rule,
            notification_rules::of_organization::put_notification_rule,
            notification_rules::of_organization::delete_notification_rule
        ))
        .routes(routes!(notification_rules::of_organization::test_notification_rule))
        .routes(routes!(
            notification_rules::global::list_global_notification_rules,
            notification_rules::global::create_global_notification_rule
        ))
        .routes(routes!(
            notification_rules::global::get_global_notification_rule,
            notification_rules::global::put_global_notification_rule,
            notification_rules::global::delete_global_notification_rule
        ))
        .routes(routes!(notification_rules::global::test_global_notification_rule))
        .routes(routes!(forms::list::list_forms, forms::change::create_form))
        .routes(routes!(
            forms::read::get_form,
            forms::change::put_form,
            forms::change::update_form,
            forms::change::delete_form
        ))
        .routes(routes!(forms::import::import_form))
        .routes(routes!(batches::submit::submit_batch))
        .routes(routes!(batches::read::list_batches))
        .routes(routes!(batches::read::get_batch))
        .routes(routes!(batches::read::list_batch_rows))
        .routes(routes!(batches::export::download_batch_rows))
        .routes(routes!(batches::cancel::cancel_batch))
        .routes(routes!(batches::rerun::rerun_failed_rows))
        .routes(routes!(forms::read::export_form))
        .routes(routes!(forms::draft::draft_form))
        .routes(routes!(users::list_users, users::create_user))
        .routes(routes!(users::get_user, users::update_user))
        .routes(routes!(service_accounts::list_service_accounts, service_accounts::create_service_account))
        .routes(routes!(service_accounts::get_service_account, service_accounts::update_service_account))
        .routes(routes!(service_tokens::list_service_tokens, service_tokens::mint_service_token))
        .routes(routes!(service_tokens::revoke_service_token))
        .routes(routes!(reach::list_organization_permissions))
        .routes(routes!(grants::list_user_permissions))
        .routes(routes!(reach::list_user_organizations))
        .routes(routes!(bulk_grants::grant_many))
        .routes(routes!(bulk_grants::copy_user_permissions))
        .routes(routes!(access_review::get_access_review))
        .routes(routes!(grants::get_user_permissions, grants::set_user_permissions, grants::revoke_user_permissions))
        .routes(routes!(permissions::check_permission))
        .routes(routes!(search::search))
        .routes(routes!(audit::list::list_audit_logs))
        .routes(routes!(audit::anchors::get_audit_anchors))
        .routes(routes!(audit::read::get_audit_log))
        .routes(routes!(list::list_executions, external::record_execution))
        .routes(routes!(export::export_executions))
        .routes(routes!(statistics::get_statistics))
        .routes(routes!(read::get_execution))
        .routes(routes!(read::get_execution_result))
        .routes(routes!(logs::get_execution_logs))
        .routes(routes!(files::list_execution_files))
        .routes(routes!(files::get_execution_file))
        .routes(routes!(cancel::cancel_execution))
        .routes(routes!(exports::schedules::list_export_schedules, exports::schedules::create_export_schedule))
        .routes(routes!(
            exports::schedules::get_export_schedule,
            exports::schedules::put_export_schedule,
            exports::schedules::delete_export_schedule
        ))
        .routes(routes!(exports::files::run_export_schedule))
        .routes(routes!(exports::files::list_export_files))
        .routes(routes!(exports::files::download_export_file, exports::files::delete_export_file))
        .routes(routes!(retention::get_retention_default, retention::set_retention_default))
        .routes(routes!(retention::get_retention, retention::set_retention, retention::clear_retention))
        .routes(routes!(pauses::list_pauses))
        .routes(routes!(pauses::set_pause, pauses::lift_pause))
        .layer(DefaultBodyLimit::max(MANAGEMENT_BODY_LIMIT))
        // An upload counts its bytes itself.
        .merge(OpenApiRouter::new().routes(routes!(uploads::list_uploads, uploads::create_upload)))
        .routes(routes!(uploads::delete_upload))
        .merge(
            OpenApiRouter::new().routes(routes!(rerun::rerun_execution)).layer(DefaultBodyLimit::max(RUN_BODY_LIMIT)),
        )
}

/// Routes that stand at the root and answer under `/api` as well.
fn everywhere() -> OpenApiRouter<Api> {
    let runs = OpenApiRouter::new().routes(routes!(run::run_workflow)).layer(DefaultBodyLimit::max(RUN_BODY_LIMIT));
    OpenApiRouter::new()
        .routes(routes!(options::get_options, options::ask_options))
        .routes(routes!(metadata::get_metadata))
        .routes(routes!(service::client_config))
        .routes(routes!(service::healthz))
        .routes(routes!(service::readyz))
        .routes(routes!(metrics::get_metrics))
        .routes(routes!(service::openapi_json))
        .layer(DefaultBodyLimit::max(MANAGEMENT_BODY_LIMIT))
        .merge(runs)
}
