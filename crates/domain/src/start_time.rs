//! When a run shall start, as people say it: an instant, or a time on the client's clock.

use crate::time_zone::first_shown_from;
use chrono::{DateTime, LocalResult, NaiveDateTime, SecondsFormat, TimeZone as _, Utc};
use chrono_tz::Tz;

/// How a time on somebody's clock is written: a day and a time, without offset.
const LOCAL_FORMATS: [&str; 2] = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"];

/// A time a run shall start at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartTime {
    /// The same moment for everybody.
    Instant(DateTime<Utc>),
    /// What clocks show then, in a zone that is not known yet.
    Local(NaiveDateTime),
}

impl StartTime {
    /// Reads an instant with offset (RFC 3339), or a day and a time without.
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
            return Some(Self::Instant(instant.to_utc()));
        }
        let local = LOCAL_FORMATS.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
        local.map(Self::Local)
    }

    /// The instant at which clocks in this zone show it.
    ///
    /// # Errors
    /// A sentence for people: they never show it, or twice, and what to send instead.
    pub fn in_zone(self, zone: Tz) -> Result<DateTime<Utc>, String> {
        let local = match self {
            Self::Instant(instant) => return Ok(instant),
            Self::Local(local) => local,
        };
        let written = |instant: DateTime<Tz>| instant.to_rfc3339_opts(SecondsFormat::Secs, false);
        match zone.from_local_datetime(&local) {
            LocalResult::Single(instant) => Ok(instant.to_utc()),
            LocalResult::Ambiguous(first, second) => Err(format!(
                "In {zone} clocks show this time twice, because they are set back. Send `{}` or `{}`.",
                written(first),
                written(second)
            )),
            LocalResult::None => Err(match first_shown_from(local, zone) {
                Some(next) => format!(
                    "In {zone} clocks never show this time, because they are set forward. The next that they show is \
                     `{}`.",
                    written(next)
                ),
                None => format!("In {zone} clocks never show this time."),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::{Australia::Lord_Howe, Europe::Berlin, Pacific::Apia};

    fn at(text: &str, zone: Tz) -> Result<String, String> {
        let instant = StartTime::parse(text).expect("readable").in_zone(zone)?;
        Ok(instant.to_rfc3339_opts(SecondsFormat::Secs, true))
    }

    #[test]
    fn a_local_time_is_the_instant_at_which_clocks_there_show_it_in_summer_and_in_winter() {
        assert_eq!(at("2026-01-15T09:00", Berlin), Ok("2026-01-15T08:00:00Z".to_owned()));
        assert_eq!(at("2026-07-15T09:00:30", Berlin), Ok("2026-07-15T07:00:30Z".to_owned()));
        assert_eq!(at("2026-07-15T09:00:00-05:00", Berlin), Ok("2026-07-15T14:00:00Z".to_owned()));
    }

    #[test]
    fn a_time_that_clocks_skip_or_show_twice_is_answered_with_what_to_send() {
        let skipped = at("2026-03-29T02:30", Berlin).expect_err("skipped");
        assert!(skipped.contains("`2026-03-29T03:00:00+02:00`"), "{skipped}");
        let twice = at("2026-10-25T02:30", Berlin).expect_err("twice");
        assert!(twice.contains("`2026-10-25T02:30:00+02:00` or `2026-10-25T02:30:00+01:00`"), "{twice}");
        // Half an hour there, a whole day there.
        let half = at("2026-10-04T02:10", Lord_Howe).expect_err("skipped");
        assert!(half.contains("`2026-10-04T02:40:00+11:00`"), "{half}");
        let day = at("2011-12-30T12:00", Apia).expect_err("skipped");
        assert!(day.contains("`2011-12-31T00:00:00+14:00`"), "{day}");
    }

    #[test]
    fn what_is_no_time_is_not_guessed() {
        for text in ["", "tomorrow", "2026-03-01", "09:00", "2026-02-30T09:00", "2026-03-01 09:00", "1790000000"] {
            assert_eq!(StartTime::parse(text), None, "{text}");
        }
    }
}
