//! Faults between handler and peer: connections that are late, cut, reset, stopped, or read a byte at a time.

use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use tracing_handlers_core::sync::lock;
use tracing_handlers_core::{Deadline, DropReason, Handler, Record};
use tracing_handlers_socket::{Retry, SocketHandler, SocketHandlerBuilder};
use tracing_handlers_testing::gate::PATIENCE;
use tracing_handlers_testing::proxy::{Fault, Proxy, Valve};
use tracing_handlers_testing::{FailureLog, record};

use crate::frames::read_frame;

/// The numbers that came, by connection.
#[derive(Clone, Default)]
struct Received {
    shared: Arc<(Mutex<Vec<Vec<usize>>>, Condvar)>,
}

impl Received {
    /// A peer that reads whole frames; what a connection ends with besides is the half of one.
    fn listen() -> (Self, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (received, port) = (Self::default(), listener.local_addr().unwrap().port());
        let readers = received.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (readers, stream) = (readers.clone(), stream.unwrap());
                let connection = {
                    let mut connections = lock(&readers.shared.0);
                    connections.push(Vec::new());
                    connections.len() - 1
                };
                std::thread::spawn(move || readers.read(connection, stream));
            }
        });
        (received, port)
    }

    fn read(&self, connection: usize, mut stream: TcpStream) {
        while let Ok(Some(payload)) = read_frame(&mut stream) {
            let message = Record::decode(&payload).unwrap().message().to_owned();
            // What says how many are missing is none of the test's records.
            if !message.contains("dropped") {
                let number = message.split(' ').next().unwrap().parse().unwrap();
                lock(&self.shared.0)[connection].push(number);
                self.shared.1.notify_all();
            }
        }
    }

    /// What came, once that is enough.
    fn when(&self, is_enough: impl Fn(&[Vec<usize>]) -> bool) -> Vec<Vec<usize>> {
        self.within(PATIENCE, is_enough).unwrap_or_else(|| panic!("not enough came: {:?}", lock(&self.shared.0)))
    }

    /// The same, if it is enough in that time.
    fn within(&self, time: Duration, is_enough: impl Fn(&[Vec<usize>]) -> bool) -> Option<Vec<Vec<usize>>> {
        let waited = self.shared.1.wait_timeout_while(lock(&self.shared.0), time, |numbers| !is_enough(numbers));
        let (numbers, waited) = waited.unwrap();
        (!waited.timed_out()).then(|| numbers.clone())
    }

    /// What came, once the number is among it.
    fn with(&self, number: usize) -> Vec<Vec<usize>> {
        self.when(|connections| connections.iter().any(|numbers| numbers.contains(&number)))
    }
}

/// Longer than a record is on its way, as a rule.
const SOON: Duration = Duration::from_millis(100);

fn to(proxy: &Proxy) -> SocketHandlerBuilder {
    let retry = Retry::new(Duration::from_millis(1)).max(Duration::from_millis(20));
    SocketHandler::builder().tcp("127.0.0.1", proxy.port()).retry(retry).on_failure(FailureLog::new())
}

/// At the first byte, in a length, in a record, between two of them, after many.
fn cuts_and_resets() -> Vec<Fault> {
    [0, 1, 3, 50, 200, 5_000, 20_000].into_iter().flat_map(|bytes| [Fault::Cut(bytes), Fault::Reset(bytes)]).collect()
}

/// Sends numbers until every fault was met and the last number has come; how many they are.
fn send_through(handler: &SocketHandler, proxy: &Proxy, received: &Received) -> usize {
    let mut next = 0;
    let mut send = |count: usize| {
        for _ in 0..count {
            handler.handle(&record(next.to_string()).as_record()).unwrap();
            next += 1;
        }
        handler.flush(PATIENCE.into()).unwrap();
        next
    };
    while proxy.faults_left() > 0 {
        send(20);
    }
    // What is sent makes the handler look at its connection, should the last fault not have shown yet.
    let patience = Deadline::after(PATIENCE);
    loop {
        let sent = send(1);
        if received.within(SOON, |connections| connections.iter().any(|numbers| numbers.contains(&(sent - 1)))).is_some() {
            return sent;
        }
        assert!(!patience.has_passed(), "nothing comes any more");
    }
}

