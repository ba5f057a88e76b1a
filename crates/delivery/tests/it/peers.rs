//! The delivery thread and peers on loopback.

use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, UdpSocket};
use std::sync::Arc;
use std::task::{Context, Poll, Wake};
use std::thread;
use std::time::Duration;

use tracing_handlers_core::buffer::Limits;
use tracing_handlers_core::{Deadline, DropReason, Handler};
use tracing_handlers_delivery::datagram::{DatagramTransport, Place};
use tracing_handlers_delivery::dial::Peer;
use tracing_handlers_delivery::{Delivery, Retry, Settings, StreamTransport, Transport};
use tracing_handlers_testing::proxy::{Fault, Proxy, Valve};
use tracing_handlers_testing::{FailureLog, comes_true, record};

use crate::scripted::{self, Act, away, encode};

pub(crate) const LONG: Duration = Duration::from_secs(30);

pub(crate) fn settings(failures: &FailureLog) -> Settings {
    let retry = Retry::new(Duration::from_millis(1)).max(Duration::from_millis(20));
    Settings { on_failure: Some(Arc::new(failures.clone())), retry, ..Settings::default() }
}

pub(crate) fn start(failures: &FailureLog, transport: impl Transport) -> Delivery {
    Delivery::start("test", settings(failures), encode, transport).unwrap()
}

pub(crate) fn tcp(port: u16) -> Peer {
    Peer::Tcp { host: "127.0.0.1".to_owned(), port }
}

pub(crate) fn wait_until(is_so: impl Fn() -> bool) {
    assert!(comes_true(is_so), "it never came");
}

/// The lines of one connection, up to its end.
pub(crate) fn lines_of(listener: &TcpListener) -> Vec<String> {
    let (stream, _) = listener.accept().unwrap();
    BufReader::new(stream).lines().map(Result::unwrap).collect()
}

#[test]
fn a_peer_gets_all_lines_and_a_farewell() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let failures = FailureLog::new();
    let delivery = start(&failures, StreamTransport::new(tcp(listener.local_addr().unwrap().port())));
    let lines = thread::scope(|scope| {
        let peer = scope.spawn(|| lines_of(&listener));
        (0..1_000).for_each(|n| delivery.handle(&record(n.to_string()).as_record()).unwrap());
        delivery.close(Deadline::after(LONG)).unwrap();
        peer.join().unwrap()
    });
    assert_eq!(lines, (0..1_000).map(|n| n.to_string()).collect::<Vec<_>>());
    assert_eq!(delivery.stats().delivered, 1_000);
    assert!(failures.is_empty(), "{failures:?}");
}

