//! Imports: all or nothing for each organization, whatever dies and whoever changes something meanwhile.

use crate::dying::{dying, torn};
use crate::support::TestHome;
use msp_domain::{ConfigEntry, ConfigType, Scope, form::FormSchema};
use msp_storage::repositories::forms::{Imported, MAX_FORMS};
use msp_storage::repositories::import::Changes;
use msp_storage::repositories::organizations::{NewOrganization, Organization, OrganizationChange, OrganizationError};
use msp_storage::repositories::{Actor, integrations::CredentialChange};
use msp_storage::{Repositories, SecretValue, StoreError};
use serde_json::json;
use uuid::Uuid;

/// More than a batch of Azure holds.
const VARIABLES: usize = 120;

fn form(name: &str, description: &str) -> FormSchema {
    let document = json!({ "name": name, "description": description, "workflow": "onboard",
        "fields": [{ "name": "email", "label": "Address", "type": "email" }] });
    FormSchema::parse(&document).expect("a form")
}

fn variable(key: &str, value: &str) -> ConfigEntry {
    ConfigEntry { key: key.into(), config_type: ConfigType::String, value: json!(value), description: None }
}

/// An organization with something of everything, which an import changes.
async fn existing(home: &TestHome) -> Organization {
    let (repositories, by) = (&home.repositories, &Actor::PLATFORM);
    let new = NewOrganization { tenant_id: Some(Uuid::from_u128(1)), ..NewOrganization::named("Contoso") };
    let organization = repositories.organizations.create(new, by).await.expect("created");
    let scope = Scope::Org(organization.id);
    repositories.config.set(scope, &variable("key_7", "old"), None, by).await.expect("set");
    repositories.forms.create(scope, &form("Old", "before"), by).await.expect("created");
    repositories.workflow_secrets.set(scope, "vendor_key", &SecretValue::new("old secret"), by).await.expect("set");
    let credential = CredentialChange::Set(SecretValue::new("of the old tenant"));
    let settings = json!({});
    repositories
        .integrations
        .put(organization.id, "msgraph", true, &settings, credential, None, by)
        .await
        .expect("set");
    repositories.organizations.get(organization.id).await.expect("read").expect("there")
}

/// What is left to do for an import into it, as it is now.
async fn changes(home: &TestHome, organization: &Organization) -> Changes {
    let (repositories, scope) = (&home.repositories, Scope::Org(organization.id));
    let before = repositories.organizations.get(organization.id).await.expect("read").expect("there");
    let after = Organization { tenant_id: Some(Uuid::from_u128(2)), ..before.clone() };
    let mut changes = Changes { organization: Some((Some(before), after)), ..Changes::default() };
    for number in 0..VARIABLES {
        let entry = variable(&format!("key_{number}"), "new");
        let before = repositories.config.get(scope, &entry.key).await.expect("read");
        if before.as_ref().is_none_or(|before| before.entry != entry) {
            changes.config.push((before, entry, None));
        }
    }
    changes.forms_seen = Some(repositories.forms.version(scope).await.expect("read"));
    let forms = repositories.forms.list(scope).await.expect("listed");
    for name in ["Old", "New"] {
        let before = forms.iter().find(|form| form.name == name).cloned();
        changes.forms.push((before, form(name, "after"), true));
    }
    for name in ["vendor_key", "second_key"] {
        let before = repositories.workflow_secrets.own(scope, name).await.expect("read");
        changes.secrets.push((name.into(), before, SecretValue::new("new secret")));
    }
    changes
}

/// Everything an import could have changed.
async fn content(home: &TestHome, organization: &Organization) -> Vec<String> {
    let (repositories, scope) = (&home.repositories, Scope::Org(organization.id));
    let now = repositories.organizations.get(organization.id).await.expect("read").expect("there");
    let mut content = vec![format!("tenant {:?}", now.tenant_id)];
    for stored in repositories.config.every(scope).await.expect("read") {
        content.push(format!("{} = {}", stored.entry.key, stored.entry.value));
    }
    for form in repositories.forms.list(scope).await.expect("listed") {
        content.push(format!("form {}: {}", form.name, form.description));
    }
    for name in repositories.workflow_secrets.names(scope).await.expect("named") {
        let value = repositories.workflow_secrets.own(scope, &name).await.expect("read").expect("there");
        content.push(format!("secret {name}: {}", value.reveal()));
    }
    let integration = repositories.integrations.get(organization.id, "msgraph").await.expect("read").expect("there");
    content.push(format!("credential: {}", integration.has_credential));
    content
}

