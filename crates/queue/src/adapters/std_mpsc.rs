//! The channels of the standard library.

use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tracing_handlers_core::RecordBuf;

use crate::own::{PutError, Queue, Source};

impl Queue for SyncSender<RecordBuf> {
    fn put(&self, record: RecordBuf) -> Result<(), PutError> {
        self.try_send(record).map_err(|refused| match refused {
            TrySendError::Full(_) => PutError::Full,
            TrySendError::Disconnected(_) => PutError::Closed,
        })
    }
}

/// Unbounded: nothing keeps it from growing while its reader is slow.
impl Queue for Sender<RecordBuf> {
    fn put(&self, record: RecordBuf) -> Result<(), PutError> {
        self.send(record).map_err(|_| PutError::Closed)
    }
}

impl<S: Queue> Queue for (S, Mutex<Receiver<RecordBuf>>) {
    fn put(&self, record: RecordBuf) -> Result<(), PutError> {
        self.0.put(record)
    }

    fn source(&self) -> Option<&dyn Source> {
        Some(&self.1)
    }
}

impl Source for Mutex<Receiver<RecordBuf>> {
    fn take(&self, timeout: Duration) -> Option<RecordBuf> {
        let receiver = self.lock().unwrap_or_else(PoisonError::into_inner);
        if timeout.is_zero() { receiver.try_recv().ok() } else { receiver.recv_timeout(timeout).ok() }
    }
}
