//! The bars: what a figure is divided by, and what the quotient may be.

use crate::{
    cold_start::ColdStart,
    executions::{Figures, Shared},
    fairness::{Contrast, Fairness},
    history::History,
    lists::List,
    samples::{median, median_ratio},
    search::Search,
};
use serde::Serialize;

/// One line of the table.
#[derive(Debug, Serialize)]
pub struct Bar {
    /// What was measured.
    pub measure: String,
    /// With how many organizations.
    pub organizations: &'static str,
    /// Our figure.
    pub ours: String,
    /// What it is held against.
    pub against: String,
    /// Ours divided by that: the median over the rounds.
    pub ratio: Option<f64>,
    /// What the bar demands; empty for a line that only informs.
    pub bar: String,
    /// `None` when there is no bar, or no figure.
    pub is_met: Option<bool>,
}

/// What a quotient may be.
#[derive(Clone, Copy)]
enum Limit {
    AtMost(f64),
    AtLeast(f64),
}

impl Limit {
    /// A figure that is no number meets nothing.
    fn admits(self, ratio: f64) -> bool {
        match self {
            Self::AtMost(most) => ratio <= most,
            Self::AtLeast(least) => ratio >= least,
        }
    }
}

/// The list as it grows.
#[derive(Default)]
pub struct Bars {
    /// The lines.
    pub list: Vec<Bar>,
}

/// A line without figures.
struct Line {
    measure: &'static str,
    organizations: &'static str,
    limit: Limit,
    bar: &'static str,
}

impl Bars {
    /// A line whose figure is held against a number rather than another figure.
    fn add_absolute(&mut self, line: &Line, figures: Option<(f64, String)>) {
        self.add(line, figures.map(|(value, remark)| (format!("{value:.1} MB"), remark, value)));
        if let Some(bar) = self.list.last_mut() {
            bar.ratio = None;
        }
    }

    /// A line with its figures: ours and the other's as texts, and their quotient.
    fn add(&mut self, line: &Line, figures: Option<(String, String, f64)>) {
        let Line { measure, organizations, limit, bar } = *line;
        let (ours, against, ratio) = match figures {
            Some((ours, against, ratio)) => (ours, against, Some(ratio)),
            None => ("not measured".to_owned(), String::new(), None),
        };
        let is_met = ratio.map(|ratio| limit.admits(ratio));
        self.list.push(Bar {
            measure: measure.to_owned(),
            organizations,
            ours,
            against,
            ratio,
            bar: bar.to_owned(),
            is_met,
        });
    }

    /// Executions, options, memory and log.
    pub fn executions(&mut self, organizations: &'static str, figures: Option<&Figures>) {
        let line = |measure, limit, bar| Line { measure, organizations, limit, bar };
        self.add(
            &line("warm synchronous execution, 1 caller, p50", Limit::AtMost(1.5), "<= 1.5 x"),
            figures.map(|f| {
                let floor = f.floor();
                let against = format!("H + E + 2F = {}", micros(&floor));
                (micros(&f.run_p50), against, median_ratio(&f.run_p50, &floor))
            }),
        );
        self.add(
            &line("  64 callers, throughput, against FastAPI", Limit::AtLeast(5.0), ">= 5 x"),
            figures.map(|f| against_rate(&f.run_64_per_second, "FastAPI", &f.service_64_per_second)),
        );
        self.add(
            &line("  64 callers, throughput, against bare axum", Limit::AtLeast(1.0 / 18.0), ">= 1/18"),
            figures.map(|f| against_rate(&f.run_64_per_second, "H", &f.hello_per_second)),
        );
        self.add(
            &line("  1 caller, p50, against FastAPI", Limit::AtMost(1.0), "<= 1.0 x"),
            figures.map(|f| {
                let against = format!("FastAPI {}", micros(&f.service_p50));
                (micros(&f.run_p50), against, median_ratio(&f.run_p50, &f.service_p50))
            }),
        );
        self.add(
            &line("  16 callers, p99 / p50", Limit::AtMost(3.0), "<= 3"),
            figures.map(|f| {
                let against = format!("p50 {}", micros(&f.run_16_p50));
                (format!("p99 {}", micros(&f.run_16_p99)), against, median_ratio(&f.run_16_p99, &f.run_16_p50))
            }),
        );
        self.add(
            &line("option generator, no record, 1 caller, p50", Limit::AtMost(3.5), "<= 3.5 x"),
            figures.map(|f| {
                let against = format!("E = {}", micros(&f.echo_p50));
                (micros(&f.options_p50), against, median_ratio(&f.options_p50, &f.echo_p50))
            }),
        );
        self.add_absolute(
            &line("resident memory of the server", Limit::AtMost(40.0), "<= 40 MB"),
            figures.map(|f| (f.memory.server, String::new())),
        );
        self.add_absolute(
            &line("resident memory of the largest worker", Limit::AtMost(25.0), "<= 25 MB"),
            figures.map(|f| {
                let workers = &f.memory.workers;
                let remark = format!("{} workers, median {:.1} MB", workers.len(), median(workers));
                (workers.first().copied().unwrap_or(f64::NAN), remark)
            }),
        );
        self.add_absolute(
            &line("write-ahead log under sustained load", Limit::AtMost(128.0), "<= 128 MB"),
            figures.map(|f| (f.log_mib, String::new())),
        );
    }

