//! From the tasks that read to the one thread that hands over, and what all of them share.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tracing_handlers_core::failure::Reporter;
use tracing_handlers_core::{DropReason, Error, Handler, RecordBuf, reentry};

use crate::decode::{Decoder, Refused};
use crate::stats::Counters;

/// How many batches may wait for the handler. While they do, nobody reads: senders over streams wait in turn.
pub(crate) const WAITING_BATCHES: usize = 16;

/// What every task that reads has.
#[derive(Clone)]
pub(crate) struct Intake {
    pub(crate) decoder: Decoder,
    /// How long a frame, and the handshake of TLS, may take.
    pub(crate) frame_timeout: Duration,
    pub(crate) counters: Arc<Counters>,
    pub(crate) reporter: Arc<Reporter>,
    pub(crate) batches: mpsc::Sender<Vec<RecordBuf>>,
}

impl Intake {
    /// Adds the record of a payload to the batch, or counts why there is none.
    pub(crate) fn decode(&self, payload: &[u8], from: &str, batch: &mut Vec<RecordBuf>) {
        match self.decoder.record(payload) {
            Ok(record) => {
                self.counters.record(self.decoder.encoding_of(payload));
                batch.push(record);
            }
            Err(refused) => self.refuse(refused, from),
        }
    }

    pub(crate) fn refuse(&self, Refused { reason, why }: Refused, from: &str) {
        self.counters.refused(reason);
        let error = Error::new(format!("read a frame from {from}: {}: {why}", reason.as_str()));
        self.reporter.lost(error, DropReason::Failed, 1);
    }

    pub(crate) async fn hand_over(&self, batch: Vec<RecordBuf>) {
        if batch.is_empty() {
            return;
        }
        if let Err(mpsc::error::SendError(batch)) = self.batches.send(batch).await {
            self.reporter.lost(Error::closed("the handler's thread"), DropReason::Closed, batch.len() as u64);
        }
    }
}

/// Brings batches to the handler until nobody sends any more. What the handler logs while it works is our own work.
pub(crate) fn bring(mut batches: mpsc::Receiver<Vec<RecordBuf>>, handler: &dyn Handler, reporter: &Reporter) {
    let _own_work = reentry::enter();
    while let Some(batch) = batches.blocking_recv() {
        bring_batch(&batch, handler, reporter);
    }
}

/// A handler that panics loses the record that it had in hand; those behind it are brought all the same.
fn bring_batch(batch: &[RecordBuf], handler: &dyn Handler, reporter: &Reporter) {
    let mut records = batch.iter();
    while !records.as_slice().is_empty() {
        let before = records.len();
        let brought = catch_unwind(AssertUnwindSafe(|| handler.handle_batch(&mut records.by_ref().map(RecordBuf::as_record))));
        match brought {
            Ok(Ok(())) => return,
            Ok(Err(error)) => {
                if !error.is_reported() {
                    reporter.note(error);
                }
                return;
            }
            Err(_) => {
                if records.len() == before {
                    records.next();
                }
                reporter.lost(Error::panicked("the handler panicked"), DropReason::Panicked, 1);
            }
        }
    }
}
