//! Microsoft Graph for one organization's tenant, app-only.

mod assign_license;
mod create_user;
pub(crate) mod errors;
mod subscribed_skus;
mod users;

use crate::{
    broker::{Broker, CallScope, Configured},
    channel::{CallFailure, Channel},
    connector::Answer,
    error::{IntegrationError, NOT_CONFIGURED, UNAVAILABLE},
    masking::Secrets,
    retry::Repeat,
    settings::graph::GraphSettings,
    tokens::Grant,
};
use msp_domain::EffectiveConfig;
use msp_storage::repositories::organizations::Organization;
use reqwest::Method;
use serde_json::{Map, Value};
use url::Url;
use uuid::Uuid;

pub(crate) const OPERATIONS: [&str; 5] =
    ["create_user", "assign_license", "get_subscribed_skus", "list_users", "get_user"];

/// Graph of the worldwide cloud. National clouds have hosts of their own, and their tokens name them
/// (Microsoft Learn, "National cloud deployments").
const WORLDWIDE: &str = "graph.microsoft.com";
const NATIONAL: [&str; 3] = ["graph.microsoft.us", "dod-graph.microsoft.us", "microsoftgraph.chinacloudapi.cn"];

/// A line to Graph for one organization.
struct Graph<'a> {
    channel: Channel<'a>,
    scope: &'a CallScope<'a>,
    base: Url,
    tenant: Uuid,
}

/// Makes one call for a run.
pub(crate) async fn call(
    broker: &Broker,
    scope: &CallScope<'_>,
    configured: Configured,
    operation: &str,
    arguments: &Map<String, Value>,
) -> Result<Value, IntegrationError> {
    let graph = Graph::open(broker, scope, configured)?;
    let value = match operation {
        "create_user" => create_user::run(&graph, arguments).await?,
        "assign_license" => assign_license::run(&graph, arguments).await?,
        "get_subscribed_skus" => subscribed_skus::run(&graph, arguments).await?,
        "list_users" => users::list(&graph, arguments).await?,
        _ => users::get(&graph, arguments).await?,
    };
    Ok(graph.channel.secrets().mask_value(value))
}

/// Asks for the tenant's subscriptions: one call that every application of the examples may make.
pub(crate) async fn check(
    broker: &Broker,
    org: &Organization,
    configured: Configured,
) -> Result<String, IntegrationError> {
    let config = EffectiveConfig::default();
    let scope = CallScope { org, config: &config };
    let subscriptions = subscribed_skus::read(&Graph::open(broker, &scope, configured)?).await?.len();
    Ok(format!("Connected to the tenant of {}: it has {subscriptions} subscriptions.", org.name))
}

impl<'a> Graph<'a> {
    fn open(broker: &'a Broker, scope: &'a CallScope<'a>, configured: Configured) -> Result<Self, IntegrationError> {
        let org = &scope.org.name;
        let Some(tenant) = scope.org.tenant_id else {
            let message =
                format!("{org} is not linked to a Microsoft Entra tenant. Set the organization's `tenant_id`.");
            return Err(IntegrationError::new(NOT_CONFIGURED, message));
        };
        let unusable = || {
            IntegrationError::new(
                NOT_CONFIGURED,
                format!("The `msgraph` settings of {org} are not usable. Save them again."),
            )
        };
        let settings: GraphSettings = serde_json::from_value(configured.settings).map_err(|_| unusable())?;
        let base = Url::parse(&settings.base_url).map_err(|_| unusable())?;
        let endpoint =
            Url::parse(&format!("{}/{tenant}/oauth2/v2.0/token", settings.auth_url)).map_err(|_| unusable())?;
        let resource = base.host_str().filter(|host| NATIONAL.contains(host)).unwrap_or(WORLDWIDE);
        let grant = Grant {
            endpoint,
            tenant: Some(tenant.to_string()),
            scope: format!("https://{resource}/.default"),
            client_id: settings.client_id,
            credential: configured.credential,
        };
        Ok(Self { channel: Channel::new(broker, "Microsoft Graph", grant), scope, base, tenant })
    }

    /// An address below the base address; each segment is encoded as one.
    fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    async fn get(&self, url: Url, needs: &str) -> Result<Value, IntegrationError> {
        let answer = self.send(Method::GET, url.clone(), None, Repeat::Harmless).await;
        let answer = answer.map_err(|failure| self.unanswered(failure, &url))?;
        self.read(&answer, needs)
    }

    async fn send(
        &self,
        method: Method,
        url: Url,
        body: Option<&Value>,
        repeat: Repeat,
    ) -> Result<Answer, CallFailure> {
        let refusal = |answer: &Answer, secrets: &Secrets| {
            let parties = errors::Parties {
                org: &self.scope.org.name,
                tenant: self.tenant,
                client_id: &self.channel.grant.client_id,
                auth: &self.channel.grant.endpoint,
            };
            errors::token_refused(answer, secrets, &parties)
        };
        self.channel.call(method, url, body, repeat, &refusal).await
    }

    fn unanswered(&self, failure: CallFailure, url: &Url) -> IntegrationError {
        match failure {
            CallFailure::NotMade(error) => error,
            CallFailure::UnderWay(error) => self.channel.unanswered(&error, url),
        }
    }

    /// The JSON of a good answer; a bad one as an error. `needs` names the app role that would have helped.
    fn read(&self, answer: &Answer, needs: &str) -> Result<Value, IntegrationError> {
        if !(200..300).contains(&answer.status) {
            return Err(self.refused(answer, needs));
        }
        serde_json::from_slice(&answer.body).map_err(|_| {
            IntegrationError::new(UNAVAILABLE, "Microsoft Graph answered something that is not JSON.")
                .with_status(answer.status)
        })
    }

    fn refused(&self, answer: &Answer, needs: &str) -> IntegrationError {
        errors::refused(answer, &self.channel.secrets(), &self.scope.org.name, needs)
    }
}
