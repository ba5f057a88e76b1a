//! Counters in the words of the `metrics` crate.

use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use tracing_handlers_core::{Deadline, DropReason, Error, Handler, HandlerLayer, Record, Stats, export_metrics};

/// Has counted this much.
struct Counted(Stats);

impl Handler for Counted {
    fn handle(&self, _: &Record<'_>) -> Result<(), Error> {
        Ok(())
    }
    fn flush(&self, _: Deadline) -> Result<(), Error> {
        Ok(())
    }
    fn close(&self, _: Deadline) -> Result<(), Error> {
        Ok(())
    }
    fn stats(&self) -> Stats {
        self.0
    }
}

#[test]
fn every_counter_has_its_metric() {
    let stats = Stats::new().with_handled(10).with_delivered(5).with_pending(2).with_dropped(DropReason::Full, 3);
    let handle = HandlerLayer::new(Counted(stats)).handle();
    let recorder = DebuggingRecorder::new();
    metrics::with_local_recorder(&recorder, || export_metrics("audit", &handle));
    let seen: Vec<_> = recorder.snapshotter().snapshot().into_vec();
    let value = |name: &str, reason: Option<&str>| {
        let found = seen.iter().find(|(key, ..)| {
            let label = |wanted: &str| key.key().labels().find(|label| label.key() == wanted).map(|label| label.value());
            key.key().name() == name && label("handler") == Some("audit") && label("reason") == reason
        });
        found.map(|(.., value)| match value {
            DebugValue::Counter(count) => *count as f64,
            DebugValue::Gauge(value) => value.into_inner(),
            DebugValue::Histogram(_) => panic!("{name} is no histogram"),
        })
    };
    assert_eq!(value("tracing_handlers_handled_total", None), Some(10.0));
    assert_eq!(value("tracing_handlers_delivered_total", None), Some(5.0));
    assert_eq!(value("tracing_handlers_pending", None), Some(2.0));
    assert_eq!(value("tracing_handlers_dropped_total", Some("full")), Some(3.0));
    assert_eq!(value("tracing_handlers_dropped_total", Some("closed")), Some(0.0));
}
