//! Where failures go: the hook a handler was given or, by default, a rate-limited line on stderr.
//!
//! This is the only file that writes to stderr, and never with a macro that can panic.

use std::fmt;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::clock::monotonic;
use crate::format::escape;
use crate::sync::lock;
use crate::{DropReason, Error, Stats, reentry};

/// One failure, as a hook sees it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Failure<'a> {
    /// Which handler: its kind and destination, `rotating-file logs/app.log`.
    pub handler: &'a str,
    /// What went wrong.
    pub error: &'a Error,
    /// Records lost by it; 0 when nothing was lost (a rollover that failed, its record written to the old file).
    pub lost: u64,
    /// Why they count as lost, where they do.
    pub reason: Option<DropReason>,
}

/// Is told about every failure of a handler. Closures are hooks too.
///
/// A hook runs on the thread that met the failure, with no lock held. What it logs through `tracing` is not handled by any
/// handler of ours (it could fail in turn, without end). A hook that panics is contained.
pub trait OnFailure: Send + Sync + 'static {
    /// Called once a failure.
    fn on_failure(&self, failure: &Failure<'_>);
}

impl<F: Fn(&Failure<'_>) + Send + Sync + 'static> OnFailure for F {
    fn on_failure(&self, failure: &Failure<'_>) {
        self(failure);
    }
}

/// How often the default report writes to stderr.
pub const STDERR_INTERVAL: Duration = Duration::from_secs(10);

/// A handler's way to its failure hook.
pub struct Reporter {
    handler: String,
    hook: Option<Arc<dyn OnFailure>>,
    stderr: Mutex<Aggregate>,
}

impl Reporter {
    /// A reporter for the handler of this description; without a hook it writes to stderr.
    pub fn new(handler: impl Into<String>, hook: Option<Arc<dyn OnFailure>>) -> Self {
        Self { handler: handler.into(), hook, stderr: Mutex::new(Aggregate::default()) }
    }

    /// The handler's description.
    pub fn handler(&self) -> &str {
        &self.handler
    }

    /// Reports a failure that lost `lost` records, and returns the error marked as reported.
    pub fn lost(&self, mut error: Error, reason: DropReason, lost: u64) -> Error {
        self.tell(&Failure { handler: &self.handler, error: &error, lost, reason: Some(reason) });
        error.mark_reported();
        error
    }

    /// Reports records that were lost together, those of each reason at once; `why` says what a reason means here.
    pub fn lost_by_reason(&self, drops: &Stats, why: impl Fn(DropReason) -> Error) {
        for reason in DropReason::ALL {
            let count = drops.dropped_for(reason);
            if count > 0 {
                self.lost(why(reason), reason, count);
            }
        }
    }

    /// Reports a failure that lost nothing, and returns the error marked as reported.
    pub fn note(&self, mut error: Error) -> Error {
        self.tell(&Failure { handler: &self.handler, error: &error, lost: 0, reason: None });
        error.mark_reported();
        error
    }

    /// Writes what the stderr report still holds back. Called by flush, close and drop.
    pub fn settle(&self) {
        if self.hook.is_none() {
            let held_back = lock(&self.stderr).take_line(&self.handler);
            if let Some(line) = held_back {
                write_stderr(&line);
            }
        }
    }

    fn tell(&self, failure: &Failure<'_>) {
        let _own_work = reentry::enter();
        match &self.hook {
            Some(hook) => {
                if catch_unwind(AssertUnwindSafe(|| hook.on_failure(failure))).is_err() {
                    self.tell_stderr(failure);
                    self.tell_stderr(&Failure { error: &Error::panicked("the failure hook panicked"), lost: 0, ..*failure });
                }
            }
            None => self.tell_stderr(failure),
        }
    }

    fn tell_stderr(&self, failure: &Failure<'_>) {
        let line = lock(&self.stderr).add(failure, monotonic());
        if let Some(line) = line {
            write_stderr(&line);
        }
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        self.settle();
    }
}

impl fmt::Debug for Reporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reporter").field("handler", &self.handler).finish_non_exhaustive()
    }
}

/// Failures that were not written yet, because a line was written a moment ago.
#[derive(Debug, Default)]
struct Aggregate {
    written_at: Option<Instant>,
    failures: u64,
    lost: u64,
    newest: String,
}

impl Aggregate {
    /// Takes one failure in; `Some(line)` when it is time to write one.
    fn add(&mut self, failure: &Failure<'_>, now: Instant) -> Option<String> {
        self.failures += 1;
        self.lost += failure.lost;
        self.newest = failure.error.one_line();
        let too_soon = self.written_at.is_some_and(|at| now.saturating_duration_since(at) < STDERR_INTERVAL);
        if too_soon {
            return None;
        }
        self.written_at = Some(now);
        self.take_line(failure.handler)
    }

