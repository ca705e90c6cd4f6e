//! Files of a submission: what it says about them is replaced by what the server knows.

use super::attempts::Fault;
use crate::{
    http::{Problem, ProblemKind as Kind},
    state::Api,
};
use msp_auth::Access;
use msp_domain::{
    FieldFault,
    file::MAX_SUBMITTED_FILES,
    form::{FieldType, FormSchema, UploadedFile},
};
use msp_storage::repositories::files::{TakenUpload, Upload};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use uuid::Uuid;

/// The uploads that a submission names and the caller has, by id.
#[derive(Default)]
pub(super) struct Uploads(HashMap<Uuid, Upload>);

impl Uploads {
    /// Looks up what the file fields of a form name. What is not among the caller's uploads for this organization becomes
    /// something that no field accepts.
    pub async fn resolve(
        api: &Api,
        access: &Access,
        schema: &FormSchema,
        input: &mut Map<String, Value>,
    ) -> Result<Self, Fault> {
        let mut found = Self::default();
        let mut looked_up = 0;
        for field in schema.fields.iter().filter(|field| field.field_type == FieldType::File) {
            let Some(value) = input.get_mut(&field.name) else { continue };
            let references = match value {
                Value::Array(items) => items.as_mut_slice(),
                single => std::slice::from_mut(single),
            };
            for reference in references.iter_mut().filter(|reference| reference.is_object() || reference.is_string()) {
                looked_up += 1;
                if looked_up > MAX_SUBMITTED_FILES {
                    let detail = format!("At most {MAX_SUBMITTED_FILES} files can be submitted together");
                    return Err(invalid(vec![FieldFault::at(&field.name, detail)]).into());
                }
                *reference = found.look_up(api, access, reference).await?;
            }
        }
        Ok(found)
    }

    async fn look_up(&mut self, api: &Api, access: &Access, reference: &Value) -> Result<Value, Problem> {
        // The client sends what it knows of the file; its id is enough, also by itself.
        let id = reference.get("id").unwrap_or(reference).as_str().and_then(|id| id.parse().ok());
        let Some(id) = id else { return Ok(Value::from("no upload")) };
        let files = &api.repositories.files;
        let Some(upload) = files.upload(access.caller().user, access.scope(), id).await? else {
            return Ok(Value::from("no upload"));
        };
        let file = UploadedFile {
            id: upload.file.id.to_string(),
            name: upload.file.name.clone(),
            size_bytes: upload.file.size_bytes,
            content_type: upload.file.content_type.clone(),
        };
        self.0.insert(id, upload);
        Ok(json!(file))
    }

    /// The uploads that what is run really takes, each with its field. What a hidden field named stays with the caller.
    pub fn taken(mut self, schema: &FormSchema, values: &Map<String, Value>) -> Result<Vec<TakenUpload>, Problem> {
        let mut taken = Vec::new();
        let mut faults = Vec::new();
        for field in schema.fields.iter().filter(|field| field.field_type == FieldType::File) {
            let Some(value) = values.get(&field.name) else { continue };
            for reference in value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice) {
                let id = reference.get("id").and_then(Value::as_str).and_then(|id| id.parse().ok());
                match id.and_then(|id: Uuid| self.0.remove(&id)) {
                    Some(upload) => taken.push(TakenUpload { upload, field: field.name.clone() }),
                    None => faults.push(FieldFault::at(&field.name, "The same file was chosen twice")),
                }
            }
        }
        if faults.is_empty() { Ok(taken) } else { Err(invalid(faults)) }
    }
}

fn invalid(faults: Vec<FieldFault>) -> Problem {
    Problem::new(Kind::ParametersInvalid).errors(faults)
}
