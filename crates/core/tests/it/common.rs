//! What the tests share: a handler that keeps records, a fixed clock, `fmt` layers that write into memory, child processes.

use std::any::type_name;
use std::fmt;
use std::io;
use std::process::Command;
use std::sync::{Arc, Mutex};

use tracing_handlers_core::sync::lock;
use tracing_handlers_core::{
    Clock, Counters, Deadline, Error, Format, Handler, HandlerLayer, Record, RecordBuf, Stats, Timestamp, format,
};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::Layer;
use tracing_subscriber::prelude::*;

type Look = Box<dyn Fn(&Record<'_>) + Send + Sync>;

/// Keeps every record; delivers all of them.
#[derive(Default)]
pub(crate) struct Kept {
    records: Mutex<Vec<RecordBuf>>,
    counters: Counters,
    look: Option<Look>,
}

impl Kept {
    /// One that looks at each record before it keeps it.
    pub(crate) fn looking(look: impl Fn(&Record<'_>) + Send + Sync + 'static) -> Self {
        Self { look: Some(Box::new(look)), ..Self::default() }
    }

    pub(crate) fn records(&self) -> Vec<RecordBuf> {
        lock(&self.records).clone()
    }

    pub(crate) fn messages(&self) -> Vec<String> {
        self.records().iter().map(|record| record.as_record().message().to_owned()).collect()
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("messages", &self.messages()).finish_non_exhaustive()
    }
}

impl Handler for Kept {
    fn handle(&self, record: &Record<'_>) -> Result<(), Error> {
        if let Some(look) = &self.look {
            look(record);
        }
        lock(&self.records).push(record.to_buf());
        self.counters.delivered();
        Ok(())
    }

    fn flush(&self, _: Deadline) -> Result<(), Error> {
        Ok(())
    }

    fn close(&self, _: Deadline) -> Result<(), Error> {
        Ok(())
    }

    fn stats(&self) -> Stats {
        self.counters.snapshot()
    }
}

/// The records that a `HandlerLayer` makes of what `events` logs.
pub(crate) fn captured(events: impl FnOnce()) -> Vec<RecordBuf> {
    captured_by(HandlerLayer::new(Kept::default()), events)
}

pub(crate) fn captured_by(layer: HandlerLayer<Kept>, events: impl FnOnce()) -> Vec<RecordBuf> {
    let kept = Arc::clone(layer.handler());
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer.clock(Fixed)), events);
    kept.records()
}

/// The one record that `events` makes.
pub(crate) fn captured_one(events: impl FnOnce()) -> RecordBuf {
    let mut records = captured(events);
    assert_eq!(records.len(), 1);
    records.remove(0)
}

/// The time of every record: see [`TIME`].
pub(crate) struct Fixed;

pub(crate) const STAMP: Timestamp = Timestamp::from_nanos(1_700_000_000_250_000_000);
pub(crate) const TIME: &str = "2023-11-14T22:13:20.250000Z";

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        STAMP
    }
}

impl FormatTime for Fixed {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        writer.write_str(TIME)
    }
}

/// What a `fmt` layer wrote.
#[derive(Clone, Default)]
pub(crate) struct Memory(Arc<Mutex<Vec<u8>>>);

impl Memory {
    pub(crate) fn lines(&self) -> Vec<String> {
        String::from_utf8(lock(&self.0).clone()).unwrap().lines().map(str::to_owned).collect()
    }
}

impl io::Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lock(&self.0).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Memory {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// The lines that our format and `peer`'s layer write of the same events.
pub(crate) fn both<L>(ours: impl Format, peer: impl FnOnce(Memory) -> L, events: impl FnOnce()) -> (Vec<String>, Vec<String>)
where
    L: Layer<tracing_subscriber::layer::Layered<HandlerLayer<Kept>, tracing_subscriber::Registry>> + Send + Sync,
{
    let layer = HandlerLayer::new(Kept::default());
    let (kept, memory) = (Arc::clone(layer.handler()), Memory::default());
    let subscriber = tracing_subscriber::registry().with(layer.clock(Fixed)).with(peer(memory.clone()));
    tracing::subscriber::with_default(subscriber, events);
    let records = kept.records();
    (records.iter().map(|record| line(&ours, record)).collect(), memory.lines())
}

pub(crate) fn line(format: &impl Format, record: &RecordBuf) -> String {
    let written = format::with_line(format, &record.as_record(), b"", <[u8]>::to_vec);
    String::from_utf8(written.unwrap()).unwrap()
}

/// Says in which test a child process is.
const ALONE: &str = "TRACING_HANDLERS_TEST_ALONE";

/// The local time of a process of [`alone`]: Central Europe's, daylight saving included.
pub(crate) const ALONE_ZONE: &str = "CET-1CEST,M3.5.0,M10.5.0/3";

/// Runs the body of the calling test in a process of its own, for what is one in each process: the global subscriber, the
/// registered handlers, the local time.
pub(crate) fn alone<F: FnOnce()>(body: F) {
    // `it::layer::name_of_the_test::{{closure}}`
    let name = type_name::<F>().trim_start_matches("it::").trim_end_matches("::{{closure}}");
    if std::env::var(ALONE).is_ok_and(|alone| alone == name) {
        return body();
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env(ALONE, name)
        .env("TZ", ALONE_ZONE)
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{name} failed\n{stdout}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(stdout.contains("1 passed"), "{name} is not the name of a test\n{stdout}");
}
