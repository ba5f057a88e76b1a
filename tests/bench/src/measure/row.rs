//! The caller's time an event, one after the other without a pause, and what became of them.

use crate::Failed;
use crate::child::{BURST, Figures, Job, PAUSE, Stopwatch, bursts};
use crate::contestants::Running;
use crate::stats::percentile;

pub(super) fn run(mut running: Running, job: &Job) -> Result<Figures, Failed> {
    let emit = running.emit();
    let counts = running.take_counts();
    bursts(job.workload, 10 * BURST, PAUSE, emit);
    let mut watch = Stopwatch::new(job.events)?;
    job.workload.within(|| (0..job.events).for_each(|n| watch.time(|| emit(n))));
    running.finish()?;
    let times = watch.sorted();
    let took: f64 = times.iter().copied().map(f64::from).sum();
    let mut figures = counts();
    let count = |name: &str| figures.get(name).copied().unwrap_or(0.0);
    let unaccounted = count("handled") - count("delivered") - count("dropped") - count("pending");
    figures.insert("unaccounted".to_owned(), unaccounted);
    figures.insert("all_ms".to_owned(), took / 1e6);
    let shares = [("p50_ns", 0.5), ("p99_ns", 0.99), ("p99.9_ns", 0.999), ("max_ns", 1.0)];
    figures.extend(shares.map(|(name, share)| (name.to_owned(), percentile(&times, share))));
    Ok(figures)
}
