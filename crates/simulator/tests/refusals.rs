//! The simulator over real sockets: what the real services refuse, in their own shapes, and what survives a restart.

use msp_simulator::{Change, Simulator};
use reqwest::{Client, Response};
use serde_json::{Value, json};
use uuid::Uuid;

const SECRET: &str = "an invented secret";
const SKU: &str = "cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46";

struct Played {
    simulator: Simulator,
    origin: String,
    http: Client,
    tenants: [Uuid; 2],
}

impl Played {
    async fn new() -> Self {
        let tenants = [Uuid::new_v4(), Uuid::new_v4()];
        let simulator = Simulator::open(None).expect("a simulator");
        for (tenant, domain) in tenants.iter().zip(["one.example", "two.example"]) {
            simulator.apply(world(*tenant, domain)).expect("a world");
        }
        Self { origin: serve(&simulator).await, simulator, http: client(), tenants }
    }

    async fn token(&self, tenant: &str, client_id: &str, secret: &str) -> Response {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", client_id),
            ("client_secret", secret),
            ("scope", "https://graph.microsoft.com/.default"),
        ];
        let url = format!("{}/{tenant}/oauth2/v2.0/token", self.origin);
        self.http.post(url).form(&form).send().await.expect("an answer")
    }

    async fn graph_token(&self, tenant: Uuid) -> String {
        let answer = self.token(&tenant.to_string(), "app", SECRET).await;
        answer.json::<Value>().await.expect("JSON")["access_token"].as_str().expect("a token").to_owned()
    }

    async fn post(&self, token: &str, path: &str, body: &Value) -> (u16, Value) {
        let request = self.http.post(format!("{}{path}", self.origin)).bearer_auth(token).json(body);
        read(request.send().await.expect("an answer")).await
    }

    async fn get(&self, token: &str, path: &str) -> (u16, Value) {
        let request = self.http.get(format!("{}{path}", self.origin)).bearer_auth(token);
        read(request.send().await.expect("an answer")).await
    }
}

async fn read(response: Response) -> (u16, Value) {
    (response.status().as_u16(), response.json().await.expect("JSON"))
}

async fn serve(simulator: &Simulator) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let origin = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(msp_simulator::serve(listener, simulator.clone(), std::future::pending()));
    origin
}

fn client() -> Client {
    Client::builder().no_proxy().build().expect("a client")
}

fn world(tenant: Uuid, domain: &str) -> Vec<Change> {
    let roles = vec!["User.ReadWrite.All".to_owned()];
    vec![
        Change::Tenant { id: tenant, name: domain.into(), domains: vec![domain.into()] },
        Change::App { client_id: "app".into(), client_secret: SECRET.into() },
        Change::App { client_id: "unconsented".into(), client_secret: SECRET.into() },
        Change::Consent { tenant, client_id: "app".into(), roles },
        Change::Sku { tenant, id: sku(), part_number: "SPB".into(), enabled: 1, consumed_elsewhere: 0 },
        Change::HaloInstance { tenant: "acme".into() },
        Change::HaloApp { tenant: "acme".into(), client_id: "halo".into(), client_secret: SECRET.into() },
        Change::HaloClient { tenant: "acme".into(), id: 1, name: "One".into() },
        Change::HaloTicket { tenant: "acme".into(), id: 2, client_id: 1, summary: "Help".into() },
    ]
}

fn sku() -> Uuid {
    SKU.parse().expect("a GUID")
}

fn user(name: &str) -> Value {
    json!({
        "accountEnabled": true, "displayName": "A user", "mailNickname": "user", "userPrincipalName": name,
        "passwordProfile": { "password": "Complex-enough-1" }, "usageLocation": "US",
    })
}

#[tokio::test]
async fn entra_refuses_in_its_own_words() {
    let played = Played::new().await;
    let tenant = played.tenants[0].to_string();
    let stranger = Uuid::new_v4().to_string();
    for (tenant, client_id, secret, status, code) in [
        (&stranger, "app", SECRET, 400, 90_002),
        (&tenant, "unheard-of", SECRET, 400, 700_016),
        (&tenant, "app", "wrong", 401, 7_000_215),
        (&tenant, "unconsented", SECRET, 400, 65_001),
    ] {
        let (answered, body) = read(played.token(tenant, client_id, secret).await).await;
        assert_eq!((answered, body["error_codes"][0].as_u64()), (status, Some(code)));
        assert!(body["error_description"].as_str().expect("a text").starts_with(&format!("AADSTS{code}: ")));
    }
}

#[tokio::test]
async fn a_token_opens_one_tenant_and_no_more_than_was_consented_to() {
    let played = Played::new().await;
    let [one, two] = played.tenants;
    let (one, two) = (played.graph_token(one).await, played.graph_token(two).await);
    let (status, created) = played.post(&one, "/v1.0/users", &user("a@one.example")).await;
    assert_eq!(status, 201);
    let path = format!("/v1.0/users/{}", created["id"].as_str().expect("an id"));
    assert_eq!(played.get(&one, &path).await.0, 200);
    let (status, body) = played.get(&two, &path).await;
    assert_eq!((status, &body["error"]["code"]), (404, &json!("Request_ResourceNotFound")));
    assert_eq!(played.get(&two, "/v1.0/users").await.1["value"], json!([]));
    let (status, body) = played.get(&one, "/v1.0/subscribedSkus").await;
    assert_eq!((status, &body["error"]["code"]), (403, &json!("Authorization_RequestDenied")));
    let (status, body) = played.get("simulated.unknown", "/v1.0/users").await;
    assert_eq!((status, &body["error"]["code"]), (401, &json!("InvalidAuthenticationToken")));
}

