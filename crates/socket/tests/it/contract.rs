//! The contract suite, with peers on loopback.

use std::time::Duration;

use tracing_handlers_core::Record;
use tracing_handlers_socket::{DatagramHandler, Encoding, Retry, SocketHandler};
use tracing_handlers_testing::format::line_of;
#[cfg(unix)]
use tracing_handlers_testing::peers::UnixDatagramPeer;
use tracing_handlers_testing::peers::{Paced, PeerSubject, StreamPeer, UdpPeer};
use tracing_handlers_testing::{FailureLog, MessageOnly, contract};

use crate::frames::{FRAMES, payload_of};

/// The longest that goes into a datagram, with the rest of the record.
const LONGEST: usize = 60_000;

fn message(payload: &[u8]) -> String {
    line_of(Record::decode(payload).unwrap().message())
}

#[cfg(unix)]
fn text(payload: &[u8]) -> String {
    String::from_utf8(payload.to_vec()).unwrap()
}

macro_rules! room {
    ($builder:expr, $failures:expr) => {{
        let soon = Retry::new(Duration::from_millis(1)).max(Duration::from_millis(20));
        $builder.retry(soon).capacity(10_000).capacity_bytes(64 << 20).on_failure($failures).build().unwrap()
    }};
}

/// TCP, MessagePack.
fn tcp() -> PeerSubject<StreamPeer> {
    let open = |peer: &StreamPeer, failures: FailureLog| {
        room!(SocketHandler::builder().tcp("127.0.0.1", peer.address.port()), failures)
    };
    PeerSubject::new(StreamPeer::tcp(FRAMES), open, message).without_formats()
}

/// A local stream, JSON in a format of the user's own.
#[cfg(unix)]
fn unix() -> PeerSubject<StreamPeer> {
    let open = |peer: &StreamPeer, failures: FailureLog| {
        let builder = SocketHandler::builder().unix(peer.address.path());
        room!(builder.encoding(Encoding::Json).format(MessageOnly), failures)
    };
    PeerSubject::new(StreamPeer::unix(FRAMES), open, text)
}

/// UDP, MessagePack.
fn udp() -> PeerSubject<UdpPeer> {
    let open = |peer: &UdpPeer, failures: FailureLog| {
        let handler = room!(DatagramHandler::builder().udp("127.0.0.1", peer.address.port()), failures);
        Paced { handler, arrived: peer.arrived.clone() }
    };
    PeerSubject::new(UdpPeer::new(payload_of), open, message).without_formats().longest_line(LONGEST)
}

/// Local datagrams, JSON in a format of the user's own.
#[cfg(unix)]
fn unix_datagrams() -> PeerSubject<UnixDatagramPeer> {
    let open = |peer: &UnixDatagramPeer, failures: FailureLog| {
        let builder = DatagramHandler::builder().unix(peer.path());
        room!(builder.encoding(Encoding::Json).format(MessageOnly), failures)
    };
    PeerSubject::new(UnixDatagramPeer::new(payload_of), open, text).longest_line(LONGEST)
}

contract!(tcp, super::tcp);
#[cfg(unix)]
contract!(unix, super::unix);
contract!(udp, super::udp);
#[cfg(unix)]
contract!(unix_datagrams, super::unix_datagrams);
