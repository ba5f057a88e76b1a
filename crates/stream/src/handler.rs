//! `StreamHandler`: records to stdout, stderr or any writer.

use std::fmt;
use std::io::{self, Write};
use std::mem;
use std::sync::Mutex;

use tracing_handlers_core::failure::Reporter;
use tracing_handlers_core::format::with_line;
use tracing_handlers_core::sync::{lock, lock_before};
use tracing_handlers_core::{Deadline, DropReason, Error, Format, Handler, HandlerLayer, Record, Stats};

use crate::block::Block;
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
/// One write of record and terminator, then one flush, a record. Records that come together, as they do behind a queue, go to stdout and stderr in blocks of
/// up to 64 KiB, with one flush behind each; a writer of your own gets each record in a write of its own all the same. The stream is never
/// closed. The handler is also an `io::Write` and a `MakeWriter`: each `write` is one record, written as it is.
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
    /// It does not care where one write ends and the next begins.
    pub(crate) takes_blocks: bool,
    /// Memory for the next block.
    pub(crate) spare: Block,
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
        StreamHandlerBuilder::new("stream stdout", Box::new(io::stdout())).in_blocks()
    }

    /// A handler that writes to the standard error, Python's default.
    pub fn stderr() -> StreamHandlerBuilder {
        StreamHandlerBuilder::new("stream stderr", Box::new(io::stderr())).in_blocks()
    }

    /// Puts another stream in the place of the one in use, which is flushed and given back: Python's `setStream`.
    pub fn set_stream(&self, stream: impl Write + Send + 'static) -> BoxedStream {
        let (old, flushed) = {
            let mut locked = lock(&self.stream);
            let flushed = locked.out.flush();
            locked.takes_blocks = false;
            (mem::replace(&mut locked.out, Box::new(stream)), flushed)
        };
        if let Err(error) = flushed {
            self.reporter.note(Error::io("flush the stream that is replaced", error));
        }
        old
    }

    fn write_line(&self, line: &[u8]) -> Result<(), Error> {
        let written = lock(&self.stream).write(line, self.reporter.handler());
        written.map_err(|error| self.report(error, 1))
    }

    /// Writes the lines and forgets them.
    fn write_block(&self, block: &mut Block) -> Result<(), Error> {
        if block.lines() == 0 {
            return Ok(());
        }
        let (lost, written) = lock(&self.stream).write_block(block, self.reporter.handler());
        block.clear();
        written.map_err(|error| self.report(error, lost))
    }

    #[cold]
    fn drop_one(&self, panicked: Error) -> Error {
        let mut stream = lock(&self.stream);
        stream.stats.handled += 1;
        stream.stats.add_dropped(DropReason::Panicked, 1);
        drop(stream);
        self.report(panicked, 1)
    }

    #[cold]
    fn report(&self, error: Error, lost: u64) -> Error {
        let reason = DropReason::of(&error);
        self.reporter.lost(error, reason, lost)
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

    /// Says how many lines were lost.
    fn write_block(&mut self, block: &Block, handler: &str) -> (u64, Result<(), Error>) {
        let (whole, written) = match self.is_closed {
            true => (0, Err(Error::closed(handler))),
            false => self.write_lines(block),
        };
        let lost = block.lines() - whole;
        self.stats.handled += block.lines();
        self.stats.delivered += whole;
        if let Err(error) = &written {
            self.stats.add_dropped(DropReason::of(error), lost);
        }
        (lost, written)
    }

    /// Says how many lines the stream took before it failed. What it could not flush counts as lost, as a single record does.
    fn write_lines(&mut self, block: &Block) -> (u64, Result<(), Error>) {
        let mut done = 0;
        while let Some(rest) = block.bytes().get(done..).filter(|rest| !rest.is_empty()) {
            let failed = match self.out.write(rest) {
                Ok(0) => io::ErrorKind::WriteZero.into(),
                Ok(count) => {
                    done += count;
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => error,
            };
            return (block.lines_within(done), Err(Error::io("write", failed)));
        }
        match self.out.flush() {
            Ok(()) => (block.lines(), Ok(())),
            Err(error) => (0, Err(Error::io("write", error))),
        }
    }
}

/// As many bytes of lines are written at once.
const BLOCK_BYTES: usize = 64 << 10;

impl Handler for StreamHandler {
    fn handle(&self, record: &Record<'_>) -> Result<(), Error> {
        let written = with_line(&*self.format, record, &self.terminator, |line| self.write_line(line));
        written.unwrap_or_else(|panicked| Err(self.drop_one(panicked)))
    }

    fn handle_batch(&self, records: &mut dyn Iterator<Item = Record<'_>>) -> Result<(), Error> {
        let spare = {
            let mut stream = lock(&self.stream);
            stream.takes_blocks.then(|| mem::take(&mut stream.spare))
        };
        let Some(mut block) = spare else {
            return records.map(|record| self.handle(&record)).fold(Ok(()), Result::and);
        };
        let mut first = Ok(());
        for record in records {
            let pushed = with_line(&*self.format, &record, &self.terminator, |line| block.push(line));
            first = first.and(pushed.map_err(|panicked| self.drop_one(panicked)));
            if block.bytes().len() >= BLOCK_BYTES {
                first = first.and(self.write_block(&mut block));
            }
        }
        first = first.and(self.write_block(&mut block));
        lock(&self.stream).spare = block;
        first
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tracing_handlers_core::RecordBuf;

    use super::*;

    /// Takes seven bytes a call and so many in all, as a pipe does whose reader goes.
    #[derive(Clone)]
    struct Narrow(Arc<Mutex<Taken>>);

    struct Taken {
        bytes: Vec<u8>,
        most: usize,
        flushes: usize,
        fails_to_flush: bool,
    }

    impl Write for Narrow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut taken = lock(&self.0);
            let count = bytes.len().min(7).min(taken.most - taken.bytes.len());
            if count == 0 {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            taken.bytes.extend_from_slice(&bytes[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            let mut taken = lock(&self.0);
            taken.flushes += 1;
            if taken.fails_to_flush { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(()) }
        }
    }

    fn handler(most: usize) -> (StreamHandler, Narrow) {
        let narrow = Narrow(Arc::new(Mutex::new(Taken { bytes: Vec::new(), most, flushes: 0, fails_to_flush: false })));
        let message_only = |record: &Record<'_>, out: &mut Vec<u8>| out.extend_from_slice(record.message().as_bytes());
        let builder = StreamHandlerBuilder::new("stream", Box::new(narrow.clone())).in_blocks().format(message_only);
        (builder.build().unwrap(), narrow)
    }

    fn hand_over(handler: &StreamHandler, count: usize) -> Result<(), Error> {
        let records: Vec<_> = (0..count).map(|index| Record::builder().message(format!("{index:0>99}")).build()).collect();
        handler.handle_batch(&mut records.iter().map(RecordBuf::as_record))
    }

    #[test]
    fn records_that_come_together_go_in_blocks() {
        let (handler, narrow) = handler(usize::MAX);
        hand_over(&handler, 2_000).unwrap();
        let taken = lock(&narrow.0);
        let text = String::from_utf8_lossy(&taken.bytes);
        assert!(text.lines().enumerate().all(|(index, line)| line == format!("{index:0>99}")));
        assert_eq!((text.lines().count(), taken.flushes), (2_000, 4));
        assert_eq!(handler.stats().delivered, 2_000);
    }

    #[test]
    fn of_a_block_that_breaks_off_what_was_taken_counts_as_delivered() {
        let (handler, narrow) = handler(1_050);
        let error = hand_over(&handler, 20).unwrap_err();
        assert!(error.is_io() && error.is_reported());
        let stats = handler.stats();
        assert_eq!((stats.delivered, stats.dropped_for(DropReason::Failed)), (10, 10));
        lock(&narrow.0).most = usize::MAX;
        hand_over(&handler, 1).unwrap();
        assert_eq!((handler.stats().delivered, handler.stats().is_balanced()), (11, true));
    }

    #[test]
    fn a_block_that_cannot_be_flushed_is_lost_and_one_for_a_closed_stream_is_refused() {
        let (handler, narrow) = handler(usize::MAX);
        lock(&narrow.0).fails_to_flush = true;
        hand_over(&handler, 3).unwrap_err();
        assert_eq!((handler.stats().delivered, handler.stats().dropped_for(DropReason::Failed)), (0, 3));
        lock(&narrow.0).fails_to_flush = false;
        handler.close(Deadline::never()).unwrap();
        assert!(hand_over(&handler, 3).unwrap_err().is_closed());
        assert_eq!((handler.stats().dropped_for(DropReason::Closed), handler.stats().is_balanced()), (3, true));
    }

    #[test]
    fn a_writer_of_the_users_own_gets_each_record_in_a_write() {
        let (handler, narrow) = handler(usize::MAX);
        drop(handler.set_stream(narrow.clone()));
        let flushes = lock(&narrow.0).flushes;
        hand_over(&handler, 3).unwrap();
        assert_eq!(lock(&narrow.0).flushes - flushes, 3);
    }
}
