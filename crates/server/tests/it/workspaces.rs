//! What authors write, in every shape the platform promises to take, each in a workspace of its own.

use crate::support::{Finished, Installation};
use serde_json::{Value, json};

/// Everything in one file, imported the way the original tool's authors do it.
const GREETING: &str = r#"
from shared.decorators import workflow, param

@workflow(
    name="greeting",
    description="Greets somebody",
    category="examples"
)
@param("name", type="string", required=True)
async def greeting(context, name):
    """Found without being registered anywhere."""
    style = context.config.get('greeting_style')
    return {
        "success": True,
        "data": f"{style or 'Hello'} {name} of {context.org.name}, says {context.caller.email}"
    }
"#;

#[test]
fn a_workflow_with_context_config_and_caller_runs_for_an_organization() {
    let installation = Installation::new();
    installation.write("workflows/greeting.py", GREETING);
    installation.succeed(&["seed"]);
    let run = installation.run(&["workflows", "run", "greeting", "--org", "Northwind", "-p", "name=Ines"]);
    assert_eq!(run.code, Some(0), "{run:#?}");
    let result: Value = serde_json::from_str(&run.stdout).expect("the result");
    assert_eq!(result, json!({ "success": true, "data": "Hello Ines of Northwind, says admin@localhost" }));
}

#[test]
fn a_workflow_of_the_same_name_in_another_workspace_is_another_workflow() {
    let installation = Installation::new();
    installation.write(
        "workflows/other.py",
        "from shared.decorators import workflow\n\n\
         @workflow(name='greeting', requires_org=False)\n\
         async def whatever():\n    return 'another one'\n",
    );
    let run = installation.run(&["workflows", "run", "greeting"]);
    assert_eq!((run.code, run.stdout.trim()), (Some(0), "\"another one\""), "{run:#?}");
}

