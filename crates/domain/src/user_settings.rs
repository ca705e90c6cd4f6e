//! What a person has chosen for the client: favourites, what was used last, looks. Nothing is decided by it.

use crate::{FieldFault, OrgId, config::MAX_NAME_LENGTH, naming::is_showable};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Most favourites of each kind: more is no choice any more.
pub const MAX_FAVOURITES: usize = 100;
/// Most remembered of each kind.
pub const MAX_RECENT: usize = 20;
/// Most tables whose looks are kept; the client has about a dozen.
pub const MAX_TABLES: usize = 40;
/// Most columns of a table.
pub const MAX_COLUMNS: usize = 40;
/// Longest name of a table, column or time zone, in characters.
pub const MAX_KEY_CHARS: usize = 64;
/// Widths a column may have, in CSS pixels.
pub const WIDTHS: std::ops::RangeInclusive<u32> = 24..=2_000;
/// Page sizes of tables (`limit` of lists ends there).
pub const PAGE_SIZES: std::ops::RangeInclusive<u32> = 1..=200;

/// What a person has chosen. Whatever is left out is as for somebody new.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({
    "favourites": { "organizations": ["0197c1c8-7a4e-7c41-9e0b-3f6f6d7f2f10"], "workflows": ["user_onboarding"] },
    "theme": "dark",
    "time_zone": "Europe/Amsterdam",
    "tables": { "executions": { "columns": ["status", "workflow", "started"], "page_size": 100 } }
}))]
pub struct UserSettings {
    /// What is wanted at hand, at most 100 of each kind.
    pub favourites: Marked,
    /// What was used last, newest first, at most 20 of each kind.
    pub recent: Marked,
    /// Light, dark, or what the system says.
    pub theme: Theme,
    /// Whether single keys are shortcuts.
    pub shortcuts: bool,
    /// The IANA name of the zone times are shown in; `null`: the browser's.
    pub time_zone: Option<String>,
    /// How tables look, by the client's name of the table.
    pub tables: BTreeMap<String, TableSettings>,
}

impl Default for UserSettings {
    fn default() -> Self {
        Self {
            favourites: Marked::default(),
            recent: Marked::default(),
            theme: Theme::System,
            shortcuts: true,
            time_zone: None,
            tables: BTreeMap::new(),
        }
    }
}

/// Things of each kind, in the order the person gave them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Marked {
    /// Organizations.
    pub organizations: Vec<OrgId>,
    /// Workflows, by name.
    pub workflows: Vec<String>,
    /// Forms.
    pub forms: Vec<Uuid>,
}

/// How the client looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// As the system says.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// How a table looks. What is `null` is as the client has it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TableSettings {
    /// The columns that are shown, in order.
    pub columns: Option<Vec<String>>,
    /// Widths of columns, 24 to 2,000 CSS pixels.
    pub widths: BTreeMap<String, u32>,
    /// Rows of a page, 1 to 200.
    pub page_size: Option<u32>,
}

impl UserSettings {
    /// What is wrong with them, each with a pointer.
    pub fn faults(&self) -> Vec<FieldFault> {
        let mut faults = Vec::new();
        self.favourites.check("favourites", MAX_FAVOURITES, &mut faults);
        self.recent.check("recent", MAX_RECENT, &mut faults);
        if self.time_zone.as_deref().is_some_and(|zone| !may_be_a_zone(zone)) {
            fault(&mut faults, "#/time_zone", "expected the IANA name of a time zone, such as `Europe/Amsterdam`");
        }
        at_most(MAX_TABLES, self.tables.len(), "#/tables", &mut faults);
        for (name, table) in &self.tables {
            table.check(name, &mut faults);
        }
        faults
    }
}

impl Marked {
    fn check(&self, at: &str, most: usize, faults: &mut Vec<FieldFault>) {
        let lists = [
            ("organizations", self.organizations.len()),
            ("workflows", self.workflows.len()),
            ("forms", self.forms.len()),
        ];
        for (kind, count) in lists {
            at_most(most, count, &format!("#/{at}/{kind}"), faults);
        }
        for (index, name) in self.workflows.iter().enumerate() {
            if !is_word(name, MAX_NAME_LENGTH) {
                let expected = format!("expected a name of 1 to {MAX_NAME_LENGTH} characters");
                fault(faults, format!("#/{at}/workflows/{index}"), expected);
            }
        }
    }
}

