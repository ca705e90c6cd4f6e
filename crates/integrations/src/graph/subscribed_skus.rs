//! `get_subscribed_skus`.

use super::Graph;
use crate::{arguments::Arguments, error::IntegrationError};
use serde_json::{Map, Value};

const NEEDS: &str = "LicenseAssignment.Read.All";

/// The tenant's subscriptions. Graph answers them in one page.
pub(super) async fn run(graph: &Graph<'_>, arguments: &Map<String, Value>) -> Result<Value, IntegrationError> {
    Arguments::check("get_subscribed_skus", arguments, &[])?;
    read(graph).await.map(Value::Array)
}

pub(super) async fn read(graph: &Graph<'_>) -> Result<Vec<Value>, IntegrationError> {
    let mut answer = graph.get(graph.url(&["subscribedSkus"]), NEEDS).await?;
    match answer["value"].take() {
        Value::Array(skus) => Ok(skus),
        _ => Ok(Vec::new()),
    }
}
