//! Peers that are dead, stopped, late or of another kind than expected; settings that are refused.

use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, UdpSocket};
#[cfg(unix)]
use std::process::Command;
use std::time::Duration;

use tracing_handlers_core::{Deadline, DropReason, Handler, HandlerLayer, Record, Timestamp};
use tracing_handlers_socket::{ConnectionState, DatagramHandler, Encoding, Retry, SocketHandler};
use tracing_handlers_testing::gate::PATIENCE;
use tracing_handlers_testing::peers::{Arrived, Peer as _, Port, StreamPeer, UdpPeer};
use tracing_handlers_testing::{FailureLog, ManualClock, record, wait_until};
use tracing_subscriber::prelude::*;

use crate::frames::{FRAMES, payload_of, read_frame};
#[cfg(unix)]
use crate::python::Python;

fn soon() -> Retry {
    Retry::new(Duration::from_millis(1)).max(Duration::from_millis(20))
}

/// Sends a signal to a process of this test.
#[cfg(unix)]
fn signal(process: u32, name: &str) {
    assert!(Command::new("kill").args([name, &process.to_string()]).status().unwrap().success());
}

#[cfg(unix)]
#[test]
fn nobody_who_logs_waits_for_a_peer_that_is_stopped_and_it_gets_what_waited() {
    let (mut python, port) = Python::receive("tcp", "0");
    let failures = FailureLog::new();
    let builder = SocketHandler::builder().tcp("127.0.0.1", port).encoding(Encoding::Pickle).capacity(50);
    let handler = builder.on_failure(failures.clone()).build().unwrap();
    handler.handle(&record("first").as_record()).unwrap();
    assert_eq!(python.take(1)[0].message(), "first");

    let dismissal = python.dismissal();
    signal(python.id(), "-STOP");
    // More than the buffers of both sides take: the thread is stuck in a write, the queue is full, and every call returns.
    let large = "x".repeat(200_000);
    while handler.stats().dropped_for(DropReason::Full) < 100 {
        handler.handle(&record(large.as_str()).as_record()).ok();
    }
    assert!(handler.flush(Deadline::after(Duration::from_millis(20))).unwrap_err().is_timed_out());
    assert!(handler.stats().is_balanced());
    signal(python.id(), "-CONT");

    // Somebody reads what the receiver says, or it would be stuck itself.
    let seen = std::thread::scope(|scope| {
        let reader = scope.spawn(|| std::iter::from_fn(|| python.next()).collect::<Vec<_>>());
        handler.flush(PATIENCE.into()).unwrap();
        handler.close(PATIENCE.into()).unwrap();
        dismissal.send();
        reader.join().unwrap()
    });
    let stats = handler.stats();
    // A record that says how many are missing belongs to nobody who flushes: it may come too late for this receiver.
    assert!(stats.is_balanced() && stats.pending <= 1, "{stats}");
    // The first was taken before; those of the missing are among the others.
    assert_eq!(seen.len() as u64 + 1, stats.delivered, "{stats}");
    assert!(seen.iter().any(|seen| seen.message().len() == large.len()), "what waited did not come");
}

#[test]
fn a_dead_peer_with_everything_at_trace_makes_no_record_of_its_own() {
    let port = Port::reserve();
    let builder = SocketHandler::builder().tcp("127.0.0.1", port.number()).retry(soon());
    let handler = builder.on_failure(FailureLog::new()).build().unwrap();
    let layer = HandlerLayer::new(handler);
    let handler = std::sync::Arc::clone(layer.handler());
    // The global one of this process: whatever any thread of it raises comes here.
    tracing_subscriber::registry().with(layer).try_init().unwrap();
    let ours = || (0..10).for_each(|n| tracing::trace!(target: "ours", n, "one of ten"));
    ours();
    let before = handler.stats().handled;
    assert!(before >= 10);
    while handler.status().attempts < 50 {
        handler.flush(Deadline::after(Duration::from_millis(1))).unwrap_err();
    }
    assert_eq!(handler.stats().handled, before);
}

