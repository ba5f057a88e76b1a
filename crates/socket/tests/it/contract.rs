//! The contract suite, with peers on loopback.

use std::sync::Arc;
use std::time::Duration;

use tracing_handlers_core::{Handler, Record};
use tracing_handlers_socket::{DatagramHandler, Encoding, Retry, SocketHandler};
use tracing_handlers_testing::format::line_of;
#[cfg(unix)]
use tracing_handlers_testing::peers::UnixDatagramPeer;
use tracing_handlers_testing::peers::{Opened, Paced, StreamPeer, UdpPeer};
use tracing_handlers_testing::{FailureLog, MessageOnly, Subject, contract};

use crate::frames::{FRAMES, payload_of};

/// The longest that goes into a datagram, with the rest of the record.
const LONGEST: usize = 60_000;

fn messages(payloads: Vec<Vec<u8>>) -> Vec<String> {
    payloads.iter().map(|payload| line_of(Record::decode(payload).unwrap().message())).collect()
}

#[cfg(unix)]
fn texts(payloads: Vec<Vec<u8>>) -> Vec<String> {
    payloads.into_iter().map(|payload| String::from_utf8(payload).unwrap()).collect()
}

fn soon() -> Retry {
    Retry::new(Duration::from_millis(1)).max(Duration::from_millis(20))
}

macro_rules! room {
    ($builder:expr, $failures:expr) => {
        $builder.retry(soon()).capacity(10_000).capacity_bytes(64 << 20).on_failure($failures).build().unwrap()
    };
}

/// TCP, MessagePack.
struct Tcp(StreamPeer, Opened);

impl Subject for Tcp {
    fn open(&self, failures: FailureLog) -> Arc<dyn Handler> {
        self.1.keep(room!(SocketHandler::builder().tcp("127.0.0.1", self.0.address.port()), failures))
    }
    fn lines(&self) -> Vec<String> {
        messages(self.1.payloads(&self.0.arrived))
    }
    fn break_destination(&self) -> bool {
        self.0.leave();
        true
    }
    fn mend(&self) {
        self.0.come();
    }
    fn formats(&self) -> bool {
        false
    }
}

/// A local stream, JSON in a format of the user's own.
#[cfg(unix)]
struct Unix(StreamPeer, Opened);

#[cfg(unix)]
impl Subject for Unix {
    fn open(&self, failures: FailureLog) -> Arc<dyn Handler> {
        let builder = SocketHandler::builder().unix(self.0.address.path());
        self.1.keep(room!(builder.encoding(Encoding::Json).format(MessageOnly), failures))
    }
    fn lines(&self) -> Vec<String> {
        texts(self.1.payloads(&self.0.arrived))
    }
    fn break_destination(&self) -> bool {
        self.0.leave();
        true
    }
    fn mend(&self) {
        self.0.come();
    }
}

/// UDP, MessagePack. A peer that is away is no failure there.
struct Udp(UdpPeer, Opened);

impl Subject for Udp {
    fn open(&self, failures: FailureLog) -> Arc<dyn Handler> {
        let handler = room!(DatagramHandler::builder().udp("127.0.0.1", self.0.address.port()), failures);
        self.1.keep(Paced { handler, arrived: self.0.arrived.clone() })
    }
    fn lines(&self) -> Vec<String> {
        messages(self.1.payloads(&self.0.arrived))
    }
    fn break_destination(&self) -> bool {
        false
    }
    fn mend(&self) {}
    fn formats(&self) -> bool {
        false
    }
    fn longest_line(&self) -> usize {
        LONGEST
    }
}

/// Local datagrams, JSON in a format of the user's own.
#[cfg(unix)]
struct UnixDatagrams(UnixDatagramPeer, Opened);

#[cfg(unix)]
impl Subject for UnixDatagrams {
    fn open(&self, failures: FailureLog) -> Arc<dyn Handler> {
        let builder = DatagramHandler::builder().unix(self.0.path());
        self.1.keep(room!(builder.encoding(Encoding::Json).format(MessageOnly), failures))
    }
    fn lines(&self) -> Vec<String> {
        texts(self.1.payloads(&self.0.arrived))
    }
    fn break_destination(&self) -> bool {
        self.0.leave();
        true
    }
    fn mend(&self) {
        self.0.come();
    }
    fn longest_line(&self) -> usize {
        LONGEST
    }
}

contract!(tcp, || Tcp(StreamPeer::tcp(FRAMES), Opened::default()));
#[cfg(unix)]
contract!(unix, || Unix(StreamPeer::unix(FRAMES), Opened::default()));
contract!(udp, || Udp(UdpPeer::new(payload_of), Opened::default()));
#[cfg(unix)]
contract!(unix_datagrams, || UnixDatagrams(UnixDatagramPeer::new(payload_of), Opened::default()));
