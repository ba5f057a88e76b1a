//! `tracing-handlers` over the network: MessagePack in a stream or in datagrams, syslog, and lines of JSON over HTTP. Who must lose nothing waits for room.

use std::time::Duration;

use tracing_handlers::http::Body;
use tracing_handlers::syslog::Protocol;
use tracing_handlers::{DatagramHandler, Handler, HandlerLayer, HttpHandler, Overflow, SocketHandler, SyslogHandler};

use super::{Place, Running, install};
use crate::{Failed, workload};

/// How long callers wait for room, and the flush at the end for the peer.
const PATIENCE: Duration = Duration::from_secs(60);

const LOOPBACK: &str = "127.0.0.1";

pub(super) fn tcp(place: &Place) -> Result<Running, Failed> {
    start(SocketHandler::builder().tcp(LOOPBACK, place.port).overflow(Overflow::Block(PATIENCE)).layer()?)
}

pub(super) fn udp(place: &Place) -> Result<Running, Failed> {
    start(DatagramHandler::builder().udp(LOOPBACK, place.port).overflow(Overflow::Block(PATIENCE)).layer()?)
}

pub(super) fn unix(place: &Place) -> Result<Running, Failed> {
    start(DatagramHandler::builder().unix(place.socket()).overflow(Overflow::Block(PATIENCE)).layer()?)
}

pub(super) fn syslog_tcp(place: &Place) -> Result<Running, Failed> {
    let builder = SyslogHandler::builder().protocol(Protocol::Rfc5424).tcp(format!("{LOOPBACK}:{}", place.port));
    start(builder.overflow(Overflow::Block(PATIENCE)).layer()?)
}

pub(super) fn syslog_udp(place: &Place) -> Result<Running, Failed> {
    let builder = SyslogHandler::builder().protocol(Protocol::Rfc5424).udp(format!("{LOOPBACK}:{}", place.port));
    start(builder.overflow(Overflow::Block(PATIENCE)).layer()?)
}

pub(super) fn http(place: &Place) -> Result<Running, Failed> {
    let builder = HttpHandler::builder(format!("http://{LOOPBACK}:{}/", place.port)).body(Body::JsonLines);
    start(builder.overflow(Overflow::Block(PATIENCE)).layer()?)
}

/// Installs the layer; at the end every record must have been delivered.
fn start(layer: HandlerLayer<impl Handler>) -> Result<Running, Failed> {
    let handle = layer.handle();
    install(layer)?;
    Ok(Running::new(workload::by_tracing, move || {
        handle.flush(PATIENCE)?;
        let stats = handle.stats();
        if stats.handled != stats.delivered {
            return Err(format!("not everything was delivered: {stats}").into());
        }
        Ok(())
    }))
}
