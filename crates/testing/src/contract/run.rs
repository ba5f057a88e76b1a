//! One case at work: the handler, its failures, and the books at the end.

use std::collections::HashSet;
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use tracing_handlers_core::{Deadline, Error, Handler, Stats};

use super::Subject;
use crate::capture::{FailureLog, record};
use crate::format::line_of;
use crate::gate::PATIENCE;

/// How long a handler may try while its destination is broken; it has nothing to wait for.
const NOT_LONG: Duration = Duration::from_millis(100);
/// What "at once" may take on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(5);

/// An open handler, and what was offered to it.
pub(super) struct Run<'s> {
    pub(super) subject: &'s dyn Subject,
    pub(super) handler: Arc<dyn Handler>,
    pub(super) failures: FailureLog,
    offered: AtomicU64,
}

impl<'s> Run<'s> {
    pub(super) fn open(subject: &'s dyn Subject) -> Self {
        Self::open_with(subject, FailureLog::new())
    }

    pub(super) fn open_with(subject: &'s dyn Subject, failures: FailureLog) -> Self {
        let handler = subject.open(failures.clone());
        Self { subject, handler, failures, offered: AtomicU64::new(0) }
    }

    pub(super) fn offer(&self, message: &str) -> Result<(), Error> {
        self.offered.fetch_add(1, Ordering::Relaxed);
        self.handler.handle(&record(message).as_record())
    }

    pub(super) fn offer_batch(&self, messages: &[String]) -> Result<(), Error> {
        self.offered.fetch_add(messages.len() as u64, Ordering::Relaxed);
        let records: Vec<_> = messages.iter().map(record).collect();
        self.handler.handle_batch(&mut records.iter().map(|record| record.as_record()))
    }

    /// Offers what the handler has no reason to refuse.
    pub(super) fn hand_over(&self, message: &str) {
        if let Err(error) = self.offer(message) {
            panic!("a record of {} bytes was refused: {}; {:?}", message.len(), error.one_line(), self.failures);
        }
    }

    /// Flushes where nothing stands in the way.
    pub(super) fn flush(&self) {
        if let Err(error) = self.handler.flush(Deadline::after(PATIENCE)) {
            panic!("flush failed: {}; {:?}; {:?}", error.one_line(), self.handler.stats(), self.failures);
        }
    }

    /// Flushes after records were lost, or may have been: the first flush may say so, the second has nothing to say.
    pub(super) fn flush_after_failures(&self) {
        self.handler.flush(Deadline::after(PATIENCE)).ok();
        self.flush();
    }

    /// Flushes towards a broken destination: whatever comes of it, it comes soon.
    pub(super) fn try_flush(&self) {
        self.soon("flush", |handler| handler.flush(Deadline::after(NOT_LONG))).ok();
    }

    /// Closes towards a broken destination.
    pub(super) fn try_close(&self) {
        self.soon("close", |handler| handler.close(Deadline::after(NOT_LONG))).ok();
    }

    /// Runs what must not wait; a thread that hangs is left behind and the case fails.
    pub(super) fn soon<T: Send + 'static>(&self, what: &str, call: impl FnOnce(&dyn Handler) -> T + Send + 'static) -> T {
        let (done, wait) = mpsc::channel();
        let handler = Arc::clone(&self.handler);
        let caller = thread::spawn(move || done.send(call(&*handler)));
        match wait.recv_timeout(AT_ONCE) {
            Ok(result) => result,
            Err(RecvTimeoutError::Timeout) => panic!("{what} did not return by its deadline"),
            Err(RecvTimeoutError::Disconnected) => panic::resume_unwind(caller.join().expect_err("it sent nothing")),
        }
    }

    /// The lines that arrived, a repetition taken for one where the subject may repeat.
    pub(super) fn arrived(&self) -> Vec<String> {
        let mut lines = self.subject.lines();
        if self.subject.may_repeat() {
            let mut seen = HashSet::new();
            lines.retain(|line| seen.insert(line.clone()));
        }
        lines
    }

    /// Checks that exactly these messages arrived, in this order.
    pub(super) fn expect(&self, messages: &[String]) {
        if self.subject.discards() {
            return;
        }
        let lines = self.arrived();
        for (index, (line, message)) in lines.iter().zip(messages).enumerate() {
            let wanted = line_of(message);
            assert!(*line == wanted, "line {index} is {} and not {}", brief(line), brief(&wanted));
        }
        assert_eq!(lines.len(), messages.len(), "number of lines; {:?}", self.handler.stats());
    }

    /// Checks that every line is a whole message of `offered`, none twice, those of `certain` all there and in their order.
    pub(super) fn expect_among(&self, offered: &[String], certain: &[String]) {
        if self.subject.discards() {
            return;
        }
        let lines = self.arrived();
        let mut allowed: HashSet<&str> = offered.iter().map(String::as_str).collect();
        for line in &lines {
            assert!(allowed.remove(line.as_str()), "{} is torn, repeated or was never offered", brief(line));
        }
        let mut rest = lines.iter();
        for message in certain {
            assert!(rest.any(|line| line == message), "{} is lost or out of order", brief(message));
        }
    }

    /// The books, at a quiet moment: all that was offered is accounted for, and what was dropped was reported.
    pub(super) fn books(&self) -> Stats {
        let stats = self.handler.stats();
        assert_eq!(stats.handled, self.offered.load(Ordering::Relaxed), "handled is not what was offered; {stats:?}");
        assert!(stats.is_balanced(), "the books do not balance: {stats:?}");
        stats
    }

    /// The books where nothing went wrong: everything delivered, nothing reported.
    pub(super) fn books_of_success(&self) {
        let stats = self.books();
        assert_eq!(stats.pending, 0, "pending after a flush; {stats:?}");
        assert_eq!(stats.dropped(), 0, "dropped without a reason; {stats:?}");
        assert!(self.failures.is_empty(), "failures reported without a reason: {:?}", self.failures);
    }

    /// The books after failures: the hook knows of every record that was dropped, and what counts as delivered has arrived.
    pub(super) fn books_of_failure(&self) -> Stats {
        let stats = self.books();
        assert_eq!(self.failures.lost(), stats.dropped(), "lost records that were reported, and dropped ones; {stats:?}");
        if !self.subject.discards() && !self.subject.may_vanish() {
            let arrived = self.arrived().len() as u64;
            assert!(stats.delivered <= arrived, "only {arrived} lines arrived; {stats:?}");
        }
        stats
    }
}

/// Runs `work` on each input in a thread of its own; the first panic goes on in the caller.
pub(super) fn concurrently<T: Sync>(inputs: &[T], work: impl Fn(&T) + Sync) {
    let work = &work;
    thread::scope(|scope| {
        let workers: Vec<_> = inputs.iter().map(|input| scope.spawn(move || work(input))).collect();
        for worker in workers {
            worker.join().unwrap_or_else(|panic| panic::resume_unwind(panic));
        }
    });
}

/// `count` messages that are all different: `kind 000000 …`.
pub(super) fn messages(kind: &str, count: usize) -> Vec<String> {
    (0..count).map(|index| format!("{kind} {index:06} {}", "x".repeat(index % 97))).collect()
}

/// A line for a failure's text, shortened.
pub(super) fn brief(line: &str) -> String {
    let start: String = line.chars().take(60).collect();
    format!("{start:?} ({} bytes)", line.len())
}
