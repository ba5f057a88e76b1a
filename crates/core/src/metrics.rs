//! A handler's counters in the words of the `metrics` crate (feature `metrics`).

use crate::{DropReason, Handle};

/// Tells the recorder of the `metrics` crate what a handler counted so far. Call it as often as your metrics are read: each call
/// costs a few atomic stores, and nothing is counted on the way of a record.
///
/// | metric | kind | labels |
/// |---|---|---|
/// | `tracing_handlers_handled_total`, `…_delivered_total` | counter | `handler` |
/// | `tracing_handlers_dropped_total` | counter | `handler`, `reason` |
/// | `tracing_handlers_pending` | gauge | `handler` |
///
/// ```
/// # use tracing_handlers_core::{Deadline, Error, Handler, HandlerLayer, Record, Stats};
/// # struct Silent;
/// # impl Handler for Silent {
/// #     fn handle(&self, _: &Record<'_>) -> Result<(), Error> { Ok(()) }
/// #     fn flush(&self, _: Deadline) -> Result<(), Error> { Ok(()) }
/// #     fn close(&self, _: Deadline) -> Result<(), Error> { Ok(()) }
/// #     fn stats(&self) -> Stats { Stats::new() }
/// # }
/// let layer = HandlerLayer::new(Silent);
/// let handle = layer.handle();
/// // … then, where your service updates its metrics:
/// tracing_handlers_core::export_metrics("audit", &handle);
/// ```
pub fn export_metrics(handler: &str, handle: &Handle) {
    let stats = handle.stats();
    let name = || handler.to_owned();
    metrics::counter!("tracing_handlers_handled_total", "handler" => name()).absolute(stats.handled);
    metrics::counter!("tracing_handlers_delivered_total", "handler" => name()).absolute(stats.delivered);
    for reason in DropReason::ALL {
        let counter = metrics::counter!("tracing_handlers_dropped_total", "handler" => name(), "reason" => reason.as_str());
        counter.absolute(stats.dropped_for(reason));
    }
    #[allow(clippy::cast_precision_loss, reason = "a gauge is a float, and nobody has 2^53 records pending")]
    metrics::gauge!("tracing_handlers_pending", "handler" => name()).set(stats.pending as f64);
}
