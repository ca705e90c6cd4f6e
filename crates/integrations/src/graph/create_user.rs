//! `create_user`.

use super::{Graph, users};
use crate::{
    arguments::Arguments,
    channel::CallFailure,
    connector::SendError,
    error::{IntegrationError, NOT_FOUND, UNAVAILABLE},
    password,
    retry::Repeat,
};
use msp_domain::EffectiveConfig;
use reqwest::Method;
use serde_json::{Map, Value, json};

const NEEDS: &str = "User.ReadWrite.All";

/// Longest `mailNickname` (Microsoft Learn, "user resource type").
const MAX_NICKNAME_CHARS: usize = 64;

const TEXTS: [&str; 20] = [
    "userPrincipalName",
    "displayName",
    "givenName",
    "surname",
    "mailNickname",
    "usageLocation",
    "jobTitle",
    "department",
    "companyName",
    "employeeId",
    "employeeType",
    "officeLocation",
    "mobilePhone",
    "faxNumber",
    "streetAddress",
    "city",
    "state",
    "postalCode",
    "country",
    "preferredLanguage",
];
const TEXT_LISTS: [&str; 2] = ["businessPhones", "otherMails"];

/// Creates a user, with everything Graph insists on filled in. The password is random, must be changed at the first
/// sign-in, and is known to nobody.
pub(super) async fn run(graph: &Graph<'_>, arguments: &Map<String, Value>) -> Result<Value, IntegrationError> {
    let mut body = body(arguments, graph.scope.config, &graph.scope.org.name)?;
    let name = body["userPrincipalName"].as_str().unwrap_or_default().to_owned();
    let password = password::random().ok_or_else(|| {
        IntegrationError::new(UNAVAILABLE, "This machine has no randomness for a password; no user was created.")
    })?;
    graph.channel.hide(&password);
    body["passwordProfile"] = json!({ "password": *password, "forceChangePasswordNextSignIn": true });
    let url = graph.url(&["users"]);
    match graph.send(Method::POST, url.clone(), Some(&body), Repeat::Creates).await {
        Ok(answer) if answer.status >= 500 => Err(uncertain(graph, &name).await.with_status(answer.status)),
        Ok(answer) => graph.read(&answer, NEEDS),
        Err(CallFailure::UnderWay(SendError::AnswerLost | SendError::TooLarge)) => Err(uncertain(graph, &name).await),
        Err(failure) => Err(graph.unanswered(failure, &url)),
    }
}

/// Nobody knows whether the user was created: look, say what is there, and leave the decision to the caller.
async fn uncertain(graph: &Graph<'_>, name: &str) -> IntegrationError {
    let found = users::find(graph, name, "id").await;
    let now = match found {
        Ok(_) => "A user of that name exists now, so it probably was.",
        Err(error) if error.code == NOT_FOUND => "No user of that name is to be found yet, so it probably was not.",
        Err(_) => "Whether a user of that name exists could not be found out either.",
    };
    let message = format!("Microsoft Graph did not confirm that `{name}` was created. {now} It was not tried twice.");
    IntegrationError::new(UNAVAILABLE, message)
}

