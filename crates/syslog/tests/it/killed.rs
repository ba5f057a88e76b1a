//! Real daemons that are killed and started again while records come, over what only says that the system took a message.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tracing_handlers_core::{Deadline, Handler};
use tracing_handlers_syslog::{Overflow, SyslogHandler, SyslogHandlerBuilder};
use tracing_handlers_testing::gate::PATIENCE;
use tracing_handlers_testing::{FailureLog, record, wait_until};

use crate::daemon::Daemon;
use crate::rsyslog::builder;
use crate::rsyslogd::Rsyslog;
use crate::syslog_ngd::SyslogNg;

const KILLS: usize = 4;
/// So many records are under way at most.
const BATCH: usize = 16;
/// So many wait at most, as the load does not end while the daemon is away.
const ROOM: usize = 1_000;

/// What became of the load.
struct Aftermath {
    missing: BTreeSet<u64>,
    /// What the system had taken when a daemon died, since what waited for that one was written.
    of_the_dead: Vec<Range<u64>>,
}

impl Aftermath {
    /// Plain connections cannot tell what a dead daemon had read.
    fn assert_nothing_missing_but_of_the_dead(&self) {
        let others: Vec<_> =
            self.missing.iter().filter(|number| !self.of_the_dead.iter().any(|range| range.contains(number))).collect();
        assert!(others.is_empty(), "{others:?} are missing, not only some of {:?}", self.of_the_dead);
    }
}

/// Logs numbers without a pause while the daemon is killed and started again.
fn kill_under_load(daemon: &mut Daemon, builder: SyslogHandlerBuilder) -> Aftermath {
    let builder = builder.batch_records(BATCH).capacity(ROOM).overflow(Overflow::Block(PATIENCE));
    let handler = builder.on_failure(FailureLog::new()).build().unwrap();
    let is_over = AtomicBool::new(false);
    let (count, of_the_dead) = thread::scope(|scope| {
        let load = scope.spawn(|| {
            let numbers = (0..).take_while(|_| !is_over.load(Ordering::SeqCst));
            numbers.inspect(|number| log(&handler, *number)).count() as u64
        });
        // A failure here ends the load as well.
        let _end = OnDrop(|| is_over.store(true, Ordering::SeqCst));
        let of_the_dead = (0..KILLS).map(|_| kill_once(daemon, &handler)).collect::<Vec<_>>();
        is_over.store(true, Ordering::SeqCst);
        (load.join().unwrap(), of_the_dead)
    });
    handler.flush(Deadline::after(PATIENCE)).unwrap();
    let stats = handler.stats();
    assert_eq!((stats.handled, stats.delivered, stats.dropped(), stats.pending), (count, count, 0, 0));

    wait_until("the newest is written", || has_come_to(daemon, count - 1));
    let found: BTreeSet<_> = numbers(&daemon.text()).collect();
    let missing: BTreeSet<_> = (0..count).filter(|number| !found.contains(number)).collect();
    println!("of {count} are missing {}, of the dead {of_the_dead:?}", missing.len());
    Aftermath { missing, of_the_dead }
}

/// Kills it once all that waited for it is written, and starts it again when others wait.
fn kill_once(daemon: &mut Daemon, handler: &SyslogHandler) -> Range<u64> {
    // What is taken from the queue is in order: so many were handled, and this is the newest.
    let waited = handler.stats().handled;
    wait_until("what waited is written", || has_come_to(daemon, waited));
    daemon.kill();
    let taken = handler.stats().delivered;
    wait_until("it is missed", || handler.status().failures > 0);
    let stats = handler.stats();
    assert!(stats.delivered <= taken + BATCH as u64, "{} were delivered to a dead daemon", stats.delivered - taken);
    wait_until("records wait", || handler.stats().pending >= ROOM as u64);
    let stats = handler.stats();
    // Beside them is the one whose caller waits for room.
    let balance = stats.delivered + stats.dropped() + stats.pending;
    assert!((balance..=balance + 1).contains(&stats.handled), "{stats}");
    daemon.restart();
    waited + 1..stats.delivered
}

fn log(handler: &SyslogHandler, number: u64) {
    handler.handle(&record(words(number)).as_record()).unwrap();
}

/// A number that shows when half of it is missing.
fn words(number: u64) -> String {
    format!("number {number} of many")
}

fn numbers(text: &str) -> impl Iterator<Item = u64> {
    text.split("number ").filter_map(|rest| rest.split_once(" of many")?.0.parse().ok())
}

