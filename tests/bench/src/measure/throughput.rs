//! How many events a second come to the file.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::Failed;
use crate::child::{BURST, Figures, Job, PAUSE, bursts, lines};
use crate::contestants::Running;

/// How long lines that are still missing after the flush are waited for.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) fn run(running: Running, job: &Job) -> Result<Figures, Failed> {
    let emit = running.emit();
    bursts(job.workload, BURST, PAUSE, emit);
    let cpu = cpu_time();
    let start = produce(emit, job);
    running.finish()?;
    let mut end = Instant::now();
    let cpu = cpu_time().saturating_sub(cpu);

    let events = job.events * job.producers;
    let mut missing = missing_lines(job, events)?;
    // Some flushes give up after a time of their own; what comes later still counts, as late.
    while missing > 0 && end.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(5));
        let before = missing;
        missing = missing_lines(job, events)?;
        if missing == before {
            continue;
        }
        end = Instant::now();
    }
    let seconds = end.duration_since(start).as_secs_f64();
    #[allow(clippy::cast_precision_loss)]
    let (events, missing) = (events as f64, missing as f64);
    let rate = (events - missing) / seconds / 1_000.0;
    Ok(Figures::from([
        ("kilo_events_per_second".to_owned(), rate),
        ("cpu_ns".to_owned(), cpu.as_secs_f64() * 1e9 / events),
        ("lines_missing".to_owned(), missing),
    ]))
}

/// What all threads of this process have had of the processors.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Logs from all producers at once; returns when they began.
pub(super) fn produce(emit: fn(u64), job: &Job) -> Instant {
    let barrier = &Barrier::new(usize::try_from(job.producers).unwrap_or(1) + 1);
    thread::scope(|scope| {
        for _ in 0..job.producers {
            scope.spawn(move || {
                barrier.wait();
                job.workload.within(|| (0..job.events).for_each(emit));
            });
        }
        // Taken before the barrier opens: afterwards this thread may wait for a core while the others are at work.
        let start = Instant::now();
        barrier.wait();
        start
    })
}

fn missing_lines(job: &Job, events: u64) -> Result<u64, Failed> {
    Ok((events + BURST).saturating_sub(lines(&job.place.directory)? / job.contestant.copies()))
}
