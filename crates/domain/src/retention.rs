//! How long executions are kept once they have ended.

/// Fewest days: an idempotency key leads to its execution for one.
pub const MIN_DAYS: u32 = 1;
/// Most days that may be set, ten years; who wants to keep executions for longer sets none.
pub const MAX_DAYS: u32 = 3_650;

/// Checks a number of days.
///
/// # Errors
/// A sentence for whoever set it.
pub fn days(days: u32) -> Result<u32, String> {
    if (MIN_DAYS..=MAX_DAYS).contains(&days) {
        return Ok(days);
    }
    Err(format!("a whole number of days from {MIN_DAYS} to {MAX_DAYS}, or `null` to keep executions for good"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_the_least_and_ten_years_the_most() {
        assert_eq!([0, 1, 90, 3_650, 3_651].map(|number| days(number).is_ok()), [false, true, true, true, false]);
    }
}
