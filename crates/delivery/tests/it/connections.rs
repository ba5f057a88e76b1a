//! Connections that come to an end: while nobody logs, between two writes, in the middle of one.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use tracing_handlers_core::{Deadline, Handler};
use tracing_handlers_delivery::{ConnectionState, Delivery, Frames, Outcome, Settings, StreamTransport, Transport};
use tracing_handlers_testing::peers::Port;
use tracing_handlers_testing::{FailureLog, record};

use crate::peers::{LONG, lines_of, settings, start, tcp, wait_until};
use crate::scripted::encode;

/// The end of a peer shows without a record, and it need not wait for ours.
#[test]
fn a_peer_that_goes_while_nobody_logs_is_let_go_of() {
    let port = Port::reserve();
    let listener = port.listen();
    let failures = FailureLog::new();
    let delivery = start(&failures, StreamTransport::new(tcp(port.number())));
    let is = |state| delivery.status().connection == state;
    assert!(is(ConnectionState::Disconnected));
    delivery.handle(&record("one").as_record()).unwrap();
    let (peer, _) = listener.accept().unwrap();
    peer.set_read_timeout(Some(LONG)).unwrap();
    wait_until(|| is(ConnectionState::Connected));
    // What it says is nobody's, and no end.
    (&peer).write_all(b"welcome").unwrap();
    delivery.handle(&record("two").as_record()).unwrap();
    delivery.flush(Deadline::after(LONG)).unwrap();
    assert!(is(ConnectionState::Connected));
    peer.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(std::io::read_to_string(&peer).unwrap(), "one\ntwo\n");
    wait_until(|| is(ConnectionState::Disconnected));
    // Nobody comes back, and then somebody does.
    drop(listener);
    delivery.handle(&record("three").as_record()).unwrap();
    wait_until(|| is(ConnectionState::Waiting));
    let listener = port.listen();
    thread::scope(|scope| {
        let lines = scope.spawn(|| lines_of(&listener));
        delivery.flush(Deadline::after(LONG)).unwrap();
        assert!(is(ConnectionState::Connected));
        delivery.close(Deadline::after(LONG)).unwrap();
        assert!(is(ConnectionState::Closed));
        assert_eq!(lines.join().unwrap(), ["three"]);
    });
}

/// A connection breaks in the middle of a write, and so of a record: with a window nothing is missing, the torn one included.
#[test]
fn a_write_that_breaks_off_loses_no_record() {
    const RECORDS: usize = 100;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let failures = FailureLog::new();
    let transport = StreamTransport::new(tcp(listener.local_addr().unwrap().port())).resend_window(64 << 20);
    // One attempt, which begins with the flush.
    let mut settings = Settings { batch_bytes: 64 << 20, linger: LONG, linger_is_firm: true, ..settings(&failures) };
    settings.limits.bytes = 64 << 20;
    let delivery = Delivery::start("test", settings, encode, transport).unwrap();
    // All buffers together hold less than that: the attempt is in a write when the peer goes.
    let filling = "x".repeat(150_000);
    (0..RECORDS).for_each(|n| delivery.handle(&record(format!("{n} {filling}")).as_record()).unwrap());
    let numbers = thread::scope(|scope| {
        let peer = scope.spawn(|| {
            let (mut first, _) = listener.accept().unwrap();
            first.read_exact(&mut vec![0; 1_000_000]).unwrap();
            // With bytes unread: the system resets the connection.
            drop(first);
            lines_of(&listener).iter().map(|line| line.split_once(' ').unwrap().0.parse().unwrap()).collect::<Vec<usize>>()
        });
        delivery.flush(Deadline::after(LONG)).unwrap();
        delivery.close(Deadline::after(LONG)).unwrap();
        peer.join().unwrap()
    });
    assert!(numbers.iter().copied().eq(0..RECORDS), "{numbers:?}");
    assert!(failures.texts()[0].contains("send to"), "{failures:?}");
    assert_eq!((delivery.stats().delivered, delivery.stats().dropped()), (RECORDS as u64, 0));
}

/// Who is never idle has no other moment to see it, and a write after the end of the peer still succeeds and is lost.
#[test]
fn the_end_of_a_peer_is_looked_for_before_each_write() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let mut transport = StreamTransport::new(tcp(listener.local_addr().unwrap().port()));
    let frames = |text: &str| {
        let mut frames = Frames::new();
        let write = |out: &mut Vec<u8>| {
            out.extend_from_slice(text.as_bytes());
            Ok::<_, ()>(())
        };
        frames.push(Default::default(), write).unwrap();
        frames
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for text in ["one\n", "two\n", "three\n"] {
            assert!(matches!(transport.send(&frames(text)).await, Outcome::Sent));
            // Who has sent is connected.
            let (stream, _) = listener.accept().expect("a connection for each");
            stream.set_nonblocking(false).unwrap();
            let mut line = String::new();
            BufReader::new(stream).read_line(&mut line).unwrap();
            assert_eq!(line, text);
        }
    });
}
