//! A distribution that is counted without a lock. (The library's own takes one.)

use prometheus_client::{
    encoding::{EncodeMetric, MetricEncoder, NoLabelSet},
    metrics::{MetricType, TypedMetric},
};
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// From a commit of half a millisecond to a run of half an hour.
const SECONDS: [f64; 16] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 300.0, 1800.0];
/// Powers of two up to the largest group the store commits at once.
const SIZES: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];
/// The sum is kept in millionths: there is no atomic float.
const SCALE: f64 = 1e6;

/// The distribution. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Histogram(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    bounds: &'static [f64],
    /// One more than there are bounds: what is above the last.
    counts: Vec<AtomicU64>,
    sum: AtomicU64,
}

impl Histogram {
    fn new(bounds: &'static [f64]) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self(Arc::new(Inner { bounds, counts, sum: AtomicU64::new(0) }))
    }

    /// Of durations.
    pub fn of_seconds() -> Self {
        Self::new(&SECONDS)
    }

    /// Of sizes of groups.
    pub fn of_sizes() -> Self {
        Self::new(&SIZES)
    }

    /// Counts a value, negative ones as zero.
    pub fn observe(&self, value: f64) {
        let Inner { bounds, counts, sum } = &*self.0;
        counts[bounds.partition_point(|bound| *bound < value)].fetch_add(1, Ordering::Relaxed);
        // A float beyond an integer's range, and one that is no number, become its nearest value.
        sum.fetch_add((value * SCALE) as u64, Ordering::Relaxed);
    }

    /// Whether nothing was counted yet.
    pub fn is_empty(&self) -> bool {
        self.0.counts.iter().all(|count| count.load(Ordering::Relaxed) == 0)
    }
}

impl TypedMetric for Histogram {
    const TYPE: MetricType = MetricType::Histogram;
}

impl EncodeMetric for Histogram {
    fn encode(&self, mut encoder: MetricEncoder) -> Result<(), fmt::Error> {
        let Inner { bounds, counts, sum } = &*self.0;
        let bounds = bounds.iter().copied().chain([f64::INFINITY]);
        let buckets: Vec<(f64, u64)> =
            bounds.zip(counts).map(|(bound, count)| (bound, count.load(Ordering::Relaxed))).collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        encoder.encode_histogram::<NoLabelSet>(sum.load(Ordering::Relaxed) as f64 / SCALE, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Registry, text};

    #[test]
    fn a_value_is_counted_up_to_its_bound_and_everything_together() {
        let histogram = Histogram::of_sizes();
        for value in [1.0, 2.0, 3.0, 1000.0] {
            histogram.observe(value);
        }
        let mut registry = Registry::default();
        registry.register("group", "Groups", histogram.clone());
        let text = text(&registry);
        for line in [
            "group_bucket{le=\"1.0\"} 1",
            "group_bucket{le=\"2.0\"} 2",
            "group_bucket{le=\"4.0\"} 3",
            "group_bucket{le=\"256.0\"} 3",
            "group_bucket{le=\"+Inf\"} 4",
            "group_count 4",
            "group_sum 1006.0",
        ] {
            assert!(text.lines().any(|given| given == line), "{line} is not in\n{text}");
        }
    }
}
