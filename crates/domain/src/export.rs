//! Exports on a schedule: what, as what, and when by the clocks of a client.

use crate::time_zone::first_shown_from;
use chrono::{DateTime, Datelike as _, Days, Months, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// Fewest days files are kept.
pub const MIN_KEEP_DAYS: u32 = 1;
/// Most days that may be set, ten years; who wants to keep files for longer sets none.
pub const MAX_KEEP_DAYS: u32 = 3_650;

/// Gives an enumeration the names it has on record and on the wire.
macro_rules! named {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
            // Not variant by variant: the description of the API does not see a name that a macro was given.
            #[serde(rename_all = "snake_case")]
            pub enum $name {
                $($(#[$variant_doc])* $variant,)*
            }

            impl $name {
                /// The name on record and on the wire.
                pub fn name(self) -> &'static str {
                    match self { $(Self::$variant => $text,)* }
                }

                /// The one of this name.
                pub fn named(name: &str) -> Option<Self> {
                    match name { $($text => Some(Self::$variant),)* _ => None }
                }
            }
        )*
    };
}

named! {
    /// What is exported.
    ExportSubject {
        /// Executions that have ended.
        Executions = "executions",
        /// The audit trail.
        AuditLogs = "audit_logs",
    }

    /// How a file is written.
    ExportFormat {
        /// Comma-separated values for spreadsheets: UTF-8 with byte order mark, a header row, lines ending in CR LF (RFC 4180).
        Csv = "csv",
        /// One JSON object per line, as the list has them.
        Jsonl = "jsonl",
    }

    /// How often a file is written.
    Every {
        /// Each day.
        Day = "day",
        /// Each Monday.
        Week = "week",
        /// On the first of each month.
        Month = "month",
    }
}

/// When files are written: a time on the clocks of one zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recurrence {
    /// How often.
    pub every: Every,
    /// At which time of that day.
    pub at: NaiveTime,
}

impl Recurrence {
    /// The last time at or before an instant.
    pub fn latest(&self, now: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        let mut day = self.begin(now.with_timezone(&zone).date_naive())?;
        loop {
            match self.on(day, zone)? {
                due if due <= now => return Some(due),
                _ => day = self.begin(day.pred_opt()?)?,
            }
        }
    }

    /// The first time after an instant.
    pub fn next(&self, after: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        let mut day = self.begin(after.with_timezone(&zone).date_naive())?;
        loop {
            match self.on(day, zone)? {
                due if due > after => return Some(due),
                _ => day = self.following(day)?,
            }
        }
    }

    /// The day of a file at or before this one.
    fn begin(&self, day: NaiveDate) -> Option<NaiveDate> {
        match self.every {
            Every::Day => Some(day),
            Every::Week => day.checked_sub_days(Days::new(day.weekday().num_days_from_monday().into())),
            Every::Month => day.with_day(1),
        }
    }

    fn following(&self, day: NaiveDate) -> Option<NaiveDate> {
        match self.every {
            Every::Day => day.succ_opt(),
            Every::Week => day.checked_add_days(Days::new(7)),
            Every::Month => day.checked_add_months(Months::new(1)),
        }
    }

    /// When clocks show the time on that day; where they skip it, when they show the next there is, and where they show it
    /// twice, the first time.
    fn on(&self, day: NaiveDate, zone: Tz) -> Option<DateTime<Utc>> {
        first_shown_from(day.and_time(self.at), zone).map(|shown| shown.to_utc())
    }
}

/// Reads a time of the day.
///
/// # Errors
/// A phrase that says what was expected.
pub fn time_of_day(text: &str) -> Result<NaiveTime, String> {
    let time = if text.len() == 5 { NaiveTime::parse_from_str(text, "%H:%M").ok() } else { None };
    time.ok_or_else(|| "expected a time from `00:00` to `23:59`".to_owned())
}

