//! Senders that mean no good, or die in the middle.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream, UdpSocket};
#[cfg(unix)]
use std::process::Command;
use std::time::Duration;

use tracing_handlers_receiver::{Reason, Receiver};
use tracing_handlers_testing::gate::PATIENCE;
use tracing_handlers_testing::{CollectingHandler, record};

use crate::common::Running;

fn connect(running: &Running) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", running.port())).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn framed(payload: &[u8]) -> Vec<u8> {
    [&(payload.len() as u32).to_be_bytes()[..], payload].concat()
}

fn good(message: &str) -> Vec<u8> {
    framed(record(message).as_bytes())
}

/// The other end closed the connection.
fn is_closed(stream: &mut TcpStream) -> bool {
    stream.read(&mut [0; 1]).map_or_else(|error| error.kind() == std::io::ErrorKind::ConnectionReset, |count| count == 0)
}

/// The pickle is CPython's.
#[cfg(unix)]
#[test]
fn a_pickle_that_calls_something_is_refused_and_nothing_is_called() {
    let directory = tempfile::tempdir().unwrap();
    let proof = directory.path().join("called");
    let make = r#"
import os, pickle, struct, sys
class Evil:
    def __reduce__(self):
        return (os.system, ("touch " + sys.argv[1],))
for protocol in range(6):
    payload = pickle.dumps({"msg": "m", "evil": Evil()}, protocol)
    sys.stdout.buffer.write(struct.pack(">L", len(payload)) + payload)
"#;
    let made = Command::new("python3").args(["-c", make, proof.to_str().unwrap()]).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let running = Running::start(|builder| builder.tcp("127.0.0.1:0"));
    let mut stream = connect(&running);
    stream.write_all(&made.stdout).unwrap();
    stream.write_all(&good("after")).unwrap();
    assert_eq!(running.records(1)[0], record("after"), "the connection goes on");
    let stats = running.handle.stats();
    assert_eq!((stats.refused_for(Reason::Forbidden), stats.refused(), stats.frames), (6, 6, 7));
    assert_eq!(running.failures.lost(), 6);
    assert!(running.failures.texts()[1].contains("opcode"), "{:?}", running.failures);
    assert!(!proof.exists());
    running.stop();
}

#[test]
fn a_length_above_the_limit_ends_the_connection_by_its_prefix_alone() {
    let running = Running::start(|builder| builder.tcp("127.0.0.1:0").max_frame_bytes(1 << 20));
    let mut stream = connect(&running);
    stream.write_all(&(64_u32 << 20).to_be_bytes()).unwrap();
    assert!(is_closed(&mut stream));
    assert_eq!(running.handle.stats().refused_for(Reason::Oversized), 1);
    let mut other = connect(&running);
    other.write_all(&good("after")).unwrap();
    running.records(1);
    running.stop();
}

#[test]
fn a_frame_that_comes_too_slowly_ends_its_connection_and_an_idle_one_stays() {
    let running = Running::start(|builder| builder.tcp("127.0.0.1:0").frame_timeout(Duration::from_millis(50)));
    let (mut idle, mut slow) = (connect(&running), connect(&running));
    idle.write_all(&good("first")).unwrap();
    running.records(1);
    // A byte now and then would go on for ever: the time of a frame begins once.
    slow.set_nodelay(true).unwrap();
    for byte in framed(&[b'{'; 1 << 16]) {
        if slow.write_all(&[byte]).is_err() || running.handle.stats().refused() > 0 {
            break;
        }
    }
    assert!(is_closed(&mut slow));
    assert_eq!(running.handle.stats().refused_for(Reason::TooSlow), 1);
    idle.write_all(&good("second")).unwrap();
    running.records(2);
    assert_eq!(running.stop().refused(), 1);
}

#[test]
fn who_has_connected_and_gone_before_anybody_accepted_is_read_all_the_same() {
    let collected = CollectingHandler::new();
    let receiver = Receiver::builder().tcp("127.0.0.1:0").handler(collected.clone()).build().unwrap();
    let address = receiver.local_addrs()[0];
    for n in 0..20 {
        TcpStream::connect(address).unwrap().write_all(&good(&n.to_string())).unwrap();
    }
    receiver.handle().shutdown();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let stats = runtime.block_on(receiver.run()).unwrap();
    assert_eq!((stats.connections, stats.records, collected.records().len()), (20, 20, 20));
}

#[test]
fn a_line_above_the_limit_ends_the_connection() {
    let running = Running::start(|builder| builder.tcp("127.0.0.1:0").max_frame_bytes(100));
    let mut stream = connect(&running);
    stream.write_all(&[b"{".repeat(101)].concat()).unwrap();
    assert!(is_closed(&mut stream));
    assert_eq!(running.stop().refused_for(Reason::Oversized), 1);
}