/// The body without the password.
fn body(arguments: &Map<String, Value>, config: &EffectiveConfig, org: &str) -> Result<Value, IntegrationError> {
    let known: Vec<&'static str> = TEXTS.into_iter().chain(TEXT_LISTS).chain(["accountEnabled"]).collect();
    let arguments = Arguments::check("create_user", arguments, &known)?;
    let mut body = Map::new();
    for name in TEXTS {
        if let Some(text) = arguments.text(name)? {
            body.insert(name.to_owned(), text.into());
        }
    }
    for name in TEXT_LISTS {
        match arguments.get(name) {
            None => {}
            Some(list @ Value::Array(items)) if items.iter().all(Value::is_string) => {
                body.insert(name.to_owned(), list.clone());
            }
            Some(_) => return Err(IntegrationError::invalid(name, "must be a list of texts")),
        }
    }
    let name = arguments.required_text("userPrincipalName")?;
    let local = match name.split_once('@') {
        Some((local, domain)) if !local.is_empty() && !domain.is_empty() && !name.contains(char::is_whitespace) => {
            local
        }
        _ => return Err(IntegrationError::invalid("userPrincipalName", "must look like `name@domain`")),
    };
    let names = [arguments.text("givenName")?, arguments.text("surname")?];
    let full: Vec<&str> = names.into_iter().flatten().collect();
    let display = if full.is_empty() { local.to_owned() } else { full.join(" ") };
    body.entry("displayName").or_insert(display.into());
    body.entry("mailNickname").or_insert(nickname(local).into());
    body.insert("accountEnabled".to_owned(), arguments.boolean("accountEnabled")?.unwrap_or(true).into());
    body.insert("usageLocation".to_owned(), usage_location(&arguments, config, org)?.into());
    Ok(Value::Object(body))
}

fn usage_location(arguments: &Arguments<'_>, config: &EffectiveConfig, org: &str) -> Result<String, IntegrationError> {
    const CONFIG: &str = "default_usage_location";
    let country = |text: &str| {
        (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_alphabetic())).then(|| text.to_ascii_uppercase())
    };
    let example = "must be a country in two letters, such as `US`";
    if let Some(given) = arguments.text("usageLocation")? {
        return country(given).ok_or_else(|| IntegrationError::invalid("usageLocation", example));
    }
    match config.get(CONFIG).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty()) {
        Some(set) => country(set).ok_or_else(|| {
            IntegrationError::invalid("usageLocation", format!("is missing, and config `{CONFIG}` {example}"))
        }),
        None => Err(IntegrationError::invalid(
            "usageLocation",
            format!("is missing: pass it, or set config `{CONFIG}` for {org}. No user was created."),
        )),
    }
}

/// The mail alias from the local part of the name: ASCII letters, digits, `.`, `-` and `_` only.
fn nickname(local: &str) -> String {
    let legal = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let nickname: String = local.chars().filter(legal).take(MAX_NICKNAME_CHARS).collect();
    let nickname = nickname.trim_matches('.');
    if nickname.is_empty() { "user".to_owned() } else { nickname.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body_of(arguments: Value) -> Result<Value, IntegrationError> {
        let arguments = arguments.as_object().expect("an object").clone();
        body(&arguments, &EffectiveConfig::default(), "Contoso")
    }

    #[test]
    fn what_graph_insists_on_is_filled_in() {
        let given = json!({
            "userPrincipalName": "o'neil.m@contoso.example", "givenName": "Molly", "surname": "O'Neil", "usageLocation": "ie",
        });
        assert_eq!(
            body_of(given).expect("a body"),
            json!({
                "userPrincipalName": "o'neil.m@contoso.example", "givenName": "Molly", "surname": "O'Neil",
                "usageLocation": "IE", "displayName": "Molly O'Neil", "mailNickname": "oneil.m", "accountEnabled": true,
            })
        );
    }

    #[test]
    fn each_faulty_argument_is_named() {
        for (arguments, word) in [
            (json!({}), "`userPrincipalName`"),
            (json!({ "userPrincipalName": "nobody" }), "`userPrincipalName`"),
            (json!({ "userPrincipalName": "a@b", "givenname": "x" }), "`givenName`"),
            (json!({ "userPrincipalName": "a@b" }), "`default_usage_location`"),
            (json!({ "userPrincipalName": "a@b", "usageLocation": "Ireland" }), "`usageLocation`"),
            (json!({ "userPrincipalName": "a@b", "usageLocation": "IE", "accountEnabled": "yes" }), "`accountEnabled`"),
            (json!({ "userPrincipalName": "a@b", "usageLocation": "IE", "otherMails": "x" }), "`otherMails`"),
        ] {
            let error = body_of(arguments).expect_err(word);
            assert_eq!(error.code, "invalid_arguments");
            assert!(error.message.contains(word), "{}", error.message);
        }
    }
}
