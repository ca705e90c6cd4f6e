//! Accounts as table rows, and back.

use super::{PARTITION, User};
use crate::repositories::etag_of;
use crate::{Entity, StoreError};
use serde_json::{Value, json};

pub(super) fn describe(user: &User) -> Value {
    let User { email, display_name, is_active, is_platform_admin, is_auditor, app_roles, .. } = user;
    json!({
        "email": email,
        "display_name": display_name,
        "is_active": is_active,
        "is_platform_admin": is_platform_admin,
        "is_auditor": is_auditor,
        "app_roles": app_roles,
    })
}

pub(super) fn row(user: &User) -> Entity {
    Entity::new(PARTITION, user.id.key())
        .with("Email", user.email.as_str())
        .with("DisplayName", user.display_name.as_str())
        .with("IsActive", user.is_active)
        .with("IsPlatformAdmin", user.is_platform_admin)
        .with("IsAuditor", user.is_auditor)
        .with_some("AppRoles", user.app_roles.as_ref().map(|roles| json!(roles).to_string()))
        .with_some("TenantId", user.tenant_id)
        .with_some("DescribedAt", user.described_at)
        .with_some("SignedOutAt", user.signed_out_at)
        .with_some("LastLogin", user.last_login_at)
        .with("CreatedAt", user.created_at)
}

pub(in crate::repositories) fn read(row: &Entity) -> Result<User, StoreError> {
    Ok(User {
        id: row.row_key.parse().map_err(|_| StoreError::Corrupt(format!("user {} has no GUID", row.row_key)))?,
        email: row.text("Email")?.to_owned(),
        display_name: row.text_opt("DisplayName")?.unwrap_or_default().to_owned(),
        is_active: row.flag("IsActive")?,
        is_platform_admin: row.flag("IsPlatformAdmin")?,
        is_auditor: row.flag("IsAuditor")?,
        app_roles: row
            .text_opt("AppRoles")?
            .map(|text| {
                serde_json::from_str(text).map_err(|_| StoreError::Corrupt("the roles of an account".to_owned()))
            })
            .transpose()?,
        tenant_id: row.guid_opt("TenantId")?,
        described_at: row.instant_opt("DescribedAt")?,
        signed_out_at: row.instant_opt("SignedOutAt")?,
        created_at: row.instant("CreatedAt")?,
        last_login_at: row.instant_opt("LastLogin")?,
        etag: etag_of(row)?,
    })
}
