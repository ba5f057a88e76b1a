//! What every contestant has to log: the same words, the same length of line.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

/// The target of every event.
pub(crate) const TARGET: &str = "bench::app";

/// About how long a line of [`Workload::Plain`] is, with its line end.
pub(crate) const LINE_BYTES: u64 = 142;

const PATH: &str = "/api/v1/accounts/7f3a9c/orders?page=204";

/// One event, alone or inside spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Workload {
    /// A literal message and three fields: an integer, a float and a displayed string.
    Plain,
    /// The same inside two spans with two fields each, which stay open for a burst.
    Spans,
    /// The same inside eight spans with two fields each.
    Nested,
}

/// How many spans [`Workload::Nested`] has.
const DEPTH: u64 = 8;

impl Workload {
    /// Runs `work` inside the spans that belong to this workload.
    pub(crate) fn within<R>(self, work: impl FnOnce() -> R) -> R {
        match self {
            Self::Plain => work(),
            Self::Spans => {
                let connection = tracing::info_span!(target: TARGET, "connection", peer = "10.0.0.7", port = 8443_u64);
                connection
                    .in_scope(|| tracing::info_span!(target: TARGET, "request", id = 4711_u64, method = "GET").in_scope(work))
            }
            Self::Nested => {
                let span = |depth| tracing::info_span!(target: TARGET, "step", depth, method = "GET").entered();
                let mut spans: Vec<_> = (0..DEPTH).map(span).collect();
                let result = work();
                // The one that was entered last is left first.
                while spans.pop().is_some() {}
                result
            }
        }
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "W1",
            Self::Spans => "W2",
            Self::Nested => "W3",
        })
    }
}

impl FromStr for Workload {
    type Err = crate::Failed;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        [Self::Plain, Self::Spans, Self::Nested]
            .into_iter()
            .find(|workload| workload.to_string() == name)
            .ok_or_else(|| format!("no workload is called {name}").into())
    }
}

/// Six digits, so that all lines are about as long as each other.
fn latency(n: u64) -> u64 {
    100_000 + n % 900_000
}

fn ratio(n: u64) -> f64 {
    f64::from(u8::try_from(n % 64).unwrap_or(0)) / 128.0 + 0.5
}

/// The event by way of `tracing`.
pub(crate) fn by_tracing(n: u64) {
    tracing::info!(target: TARGET, latency_us = latency(n), ratio = ratio(n), path = %PATH, "request finished");
}

/// The same as an error.
pub(crate) fn error_by_tracing(n: u64) {
    tracing::error!(target: TARGET, latency_us = latency(n), ratio = ratio(n), path = %PATH, "request finished");
}

/// The event by way of `log`, its fields within the message.
pub(crate) fn by_log(n: u64) {
    log::info!(target: TARGET, "request finished latency_us={} ratio={} path={}", latency(n), ratio(n), PATH);
}

/// The event by way of `spdlog`, its fields within the message.
pub(crate) fn by_spdlog(n: u64) {
    spdlog::info!("request finished latency_us={} ratio={} path={}", latency(n), ratio(n), PATH);
}

/// `slog` has no logger of the process.
static SLOG: OnceLock<slog::Logger> = OnceLock::new();

/// Which logger [`by_slog`] logs to.
pub(crate) fn use_slog(logger: slog::Logger) -> Result<(), crate::Failed> {
    SLOG.set(logger).map_err(|_| "there is a logger already".into())
}

/// The event by way of `slog`.
pub(crate) fn by_slog(n: u64) {
    if let Some(logger) = SLOG.get() {
        slog::info!(logger, "request finished"; "path" => PATH, "ratio" => ratio(n), "latency_us" => latency(n));
    }
}
