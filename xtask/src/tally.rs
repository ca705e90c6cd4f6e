//! Reading how many tests passed and failed from what test runners print.

/// How many checks passed and failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Tests that passed.
    pub passed: u64,
    /// Tests that failed, and those that could not even start.
    pub failed: u64,
    /// Tests a runner left out.
    pub skipped: u64,
}

impl Tally {
    /// What one line adds: zero unless it belongs to the summary of `cargo test`, `cargo nextest`, `pytest`, `vitest` or
    /// Playwright.
    pub fn of_line(line: &str) -> Self {
        if let Some(tally) = Self::of_playwright(line) {
            return tally;
        }
        // At the start of the line: `cargo nextest` shows the output of failed tests indented, their own summary included.
        let is_cargo = line.starts_with("test result:");
        let line = line.trim().trim_matches('=').trim();
        let is_summary = is_cargo
            || line.starts_with("Summary [")
            || line.starts_with("Tests  ")
            || (line.contains(" in ") && line.ends_with('s') && line.starts_with(|c: char| c.is_ascii_digit()));
        if !is_summary {
            return Self::default();
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        let mut tally = Self::default();
        for pair in words.windows(2) {
            let Ok(count) = pair[0].parse::<u64>() else { continue };
            match pair[1].trim_end_matches([',', ';', '.']) {
                "passed" => tally.passed += count,
                "failed" | "error" | "errors" | "timed" => tally.failed += count,
                "skipped" | "ignored" => tally.skipped += count,
                _ => {}
            }
        }
        tally
    }

    /// Playwright's summary has a line for each outcome, indented by two: `  3 passed (8.5s)`.
    fn of_playwright(line: &str) -> Option<Self> {
        let (count, outcome) = line.trim_end().strip_prefix("  ")?.split_once(' ')?;
        let count = count.parse().ok()?;
        let outcome = outcome.split_once(" (").map_or(outcome, |(outcome, _)| outcome);
        let none = Self::default();
        Some(match outcome {
            "passed" => Self { passed: count, ..none },
            // A journey that passes only sometimes has not passed.
            "failed" | "flaky" | "interrupted" | "did not run" => Self { failed: count, ..none },
            "skipped" => Self { skipped: count, ..none },
            _ => return None,
        })
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            skipped: self.skipped + other.skipped,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summaries_of_every_runner_are_read() {
        let cases = [
            (
                "test result: ok. 5 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.01s",
                (5, 1, 2),
            ),
            ("     Summary [  12.345s] 123 tests run: 121 passed (1 slow), 2 failed, 3 skipped", (121, 2, 3)),
            ("======== 3 failed, 12 passed, 1 error in 0.12s ========", (12, 4, 0)),
            ("12 passed in 0.12s", (12, 0, 0)),
            ("      Tests  1 failed | 22 passed | 2 skipped (25)", (22, 1, 2)),
            ("      Tests  23 passed (23)", (23, 0, 0)),
            ("  3 passed (1.2m)", (3, 0, 0)),
            ("  2 failed", (0, 2, 0)),
            ("  1 flaky", (0, 1, 0)),
            ("  4 did not run", (0, 4, 0)),
        ];
        for (line, (passed, failed, skipped)) in cases {
            assert_eq!(Tally::of_line(line), Tally { passed, failed, skipped }, "{line}");
        }
    }

    #[test]
    fn lines_that_only_mention_numbers_add_nothing() {
        for line in [
            "test a_login_with_3_failed_attempts_is_refused ... ok",
            "3 failed attempts",
            "  3 failed attempts",
            " Test Files  5 passed (5)",
            "    3 failed",
            "    test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 22 filtered out; finished in 0.01s",
            "",
        ] {
            assert_eq!(Tally::of_line(line), Tally::default(), "{line}");
        }
    }
}
