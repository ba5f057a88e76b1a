//! `shutdown`: who is closed, in which order, and what the report says. What happens at exit is in `tests/exit.rs`.
//!
//! Handlers register with the process, so each test has a process of its own.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tracing_handlers_core::sync::lock;
use tracing_handlers_core::{Deadline, DropReason, Error, Handler, Record, ShutdownReport, Stats, register_pending, shutdown};

use crate::common::alone;

type Order = Arc<Mutex<Vec<&'static str>>>;

/// What a handler does when it is closed.
#[derive(Clone, Copy)]
enum Close {
    Delivers,
    Fails,
    Panics,
}

struct Scripted {
    name: &'static str,
    close: Close,
    order: Order,
    stats: Mutex<Stats>,
}

impl Handler for Scripted {
    fn handle(&self, _: &Record<'_>) -> Result<(), Error> {
        Ok(())
    }

    fn flush(&self, _: Deadline) -> Result<(), Error> {
        lock(&self.order).push("a flush");
        Ok(())
    }

    fn close(&self, deadline: Deadline) -> Result<(), Error> {
        assert!(deadline.remaining().is_some_and(|left| left <= Duration::from_secs(7)));
        lock(&self.order).push(self.name);
        match self.close {
            Close::Delivers => {
                let mut stats = lock(&self.stats);
                *stats = stats.with_delivered(stats.delivered + stats.pending).with_pending(0);
                Ok(())
            }
            Close::Fails => Err(Error::timed_out("close it")),
            Close::Panics => panic!("deliberate mistake"),
        }
    }

    fn stats(&self) -> Stats {
        *lock(&self.stats)
    }
}

fn register(name: &'static str, close: Close, order: &Order) -> Arc<dyn Handler> {
    let stats = Stats::new().with_handled(5).with_delivered(2).with_pending(2).with_dropped(DropReason::Full, 1);
    let handler: Arc<dyn Handler> = Arc::new(Scripted { name, close, order: Arc::clone(order), stats: Mutex::new(stats) });
    register_pending(&handler, false);
    handler
}

fn shut_down() -> ShutdownReport {
    shutdown(Duration::from_secs(7))
}

/// CPython's `ShutdownTest.test_no_failure`: the newest first.
#[test]
fn handlers_are_closed_newest_first_and_their_counters_added_up() {
    alone(|| {
        let order = Order::default();
        let _kept = ["first", "second", "third"].map(|name| register(name, Close::Delivers, &order));
        let report = shut_down();
        assert_eq!(*lock(&order), ["third", "second", "first"]);
        assert_eq!((report.handlers, report.failed), (3, 0));
        assert!(report.is_complete());
        assert_eq!((report.stats.handled, report.stats.delivered, report.stats.dropped()), (15, 12, 3));
        assert!(report.stats.is_balanced());
        assert_eq!(
            report.to_string(),
            "3 handlers with a buffer closed, 0 failed; handled 15, delivered 12, pending 0, dropped 3 (full: 3)"
        );
    });
}

/// The other twelve of CPython's `ShutdownTest`, `test_with_ioerror_in_…` to `test_with_other_error_in_…`: whatever goes wrong with
/// one handler, the others are closed; nothing is raised (there is no `raiseExceptions`), it is counted.
#[test]
fn one_that_fails_or_panics_keeps_nobody_from_being_closed() {
    alone(|| {
        let order = Order::default();
        let _oldest = register("oldest", Close::Delivers, &order);
        let _fails = register("fails", Close::Fails, &order);
        let _panics = register("panics", Close::Panics, &order);
        let report = shut_down();
        assert_eq!(*lock(&order), ["panics", "fails", "oldest"]);
        assert_eq!((report.handlers, report.failed, report.stats.pending), (3, 2, 4));
        assert!(!report.is_complete());
    });
}

#[test]
fn handlers_that_are_gone_are_not_asked() {
    alone(|| {
        assert!(shut_down().is_complete(), "nobody registered yet");
        let order = Order::default();
        drop(register("gone", Close::Fails, &order));
        let _kept = register("kept", Close::Delivers, &order);
        assert_eq!(shut_down().handlers, 1);
        assert_eq!(*lock(&order), ["kept"]);
    });
}

#[test]
fn a_second_shutdown_closes_again_which_handlers_must_bear() {
    alone(|| {
        let order = Order::default();
        let _kept = register("it", Close::Delivers, &order);
        assert_eq!(shut_down().stats.delivered, 4);
        let second = shut_down();
        assert_eq!((second.handlers, second.stats.delivered), (1, 4));
        assert_eq!(*lock(&order), ["it", "it"]);
    });
}
