//! `create_activity`: a note, on a ticket or on a client.

use super::{Halo, errors};
use crate::{
    arguments::Arguments,
    channel::CallFailure,
    connector::{Answer, SendError},
    error::{IntegrationError, UNAVAILABLE},
    masking::Secrets,
    retry::Repeat,
};
use reqwest::Method;
use serde_json::{Map, Value, json};

const KNOWN: [&str; 6] = ["note", "note_html", "ticket_id", "client_id", "outcome_id", "hidden_from_user"];

/// With `ticket_id` an action on that ticket, without one a note on the client. The address of the latter,
/// `CRMNote`, is the one public Halo clients use; Halo's own reference needs a login.
pub(super) async fn run(halo: &Halo<'_>, arguments: &Map<String, Value>) -> Result<Value, IntegrationError> {
    let arguments = Arguments::check("create_activity", arguments, &KNOWN)?;
    let (field, note) = match (arguments.text("note")?, arguments.text("note_html")?) {
        (Some(note), None) => ("note", note),
        (None, Some(html)) => ("note_html", html),
        (None, None) => return Err(IntegrationError::invalid("note", "is required")),
        (Some(_), Some(_)) => {
            return Err(IntegrationError::invalid("note_html", "cannot be given together with `note`"));
        }
    };
    let client_id = arguments.integer("client_id", 1)?;
    let outcome_id = arguments.integer("outcome_id", 1)?;
    let hidden = arguments.boolean("hidden_from_user")?;
    let (resource, entity) = match arguments.integer("ticket_id", 1)? {
        Some(ticket_id) => {
            let outcome_id = outcome_id.unwrap_or(halo.settings.note_outcome_id);
            let hidden = hidden.unwrap_or(true);
            let mut action = json!({ "ticket_id": ticket_id, "outcome_id": outcome_id, "hiddenfromuser": hidden, "sendemail": false });
            action[field] = note.into();
            ("Actions", action)
        }
        None => {
            let client_id = client_id.or(halo.settings.default_client_id).ok_or_else(|| {
                IntegrationError::invalid("client_id", "is required without `ticket_id`: the note goes on that client")
            })?;
            for (name, given) in [("outcome_id", outcome_id.is_some()), ("hidden_from_user", hidden.is_some())] {
                if given {
                    return Err(IntegrationError::invalid(name, "belongs to a ticket; give `ticket_id` too"));
                }
            }
            let mut crm_note = json!({ "client_id": client_id });
            crm_note[field] = note.into();
            ("CRMNote", crm_note)
        }
    };
    send(halo, resource, entity).await
}

/// Posts one entity, as the array HaloPSA wants, and answers the entity it made.
async fn send(halo: &Halo<'_>, resource: &str, entity: Value) -> Result<Value, IntegrationError> {
    let url = halo.url(resource)?;
    let refusal = |answer: &Answer, secrets: &Secrets| errors::token_refused(answer, secrets, halo.org);
    let body = Value::Array(vec![entity]);
    let answer = match halo.channel.call(Method::POST, url.clone(), Some(&body), Repeat::Creates, &refusal).await {
        Ok(answer) if answer.status >= 500 => return Err(uncertain().with_status(answer.status)),
        Ok(answer) => answer,
        Err(CallFailure::NotMade(error)) => return Err(error),
        Err(CallFailure::UnderWay(SendError::AnswerLost | SendError::TooLarge)) => return Err(uncertain()),
        Err(CallFailure::UnderWay(error)) => return Err(halo.channel.unanswered(&error, &url)),
    };
    match halo.read(&answer)? {
        Value::Array(mut made) if made.len() == 1 => Ok(made.remove(0)),
        made => Ok(made),
    }
}

fn uncertain() -> IntegrationError {
    let message = "HaloPSA did not confirm the note, so it may or may not be there. It was not sent twice; look before \
                   running again.";
    IntegrationError::new(UNAVAILABLE, message)
}
