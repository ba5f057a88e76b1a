//! Allocations an event, when everything is warm.

use std::thread;

use crate::child::{BURST, Figures, Job, PAUSE, bursts};
use crate::contestants::Running;
use crate::{Failed, allocator};

pub(super) fn run(running: Running, job: &Job) -> Result<Figures, Failed> {
    let emit = running.emit();
    bursts(job.workload, 10 * BURST, PAUSE, emit);
    thread::sleep(20 * PAUSE);
    let outside = count(job, |_| ());
    let counted = count(job, emit);
    running.finish()?;
    #[allow(clippy::cast_precision_loss)]
    let an_event = |with: u64, without: u64| with.saturating_sub(without) as f64 / job.events as f64;
    Ok(Figures::from([
        ("caller".to_owned(), an_event(counted.this_thread, outside.this_thread)),
        ("all_threads".to_owned(), an_event(counted.all_threads, outside.all_threads)),
    ]))
}

/// What the bursts allocate, until the workers had time to catch up. Without events: what only the spans allocate.
fn count(job: &Job, event: impl FnMut(u64)) -> allocator::Allocations {
    allocator::count(|| {
        bursts(job.workload, job.events, PAUSE, event);
        thread::sleep(20 * PAUSE);
    })
}
