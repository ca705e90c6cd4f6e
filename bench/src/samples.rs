//! Percentiles and medians, from exact samples.

use std::time::Duration;

/// How long single operations took.
#[derive(Debug, Default)]
pub struct Latencies {
    /// Nanoseconds, in order.
    sorted: Vec<u64>,
}

impl Latencies {
    /// Of these samples.
    pub fn of(mut nanoseconds: Vec<u64>) -> Self {
        nanoseconds.sort_unstable();
        Self { sorted: nanoseconds }
    }

    /// The smallest sample that at least this share (0 to 1) of all samples does not exceed, in microseconds
    /// (nearest rank). `NaN` without samples, which no bar is met with.
    pub fn percentile(&self, share: f64) -> f64 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let rank = (share * self.sorted.len() as f64).ceil() as usize;
        let sample = self.sorted.get(rank.saturating_sub(1).min(self.sorted.len().saturating_sub(1)));
        #[expect(clippy::cast_precision_loss)]
        sample.map_or(f64::NAN, |nanoseconds| *nanoseconds as f64 / 1000.0)
    }
}

/// A time as a sample.
pub fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// The middle value, or the mean of the two in the middle. `NaN` of nothing.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    match (sorted.len(), sorted.len() / 2) {
        (0, _) => f64::NAN,
        (count, middle) if count % 2 == 1 => sorted[middle],
        (_, middle) => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

/// The median over rounds of one figure divided by another: both were taken one after the other in each round, so what
/// disturbed the machine meanwhile disturbed both.
pub fn median_ratio(ours: &[f64], theirs: &[f64]) -> f64 {
    median(&ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_samples_that_were_seen() {
        let latencies = Latencies::of((1..=100).rev().map(|n| n * 1000).collect());
        for (share, expected) in [(0.5, 50.0), (0.99, 99.0), (1.0, 100.0), (0.0, 1.0), (0.991, 100.0)] {
            assert!((latencies.percentile(share) - expected).abs() < f64::EPSILON, "{share}");
        }
        assert!((Latencies::of(vec![7000]).percentile(0.99) - 7.0).abs() < f64::EPSILON);
        assert!(Latencies::default().percentile(0.5).is_nan());
    }

    #[test]
    fn the_median_of_an_even_number_lies_between() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median(&[4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < f64::EPSILON);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn a_disturbed_round_does_not_move_the_ratio() {
        // In the third round everything took ten times as long.
        assert!((median_ratio(&[2.0, 2.2, 20.0], &[1.0, 1.1, 10.0]) - 2.0).abs() < 1e-9);
    }
}