/// Each of twenty peers reads for a while, says that it goes by closing its own end, and reads on to ours.
#[test]
fn a_peer_that_takes_its_leave_twenty_times_loses_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let failures = FailureLog::new();
    let delivery = start(&failures, StreamTransport::new(tcp(listener.local_addr().unwrap().port())));
    let received = thread::scope(|scope| {
        let peer = scope.spawn(|| {
            let mut received = Vec::new();
            for _ in 0..20 {
                let (stream, _) = listener.accept().unwrap();
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                received.extend((0..50).map(|_| lines.next().unwrap().unwrap()));
                stream.shutdown(std::net::Shutdown::Write).unwrap();
                received.extend(lines.map(Result::unwrap));
            }
            received.extend(lines_of(&listener));
            received
        });
        for n in 0..2_000 {
            delivery.handle(&record(n.to_string()).as_record()).unwrap();
            delivery.flush(Deadline::after(LONG)).unwrap();
        }
        delivery.close(Deadline::after(LONG)).unwrap();
        // Peers that are still to come get nobody; the test's own end lets them go.
        peer.join().unwrap()
    });
    assert_eq!(received, (0..2_000).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[test]
fn a_peer_that_is_cut_off_gets_the_window_again_and_misses_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let failures = FailureLog::new();
    let transport = StreamTransport::new(tcp(listener.local_addr().unwrap().port())).resend_window(1 << 16);
    let delivery = start(&failures, transport);
    let mut received = thread::scope(|scope| {
        let peer = scope.spawn(|| {
            let mut received = Vec::new();
            for _ in 0..5 {
                // Dropped with bytes unread: the system resets the connection.
                let (stream, _) = listener.accept().unwrap();
                received.extend(BufReader::with_capacity(16, stream).lines().take(20).map(Result::unwrap));
            }
            received.extend(lines_of(&listener));
            received
        });
        for n in 0..1_000 {
            delivery.handle(&record(n.to_string()).as_record()).unwrap();
            delivery.flush(Deadline::after(LONG)).unwrap();
        }
        delivery.close(Deadline::after(LONG)).unwrap();
        peer.join().unwrap()
    });
    assert!(received.len() > 1_000, "some came twice");
    received.sort_by_key(|line| line.parse::<u32>().unwrap());
    received.dedup();
    assert_eq!(received, (0..1_000).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[test]
fn nobody_who_logs_waits_for_a_peer_that_reads_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let failures = FailureLog::new();
    let mut settings = settings(&failures);
    settings.limits.records = 10;
    let delivery =
        Delivery::start("test", settings, encode, StreamTransport::new(tcp(listener.local_addr().unwrap().port()))).unwrap();
    let large = record("x".repeat(1 << 20));
    // On a thread of its own: a call that waited would do so for ever.
    let delivery = Arc::new(delivery);
    let caller = thread::spawn({
        let delivery = Arc::clone(&delivery);
        move || {
            while delivery.stats().dropped_for(DropReason::Full) < 100 {
                delivery.handle(&large.as_record()).ok();
            }
        }
    });
    wait_until(|| caller.is_finished());
    assert!(delivery.flush(Deadline::after(Duration::from_millis(20))).unwrap_err().is_timed_out());
    drop(delivery.close(Deadline::after(Duration::from_millis(20))));
    let stats = delivery.stats();
    assert!(stats.is_balanced(), "{stats}");
}

/// An attempt that runs out of time in the middle of many records goes on behind the last of them that went out whole.
#[test]
fn a_peer_that_stops_reading_gets_no_record_twice() {
    const RECORDS: usize = 100;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let failures = FailureLog::new();
    let settings = Settings { attempt_timeout: Duration::from_millis(100), ..settings(&failures) };
    let transport = StreamTransport::new(tcp(listener.local_addr().unwrap().port()));
    let delivery = Delivery::start("test", Settings { batch_bytes: 64 << 20, ..settings }, encode, transport).unwrap();
    let filling = "x".repeat(150_000);
    (0..RECORDS).for_each(|n| delivery.handle(&record(format!("{n} {filling}")).as_record()).unwrap());
    while failures.is_empty() {
        delivery.flush(Deadline::after(Duration::from_millis(20))).ok();
    }
    let (sender, received) = std::sync::mpsc::channel();
    // Works until the process ends: whoever comes next nobody knows.
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (sender, mut reader) = (sender.clone(), BufReader::new(stream.unwrap()));
            thread::spawn(move || {
                let mut line = String::new();
                // A line without an end is the half of a record.
                while reader.read_line(&mut line).is_ok_and(|length| length > 0) && line.ends_with('\n') {
                    sender.send(line.split_once(' ').unwrap().0.parse::<usize>().unwrap()).unwrap();
                    line.clear();
                }
            });
        }
    });
    delivery.flush(Deadline::after(LONG)).unwrap();
    delivery.close(Deadline::after(LONG)).unwrap();
    let mut numbers: Vec<_> = (0..RECORDS).map(|_| received.recv_timeout(LONG).unwrap()).collect();
    numbers.extend(received.try_iter());
    numbers.sort_unstable();
    assert_eq!(numbers, (0..RECORDS).collect::<Vec<_>>());
}

