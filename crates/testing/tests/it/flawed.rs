//! A handler that is correct, or has exactly one mistake: what the contract suite is tested with.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::{mem, panic, thread};

use tracing_handlers_core::failure::Reporter;
use tracing_handlers_core::format::with_line;
use tracing_handlers_core::sync::lock;
use tracing_handlers_core::{Deadline, DropReason, Error, Failure, Format, Handler, OnFailure, Record, Stats};
use tracing_handlers_testing::{FailureLog, Gate, MessageOnly, Subject};

/// So many records wait at most, then they are delivered without a flush.
const BUFFERED: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Flaw {
    None,
    /// What waits is delivered newest first.
    Reorders,
    /// Every hundredth record is counted as delivered and thrown away.
    LosesSome,
    /// Every hundredth line is torn in two.
    TearsSome,
    /// Every hundredth record is written twice.
    RepeatsSome,
    /// A flush does nothing and says that all is well.
    FlushesNothing,
    /// A flush leaves the newest record behind.
    FlushForgetsTheNewest,
    /// A flush whose time is up does nothing and says that all is well.
    LateFlushSaysOk,
    /// A flush waits as long as it takes.
    FlushIgnoresItsDeadline,
    /// Records are taken after the end.
    TakesRecordsAfterClose,
    /// Closing twice is an error.
    ClosesOnce,
    /// What is refused after the end is not counted.
    RefusesUncounted,
    /// What is refused after the end is refused for no particular reason.
    RefusesForOtherReasons,
    /// Close throws away what waits, and counts it as delivered.
    CloseThrowsAway,
    /// A batch is written from its end to its start.
    ReversesBatches,
    /// A batch ends at the first record that fails.
    BatchEndsAtAFailure,
    /// Lines are cut at 64 KiB.
    CutsLongLines,
    /// Empty messages are taken for nothing.
    SkipsEmptyLines,
    /// The message is written as it is.
    WritesRawText,
    /// What cannot be delivered counts as delivered.
    CountsFailuresAsDelivered,
    /// What cannot be delivered is not counted.
    DropsUncounted,
    /// What cannot be delivered is counted, but nobody is told.
    DropsUnreported,
    /// The error of a lost record is returned, and reported by nobody.
    ReturnsUnreported,
    /// After the first failure nothing is tried again.
    NeverTriesAgain,
    /// After a failure half of a line is left behind.
    LeavesHalfALine,
    /// The hook runs where its own events are handled like any others.
    HookIsNotOurOwnWork,
    /// So it is, and every record is delivered at once, the hook's events too.
    HookRecurses,
    /// The panic of a hook reaches the caller.
    HookPanicEscapes,
    /// The panic of a format reaches the caller.
    FormatPanicEscapes,
    /// A line that any handler in the process has written is taken for a repetition.
    SharesState,
}

/// A subject whose destination is memory.
pub(crate) struct Memory {
    flaw: Flaw,
    destination: Arc<Destination>,
}

#[derive(Default)]
struct Destination {
    bytes: Mutex<Vec<u8>>,
    is_broken: AtomicBool,
}

impl Memory {
    pub(crate) fn new(flaw: Flaw) -> Self {
        Self { flaw, destination: Arc::default() }
    }
}

impl Subject for Memory {
    fn open(&self, failures: FailureLog) -> Arc<dyn Handler> {
        let has_hook_panicked = Arc::new(AtomicBool::new(false));
        Arc::new(Buffered {
            flaw: self.flaw,
            destination: Arc::clone(&self.destination),
            reporter: Reporter::new("memory", Some(hook(self.flaw, failures, Arc::clone(&has_hook_panicked)))),
            has_hook_panicked,
            state: Mutex::default(),
        })
    }

    fn lines(&self) -> Vec<String> {
        let bytes = lock(&self.destination.bytes);
        let text = String::from_utf8_lossy(&bytes);
        text.split_terminator('\n').map(str::to_owned).collect()
    }

    fn break_destination(&self) -> bool {
        self.destination.is_broken.store(true, Ordering::SeqCst);
        true
    }

