//! The caller's time for an event now and then, from a thread that is busy in between: what most logging is.

use std::hint;
use std::time::{Duration, Instant};

use crate::Failed;
use crate::child::{BURST, Figures, Job, PAUSE, Stopwatch, bursts};
use crate::contestants::Running;
use crate::stats::percentile;

pub(super) fn run(running: Running, job: &Job, interval: Duration) -> Result<Figures, Failed> {
    let emit = running.emit();
    bursts(job.workload, BURST, PAUSE, emit);
    let mut watch = Stopwatch::new(job.events)?;
    for n in 0..job.events {
        be_busy_until(Instant::now() + interval);
        watch.time(|| emit(n));
    }
    running.finish()?;
    let times = watch.sorted();
    Ok([("p50_ns", 0.5), ("p99_ns", 0.99), ("p99.9_ns", 0.999)]
        .into_iter()
        .map(|(name, share)| (name.to_owned(), percentile(&times, share)))
        .collect())
}

fn be_busy_until(moment: Instant) {
    while Instant::now() < moment {
        hint::spin_loop();
    }
}
