//! `tracing-handlers` over sockets: each record as MessagePack, in a stream or in a datagram. Who must lose nothing waits for room.

use std::time::Duration;

use tracing_handlers::{DatagramHandler, Handler, HandlerLayer, Overflow, SocketHandler};

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
