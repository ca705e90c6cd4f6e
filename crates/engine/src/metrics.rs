//! Figures of the engine, for operators: what ended how, what runs, what waits.

use crate::{OptionsAnswer, OptionsError, retention, runtime::Runtime};
use msp_domain::{ExecutionStatus, PauseTarget, Trigger};
use msp_metrics::{Counter, Family, Histogram, Registry, Unit, count_of, gauge, gauges};
use msp_storage::{StoreError, repositories::executions::Execution};
use std::time::Duration;

/// What the engine counts.
pub(crate) struct Metrics {
    ended: [[Counter; Trigger::ALL.len()]; ExecutionStatus::FINAL.len()],
    duration: Histogram,
    options_asked: Counter,
    options_kept: Counter,
    options_failed: Counter,
    options_refused: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            ended: Default::default(),
            duration: Histogram::of_seconds(),
            options_asked: Counter::default(),
            options_kept: Counter::default(),
            options_failed: Counter::default(),
            options_refused: Counter::default(),
        }
    }
}

impl Metrics {
    /// The ending of an execution is on record.
    pub fn ended(&self, execution: &Execution) {
        let status = ExecutionStatus::FINAL.iter().position(|status| *status == execution.status);
        let trigger = Trigger::ALL.iter().position(|trigger| trigger.name() == execution.trigger);
        if let (Some(status), Some(trigger)) = (status, trigger) {
            self.ended[status][trigger].inc();
        }
        if let Some(millis) = execution.duration_ms.and_then(|millis| u64::try_from(millis).ok()) {
            self.duration.observe(Duration::from_millis(millis).as_secs_f64());
        }
    }

    /// An option generator was asked.
    pub fn asked(&self, answer: &Result<OptionsAnswer, OptionsError>) {
        let counter = match answer {
            Ok(OptionsAnswer { age_seconds: Some(_), .. }) => &self.options_kept,
            Ok(_) => &self.options_asked,
            Err(OptionsError::Failed { .. }) => &self.options_failed,
            Err(OptionsError::Refused(_)) => &self.options_refused,
        };
        counter.inc();
    }

    fn register(&self, registry: &mut Registry) {
        let ended = ExecutionStatus::FINAL.iter().zip(&self.ended).flat_map(|(status, by_trigger)| {
            Trigger::ALL.iter().zip(by_trigger).map(|(trigger, counter)| {
                let labels = vec![("status", status.name().to_owned()), ("trigger", trigger.name().to_owned())];
                (labels, counter.clone())
            })
        });
        registry.register("executions_ended", "Executions whose end this process recorded", Family::new(ended));
        let help = "Time from acceptance, or from its scheduled start, to the end of an execution";
        registry.register_with_unit("execution_duration", help, Unit::Seconds, self.duration.clone());
        let options = [
            ("asked", &self.options_asked),
            ("kept", &self.options_kept),
            ("failed", &self.options_failed),
            ("refused", &self.options_refused),
        ];
        let options = options.map(|(result, counter)| (vec![("result", result.to_owned())], counter.clone()));
        registry.register("option_requests", "Requests for the options of a field", Family::new(options));
    }
}

/// Registers what was counted, and what stands as it does right now.
pub(crate) async fn register(runtime: &Runtime, registry: &mut Registry) -> Result<(), StoreError> {
    runtime.metrics.register(registry);
    runtime.pool.register(registry);
    gauge(
        registry,
        "executions_running",
        "Executions that run or wait in line",
        count_of(runtime.live.count_running()),
    );

    let (pending, oldest) = runtime.backlog.load();
    gauge(registry, "executions_pending", "Executions accepted and not begun", count_of(pending));
    let now = u64::try_from(runtime.clock.now().timestamp_millis()).unwrap_or(0);
    let age = oldest.map_or(0, |since| now.saturating_sub(since));
    let help = "Age of the execution that has been pending for longest";
    gauge(registry, "executions_pending_oldest_seconds", help, Duration::from_millis(age).as_secs_f64());

    let help = "Executions that wait for the time they are to start at";
    gauge(registry, "executions_scheduled", help, count_of(runtime.schedule.count()));

    let pauses = runtime.repositories.pauses.list().await?;
    let (mut everything, mut organizations, mut workflows) = (0, 0, 0);
    for pause in pauses {
        match pause.target {
            PauseTarget::Everything => everything += 1,
            PauseTarget::Organization(_) => organizations += 1,
            PauseTarget::Workflow(_) => workflows += 1,
        }
    }
    let held = [("everything", everything), ("organization", organizations), ("workflow", workflows)];
    gauges(registry, "paused", "What an emergency stop holds", "kind", held);
    retention::register(runtime, registry).await
}
