//! Parameters on the command line.

use crate::{cli::Run, failure::UsageError};
use anyhow::Result;
use serde_json::{Map, Value};
use std::{fs, io, io::Read as _, path::Path};

/// The input of a run: the JSON object, and over it every `--param`.
pub fn read(arguments: &Run) -> Result<Map<String, Value>> {
    let mut input = match &arguments.json {
        Some(path) => read_object(path)?,
        None => Map::new(),
    };
    for text in &arguments.parameters {
        let (name, value) = parse(text)?;
        input.insert(name, value);
    }
    Ok(input)
}

fn read_object(path: &Path) -> Result<Map<String, Value>> {
    let mut text = String::new();
    let read = if path == Path::new("-") {
        io::stdin().read_to_string(&mut text).map(|_| ())
    } else {
        fs::read_to_string(path).map(|content| text = content)
    };
    read.map_err(|cause| UsageError(format!("{} cannot be read: {cause}", path.display())))?;
    serde_json::from_str(&text)
        .map_err(|cause| UsageError(format!("{} is not a JSON object: {cause}", path.display())).into())
}

/// `name=text` or `name:=JSON`.
fn parse(text: &str) -> Result<(String, Value), UsageError> {
    let shape = || UsageError(format!("`{text}` is not a parameter; expected name=text or name:=JSON"));
    let (name, value) = text.split_once('=').ok_or_else(shape)?;
    let (name, value) = match name.strip_suffix(':') {
        None => (name, Value::from(value)),
        Some(name) => {
            let value = serde_json::from_str(value)
                .map_err(|cause| UsageError(format!("the value of `{name}` is not JSON: {cause}")))?;
            (name, value)
        }
    };
    if name.is_empty() { Err(shape()) } else { Ok((name.to_owned(), value)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn text_stays_text_and_json_is_json() {
        let cases = [
            ("email=a=b@c.example", ("email", json!("a=b@c.example"))),
            ("count=5", ("count", json!("5"))),
            ("count:=5", ("count", json!(5))),
            ("empty=", ("empty", json!(""))),
            ("groups:=[\"a\"]", ("groups", json!(["a"]))),
        ];
        for (text, (name, value)) in cases {
            assert_eq!(parse(text).expect(text), (name.to_owned(), value));
        }
    }

    #[test]
    fn what_is_neither_is_refused() {
        for text in ["email", "=x", ":=1", "count:=five"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
