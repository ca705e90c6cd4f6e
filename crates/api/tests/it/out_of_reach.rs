//! For random grants, users and organizations: no answer of any `GET` operation of `/openapi.json` contains an entity that the
//! caller may not view. Every entity carries a marker of its organization and kind, and every operation is walked over, so a
//! list that is added later is covered without being named here.

use crate::isolation::batch;
use chrono::Duration;
use msp_domain::{
    BatchId, Categories, Clock, ConfigEntry, ConfigType, NotificationRule, OrgId, Permission, Permissions, Scope,
    UserId,
    form::FormSchema,
    notification::{self, Channel},
};
use msp_storage::{
    SecretValue,
    repositories::{
        Actor,
        executions::Execution,
        files::{NewOutput, NewUpload},
        grants::GrantTerms,
        integrations::CredentialChange,
        organizations::Organization,
    },
};
use msp_test_support::{PastExecution, TestApp, TestCaller};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};
use uuid::Uuid;

/// Worlds of organizations, users and grants that are tried.
const WORLDS: u64 = 2;
const ORGANIZATIONS: usize = 4;
const USERS: usize = 4;

/// Random numbers that a seed brings back (SplitMix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % limit
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        let index = self.below(u64::try_from(of.len()).expect("few"));
        &of[usize::try_from(index).expect("few")]
    }
}

/// What carries a marker, and what a caller needs to view it.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// The organization itself: any right.
    Organization,
    Config,
    Integration,
    /// A rule by which failures are told.
    Rule,
    /// A form that can be submitted.
    Form,
    /// One that was switched off: for those who make forms.
    InactiveForm,
    /// A run of somebody else.
    Run,
    /// A file such a run wrote.
    File,
    /// A form somebody else submitted with many rows.
    Batch,
    /// A file somebody else has uploaded: its name is on the audit trail.
    Upload,
    /// For nobody at all.
    Secret,
}

impl Kind {
    const ALL: [Self; 11] = [
        Self::Organization,
        Self::Config,
        Self::Integration,
        Self::Rule,
        Self::Form,
        Self::InactiveForm,
        Self::Run,
        Self::File,
        Self::Batch,
        Self::Upload,
        Self::Secret,
    ];

    /// Whether an administrator or an auditor sees it.
    fn is_for_reviewers(self) -> bool {
        !matches!(self, Self::Secret)
    }

    /// `is_limited`: the right to run workflows is about a category of which none is here.
    fn is_visible(self, (held, is_limited): &(Permissions, bool)) -> bool {
        match self {
            Self::Organization => !held.is_empty(),
            Self::Config | Self::Integration | Self::Rule => held.manage_config,
            Self::Form => (held.execute_workflows && !is_limited) || held.manage_forms,
            Self::InactiveForm => held.manage_forms,
            Self::Run | Self::File | Self::Batch => held.view_history,
            Self::Upload | Self::Secret => false,
        }
    }
}

/// The organization of this number, with one of everything.
struct Place {
    number: usize,
    org: Organization,
    forms: [Uuid; 2],
    run: Execution,
    /// The schedules of its exports and the one over everything, and every file of each.
    exports: Vec<Uuid>,
    files: Vec<(Uuid, Uuid)>,
    /// What the run wrote.
    output: Uuid,
    batch: Option<BatchId>,
}

/// In lower case, as some lists show names.
fn marker(place: usize, kind: Kind) -> String {
    format!("mark{place}{}end", format!("{kind:?}").to_lowercase())
}

