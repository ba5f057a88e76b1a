//! The cases of CPython 3.14's `QueueHandlerTest` and `QueueListenerTest`, by name.

use std::io;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tracing::{debug, error, info, warn};
use tracing_handlers_core::format::Pattern;
use tracing_handlers_core::sync::lock;
use tracing_handlers_core::{Handler, HandlerLayer, Level, Record};
use tracing_handlers_queue::{QueueHandler, QueueListener, Source};
use tracing_handlers_testing::{CollectingHandler, record};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::prelude::*;

const LONG: Duration = Duration::from_secs(30);

fn leveled(level: Level, message: &str) -> tracing_handlers_core::RecordBuf {
    Record::builder().level(level).message(message).build()
}

/// Below the level nothing is queued; what is queued is merged, with nothing left to be merged.
#[test]
fn test_queue_handler() {
    let (sender, receiver) = sync_channel(10);
    let handler = QueueHandler::builder().queue(sender).build().unwrap();
    let layer = HandlerLayer::new(handler).with_filter(LevelFilter::WARN);
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        debug!("no");
        info!("no");
        warn!("weird {}", "science");
    });
    let queued = receiver.try_recv().unwrap();
    assert!(receiver.try_recv().is_err(), "one record");
    assert_eq!((queued.as_record().level(), queued.as_record().message()), (Level::WARN, "weird science"));
}

/// A record is not formatted on its way: each handler formats it as it likes.
#[test]
fn test_formatting() {
    let (sender, receiver) = sync_channel(10);
    let handler = QueueHandler::builder().queue(sender).build().unwrap();
    handler.handle(&leveled(Level::WARN, "plain").as_record()).unwrap();
    assert_eq!(receiver.try_recv().unwrap().as_record().message(), "plain");
}

#[test]
fn test_queue_listener() {
    let (all, severe) = (CollectingHandler::new(), CollectingHandler::new());
    let queue = QueueHandler::builder().build().unwrap();
    let listener =
        QueueListener::builder(&queue).handler(all.clone()).handler_at(Level::ERROR, severe.clone()).build().unwrap();
    listener.start().unwrap();
    for (level, message) in [(Level::WARN, "1"), (Level::ERROR, "2"), (Level::ERROR, "3")] {
        queue.handle(&leveled(level, message).as_record()).unwrap();
    }
    listener.stop(LONG).unwrap();
    listener.stop(LONG).unwrap();
    assert_eq!(all.lines(), ["1", "2", "3"]);
    assert_eq!(severe.lines(), ["2", "3"], "the level of a handler is respected");
}

#[test]
fn test_queue_listener_context_manager() {
    let target = CollectingHandler::new();
    let queue = QueueHandler::builder().build().unwrap();
    {
        let _listener = QueueListener::builder(&queue).handler(target.clone()).start().unwrap();
        queue.handle(&record("inside").as_record()).unwrap();
    }
    assert_eq!(target.lines(), ["inside"], "the end of the scope stops it");
    queue.handle(&record("outside").as_record()).unwrap();
    assert_eq!((target.lines().len(), queue.stats().pending), (1, 1));
}

#[test]
fn test_queue_listener_multi_start() {
    let target = CollectingHandler::new();
    let queue = QueueHandler::builder().build().unwrap();
    let listener = QueueListener::builder(&queue).handler(target.clone()).start().unwrap();
    let twice = listener.start().unwrap_err();
    assert_eq!(twice.to_string(), "start a listener that runs");
    listener.stop(LONG).unwrap();
    listener.start().unwrap();
    queue.handle(&record("again").as_record()).unwrap();
    listener.stop(LONG).unwrap();
    assert_eq!(target.lines(), ["again"]);
}