/// The window takes this peer several times as long as an attempt may last: begun again with each, it would never be over.
#[test]
fn a_slow_peer_gets_the_whole_window_again_however_long_that_takes() {
    const RECORDS: usize = 1_000;
    const SLOW: usize = 1_000;
    // Far more than an attempt brings, and than the system has room for on its way.
    let large = |n: usize| format!("{n} {}", "x".repeat(32_000));
    let whole: usize = (0..RECORDS).map(|n| large(n).len() + 1).sum();
    let (listener, valve) = (TcpListener::bind("127.0.0.1:0").unwrap(), Valve::shut());
    let slow = std::iter::repeat_n(Fault::Valve(valve.clone()), SLOW);
    let proxy = Proxy::new(listener.local_addr().unwrap().port(), std::iter::once(Fault::Cut(whole)).chain(slow));
    let failures = FailureLog::new();
    let settings = Settings { attempt_timeout: Duration::from_secs(1), ..settings(&failures) };
    let transport = StreamTransport::new(tcp(proxy.port())).resend_window(2 * whole);
    let settings = Settings { limits: Limits { bytes: 3 * whole, ..settings.limits }, ..settings };
    let delivery = Delivery::start("test", settings, encode, transport).unwrap();
    let (sender, connections) = std::sync::mpsc::channel();
    // Works until the process ends: how many come nobody knows.
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (sender, reader) = (sender.clone(), BufReader::new(stream.unwrap()));
            thread::spawn(move || {
                let numbers = reader.lines().map_while(|line| line.ok()?.split_once(' ')?.0.parse::<usize>().ok());
                sender.send(numbers.collect::<Vec<_>>()).ok();
            });
        }
    });
    (0..RECORDS).for_each(|n| delivery.handle(&record(large(n)).as_record()).unwrap());
    delivery.flush(Deadline::after(LONG)).unwrap();
    assert_eq!(connections.recv_timeout(LONG).unwrap(), (0..RECORDS).collect::<Vec<_>>());

    // Until the transport has seen that the connection was cut, and has made another one.
    let mut next = RECORDS;
    while proxy.faults_left() >= SLOW {
        delivery.handle(&record(format!("{next} small")).as_record()).unwrap();
        next += 1;
        delivery.flush(Deadline::after(Duration::from_millis(20))).ok();
    }
    let patience = Deadline::after(LONG);
    while delivery.stats().pending > 0 {
        assert!(!patience.has_passed(), "the window did not come to its end: {failures:?}");
        valve.let_pass(1 << 18);
        delivery.flush(Deadline::after(Duration::from_millis(20))).ok();
    }
    valve.open();
    delivery.close(Deadline::after(LONG)).unwrap();
    assert_eq!(connections.recv_timeout(LONG).unwrap(), (0..next).collect::<Vec<_>>());
}

#[test]
fn datagrams_arrive_and_what_is_too_large_for_one_is_dropped_alone() {
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    peer.set_read_timeout(Some(LONG)).unwrap();
    let failures = FailureLog::new();
    let place = Place::Udp { host: "127.0.0.1".to_owned(), port: peer.local_addr().unwrap().port() };
    let delivery = start(&failures, DatagramTransport::new(place));
    let messages = ["one".to_owned(), "x".repeat(70_000), "two".to_owned()];
    messages.iter().for_each(|message| delivery.handle(&record(message.as_str()).as_record()).unwrap());
    delivery.flush(Deadline::after(LONG)).unwrap();
    let mut buffer = [0; 100];
    for expected in ["one\n", "two\n"] {
        let count = peer.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..count], expected.as_bytes());
    }
    assert_eq!((delivery.stats().delivered, failures.lost_for(DropReason::Failed)), (2, 1));
}

#[cfg(unix)]
#[test]
fn a_local_socket_that_is_made_anew_is_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let failures = FailureLog::new();
    let delivery = start(&failures, DatagramTransport::new(Place::Unix(path.clone())));
    delivery.handle(&record("before").as_record()).unwrap();
    let mut received = Vec::new();
    for round in 0..3 {
        let peer = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
        peer.set_read_timeout(Some(LONG)).unwrap();
        delivery.handle(&record(round.to_string()).as_record()).unwrap();
        delivery.flush(Deadline::after(LONG)).unwrap();
        peer.set_nonblocking(true).unwrap();
        let mut buffer = [0; 100];
        while let Ok(count) = peer.recv(&mut buffer) {
            received.push(String::from_utf8(buffer[..count - 1].to_vec()).unwrap());
        }
        std::fs::remove_file(&path).unwrap();
    }
    assert_eq!(received, ["before", "0", "1", "2"]);
}

#[test]
fn a_close_drops_what_the_peer_did_not_take_in_its_time() {
    let peer = scripted::Peer::default();
    peer.set_away(true);
    let failures = FailureLog::new();
    let delivery = start(&failures, peer.clone());
    (0..100).for_each(|n| delivery.handle(&record(n.to_string()).as_record()).unwrap());
    assert!(delivery.close(Deadline::after(Duration::from_millis(50))).unwrap_err().is_timed_out());
    drop(delivery.flush(Deadline::after(LONG)));
    let stats = delivery.stats();
    assert_eq!((stats.dropped_for(DropReason::Closed), stats.pending), (100, 0));
    assert_eq!(failures.lost_for(DropReason::Closed), 100);
    delivery.handle(&record("late").as_record()).unwrap_err();
    assert!(delivery.stats().is_balanced());
}