async fn apply(by: &Repositories, organization: &Organization, changes: &Changes) -> Result<(), OrganizationError> {
    by.apply(Scope::Org(organization.id), changes, &Actor::PLATFORM).await
}

#[tokio::test]
async fn an_import_that_dies_anywhere_leaves_all_of_it_or_nothing() {
    for loses_only_the_answer in [false, true] {
        let mut places = 0;
        loop {
            let home = TestHome::new().await;
            let organization = existing(&home).await;
            let before = content(&home, &organization).await;
            let changes = changes(&home, &organization).await;
            let made = apply(&dying(&home, places + 1, loses_only_the_answer), &organization, &changes).await;
            let now = content(&home, &organization).await;
            let which = format!("{places} writes, only the answer lost: {loses_only_the_answer}");
            if made.is_ok() {
                assert_eq!(now.len(), before.len() + VARIABLES + 1, "{now:#?}");
                assert!(now.contains(&"credential: false".to_owned()), "the old tenant's credential went: {now:#?}");
                assert!(now.contains(&"secret vendor_key: new secret".to_owned()), "{now:#?}");
                break;
            }
            assert_eq!(now == before, !loses_only_the_answer, "{which}: {now:#?}");
            assert_eq!(home.repaired().await, [], "{which}");
            places += 1;
        }
        assert_eq!(places, 1, "it is one write");
    }
}

#[tokio::test]
async fn where_a_commit_is_no_transaction_a_stopped_import_is_recorded_first_and_finished_by_another() {
    let mut places = 0;
    loop {
        let home = TestHome::new().await;
        let organization = existing(&home).await;
        let before = content(&home, &organization).await;
        let made = apply(&torn(&home, places + 1), &organization, &changes(&home, &organization).await).await;
        let which = format!("stopped after {places} writes");
        let now = content(&home, &organization).await;
        let audited = home.audited(Scope::Org(organization.id)).await;
        let changed = |prefix: &str| {
            let those = |content: &[String]| {
                content.iter().filter(|line| line.starts_with(prefix)).cloned().collect::<Vec<_>>()
            };
            those(&now) != those(&before)
        };
        for (prefix, action, most) in
            [("tenant", "Organization.Update", 1), ("key_", "Config.Set", VARIABLES), ("form", "Form.Update", 1)]
        {
            let recorded = audited.iter().filter(|audited| *audited == action).count();
            assert!(!changed(prefix) || recorded >= most, "{which}: {prefix} changed unrecorded");
        }
        assert!(!changed("tenant") || changed("credential"), "{which}: the new tenant with the old credential");
        if made.is_ok() {
            break;
        }
        assert_eq!(home.repaired().await, [], "{which}");
        apply(&home.repositories, &organization, &changes(&home, &organization).await).await.expect("finished");
        let after = content(&home, &organization).await;
        assert_eq!(after.len(), before.len() + VARIABLES + 1, "{which}: {after:#?}");
        assert_eq!(home.repaired().await, [], "{which}");
        places += 1;
    }
    assert!(places > 8, "{places}");
}

