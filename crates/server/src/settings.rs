//! Every environment variable and setting of the platform: declared, documented, read and checked here and nowhere
//! else. All faults are reported at once.

mod values;

use crate::{clock::CLOCK_OFFSET_VARIABLE, logging::LogFormat};
use anyhow::{Context, Result};
use msp_auth::{EntraSettings, ScrapeToken, entra::is_on_this_machine};
use msp_domain::workflow::nearest;
use msp_engine::fault::FAULT_POINT_VARIABLE;
use msp_notifications::{MailServer, MailSettings, Sender};
use std::{
    collections::BTreeMap,
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};
use url::Url;
use values::{
    audit_days, authority, default_workers, filter, guid, hosts, interpreter, log_format, memory_mb, origin, password,
    requests_per_minute, scrape_token, workers,
};

/// A setting there is.
struct Declaration {
    name: &'static str,
    help: &'static str,
}

const PYTHON: &str = "MSP_PYTHON";
const WORKERS_MAX: &str = "MSP_WORKERS_MAX";
const WORKER_MEMORY_MB: &str = "MSP_WORKER_MEMORY_MB";
const MASTER_KEY_FILE: &str = "MSP_MASTER_KEY_FILE";
const PUBLIC_URL: &str = "MSP_PUBLIC_URL";
const ALLOWED_HOSTS: &str = "MSP_ALLOWED_HOSTS";
const REQUESTS_PER_MINUTE: &str = "MSP_REQUESTS_PER_MINUTE";
const LOG: &str = "MSP_LOG";
const RUST_LOG: &str = "RUST_LOG";
const LOG_FORMAT: &str = "MSP_LOG_FORMAT";
const METRICS_TOKEN_FILE: &str = "MSP_METRICS_TOKEN_FILE";
const AUDIT_DAYS: &str = "MSP_AUDIT_DAYS";
const SMTP_URL: &str = "MSP_SMTP_URL";
const SMTP_PASSWORD_FILE: &str = "MSP_SMTP_PASSWORD_FILE";
const SMTP_FROM: &str = "MSP_SMTP_FROM";
const TABLES: &str = "TableStorageConnectionString";
const KEY_VAULT: &str = "KeyVaultUrl";
const TENANT: &str = "AzureAd__TenantId";
const CLIENT: &str = "AzureAd__ClientId";
const CLIENT_SECRET_FILE: &str = "MSP_ENTRA_CLIENT_SECRET_FILE";
const AUTHORITY: &str = "MSP_ENTRA_AUTHORITY";
const ENGINE_URL: &str = "WorkflowEngineUrl";
const MANAGEMENT_URL: &str = "ManagementApiUrl";

