//! The command line.

use crate::settings;
use clap::{Args, Parser, Subcommand};
use std::{net::SocketAddr, path::PathBuf};

/// Where the server listens unless told otherwise (design section 2; the seed's own port).
const DEFAULT_LISTEN: &str = "127.0.0.1:7071";
/// Where the simulator listens unless told otherwise.
const DEFAULT_SIMULATOR: &str = "127.0.0.1:7073";

/// The MSP Automation Platform: workflows in Python, run for client organizations.
#[derive(Debug, Parser)]
#[command(name = "msp", version, about, max_term_width = 100, after_long_help = settings::help())]
pub struct Cli {
    /// Where everything is.
    #[command(flatten)]
    pub places: Places,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Folders and files every command may need.
#[derive(Debug, Clone, Args)]
pub struct Places {
    /// Folder of this installation: database, keys, results
    #[arg(long, global = true, value_name = "DIR", default_value = "./data")]
    pub data: PathBuf,
    /// Folder of the authors' workflows
    #[arg(long, global = true, value_name = "DIR", default_value = "./workflows")]
    pub workspace: PathBuf,
    /// A local.settings.json to read settings from; the environment wins over it
    #[arg(long, global = true, value_name = "FILE")]
    pub settings: Option<PathBuf>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the API, the sign-in page and the workflow engine
    Serve(Serve),
    /// Add demo organizations that are backed by the simulator; repeating it adds nothing twice
    Seed(Seed),
    /// Print a bearer token, good for one hour, and nothing else
    Token(Token),
    /// Manage who may sign in
    #[command(subcommand)]
    User(User),
    /// List, check and run workflows
    #[command(subcommand)]
    Workflows(Workflows),
    /// Stop everything, one workflow or one organization in an emergency: nothing more of it starts until it is resumed
    Pause(Pause),
    /// Resume what was paused; what was queued meanwhile starts
    Resume(PauseTargetArguments),
    /// List what is paused, since when, by whom and why
    Pauses,
    /// Create and change organizations, variables and forms as a folder of files says, beside a running server or without
    /// one; nothing is ever deleted. Exit code 1 if something cannot be written
    Import(Import),
    /// Write organizations, variables and forms into an empty folder that `msp import` reads; secrets only by name. Exit code
    /// 1 if something cannot be read; the rest is written
    Export(Export),
    /// Play Microsoft Graph and HaloPSA over HTTP, for demos and tests
    Simulate(Simulate),
    /// Copy the database and the results of runs into an empty folder, beside a running server; never the master key
    Backup(Backup),
    /// Put a backup back into an empty data folder; what had not ended when it was made is not run again
    Restore(Restore),
    /// Put lists and pointers that do not fit what is on record right again, while no server runs; exit code 1 if
    /// something is left that cannot be repaired
    Repair(Repair),
    /// Manage the encryption of secrets
    #[command(subcommand)]
    Secrets(Secrets),
    /// Check that the audit trail is as it was written
    #[command(subcommand)]
    Audit(Audit),
    /// Print the description of the HTTP API (OpenAPI 3.1)
    Openapi,
    /// What a worker process starts as; not for people
    #[command(name = "__worker", hide = true)]
    Worker,
}

/// `msp serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDR:PORT", default_value = DEFAULT_LISTEN)]
    pub listen: SocketAddr,
    /// Let other machines connect: needed to listen on anything but loopback
    #[arg(long)]
    pub allow_remote: bool,
    /// Serve every change of the workspace as soon as it is saved; a change that breaks what works is held back
    #[arg(long)]
    pub watch: bool,
    /// Print no sign-in link; `msp user link` prints one when it is wanted
    #[arg(long, hide = true)]
    pub no_sign_in_link: bool,
}

/// `msp seed`.
#[derive(Debug, Args)]
pub struct Seed {
    /// Where the simulator listens, or will listen
    #[arg(long, value_name = "ADDR:PORT", default_value = DEFAULT_SIMULATOR)]
    pub simulator: SocketAddr,
}

/// `msp token`.
#[derive(Debug, Args)]
pub struct Token {
    /// Whose token; the first administrator's unless said otherwise
    #[arg(long, value_name = "EMAIL")]
    pub user: Option<String>,
    /// The service account the token is for, by its name; it carries its app roles
    #[arg(long, value_name = "NAME", conflicts_with = "user")]
    pub service: Option<String>,
}

/// `msp user`.
#[derive(Debug, Subcommand)]
pub enum User {
    /// Add a user
    Add {
        /// The user's e-mail address
        email: String,
        /// The user's name, as others see it
        #[arg(long)]
        name: String,
        /// Give every right everywhere
        #[arg(long)]
        admin: bool,
        /// Rights in one organization, such as `Contoso=execute_workflows,view_history`; may be repeated
        #[arg(long, value_name = "ORG=PERMISSION,...")]
        grant: Vec<String>,
    },
    /// Set what a user may do in organizations: exactly this, from the user's next request on
    Grant {
        /// The user's e-mail address
        email: String,
        /// Rights in one organization, such as `Contoso=execute_workflows,view_history`; may be repeated
        #[arg(value_name = "ORG=PERMISSION,...", required = true)]
        grant: Vec<String>,
    },
    /// Take away everything a user may do in an organization, from the user's next request on
    Revoke {
        /// The user's e-mail address
        email: String,
        /// The organization: its id or its exact name
        org: String,
    },
    /// Deactivate a user: sessions, tokens and what waits in the queue end with the next request
    Deactivate {
        /// The user's e-mail address
        email: String,
    },
    /// List the users
    List,
    /// Print a one-time link with which a user signs in within 15 minutes
    Link {
        /// Whose link; the first administrator's unless said otherwise
        email: Option<String>,
    },
}

