//! The senders of tokio: the receiver belongs to a task of the user.

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Sender, UnboundedSender};
use tracing_handlers_core::RecordBuf;

use crate::own::{PutError, Queue};

impl Queue for Sender<RecordBuf> {
    fn put(&self, record: RecordBuf) -> Result<(), PutError> {
        self.try_send(record).map_err(|refused| match refused {
            TrySendError::Full(_) => PutError::Full,
            TrySendError::Closed(_) => PutError::Closed,
        })
    }
}

/// Unbounded: nothing keeps it from growing while its reader is slow.
impl Queue for UnboundedSender<RecordBuf> {
    fn put(&self, record: RecordBuf) -> Result<(), PutError> {
        self.send(record).map_err(|_| PutError::Closed)
    }
}