const DECLARATIONS: [Declaration; 23] = [
    Declaration { name: PYTHON, help: "the Python of the workers, 3.11 or newer [default: python3]" },
    Declaration { name: WORKERS_MAX, help: "most worker processes at once [default: 4 per processor, at least 8]" },
    Declaration {
        name: WORKER_MEMORY_MB,
        help: "MiB a worker may hold with what it starts, at least 64 [default: 1024]",
    },
    Declaration {
        name: MASTER_KEY_FILE,
        help: "file of the key that secrets are encrypted with [default: master.key in the data folder]",
    },
    Declaration {
        name: PUBLIC_URL,
        help: "the address people see, such as https://automation.example.com, when a proxy stands in front",
    },
    Declaration {
        name: ALLOWED_HOSTS,
        help: "names the server answers to besides its own address, separated by commas",
    },
    Declaration {
        name: REQUESTS_PER_MINUTE,
        help: "requests of one caller that are answered within a minute, at least 60 [default: 6000]",
    },
    Declaration { name: LOG, help: "what is logged, such as debug or warn,msp_engine=debug [default: info]" },
    Declaration { name: RUST_LOG, help: "the same, for when MSP_LOG is not set" },
    Declaration {
        name: LOG_FORMAT,
        help: "text for people, json for one JSON object per line [default: text on a terminal, else json]",
    },
    Declaration {
        name: METRICS_TOKEN_FILE,
        help: "file of a token, 32 characters or more, with which Prometheus reads /metrics [default: administrators only]",
    },
    Declaration { name: AUDIT_DAYS, help: "days audit rows are kept, at least 365 [default: for ever]" },
    Declaration {
        name: SMTP_URL,
        help: "the mail server of notifications, such as smtp://user@mail.example.com:587 (STARTTLS) or smtps://...",
    },
    Declaration { name: SMTP_PASSWORD_FILE, help: "file of the password of the user in MSP_SMTP_URL" },
    Declaration {
        name: SMTP_FROM,
        help: "who e-mail comes from, such as MSP <msp@example.com>; needed with MSP_SMTP_URL",
    },
    Declaration {
        name: TABLES,
        help: "absent or UseDevelopmentStorage=true: everything is kept in the data folder. Azure comes later",
    },
    Declaration { name: KEY_VAULT, help: "absent: secrets are kept in the data folder. Key Vault comes later" },
    Declaration {
        name: TENANT,
        help: "the Entra tenant whose people sign in; with AzureAd__ClientId [default: local accounts]",
    },
    Declaration { name: CLIENT, help: "the application (client) id of the app registration they sign in through" },
    Declaration {
        name: CLIENT_SECRET_FILE,
        help: "file of that app registration's client secret; needed with AzureAd__ClientId",
    },
    Declaration {
        name: AUTHORITY,
        help: "where Entra ID is, for national clouds [default: https://login.microsoftonline.com]",
    },
    Declaration { name: ENGINE_URL, help: "accepted and not needed: one process serves API and engine" },
    Declaration { name: MANAGEMENT_URL, help: "accepted and not needed: one process serves API and engine" },
];

/// Names in a `local.settings.json` that belong to the Azure Functions host and mean nothing here.
const FUNCTIONS_HOST_PREFIXES: [&str; 3] = ["AzureWebJobs", "FUNCTIONS_", "WEBSITE_"];

/// Room for a few hundred thousand records; eight workers of this size fit a small server only just.
const DEFAULT_WORKER_MEMORY_MB: u64 = 1024;

/// A browser asks a few times a second while somebody works with it; a program that asks a hundred times a second for a
/// minute is one that loops.
const DEFAULT_REQUESTS_PER_MINUTE: u32 = 6_000;

/// Entra ID of the public cloud.
const DEFAULT_AUTHORITY: &str = "https://login.microsoftonline.com";

/// The settings, checked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The interpreter of the workers; `None` finds `python3`.
    pub python: Option<PathBuf>,
    /// Most worker processes at once.
    pub workers_max: usize,
    /// MiB of memory a worker may hold, with the processes it started.
    pub worker_memory_mb: u64,
    /// The key file, if it is not in the data folder.
    pub master_key_file: Option<PathBuf>,
    /// The origin people see, if it is not the listening address.
    pub public_url: Option<Url>,
    /// Further host names the server answers to.
    pub allowed_hosts: Vec<String>,
    /// Requests of one caller that are answered within a minute.
    pub requests_per_minute: u32,
    /// The log filter, if one was set.
    pub log: Option<String>,
    /// How log lines are written, if that was set.
    pub log_format: Option<LogFormat>,
    /// The token with which Prometheus reads `/metrics`.
    pub metrics_token: Option<ScrapeToken>,
    /// How many days audit rows are kept; `None`: for ever.
    pub audit_days: Option<u32>,
    /// How notifications go by e-mail, if they do.
    pub mail: Option<MailSettings>,
    /// The app registration people sign in through; `None`: they have local accounts.
    pub entra: Option<EntraSettings>,
}

/// Everything that is wrong with the settings.
#[derive(Debug, thiserror::Error)]
#[error("the settings are not usable:\n  - {}", .0.join("\n  - "))]
pub struct SettingsFaults(pub Vec<String>);