    fn mend(&self) {
        self.destination.is_broken.store(false, Ordering::SeqCst);
    }
}

fn hook(flaw: Flaw, failures: FailureLog, has_panicked: Arc<AtomicBool>) -> Arc<dyn OnFailure> {
    match flaw {
        Flaw::HookIsNotOurOwnWork | Flaw::HookRecurses => Arc::new(move |failure: &Failure<'_>| {
            thread::scope(|scope| drop(scope.spawn(|| failures.on_failure(failure))));
        }),
        Flaw::HookPanicEscapes => Arc::new(move |failure: &Failure<'_>| {
            let called = panic::catch_unwind(panic::AssertUnwindSafe(|| failures.on_failure(failure)));
            has_panicked.fetch_or(called.is_err(), Ordering::SeqCst);
        }),
        _ => Arc::new(failures),
    }
}

struct Buffered {
    flaw: Flaw,
    destination: Arc<Destination>,
    reporter: Reporter,
    has_hook_panicked: Arc<AtomicBool>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: Vec<Vec<u8>>,
    stats: Stats,
    is_closed: bool,
    has_failed: bool,
}

/// The lines of all handlers.
static WRITTEN: Mutex<BTreeSet<Vec<u8>>> = Mutex::new(BTreeSet::new());

impl Buffered {
    fn line(&self, record: &Record<'_>) -> Result<Vec<u8>, Error> {
        match self.flaw {
            Flaw::WritesRawText => Ok([record.message().as_bytes(), b"\n"].concat()),
            Flaw::FormatPanicEscapes => {
                let mut line = Vec::new();
                MessageOnly.format(record, &mut line);
                line.push(b'\n');
                Ok(line)
            }
            _ => with_line(&MessageOnly, record, b"\n", <[u8]>::to_vec),
        }
    }

    fn drop_one(&self, error: Error) -> Result<(), Error> {
        let reason = DropReason::of(&error);
        let mut state = lock(&self.state);
        state.stats.handled += 1;
        state.stats.add_dropped(reason, 1);
        drop(state);
        Err(self.reporter.lost(error, reason, 1))
    }

    fn refuse(&self) -> Result<(), Error> {
        match self.flaw {
            Flaw::RefusesUncounted => Err(Error::closed("memory")),
            Flaw::RefusesForOtherReasons => {
                let mut state = lock(&self.state);
                state.stats.handled += 1;
                state.stats.add_dropped(DropReason::Closed, 1);
                Err(Error::new("no"))
            }
            _ => self.drop_one(Error::closed("memory")),
        }
    }

    /// Delivers what waits, `keep` of the newest excepted.
    fn deliver(&self, state: &mut State, keep: usize) -> Result<(), u64> {
        let count = state.waiting.len().saturating_sub(keep);
        let rest = state.waiting.split_off(count);
        let mut lines = mem::replace(&mut state.waiting, rest);
        state.stats.pending -= count as u64;
        if self.is_failing(state) {
            return self.fail(state, &lines);
        }
        if self.flaw == Flaw::Reorders {
            lines.reverse();
        }
        for line in lines {
            self.write(&line, state.stats.delivered);
            state.stats.delivered += 1;
        }
        Ok(())
    }

    fn is_failing(&self, state: &State) -> bool {
        let is_stuck = self.flaw == Flaw::NeverTriesAgain && state.has_failed;
        is_stuck || self.destination.is_broken.load(Ordering::SeqCst)
    }

    fn fail(&self, state: &mut State, lines: &[Vec<u8>]) -> Result<(), u64> {
        let count = lines.len() as u64;
        if count == 0 {
            return Ok(());
        }
        state.has_failed = true;
        match self.flaw {
            Flaw::CountsFailuresAsDelivered => state.stats.delivered += count,
            Flaw::DropsUncounted => {}
            _ => state.stats.add_dropped(DropReason::Failed, count),
        }
        if self.flaw == Flaw::LeavesHalfALine {
            lock(&self.destination.bytes).extend_from_slice(&lines[0][..lines[0].len() / 2]);
        }
        Err(count)
    }

