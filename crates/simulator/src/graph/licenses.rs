//! `/subscribedSkus` and `assignLicense`.

use super::{errors, tenant_for, tenant_gone, users};
use crate::{
    admin::broken,
    simulator::Simulator,
    state::{State, Tenant, User},
};
use axum::{
    Json,
    extract::{Path, State as Shared},
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use std::collections::HashMap;
use uuid::Uuid;

const READ_ROLES: [&str; 5] = [
    "LicenseAssignment.Read.All",
    "LicenseAssignment.ReadWrite.All",
    "Organization.Read.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
const WRITE_ROLES: [&str; 3] = ["LicenseAssignment.ReadWrite.All", "User.ReadWrite.All", "Directory.ReadWrite.All"];

pub(super) async fn subscribed_skus(Shared(simulator): Shared<Simulator>, headers: HeaderMap) -> Response {
    let id = match tenant_for(&simulator, &headers, &READ_ROLES) {
        Ok(tenant) => tenant,
        Err(refusal) => return *refusal,
    };
    let state = simulator.locked();
    let Some(tenant) = state.tenants.get(&id) else { return tenant_gone() };
    let skus = tenant.skus.iter().map(|sku| {
        json!({
            "id": format!("{id}_{}", sku.id),
            "skuId": sku.id,
            "skuPartNumber": sku.part_number,
            "appliesTo": "User",
            "capabilityStatus": "Enabled",
            "consumedUnits": tenant.consumed_units(sku),
            "prepaidUnits": { "enabled": sku.enabled, "suspended": 0, "warning": 0, "lockedOut": 0 },
            "servicePlans": [],
        })
    });
    let skus: Vec<Value> = skus.collect();
    let context = "https://graph.microsoft.com/v1.0/$metadata#subscribedSkus";
    Json(json!({ "@odata.context": context, "value": skus })).into_response()
}

pub(super) async fn assign(
    Shared(simulator): Shared<Simulator>,
    headers: HeaderMap,
    Path(user): Path<String>,
    body: axum::body::Bytes,
) -> Response {
    let tenant = match tenant_for(&simulator, &headers, &WRITE_ROLES) {
        Ok(tenant) => tenant,
        Err(refusal) => return *refusal,
    };
    let Ok(body) = serde_json::from_slice::<Value>(&body) else {
        return errors::refusal(400, "BadRequest", "Unable to read JSON request payload.");
    };
    match simulator.change(|state| change_licenses(state, tenant, &user, &body)) {
        Ok(Ok(user)) => Json(users::view(&user, &HashMap::new())).into_response(),
        Ok(Err(refusal)) => *refusal,
        Err(fault) => broken(&fault),
    }
}

fn change_licenses(state: &mut State, tenant: Uuid, user: &str, body: &Value) -> Result<User, Box<Response>> {
    let refuse = |message: &str| Box::new(errors::bad_request(message));
    let Some(tenant) = state.tenants.get_mut(&tenant) else { return Err(Box::new(tenant_gone())) };
    let Some(index) = tenant.users.iter().position(|known| known.is(user)) else {
        return Err(Box::new(errors::not_found(user)));
    };
    let (Some(add), Some(remove)) = (body["addLicenses"].as_array(), body["removeLicenses"].as_array()) else {
        return Err(refuse("Both 'addLicenses' and 'removeLicenses' are required; send an empty collection for none."));
    };
    for sku in remove {
        let id = sku_id(sku)?;
        let held = &mut tenant.users[index].licenses;
        let Some(position) = held.iter().position(|license| *license == id) else {
            return Err(refuse("User does not have a corresponding license."));
        };
        held.remove(position);
    }
    for entry in add {
        grant(tenant, index, sku_id(&entry["skuId"])?)?;
    }
    Ok(tenant.users[index].clone())
}

fn grant(tenant: &mut Tenant, user: usize, id: Uuid) -> Result<(), Box<Response>> {
    let refuse = |message: &str| Box::new(errors::bad_request(message));
    let Some(sku) = tenant.skus.iter().find(|sku| sku.id == id) else {
        return Err(refuse(&format!("License {id} does not correspond to a valid company License.")));
    };
    if tenant.users[user].licenses.contains(&id) {
        return Ok(());
    }
    if tenant.users[user].usage_location.is_none() {
        return Err(refuse("License assignment cannot be done for user with invalid usage location."));
    }
    if tenant.consumed_units(sku) >= sku.enabled {
        return Err(refuse(&format!("Subscription with SKU {id} does not have any available licenses.")));
    }
    tenant.users[user].licenses.push(id);
    Ok(())
}

fn sku_id(value: &Value) -> Result<Uuid, Box<Response>> {
    value.as_str().and_then(|text| Uuid::parse_str(text).ok()).ok_or_else(|| {
        Box::new(errors::refusal(400, "BadRequest", "Cannot convert the literal to the expected type 'Edm.Guid'."))
    })
}
