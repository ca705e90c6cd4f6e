//! Time zones by their IANA names: when it is nine in the morning for a client, through every change of the clocks.

use crate::workflow::nearest;
use chrono_tz::{TZ_VARIANTS, Tz};

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
