//! The caller's time an event, in bursts that fill no queue.

use crate::Failed;
use crate::child::{BURST, Figures, Job, PAUSE, Stopwatch, bursts};
use crate::contestants::Running;
use crate::stats::{middle, percentile};

pub(super) fn run(running: Running, job: &Job) -> Result<Figures, Failed> {
    let emit = running.emit();
    bursts(job.workload, 10 * BURST, PAUSE, emit);
    let mut watch = Stopwatch::new(job.events)?;
    bursts(job.workload, job.events, PAUSE, |n| watch.time(|| emit(n)));
    running.finish()?;
    let times = watch.sorted();
    let shares = [("p50_ns", 0.5), ("p99_ns", 0.99), ("p99.9_ns", 0.999)];
    let percentiles = shares.into_iter().map(|(name, share)| (name, percentile(&times, share)));
    Ok(percentiles.chain([("middle_ns", middle(&times))]).map(|(name, value)| (name.to_owned(), value)).collect())
}