    /// Many organizations on few workers: what a first call costs, for information.
    pub fn shared(&mut self, figures: Option<&Shared>) {
        let Some(figures) = figures else { return };
        let against = || format!("H + E + 2F = {}", micros(&figures.floor));
        self.add(
            &Line {
                measure: "warm synchronous execution, 1 caller, p50",
                organizations: "1 active of 200",
                limit: Limit::AtMost(1.5),
                bar: "<= 1.5 x",
            },
            Some((micros(&figures.active_p50), against(), median_ratio(&figures.active_p50, &figures.floor))),
        );
        self.list.push(Bar {
            measure: "first execution in a new process, 1 caller, p50".to_owned(),
            organizations: "200, 8 workers",
            ours: micros(&figures.in_turn_p50),
            against: against(),
            ratio: Some(median_ratio(&figures.in_turn_p50, &figures.floor)),
            bar: String::new(),
            is_met: None,
        });
    }

    /// Cold start.
    pub fn start(&mut self, figures: Option<&ColdStart>) {
        let line = Line {
            measure: "cold start to the first finished execution",
            organizations: "1",
            limit: Limit::AtMost(1.7),
            bar: "<= 1.7 x",
        };
        self.add(
            &line,
            figures.map(|f| {
                let against = format!("Python with asyncio {:.1} ms", median(&f.python_ms));
                (format!("{:.1} ms", median(&f.server_ms)), against, median_ratio(&f.server_ms, &f.python_ms))
            }),
        );
    }

    /// History.
    pub fn history(&mut self, history: Option<&History>) {
        let mut add = |measure, organizations, series: fn(&crate::history::Length) -> &Vec<f64>| {
            let line = Line { measure, organizations, limit: Limit::AtMost(1.5), bar: "<= 1.5 x" };
            self.add(
                &line,
                history.map(|history| {
                    let (long, short) = (series(&history.long), series(&history.short));
                    let ours = format!("{} of {}", micros(long), history.executions);
                    (ours, format!("{} of {}", micros(short), crate::history::SHORT), median_ratio(long, short))
                }),
            );
        };
        add("history page", "1", |length| &length.page_p50);
        add("history page over all organizations", "200", |length| &length.page_of_all_p50);
        add("execution lookup", "1", |length| &length.lookup_p50);
        add("execution lookup without organization", "200", |length| &length.lookup_in_all_p50);
    }

    /// What one organization's queue does to another.
    pub fn fairness(&mut self, fairness: Option<&Fairness>) {
        let mut add = |measure, contrast: fn(&Fairness) -> &Contrast| {
            let line = Line { measure, organizations: "2", limit: Limit::AtMost(2.0), bar: "<= 2 x" };
            self.add(
                &line,
                fairness.map(contrast).map(|contrast| {
                    let against = format!("idle p99 {}", micros(&contrast.idle_p99));
                    let ratio = median_ratio(&contrast.beside_p99, &contrast.idle_p99);
                    (format!("p99 {}", micros(&contrast.beside_p99)), against, ratio)
                }),
            );
        };
        add("short run beside another's 1,000 queued ones", |fairness| &fairness.shared);
        add("  the same of exclusive runs", |fairness| &fairness.exclusive);
    }

