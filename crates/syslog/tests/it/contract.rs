//! The contract suite, with daemons on loopback.

use std::io::{self, BufRead};
use std::sync::Arc;
use std::time::Duration;

use tracing_handlers_core::Handler;
use tracing_handlers_syslog::{Retry, SyslogHandler, SyslogHandlerBuilder};
#[cfg(unix)]
use tracing_handlers_testing::peers::UnixDatagramPeer;
use tracing_handlers_testing::peers::{Framing, Opened, Paced, StreamPeer, UdpPeer};
use tracing_handlers_testing::{FailureLog, MessageOnly, Subject, contract};

fn open(builder: SyslogHandlerBuilder, failures: FailureLog) -> SyslogHandler {
    let soon = Retry::new(Duration::from_millis(1)).max(Duration::from_millis(20));
    let builder = builder.ident("contract").format(MessageOnly).retry(soon).on_failure(failures);
    builder.capacity(10_000).capacity_bytes(64 << 20).build().unwrap()
}

fn texts(messages: Vec<Vec<u8>>, text: impl Fn(&str) -> Option<&str>) -> Vec<String> {
    let messages = messages.into_iter().map(|message| String::from_utf8(message).unwrap());
    messages.map(|message| text(&message).unwrap_or_else(|| panic!("{message}")).to_owned()).collect()
}

/// What stands behind a header of six words and the mark of no structured data.
fn text_of_5424(message: &str) -> Option<&str> {
    message.splitn(8, ' ').nth(7)
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
struct Tcp(StreamPeer, Opened);

impl Subject for Tcp {
    fn open(&self, failures: FailureLog) -> Arc<dyn Handler> {
        let builder = SyslogHandler::builder().tcp(format!("127.0.0.1:{}", self.0.address.port())).max_message_bytes(4 << 20);
        self.1.keep(open(builder, failures))
    }
    fn lines(&self) -> Vec<String> {
        texts(self.1.payloads(&self.0.arrived), text_of_5424)
    }
    fn break_destination(&self) -> bool {
        self.0.leave();
        true
    }
    fn mend(&self) {
        self.0.come();
    }
}

/// RFC 5424. A daemon that is away is no failure there.
struct Udp(UdpPeer, Opened);

impl Subject for Udp {
    fn open(&self, failures: FailureLog) -> Arc<dyn Handler> {
        let handler = open(SyslogHandler::builder().udp(self.0.address), failures);
        self.1.keep(Paced { handler, arrived: self.0.arrived.clone() })
    }
    fn lines(&self) -> Vec<String> {
        texts(self.1.payloads(&self.0.arrived), text_of_5424)
    }
    fn break_destination(&self) -> bool {
        false
    }
    fn mend(&self) {}
    fn longest_line(&self) -> usize {
        1_900
    }
}

/// A local socket with datagrams: RFC 3164 without a host name.
#[cfg(unix)]
struct Unix(UnixDatagramPeer, Opened);

#[cfg(unix)]
impl Subject for Unix {
    fn open(&self, failures: FailureLog) -> Arc<dyn Handler> {
        self.1.keep(open(SyslogHandler::builder().unix(self.0.path()), failures))
    }
    fn lines(&self) -> Vec<String> {
        texts(self.1.payloads(&self.0.arrived), |message| Some(message.split_once(": ")?.1))
    }
    fn break_destination(&self) -> bool {
        self.0.leave();
        true
    }
    fn mend(&self) {
        self.0.come();
    }
    fn longest_line(&self) -> usize {
        8_000
    }
}

contract!(tcp, || Tcp(StreamPeer::tcp(COUNTED), Opened::default()));
contract!(udp, || Udp(UdpPeer::new(<[u8]>::to_vec), Opened::default()));
#[cfg(unix)]
contract!(unix_datagrams, || Unix(UnixDatagramPeer::new(<[u8]>::to_vec), Opened::default()));
