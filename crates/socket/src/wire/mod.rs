//! What goes over the wire.

mod json;
mod length;
mod opcodes;
mod pickle;

use std::process;

use tracing_handlers_core::clock::ClockSource;
use tracing_handlers_core::format::python;
use tracing_handlers_core::record::Sites;
use tracing_handlers_core::{Error, Format, Record};
use tracing_handlers_delivery::Encode;

use self::pickle::Pickler;

pub use self::pickle::is_taken;

/// How a record is encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encoding {
    /// Four bytes of length, big-endian, and the record as it is kept: one MessagePack map, with all types and spans.
    #[default]
    MessagePack,
    /// The same length, and an object of JSON.
    Json,
    /// An object of JSON and a line feed: what common collectors listen for.
    JsonLines,
    /// The same length, and what CPython's `SocketHandler.makePickle` makes of a `LogRecord`: a pickle of protocol 1, made of data and
    /// nothing else. A Python receiver has to unpickle it, which runs whatever a stranger sends there: for links that one trusts.
    Pickle,
}

/// Encodes for a handler.
pub(crate) struct Encoder {
    encoding: Encoding,
    format: Box<dyn Format>,
    pickler: Pickler,
    sites: Sites,
}

impl Encoder {
    pub(crate) fn new(encoding: Encoding, format: Option<Box<dyn Format>>, clock: &ClockSource) -> Self {
        let format = format.unwrap_or_else(|| Box::new(json::layout()));
        let pickler = Pickler::new(clock.now(), python::process_name(), process::id());
        Self { encoding, format, pickler, sites: Sites::default() }
    }
}

impl Encode for Encoder {
    fn encode(&mut self, record: &Record<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
        match self.encoding {
            Encoding::MessagePack => length::prefixed(out, |out| {
                record.encode_with(&mut self.sites, out);
                Ok(())
            }),
            Encoding::Json => json::prefixed(&*self.format, record, out),
            Encoding::JsonLines => {
                json::line(&*self.format, record, out);
                Ok(())
            }
            Encoding::Pickle => length::prefixed(out, |out| self.pickler.pickle(record, out)),
        }
    }
}

/// What a handler sends for this record.
///
/// # Errors
///
/// That of the encoding.
pub fn frame(encoding: Encoding, record: &Record<'_>) -> Result<Vec<u8>, Error> {
    let mut frame = Vec::new();
    Encoder::new(encoding, None, &ClockSource::System).encode(record, &mut frame)?;
    Ok(frame)
}
