//! How many requests were answered how, and how soon.

use axum::{extract::MatchedPath, http::StatusCode};
use msp_metrics::{Counter, Family, Histogram, Registry};
use std::{collections::HashMap, sync::OnceLock, time::Duration};

/// What stands for every other path.
const OTHER: &str = "other";
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// The requests of this process.
#[derive(Default)]
pub(crate) struct Traffic {
    /// By template. Paths that callers make up are none of them, so they make no series.
    routes: OnceLock<HashMap<String, Route>>,
    other: Route,
}

struct Route {
    by_class: [Counter; CLASSES.len()],
    duration: Histogram,
}

impl Default for Route {
    fn default() -> Self {
        Self { by_class: Default::default(), duration: Histogram::of_seconds() }
    }
}

impl Traffic {
    /// Says once which routes there are; until then every path is another one.
    pub fn count(&self, templates: impl Iterator<Item = String>) {
        let _ = self.routes.set(templates.map(|template| (template, Route::default())).collect());
    }

    /// A request was answered; of a stream, its beginning was.
    pub fn answered(&self, path: Option<&MatchedPath>, status: StatusCode, took: Duration) {
        let route = path.and_then(|path| self.routes.get()?.get(path.as_str())).unwrap_or(&self.other);
        let class = usize::from(status.as_u16() / 100).saturating_sub(1).min(CLASSES.len() - 1);
        route.by_class[class].inc();
        route.duration.observe(took.as_secs_f64());
    }

    /// Registers what was asked for so far; a route nobody used makes no series.
    pub fn register(&self, registry: &mut Registry) {
        let used = || {
            let routes = self.routes.get().into_iter().flatten().map(|(template, route)| (template.as_str(), route));
            let mut used: Vec<_> =
                routes.chain([(OTHER, &self.other)]).filter(|(_, route)| !route.duration.is_empty()).collect();
            used.sort_unstable_by_key(|(template, _)| *template);
            used
        };
        let requests = used().into_iter().flat_map(|(template, route)| {
            CLASSES.into_iter().zip(&route.by_class).filter(|(_, counter)| counter.get() > 0).map(
                move |(class, counter)| {
                    (vec![("route", template.to_owned()), ("status", class.to_owned())], counter.clone())
                },
            )
        });
        registry.register("http_requests", "Requests answered", Family::new(requests));
        let durations =
            used().into_iter().map(|(template, route)| (vec![("route", template.to_owned())], route.duration.clone()));
        let help = "Time from the head of a request to the head of its answer";
        registry.register("http_request_duration_seconds", help, Family::new(durations));
    }
}
