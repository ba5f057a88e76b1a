//! The crates `syslog` and `fasyslog`, which send each message from its caller. Neither has a logger of RFC 5424 for `log`, so here is
//! the least that makes one: a mutex around the sender.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, PoisonError};

use fasyslog::sender::{TcpSender, UdpSender};
use fasyslog::{SDElement, Severity};
use log::{LevelFilter, Log, Metadata, Record};
use syslog::{Facility, Formatter5424, LoggerBackend};

use super::{Place, Running};
use crate::{Failed, workload};

const LOOPBACK: &str = "127.0.0.1";

type Syslog = syslog::Logger<LoggerBackend, Formatter5424>;

pub(super) fn syslog_udp(place: &Place) -> Result<Running, Failed> {
    start(syslog::udp(formatter(), (LOOPBACK, 0), (LOOPBACK, place.port)).map_err(|error| error.to_string())?)
}

pub(super) fn syslog_tcp(place: &Place) -> Result<Running, Failed> {
    start(syslog::tcp(formatter(), (LOOPBACK, place.port)).map_err(|error| error.to_string())?)
}

pub(super) fn fasyslog_udp(place: &Place) -> Result<Running, Failed> {
    start(fasyslog::sender::udp((LOOPBACK, 0), (LOOPBACK, place.port))?)
}

pub(super) fn fasyslog_tcp(place: &Place) -> Result<Running, Failed> {
    start(fasyslog::sender::tcp((LOOPBACK, place.port))?)
}

fn formatter() -> Formatter5424 {
    Formatter5424 { facility: Facility::LOG_USER, hostname: Some("bench".into()), process: "bench".into(), pid: 1 }
}

/// What sends a message.
trait Sender: Send + 'static {
    fn send(&mut self, record: &Record<'_>) -> Result<(), Failed>;

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sender for Syslog {
    fn send(&mut self, record: &Record<'_>) -> Result<(), Failed> {
        self.info((0, BTreeMap::new(), record.args())).map_err(|error| error.to_string().into())
    }
}

impl Sender for UdpSender {
    fn send(&mut self, record: &Record<'_>) -> Result<(), Failed> {
        Ok(self.send_rfc5424(Severity::INFORMATIONAL, None::<&str>, Vec::<SDElement>::new(), record.args())?)
    }
}

impl Sender for TcpSender {
    fn send(&mut self, record: &Record<'_>) -> Result<(), Failed> {
        Ok(self.send_rfc5424(Severity::INFORMATIONAL, None::<&str>, Vec::<SDElement>::new(), record.args())?)
    }

    fn flush(&mut self) -> io::Result<()> {
        TcpSender::flush(self)
    }
}

/// What it cannot send is lost, which the receiver counts.
struct Logger<S>(Mutex<S>);

impl<S: Sender> Log for Logger<S> {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).send(record).ok();
    }

    fn flush(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).flush().ok();
    }
}

fn start(sender: impl Sender) -> Result<Running, Failed> {
    log::set_boxed_logger(Box::new(Logger(Mutex::new(sender))))?;
    log::set_max_level(LevelFilter::Info);
    Ok(Running::new(workload::by_log, || {
        log::logger().flush();
        Ok(())
    }))
}
