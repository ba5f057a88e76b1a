//! The two ways to write a syslog message, and a daemon that goes away. The daemons are this program's own, on loopback.
//!
//! ```sh
//! cargo run -p tracing-handlers-examples --example syslog
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::io::{self, BufRead, BufReader};
use std::net::{TcpListener, UdpSocket};
use std::time::Duration;

use tracing_handlers::{Facility, Level, Protocol, Severity, SyslogHandler};
use tracing_subscriber::{filter::LevelFilter, prelude::*};

fn main() -> Result<(), Box<dyn Error>> {
    let (old, new) = (UdpSocket::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?);
    old.set_read_timeout(Some(Duration::from_secs(5)))?;

    // What any daemon reads: RFC 3164, over UDP. On this machine's own daemon: `.local()` in the place of `.udp(…)`.
    let rfc3164 = SyslogHandler::builder()
        .udp(old.local_addr()?)
        .protocol(Protocol::Rfc3164)
        .facility(Facility::Local0)
        .ident("shop")
        .layer()?
        .with_filter(LevelFilter::WARN);

    // The default over the network: RFC 5424. With a number of your own at IANA, fields go beside the text, as structured data.
    let rfc5424 = SyslogHandler::builder()
        .tcp(new.local_addr()?)
        .facility(Facility::Local0)
        .ident("shop")
        .msgid("ORDER")
        .enterprise_number(32_473)
        .level_map(|level| if level == Level::INFO { Severity::Notice } else { level.into() })
        .layer()?;

    let handles = [rfc3164.inner().handle(), rfc5424.handle()];
    tracing_subscriber::registry().with(rfc3164).with(rfc5424).init();

    let _order = tracing::info_span!("order", id = 7).entered();
    tracing::info!(customer = "eve \"]\n<0>forged", "paid");
    tracing::warn!(left = 3, "stock is low\n<0>forged");
    for handle in &handles {
        handle.flush(Duration::from_secs(5))?;
    }

    let mut datagram = [0; 2_048];
    let count = old.recv(&mut datagram)?;
    let message = String::from_utf8_lossy(datagram.get(..count).unwrap_or_default()).into_owned();
    println!("RFC 3164, a datagram:\n   {message}");
    assert!(message.starts_with("<132>") && message.ends_with(r"stock is low\n<0>forged left=3"));

    let mut daemon = BufReader::new(new.accept()?.0);
    println!("RFC 5424, counted octets:");
    for expected in ["paid", r"stock is low\n<0>forged"] {
        let message = counted(&mut daemon)?;
        println!("   {message}");
        assert!(message.ends_with(expected));
    }
    println!("each handler: {}", handles.each_ref().map(|handle| handle.stats().to_string()).join("; "));
    Ok(())
}

/// The message behind its length.
fn counted(stream: &mut impl BufRead) -> io::Result<String> {
    let mut length = Vec::new();
    stream.read_until(b' ', &mut length)?;
    let length = String::from_utf8_lossy(&length).trim().parse().map_err(io::Error::other)?;
    let mut message = vec![0; length];
    stream.read_exact(&mut message)?;
    String::from_utf8(message).map_err(io::Error::other)
}
