//! A form on the wire.

use crate::http::etag::etag_header;
use axum::{
    Json,
    http::{HeaderName, HeaderValue},
};
use chrono::{DateTime, Utc};
use msp_domain::{FieldFault, OrgId, form::FormSchema};
use msp_storage::{StoreError, repositories::forms::StoredForm};
use serde::Serialize;
use uuid::Uuid;

/// A form in a list.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "id": "26d7d0ed-be63-4369-b2cd-35663fb78183", "org_id": "6f9619ff-8b86-d011-b42d-00cf4fc964ff",
    "name": "New user", "description": "", "category": "user_management", "confirm": false,
    "workflow": "user_onboarding", "is_active": true, "created_by": "b9bb3ad1-6687-4eb2-9413-a2bbe7263003", "created_at": "2026-07-01T08:30:00Z",
    "updated_by": "b9bb3ad1-6687-4eb2-9413-a2bbe7263003", "updated_at": "2026-07-01T08:30:00Z"
}))]
pub struct FormSummary {
    /// Its id.
    id: Uuid,
    /// Whose it is; `null`: everybody's.
    org_id: Option<OrgId>,
    /// What it is called.
    name: String,
    /// What it is for.
    description: String,
    /// What it is listed under.
    category: String,
    /// Whether a person confirms, reading the organization's name, before it runs.
    confirm: bool,
    /// The workflow it runs.
    workflow: String,
    /// Whether it can be submitted.
    is_active: bool,
    /// Who made it: a user id, or `platform`.
    created_by: String,
    /// When.
    created_at: DateTime<Utc>,
    /// Who changed it last: a user id, or `platform`.
    updated_by: String,
    /// When.
    updated_at: DateTime<Utc>,
}

/// A form, whole.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "form": {
        "name": "New user", "workflow": "user_onboarding", "category": "user_management",
        "fields": [{ "name": "email", "label": "E-mail address", "type": "email", "required": true }]
    }
}))]
pub struct FormView {
    #[serde(flatten)]
    summary: FormSummary,
    /// The document: what was saved, and what an export holds.
    form: FormSchema,
    /// What is probably not meant, as the workflow is now: on the answer to a change.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    warnings: Vec<FieldFault>,
}

impl From<StoredForm> for FormSummary {
    fn from(form: StoredForm) -> Self {
        Self {
            id: form.id,
            org_id: form.scope.org(),
            name: form.name,
            description: form.description,
            category: form.category,
            confirm: form.confirm,
            workflow: form.workflow,
            is_active: form.is_active,
            created_by: form.created_by,
            created_at: form.created_at,
            updated_by: form.updated_by,
            updated_at: form.updated_at,
        }
    }
}

impl FormView {
    pub(super) fn new(stored: StoredForm) -> Result<Self, StoreError> {
        Ok(Self { form: stored.schema()?, summary: stored.into(), warnings: Vec::new() })
    }

    pub(super) fn warned(self, warnings: Vec<FieldFault>) -> Self {
        Self { warnings, ..self }
    }
}

/// The answer of a handler that shows one form.
pub(super) type Shown = ([(HeaderName, HeaderValue); 1], Json<FormView>);

pub(super) fn shown(stored: StoredForm) -> Result<Shown, StoreError> {
    shown_with(stored, Vec::new())
}

/// As [`shown`], with what is probably not meant.
pub(super) fn shown_with(stored: StoredForm, warnings: Vec<FieldFault>) -> Result<Shown, StoreError> {
    Ok((etag_header(&stored.etag), Json(FormView::new(stored)?.warned(warnings))))
}
