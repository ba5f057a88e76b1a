//! What becomes of events that are made faster than they can be written, by those who drop what finds no room.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use crate::Failed;
use crate::child::{Figures, Job};
use crate::contestants::Running;
use crate::measure::throughput::produce;

pub(super) fn run(mut running: Running, job: &Job) -> Result<Figures, Failed> {
    let counts = running.take_counts();
    let start = produce(running.emit(), job);
    let made_in = Instant::now().duration_since(start);
    // A flush is an entry of the queue too, and may find no room.
    wait_until_quiet(job)?;
    running.finish()?;
    wait_until_quiet(job)?;
    let mut figures = counts();
    #[allow(clippy::cast_precision_loss)]
    let (made, written) = ((job.events * job.producers) as f64, written(job)? as f64);
    let nanos_an_event = made_in.as_secs_f64() * 1e9 / made;
    figures.extend(
        [("made", made), ("written", written), ("missing", made - written), ("wall_ns_an_event", nanos_an_event)]
            .map(|(name, figure)| (name.to_owned(), figure)),
    );
    if let Some(dropped) = figures.get("dropped") {
        figures.insert("untold".to_owned(), made - written - dropped);
    }
    Ok(figures)
}

/// How long the files must not grow.
const QUIET: Duration = Duration::from_millis(300);

fn wait_until_quiet(job: &Job) -> Result<(), Failed> {
    let (mut before, mut since) = (0, Instant::now());
    while since.elapsed() < QUIET {
        let mut bytes = 0;
        for entry in fs::read_dir(&job.place.directory)? {
            bytes += entry?.metadata()?.len();
        }
        if bytes != before {
            (before, since) = (bytes, Instant::now());
        }
        thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// How many events the files hold; a contestant's own words about drops are no events.
fn written(job: &Job) -> Result<usize, Failed> {
    let mut events = 0;
    for entry in fs::read_dir(&job.place.directory)? {
        events += fs::read_to_string(entry?.path())?.matches("request finished").count();
    }
    Ok(events)
}
