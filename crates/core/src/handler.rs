//! What every handler can do.

use std::sync::Arc;

use crate::{Deadline, Error, Record, Stats};

/// A place for records: a file, a stream, a peer, another handler.
///
/// `handle` takes responsibility for one record: after it returned, the record is delivered, pending or counted as dropped,
/// whatever the result says. A handler reports failures to its own failure hook and counts them; the error it returns
/// informs the caller, it does not ask for a second report (see [`Error::is_reported`]).
///
/// ```
/// use std::sync::Mutex;
/// use tracing_handlers_core::{Counters, Deadline, Error, Handler, Record, Stats};
///
/// #[derive(Default)]
/// struct Messages { kept: Mutex<Vec<String>>, counters: Counters }
///
/// impl Handler for Messages {
///     fn handle(&self, record: &Record<'_>) -> Result<(), Error> {
///         self.kept.lock().map_err(|_| Error::new("lock"))?.push(record.message().to_owned());
///         self.counters.delivered();
///         Ok(())
///     }
///     fn flush(&self, _: Deadline) -> Result<(), Error> { Ok(()) }
///     fn close(&self, _: Deadline) -> Result<(), Error> { Ok(()) }
///     fn stats(&self) -> Stats { self.counters.snapshot() }
/// }
///
/// let handler = Messages::default();
/// handler.handle(&Record::builder().message("hello").build().as_record())?;
/// assert_eq!(handler.stats().delivered, 1);
/// # Ok::<(), Error>(())
/// ```
pub trait Handler: Send + Sync + 'static {
    /// Takes responsibility for one record.
    fn handle(&self, record: &Record<'_>) -> Result<(), Error>;

    /// Many records at once; the default calls [`handle`](Handler::handle) for each and returns the first error.
    fn handle_batch(&self, records: &mut dyn Iterator<Item = Record<'_>>) -> Result<(), Error> {
        let mut first = Ok(());
        for record in records {
            let result = self.handle(&record);
            if first.is_ok() {
                first = result;
            }
        }
        first
    }

    /// `Ok` only if every record handled before this call has reached the place the handler's guarantees name.
    fn flush(&self, deadline: Deadline) -> Result<(), Error>;

    /// Flushes and lets go of the destination; later records are refused and counted. Idempotent.
    fn close(&self, deadline: Deadline) -> Result<(), Error>;

    /// The counters now.
    fn stats(&self) -> Stats;
}

macro_rules! forward_handler {
    ($pointer:ident) => {
        impl<H: Handler + ?Sized> Handler for $pointer<H> {
            fn handle(&self, record: &Record<'_>) -> Result<(), Error> {
                (**self).handle(record)
            }
            fn handle_batch(&self, records: &mut dyn Iterator<Item = Record<'_>>) -> Result<(), Error> {
                (**self).handle_batch(records)
            }
            fn flush(&self, deadline: Deadline) -> Result<(), Error> {
                (**self).flush(deadline)
            }
            fn close(&self, deadline: Deadline) -> Result<(), Error> {
                (**self).close(deadline)
            }
            fn stats(&self) -> Stats {
                (**self).stats()
            }
        }
    };
}

forward_handler!(Arc);
forward_handler!(Box);
