//! The load: numbered records, raised by several threads in spans, at all levels, some of them with hostile text.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use tracing::Level;

pub(crate) const THREADS: u64 = 4;
pub(crate) const RECORDS: u64 = 10_000;
/// How often somebody comes in between, a quarter of the records apart.
pub(crate) const ROUNDS: u64 = 3;

/// How important the record of that number is.
pub(crate) fn level(number: u64) -> Level {
    match number {
        n if n % 2_500 == 1_250 => Level::ERROR,
        n if n % 100 == 50 => Level::WARN,
        n if n.is_multiple_of(2) => Level::INFO,
        _ => Level::DEBUG,
    }
}

/// Raises all records, and gives how long each call took, the shortest first. The spans have the highest level, so that no handler's
/// filter hides them. The first thread calls `disturb` in between, while the others go on.
pub(crate) fn run(disturb: impl Fn(u64) -> io::Result<()> + Sync) -> io::Result<Vec<Duration>> {
    let work = |worker| {
        let mut waits = Vec::with_capacity((RECORDS / THREADS) as usize);
        let _worker = tracing::error_span!("worker", worker).entered();
        for number in (worker..RECORDS).step_by(THREADS as usize) {
            match round_before(number) {
                Some(round) if worker == 0 => disturb(round)?,
                _ => {}
            }
            let begun = Instant::now();
            raise(number);
            waits.push(begun.elapsed());
        }
        Ok(waits)
    };
    thread::scope(|scope| {
        let named = |worker| thread::Builder::new().name(format!("worker-{worker}")).spawn_scoped(scope, move || work(worker));
        let workers = (0..THREADS).map(named).collect::<io::Result<Vec<_>>>()?;
        let panicked = |_| Err(io::Error::other("a worker panicked"));
        let waits = workers.into_iter().map(|worker| worker.join().unwrap_or_else(panicked));
        let mut waits = waits.collect::<io::Result<Vec<_>>>()?.concat();
        waits.sort_unstable();
        Ok(waits)
    })
}

fn round_before(number: u64) -> Option<u64> {
    let (round, rest) = (number / (RECORDS / (ROUNDS + 1)), number % (RECORDS / (ROUNDS + 1)));
    (rest == 0 && round > 0).then_some(round)
}

/// `number` comes first in each, so that no text of a stranger can stand before it.
fn raise(number: u64) {
    let _job = tracing::error_span!("job", kind = "resize").entered();
    match level(number) {
        Level::ERROR => tracing::error!(number, device = "sda\nsdb", "disk failed, \x1b[31mreally\x1b[0m"),
        Level::WARN => tracing::warn!(number, user = "eve\r\n2026-01-01T00:00:00Z ERROR forged number=1", "odd name"),
        Level::INFO => tracing::info!(number, width = 640, height = 480, "resized"),
        _ => tracing::debug!(number, cached = true, "looked up"),
    }
}