#[test]
fn records_wait_for_a_peer_that_comes_late_and_keep_their_order() {
    let peer = StreamPeer::tcp(FRAMES);
    peer.leave();
    let builder = SocketHandler::builder().tcp("127.0.0.1", peer.address.port()).retry(soon());
    let handler = builder.on_failure(FailureLog::new()).build().unwrap();
    (0..1_000).for_each(|n| handler.handle(&record(n.to_string()).as_record()).unwrap());
    while handler.status().failures == 0 {
        handler.flush(Deadline::after(Duration::from_millis(1))).unwrap_err();
    }
    assert_eq!(handler.stats().pending, 1_000);
    assert!(handler.status().last_error.is_some_and(|error| error.contains("connect to")));
    peer.come();
    handler.flush(PATIENCE.into()).unwrap();
    let payloads = peer.arrived.at_least(1_000);
    let messages = payloads.iter().map(|payload| Record::decode(payload).unwrap().message().to_owned());
    assert_eq!(messages.collect::<Vec<_>>(), (0..1_000).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[test]
fn a_lossy_handler_is_well_again_when_its_peer_is() {
    let peer = StreamPeer::tcp(FRAMES);
    peer.leave();
    let failures = FailureLog::new();
    let builder = SocketHandler::builder().tcp("127.0.0.1", peer.address.port()).retry(soon()).lossy_like_python(true);
    let handler = builder.on_failure(failures.clone()).build().unwrap();
    handler.handle(&record("lost").as_record()).unwrap();
    handler.flush(PATIENCE.into()).unwrap();
    assert_eq!((handler.stats().dropped_for(DropReason::Failed), failures.lost()), (1, 1));
    peer.come();
    while handler.stats().delivered == 0 {
        handler.handle(&record("sent").as_record()).unwrap();
        handler.flush(PATIENCE.into()).unwrap();
    }
    assert_eq!(peer.arrived.at_least(1).len(), 1);
    assert!(handler.stats().is_balanced());
}

/// The peer reads nothing until an attempt has run out of time, and then everything of every connection.
fn stopped_for_a_while(is_lossy: bool) -> (SocketHandler, FailureLog, Vec<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let failures = FailureLog::new();
    let builder = SocketHandler::builder().tcp("127.0.0.1", listener.local_addr().unwrap().port()).retry(soon());
    let builder = builder.lossy_like_python(is_lossy).timeout(Duration::from_millis(100)).batch_bytes(64 << 20);
    let handler = builder.on_failure(failures.clone()).capacity_bytes(64 << 20).build().unwrap();
    let filling = "x".repeat(150_000);
    (0..100).for_each(|n| handler.handle(&record(format!("{n} {filling}")).as_record()).unwrap());
    while failures.is_empty() {
        handler.flush(Deadline::after(Duration::from_millis(20))).ok();
    }
    let arrived = Arrived::default();
    let readers = arrived.clone();
    // Works until the process ends: whoever comes next nobody knows.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (arrived, mut stream) = (readers.clone(), stream.unwrap());
            std::thread::spawn(move || {
                while let Ok(Some(payload)) = read_frame(&mut stream) {
                    arrived.add(payload);
                }
            });
        }
    });
    handler.flush(PATIENCE.into()).unwrap();
    handler.close(PATIENCE.into()).unwrap();
    let payloads = arrived.at_least(handler.stats().delivered as usize);
    let number = |payload: &Vec<u8>| Record::decode(payload).unwrap().message().split_once(' ').unwrap().0.parse().unwrap();
    let mut numbers: Vec<usize> = payloads.iter().map(number).collect();
    numbers.sort_unstable();
    (handler, failures, numbers)
}

#[test]
fn a_peer_that_stops_reading_gets_every_record_and_none_twice() {
    let (_, _, numbers) = stopped_for_a_while(false);
    assert!(numbers.iter().copied().eq(0..100), "{numbers:?}");
}

