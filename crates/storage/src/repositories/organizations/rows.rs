//! Organizations as table rows, and back.

use super::{Organization, PARTITION};
use crate::repositories::deletion::{Belongings, Deletion};
use crate::repositories::etag_of;
use crate::{Entity, Guard, StoreError, Table, TableStore};
use msp_domain::{OrgId, Tags, time_zone};
use serde_json::{Value, json};

/// The property that says it is being deleted, and since when.
const DELETING: &str = "DeletionStartedAt";

/// Holds while an organization is there and is not being deleted; of its row nothing else needs to be readable.
pub(in crate::repositories) async fn open(tables: &dyn TableStore, id: OrgId) -> Result<Guard, StoreError> {
    let row = tables.get(Table::Organizations, PARTITION, &id.key()).await?.ok_or(StoreError::NotFound)?;
    if row.properties.contains_key(DELETING) {
        return Err(StoreError::NotFound);
    }
    let etag = Some(etag_of(&row)?);
    Ok(Guard { table: Table::Organizations, partition_key: PARTITION.to_owned(), row_key: id.key(), etag })
}

pub(in crate::repositories) fn describe(organization: &Organization) -> Value {
    let Organization { name, tenant_id, time_zone, tags, is_active, .. } = organization;
    let time_zone = time_zone.map(|zone| zone.name());
    json!({ "name": name, "tenant_id": tenant_id, "time_zone": time_zone, "tags": tags, "is_active": is_active })
}

pub(super) fn row(organization: &Organization) -> Entity {
    let row = Entity::new(PARTITION, organization.id.key())
        .with("Name", organization.name.as_str())
        .with_some("TenantId", organization.tenant_id)
        .with_some("TimeZone", organization.time_zone.map(|zone| zone.name()))
        .with_some("Tags", Some(&organization.tags).filter(|tags| !tags.is_empty()).map(|tags| json!(tags).to_string()))
        .with("IsActive", organization.is_active)
        .with("CreatedAt", organization.created_at)
        .with("CreatedBy", organization.created_by.as_str())
        .with("UpdatedAt", organization.updated_at);
    match &organization.deletion {
        Some(deletion) => row
            .with(DELETING, deletion.started_at)
            .with("DeletionStartedBy", deletion.started_by.as_str())
            .with("Belongings", json!(deletion.belongings).to_string()),
        None => row,
    }
}

/// A row that says it is being deleted says so whatever else it says.
fn read_deletion(row: &Entity) -> Result<Option<Deletion>, StoreError> {
    let Some(started_at) = row.instant_opt(DELETING)? else { return Ok(None) };
    Ok(Some(Deletion {
        started_at,
        started_by: row.text_opt("DeletionStartedBy")?.unwrap_or_default().to_owned(),
        belongings: row
            .text_opt("Belongings")?
            .and_then(|text| serde_json::from_str::<Belongings>(text).ok())
            .unwrap_or_default(),
    }))
}

fn read_tags(text: Option<&str>) -> Option<Tags> {
    let Some(text) = text else { return Some(Tags::default()) };
    Tags::parse(serde_json::from_str::<Vec<String>>(text).ok()?).ok()
}

pub(in crate::repositories) fn read(row: &Entity) -> Result<Organization, StoreError> {
    let corrupt = |what: &str| StoreError::Corrupt(format!("organization {} has {what}", row.row_key));
    let created_at = row.instant("CreatedAt")?;
    Ok(Organization {
        id: row.row_key.parse().map_err(|_| corrupt("no GUID"))?,
        name: row.text("Name")?.to_owned(),
        tenant_id: row.guid_opt("TenantId")?,
        time_zone: row
            .text_opt("TimeZone")?
            .map(|name| time_zone::parse(name).map_err(|_| corrupt("an unknown `TimeZone`")))
            .transpose()?,
        tags: read_tags(row.text_opt("Tags")?).ok_or_else(|| corrupt("`Tags` that cannot be read"))?,
        is_active: row.flag("IsActive")?,
        deletion: read_deletion(row)?,
        created_at,
        created_by: row.text_opt("CreatedBy")?.unwrap_or_default().to_owned(),
        updated_at: row.instant_opt("UpdatedAt")?.unwrap_or(created_at),
        etag: etag_of(row)?,
    })
}
