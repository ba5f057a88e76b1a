//! Peers that end a connection as soon as it was made: a daemon that has no place, a balancer with nobody behind it. The other end works in the
//! runtime of the test, whose clock is paused: it goes on when neither of the two has anything to do.

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::LocalSet;
use tokio::time::Instant;
use tracing_handlers_core::{Deadline, Handler};
use tracing_handlers_delivery::{ConnectionState, Delivery, Retry, Settings, StreamTransport};
use tracing_handlers_testing::{FailureLog, record};

use crate::peers::tcp;
use crate::scripted::encode;

const SECOND: Duration = Duration::from_secs(1);

/// What the peer does with whoever comes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Manner {
    /// Ends it unread.
    TurnAway,
    /// Ends it when there is something to read, unread.
    TakeLeave,
    /// Reads until it is told to end it.
    Read,
}

#[derive(Clone)]
struct Peer {
    manner: Rc<Cell<Manner>>,
    /// When each connection came, in tenths of a second since the beginning.
    came: Rc<RefCell<Vec<u128>>>,
    lines: Rc<RefCell<Vec<String>>>,
    leave: Rc<Notify>,
    begun: Instant,
}

impl Peer {
    async fn work(self, listener: TcpListener) {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            self.came.borrow_mut().push(self.begun.elapsed().as_millis() / 100);
            match self.manner.get() {
                Manner::TurnAway => {}
                Manner::TakeLeave => drop(stream.peek(&mut [0]).await.unwrap()),
                Manner::Read => self.read(stream).await,
            }
        }
    }

    async fn read(&self, stream: TcpStream) {
        let mut lines = BufReader::new(stream).lines();
        loop {
            tokio::select! {
                line = lines.next_line() => match line {
                    Ok(Some(line)) => self.lines.borrow_mut().push(line),
                    _ => return,
                },
                () = self.leave.notified() => return,
            }
        }
    }

    fn came(&self) -> Vec<u128> {
        self.came.borrow().clone()
    }
}

/// The pauses are 1, 2, 4 … 30 seconds.
fn steady() -> Settings {
    Settings { retry: Retry::new(SECOND).jitter(false), ..Settings::default() }
}

fn paused<F: Future<Output = ()>>(
    manner: Manner,
    settings: Settings,
    window: usize,
    test: impl FnOnce(Peer, Delivery, FailureLog) -> F,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    LocalSet::new().block_on(&runtime, async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let transport = StreamTransport::new(tcp(listener.local_addr().unwrap().port())).resend_window(window);
        let failures = FailureLog::new();
        let settings = Settings { on_failure: Some(Arc::new(failures.clone())), ..settings };
        let (delivery, work) = Delivery::with_future("test", settings, encode, transport).unwrap();
        tokio::task::spawn_local(work);
        let manner = Rc::new(Cell::new(manner));
        let peer = Peer { manner, came: Rc::default(), lines: Rc::default(), leave: Rc::default(), begun: Instant::now() };
        tokio::task::spawn_local(peer.clone().work(listener));
        test(peer, delivery, failures).await;
    });
}

/// Lets so much of the clock pass.
async fn pass(time: Duration) {
    tokio::time::timeout(time, pending::<()>()).await.unwrap_err();
}

fn log(delivery: &Delivery, number: usize) {
    delivery.handle(&record(number.to_string()).as_record()).unwrap();
}

/// It takes half a second where a new connection has to last first, and the peer a moment to read.
async fn flush(delivery: &Delivery) {
    delivery.flush_async(Deadline::after(SECOND)).await.unwrap();
    pass(SECOND / 100).await;
}

/// A record every tenth of a second. How many there were.
async fn log_for(delivery: &Delivery, time: Duration) -> usize {
    let (begun, mut count) = (Instant::now(), 0);
    while begun.elapsed() < time {
        log(delivery, count);
        count += 1;
        pass(SECOND / 10).await;
    }
    count
}

#[test]
fn a_peer_that_turns_everybody_away_is_asked_ever_more_seldom_and_what_waits_is_kept() {
    paused(Manner::TurnAway, steady(), 0, |peer, delivery, failures| async move {
        let count = log_for(&delivery, 100 * SECOND).await;
        assert_eq!(peer.came(), [0, 10, 30, 70, 150, 310, 610, 910]);
        let status = delivery.status();
        assert_eq!((failures.len(), status.failures, status.connection), (8, 8, ConnectionState::Waiting));
        let told = "it closed the connection as soon as it was made";
        assert!(failures.texts().iter().all(|text| text.contains("tcp://127.0.0.1:") && text.contains(told)), "{failures:?}");
        assert!(status.last_error.is_some_and(|error| error.contains(told)));
        // Where it goes as soon as it comes nothing was sent; at most the first record was too fast.
        let early = delivery.stats().delivered as usize;
        assert!(early <= 1, "{}", delivery.stats());

        peer.manner.set(Manner::Read);
        flush(&delivery).await;
        assert_eq!(*peer.lines.borrow(), (early..count).map(|n| n.to_string()).collect::<Vec<_>>());
        assert_eq!((delivery.status().failures, delivery.status().connection), (0, ConnectionState::Connected));
    });
}