#[test]
fn a_lossy_handler_drops_what_a_peer_that_stops_reading_did_not_get_and_no_more() {
    let (handler, failures, numbers) = stopped_for_a_while(true);
    let stats = handler.stats();
    assert!(stats.is_balanced() && stats.delivered > 0, "{stats}");
    assert_eq!(numbers.len() as u64, stats.delivered, "{stats}");
    assert_eq!(failures.lost(), stats.dropped_for(DropReason::Failed));
    assert!(stats.dropped() > 0, "{stats}");
}

#[test]
fn messagepack_is_the_record_as_it_is() {
    let peer = StreamPeer::tcp(FRAMES);
    let handler = SocketHandler::builder().tcp("127.0.0.1", peer.address.port()).build().unwrap();
    let sent =
        Record::builder().message("slow").field("millis", 812_u64).span("request", "app", [("id", 7_i64.into())]).build();
    handler.handle(&sent.as_record()).unwrap();
    handler.close(PATIENCE.into()).unwrap();
    assert_eq!(peer.arrived.at_least(1), [sent.as_bytes()]);
}

#[test]
fn json_lines_come_one_a_line_whatever_is_in_them() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let handler = SocketHandler::builder().tcp("127.0.0.1", port).encoding(Encoding::JsonLines).build().unwrap();
    let stamp = Timestamp::default();
    for message in ["two\nlines", "{\"forged\":1}\r\n"] {
        handler.handle(&Record::builder().timestamp(stamp).file("a.rs").line(3).message(message).build().as_record()).unwrap();
    }
    handler.flush(PATIENCE.into()).unwrap();
    let lines = BufReader::new(listener.accept().unwrap().0).lines().take(2);
    let objects: Vec<serde_json::Value> = lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    assert_eq!(objects[0]["fields"]["message"], "two\nlines");
    assert_eq!(objects[1]["fields"]["message"], "{\"forged\":1}\r\n");
    assert_eq!((&objects[0]["filename"], &objects[0]["line_number"]), (&"a.rs".into(), &3.into()));
}

#[test]
fn datagrams_go_over_ipv6_too() {
    let peer = UdpSocket::bind("[::1]:0").unwrap();
    peer.set_read_timeout(Some(PATIENCE)).unwrap();
    let handler = DatagramHandler::builder().udp("::1", peer.local_addr().unwrap().port()).build().unwrap();
    let sent = record("over six");
    handler.handle(&sent.as_record()).unwrap();
    let mut buffer = [0; 1_000];
    let length = peer.recv(&mut buffer).unwrap();
    assert_eq!(&buffer[4..length], sent.as_bytes());
}

#[test]
fn a_record_too_large_for_a_datagram_is_dropped_alone() {
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    let failures = FailureLog::new();
    let builder = DatagramHandler::builder().udp("127.0.0.1", peer.local_addr().unwrap().port());
    let handler = builder.on_failure(failures.clone()).build().unwrap();
    for size in [1, 70_000, 2] {
        handler.handle(&record("x".repeat(size)).as_record()).unwrap();
    }
    handler.flush(PATIENCE.into()).unwrap();
    assert_eq!((handler.stats().delivered, handler.stats().dropped_for(DropReason::Failed), failures.lost()), (2, 1, 1));
    assert!(failures.texts()[0].contains("too many for a datagram"), "{failures:?}");
}

#[test]
fn a_builder_without_a_destination_says_what_to_call() {
    let refused = SocketHandler::builder().build().unwrap_err();
    assert!(refused.is_config() && refused.to_string().contains("`tcp` or `unix`"), "{refused}");
    let refused = DatagramHandler::builder().build().unwrap_err();
    assert!(refused.is_config() && refused.to_string().contains("`udp` or `unix`"), "{refused}");
}

#[test]
fn settings_that_let_nothing_through_are_refused() {
    assert!(SocketHandler::builder().tcp("", 9_020).build().unwrap_err().is_config());
    assert!(SocketHandler::builder().tcp("localhost", 0).build().unwrap_err().is_config());
    assert!(DatagramHandler::builder().udp("localhost", 0).layer().unwrap_err().is_config());
    assert!(SocketHandler::builder().tcp("localhost", 1).capacity(0).build().unwrap_err().is_config());
}

