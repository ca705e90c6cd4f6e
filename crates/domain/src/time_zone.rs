//! Time zones by their IANA names: when it is nine in the morning for a client, through every change of the clocks.

use crate::workflow::nearest;
use chrono::{DateTime, Duration, NaiveDateTime, TimeZone as _};
use chrono_tz::{TZ_VARIANTS, Tz};

/// Longest gap that is looked across for a time that exists: clocks have been set forward by a day at most (Samoa, 2011).
const LONGEST_GAP: Duration = Duration::hours(25);
/// Clocks are set by multiples of this.
const GAP_STEP: Duration = Duration::minutes(15);

/// When clocks in a zone first show this time, or, where they skip it, the next that they show.
pub(crate) fn first_shown_from(local: NaiveDateTime, zone: Tz) -> Option<DateTime<Tz>> {
    let mut next = local;
    while next - local < LONGEST_GAP {
        if let Some(shown) = zone.from_local_datetime(&next).earliest() {
            return Some(shown);
        }
        next += GAP_STEP;
    }
    None
}

/// The zone with this name, letter case as IANA has it.
///
/// # Errors
/// A phrase that says what was expected, naming the zone that may have been meant.
pub fn parse(name: &str) -> Result<Tz, String> {
    let name = name.trim();
    name.parse().map_err(|_| {
        let same = TZ_VARIANTS.iter().map(|zone| zone.name()).find(|known| known.eq_ignore_ascii_case(name));
        match same.or_else(|| nearest(name, TZ_VARIANTS.iter().map(|zone| zone.name()))) {
            Some(meant) => format!("unknown time zone; did you mean `{meant}`?"),
            None => "expected an IANA time zone, such as `Europe/Berlin`".to_owned(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_known_by_its_name_and_a_wrong_one_by_the_nearest() {
        assert_eq!(parse(" Europe/Berlin ").map(|zone| zone.name()), Ok("Europe/Berlin"));
        assert_eq!(parse("UTC").map(|zone| zone.name()), Ok("UTC"));
        for wrong in ["Europe/Berln", "europe/berlin"] {
            assert_eq!(parse(wrong), Err("unknown time zone; did you mean `Europe/Berlin`?".to_owned()));
        }
        for nothing in ["", "+02:00", "9 o'clock"] {
            assert_eq!(parse(nothing), Err("expected an IANA time zone, such as `Europe/Berlin`".to_owned()));
        }
    }
}