impl Settings {
    /// Reads the environment and, behind it, a `local.settings.json`.
    ///
    /// # Errors
    /// [`SettingsFaults`] with every fault; or the file cannot be read.
    pub fn load(file: Option<&Path>) -> Result<Self> {
        let mut faults = Vec::new();
        let mut values = BTreeMap::new();
        if let Some(path) = file {
            let text = fs::read_to_string(path)
                .with_context(|| format!("the settings file {} cannot be read", path.display()))?;
            values = read_file(&text, &mut faults);
        }
        for (name, value) in env::vars_os() {
            let Some(name) = name.to_str().filter(|name| is_ours(name)) else { continue };
            match value.into_string() {
                Ok(value) => {
                    values.insert(name.to_owned(), value);
                }
                Err(_) => faults.push(format!("{name} is not readable as text (UTF-8)")),
            }
        }
        Ok(Self::check(&values, faults)?)
    }

    fn check(values: &BTreeMap<String, String>, faults: Vec<String>) -> Result<Self, SettingsFaults> {
        let mut reader = Reader { values, faults };
        reader.refuse_unknown();
        reader.refuse_azure();
        let settings = Self {
            python: reader.read(PYTHON, interpreter),
            workers_max: reader.read(WORKERS_MAX, workers).unwrap_or_else(default_workers),
            worker_memory_mb: reader.read(WORKER_MEMORY_MB, memory_mb).unwrap_or(DEFAULT_WORKER_MEMORY_MB),
            master_key_file: reader.read(MASTER_KEY_FILE, |text| Ok(PathBuf::from(text))),
            public_url: reader.read(PUBLIC_URL, origin),
            allowed_hosts: reader.read(ALLOWED_HOSTS, hosts).unwrap_or_default(),
            requests_per_minute: reader
                .read(REQUESTS_PER_MINUTE, requests_per_minute)
                .unwrap_or(DEFAULT_REQUESTS_PER_MINUTE),
            log: reader.read(LOG, filter).or_else(|| reader.read(RUST_LOG, filter)),
            log_format: reader.read(LOG_FORMAT, log_format),
            metrics_token: reader.read(METRICS_TOKEN_FILE, scrape_token),
            audit_days: reader.read(AUDIT_DAYS, audit_days),
            mail: reader.mail(),
            entra: reader.entra(),
        };
        if reader.faults.is_empty() { Ok(settings) } else { Err(SettingsFaults(reader.faults)) }
    }
}

/// The declarations as the end of `msp --help`.
pub fn help() -> String {
    let mut text = String::from("Settings (environment variables, or Values of the --settings file):\n");
    for Declaration { name, help } in &DECLARATIONS {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {name:<29} {help}");
    }
    text
}

/// Whether a variable of the environment is meant for this program.
fn is_ours(name: &str) -> bool {
    !is_test_switch(name)
        && (name.starts_with("MSP_") || DECLARATIONS.iter().any(|declaration| declaration.name == name))
}

/// Whether a variable is one of the tests' own, where a debug build kills itself and what time it has. A release build
/// refuses them as unknown.
fn is_test_switch(name: &str) -> bool {
    cfg!(debug_assertions) && [FAULT_POINT_VARIABLE, CLOCK_OFFSET_VARIABLE].contains(&name)
}

/// The `Values` of a `local.settings.json`, the file of Azure Functions that the original tool's authors have.
fn read_file(text: &str, faults: &mut Vec<String>) -> BTreeMap<String, String> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct File {
        #[serde(default)]
        is_encrypted: bool,
        values: BTreeMap<String, serde_json::Value>,
    }
    let file = match serde_json::from_str::<File>(text) {
        Ok(File { is_encrypted: true, .. }) => {
            faults.push("the settings file is encrypted; decrypt it with `func settings decrypt`".to_owned());
            return BTreeMap::new();
        }
        Ok(file) => file,
        Err(error) => {
            faults.push(format!("the settings file is not readable ({error}); expected {{\"Values\": {{...}}}}"));
            return BTreeMap::new();
        }
    };
    let ours = file
        .values
        .into_iter()
        .filter(|(name, _)| !FUNCTIONS_HOST_PREFIXES.iter().any(|prefix| name.starts_with(prefix)));
    ours.filter_map(|(name, value)| match value {
        serde_json::Value::String(text) => Some((name, text)),
        serde_json::Value::Number(number) => Some((name, number.to_string())),
        _ => {
            faults.push(format!("{name} in the settings file must be a text"));
            None
        }
    })
    .collect()
}