    /// Search. Its bar is a time, and no floor: people wait for it.
    pub fn search(&mut self, search: Option<&Search>) {
        let within = crate::search::FIRST_WITHIN.as_secs_f64() * 1e6;
        let line = Line {
            measure: "first search after a start, 10,000 forms",
            organizations: "500",
            limit: Limit::AtMost(1.0),
            bar: "<= 1.0 x",
        };
        self.add(
            &line,
            search.map(|search| {
                let ours = format!("{}, then {}", micros(&search.first), micros(&search.p50));
                (ours, micros(&[within]), median_ratio(&search.first, &vec![within; search.first.len()]))
            }),
        );
    }

    /// Lists: one line each for the first page and one in the middle.
    pub fn lists(&mut self, lists: Option<&[List]>) {
        for list in lists.unwrap_or_default() {
            for (which, page) in [("first page", &list.first), ("middle page", &list.middle)] {
                let ratio = median_ratio(&page.large, &page.small);
                self.list.push(Bar {
                    measure: format!("{which} of {}", list.name),
                    organizations: "500 against 10",
                    ours: micros(&page.large),
                    against: micros(&page.small),
                    ratio: Some(ratio),
                    bar: "<= 1.5 x".to_owned(),
                    is_met: Some(Limit::AtMost(1.5).admits(ratio)),
                });
            }
        }
    }

    /// What this machine cannot tell.
    pub fn azure(&mut self) {
        for (measure, bar) in
            [("Azure: table round trips before user code", "<= 2"), ("Azure: table round trips per durable step", "1")]
        {
            self.list.push(Bar {
                measure: measure.to_owned(),
                organizations: "",
                ours: "not part of this run".to_owned(),
                against: String::new(),
                ratio: None,
                bar: bar.to_owned(),
                is_met: None,
            });
        }
    }
}

impl Figures {
    /// H + E + 2F of every round.
    fn floor(&self) -> Vec<f64> {
        let rounds = self.hello_p50.iter().zip(&self.echo_p50).zip(&self.append_p50);
        rounds.map(|((hello, echo), append)| hello + echo + 2.0 * append).collect()
    }
}

fn micros(series: &[f64]) -> String {
    let value = median(series);
    if value < 1000.0 { format!("{value:.0} us") } else { format!("{:.2} ms", value / 1000.0) }
}

fn against_rate(ours: &[f64], name: &str, theirs: &[f64]) -> (String, String, f64) {
    let rate = |series: &[f64]| format!("{:.0}/s", median(series));
    (rate(ours), format!("{name} {}", rate(theirs)), median_ratio(ours, theirs))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(run_p50: f64) -> Figures {
        Figures {
            hello_p50: vec![20.0],
            hello_per_second: vec![80_000.0],
            echo_p50: vec![80.0],
            append_p50: vec![250.0],
            run_p50: vec![run_p50],
            run_16_p50: vec![1000.0],
            run_16_p99: vec![3500.0],
            run_64_per_second: vec![5000.0],
            options_p50: vec![200.0],
            service_p50: vec![1000.0],
            service_64_per_second: vec![1000.0],
            memory: crate::executions::Memory { server: 30.0, workers: vec![26.0, 20.0] },
            log_mib: 70.0,
        }
    }

    fn verdicts(figures: &Figures) -> Vec<Option<bool>> {
        let mut bars = Bars::default();
        bars.executions("1", Some(figures));
        bars.list.iter().map(|bar| bar.is_met).collect()
    }

    #[test]
    fn each_bar_is_held_against_its_own_floor() {
        // H + E + 2F is 600 us.
        let met = [true, true, true, true, false, true, true, false, true];
        assert_eq!(verdicts(&figures(900.0)), met.map(Some));
        let slow = verdicts(&figures(1001.0));
        assert_eq!((slow[0], slow[3]), (Some(false), Some(false)));
    }

    #[test]
    fn a_figure_that_is_missing_meets_nothing() {
        assert!(!Limit::AtMost(1.5).admits(f64::NAN) && !Limit::AtLeast(5.0).admits(f64::NAN));
        let mut bars = Bars::default();
        bars.executions("1", None);
        bars.history(None);
        bars.fairness(None);
        bars.search(None);
        assert!(bars.list.iter().all(|bar| bar.is_met.is_none() && bar.ours == "not measured"));
    }
}
