//! Queues of the user's own: what a `QueueHandler` puts records into, in the place of its bounded queue.

use std::time::Duration;

use tracing_handlers_core::RecordBuf;

/// Any queue that takes records: a channel, a broker's client, a ring that another process reads.
///
/// What a queue takes counts as delivered by its `QueueHandler`; what it refuses, as dropped.
///
/// ```
/// use std::sync::Mutex;
/// use tracing_handlers_core::{Handler, Record, RecordBuf};
/// use tracing_handlers_queue::{PutError, Queue, QueueHandler};
///
/// /// Keeps the bytes of every record, for a peer that reads MessagePack.
/// #[derive(Default)]
/// struct Bytes(Mutex<Vec<u8>>);
///
/// impl Queue for Bytes {
///     fn put(&self, record: RecordBuf) -> Result<(), PutError> {
///         let mut bytes = self.0.lock().map_err(|_| PutError::Closed)?;
///         bytes.extend_from_slice(record.as_bytes());
///         Ok(())
///     }
/// }
///
/// let handler = QueueHandler::builder().queue(Bytes::default()).build()?;
/// handler.handle(&Record::builder().message("hello").build().as_record())?;
/// assert_eq!(handler.stats().delivered, 1);
/// # Ok::<(), tracing_handlers_core::Error>(())
/// ```
pub trait Queue: Send + Sync + 'static {
    /// Takes a record, or says why not. Called on the thread that logs: it should not wait.
    ///
    /// # Errors
    ///
    /// [`PutError`].
    fn put(&self, record: RecordBuf) -> Result<(), PutError>;

    /// The other end, if a `QueueListener` of this process may read it.
    fn source(&self) -> Option<&dyn Source> {
        None
    }
}

/// The end of a queue that is read.
pub trait Source: Send + Sync {
    /// The next record; waits for one, but no longer than `timeout`.
    fn take(&self, timeout: Duration) -> Option<RecordBuf>;
}

/// Why a queue took no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PutError {
    /// It is full.
    Full,
    /// Nobody will ever read it.
    Closed,
}