/// Where no runtime is, inside of one, and after it is gone.
#[test]
fn runtimes_of_the_application_are_neither_needed_nor_touched() {
    let peer = StreamPeer::tcp(FRAMES);
    let build = || SocketHandler::builder().tcp("127.0.0.1", peer.address.port()).build().unwrap();
    let current = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let several = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let mut sent = 0;
    for runtime in [current, several] {
        let handler = runtime.block_on(async {
            let handler = build();
            handler.handle(&record("inside").as_record()).unwrap();
            handler.flush(PATIENCE.into()).unwrap();
            handler
        });
        drop(runtime);
        handler.handle(&record("after").as_record()).unwrap();
        handler.close(PATIENCE.into()).unwrap();
        sent += 2;
    }
    assert_eq!(peer.arrived.at_least(sent).len(), sent);
}

#[test]
fn a_layer_has_the_clock_of_its_handler() {
    let peer = UdpPeer::new(payload_of);
    let now = Timestamp::from_unix_seconds(1_000);
    let builder = DatagramHandler::builder().udp("127.0.0.1", peer.address.port()).clock(ManualClock::new(now));
    let subscriber = tracing_subscriber::registry().with(builder.layer().unwrap());
    tracing::subscriber::with_default(subscriber, || tracing::info!("hello"));
    let arrived = peer.arrived.at_least(1);
    assert_eq!(Record::decode(&arrived[0]).unwrap().timestamp(), now);
}

#[test]
fn the_state_of_a_connection_is_seen_from_outside_of_the_layer() {
    let peer = StreamPeer::tcp(FRAMES);
    let builder = SocketHandler::builder().tcp("127.0.0.1", peer.address.port()).retry(soon());
    let layer = builder.on_failure(FailureLog::new()).layer().unwrap();
    let handler = std::sync::Arc::clone(layer.handler());
    let ours = tracing::Dispatch::new(tracing_subscriber::registry().with(layer));
    let log = || tracing::dispatcher::with_default(&ours, || tracing::info!("hello"));
    assert_eq!(handler.status().connection, ConnectionState::Disconnected);
    log();
    wait_until("Connected", || handler.status().connection == ConnectionState::Connected);
    // It goes, and nobody logs.
    peer.leave();
    wait_until("Disconnected", || handler.status().connection == ConnectionState::Disconnected);
    log();
    wait_until("Waiting", || handler.status().connection == ConnectionState::Waiting);
    peer.come();
    handler.close(PATIENCE.into()).unwrap();
    assert_eq!((handler.status().connection, handler.stats().delivered), (ConnectionState::Closed, 2));
}

/// Where nothing waits, nothing is waited for.
#[test]
fn a_lossy_handler_without_a_peer_has_no_connection() {
    let port = Port::reserve();
    let builder = SocketHandler::builder().tcp("127.0.0.1", port.number()).lossy_like_python(true);
    let handler = builder.on_failure(FailureLog::new()).build().unwrap();
    handler.handle(&record("lost").as_record()).unwrap();
    handler.flush(PATIENCE.into()).unwrap();
    assert_eq!((handler.status().connection, handler.stats().dropped()), (ConnectionState::Disconnected, 1));
}

#[cfg(unix)]
#[test]
fn a_datagram_handler_is_connected_while_it_has_a_socket() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let handler = DatagramHandler::builder().unix(&path).retry(soon()).on_failure(FailureLog::new()).build().unwrap();
    let log = || handler.handle(&record("hello").as_record()).unwrap();
    log();
    wait_until("Waiting", || handler.status().connection == ConnectionState::Waiting);
    let peer = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    handler.flush(PATIENCE.into()).unwrap();
    assert_eq!(handler.status().connection, ConnectionState::Connected);
    drop(peer);
    log();
    wait_until("Waiting", || handler.status().connection == ConnectionState::Waiting);
}
