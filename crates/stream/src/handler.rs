//! `StreamHandler`: records to stdout, stderr or any writer.

use std::fmt;
use std::io::{self, Write};
use std::sync::Mutex;

use tracing_handlers_core::failure::Reporter;
use tracing_handlers_core::format::with_line;
use tracing_handlers_core::sync::{lock, lock_before};
use tracing_handlers_core::{Deadline, DropReason, Error, Format, Handler, HandlerLayer, Record, Stats};

use crate::builder::StreamHandlerBuilder;

/// Writes each record to a stream and flushes it: Python's `StreamHandler`.
///
/// ```
/// use tracing_handlers_stream::StreamHandler;
/// use tracing_subscriber::prelude::*;
///
/// let layer = StreamHandler::stderr().layer()?;
/// let subscriber = tracing_subscriber::registry().with(layer);
/// tracing::subscriber::with_default(subscriber, || tracing::info!("on stderr"));
/// # Ok::<(), tracing_handlers_core::Error>(())
/// ```
///
/// One write of record and terminator, then one flush, a record. The stream is never closed. It is also an `io::Write` and a
/// `MakeWriter`: each `write` is one record, written as it is.
pub struct StreamHandler {
    pub(crate) format: Box<dyn Format>,
    pub(crate) terminator: Vec<u8>,
    pub(crate) reporter: Reporter,
    pub(crate) stream: Mutex<Stream>,
}

/// A [`StreamHandler`] as a layer.
pub type StreamLayer = HandlerLayer<StreamHandler>;

/// A stream that a handler owns.
pub type BoxedStream = Box<dyn Write + Send>;

pub(crate) struct Stream {
    pub(crate) out: BoxedStream,
    pub(crate) is_closed: bool,
    pub(crate) stats: Stats,
}

impl StreamHandler {
    /// A handler that writes to `stream`.
    pub fn builder(stream: impl Write + Send + 'static) -> StreamHandlerBuilder {
        StreamHandlerBuilder::new("stream", Box::new(stream))
    }

    /// A handler that writes to the standard output.
    pub fn stdout() -> StreamHandlerBuilder {
        StreamHandlerBuilder::new("stream stdout", Box::new(io::stdout()))
    }

    /// A handler that writes to the standard error, Python's default.
    pub fn stderr() -> StreamHandlerBuilder {
        StreamHandlerBuilder::new("stream stderr", Box::new(io::stderr()))
    }

    /// Puts another stream in the place of the one in use, which is flushed and given back: Python's `setStream`.
    pub fn set_stream(&self, stream: impl Write + Send + 'static) -> BoxedStream {
        let (old, flushed) = {
            let mut locked = lock(&self.stream);
            let flushed = locked.out.flush();
            (std::mem::replace(&mut locked.out, Box::new(stream)), flushed)
        };
        if let Err(error) = flushed {
            self.reporter.note(Error::io("flush the stream that is replaced", error));
        }
        old
    }

    fn write_line(&self, line: &[u8]) -> Result<(), Error> {
        let written = lock(&self.stream).write(line, self.reporter.handler());
        written.map_err(|error| self.report(error))
    }

    #[cold]
    fn report(&self, error: Error) -> Error {
        let reason = DropReason::of(&error);
        self.reporter.lost(error, reason, 1)
    }
}

impl Stream {
    fn write(&mut self, line: &[u8], handler: &str) -> Result<(), Error> {
        let written = match self.is_closed {
            true => Err(Error::closed(handler)),
            false => self.out.write_all(line).and_then(|()| self.out.flush()).map_err(|error| Error::io("write", error)),
        };
        self.stats.handled += 1;
        match &written {
            Ok(()) => self.stats.delivered += 1,
            Err(error) => self.stats.add_dropped(DropReason::of(error), 1),
        }
        written
    }
}

impl Handler for StreamHandler {
    fn handle(&self, record: &Record<'_>) -> Result<(), Error> {
        let written = with_line(&*self.format, record, &self.terminator, |line| self.write_line(line));
        written.unwrap_or_else(|panicked| {
            let mut stream = lock(&self.stream);
            stream.stats.handled += 1;
            stream.stats.add_dropped(DropReason::Panicked, 1);
            drop(stream);
            Err(self.report(panicked))
        })
    }

    fn flush(&self, deadline: Deadline) -> Result<(), Error> {
        let Some(mut stream) = lock_before(&self.stream, deadline) else {
            return Err(Error::timed_out(format!("flush {}", self.reporter.handler())));
        };
        let flushed = if stream.is_closed { Ok(()) } else { stream.out.flush() };
        drop(stream);
        self.reporter.settle();
        flushed.map_err(|error| self.reporter.note(Error::io(format!("flush {}", self.reporter.handler()), error)))
    }

    fn close(&self, deadline: Deadline) -> Result<(), Error> {
        let flushed = self.flush(deadline);
        let Some(mut stream) = lock_before(&self.stream, deadline) else {
            return flushed.and(Err(Error::timed_out(format!("close {}", self.reporter.handler()))));
        };
        stream.is_closed = true;
        flushed
    }

    fn stats(&self) -> Stats {
        lock(&self.stream).stats
    }
}

impl Write for &StreamHandler {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !bytes.is_empty() {
            self.write_line(bytes)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(Handler::flush(*self, Deadline::never())?)
    }
}

impl Write for StreamHandler {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Write::write(&mut &*self, bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Write::flush(&mut &*self)
    }
}

impl<'a> tracing_subscriber::fmt::MakeWriter<'a> for StreamHandler {
    type Writer = &'a StreamHandler;

    fn make_writer(&'a self) -> &'a StreamHandler {
        self
    }
}

impl fmt::Debug for StreamHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamHandler").field("handler", &self.reporter.handler()).finish_non_exhaustive()
    }
}
