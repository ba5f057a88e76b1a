//! The contract suite, with daemons on loopback.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tracing_handlers_core::{Deadline, Error, Handler, Record, Stats};
use tracing_handlers_syslog::{Retry, SyslogHandler, SyslogHandlerBuilder};
use tracing_handlers_testing::{FailureLog, MessageOnly, Subject, contract};

#[cfg(unix)]
use crate::peer::UnixDatagramPeer;
use crate::peer::{Arrived, TcpPeer, UdpPeer};

/// A handler whose lines are what arrived: as many at least as it counts as delivered.
#[derive(Default)]
struct Opened(OnceLock<Arc<dyn Handler>>);

impl Opened {
    fn keep(&self, handler: impl Handler) -> Arc<dyn Handler> {
        Arc::clone(self.0.get_or_init(|| Arc::new(handler)))
    }

    fn texts(&self, arrived: &Arrived, text: impl Fn(&str) -> Option<&str>) -> Vec<String> {
        let delivered = self.0.get().map_or(0, |handler| handler.stats().delivered);
        let messages = arrived.at_least(delivered as usize).into_iter().map(|message| String::from_utf8(message).unwrap());
        messages.map(|message| text(&message).unwrap_or_else(|| panic!("{message}")).to_owned()).collect()
    }
}

fn open(builder: SyslogHandlerBuilder, failures: FailureLog) -> SyslogHandler {
    let soon = Retry::new(Duration::from_millis(1)).max(Duration::from_millis(20));
    let builder = builder.ident("contract").format(MessageOnly).retry(soon).on_failure(failures);
    builder.capacity(10_000).capacity_bytes(64 << 20).build().unwrap()
}

/// What stands behind a header of six words and the mark of no structured data.
fn text_of_5424(message: &str) -> Option<&str> {
    message.splitn(8, ' ').nth(7)
}

/// RFC 5424, octet counting.
struct Tcp(TcpPeer, Opened);

impl Subject for Tcp {
    fn open(&self, failures: FailureLog) -> Arc<dyn Handler> {
        let builder = SyslogHandler::builder().tcp(format!("127.0.0.1:{}", self.0.port())).max_message_bytes(4 << 20);
        self.1.keep(open(builder, failures))
    }
    fn lines(&self) -> Vec<String> {
        self.1.texts(&self.0.arrived, text_of_5424)
    }
    fn break_destination(&self) -> bool {
        self.0.leave();
        true
    }
    fn mend(&self) {
        self.0.come();
    }
}

/// Lets no more datagrams be under way than the system keeps for who reads them: UDP itself knows no such limit.
struct Paced {
    handler: SyslogHandler,
    arrived: Arrived,
}

impl Handler for Paced {
    fn handle(&self, record: &Record<'_>) -> Result<(), Error> {
        self.handler.handle(record)?;
        let stats = self.handler.stats();
        self.arrived.wait_for((stats.handled - stats.dropped()).saturating_sub(50) as usize);
        Ok(())
    }
    fn flush(&self, deadline: Deadline) -> Result<(), Error> {
        self.handler.flush(deadline)
    }
    fn close(&self, deadline: Deadline) -> Result<(), Error> {
        self.handler.close(deadline)
    }
    fn stats(&self) -> Stats {
        self.handler.stats()
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
        self.1.texts(&self.0.arrived, text_of_5424)
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
        self.1.texts(&self.0.arrived, |message| Some(message.split_once(": ")?.1))
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

contract!(tcp, || Tcp(TcpPeer::new(), Opened::default()));
contract!(udp, || Udp(UdpPeer::new(), Opened::default()));
#[cfg(unix)]
contract!(unix_datagrams, || Unix(UnixDatagramPeer::new(), Opened::default()));