#[tokio::test]
async fn what_somebody_changed_since_the_plan_keeps_all_of_it_from_being_written() {
    #[derive(Debug, Clone, Copy)]
    enum Meanwhile {
        Variable,
        Secret,
        Form,
        NewForm,
        Deletion,
        NothingOfIt,
    }
    use Meanwhile::{Deletion, Form, NewForm, NothingOfIt, Secret, Variable};
    for meanwhile in [Variable, Secret, Form, NewForm, Deletion, NothingOfIt] {
        let home = TestHome::new().await;
        let organization = existing(&home).await;
        let (repositories, scope, by) = (&home.repositories, Scope::Org(organization.id), &Actor::PLATFORM);
        let mut changes = changes(&home, &organization).await;
        match meanwhile {
            Variable => {
                repositories.config.set(scope, &variable("key_99", "theirs"), None, by).await.map(drop).expect("set")
            }
            Secret => {
                let theirs = SecretValue::new("their secret");
                repositories.workflow_secrets.set(scope, "second_key", &theirs, by).await.expect("set");
            }
            Form => {
                let old = repositories.forms.list(scope).await.expect("listed").remove(0);
                repositories.forms.set_active((scope, old.id), false, None, by).await.map(drop).expect("set");
            }
            NewForm => repositories.forms.create(scope, &form("New", "theirs"), by).await.map(drop).expect("created"),
            Deletion => {
                changes.organization = None;
                let off = OrganizationChange { is_active: Some(false), ..OrganizationChange::default() };
                let off = repositories.organizations.update(organization.id, &off, None, by).await.expect("off");
                repositories.begin_deletion(organization.id, &off.etag, by).await.map(drop).expect("begun");
            }
            NothingOfIt => {
                repositories.config.set(Scope::Global, &variable("key_99", "x"), None, by).await.map(drop).expect("set")
            }
        }
        let before = content(&home, &organization).await;
        let made = apply(repositories, &organization, &changes).await;
        let now = content(&home, &organization).await;
        let expected = match meanwhile {
            NothingOfIt => made.is_ok(),
            Deletion => matches!(made, Err(OrganizationError::BeingDeleted)),
            _ => matches!(
                made,
                Err(OrganizationError::Store(StoreError::PreconditionFailed | StoreError::AlreadyExists))
            ),
        };
        assert!(expected, "{meanwhile:?}: {made:?}");
        assert_eq!(now == before, !matches!(meanwhile, NothingOfIt), "{meanwhile:?}: {now:#?}");
    }
}

#[tokio::test]
async fn however_many_import_a_form_at_once_there_is_one_of_its_name_and_never_more_than_there_may_be() {
    let home = TestHome::new().await;
    let (forms, by, scope) = (&home.repositories.forms, &Actor::PLATFORM, Scope::Global);
    let wanted = form("New user", "");
    let imported =
        futures::future::join_all((0..8).map(|_| async { forms.import(scope, &wanted, false, by).await })).await;
    let created = imported.iter().filter(|one| matches!(one, Ok(Imported::Created(Some(_))))).count();
    let unchanged = imported.iter().filter(|one| matches!(one, Ok(Imported::Unchanged(_)))).count();
    assert_eq!((created, unchanged), (1, 7), "{imported:?}");
    assert_eq!(forms.list(scope).await.expect("listed").len(), 1);

    let many = (2..MAX_FORMS).map(|number| (None, form(&format!("Form {number}"), ""), true)).collect();
    let changes = Changes { forms: many, ..Changes::default() };
    home.repositories.apply(scope, &changes, by).await.expect("written");
    assert_eq!(forms.list(scope).await.expect("listed").len(), MAX_FORMS - 1);
    let last: Vec<FormSchema> = (0..6).map(|number| form(&format!("Last {number}"), "")).collect();
    let raced = futures::future::join_all(last.iter().enumerate().map(|(number, last)| async move {
        if number % 2 == 0 {
            forms.create(scope, last, by).await.map(drop)
        } else {
            forms.import(scope, last, false, by).await.map(drop)
        }
    }))
    .await;
    assert_eq!(raced.iter().filter(|one| one.is_ok()).count(), 1, "{raced:?}");
    assert!(raced.iter().all(|one| matches!(one, Ok(()) | Err(StoreError::Limit(_)))), "{raced:?}");
    assert_eq!(forms.list(scope).await.expect("listed").len(), MAX_FORMS);
}

#[tokio::test]
async fn the_category_of_a_variable_is_audited_and_outlives_changes_of_its_value() {
    let home = TestHome::new().await;
    let (repositories, by, scope) = (&home.repositories, &Actor::PLATFORM, Scope::Global);
    let config = vec![(None, variable("contact", "Ada"), Some("Contact".to_owned()))];
    repositories.apply(scope, &Changes { config, ..Changes::default() }, by).await.expect("written");
    let set = repositories.config.set(scope, &variable("contact", "Grace"), None, by).await.expect("set");
    assert_eq!(set.category.as_deref(), Some("Contact"));
    let stored = repositories.config.get(scope, "contact").await.expect("read").expect("there");
    assert_eq!((stored.category.as_deref(), &stored.entry.value), (Some("Contact"), &json!("Grace")));
    for row in repositories.audit.list(scope, None, 10).await.expect("listed").items {
        if row.draft.action == "Config.Set" {
            assert_eq!(row.draft.details["after"]["category"], "Contact");
        }
    }
    let plain = repositories.config.set(scope, &variable("plain", "x"), None, by).await.expect("set");
    assert_eq!(plain.category, None);
}
