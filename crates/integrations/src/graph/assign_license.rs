//! `assign_license`.

use super::{Graph, subscribed_skus, users};
use crate::{
    arguments::Arguments,
    connector::Answer,
    error::{IntegrationError, NO_LICENSE_LEFT, NOT_FOUND, REJECTED},
    retry::Repeat,
};
use reqwest::Method;
use serde_json::{Map, Value, json};
use uuid::Uuid;

const NEEDS: &str = "LicenseAssignment.ReadWrite.All";

/// The names the licence goes by; the first is the one documented.
const SKU_NAMES: [&str; 3] = ["sku_id", "license", "license_id"];

/// Assigns a licence, named by SKU id or part number. Assigning one the user has changes nothing.
pub(super) async fn run(graph: &Graph<'_>, arguments: &Map<String, Value>) -> Result<Value, IntegrationError> {
    let arguments =
        Arguments::check("assign_license", arguments, &["user_id", SKU_NAMES[0], SKU_NAMES[1], SKU_NAMES[2]])?;
    let user = users::user_id(&arguments)?;
    let argument = arguments.any_of(&SKU_NAMES).unwrap_or(SKU_NAMES[0]);
    let given = arguments.required_text(argument)?;
    let sku = match Uuid::parse_str(given) {
        Ok(id) => id,
        Err(_) => by_part_number(graph, given).await?,
    };
    let body = json!({ "addLicenses": [{ "skuId": sku, "disabledPlans": [] }], "removeLicenses": [] });
    let url = graph.url(&["users", user, "assignLicense"]);
    // Assigning the same licence twice leaves one, so this may be repeated.
    let answer = graph.send(Method::POST, url.clone(), Some(&body), Repeat::Harmless).await;
    let answer = answer.map_err(|failure| graph.unanswered(failure, &url))?;
    if answer.status == 400 {
        return Err(explain(graph, &answer, user, sku).await);
    }
    graph.read(&answer, NEEDS)
}

async fn by_part_number(graph: &Graph<'_>, name: &str) -> Result<Uuid, IntegrationError> {
    let skus = subscribed_skus::read(graph).await?;
    let found =
        skus.iter().find(|sku| sku["skuPartNumber"].as_str().is_some_and(|part| part.eq_ignore_ascii_case(name)));
    found.and_then(|sku| sku["skuId"].as_str()?.parse().ok()).ok_or_else(|| {
        let message =
            format!("{} has no subscription `{name}`. `get_subscribed_skus` lists what it has.", graph.scope.org.name);
        IntegrationError::new(NOT_FOUND, message)
    })
}

/// Why a licence was not assigned. Graph gives every reason the same code, so the facts are looked up afterwards:
/// that costs nothing when all goes well, and no wording of Microsoft's is relied upon while they can be read.
async fn explain(graph: &Graph<'_>, answer: &Answer, user: &str, sku: Uuid) -> IntegrationError {
    let org = &graph.scope.org.name;
    let refused = graph.refused(answer, NEEDS);
    let id = sku.to_string();
    if let Ok(skus) = subscribed_skus::read(graph).await {
        let Some(found) =
            skus.iter().find(|known| known["skuId"].as_str().is_some_and(|known| known.eq_ignore_ascii_case(&id)))
        else {
            let message = format!("{org} has no subscription with the SKU {id}.");
            return IntegrationError::new(NOT_FOUND, message).with_status(answer.status);
        };
        let units = |value: &Value| value.as_i64().unwrap_or(0);
        let (enabled, consumed) = (units(&found["prepaidUnits"]["enabled"]), units(&found["consumedUnits"]));
        if consumed >= enabled {
            return none_left(org, found["skuPartNumber"].as_str().unwrap_or(&id), enabled, answer);
        }
    } else if refused.message.contains("available licenses") {
        return none_left(org, &id, 0, answer);
    }
    match users::find(graph, user, "id,usageLocation").await {
        Ok(found) if found["usageLocation"].as_str().is_none_or(str::is_empty) => {
            let message = "The user has no usage location, and without one Microsoft assigns no licence. Give \
                           `usageLocation` when creating users, or set config `default_usage_location`.";
            IntegrationError::new(REJECTED, message).with_status(answer.status)
        }
        _ => refused,
    }
}

fn none_left(org: &str, sku: &str, enabled: i64, answer: &Answer) -> IntegrationError {
    let all = if enabled > 0 { format!("; all {enabled} are in use") } else { String::new() };
    let message = format!("{org} has no free `{sku}` license left{all}. Buy another or free one.");
    IntegrationError::new(NO_LICENSE_LEFT, message).with_status(answer.status)
}
