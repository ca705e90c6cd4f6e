//! Everything that was measured, and the bars of design section 10 it is held against.

use crate::{
    bars::{Bar, Bars},
    cold_start::{self, ColdStart},
    executions::{self, Figures, Shared},
    fairness::{self, Fairness},
    history::{self, History},
    lists::{self, List},
    options::{Options, Part},
    search::{self, Search},
};
use anyhow::Result;
use chrono::{SecondsFormat, Utc};
use serde::Serialize;
use std::{fs, thread};

/// Organizations of an MSP.
const MANY: usize = 200;

/// What was measured; `None` for a part that was not asked for.
#[derive(Debug, Serialize)]
pub struct Report {
    /// When and where.
    pub machine: String,
    /// With one organization.
    pub one: Option<Figures>,
    /// With many in turn, each with a warm worker.
    pub many: Option<Figures>,
    /// With many and the default number of workers.
    pub shared: Option<Shared>,
    /// Cold start.
    pub start: Option<ColdStart>,
    /// History.
    pub history: Option<History>,
    /// Two organizations.
    pub fairness: Option<Fairness>,
    /// Many organizations and forms.
    pub search: Option<Search>,
    /// Every list.
    pub lists: Option<Vec<List>>,
}

impl Report {
    /// Measures what is wanted, part after part.
    pub async fn measure(options: &Options) -> Result<Self> {
        let choice = &options.choice;
        let mut report = Self {
            machine: machine(choice.quick),
            one: None,
            many: None,
            shared: None,
            start: None,
            history: None,
            fairness: None,
            search: None,
            lists: None,
        };
        if choice.wants(Part::One) {
            report.one = Some(executions::measure(options, 1).await?);
        }
        if choice.wants(Part::Many) {
            report.many = Some(executions::measure(options, MANY).await?);
            report.shared = Some(executions::measure_shared(options, MANY).await?);
        }
        if choice.wants(Part::Start) {
            report.start = Some(cold_start::measure(options).await?);
        }
        if choice.wants(Part::History) {
            report.history = Some(history::measure(options).await?);
        }
        if choice.wants(Part::Fairness) {
            report.fairness = Some(fairness::measure(options).await?);
        }
        if choice.wants(Part::Search) {
            report.search = Some(search::measure(options).await?);
        }
        if choice.wants(Part::Lists) {
            report.lists = Some(lists::measure(options).await?);
        }
        Ok(report)
    }

    /// Every bar, met, missed or not measured.
    pub fn bars(&self) -> Vec<Bar> {
        let mut bars = Bars::default();
        bars.executions("1", self.one.as_ref());
        bars.executions("200 in turn", self.many.as_ref());
        bars.shared(self.shared.as_ref());
        bars.start(self.start.as_ref());
        bars.history(self.history.as_ref());
        bars.fairness(self.fairness.as_ref());
        bars.search(self.search.as_ref());
        bars.lists(self.lists.as_deref());
        bars.azure();
        bars.list
    }
}

/// One line about when and on what this ran, load included: figures of a busy machine are worth less.
fn machine(quick: bool) -> String {
    let first = |path: &str, name: &str| {
        let text = fs::read_to_string(path).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        Some(line.trim_start_matches([' ', '\t', ':']).trim().to_owned())
    };
    let processor = first("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown processor".to_owned());
    let memory_gib = first("/proc/meminfo", "MemTotal")
        .and_then(|text| text.strip_suffix("kB")?.trim().parse::<u64>().ok())
        .map_or(0, |kib| kib.div_ceil(1024 * 1024));
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default().to_owned();
    format!(
        "{}{}; {} x {processor}, {memory_gib} GiB; load average before the run {load}",
        Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true),
        if quick { " (quick: too short for the record)" } else { "" },
        thread::available_parallelism().map_or(1, usize::from),
    )
}