#[test]
fn a_workflow_without_organization_takes_no_context_and_may_block() {
    let installation = Installation::new();
    installation.write(
        "workflows/check_shape.py",
        r#"
from shared.decorators import workflow, param

@workflow(name="check_shape", description="Looks at an address", requires_org=False)
@param("email", type="email", required=True)
async def check_shape(email):
    import re
    import time
    time.sleep(0.01)
    if not re.match(r'^[\w\.-]+@[\w\.-]+\.\w+$', email):
        return {"valid": False, "reason": "Invalid format"}
    try:
        raise LookupError(email)
    except:
        return {"valid": True}
"#,
    );
    let run = installation.run(&["workflows", "run", "check_shape", "-p", "email=a@b.example"]);
    assert_eq!((run.code, run.stdout.trim()), (Some(0), r#"{"valid":true}"#), "{run:#?}");
}

#[tokio::test]
async fn an_option_generator_fills_a_dropdown_with_what_the_client_has() {
    let installation = Installation::new();
    installation.write(
        "options/licences.py",
        r#"
from shared.decorators import option_generator

@option_generator(
    name="licences",
    description="Licences with free units"
)
async def licences(context):
    graph = context.get_integration('msgraph')
    skus = await graph.get_subscribed_skus()

    return [
        {"label": sku.skuPartNumber, "value": sku.skuId}
        for sku in skus
        if sku.consumedUnits < sku.prepaidUnits.enabled
    ]
"#,
    );
    let (_simulator, address) = installation.simulate();
    let orgs = installation.succeed(&["seed", "--simulator", &address]);
    let fabrikam = orgs.lines().find_map(|line| line.strip_suffix("  Fabrikam")).expect("Fabrikam");
    let server = installation.serve();
    let token = installation.succeed(&["token"]);
    let answer = server
        .request(reqwest::Method::GET, "/options/licences")
        .bearer_auth(token)
        .header("x-organization-id", fabrikam)
        .send()
        .await
        .expect("an answer");
    // Fabrikam has used up its other subscription.
    let options: Value = answer.json().await.expect("JSON");
    assert_eq!(options, json!([{ "label": "SPB", "value": "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46" }]));
}

#[test]
fn an_integration_of_the_author_is_made_by_the_factory_and_closed() {
    let installation = Installation::new();
    installation.write(
        "shared/integrations/tickets.py",
        r#"
from .base import BaseIntegration

class TicketsClient(BaseIntegration):
    def __init__(self, api_key: str, base_url: str):
        self.api_key = api_key
        self.base_url = base_url
        self._session = None

    async def _ensure_session(self):
        if not self._session:
            self._session = object()

    async def open_ticket(self, text):
        await self._ensure_session()
        return {"address": f"{self.base_url}/tickets/1", "text": text, "key_length": len(self.api_key)}

    async def close(self):
        if self._session:
            print("the session is closed")
"#,
    );
    installation.write(
        "shared/integrations/__init__.py",
        r#"
from .tickets import TicketsClient

async def get_integration_client(integration_name, org, config, secrets):
    if integration_name == "tickets":
        api_key = await secrets.get('demo_api_key')
        return TicketsClient(api_key, config.get('tickets_url', 'https://tickets.example'))
    elif integration_name == "msgraph":
        raise RuntimeError("the platform has this one")
"#,
    );
    installation.write(
        "workflows/open_ticket.py",
        r#"
from shared.decorators import workflow, param

@workflow(name="open_ticket", description="Opens a ticket", category="service")
@param("text", type="string", required=True)
async def open_ticket(context, text):
    tickets = context.get_integration('tickets')
    return await tickets.open_ticket(text)
"#,
    );
    installation.succeed(&["seed"]);
    let run = installation.run(&["workflows", "run", "open_ticket", "--org", "Contoso", "-p", "text=Printer"]);
    assert_eq!(run.code, Some(0), "{run:#?}");
    let result: Value = serde_json::from_str(&run.stdout).expect("the result");
    assert_eq!(result["address"], "https://tickets.example/tickets/1");
    assert_eq!(result["key_length"], "demo-key-of-contoso".len());
    assert!(run.stderr.contains("the session is closed"), "{}", run.stderr);
}

#[test]
fn a_broken_workspace_is_reported_file_by_file_and_the_rest_still_works() {
    let installation = Installation::new();
    installation.write("workflows/greeting.py", GREETING);
    installation.write("workflows/syntax.py", "def broken(:\n    pass\n");
    installation.write("workflows/missing.py", "import json\nimport no_such_package_anywhere\n");
    installation.write(
        "workflows/misspelt.py",
        "from shared.decorators import workflow\n\n@workflow(name='misspelt', requires_orgs=False)\nasync def f():\n    pass\n",
    );
    let Finished { code, stdout, .. } = installation.run(&["workflows", "check"]);
    assert_eq!(code, Some(1), "{stdout}");
    for (place, hint) in [
        ("workflows/syntax.py:1: ", ""),
        ("workflows/missing.py:2: ", "no_such_package_anywhere"),
        ("workflows/misspelt.py:3: ", "requires_org"),
    ] {
        let line = stdout.lines().find(|line| line.starts_with(place));
        assert!(line.is_some_and(|line| line.contains(hint)), "{place}{hint}\n{stdout}");
    }
    assert!(stdout.contains("1 workflow, 0 option generators, 3 mistakes"), "{stdout}");
    let list = installation.run(&["workflows", "list"]);
    assert_eq!(list.code, Some(0));
    assert!(list.stdout.contains("greeting") && !list.stdout.contains("misspelt"), "{}", list.stdout);
}

#[test]
fn packages_a_workspace_requires_are_installed_before_it_runs() {
    let installation = Installation::new();
    installation.write("requirements.txt", include_str!("../../../../workflows/requirements.txt"));
    installation.write(
        "workflows/names.py",
        "from shared.decorators import workflow\nimport dns.name\n\n\
         @workflow(name='names', requires_org=False)\n\
         async def names():\n    return dns.name.from_text('a.example').to_text()\n",
    );
    let check = installation.run(&["workflows", "check"]);
    assert_eq!(check.code, Some(0), "{check:#?}");
    let run = installation.run(&["workflows", "run", "names"]);
    assert_eq!((run.code, run.stdout.trim()), (Some(0), "\"a.example.\""), "{run:#?}");
}