    fn take_line(&mut self, handler: &str) -> Option<String> {
        if self.failures == 0 {
            return None;
        }
        let mut line = format!("tracing-handlers: {}: {}", without_repetition(handler, &self.newest), self.newest);
        if self.failures > 1 {
            line.push_str(&format!(" ({} failures since the last line)", self.failures));
        }
        match self.lost {
            0 => {}
            1 => line.push_str("; 1 record lost"),
            lost => line.push_str(&format!("; {lost} records lost")),
        }
        self.failures = 0;
        self.lost = 0;
        Some(line)
    }
}

/// The handler's kind alone, where its destination stands in the text anyway.
fn without_repetition<'a>(handler: &'a str, text: &str) -> &'a str {
    match handler.split_once(' ') {
        Some((kind, destination)) if text.contains(destination) => kind,
        _ => handler,
    }
}

/// One line, control bytes escaped (a path may be hostile); an stderr that is gone is nobody's reason to fail.
fn write_stderr(line: &str) {
    let mut bytes = Vec::with_capacity(line.len() + 1);
    escape::text(line, &mut bytes);
    bytes.push(b'\n');
    std::io::stderr().write_all(&bytes).ok();
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    fn failure<'a>(error: &'a Error, lost: u64) -> Failure<'a> {
        Failure { handler: "file x", error, lost, reason: None }
    }

    #[test]
    fn the_first_failure_is_written_at_once_and_the_rest_together() {
        let (error, start) = (Error::new("write x"), monotonic());
        let mut aggregate = Aggregate::default();
        assert_eq!(
            aggregate.add(&failure(&error, 1), start).as_deref(),
            Some("tracing-handlers: file: write x; 1 record lost")
        );
        for second in 1..10 {
            assert_eq!(aggregate.add(&failure(&error, 1), start + Duration::from_secs(second)), None);
        }
        let line = aggregate.add(&failure(&error, 1), start + STDERR_INTERVAL);
        assert_eq!(line.as_deref(), Some("tracing-handlers: file: write x (10 failures since the last line); 10 records lost"));
    }

    #[test]
    fn a_destination_is_named_once() {
        assert_eq!(without_repetition("file /logs/app.log", "write /logs/app.log: no space"), "file");
        assert_eq!(without_repetition("file /logs/app.log", "sync /logs"), "file /logs/app.log");
        assert_eq!(without_repetition("stderr", "write stderr"), "stderr");
    }

    #[test]
    fn what_was_held_back_comes_out_when_settled() {
        let (error, start) = (Error::new("write x"), monotonic());
        let mut aggregate = Aggregate::default();
        aggregate.add(&failure(&error, 1), start);
        aggregate.add(&failure(&error, 2), start);
        assert_eq!(aggregate.take_line("file x").as_deref(), Some("tracing-handlers: file: write x; 2 records lost"));
        assert_eq!(aggregate.take_line("file x"), None);
    }

    #[test]
    fn a_hook_sees_every_failure_and_its_panic_is_contained() {
        let seen = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&seen);
        let reporter = Reporter::new(
            "file x",
            Some(Arc::new(move |failure: &Failure<'_>| {
                count.fetch_add(failure.lost, Ordering::Relaxed);
                panic!("deliberate mistake");
            })),
        );
        let error = reporter.lost(Error::new("write x"), DropReason::Failed, 3);
        assert!(error.is_reported());
        assert_eq!(seen.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn records_that_were_lost_together_are_told_of_by_reason() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&seen);
        let hook = move |failure: &Failure<'_>| lock(&told).push((failure.error.to_string(), failure.reason, failure.lost));
        let drops = Stats::new().with_dropped(DropReason::Closed, 1).with_dropped(DropReason::Full, 3);
        let reporter = Reporter::new("x", Some(Arc::new(hook)));
        reporter.lost_by_reason(&drops, |reason| Error::new(format!("wait: {}", reason.as_str())));
        let told = |text: &str, reason, lost| (text.to_owned(), Some(reason), lost);
        let expected = [told("wait: closed", DropReason::Closed, 1), told("wait: full", DropReason::Full, 3)];
        assert_eq!(*lock(&seen), expected);
    }

    #[test]
    fn a_hook_runs_as_our_own_work() {
        let reporter = Reporter::new("x", Some(Arc::new(|_: &Failure<'_>| assert!(reentry::is_own_work()))));
        reporter.note(Error::new("roll x"));
        assert!(!reentry::is_own_work());
    }
}
