//! The handlers that write to streams, or nowhere.

use std::io::{self, IsTerminal as _, Write};
use std::sync::{Arc, Mutex, PoisonError};

use tracing_handlers::format::Text;
use tracing_handlers::{Error, HandlerLayer, NullHandler, StreamHandler};
use tracing_subscriber::filter::LevelFilter;

use crate::{BoxedLayer, Output, Stop};

pub(crate) fn stops() -> Result<Vec<(Stop, BoxedLayer)>, Error> {
    Ok(vec![stderr()?, any_writer()?, null()])
}

fn stderr() -> Result<(Stop, BoxedLayer), Error> {
    let layer = StreamHandler::stderr().format(Text::new().ansi(io::stderr().is_terminal())).layer()?;
    Ok(Stop::new("StreamHandler, stderr", "text, errors only", LevelFilter::ERROR, layer, Output::Unseen))
}

fn any_writer() -> Result<(Stop, BoxedLayer), Error> {
    let shared = Shared::default();
    let layer = StreamHandler::builder(shared.clone()).layer()?;
    Ok(Stop::new("StreamHandler, a writer", "text, into memory", LevelFilter::WARN, layer, Output::Memory(shared)))
}

fn null() -> (Stop, BoxedLayer) {
    let layer = HandlerLayer::new(NullHandler::new());
    Stop::new("NullHandler", "takes everything, does nothing", LevelFilter::TRACE, layer, Output::Unseen)
}

/// A writer into memory that can be read while a handler has it.
#[derive(Clone, Default)]
pub(crate) struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    pub(crate) fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