    fn write(&self, line: &[u8], number: u64) {
        let mut bytes = lock(&self.destination.bytes);
        let is_hundredth = number % 100 == 99;
        match self.flaw {
            Flaw::LosesSome if is_hundredth => {}
            Flaw::TearsSome if is_hundredth => bytes.extend([&line[..4], b"\n", &line[4..]].concat()),
            Flaw::RepeatsSome if is_hundredth => bytes.extend(line.repeat(2)),
            Flaw::CutsLongLines if line.len() > 64 * 1024 => bytes.extend([&line[..64 * 1024], b"\n"].concat()),
            Flaw::SkipsEmptyLines if line == b"\n" => {}
            Flaw::SharesState if lock(&WRITTEN).contains(line) => {}
            _ => bytes.extend_from_slice(line),
        }
        if self.flaw == Flaw::SharesState {
            lock(&WRITTEN).insert(line.to_vec());
        }
    }

    fn report(&self, result: Result<(), u64>) -> Result<(), Error> {
        let Err(lost) = result else { return Ok(()) };
        let error = Error::new("write to memory");
        match self.flaw {
            Flaw::DropsUnreported | Flaw::CountsFailuresAsDelivered => return Ok(()),
            Flaw::ReturnsUnreported => return Err(error),
            _ => {}
        }
        let error = self.reporter.lost(error, DropReason::Failed, lost);
        assert!(!self.has_hook_panicked.load(Ordering::SeqCst), "the panic of the hook, passed on");
        Err(error)
    }

    fn flush_all(&self) -> Result<(), Error> {
        let keep = usize::from(self.flaw == Flaw::FlushForgetsTheNewest);
        let delivered = self.deliver(&mut lock(&self.state), keep);
        self.report(delivered)
    }
}

impl Handler for Buffered {
    fn handle(&self, record: &Record<'_>) -> Result<(), Error> {
        let line = match self.line(record) {
            Ok(line) => line,
            Err(error) => return self.drop_one(error),
        };
        let mut state = lock(&self.state);
        if state.is_closed && self.flaw != Flaw::TakesRecordsAfterClose {
            drop(state);
            return self.refuse();
        }
        state.waiting.push(line);
        state.stats.handled += 1;
        state.stats.pending += 1;
        let room = if self.flaw == Flaw::HookRecurses { 1 } else { BUFFERED };
        let delivered = if state.waiting.len() >= room { self.deliver(&mut state, 0) } else { Ok(()) };
        drop(state);
        self.report(delivered)
    }

    fn handle_batch(&self, records: &mut dyn Iterator<Item = Record<'_>>) -> Result<(), Error> {
        let mut records: Vec<_> = records.collect();
        match self.flaw {
            Flaw::ReversesBatches => records.reverse(),
            Flaw::BatchEndsAtAFailure => return records.iter().try_for_each(|record| self.handle(record)),
            _ => {}
        }
        let results: Vec<_> = records.iter().map(|record| self.handle(record)).collect();
        results.into_iter().collect()
    }

    fn flush(&self, deadline: Deadline) -> Result<(), Error> {
        match self.flaw {
            Flaw::FlushesNothing => return Ok(()),
            Flaw::LateFlushSaysOk if deadline.has_passed() => return Ok(()),
            Flaw::FlushIgnoresItsDeadline => {
                let never_opened = Gate::new();
                never_opened.close();
                never_opened.pass().ok();
            }
            _ => {}
        }
        self.flush_all()
    }

    fn close(&self, _: Deadline) -> Result<(), Error> {
        let mut state = lock(&self.state);
        if self.flaw == Flaw::ClosesOnce && state.is_closed {
            return Err(Error::closed("memory"));
        }
        state.is_closed = true;
        if self.flaw == Flaw::CloseThrowsAway {
            let thrown_away = mem::take(&mut state.waiting).len() as u64;
            state.stats.pending = 0;
            state.stats.delivered += thrown_away;
        }
        drop(state);
        self.flush_all()
    }

    fn stats(&self) -> Stats {
        lock(&self.state).stats
    }
}