/// Checks a number of days.
///
/// # Errors
/// A phrase that says what was expected.
pub fn keep_days(days: u32) -> Result<u32, String> {
    if (MIN_KEEP_DAYS..=MAX_KEEP_DAYS).contains(&days) {
        return Ok(days);
    }
    Err(format!("a whole number of days from {MIN_KEEP_DAYS} to {MAX_KEEP_DAYS}, or `null` to keep files for good"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::{Europe::Berlin, Pacific::Apia, UTC};

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("an instant")
    }

    fn recurrence(every: Every, time: &str) -> Recurrence {
        Recurrence { every, at: time_of_day(time).expect("a time") }
    }

    /// Every time from one instant on.
    fn times(recurrence: Recurrence, zone: Tz, from: &str, count: usize) -> Vec<DateTime<Utc>> {
        let mut last = at(from);
        let mut next = || {
            last = recurrence.next(last, zone).expect("a time");
            last
        };
        (0..count).map(|_| next()).collect()
    }

    #[test]
    fn a_day_a_week_and_a_month_begin_at_the_local_time_in_summer_and_in_winter() {
        let daily = times(recurrence(Every::Day, "06:30"), Berlin, "2026-03-27T12:00:00Z", 3);
        assert_eq!(daily, [at("2026-03-28T05:30:00Z"), at("2026-03-29T04:30:00Z"), at("2026-03-30T04:30:00Z")]);
        let weekly = times(recurrence(Every::Week, "00:00"), UTC, "2026-11-25T00:00:00Z", 2);
        assert_eq!(weekly, [at("2026-11-30T00:00:00Z"), at("2026-12-07T00:00:00Z")], "Mondays");
        let monthly = times(recurrence(Every::Month, "00:00"), Berlin, "2026-01-31T23:00:00Z", 3);
        assert_eq!(monthly, [at("2026-02-28T23:00:00Z"), at("2026-03-31T22:00:00Z"), at("2026-04-30T22:00:00Z")]);
    }

    #[test]
    fn a_time_that_clocks_skip_is_the_next_there_is_and_one_they_show_twice_counts_once() {
        let skipped = times(recurrence(Every::Day, "02:30"), Berlin, "2026-03-28T12:00:00Z", 2);
        assert_eq!(skipped, [at("2026-03-29T01:00:00Z"), at("2026-03-30T00:30:00Z")]);
        let twice = times(recurrence(Every::Day, "02:30"), Berlin, "2026-10-24T12:00:00Z", 2);
        assert_eq!(twice, [at("2026-10-25T00:30:00Z"), at("2026-10-26T01:30:00Z")]);
        // A whole day is missing there: its file is that of the day after, at midnight.
        let day = times(recurrence(Every::Day, "12:00"), Apia, "2011-12-30T00:00:00Z", 2);
        assert_eq!(day, [at("2011-12-30T10:00:00Z"), at("2011-12-30T22:00:00Z")]);
    }

    #[test]
    fn the_latest_time_is_the_last_of_all_that_have_passed() {
        for every in [Every::Day, Every::Week, Every::Month] {
            let recurrence = recurrence(every, "02:30");
            let all = times(recurrence, Berlin, "2026-01-01T00:00:00Z", 13);
            for pair in all.windows(2) {
                for now in [pair[0], pair[1] - chrono::Duration::milliseconds(1)] {
                    assert_eq!(recurrence.latest(now, Berlin), Some(pair[0]), "{every:?} {now}");
                }
            }
        }
    }

    #[test]
    fn a_time_of_the_day_has_hours_and_minutes() {
        assert!(["00:00", "23:59", "06:30"].iter().all(|text| time_of_day(text).is_ok()));
        assert!(
            ["", "24:00", "6:30", "06:30:00", "06.30", "+6:30", "06:60"].iter().all(|text| time_of_day(text).is_err())
        );
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        for subject in [ExportSubject::Executions, ExportSubject::AuditLogs] {
            assert_eq!(ExportSubject::named(subject.name()), Some(subject));
            assert_eq!(serde_json::to_value(subject).expect("text"), subject.name());
        }
        assert_eq!(Every::named("fortnight"), None);
    }
}