/// The format of one handler does not leak into another's.
#[test]
fn test_queue_listener_with_stream_handler() {
    let [first, second] = [Lines::default(), Lines::default()];
    let stream = |out: &Lines, pattern| {
        let builder = tracing_handlers_stream::StreamHandler::builder(out.clone());
        builder.format(Pattern::percent(pattern).unwrap()).build().unwrap()
    };
    let queue = QueueHandler::builder().build().unwrap();
    let listener = QueueListener::builder(&queue)
        .handler(stream(&first, "%(levelname)s -> %(message)s"))
        .handler(stream(&second, "%(message)s"))
        .start()
        .unwrap();
    let subscriber = tracing_subscriber::registry().with(HandlerLayer::new(queue));
    tracing::subscriber::with_default(subscriber, || error!("error"));
    listener.stop(LONG).unwrap();
    assert_eq!((first.text().as_str(), second.text().as_str()), ("ERROR -> error\n", "error\n"));
}

#[test]
fn test_queue_listener_with_multiple_handlers() {
    let targets = [(); 3].map(|()| CollectingHandler::new());
    let queue = QueueHandler::builder().build().unwrap();
    let builder = QueueListener::builder(&queue);
    let listener = targets.iter().fold(builder, |builder, target| builder.handler(target.clone())).start().unwrap();
    queue.handle(&record("once each").as_record()).unwrap();
    listener.stop(LONG).unwrap();
    targets.iter().for_each(|target| assert_eq!(target.lines(), ["once each"]));
}

/// Twenty times five records through start and stop: every one is handled.
#[test]
fn test_handle_called_with_queue_queue() {
    let target = CollectingHandler::new();
    let queue = QueueHandler::builder().build().unwrap();
    start_and_stop(&queue, &target);
    assert_eq!(target.lines().len(), 100);
}

/// The same over a channel, which is what another process would read.
#[test]
fn test_handle_called_with_mp_queue() {
    let target = CollectingHandler::new();
    let (sender, receiver) = sync_channel(100);
    let queue = QueueHandler::builder().queue((sender, Mutex::new(receiver))).build().unwrap();
    start_and_stop(&queue, &target);
    assert_eq!(target.lines().len(), 100);
}

fn start_and_stop(queue: &QueueHandler, target: &CollectingHandler) {
    for round in 0..20 {
        let listener = QueueListener::builder(queue).handler(target.clone()).start().unwrap();
        for n in 0..5 {
            queue.handle(&record(format!("{round} {n}")).as_record()).unwrap();
        }
        listener.stop(LONG).unwrap();
    }
}

#[test]
fn test_no_messages_in_queue_after_stop() {
    let queue = QueueHandler::builder().build().unwrap();
    for _ in 0..20 {
        let listener = QueueListener::builder(&queue).handler(CollectingHandler::new()).start().unwrap();
        (0..5).for_each(|n| queue.handle(&record(n.to_string()).as_record()).unwrap());
        listener.stop(LONG).unwrap();
        assert_eq!(queue.stats().pending, 0);
    }
}

/// Python's `task_done` is called once for each item; here every record is settled once, and a channel is left empty.
#[test]
fn test_calls_task_done_after_stop() {
    let (sender, receiver) = sync_channel(10);
    let receiver = Arc::new(Mutex::new(receiver));
    /// Shares the receiver with the test.
    struct Channel(std::sync::mpsc::SyncSender<tracing_handlers_core::RecordBuf>, SharedReceiver);
    type SharedReceiver = Arc<Mutex<std::sync::mpsc::Receiver<tracing_handlers_core::RecordBuf>>>;
    impl tracing_handlers_queue::Queue for Channel {
        fn put(&self, record: tracing_handlers_core::RecordBuf) -> Result<(), tracing_handlers_queue::PutError> {
            self.0.put(record)
        }
        fn source(&self) -> Option<&dyn Source> {
            Some(self.1.as_ref())
        }
    }
    let queue = QueueHandler::builder().queue(Channel(sender, Arc::clone(&receiver))).build().unwrap();
    let target = CollectingHandler::new();
    let listener = QueueListener::builder(&queue).handler(target.clone()).start().unwrap();
    (0..5).for_each(|n| queue.handle(&record(n.to_string()).as_record()).unwrap());
    listener.stop(LONG).unwrap();
    assert_eq!(target.lines().len(), 5);
    assert!(receiver.take(Duration::ZERO).is_none());
}

/// A stream that the test reads.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(lock(&self.0).clone()).unwrap()
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lock(&self.0).extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
