//! One figure under several labels, all known beforehand.

use prometheus_client::{
    encoding::{EncodeMetric, MetricEncoder},
    metrics::{MetricType, TypedMetric},
};
use std::fmt;

/// The labels of a member.
pub type Labels = Vec<(&'static str, String)>;

/// The members of a family, as they are registered for one scrape. There is no way to make one by counting it: what is
/// counted is fixed, and so is the number of series.
#[derive(Debug)]
pub struct Family<M> {
    members: Vec<(Labels, M)>,
}

impl<M> Family<M> {
    /// A family of these.
    pub fn new(members: impl IntoIterator<Item = (Labels, M)>) -> Self {
        Self { members: members.into_iter().collect() }
    }
}

impl<M: EncodeMetric + TypedMetric> EncodeMetric for Family<M> {
    fn encode(&self, mut encoder: MetricEncoder) -> Result<(), fmt::Error> {
        self.members.iter().try_for_each(|(labels, member)| member.encode(encoder.encode_family(labels)?))
    }

    fn metric_type(&self) -> MetricType {
        M::TYPE
    }

    fn is_empty(&self) -> bool {
        self.members.is_empty()
    }
}