#[test]
fn whatever_cuts_the_connection_nothing_is_missing_that_the_window_holds() {
    let (received, port) = Received::listen();
    let proxy = Proxy::new(port, cuts_and_resets());
    let handler = to(&proxy).resend_window(1 << 20).build().unwrap();
    let sent = send_through(&handler, &proxy, &received);
    handler.close(PATIENCE.into()).unwrap();
    let connections = received.with(sent - 1);
    for numbers in connections.iter().filter(|numbers| !numbers.is_empty()) {
        assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "a gap or another order: {numbers:?}");
    }
    let mut all = connections.concat();
    let twice = all.len() - sent;
    all.sort_unstable();
    all.dedup();
    assert!(all.iter().copied().eq(0..sent), "{} of {sent} came", all.len());
    assert!(twice > 0, "a window that is sent again makes some come twice");
    let stats = handler.stats();
    assert_eq!((stats.delivered, stats.dropped(), stats.pending), (sent as u64, 0, 0));
}

#[test]
fn without_a_window_nothing_comes_twice_and_only_what_the_kernel_had_taken_is_missing() {
    let (received, port) = Received::listen();
    let proxy = Proxy::new(port, cuts_and_resets());
    let handler = to(&proxy).build().unwrap();
    let sent = send_through(&handler, &proxy, &received);
    handler.close(PATIENCE.into()).unwrap();
    let connections = received.with(sent - 1);
    let runs = connections.iter().filter(|numbers| !numbers.is_empty());
    runs.for_each(|numbers| assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "a gap within: {numbers:?}"));
    let all = connections.concat();
    assert!(all.windows(2).all(|pair| pair[0] < pair[1]), "twice, or in another order: {connections:?}");
    let stats = handler.stats();
    assert_eq!((stats.delivered, stats.dropped(), stats.pending), (sent as u64, 0, 0));
}

/// What waits in memory and in the kernel of both sides is more than the buffers of any system.
const LARGE: usize = 200_000;

fn large(number: usize) -> tracing_handlers_core::RecordBuf {
    record(format!("{number} {}", "x".repeat(LARGE)))
}

/// Handles records until a hundred found no room, does `meanwhile` after each, and gives those that were taken in. A call that waits for
/// the peer is let go when the test loses its patience, and then more has passed than may.
fn overfill(handler: &SocketHandler, valve: &Valve, meanwhile: impl Fn()) -> Vec<usize> {
    // What all buffers, the queue and the attempt have room for, several times over.
    const MOST: usize = 1_000;
    let (done, is_done) = std::sync::mpsc::channel();
    let rescue = valve.clone();
    std::thread::spawn(move || is_done.recv_timeout(PATIENCE).unwrap_or_else(|_| rescue.open()));
    let mut taken_in = Vec::new();
    for number in 0..MOST {
        if handler.handle(&large(number).as_record()).is_ok() {
            taken_in.push(number);
        }
        meanwhile();
        if handler.stats().dropped_for(DropReason::Full) >= 100 {
            break;
        }
    }
    done.send(()).unwrap_or_else(|_| panic!("a call waited for the peer"));
    assert!(handler.stats().is_balanced() && handler.stats().dropped_for(DropReason::Full) >= 100);
    taken_in
}

/// Everything that was taken in comes once the valve is open, in its order, and nothing else.
fn goes_on(handler: &SocketHandler, valve: &Valve, received: &Received, taken_in: &[usize]) {
    valve.open();
    handler.flush(PATIENCE.into()).unwrap();
    handler.close(PATIENCE.into()).unwrap();
    let came = received.when(|connections| connections.concat().len() >= taken_in.len()).concat();
    assert_eq!(came, taken_in);
    let stats = handler.stats();
    assert!(stats.is_balanced() && stats.pending == 0, "{stats}");
}

