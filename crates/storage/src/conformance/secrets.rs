//! Every rule of a secret store.

use super::assert_limit;
use crate::limits::MAX_SECRET_BYTES;
use crate::{SecretAddress, SecretNamespace, SecretStore, SecretValue};
use msp_domain::{OrgId, Scope};
use std::sync::Arc;

/// Every rule of a secret store.
///
/// # Panics
/// When a rule is broken.
pub async fn secrets(store: Arc<dyn SecretStore>) {
    a_secret_reads_back_and_is_replaced(store.as_ref()).await;
    namespaces_and_scopes_are_apart(store.as_ref()).await;
    a_secret_has_a_size(store.as_ref()).await;
}

async fn read(secrets: &dyn SecretStore, address: &SecretAddress) -> Option<String> {
    secrets.get(address).await.expect("readable").map(|value| value.reveal().to_owned())
}

async fn a_secret_reads_back_and_is_replaced(secrets: &dyn SecretStore) {
    let address = SecretAddress::new(SecretNamespace::Workflow, Scope::Org(OrgId::random()), "halo_api-key.v1");
    assert_eq!(read(secrets, &address).await, None, "a secret that was never set is not there");
    for text in ["first value", "", "ä 𝄞 \n second"] {
        secrets.set(&address, &SecretValue::new(text)).await.expect("set");
        assert_eq!(read(secrets, &address).await.as_deref(), Some(text), "a secret is what was set last");
    }
    secrets.delete(&address).await.expect("deleted");
    assert_eq!(read(secrets, &address).await, None, "what was deleted is gone");
    secrets.delete(&address).await.expect("deleting what is not there is no error");
}

async fn namespaces_and_scopes_are_apart(secrets: &dyn SecretStore) {
    let (one, two) = (Scope::Org(OrgId::random()), Scope::Org(OrgId::random()));
    let address = |namespace, scope, name: &str| SecretAddress::new(namespace, scope, name);
    use SecretNamespace::{Integration, Workflow};
    for (address, text) in [
        (address(Workflow, one, "b"), "workflow of one"),
        (address(Workflow, one, "a"), "workflow of one, too"),
        (address(Integration, one, "b"), "integration of one"),
        (address(Workflow, two, "b"), "workflow of two"),
    ] {
        secrets.set(&address, &SecretValue::new(text)).await.expect("set");
    }
    let integration = read(secrets, &address(Integration, one, "b")).await;
    assert_eq!(integration.as_deref(), Some("integration of one"), "namespaces are apart");
    assert_eq!(read(secrets, &address(Integration, two, "b")).await, None, "scopes are apart");
    let names = secrets.names(Workflow, one).await.expect("listed");
    assert_eq!(names, ["a", "b"], "the names of one namespace and scope are listed, sorted");
    secrets.delete(&address(Workflow, one, "b")).await.expect("deleted");
    let other = read(secrets, &address(Workflow, two, "b")).await;
    assert_eq!(other.as_deref(), Some("workflow of two"), "a delete stays in its scope");
}

async fn a_secret_has_a_size(secrets: &dyn SecretStore) {
    let address = SecretAddress::new(SecretNamespace::Workflow, Scope::Org(OrgId::random()), "large");
    let longest = "x".repeat(MAX_SECRET_BYTES);
    secrets.set(&address, &SecretValue::new(longest.clone())).await.expect("the longest secret fits");
    assert_eq!(read(secrets, &address).await, Some(longest), "the longest secret reads back");
    let too_long = SecretValue::new("x".repeat(MAX_SECRET_BYTES + 1));
    assert_limit(&secrets.set(&address, &too_long).await, "a longer one is refused");
}
