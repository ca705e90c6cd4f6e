//! Days and instants as forms write them. Parsed by hand, because the browser must accept exactly the same texts.

use chrono::NaiveDate;

/// Seconds since 1970 and nanoseconds: instants in the order of time.
pub(super) type Instant = (i64, u32);

/// A calendar day, `YYYY-MM-DD`, from the year 1 on.
pub(super) fn day(text: &str) -> Option<NaiveDate> {
    let bytes = text.as_bytes();
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let year = i32::try_from(digits(text.get(..4)?)?).ok().filter(|year| *year > 0)?;
    NaiveDate::from_ymd_opt(year, digits(text.get(5..7)?)?, digits(text.get(8..)?)?)
}

/// An instant of RFC 3339 with upper-case `T` and `Z`, at most nine digits of a second and no leap second.
pub(super) fn instant(text: &str) -> Option<Instant> {
    let (date, rest) = (text.get(..10)?, text.get(10..)?);
    let midnight = day(date)?.and_hms_opt(0, 0, 0)?.and_utc().timestamp();
    let bytes = rest.as_bytes();
    if bytes.len() < 10 || bytes[0] != b'T' || bytes[3] != b':' || bytes[6] != b':' {
        return None;
    }
    let (hour, minute, second) = (digits(rest.get(1..3)?)?, digits(rest.get(4..6)?)?, digits(rest.get(7..9)?)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (nanoseconds, zone) = fraction(rest.get(9..)?)?;
    let seconds = i64::from(hour * 3600 + minute * 60 + second);
    Some((midnight + seconds - offset_seconds(zone)?, nanoseconds))
}

fn fraction(rest: &str) -> Option<(u32, &str)> {
    let Some(fraction) = rest.strip_prefix('.') else { return Some((0, rest)) };
    let length = fraction.bytes().take_while(u8::is_ascii_digit).count();
    if !(1..=9).contains(&length) {
        return None;
    }
    let (fraction, zone) = fraction.split_at(length);
    Some((digits(&format!("{fraction:0<9}"))?, zone))
}

fn offset_seconds(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let sign = match zone.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    if zone.len() != 6 || zone.as_bytes()[3] != b':' {
        return None;
    }
    let (hours, minutes) = (digits(zone.get(1..3)?)?, digits(zone.get(4..)?)?);
    (hours <= 23 && minutes <= 59).then(|| sign * i64::from(hours * 3600 + minutes * 60))
}

fn digits(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}
