//! Every type of field, submitted through a form: what it takes, and where it points when it does not.

use msp_domain::{Permission, form::FieldType};
use msp_storage::repositories::organizations::Organization;
use msp_test_support::{Answer, TestApp, TestCaller};
use serde_json::{Value, json};

const LAUNCHER: &str = env!("CARGO_BIN_EXE_msp-api-worker-launcher");

const WORKSPACE: &str = r#"
from shared.decorators import param, workflow

@workflow(name="echo", description="Returns what it was given")
@param("value", type="json", required=False)
async def echo(context, value=None):
    return value

@workflow(name="whisper", description="The same with what nobody may read later")
@param("value", type="password", required=False)
async def whisper(context, value=None):
    return value
"#;

fn workflow(field_type: FieldType) -> &'static str {
    if field_type == FieldType::Password { "whisper" } else { "echo" }
}

/// What is tried with a type of field.
struct Case {
    /// What the field says besides name, label, type and `required`.
    more: Value,
    /// What it takes; `null`: nothing is sent.
    good: Value,
    /// What it does not take.
    bad: Vec<Value>,
}

struct Desk {
    app: TestApp,
    org: Organization,
    technician: TestCaller,
}

impl Desk {
    async fn new() -> Self {
        let app = TestApp::with_engine(LAUNCHER, &[("workflows/desk.py", WORKSPACE)]).await;
        let org = app.org("Contoso").await;
        let technician = app.user_with(&org, [Permission::ExecuteWorkflows]).await;
        Self { app, org, technician }
    }

    async fn form(&self, field_type: FieldType, more: &Value) -> String {
        let mut field = json!({ "name": "value", "type": field_type.name() });
        if field_type != FieldType::Divider {
            field["label"] = json!("Value");
        }
        if !field_type.is_layout() {
            field["required"] = json!(true);
        }
        field.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
        let form = json!({ "name": field_type.name(), "workflow": workflow(field_type), "fields": [field] });
        let created = self.app.admin().post(self.org.id, "/api/forms", form).await.expect(201).json();
        created["id"].as_str().expect("an id").to_owned()
    }

    async fn submit(&self, field_type: FieldType, form: &str, value: &Value) -> Answer {
        let input = if value.is_null() { json!({}) } else { json!({ "value": value }) };
        let path = format!("/workflows/{}", workflow(field_type));
        let request = self.technician.request("POST", &path).org(self.org.id);
        request.header("x-form-id", form).json(&input).send().await
    }

    async fn upload(&self, name: &str) -> Value {
        let request = self.technician.request("POST", &format!("/api/uploads?name={name}")).org(self.org.id);
        request.header("content-type", "text/csv").body("name\nAda\n").send().await.expect(201).json()
    }

    async fn case(&self, field_type: FieldType) -> Case {
        let items = json!([{ "label": "A", "value": "a" }, { "label": "Two", "value": 2 }]);
        let options = json!({ "source": "static", "items": items });
        let case =
            |more: Value, good: Value, bad: Value| Case { more, good, bad: bad.as_array().cloned().expect("a list") };
        match field_type {
            FieldType::Text => {
                case(json!({ "validation": { "pattern": "^[A-Z]" } }), json!("Ada"), json!([7, "ada", " "]))
            }
            FieldType::Textarea => {
                case(json!({ "validation": { "max_length": 5 } }), json!("a\nb"), json!([["a"], "abc\ndef"]))
            }
            FieldType::Email => case(json!({}), json!("ada@contoso.example"), json!(["ada", 7])),
            FieldType::Password => {
                case(json!({ "validation": { "min_length": 4 } }), json!("s3cr"), json!(["abc", 1234]))
            }
            FieldType::Number => {
                let validation = json!({ "min": 1, "max": 9, "step": 1 });
                case(json!({ "validation": validation }), json!(3), json!([10, 0, 2.5, "3"]))
            }
            FieldType::Checkbox | FieldType::Switch => case(json!({}), json!(true), json!([false, "yes", 1])),
            FieldType::Select | FieldType::Radio => {
                case(json!({ "options": options }), json!(2), json!(["z", "2", ["a"], "A"]))
            }
            FieldType::MultiSelect => {
                let more = json!({ "options": options, "validation": { "max_items": 1 } });
                case(more, json!(["a"]), json!([["z"], "a", ["a", 2], []]))
            }
            FieldType::Date => {
                let more = json!({ "validation": { "min": "2026-01-01" } });
                case(more, json!("2026-03-31"), json!(["31.03.2026", "2026-02-30", "2025-12-31", 20_260_331]))
            }
            FieldType::Datetime => {
                let more = json!({ "validation": { "max": "2026-12-31T00:00:00Z" } });
                let bad = json!(["2026-03-31 09:30", "2026-03-31T09:30:00", "2027-01-01T00:00:00Z", 1_774_942_200]);
                case(more, json!("2026-03-31T09:30:00+02:00"), bad)
            }
            FieldType::File => {
                let more = json!({ "validation": { "accept": [".csv"] } });
                let (roster, program) = (self.upload("users.csv").await, self.upload("users.exe").await);
                case(more, roster, json!([program, "users.csv", { "id": "unknown" }]))
            }
            // Whatever is JSON.
            FieldType::Json => case(json!({}), json!({ "a": [1, null, { "b": false }] }), json!([null, ""])),
            // They send nothing.
            FieldType::Section | FieldType::Heading | FieldType::Divider => {
                case(json!({}), Value::Null, json!(["text", true]))
            }
            FieldType::Markdown => case(json!({ "description": "**Note**" }), Value::Null, json!(["text"])),
        }
    }
}

#[tokio::test]
async fn every_type_of_field_takes_what_it_is_for_and_points_at_itself_when_it_is_given_anything_else() {
    let desk = Desk::new().await;
    for field_type in FieldType::ALL {
        let name = field_type.name();
        let Case { more, good, bad } = desk.case(field_type).await;
        let form = desk.form(field_type, &more).await;
        let missing = if field_type.is_layout() { vec![] } else { vec![Value::Null] };
        for value in bad.iter().chain(&missing) {
            let refused = desk.submit(field_type, &form, value).await;
            refused.assert_problem(422, "parameters-invalid");
            let errors = refused.json()["errors"].as_array().cloned().unwrap_or_default();
            let pointers: Vec<_> = errors.iter().map(|fault| &fault["pointer"]).collect();
            assert_eq!(pointers, ["#/value"], "{name} of {value}: {}", refused.text());
            assert!(errors[0]["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{name} of {value}");
        }

        let ran = desk.submit(field_type, &form, &good).await.expect(200);

        let returned = ran.json();
        let path = format!("/api/executions/{}", ran.header("x-execution-id"));
        let recorded = desk.technician.get(None, &path).await.expect(200).json()["input"]["value"].clone();
        match field_type {
            FieldType::File => {
                assert_eq!((&returned["id"], &returned["name"]), (&good["id"], &json!("users.csv")));
                assert_eq!(recorded, returned, "{name}");
            }
            FieldType::Password => {
                assert_eq!(returned, good, "too short to be masked in what is returned");
                assert!(!recorded.to_string().contains("s3cr"), "{recorded}");
            }
            _ => assert_eq!((&returned, &recorded), (&good, &good), "{name}"),
        }
    }
    let ran = desk.technician.get(desk.org.id, "/api/executions?limit=200").await.expect(200).json();
    let ran = ran["items"].as_array().map(Vec::len);
    assert_eq!(ran, Some(FieldType::ALL.len()), "what was refused left no trace");
}
