//! The child's side: one contestant, one probe, one line of JSON.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::Failed;
use crate::contestants::{self, Contestant, Field, Place};
use crate::measure::Probe;
use crate::receiver::Receiver;
use crate::workload::Workload;

/// What was measured, by name.
pub(crate) type Figures = BTreeMap<String, f64>;

/// What a child is to do.
#[derive(Clone)]
pub(crate) struct Job {
    pub(crate) contestant: &'static Contestant,
    pub(crate) probe: Probe,
    pub(crate) workload: Workload,
    /// How many events, from each producer.
    pub(crate) events: u64,
    pub(crate) producers: u64,
    pub(crate) place: Place,
}

impl Job {
    /// The arguments behind `child`.
    pub(crate) fn to_arguments(&self) -> Vec<String> {
        vec![
            self.contestant.name.to_owned(),
            self.probe.to_string(),
            self.workload.to_string(),
            self.events.to_string(),
            self.producers.to_string(),
            self.place.max_bytes.to_string(),
            self.place.backups.to_string(),
            self.place.directory.to_string_lossy().into_owned(),
        ]
    }

    /// What [`to_arguments`](Self::to_arguments) made.
    pub(crate) fn from_arguments(arguments: &[String]) -> Result<Self, Failed> {
        let [contestant, probe, workload, events, producers, max_bytes, backups, directory] = arguments else {
            return Err("child: contestant probe workload events producers max_bytes backups directory".into());
        };
        Ok(Self {
            contestant: contestants::find(contestant)?,
            probe: probe.parse()?,
            workload: workload.parse()?,
            events: events.parse()?,
            producers: producers.parse()?,
            place: Place {
                directory: PathBuf::from(directory),
                max_bytes: max_bytes.parse()?,
                backups: backups.parse()?,
                port: 0,
            },
        })
    }
}

/// Starts the contestant, and the receiver of one that sends, and measures.
pub(crate) fn run(job: &Job) -> Result<Figures, Failed> {
    let mut place = job.place.clone();
    let receiver = match job.contestant.field {
        Field::Network(wire) => Some(Receiver::start(wire, &place.socket())?),
        _ => None,
    };
    place.port = receiver.as_ref().map_or(0, |receiver| receiver.port);
    let running = job.contestant.start(&place)?;
    job.probe.run(running, job, receiver.as_ref())
}

/// How many events are in a burst.
pub(crate) const BURST: u64 = 100;

/// How long it is quiet between two bursts.
pub(crate) const PAUSE: Duration = Duration::from_millis(1);

/// Logs `events` in bursts, each inside the workload's spans, with a pause after each.
pub(crate) fn bursts(workload: Workload, events: u64, pause: Duration, mut event: impl FnMut(u64)) {
    let mut next = 0;
    while next < events {
        let end = events.min(next + BURST);
        workload.within(|| (next..end).for_each(&mut event));
        next = end;
        if !pause.is_zero() {
            thread::sleep(pause);
        }
    }
}

/// Measures single calls, less what reading the clock costs.
pub(crate) struct Stopwatch {
    overhead: u32,
    times: Vec<u32>,
}

impl Stopwatch {
    /// Room for that many times, touched now so that no page fault is measured later.
    pub(crate) fn new(capacity: u64) -> Result<Self, Failed> {
        let mut times = vec![1; usize::try_from(capacity)?];
        times.clear();
        Ok(Self { overhead: Self::overhead(), times })
    }

    /// The median time between two readings with nothing in between.
    fn overhead() -> u32 {
        let mut pairs: Vec<u32> = (0..10_001).map(|_| nanos(Instant::now().elapsed())).collect();
        pairs.sort_unstable();
        pairs.get(pairs.len() / 2).copied().unwrap_or(0)
    }

    /// Measures one call.
    pub(crate) fn time(&mut self, work: impl FnOnce()) {
        let start = Instant::now();
        work();
        let took = nanos(start.elapsed());
        self.times.push(took.saturating_sub(self.overhead));
    }

    /// All times in nanoseconds, sorted.
    pub(crate) fn sorted(mut self) -> Vec<u32> {
        self.times.sort_unstable();
        self.times
    }
}

fn nanos(time: Duration) -> u32 {
    u32::try_from(time.as_nanos()).unwrap_or(u32::MAX)
}

/// How many lines the files of a directory hold.
pub(crate) fn lines(directory: &Path) -> io::Result<u64> {
    let mut lines = 0;
    for entry in fs::read_dir(directory)? {
        lines += lines_of(File::open(entry?.path())?)?;
    }
    Ok(lines)
}

fn lines_of(mut file: File) -> io::Result<u64> {
    let mut chunk = vec![0; 1 << 16];
    let mut lines = 0;
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            return Ok(lines);
        }
        lines += chunk.iter().take(read).map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
    }
}
