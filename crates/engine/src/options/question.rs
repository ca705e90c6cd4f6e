//! What is asked of a generator: the part of a cache's key that does not depend on who asks.

use msp_auth::Access;
use msp_domain::Scope;
use msp_storage::Etag;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

/// Equal questions have equal answers while nothing they depend on has changed: the files, and, through the generation,
/// rights, organizations, config and integrations. `search` and `limit` are no part of it: they pick from the answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Question {
    bundle: String,
    generator: String,
    scope: Scope,
    generation: Option<Etag>,
    /// A hash, because inputs may be as large as a request.
    inputs: [u8; 32],
}

impl Question {
    /// What a caller asks who was let in with this access. Its generation was read before anything else was, so what a run
    /// reads is as new as it, or newer.
    pub fn new(bundle: &str, generator: &str, access: &Access, inputs: &Map<String, Value>) -> Self {
        Self {
            bundle: bundle.to_owned(),
            generator: generator.to_owned(),
            scope: access.scope(),
            generation: access.generation().cloned(),
            inputs: digest(inputs),
        }
    }

    /// Which generator is asked.
    pub fn generator(&self) -> &str {
        &self.generator
    }

    /// A question about nothing, for tests of what is done with answers.
    #[cfg(test)]
    pub fn named(generator: &str) -> Self {
        Self {
            bundle: String::new(),
            generator: generator.to_owned(),
            scope: Scope::Global,
            generation: None,
            inputs: digest(&Map::new()),
        }
    }
}

/// The same for inputs that differ in the order of their names only.
fn digest(inputs: &Map<String, Value>) -> [u8; 32] {
    let mut inputs = Value::Object(inputs.clone());
    inputs.sort_all_objects();
    Sha256::digest(inputs.to_string()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(inputs: &Value) -> [u8; 32] {
        digest(inputs.as_object().expect("an object"))
    }

    #[test]
    fn the_order_of_names_is_no_part_of_a_question_but_values_and_their_types_are() {
        let asked = json!({ "a": { "x": 1, "y": 2 }, "b": [1, 2] });
        assert_eq!(of(&asked), of(&json!({ "b": [1, 2], "a": { "y": 2, "x": 1 } })));
        for other in [
            json!({}),
            json!({ "a": { "x": 1, "y": 2 } }),
            json!({ "a": { "x": 1, "y": 2 }, "b": [2, 1] }),
            json!({ "a": { "x": "1", "y": 2 }, "b": [1, 2] }),
        ] {
            assert_ne!(of(&asked), of(&other), "{other}");
        }
    }
}