impl Place {
    async fn new(app: &TestApp, number: usize, somebody: UserId) -> Self {
        let mark = |kind| marker(number, kind);
        let org = app.org(&mark(Kind::Organization)).await;
        let (scope, actor) = (Scope::Org(org.id), Actor::PLATFORM);
        // First: their files hold what comes behind.
        let exports =
            [schedule(app, Some(org.id), "executions").await, schedule(app, Some(org.id), "audit_logs").await];
        let entry = ConfigEntry {
            key: "some_key".to_owned(),
            config_type: ConfigType::String,
            value: json!(mark(Kind::Config)),
            description: Some(mark(Kind::Config)),
        };
        app.repositories.config.set(scope, &entry, None, &actor).await.expect("config");
        let value = SecretValue::new(mark(Kind::Secret));
        app.repositories.workflow_secrets.set(scope, "some_secret", &value, &actor).await.expect("a secret");
        let (settings, credential) = (json!({ "note": mark(Kind::Integration) }), SecretValue::new(mark(Kind::Secret)));
        let credential = CredentialChange::Set(credential);
        let integrations = &app.repositories.integrations;
        integrations.put(org.id, "msgraph", true, &settings, credential, None, &actor).await.expect("an integration");
        let channel = Channel::Email { recipients: vec![format!("{}@msp.example", mark(Kind::Rule))] };
        let rule = NotificationRule {
            name: mark(Kind::Rule),
            enabled: true,
            workflow: None,
            statuses: notification::DEFAULT_STATUSES.to_vec(),
            quiet_minutes: 15,
            channel,
        };
        let url = SecretValue::new(mark(Kind::Secret));
        app.repositories.notification_rules.create(scope, rule, Some(url), &actor).await.expect("a rule");
        let mut forms = [Uuid::nil(); 2];
        for (form, kind) in forms.iter_mut().zip([Kind::Form, Kind::InactiveForm]) {
            let fields = json!([{ "name": "email", "label": mark(kind), "type": "email" }]);
            let document = json!({ "name": mark(kind), "workflow": mark(kind), "fields": fields });
            let schema = FormSchema::parse(&document).expect("a form");
            *form = app.repositories.forms.create(scope, &schema, &actor).await.expect("a form").id;
        }
        app.repositories.forms.set_active((scope, forms[1]), false, None, &actor).await.expect("switched off");
        let past = PastExecution {
            scope,
            workflow: mark(Kind::Run),
            user: somebody,
            result: json!({ "value": mark(Kind::Run) }),
            log: mark(Kind::Run),
        };
        let run = app.past_execution(&past).await;
        let files = &app.repositories.files;
        let (name, content_type) = (format!("{}.txt", mark(Kind::File)), "text/plain".to_owned());
        let content = mark(Kind::File);
        let size_bytes = content.len() as u64;
        let output = NewOutput { execution: run.id, scope, name, content_type: content_type.clone(), size_bytes };
        let mut writer = files.begin_output(&output).await.expect("begun");
        writer.write(content.as_bytes()).await.expect("written");
        let output = files.complete_output(run.id, writer).await.expect("a file").file.id;
        let name = format!("{}.txt", mark(Kind::Upload));
        let upload = NewUpload { user: somebody, scope, name, content_type, size_bytes: 0 };
        let upload = files.begin_upload(&upload).await.expect("begun");
        files.complete_upload(somebody, upload, &actor).await.expect("an upload");
        let (exports, files, batch) = (exports.to_vec(), Vec::new(), None);
        Self { number, run, forms, org, exports, files, output, batch }
    }

    /// Has the files of its schedules written, and of one over everything. Then somebody submits a form in each place: a file
    /// waits for what has begun.
    async fn export(app: &TestApp, over_all: Uuid, somebody: UserId, places: &mut [Self]) {
        app.clock.advance(Duration::days(1));
        app.api.write_due_exports().await.expect("written");
        for place in places {
            place.exports.push(over_all);
            for schedule in &place.exports {
                let files = app.repositories.exports.files(*schedule, None, 10).await.expect("listed").items;
                place.files.extend(files.iter().map(|file| (*schedule, file.id)));
            }
            let mark = marker(place.number, Kind::Batch);
            place.batch = Some(batch(app, Scope::Org(place.scope()), somebody, &mark).await);
        }
    }

    fn scope(&self) -> OrgId {
        self.org.id
    }
}

/// A schedule of exports that begins now.
async fn schedule(app: &TestApp, org: Option<OrgId>, subject: &str) -> Uuid {
    let body = json!({ "subject": subject, "format": "jsonl", "every": "day", "at": "02:00" });
    let made = app.admin().post(org, "/api/export-schedules", body).await.expect(201).json();
    made["id"].as_str().expect("an id").parse().expect("a GUID")
}

/// Somebody, and what they hold in each place: which rights, and whether only for some workflows.
struct Somebody {
    caller: TestCaller,
    held: Vec<(Permissions, bool)>,
    is_auditor: bool,
    /// Runs of their own, each with its marker, in the places of the same numbers.
    own_runs: Vec<String>,
}

