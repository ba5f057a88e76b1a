//! Queues whose consumer can be stopped: by a gate in the handler behind them, or by stopping the process that a socket leads to.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tracing_appender::non_blocking::NonBlockingBuilder;
use tracing_handlers::{
    Counters, Deadline, Error, Handler, HandlerExt, HandlerLayer, Record, SocketHandler, Stats, SyslogHandler,
};
use tracing_subscriber::fmt;

use super::{Consumer, Counts, Place, Running, install};
use crate::{Failed, workload};

/// How long the flush at the end may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Who passes must wait while it is closed.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    fn set_closed(&self, closed: bool) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = closed;
        self.0.1.notify_all();
    }

    fn pass(&self) {
        let is_closed = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.0.1.wait_while(is_closed, |is_closed| *is_closed).unwrap_or_else(PoisonError::into_inner));
    }
}

impl Consumer for Gate {
    fn stop(&mut self) -> Result<(), Failed> {
        self.set_closed(true);
        Ok(())
    }

    fn go_on(&mut self) -> Result<(), Failed> {
        self.set_closed(false);
        Ok(())
    }
}

/// A handler that only counts, if the gate lets it.
#[derive(Default)]
pub(super) struct Gated {
    gate: Gate,
    counters: Counters,
}

impl Handler for Gated {
    fn handle(&self, _: &Record<'_>) -> Result<(), Error> {
        self.gate.pass();
        self.counters.delivered();
        Ok(())
    }

    fn flush(&self, _: Deadline) -> Result<(), Error> {
        Ok(())
    }

    fn close(&self, _: Deadline) -> Result<(), Error> {
        Ok(())
    }

    fn stats(&self) -> Stats {
        self.counters.snapshot()
    }
}

pub(super) fn queue(_: &Place) -> Result<Running, Failed> {
    let gated = Gated::default();
    let gate = gated.gate.clone();
    start(gated.queued().layer()?, gate)
}

/// A writer that only counts, if the gate lets it.
pub(super) fn tracing_appender(_: &Place) -> Result<Running, Failed> {
    struct Sink(Gate);
    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.pass();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let gate = Gate::default();
    // As many as fit into our queue: otherwise nothing would be dropped in this loop.
    let builder = NonBlockingBuilder::default().lossy(true).buffered_lines_limit(super::QUEUE_RECORDS);
    let (writer, guard) = builder.finish(Sink(gate.clone()));
    let dropped = writer.error_counter();
    install(fmt::layer().with_ansi(false).with_writer(writer))?;
    let running = Running::new(workload::by_tracing, || {
        drop(guard);
        Ok(())
    });
    let counts = move || Counts::from([("dropped".to_owned(), super::as_f64(dropped.dropped_lines() as u64))]);
    Ok(running.with_counts(counts).with_consumer(gate))
}

/// A peer in a process of its own.
struct Peer {
    process: Child,
    /// What is to become of it.
    end: Signal,
}

impl Peer {
    fn start(end: Signal) -> Result<(Self, u16), Failed> {
        let mut process = Command::new(std::env::current_exe()?).arg("peer").stdout(Stdio::piped()).spawn()?;
        let mut port = String::new();
        BufReader::new(process.stdout.take().ok_or("the peer says nothing")?).read_line(&mut port)?;
        Ok((Self { process, end }, port.trim().parse()?))
    }

    fn send(&self, signal: Signal) -> Result<(), Failed> {
        let id = Pid::from_raw(i32::try_from(self.process.id())?).ok_or("the peer has no id")?;
        Ok(kill_process(id, signal)?)
    }
}

impl Consumer for Peer {
    fn stop(&mut self) -> Result<(), Failed> {
        self.send(self.end)
    }

    fn go_on(&mut self) -> Result<(), Failed> {
        if self.end == Signal::STOP { self.send(Signal::CONT) } else { Ok(()) }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

pub(super) fn socket(_: &Place) -> Result<Running, Failed> {
    to_peer(Signal::STOP)
}

/// Its peer does not come back.
pub(super) fn dead_socket(_: &Place) -> Result<Running, Failed> {
    to_peer(Signal::KILL)
}

pub(super) fn syslog(_: &Place) -> Result<Running, Failed> {
    let (peer, port) = Peer::start(Signal::STOP)?;
    start(SyslogHandler::builder().tcp(format!("127.0.0.1:{port}")).layer()?, peer)
}

fn to_peer(end: Signal) -> Result<Running, Failed> {
    let (peer, port) = Peer::start(end)?;
    start(SocketHandler::builder().tcp("127.0.0.1", port).layer()?, peer)
}

fn start(layer: HandlerLayer<impl Handler>, consumer: impl Consumer + 'static) -> Result<Running, Failed> {
    let (handle, counts) = (layer.handle(), layer.handle());
    install(layer)?;
    let running = Running::new(workload::by_tracing, move || Ok(handle.flush(PATIENCE)?));
    Ok(running.with_counts(move || super::counts(counts.stats())).with_consumer(consumer))
}