#[test]
fn handle_returns_although_the_peer_reads_nothing_and_what_waited_comes_in_order() {
    let (received, port) = Received::listen();
    let valve = Valve::shut();
    let proxy = Proxy::new(port, [Fault::Valve(valve.clone())]);
    let handler = to(&proxy).capacity(50).timeout(Duration::from_secs(3_600)).build().unwrap();
    let taken_in = overfill(&handler, &valve, || ());
    assert_eq!(valve.passed(), 0, "every call returned before anything passed");
    goes_on(&handler, &valve, &received, &taken_in);
}

#[test]
fn handle_returns_although_the_peer_stops_in_the_middle_of_a_record() {
    let (received, port) = Received::listen();
    let valve = Valve::shut();
    valve.let_pass(LARGE / 2);
    let proxy = Proxy::new(port, [Fault::Valve(valve.clone())]);
    let handler = to(&proxy).capacity(50).timeout(Duration::from_secs(3_600)).build().unwrap();
    let taken_in = overfill(&handler, &valve, || ());
    assert!(valve.passed() <= LARGE / 2, "every call returned before a record had passed");
    goes_on(&handler, &valve, &received, &taken_in);
}

#[test]
fn handle_returns_although_the_peer_reads_a_byte_now_and_then() {
    let (received, port) = Received::listen();
    let valve = Valve::shut();
    let proxy = Proxy::new(port, [Fault::Valve(valve.clone())]);
    let handler = to(&proxy).capacity(50).timeout(Duration::from_secs(3_600)).build().unwrap();
    let taken_in = overfill(&handler, &valve, || valve.let_pass(1));
    assert!(valve.passed() < LARGE, "every call returned before a record had passed");
    goes_on(&handler, &valve, &received, &taken_in);
}

/// There is a connection, so nothing is lost, although the window takes this peer several times as long as an attempt may last.
#[test]
fn a_lossy_handler_gives_a_slow_peer_the_window_again_and_loses_nothing_meanwhile() {
    const RECORDS: usize = 160;
    const SLOW: usize = 1_000;
    let (received, port) = Received::listen();
    let valve = Valve::shut();
    let slow = std::iter::repeat_n(Fault::Valve(valve.clone()), SLOW);
    let proxy = Proxy::new(port, std::iter::once(Fault::Cut(RECORDS * LARGE)).chain(slow));
    let builder = to(&proxy).resend_window(2 * RECORDS * LARGE).timeout(Duration::from_secs(1)).lossy_like_python(true);
    let handler = builder.capacity_bytes(4 * RECORDS * LARGE).build().unwrap();
    for number in 0..RECORDS {
        handler.handle(&large(number).as_record()).unwrap();
        handler.flush(PATIENCE.into()).unwrap();
    }
    // Until the handler has seen that the connection was cut, and has made another one.
    let mut next = RECORDS;
    let mut send = || {
        handler.handle(&record(next.to_string()).as_record()).unwrap();
        next += 1;
    };
    while proxy.faults_left() >= SLOW {
        send();
        handler.flush(Deadline::after(Duration::from_millis(20))).ok();
    }
    let lost = handler.stats().dropped();
    send();
    let patience = Deadline::after(PATIENCE);
    while handler.stats().pending > 0 {
        assert!(!patience.has_passed(), "the window did not come to its end: {:?}", handler.status());
        valve.let_pass(1 << 18);
        handler.flush(Deadline::after(Duration::from_millis(20))).ok();
    }
    assert_eq!(handler.stats().dropped(), lost, "{:?}", handler.status());
    valve.open();
    let last = received.with(next - 1).pop().unwrap();
    assert!(last.starts_with(&(0..RECORDS).collect::<Vec<_>>()), "{last:?}");
}