impl TableSettings {
    fn check(&self, name: &str, faults: &mut Vec<FieldFault>) {
        let at = format!("#/tables/{}", escaped(name));
        let expected = || format!("expected a name of 1 to {MAX_KEY_CHARS} characters");
        if !is_word(name, MAX_KEY_CHARS) {
            fault(faults, at.as_str(), expected());
        }
        let columns = self.columns.as_deref().unwrap_or_default();
        at_most(MAX_COLUMNS, columns.len(), &format!("{at}/columns"), faults);
        for (index, _) in columns.iter().enumerate().filter(|(_, column)| !is_word(column, MAX_KEY_CHARS)) {
            fault(faults, format!("{at}/columns/{index}"), expected());
        }
        at_most(MAX_COLUMNS, self.widths.len(), &format!("{at}/widths"), faults);
        for (column, width) in &self.widths {
            let at = format!("{at}/widths/{}", escaped(column));
            if !is_word(column, MAX_KEY_CHARS) {
                fault(faults, at, expected());
            } else if !WIDTHS.contains(width) {
                fault(faults, at, format!("expected a number from {} to {}", WIDTHS.start(), WIDTHS.end()));
            }
        }
        if self.page_size.is_some_and(|size| !PAGE_SIZES.contains(&size)) {
            let expected = format!("expected a number from {} to {}", PAGE_SIZES.start(), PAGE_SIZES.end());
            fault(faults, format!("{at}/page_size"), expected);
        }
    }
}

fn fault(faults: &mut Vec<FieldFault>, pointer: impl Into<String>, detail: impl Into<String>) {
    faults.push(FieldFault { pointer: pointer.into(), detail: detail.into() });
}

fn at_most(most: usize, count: usize, pointer: &str, faults: &mut Vec<FieldFault>) {
    if count > most {
        fault(faults, pointer, format!("at most {most} items, not {count}"));
    }
}

fn is_word(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.chars().count()) && text.chars().all(is_showable)
}

/// The browser knows the zones; here it only must not be something else.
fn may_be_a_zone(text: &str) -> bool {
    is_word(text, MAX_KEY_CHARS)
        && text.split('/').all(|part| !part.is_empty())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '+'))
}

/// A name as a part of a JSON pointer (RFC 6901 section 3).
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointers(json: serde_json::Value) -> Vec<String> {
        let settings: UserSettings = serde_json::from_value(json).expect("of the right shape");
        settings.faults().into_iter().map(|fault| fault.pointer).collect()
    }

    #[test]
    fn what_is_left_out_is_as_for_somebody_new() {
        let settings: UserSettings = serde_json::from_str("{}").expect("nothing is required");
        assert_eq!(settings, UserSettings::default());
        assert!(settings.shortcuts && settings.faults().is_empty());
    }

    #[test]
    fn every_fault_points_at_its_place() {
        let many = vec!["x"; 101];
        assert_eq!(
            pointers(serde_json::json!({
                "favourites": { "workflows": many },
                "recent": { "workflows": ["", "a\u{202e}b", "fine"] },
                "time_zone": "Europe//Paris",
                "tables": {
                    "a/b": { "columns": ["ok", ""], "widths": { "x": 23, "y": 24 }, "page_size": 201 },
                    "": {},
                },
            })),
            [
                "#/favourites/workflows",
                "#/recent/workflows/0",
                "#/recent/workflows/1",
                "#/time_zone",
                "#/tables/",
                "#/tables/a~1b/columns/1",
                "#/tables/a~1b/widths/x",
                "#/tables/a~1b/page_size",
            ]
        );
        for zone in ["UTC", "America/Argentina/Buenos_Aires", "Etc/GMT+5"] {
            assert!(pointers(serde_json::json!({ "time_zone": zone })).is_empty(), "{zone}");
        }
    }
}
