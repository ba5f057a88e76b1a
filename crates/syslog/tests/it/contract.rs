//! The contract suite, with daemons on loopback.

use std::io::{self, BufRead};
use std::time::Duration;

use tracing_handlers_syslog::{Retry, SyslogHandler, SyslogHandlerBuilder};
#[cfg(unix)]
use tracing_handlers_testing::peers::UnixDatagramPeer;
use tracing_handlers_testing::peers::{Framing, Paced, PeerSubject, StreamPeer, UdpPeer};
use tracing_handlers_testing::{FailureLog, MessageOnly, contract};

fn open(builder: SyslogHandlerBuilder, failures: FailureLog) -> SyslogHandler {
    let soon = Retry::new(Duration::from_millis(1)).max(Duration::from_millis(20));
    let builder = builder.ident("contract").format(MessageOnly).retry(soon).on_failure(failures);
    builder.capacity(10_000).capacity_bytes(64 << 20).build().unwrap()
}

/// What stands behind a header of six words and the mark of no structured data.
fn text_of_5424(message: &[u8]) -> String {
    let message = str::from_utf8(message).unwrap();
    message.splitn(8, ' ').nth(7).unwrap_or_else(|| panic!("{message}")).to_owned()
}

#[cfg(unix)]
fn text_of_3164(message: &[u8]) -> String {
    let message = str::from_utf8(message).unwrap();
    message.split_once(": ").unwrap_or_else(|| panic!("{message}")).1.to_owned()
}

/// Messages behind their lengths (RFC 6587).
const COUNTED: Framing =
    Framing { read: read_counted, frame: |message| [message.len().to_string().as_bytes(), b" ", message].concat() };

fn read_counted(stream: &mut dyn BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut length = Vec::new();
    stream.read_until(b' ', &mut length)?;
    if length.pop().is_none() {
        return Ok(None);
    }
    let length = String::from_utf8(length).unwrap();
    let mut message = vec![0; length.parse().unwrap_or_else(|_| panic!("no length: {length:?}"))];
    stream.read_exact(&mut message)?;
    Ok(Some(message))
}

/// RFC 5424, octet counting.
fn tcp() -> PeerSubject<StreamPeer> {
    let open = |peer: &StreamPeer, failures: FailureLog| {
        let to = format!("127.0.0.1:{}", peer.address.port());
        open(SyslogHandler::builder().tcp(to).max_message_bytes(4 << 20), failures)
    };
    PeerSubject::new(StreamPeer::tcp(COUNTED), open, text_of_5424)
}

/// RFC 5424.
fn udp() -> PeerSubject<UdpPeer> {
    let open = |peer: &UdpPeer, failures: FailureLog| {
        let handler = open(SyslogHandler::builder().udp(peer.address), failures);
        Paced { handler, arrived: peer.arrived.clone() }
    };
    PeerSubject::new(UdpPeer::new(<[u8]>::to_vec), open, text_of_5424).longest_line(1_900)
}

/// A local socket with datagrams: RFC 3164 without a host name.
#[cfg(unix)]
fn unix_datagrams() -> PeerSubject<UnixDatagramPeer> {
    let open = |peer: &UnixDatagramPeer, failures: FailureLog| open(SyslogHandler::builder().unix(peer.path()), failures);
    PeerSubject::new(UnixDatagramPeer::new(<[u8]>::to_vec), open, text_of_3164).longest_line(8_000)
}

contract!(tcp, super::tcp);
contract!(udp, super::udp);
#[cfg(unix)]
contract!(unix_datagrams, super::unix_datagrams);
