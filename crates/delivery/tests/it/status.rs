//! The state of the connection, as users see it.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::LocalSet;
use tracing_handlers_core::{Deadline, Error, Handler};
use tracing_handlers_delivery::ConnectionState::{Closed, Connected, Connecting, Disconnected, Waiting};
use tracing_handlers_delivery::{Connections, Delivery, Frames, Outcome, Retry, Settings, Transport};
use tracing_handlers_testing::{FailureLog, record};

use crate::scripted::{away, encode};

const SECOND: Duration = Duration::from_secs(1);

/// Lets so much of a paused clock pass.
async fn pass(time: Duration) {
    tokio::time::timeout(time, pending::<()>()).await.unwrap_err();
}

/// Takes each of its steps when the test lets it.
#[derive(Clone)]
struct Steps {
    allowed: Arc<Semaphore>,
    fails: Arc<AtomicBool>,
    panics: Arc<AtomicBool>,
}

impl Steps {
    fn new() -> Self {
        Self { allowed: Arc::new(Semaphore::new(0)), fails: Arc::default(), panics: Arc::default() }
    }

    /// One step, and time for what follows of it.
    async fn step(&self) {
        self.allowed.add_permits(1);
        self.rest().await;
    }

    async fn rest(&self) {
        pass(Duration::from_millis(20)).await;
    }

    async fn taken(&self) {
        self.allowed.acquire().await.unwrap().forget();
    }
}

/// Connects in one step, sends in another; while it is idle, one more is the end of the connection.
struct Stepped {
    steps: Steps,
    connections: Connections,
    connection: Option<tracing_handlers_delivery::Connected>,
}

impl Transport for Stepped {
    async fn send(&mut self, _: &Frames) -> Outcome {
        if self.connection.is_none() {
            let connecting = self.connections.connecting();
            self.steps.taken().await;
            self.connection = Some(connecting.done());
        }
        self.steps.taken().await;
        if self.steps.fails.load(Ordering::SeqCst) {
            self.connection = None;
            return away();
        }
        Outcome::Delivered
    }

    fn report_to(&mut self, connections: &Connections) {
        self.connections = connections.clone();
    }

    async fn idle(&mut self) -> Option<Error> {
        if self.connection.is_some() {
            self.steps.taken().await;
            assert!(!self.steps.panics.load(Ordering::SeqCst), "deliberate mistake of a transport");
            self.connection = None;
        }
        None
    }

    fn reset(&mut self) {
        self.connection = None;
    }
}

fn paused<F: Future<Output = ()>>(test: impl FnOnce(Delivery, Steps) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    LocalSet::new().block_on(&runtime, async {
        let steps = Steps::new();
        let transport = Stepped { steps: steps.clone(), connections: Connections::default(), connection: None };
        let retry = Retry::new(30 * SECOND).jitter(false);
        let on_failure = Some(Arc::new(FailureLog::new()) as _);
        let settings = Settings { retry, attempt_timeout: 10 * SECOND, on_failure, ..Settings::default() };
        let (delivery, work) = Delivery::with_future("test", settings, encode, transport).unwrap();
        tokio::task::spawn_local(work);
        test(delivery, steps).await;
    });
}

fn log(delivery: &Delivery) {
    delivery.handle(&record("one").as_record()).unwrap();
}

#[test]
fn a_connection_is_made_used_lost_waited_for_and_closed() {
    paused(|delivery, steps| async move {
        let state = || delivery.status().connection;
        steps.rest().await;
        assert_eq!(state(), Disconnected);
        log(&delivery);
        steps.rest().await;
        assert_eq!(state(), Connecting);
        steps.step().await;
        assert_eq!((state(), delivery.stats().pending), (Connected, 1));
        steps.step().await;
        assert_eq!((state(), delivery.stats().pending), (Connected, 0));

        // The peer goes while there is nothing to send.
        steps.step().await;
        assert_eq!(state(), Disconnected);

        steps.fails.store(true, Ordering::SeqCst);
        log(&delivery);
        steps.rest().await;
        assert_eq!(state(), Connecting);
        steps.step().await;
        steps.step().await;
        assert_eq!((state(), delivery.status().failures), (Waiting, 1));
        // The next attempt.
        steps.fails.store(false, Ordering::SeqCst);
        pass(30 * SECOND).await;
        assert_eq!(state(), Connecting);
        steps.step().await;
        steps.step().await;
        assert_eq!((state(), delivery.stats().delivered), (Connected, 2));

        log(&delivery);
        drop(delivery.close(Deadline::after(Duration::ZERO)));
        assert_eq!((state(), delivery.stats().pending), (Connected, 1));
        steps.rest().await;
        assert_eq!((state(), delivery.stats().pending), (Closed, 0));
    });
}

#[test]
fn an_attempt_that_runs_out_of_time_makes_no_connection_any_more() {
    paused(|delivery, steps| async move {
        log(&delivery);
        pass(9 * SECOND).await;
        assert_eq!(delivery.status().connection, Connecting);
        pass(2 * SECOND).await;
        assert_eq!(delivery.status().connection, Waiting);
        pass(30 * SECOND).await;
        assert_eq!(delivery.status().connection, Connecting);
        steps.step().await;
        assert_eq!(delivery.status().connection, Connected);
        // And one that has its connection loses it.
        pass(10 * SECOND).await;
        assert_eq!((delivery.status().connection, delivery.status().failures), (Waiting, 2));
    });
}

#[test]
fn who_panics_over_a_connection_that_is_idle_loses_it_and_nothing_else() {
    paused(|delivery, steps| async move {
        steps.panics.store(true, Ordering::SeqCst);
        log(&delivery);
        for expected in [Connecting, Connected, Connected, Disconnected] {
            steps.rest().await;
            assert_eq!(delivery.status().connection, expected);
            steps.allowed.add_permits(1);
        }
        log(&delivery);
        steps.step().await;
        steps.step().await;
        assert_eq!(delivery.stats().delivered, 2);
    });
}

/// What says nothing of its connections.
struct Silent;

impl Transport for Silent {
    async fn send(&mut self, _: &Frames) -> Outcome {
        Outcome::retry(Error::new("reach the peer"))
    }
}

#[test]
fn of_a_transport_that_reports_nothing_the_pauses_are_known() {
    let settings = Settings { on_failure: Some(Arc::new(FailureLog::new())), ..Settings::default() };
    let delivery = Delivery::start("test", settings, encode, Silent).unwrap();
    assert_eq!(delivery.status().connection, Disconnected);
    log(&delivery);
    crate::peers::wait_until(|| delivery.status().connection == Waiting);
    assert!(delivery.close(Deadline::after(Duration::from_millis(10))).unwrap_err().is_timed_out());
    crate::peers::wait_until(|| delivery.status().connection == Closed);
}
