#![doc = include_str!("../README.md")]

pub mod app_role;
pub mod caller;
pub mod categories;
pub mod clock;
pub mod config;
pub mod execution;
pub mod export;
pub mod file;
pub mod form;
pub mod ids;
pub mod naming;
pub mod notification;
pub mod parameter;
pub mod pause;
pub mod permission;
pub mod retention;
pub mod start_time;
pub mod tags;
pub mod time_zone;
pub mod user_settings;
pub mod workflow;

pub use app_role::{AppRole, AppRoles};
pub use caller::{Caller, CallerKind, TokenScopes};
pub use categories::Categories;
pub use clock::{Clock, SystemClock};
pub use config::{ConfigEntry, ConfigOrigin, ConfigType, EffectiveConfig};
pub use execution::{ExecutionStatus, LogLevel, LogLine, Step, Trigger};
pub use export::{Every, ExportFormat, ExportSubject, Recurrence};
pub use ids::{BatchId, ExecutionId, IdError, OrgId, Scope, UserId};
pub use notification::NotificationRule;
pub use parameter::{FieldFault, Parameter, ParameterType};
pub use pause::PauseTarget;
pub use permission::{Permission, Permissions};
pub use tags::Tags;
pub use user_settings::UserSettings;
pub use workflow::{BundleMetadata, FileError, OptionGenerator, Workflow};
