//! How many events a second come to the receiver.

use crate::Failed;
use crate::child::{BURST, Figures, Job, PAUSE, bursts};
use crate::contestants::Running;
use crate::measure::throughput::produce;
use crate::receiver::Receiver;

pub(super) fn run(running: Running, job: &Job, receiver: &Receiver) -> Result<Figures, Failed> {
    let events = job.events * job.producers;
    let mut before = 0;
    let (emitting, start) = match running.take_loop() {
        Ok(work) => {
            work(events)?;
            (None, None)
        }
        Err(running) => {
            // The first records wait for the connection.
            bursts(job.workload, BURST, PAUSE, running.emit());
            receiver.wait_for(BURST);
            // Who buffers keeps some of them until later.
            before = BURST;
            let start = produce(running.emit(), job);
            (Some(running), Some(start))
        }
    };
    if let Some(running) = emitting {
        running.finish()?;
    }
    receiver.wait_for(before + events);
    // A loop may start a program of its own, which is not its fault.
    let start = start.or(receiver.first()).ok_or("nothing came")?;
    let seconds = receiver.last().duration_since(start).as_secs_f64();
    let all = receiver.events();
    #[allow(clippy::cast_precision_loss)]
    let (events, came) = (events as f64, all as f64 - before as f64);
    #[allow(clippy::cast_precision_loss)]
    let bytes_an_event = receiver.bytes() as f64 / all as f64;
    Ok(Figures::from([
        ("kilo_events_per_second".to_owned(), came / seconds / 1_000.0),
        ("mb_per_second".to_owned(), came * bytes_an_event / seconds / 1e6),
        ("bytes_an_event".to_owned(), bytes_an_event),
        ("lost".to_owned(), events - came),
    ]))
}
