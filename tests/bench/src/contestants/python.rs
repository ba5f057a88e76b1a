//! CPython's `SysLogHandler`: `bench.py` sends all events by itself.

use std::process::Command;

use super::{Place, Running};
use crate::Failed;

pub(super) fn syslog_tcp(place: &Place) -> Result<Running, Failed> {
    Ok(sends("tcp", place.port))
}

pub(super) fn syslog_udp(place: &Place) -> Result<Running, Failed> {
    Ok(sends("udp", place.port))
}

fn sends(protocol: &'static str, port: u16) -> Running {
    Running::of_loop(move |events| {
        let arguments = ["syslog", protocol, &port.to_string(), &events.to_string()].map(str::to_owned);
        let status = Command::new("python3").arg(SCRIPT).args(arguments).status();
        let status = status.map_err(|error| format!("python3 is missing or does not start: {error}"))?;
        if status.success() { Ok(()) } else { Err(format!("bench.py: {status}").into()) }
    })
}

/// The contestants of Python.
pub(crate) const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/bench.py");