struct Reader<'a> {
    values: &'a BTreeMap<String, String>,
    faults: Vec<String>,
}

impl Reader<'_> {
    /// A value that is set: not absent, not empty, and not one of the placeholders the original's sample file holds.
    fn value(&self, name: &str) -> Option<&str> {
        let value = self.values.get(name)?.trim();
        let placeholder = (value.starts_with('{') && value.ends_with('}')) || value.contains("//your-keyvault.");
        (!value.is_empty() && !placeholder).then_some(value)
    }

    fn read<T>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let parsed = parse(self.value(name)?);
        parsed.map_err(|fault| self.faults.push(format!("{name} {fault}"))).ok()
    }

    /// Three settings that need each other.
    fn mail(&mut self) -> Option<MailSettings> {
        let server: Option<MailServer> = self.read(SMTP_URL, str::parse);
        let from: Option<Sender> = self.read(SMTP_FROM, str::parse);
        let password = self.read(SMTP_PASSWORD_FILE, password);
        let is_set = |name| self.value(name).is_some();
        let (has_url, has_from, has_password) = (is_set(SMTP_URL), is_set(SMTP_FROM), is_set(SMTP_PASSWORD_FILE));
        let mut missing = |is_missing: bool, fault: &str| {
            if is_missing {
                self.faults.push(fault.to_owned());
            }
        };
        missing(
            has_url && !has_from,
            "MSP_SMTP_FROM is missing: MSP_SMTP_URL names a mail server, so mail needs a sender",
        );
        missing(!has_url && (has_from || has_password), "MSP_SMTP_URL is missing: there is no mail server to send by");
        if let Some(server) = &server {
            let fault = "MSP_SMTP_PASSWORD_FILE is missing: MSP_SMTP_URL names a user, who needs a password";
            missing(server.signs_in() && !has_password, fault);
            let fault = "MSP_SMTP_URL names no user, such as smtp://user@..., and MSP_SMTP_PASSWORD_FILE a password";
            missing(!server.signs_in() && has_password, fault);
        }
        Some(MailSettings { server: server?, password, from: from? })
    }

    /// Settings that need each other: both ids make people sign in with Entra ID.
    fn entra(&mut self) -> Option<EntraSettings> {
        let (tenant_id, client_id) = (self.read(TENANT, guid), self.read(CLIENT, guid));
        let client_secret = self.read(CLIENT_SECRET_FILE, password);
        let at = self.read(AUTHORITY, authority);
        let public_url = self.value(PUBLIC_URL).and_then(|text| origin(text).ok());
        let is_set = |name| self.value(name).is_some();
        let of_entra = [TENANT, CLIENT, CLIENT_SECRET_FILE, AUTHORITY];
        if !of_entra.into_iter().any(is_set) {
            return None;
        }
        let missing: Vec<_> = [TENANT, CLIENT, CLIENT_SECRET_FILE].into_iter().filter(|name| !is_set(name)).collect();
        let set: Vec<_> = of_entra.into_iter().filter(|name| is_set(name)).collect();
        for name in missing {
            self.faults.push(format!(
                "{name} is missing: sign-in with Entra ID needs it beside {}; without any of them people have local accounts",
                set.join(" and ")
            ));
        }
        if public_url.is_some_and(|url| url.scheme() != "https" && !is_on_this_machine(&url)) {
            self.faults.push(format!("{PUBLIC_URL} must begin with https://: Entra ID sends people nowhere else"));
        }
        let authority = at.or_else(|| Url::parse(DEFAULT_AUTHORITY).ok())?;
        Some(EntraSettings { tenant_id: tenant_id?, client_id: client_id?, client_secret: client_secret?, authority })
    }

    fn refuse_unknown(&mut self) {
        for name in self.values.keys() {
            let known = || DECLARATIONS.iter().map(|declaration| declaration.name);
            if is_test_switch(name) || known().any(|known| known == name) {
                continue;
            }
            let advice = nearest(name, known()).map_or_else(
                || "`msp --help` lists the settings there are".to_owned(),
                |name| format!("did you mean {name}?"),
            );
            self.faults.push(format!("there is no setting {name}; {advice}"));
        }
    }

    /// The names of the Azure home are known, so that a settings file can be kept; what they ask for does not exist yet.
    /// Values are never quoted: a connection string holds a key.
    fn refuse_azure(&mut self) {
        if self.value(TABLES).is_some_and(|value| value.trim_end_matches(';') != "UseDevelopmentStorage=true") {
            self.faults.push(format!(
                "{TABLES} asks for Azure Table Storage, which comes with a later version; remove it, or set \
                 UseDevelopmentStorage=true, to keep everything in the data folder"
            ));
        }
        if self.value(KEY_VAULT).is_some() {
            self.faults.push(format!(
                "{KEY_VAULT} asks for Azure Key Vault, which comes with a later version; remove it to keep secrets in \
                 the data folder"
            ));
        }
        for name in [ENGINE_URL, MANAGEMENT_URL] {
            self.read(name, |text| Url::parse(text).map_err(|error| format!("is not an address: {error}")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use msp_storage::SecretValue;

    fn check(values: &[(&str, &str)]) -> Result<Settings, Vec<String>> {
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Settings::check(&values, Vec::new()).map_err(|faults| faults.0)
    }

    #[test]
    fn every_fault_is_reported_and_a_misspelt_name_gets_the_nearest_one() {
        let faults = check(&[
            ("MSP_WORKER_MAX", "4"),
            ("MSP_WORKERS_MAX", "many"),
            ("MSP_PUBLIC_URL", "automation.example.com"),
            ("TableStorageConnectionString", "DefaultEndpointsProtocol=https;AccountKey=c2VjcmV0"),
            ("AzureAd__TenantId", "contoso"),
            ("MSP_LOG_FORMAT", "xml"),
            ("MSP_AUDIT_DAYS", "364"),
        ])
        .expect_err("faults");
        // A tenant alone is two faults more: it needs a client and its secret.
        assert_eq!(faults.len(), 9, "{faults:#?}");
        assert!(faults[0].contains("did you mean MSP_WORKERS_MAX?"), "{}", faults[0]);
        assert!(!faults.concat().contains("c2VjcmV0"), "a key was printed");
    }

    #[test]
    fn a_mail_server_needs_a_sender_and_its_user_a_password_that_is_not_in_its_address() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("password");
        fs::write(&file, "s3cret-canary\n").expect("written");
        let file = file.to_str().expect("a path");
        let (url, from) = (("MSP_SMTP_URL", "smtp://robot@mail.example.com"), ("MSP_SMTP_FROM", "msp@example.com"));
        let mail = check(&[url, from, ("MSP_SMTP_PASSWORD_FILE", file)]).expect("no fault").mail.expect("mail");
        assert_eq!(mail.server.to_string(), "mail.example.com:587");
        assert_eq!(mail.password.as_ref().map(SecretValue::reveal), Some("s3cret-canary"));
        assert!(!format!("{mail:?}").contains("canary"));
        assert!(check(&[]).expect("no fault").mail.is_none());
        for (values, expected) in [
            (&[url, from][..], "MSP_SMTP_PASSWORD_FILE is missing"),
            (&[("MSP_SMTP_URL", "smtp://mail.example.com")], "MSP_SMTP_FROM is missing"),
            (&[from], "MSP_SMTP_URL is missing"),
            (&[("MSP_SMTP_URL", "smtp://localhost"), from, ("MSP_SMTP_PASSWORD_FILE", file)], "names no user"),
            (&[("MSP_SMTP_URL", "smtp://robot:canary@localhost"), from], "must not hold a password"),
        ] {
            let faults = check(values).expect_err(expected);
            assert!(faults.len() == 1 && faults[0].contains(expected), "{faults:?}");
            assert!(!faults[0].contains("canary"), "{faults:?}");
        }
    }

    #[test]
    fn entra_id_needs_both_ids_and_a_secret_and_is_called_over_tls() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("secret");
        fs::write(&file, "s3cret-canary\n").expect("written");
        let secret = ("MSP_ENTRA_CLIENT_SECRET_FILE", file.to_str().expect("a path"));
        let tenant = ("AzureAd__TenantId", "6F9619FF-8B86-D011-B42D-00CF4FC964FF");
        let client = ("AzureAd__ClientId", "4f0b2a4c-9a0d-4c0a-8f3e-6d2d5b0f7c21");
        let entra = check(&[tenant, client, secret]).expect("no fault").entra.expect("Entra ID");
        assert_eq!(entra.tenant_id.to_string(), tenant.1.to_lowercase());
        assert_eq!(entra.authority.as_str(), "https://login.microsoftonline.com/");
        assert!(entra.client_secret.reveal() == "s3cret-canary" && !format!("{entra:?}").contains("canary"));
        assert!(check(&[]).expect("no fault").entra.is_none());
        let at = |address| ("MSP_ENTRA_AUTHORITY", address);
        for address in ["https://login.microsoftonline.us", "http://127.0.0.1:8080", "http://localhost:8080"] {
            assert!(check(&[tenant, client, secret, at(address)]).is_ok(), "{address}");
        }
        for (values, expected) in [
            (&[tenant, secret][..], "AzureAd__ClientId is missing"),
            (&[client, secret], "AzureAd__TenantId is missing"),
            (&[tenant, client], "MSP_ENTRA_CLIENT_SECRET_FILE is missing"),
            (&[tenant, ("AzureAd__ClientId", "automation"), secret], "AzureAd__ClientId is not a GUID"),
            (&[tenant, client, secret, at("http://login.example.com")], "MSP_ENTRA_AUTHORITY must be an address"),
            (
                &[tenant, client, secret, at("https://login.example.com/tenant")],
                "MSP_ENTRA_AUTHORITY must be an address",
            ),
            (&[tenant, client, secret, ("MSP_PUBLIC_URL", "http://msp.example.com")], "must begin with https://"),
            (&[tenant, client, ("MSP_ENTRA_CLIENT_SECRET_FILE", "/nowhere")], "which cannot be read"),
        ] {
            let faults = check(values).expect_err(expected);
            assert!(faults.len() == 1 && faults[0].contains(expected), "{expected}: {faults:?}");
        }
    }

    #[test]
    fn the_original_sample_file_means_the_embedded_home() {
        let text = r#"{ "IsEncrypted": false, "Values": { "AzureWebJobsStorage": "UseDevelopmentStorage=true",
            "FUNCTIONS_WORKER_RUNTIME": "python", "TableStorageConnectionString": "UseDevelopmentStorage=true",
            "KeyVaultUrl": "https://your-keyvault.vault.azure.net/", "AzureAd__TenantId": "{tenant-id}",
            "AzureAd__ClientId": "{client-id}", "WorkflowEngineUrl": "http://localhost:7072" } }"#;
        let mut faults = Vec::new();
        let values = read_file(text, &mut faults);
        let settings = Settings::check(&values, faults).expect("no fault");
        assert_eq!(settings.public_url, None);
    }

    #[test]
    fn every_declared_name_is_documented_in_the_help() {
        for declaration in &DECLARATIONS {
            assert!(help().contains(declaration.name) && !declaration.help.is_empty());
        }
    }

    #[test]
    fn the_default_number_of_workers_is_at_least_eight() {
        assert!(check(&[]).expect("no fault").workers_max >= 8);
    }
}
