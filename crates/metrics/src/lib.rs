#![doc = include_str!("../README.md")]

mod family;
mod histogram;

pub use family::{Family, Labels};
pub use histogram::Histogram;
pub use prometheus_client::{
    metrics::{counter::Counter, gauge::ConstGauge},
    registry::{Registry, Unit},
};

/// The media type of [`text`].
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Everything registered, as Prometheus reads it.
pub fn text(registry: &Registry) -> String {
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, registry).expect("a text takes everything");
    text
}

/// Registers what stands at a value right now.
pub fn gauge(registry: &mut Registry, name: &str, help: &str, value: impl Into<f64>) {
    registry.register(name, help, ConstGauge::new(value.into()));
}

/// Registers what stands at several values right now, told apart by one label.
pub fn gauges<const N: usize>(
    registry: &mut Registry,
    name: &str,
    help: &str,
    label: &'static str,
    values: [(&str, usize); N],
) {
    let members = values.map(|(value, count)| (vec![(label, value.to_owned())], ConstGauge::new(count_of(count))));
    registry.register(name, help, Family::new(members));
}

/// A count as a figure; counts here are far from what a float cannot hold.
pub fn count_of(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::from(u32::MAX), f64::from)
}