impl Somebody {
    async fn new(app: &TestApp, chance: &mut Chance, places: &[Place]) -> Self {
        let user = app.user(&format!("{}@msp.example", UserId::random())).await;
        let scopes = ["Workflows.Execute", "Forms.Manage", "Organizations.Manage"];
        let is_wide = chance.below(2) == 0;
        let carried: Vec<&str> = scopes.into_iter().filter(|_| is_wide || chance.below(2) == 0).collect();
        let ceiling = msp_domain::TokenScopes::parse(&carried.join(" ")).ceiling();
        let is_auditor = is_wide && chance.below(4) == 0;
        if is_auditor {
            let path = format!("/api/users/{}", user.user());
            let _ = app.admin().patch(None, &path, json!({ "is_auditor": true })).await.expect(200);
        }
        let (mut held, mut own_runs) = (Vec::new(), Vec::new());
        for place in places {
            let own = format!("own{}{}end", place.number, user.user().key().replace('-', ""));
            let past = PastExecution {
                scope: Scope::Org(place.scope()),
                workflow: own.clone(),
                user: user.user(),
                result: json!({ "value": own }),
                log: own.clone(),
            };
            app.past_execution(&past).await;
            own_runs.push(own);
            let permissions: Permissions = Permission::ALL.into_iter().filter(|_| chance.below(3) == 0).collect();
            let now = app.clock.now();
            let expires_at = match chance.below(4) {
                0 => Some(now - Duration::hours(1)),
                1 => Some(now + Duration::days(1)),
                _ => None,
            };
            let categories = match chance.below(3) {
                0 => Categories::only(&["password_reset".to_owned()]).expect("a category"),
                _ => Categories::Every,
            };
            let terms = GrantTerms { permissions, categories, expires_at };
            let grants = &app.repositories.grants;
            grants.change(user.user(), place.scope(), &terms, None, &Actor::PLATFORM).await.expect("a grant");
            let is_over = expires_at.is_some_and(|at| at <= now);
            let permissions = if is_over { Permissions::NONE } else { permissions.intersect(&ceiling) };
            held.push((permissions, terms.categories != Categories::Every));
        }
        let caller = app.scoped(&user, &carried.join(" "));
        Self {
            caller: if chance.below(4) == 0 && is_wide { app.in_browser(&user).await } else { caller },
            held,
            is_auditor,
            own_runs,
        }
    }

    /// The markers an answer to this caller must not contain.
    fn hidden(&self, places: &[Place]) -> Vec<String> {
        let is_visible = |number: usize, kind: Kind| {
            if self.is_auditor { kind.is_for_reviewers() } else { kind.is_visible(&self.held[number]) }
        };
        let pairs = places.iter().flat_map(|place| Kind::ALL.map(|kind| (place.number, kind)));
        let hidden = pairs.filter(|(number, kind)| !is_visible(*number, *kind));
        let sees_own = |held: &Permissions| self.is_auditor || held.execute_workflows || held.view_history;
        let lost = self.own_runs.iter().zip(&self.held).filter(|(_, (held, _))| !sees_own(held));
        hidden.map(|(number, kind)| marker(number, kind)).chain(lost.map(|(own, _)| own.clone())).collect()
    }
}

/// A `GET` operation: its path and the names of its query parameters.
struct Reading {
    path: String,
    query: Vec<String>,
}

async fn readings(app: &TestApp) -> Vec<Reading> {
    let document = app.stranger().get(None, "/openapi.json").await.expect(200).json();
    let paths = document["paths"].as_object().expect("paths");
    let reading = |(path, item): (&String, &Value)| {
        let operation = item.get("get")?;
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let query = parameters.iter().filter(|parameter| parameter["in"] == "query");
        let query = query.map(|parameter| parameter["name"].as_str().expect("a name").to_owned()).collect();
        Some(Reading { path: path.clone(), query })
    };
    paths.iter().filter_map(reading).collect()
}

impl Reading {
    /// The paths with the ids of a place in them: whatever `{id}` may mean.
    fn paths(&self, place: &Place, users: &[UserId]) -> Vec<String> {
        let org = place.scope().key();
        let path = self.path.replace("{org}", &org).replace("{key}", "some_key").replace("{type}", "msgraph");
        let path = path.replace("{name}", "some_secret");
        let run = place.run.id.key();
        if path.contains("{file_id}") {
            let of_exports = place.files.iter().map(|(schedule, file)| {
                path.replace("{id}", &schedule.to_string()).replace("{file_id}", &file.to_string())
            });
            let as_links = of_exports.clone().map(|path| format!("{path}?org_id={org}"));
            let output = path.replace("{id}", &run).replace("{file_id}", &place.output.to_string());
            return of_exports.chain(as_links).chain([output]).collect();
        }
        if !path.contains("{id}") {
            return vec![fill(&path, &run)];
        }
        let mut ids = vec![run, org, place.forms[0].to_string(), place.forms[1].to_string()];
        ids.extend(users.iter().map(UserId::key));
        ids.extend(place.exports.iter().map(Uuid::to_string));
        ids.extend(place.batch.map(|batch| batch.key()));
        ids.iter().map(|id| fill(&path.replace("{id}", id), id)).collect()
    }

