//! The channels of crossbeam-channel.

use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TrySendError};
use tracing_handlers_core::RecordBuf;

use crate::own::{PutError, Queue, Source};

impl Queue for Sender<RecordBuf> {
    fn put(&self, record: RecordBuf) -> Result<(), PutError> {
        self.try_send(record).map_err(|refused| match refused {
            TrySendError::Full(_) => PutError::Full,
            TrySendError::Disconnected(_) => PutError::Closed,
        })
    }
}

impl Queue for (Sender<RecordBuf>, Receiver<RecordBuf>) {
    fn put(&self, record: RecordBuf) -> Result<(), PutError> {
        self.0.put(record)
    }

    fn source(&self) -> Option<&dyn Source> {
        Some(&self.1)
    }
}

impl Source for Receiver<RecordBuf> {
    fn take(&self, timeout: Duration) -> Option<RecordBuf> {
        if timeout.is_zero() { self.try_recv().ok() } else { self.recv_timeout(timeout).ok() }
    }
}
