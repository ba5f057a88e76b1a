//! The caller's time while nobody takes records out of the queue, beside the same loop while somebody does.

use crate::Failed;
use crate::child::{BURST, Figures, Job, PAUSE, Stopwatch, bursts};
use crate::contestants::Running;
use crate::stats::percentile;

pub(super) fn run(mut running: Running, job: &Job) -> Result<Figures, Failed> {
    let emit = running.emit();
    let counts = running.take_counts();
    let mut consumer = running.take_consumer().ok_or("there is no consumer to stop")?;
    bursts(job.workload, 10 * BURST, PAUSE, emit);

    let mut figures = Figures::new();
    let mut measure = |name: &str| -> Result<(), Failed> {
        let mut watch = Stopwatch::new(job.events)?;
        bursts(job.workload, job.events, PAUSE, |n| watch.time(|| emit(n)));
        let times = watch.sorted();
        let shares = [("p50_ns", 0.5), ("p99_ns", 0.99), ("p99.9_ns", 0.999)];
        figures.extend(shares.map(|(percent, share)| (format!("{name}{percent}"), percentile(&times, share))));
        Ok(())
    };
    measure("live_")?;
    consumer.stop()?;
    measure("")?;

    figures.extend(counts());
    let count = |name: &str| figures.get(name).copied().unwrap_or(0.0);
    if figures.contains_key("handled") {
        let unaccounted = count("handled") - count("delivered") - count("dropped") - count("pending");
        figures.insert("unaccounted".to_owned(), unaccounted);
    }
    consumer.go_on()?;
    // A peer that is dead gets nothing more: what waits for it is given up with the process.
    if running.finish().is_ok() {
        figures.extend(counts().remove("pending").map(|pending| ("pending_at_the_end".to_owned(), pending)));
    }
    Ok(figures)
}