fn has_come_to(daemon: &Daemon, number: u64) -> bool {
    numbers(&daemon.tail()).max().is_some_and(|newest| newest >= number)
}

struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        self.0();
    }
}

/// More than a daemon gets in its life.
const WINDOW: usize = 8 << 20;

#[test]
fn rsyslog_that_is_killed_over_tcp_takes_along_only_what_it_was_sent() {
    let mut daemon = Rsyslog::start();
    let builder = builder().tcp(format!("127.0.0.1:{}", daemon.tcp));
    kill_under_load(&mut daemon, builder).assert_nothing_missing_but_of_the_dead();
}

#[test]
fn rsyslog_that_is_killed_over_tcp_misses_nothing_that_the_window_covers() {
    let mut daemon = Rsyslog::start();
    let builder = builder().tcp(format!("127.0.0.1:{}", daemon.tcp)).resend_window(WINDOW);
    assert_eq!(kill_under_load(&mut daemon, builder).missing, BTreeSet::new());
}

#[test]
fn rsyslog_that_is_killed_at_a_local_socket_takes_along_only_what_was_in_it() {
    let mut daemon = Rsyslog::start();
    let builder = builder().unix(daemon.local());
    kill_under_load(&mut daemon, builder).assert_nothing_missing_but_of_the_dead();
}

#[test]
fn syslog_ng_that_is_killed_over_tcp_takes_along_only_what_it_was_sent() {
    let mut daemon = SyslogNg::start();
    let builder = builder().tcp(daemon.tcp());
    kill_under_load(&mut daemon, builder).assert_nothing_missing_but_of_the_dead();
}

#[test]
fn syslog_ng_that_is_killed_over_tcp_misses_nothing_that_the_window_covers() {
    let mut daemon = SyslogNg::start();
    let builder = builder().tcp(daemon.tcp()).resend_window(WINDOW);
    assert_eq!(kill_under_load(&mut daemon, builder).missing, BTreeSet::new());
}

#[test]
fn syslog_ng_that_is_killed_at_a_local_socket_of_either_kind_takes_along_only_what_was_in_it() {
    for socket in [|daemon: &SyslogNg| daemon.local(), SyslogNg::local_stream] {
        let mut daemon = SyslogNg::start();
        let builder = builder().unix(socket(&daemon));
        kill_under_load(&mut daemon, builder).assert_nothing_missing_but_of_the_dead();
    }
}

#[cfg(feature = "tls")]
mod tls {
    use tracing_handlers_syslog::Tls;

    use super::*;

    fn of_rsyslog(daemon: &Rsyslog) -> SyslogHandlerBuilder {
        let tls = Tls::new().ca_pem(&daemon.authority()).unwrap();
        builder().tls(format!("localhost:{}", daemon.tls), tls)
    }

    fn of_syslog_ng(daemon: &SyslogNg) -> SyslogHandlerBuilder {
        let [certificate, key] = daemon.client();
        let tls = Tls::new().ca_pem(&daemon.authority()).unwrap().identity_pem(&certificate, &key).unwrap();
        builder().tls(daemon.tls(), tls)
    }

    #[test]
    fn rsyslog_that_is_killed_over_tls_takes_along_only_what_it_was_sent() {
        let mut daemon = Rsyslog::start_with_tls();
        let builder = of_rsyslog(&daemon);
        kill_under_load(&mut daemon, builder).assert_nothing_missing_but_of_the_dead();
    }

    #[test]
    fn rsyslog_that_is_killed_over_tls_misses_nothing_that_the_window_covers() {
        let mut daemon = Rsyslog::start_with_tls();
        let builder = of_rsyslog(&daemon).resend_window(WINDOW);
        assert_eq!(kill_under_load(&mut daemon, builder).missing, BTreeSet::new());
    }

    #[test]
    fn syslog_ng_that_is_killed_over_tls_takes_along_only_what_it_was_sent() {
        let mut daemon = SyslogNg::start_with_tls();
        let builder = of_syslog_ng(&daemon);
        kill_under_load(&mut daemon, builder).assert_nothing_missing_but_of_the_dead();
    }

    #[test]
    fn syslog_ng_that_is_killed_over_tls_misses_nothing_that_the_window_covers() {
        let mut daemon = SyslogNg::start_with_tls();
        let builder = of_syslog_ng(&daemon).resend_window(WINDOW);
        assert_eq!(kill_under_load(&mut daemon, builder).missing, BTreeSet::new());
    }
}
