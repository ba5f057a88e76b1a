//! The caller's worst times, logging as fast as it can. The parent runs it twice: with rolling over, and without.

use std::fs;

use crate::Failed;
use crate::child::{BURST, Figures, Job, PAUSE, Stopwatch, bursts};
use crate::contestants::Running;
use crate::stats::percentile;

pub(super) fn run(running: Running, job: &Job) -> Result<Figures, Failed> {
    let emit = running.emit();
    bursts(job.workload, 10 * BURST, PAUSE, emit);
    let mut watch = Stopwatch::new(job.events)?;
    job.workload.within(|| (0..job.events).for_each(|n| watch.time(|| emit(n))));
    running.finish()?;
    let times = watch.sorted();
    #[allow(clippy::cast_precision_loss)]
    let files = fs::read_dir(&job.place.directory)?.count() as f64;
    Ok(Figures::from([
        ("max_us".to_owned(), percentile(&times, 1.0) / 1_000.0),
        ("p99.99_us".to_owned(), percentile(&times, 0.9999) / 1_000.0),
        ("files".to_owned(), files),
    ]))
}
