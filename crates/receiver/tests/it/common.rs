//! A receiver that runs, and a handler behind it.

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tracing_handlers_core::{Error, RecordBuf};
use tracing_handlers_receiver::{Receiver, ReceiverBuilder, ReceiverHandle, ReceiverStats};
use tracing_handlers_testing::{CollectingHandler, FailureLog, wait_until};

pub(crate) struct Running {
    runtime: Runtime,
    task: JoinHandle<Result<ReceiverStats, Error>>,
    pub(crate) handle: ReceiverHandle,
    pub(crate) collected: CollectingHandler,
    pub(crate) failures: FailureLog,
}

impl Running {
    pub(crate) fn start(set: impl FnOnce(ReceiverBuilder) -> ReceiverBuilder) -> Self {
        let (collected, failures) = (CollectingHandler::new(), FailureLog::new());
        let builder = Receiver::builder().handler(collected.clone()).on_failure(failures.clone());
        let receiver = set(builder).build().unwrap();
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let handle = receiver.handle();
        let task = runtime.spawn(receiver.run());
        Self { runtime, task, handle, collected, failures }
    }

    pub(crate) fn port(&self) -> u16 {
        self.handle.local_addrs()[0].port()
    }

    /// Waits until the counters are so.
    pub(crate) fn wait_until(&self, what: &str, is_so: impl Fn(&ReceiverStats) -> bool) {
        wait_until(what, || is_so(&self.handle.stats()));
    }

    /// The records, once as many are there.
    pub(crate) fn records(&self, count: usize) -> Vec<RecordBuf> {
        wait_until("records", || self.collected.records().len() >= count);
        let records = self.collected.records();
        assert_eq!(records.len(), count);
        records
    }

    pub(crate) fn stop(self) -> ReceiverStats {
        self.handle.shutdown();
        self.runtime.block_on(self.task).unwrap().unwrap()
    }
}