/// It has to be sent something before it shows that it wants none: each time that is lost, and each attempt seems well.
#[test]
fn a_peer_that_ends_what_it_is_sent_something_over_is_sent_something_ever_more_seldom() {
    paused(Manner::TakeLeave, steady(), 1 << 20, |peer, delivery, failures| async move {
        let count = log_for(&delivery, 100 * SECOND).await;
        // Half a second each shows that the connection lasts as long as nothing is sent.
        assert_eq!(peer.came(), [0, 10, 35, 80, 165, 330, 635, 940]);
        assert_eq!((failures.len(), delivery.status().failures), (8, 8));
        assert!(delivery.stats().delivered > 900, "{}", delivery.stats());

        // All of that is in the window.
        peer.manner.set(Manner::Read);
        flush(&delivery).await;
        assert_eq!(*peer.lines.borrow(), (0..count).map(|n| n.to_string()).collect::<Vec<_>>());
    });
}

#[test]
fn an_early_end_is_told_although_nobody_logs_any_more() {
    paused(Manner::TakeLeave, steady(), 0, |peer, delivery, failures| async move {
        log(&delivery, 0);
        pass(SECOND / 10).await;
        assert_eq!((failures.len(), delivery.stats().delivered), (1, 1), "{failures:?}");
        let status = delivery.status();
        assert_eq!((status.attempts, status.failures, status.connection), (1, 1, ConnectionState::Waiting));
        pass(SECOND).await;
        assert_eq!((delivery.status().connection, peer.came().len()), (ConnectionState::Disconnected, 1));
    });
}

/// The pauses begin anew, and no time is lost, where a connection had lasted: what its end means is that the peer restarts, or had nothing to read.
#[test]
fn a_connection_that_lasted_is_made_again_at_once_when_it_ends() {
    paused(Manner::TurnAway, steady(), 0, |peer, delivery, failures| async move {
        log(&delivery, 0);
        pass(5 * SECOND).await;
        peer.manner.set(Manner::Read);
        flush(&delivery).await;
        let told = failures.len();
        for number in 1..4 {
            pass(SECOND).await;
            peer.leave.notify_one();
            pass(SECOND / 100).await;
            assert_eq!(delivery.status().connection, ConnectionState::Disconnected);
            let begun = Instant::now();
            log(&delivery, number);
            flush(&delivery).await;
            assert!(begun.elapsed() < SECOND / 20, "{:?}", begun.elapsed());
            assert_eq!(peer.lines.borrow().last().unwrap(), &number.to_string());
        }
        assert_eq!((failures.len(), delivery.status().failures), (told, 0), "{failures:?}");
        // This one has not.
        peer.leave.notify_one();
        pass(SECOND / 10).await;
        assert_eq!((failures.len(), delivery.status().failures), (told + 1, 1), "{failures:?}");
    });
}

#[test]
fn a_flush_asks_at_once_a_peer_that_had_no_place_and_so_does_a_close() {
    let long = Settings { retry: Retry::new(1_000 * SECOND).max(1_000 * SECOND).jitter(false), ..steady() };
    paused(Manner::TakeLeave, long, 1 << 10, |peer, delivery, _| async move {
        log(&delivery, 0);
        pass(SECOND).await;
        log(&delivery, 1);
        flush(&delivery).await;
        assert_eq!(peer.came().len(), 2);
        pass(SECOND).await;
        peer.manner.set(Manner::Read);
        log(&delivery, 2);
        // What waits has a second.
        drop(delivery);
        pass(SECOND).await;
        assert_eq!(*peer.lines.borrow(), ["0", "1", "2"]);
    });
}

/// Else each attempt would be over before a connection has lasted.
#[test]
fn an_attempt_that_may_take_little_time_has_some_left() {
    let hasty = Settings { attempt_timeout: SECOND / 10, ..steady() };
    paused(Manner::TurnAway, hasty, 0, |peer, delivery, failures| async move {
        log(&delivery, 0);
        pass(SECOND / 2).await;
        peer.manner.set(Manner::Read);
        log(&delivery, 1);
        flush(&delivery).await;
        assert_eq!((failures.len(), peer.lines.borrow().last().cloned()), (1, Some("1".to_owned())), "{failures:?}");
    });
}