/// Else what it has would be neither delivered nor dropped until the attempt's own time is over, here for ever.
#[test]
fn a_close_bounds_an_attempt_that_is_under_way_and_so_does_a_drop() {
    let hanging = || {
        let (peer, failures) = (scripted::Peer::default(), FailureLog::new());
        peer.will([Act::Hang]);
        let settings = Settings { attempt_timeout: Duration::from_secs(1 << 20), ..settings(&failures) };
        let delivery = Delivery::start("test", settings, encode, peer.clone()).unwrap();
        delivery.handle(&record("first").as_record()).unwrap();
        wait_until(|| peer.attempts().len() == 1);
        delivery.handle(&record("second").as_record()).unwrap();
        (delivery, peer, failures)
    };
    let (delivery, peer, failures) = hanging();
    // Longer than what the time is then.
    let (early, late) = (Deadline::after(Duration::from_millis(20)), Deadline::after(LONG));
    thread::scope(|scope| {
        scope.spawn(|| delivery.close(late).unwrap_err());
        wait_until(|| delivery.handle(&record("late").as_record()).is_err());
        assert!(delivery.close(early).unwrap_err().is_timed_out());
    });
    let stats = delivery.stats();
    assert_eq!((failures.lost_for(DropReason::Closed), stats.pending, peer.resets()), (stats.dropped(), 0, 1));
    assert!(failures.texts().iter().any(|text| text.contains("no answer before it was closed")), "{failures:?}");

    let (delivery, _, failures) = hanging();
    drop(delivery);
    wait_until(|| failures.lost_for(DropReason::Closed) == 2);
}

#[test]
fn a_flush_inside_of_a_runtime_of_one_thread_returns() {
    let peer = scripted::Peer::default();
    peer.will([Act::Do(away())]);
    let failures = FailureLog::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let delivery = runtime.block_on(async {
        let delivery = start(&failures, peer.clone());
        delivery.handle(&record("inside").as_record()).unwrap();
        delivery.flush(Deadline::after(LONG)).unwrap();
        delivery.flush_async(Deadline::after(LONG)).await.unwrap();
        delivery
    });
    drop(runtime);
    delivery.handle(&record("after").as_record()).unwrap();
    delivery.close(Deadline::after(LONG)).unwrap();
    assert_eq!(peer.taken(), ["inside", "after"]);
}

#[test]
fn a_flush_that_blocks_no_thread_needs_no_timers_of_the_runtime() {
    let peer = scripted::Peer::default();
    peer.set_away(true);
    let failures = FailureLog::new();
    let delivery = start(&failures, peer.clone());
    delivery.handle(&record("one").as_record()).unwrap();
    let soon = || Deadline::after(Duration::from_millis(20));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert!(runtime.block_on(delivery.flush_async(soon())).unwrap_err().is_timed_out());
    drop(runtime);
    assert!(without_a_runtime(delivery.flush_async(soon())).unwrap_err().is_timed_out());
    peer.set_away(false);
    without_a_runtime(delivery.flush_async(Deadline::after(LONG))).unwrap();
    without_a_runtime(delivery.flush_async(Deadline::never())).unwrap();
    assert_eq!(peer.taken(), ["one"]);
}

/// Polls on this thread, and parks it in between.
fn without_a_runtime<F: Future>(future: F) -> F::Output {
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(thread::current())).into();
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

#[test]
fn a_hook_that_flushes_on_the_delivery_thread_gets_an_error() {
    let peer = scripted::Peer::default();
    peer.will([Act::Do(away())]);
    let slot: Arc<std::sync::OnceLock<Delivery>> = Arc::default();
    let refusals = Arc::new(std::sync::Mutex::new(Vec::new()));
    let (inside, told) = (Arc::clone(&slot), Arc::clone(&refusals));
    let hook = move |_: &tracing_handlers_core::Failure<'_>| {
        if let Some(delivery) = inside.get() {
            told.lock().unwrap().push(delivery.flush(Deadline::never()).unwrap_err().to_string());
        }
    };
    let settings = Settings { on_failure: Some(Arc::new(hook)), ..settings(&FailureLog::new()) };
    assert!(slot.set(Delivery::start("test", settings, encode, peer).unwrap()).is_ok());
    let delivery = slot.get().unwrap();
    delivery.handle(&record("one").as_record()).unwrap();
    delivery.flush(Deadline::after(LONG)).unwrap();
    assert_eq!(*refusals.lock().unwrap(), ["flush on the delivery thread"]);
}