#[test]
fn half_a_frame_at_the_end_is_counted_and_those_before_it_arrive() {
    let running = Running::start(|builder| builder.tcp("127.0.0.1:0"));
    let frame = good("whole");
    for cut in 1..frame.len() {
        let mut stream = connect(&running);
        stream.write_all(&frame).unwrap();
        stream.write_all(&frame[..cut]).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        assert!(is_closed(&mut stream));
    }
    let count = frame.len() - 1;
    running.records(count);
    assert_eq!(running.handle.stats().refused_for(Reason::Truncated), count as u64);
    running.stop();
}

#[test]
fn frames_arrive_however_the_bytes_are_cut() {
    let running = Running::start(|builder| builder.tcp("127.0.0.1:0"));
    let mut stream = connect(&running);
    stream.set_nodelay(true).unwrap();
    for byte in [good("one"), good("two")].concat() {
        stream.write_all(&[byte]).unwrap();
    }
    running.records(2);
    assert_eq!(running.collected.lines(), ["one", "two"]);
    running.stop();
}

#[test]
fn the_last_line_needs_no_line_feed_and_empty_lines_are_nothing() {
    let running = Running::start(|builder| builder.tcp("127.0.0.1:0"));
    let mut stream = connect(&running);
    stream.write_all(b"{\"message\":\"one\"}\r\n\n{\"message\":\"two\"}").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    running.records(2);
    assert_eq!(running.collected.lines(), ["one", "two"]);
    assert_eq!(running.stop().frames, 2);
}

#[test]
fn a_bad_frame_costs_itself_alone() {
    let running = Running::start(|builder| builder.tcp("127.0.0.1:0"));
    let mut stream = connect(&running);
    for payload in [&b"\xc1nonsense"[..], b"{\"message\":", b"}(X\xff\xff\xff\x7f", b""] {
        stream.write_all(&framed(payload)).unwrap();
        stream.write_all(&good("good")).unwrap();
    }
    running.records(4);
    assert_eq!(running.handle.stats().refused_for(Reason::Malformed), 4);
    assert_eq!(running.failures.lost(), 4);
    running.stop();
}

#[test]
fn a_bad_datagram_costs_itself_alone() {
    let running = Running::start(|builder| builder.udp("127.0.0.1:0").max_frame_bytes(1_000));
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let send = |bytes: &[u8]| socket.send_to(bytes, ("127.0.0.1", running.port())).unwrap();
    send(b"");
    send(&good("cut off")[..8]);
    send(&[0; 2_000]);
    send(&good("good"));
    running.records(1);
    let stats = running.handle.stats();
    assert_eq!((stats.refused_for(Reason::Malformed), stats.refused_for(Reason::Oversized)), (2, 1));
    running.stop();
}

#[test]
fn two_hundred_idle_connections_hold_up_nobody() {
    let running = Running::start(|builder| builder.tcp("127.0.0.1:0"));
    let idle: Vec<_> = (0..200).map(|_| connect(&running)).collect();
    running.wait_until("200 connections", |stats| stats.open == 200);
    let mut stream = connect(&running);
    stream.write_all(&good("busy")).unwrap();
    running.records(1);
    drop(stream);
    drop(idle);
    running.wait_until("the end of all", |stats| (stats.connections, stats.open) == (201, 0));
    let stats = running.stop();
    assert_eq!((stats.frames, stats.refused()), (1, 0));
}

#[test]
fn who_comes_when_all_places_are_taken_is_turned_away_and_counted() {
    let running = Running::start(|builder| builder.tcp("127.0.0.1:0").max_connections(2));
    let (first, _second) = (connect(&running), connect(&running));
    running.wait_until("two connections", |stats| stats.open == 2);
    assert!(is_closed(&mut connect(&running)));
    assert_eq!(running.handle.stats().turned_away, 1);
    drop(first);
    running.wait_until("a free place", |stats| stats.open == 1);
    let mut next = connect(&running);
    next.write_all(&good("in")).unwrap();
    running.records(1);
    running.stop();
}

#[test]
fn a_shutdown_closes_idle_connections_and_returns() {
    let running = Running::start(|builder| builder.tcp("127.0.0.1:0"));
    let mut idle = connect(&running);
    running.wait_until("a connection", |stats| stats.open == 1);
    let stats = running.stop();
    assert!(is_closed(&mut idle));
    assert_eq!((stats.connections, stats.open), (1, 0));
}

#[test]
fn settings_that_let_nothing_through_are_refused() {
    let whole = || Receiver::builder().tcp("127.0.0.1:0").handler(CollectingHandler::new());
    assert!(whole().build().is_ok());
    assert!(Receiver::builder().tcp("127.0.0.1:0").build().unwrap_err().is_config());
    assert!(Receiver::builder().handler(CollectingHandler::new()).build().unwrap_err().is_config());
    assert!(whole().max_frame_bytes(0).build().unwrap_err().is_config());
    assert!(whole().frame_timeout(Duration::ZERO).build().unwrap_err().is_config());
    assert!(whole().max_connections(0).build().unwrap_err().is_config());
    let taken = whole().build().unwrap();
    let again = Receiver::builder().tcp(taken.local_addrs()[0].to_string()).handler(CollectingHandler::new());
    assert!(again.build().unwrap_err().is_io());
}