#[tokio::test]
async fn graph_refuses_faulty_users_and_licences() {
    let played = Played::new().await;
    let token = played.graph_token(played.tenants[0]).await;
    for (field, value) in [
        ("accountEnabled", Value::Null),
        ("displayName", Value::Null),
        ("mailNickname", json!("two words")),
        ("userPrincipalName", json!("a@two.example")),
        ("passwordProfile", json!({ "password": "simple" })),
        ("usageLocation", json!("Ireland")),
        ("favouriteColour", json!("red")),
    ] {
        let mut body = user("a@one.example");
        body[field] = value;
        let (status, answer) = played.post(&token, "/v1.0/users", &body).await;
        assert_eq!((status, &answer["error"]["code"]), (400, &json!("Request_BadRequest")), "{field}");
    }
    let mut unlocated = user("b@one.example");
    unlocated["usageLocation"] = Value::Null;
    for body in [user("a@one.example"), unlocated, user("c@one.example")] {
        assert_eq!(played.post(&token, "/v1.0/users", &body).await.0, 201);
    }
    let (_, twice) = played.post(&token, "/v1.0/users", &user("A@one.example")).await;
    assert_eq!(twice["error"]["details"][0]["code"], "ObjectConflict");

    let add = |sku: &str| json!({ "addLicenses": [{ "skuId": sku, "disabledPlans": [] }], "removeLicenses": [] });
    for (name, body, said) in [
        ("b", add(SKU), "usage location"),
        ("a", json!({ "addLicenses": [] }), "removeLicenses"),
        ("a", add("00000000-0000-4000-8000-000000000000"), "valid company License"),
        ("a", add(SKU), ""),
        ("a", add(SKU), ""),
        ("c", add(SKU), "available licenses"),
    ] {
        let (status, answer) =
            played.post(&token, &format!("/v1.0/users/{name}@one.example/assignLicense"), &body).await;
        assert_eq!(status, if said.is_empty() { 200 } else { 400 }, "{answer}");
        assert!(said.is_empty() || answer["error"]["message"].as_str().expect("a text").contains(said), "{answer}");
    }
}

#[tokio::test]
async fn halo_wants_arrays_integers_and_what_exists() {
    let played = Played::new().await;
    let token = |tenant: &str, secret: &str| {
        let form =
            json!({ "grant_type": "client_credentials", "client_id": "halo", "client_secret": secret, "scope": "all" });
        played.http.post(format!("{}/auth/token?tenant={tenant}", played.origin)).form(&form).send()
    };
    assert_eq!(token("acme", "wrong").await.expect("an answer").status(), 400);
    assert_eq!(token("other", SECRET).await.expect("an answer").status(), 400);
    let (_, granted) = read(token("acme", SECRET).await.expect("an answer")).await;
    let token = granted["access_token"].as_str().expect("a token");
    let action = json!({ "ticket_id": 2, "outcome_id": 7, "note": "x" });
    for (body, status) in [
        (json!([action]), 201),
        (action, 400),
        (json!([{ "ticket_id": 2.0, "outcome_id": 7, "note": "x" }]), 400),
        (json!([{ "ticket_id": 3, "outcome_id": 7, "note": "x" }]), 400),
        (json!([{ "ticket_id": 2, "note": "x" }]), 400),
    ] {
        assert_eq!(played.post(token, "/api/Actions", &body).await.0, status, "{body}");
    }
    assert_eq!(played.post(token, "/api/crmnote", &json!([{ "client_id": 1, "note": "x" }])).await.0, 201);
    assert_eq!(played.get(token, "/api/Client?pageinate=true").await.1["record_count"], 1);
    assert_eq!(played.get("unknown", "/api/Client").await.0, 401);
    assert_eq!(played.simulator.state().halo["acme"].actions.len(), 1);
}

#[tokio::test]
async fn state_survives_a_restart_and_repeating_the_seed_loses_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let tenant = Uuid::new_v4();
    let open = || Simulator::open(Some(dir.path().join("state"))).expect("a simulator");
    let simulator = open();
    let origin = serve(&simulator).await;
    let changes = client().post(format!("{origin}/_simulator/changes")).json(&world(tenant, "one.example"));
    assert_eq!(changes.send().await.expect("an answer").status(), 204);
    let played = Played { simulator, origin, http: client(), tenants: [tenant, tenant] };
    let token = played.graph_token(tenant).await;
    assert_eq!(played.post(&token, "/v1.0/users", &user("a@one.example")).await.0, 201);
    let (_, journal) =
        read(client().get(format!("{}/_simulator/journal", played.origin)).send().await.expect("an answer")).await;
    assert_eq!(journal[1]["tenant"], tenant.to_string());

    let again = open();
    assert_eq!(again.state(), played.simulator.state());
    again.apply(world(tenant, "one.example")).expect("seeded again");
    assert_eq!(again.state(), played.simulator.state());
    let nowhere = Change::HaloClient { tenant: "nowhere".into(), id: 1, name: "x".into() };
    again.apply([Change::HaloInstance { tenant: "new".into() }, nowhere]).expect_err("an unknown instance");
    assert_eq!(open().state(), played.simulator.state());
}

#[tokio::test]
async fn set_up_is_not_among_the_services() {
    let simulator = Simulator::open(None).expect("a simulator");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}/_simulator/state", listener.local_addr().expect("an address"));
    let router = simulator.services_router();
    tokio::spawn(async move { axum::serve(listener, router).await });
    assert_eq!(client().get(url).send().await.expect("an answer").status(), 400);
}