/// `msp workflows`.
#[derive(Debug, Subcommand)]
pub enum Workflows {
    /// List the workflows and option generators of the workspace
    List,
    /// Load the workspace and report every mistake with its file and line; exit code 1 if there is one
    Check,
    /// Write a new workflow and its test, ready to be filled in
    New {
        /// Its name: lower-case letters, digits and underscores
        name: String,
    },
    /// Run a workflow and follow it to its end; exit code 0 when it succeeds, 1 when not, 2 when used wrongly
    Run(Run),
}

/// `msp workflows run`.
#[derive(Debug, Args)]
pub struct Run {
    /// The workflow
    pub name: String,
    /// The organization to run it for: its id or its exact name
    #[arg(long, value_name = "ORG")]
    pub org: Option<String>,
    /// A parameter: `name=text`, or `name:=JSON`; may be repeated
    #[arg(long = "param", short = 'p', value_name = "NAME=VALUE")]
    pub parameters: Vec<String>,
    /// Parameters as one JSON object in a file, or `-` for standard input; `--param` wins over it
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Print the execution's id and do not wait for its end
    #[arg(long = "async")]
    pub detach: bool,
    /// Who runs it; the first administrator unless said otherwise
    #[arg(long, value_name = "EMAIL")]
    pub user: Option<String>,
}

/// `msp import`.
#[derive(Debug, Args)]
pub struct Import {
    /// The folder: organizations.csv, organizations/NAME/variables.csv, organizations/NAME/forms/*.json, and the same under
    /// global/
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,
    /// Say what would change, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Import forms without a look at whether their workflows exist. Otherwise the running server is asked, or the workspace
    /// loaded
    #[arg(long)]
    pub unchecked: bool,
    /// Only this organization: its id or its name; may be repeated
    #[arg(long, value_name = "ORG")]
    pub org: Vec<String>,
}

/// `msp export`.
#[derive(Debug, Args)]
pub struct Export {
    /// The folder to make; it may be there, but must be empty
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,
    /// Only this organization: its id or its exact name; may be repeated
    #[arg(long, value_name = "ORG")]
    pub org: Vec<String>,
}

/// `msp backup`.
#[derive(Debug, Args)]
pub struct Backup {
    /// The folder to make; it may be there, but must be empty
    #[arg(value_name = "DIR")]
    pub target: PathBuf,
}

/// `msp restore`.
#[derive(Debug, Args)]
pub struct Restore {
    /// The folder of the backup
    #[arg(value_name = "DIR")]
    pub backup: PathBuf,
    /// The key file that was in use when the backup was made; it is copied into the data folder. With
    /// MSP_MASTER_KEY_FILE set, that file is used where it is, and this is left out
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
}

/// `msp repair`.
#[derive(Debug, Args)]
pub struct Repair {
    /// Say what would be repaired, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// `msp secrets`.
#[derive(Debug, Subcommand)]
pub enum Secrets {
    /// Encrypt every secret with a new master key, while no server runs; the old key is kept nowhere
    ///
    /// Backups made until then can only be read with the old key: keep a copy of it for as long as you keep them. Tokens
    /// that `msp token` printed until then are refused afterwards.
    RotateKey,
}

/// `msp audit`.
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Look for audit rows that were edited, removed or inserted, and for seals that were; exit code 1 if there are any
    ///
    /// It changes nothing, and works beside a running server. Rows of the last seconds are not sealed yet; it says how many.
    Verify(VerifyAudit),
    /// Print the end of every chain, signed, as JSON Lines: keep them where whoever can write the data folder cannot
    Anchors,
}

/// `msp audit verify`.
#[derive(Debug, Args)]
pub struct VerifyAudit {
    /// Only of one organization: its id or its exact name; GLOBAL for what belongs to none
    #[arg(long, value_name = "ORG")]
    pub org: Option<String>,
    /// What `msp audit anchors` printed earlier: tells when a chain was cut or put back since; may be repeated
    #[arg(long, value_name = "FILE")]
    pub anchors: Vec<PathBuf>,
}

/// What `msp pause` and `msp resume` are about; everything when nothing is named.
#[derive(Debug, Args)]
pub struct PauseTargetArguments {
    /// One workflow, for every organization
    #[arg(long, value_name = "NAME", conflicts_with = "org")]
    pub workflow: Option<String>,
    /// One organization: its id or its exact name
    #[arg(long, value_name = "ORG")]
    pub org: Option<String>,
}

/// `msp pause`.
#[derive(Debug, Args)]
pub struct Pause {
    /// What
    #[command(flatten)]
    pub target: PauseTargetArguments,
    /// Why, in one line; whoever is refused reads it
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Cancel what runs already
    #[arg(long)]
    pub cancel_running: bool,
}

/// `msp simulate`.
#[derive(Debug, Args)]
pub struct Simulate {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDR:PORT", default_value = DEFAULT_SIMULATOR)]
    pub listen: SocketAddr,
    /// Folder of the simulator's state
    #[arg(long, value_name = "DIR", default_value = "./data/simulator")]
    pub state: PathBuf,
}