    /// One of the filters the operation takes, wide enough to find something.
    fn filter(&self, chance: &mut Chance, place: &Place) -> String {
        let wide = |name: &str| match name {
            "q" | "search" => Some("q=mark".to_owned()),
            "limit" => Some("limit=200".to_owned()),
            "workflow" => Some(format!("workflow={}", marker(place.number, Kind::Run))),
            "user" => Some(format!("user={}", place.run.executed_by)),
            "status" => Some("status=Success".to_owned()),
            _ => None,
        };
        let mut filters: Vec<String> = self.query.iter().filter_map(|name| wide(name)).collect();
        filters.push(String::new());
        chance.one(&filters).clone()
    }
}

/// Whatever parameter is left gets an id.
fn fill(path: &str, id: &str) -> String {
    let filled = path.split('/').map(|part| if part.starts_with('{') { id } else { part });
    filled.collect::<Vec<_>>().join("/")
}

fn seed() -> u64 {
    std::env::var("REACH_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| u64::from(since.subsec_nanos()))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_of_any_list_search_export_or_stream_contains_what_its_caller_may_not_view() {
    let seed = seed();
    println!("repeat with REACH_SEED={seed}");
    for world in 0..WORLDS {
        let mut chance = Chance(seed.wrapping_add(world));
        let app = TestApp::new().await;
        let runner = app.user("runner@msp.example").await.user();
        let (over_all, mut places) = (schedule(&app, None, "executions").await, Vec::new());
        for number in 0..ORGANIZATIONS {
            places.push(Place::new(&app, number, runner).await);
        }
        Place::export(&app, over_all, runner, &mut places).await;
        let readings = readings(&app).await;
        // Somebody who may view everything finds every marker but those of secrets: the markers are where they can be seen.
        let (mut seen, mut files, mut asked) = (String::new(), 0, 0);
        walk(&app.admin(), &readings, &places, &[runner], None, |request, text| {
            let is_of_export = request.contains("/api/export-schedules/") && request.contains("/files/");
            files += usize::from(is_of_export && text.contains(&marker(0, Kind::Run)));
            seen.push_str(text);
        })
        .await;
        assert!(files > 2, "files of exports hold markers, and are read: {files}");
        for place in &places {
            for kind in Kind::ALL {
                let marker = marker(place.number, kind);
                assert_eq!(seen.contains(&marker), kind.is_for_reviewers(), "{marker} (seed {seed})");
            }
        }
        for _ in 0..USERS {
            let somebody = Somebody::new(&app, &mut chance, &places).await;
            let hidden = somebody.hidden(&places);
            let users = [somebody.caller.user(), runner];
            walk(&somebody.caller, &readings, &places, &users, Some(&mut chance), |request, text| {
                asked += 1;
                let leaked: Vec<&String> = hidden.iter().filter(|marker| text.contains(*marker)).collect();
                assert!(leaked.is_empty(), "seed {seed}: {request} shows {leaked:?} to {:?}: {text}", somebody.held);
            })
            .await;
        }
        assert!(asked > 200, "{asked}");
    }
}

/// Asks every operation about every place: plainly, or by chance with filters, headers and types of answers.
async fn walk(
    caller: &TestCaller,
    readings: &[Reading],
    places: &[Place],
    users: &[UserId],
    mut chance: Option<&mut Chance>,
    mut answered: impl FnMut(&str, &str),
) {
    for reading in readings {
        for place in places {
            let accepts = ["application/json", "text/event-stream", "text/plain", "text/csv", "application/x-ndjson"];
            for path in reading.paths(place, users) {
                let (mut url, mut header, mut other) = (path, None, "application/json");
                if let Some(chance) = &mut chance {
                    let filter = reading.filter(chance, place);
                    let joined = if url.contains('?') { '&' } else { '?' };
                    url = if filter.is_empty() { url } else { format!("{url}{joined}{filter}") };
                    header = match chance.below(3) {
                        0 => None,
                        1 => Some(place.scope()),
                        _ => Some(chance.one(places).scope()),
                    };
                    other = *chance.one(&accepts);
                }
                for accept in ["application/json", other] {
                    let request = caller.request("GET", &url).org(header).header("accept", accept);
                    let answer = request.send().await;
                    let asked = format!("GET {url} for {header:?} as {accept}");
                    // A refusal repeats what was asked: a filter of this test is no answer.
                    if answer.status.is_success() {
                        answered(&asked, &answer.text().to_lowercase());
                    }
                }
            }
        }
    }
}
