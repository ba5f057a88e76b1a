//! Connections: who may come, and what they send.

use std::future::{pending, ready};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::net::UnixListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::{JoinSet, unconstrained, yield_now};
use tokio::time::timeout;
use tracing_handlers_core::{Deadline, Error};

use crate::decode::Refused;
use crate::intake::Intake;
use crate::stats::{Reason, add};
use crate::stream::{Accepted, Read, Stream};
#[cfg(feature = "tls")]
use crate::tls::TlsIdentity;

/// Once told to stop, how long one waits for what is under way: until nothing came for so long.
const QUIET: Duration = Duration::from_millis(100);
/// And how long in all, however much comes.
const LAST: Duration = Duration::from_secs(2);
/// How many connections that nobody has accepted by then are read all the same.
const BACKLOG: usize = 1024;
/// How long nobody is accepted, or no datagram read, after the system refused that: no files are left, mostly.
const PAUSE: Duration = Duration::from_millis(100);

/// Resolves once the receiver is to stop.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error says that nobody is left who could tell.
    drop(stop.wait_for(|stop| *stop).await);
}

/// Waits a moment, or until the receiver is to stop.
pub(crate) async fn pause(stop: &mut watch::Receiver<bool>) {
    timeout(PAUSE, stopped(stop)).await.ok();
}

/// Resolves at that time.
async fn until(deadline: Deadline) {
    timeout(deadline.remaining().unwrap_or_default(), pending::<()>()).await.ok();
}

pub(crate) enum Listener {
    Tcp(TcpListener),
    #[cfg(feature = "tls")]
    Tls(TcpListener, TlsIdentity),
    #[cfg(unix)]
    Unix(UnixListener),
}

impl Listener {
    async fn accept(&self) -> io::Result<(Accepted, String)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, from) = listener.accept().await?;
                Ok((Accepted::Clear(Stream::Tcp(stream)), from.to_string()))
            }
            #[cfg(feature = "tls")]
            Self::Tls(listener, identity) => {
                let (stream, from) = listener.accept().await?;
                Ok((Accepted::Tls(stream, identity.clone()), from.to_string()))
            }
            #[cfg(unix)]
            Self::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                Ok((Accepted::Clear(Stream::Unix(stream)), "a local connection".to_owned()))
            }
        }
    }

    /// Accepts connections until it is to stop, and waits for them then.
    pub(crate) async fn serve(self, intake: Intake, places: Arc<Semaphore>, mut stop: watch::Receiver<bool>) {
        let mut connections = JoinSet::new();
        let open = |accepted: (Accepted, String), stop: &watch::Receiver<bool>, connections: &mut JoinSet<()>| {
            let (accepted, from) = accepted;
            add(&intake.counters.connections, 1);
            match Arc::clone(&places).try_acquire_owned() {
                Ok(place) => {
                    let open = Open { intake: intake.clone(), from, _place: place };
                    connections.spawn(open.serve(accepted, stop.clone()));
                }
                Err(_) => turn_away(&intake, &from),
            }
        };
        loop {
            let accepted = tokio::select! {
                () = stopped(&mut stop) => break,
                accepted = self.accept() => accepted,
                Some(_) = connections.join_next() => continue,
            };
            match accepted {
                Ok(accepted) => open(accepted, &stop, &mut connections),
                Err(error) => {
                    intake.reporter.note(Error::io("accept a connection", error));
                    pause(&mut stop).await;
                }
            }
        }
        for accepted in self.backlog().await {
            open(accepted, &stop, &mut connections);
        }
        drop(self);
        while connections.join_next().await.is_some() {}
    }

    /// Those that have connected, and perhaps sent and gone, and were not accepted yet.
    async fn backlog(&self) -> Vec<(Accepted, String)> {
        // The runtime looks what has come meanwhile.
        yield_now().await;
        let mut waiting = Vec::new();
        unconstrained(async {
            while waiting.len() < BACKLOG {
                tokio::select! {
                    biased;
                    Ok(accepted) = self.accept() => waiting.push(accepted),
                    () = ready(()) => break,
                }
            }
        })
        .await;
        waiting
    }
}

fn turn_away(intake: &Intake, from: &str) {
    add(&intake.counters.turned_away, 1);
    add(&intake.counters.closed, 1);
    intake.reporter.note(Error::full(format!("accept {from}: as many connections as allowed are open")));
}

/// One connection. While it is idle it has no buffer.
struct Open {
    intake: Intake,
    from: String,
    _place: OwnedSemaphorePermit,
}

impl Open {
    async fn serve(self, accepted: Accepted, mut stop: watch::Receiver<bool>) {
        let shaken = tokio::select! {
            () = stopped(&mut stop), if accepted.is_slow() => return,
            shaken = timeout(self.intake.frame_timeout, accepted.stream()) => shaken,
        };
        let mut stream = match shaken.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
            Ok(stream) => stream,
            Err(error) => {
                self.intake.reporter.note(Error::io(format!("shake hands with {}", self.from), error));
                return;
            }
        };
        let mut buffer = Vec::new();
        match self.read_on(&mut stream, &mut buffer, &mut stop).await {
            Ok(true) => self.finish(&buffer).await,
            Ok(false) => {}
            Err(error) => {
                self.intake.reporter.note(Error::io(format!("read from {}", self.from), error));
                self.finish(&buffer).await;
            }
        }
    }

    /// Reads until the end or until it is to stop (`true`), or until nobody knows where frames begin.
    async fn read_on(&self, stream: &mut Stream, buffer: &mut Vec<u8>, stop: &mut watch::Receiver<bool>) -> io::Result<bool> {
        let mut frame_end = Deadline::after(self.intake.frame_timeout);
        loop {
            let before = buffer.len();
            // Nothing else can be broken off: a batch on its way to the handler would be lost.
            let read = tokio::select! {
                () = stopped(stop) => return self.read_rest(stream, buffer).await,
                read = stream.read(buffer) => Some(read?),
                () = until(frame_end), if before > 0 => None,
            };
            match read {
                Some(Read::End) => return Ok(true),
                Some(Read::Bytes(count)) => {
                    add(&self.intake.counters.bytes, count as u64);
                    if !self.take_frames(buffer).await {
                        return Ok(false);
                    }
                    // Another frame has begun; one that goes on has no more time than it had.
                    if before == 0 || buffer.len() < before + count {
                        frame_end = Deadline::after(self.intake.frame_timeout);
                    }
                }
                None => {
                    let why = format!("{before} bytes of it came in {:?}", self.intake.frame_timeout);
                    self.intake.refuse(Refused::new(Reason::TooSlow, why), &self.from);
                    return Ok(false);
                }
            }
        }
    }

    /// Tells the other end that this one goes, and reads what was on its way: who sees the end before a write keeps the record.
    async fn read_rest(&self, stream: &mut Stream, buffer: &mut Vec<u8>) -> io::Result<bool> {
        stream.end().await;
        let end = Deadline::after(LAST);
        while !end.has_passed() {
            match timeout(QUIET, stream.read(buffer)).await {
                Err(_) | Ok(Ok(Read::End)) => break,
                Ok(Err(error)) => return Err(error),
                Ok(Ok(Read::Bytes(count))) => {
                    add(&self.intake.counters.bytes, count as u64);
                    if !self.take_frames(buffer).await {
                        return Ok(false);
                    }
                }
            }
        }
        Ok(true)
    }

    /// Hands over the frames that are there whole; `false` where the next one cannot be found.
    async fn take_frames(&self, buffer: &mut Vec<u8>) -> bool {
        let (mut batch, mut taken) = (Vec::new(), 0);
        let is_found = loop {
            match self.intake.decoder.first(buffer.get(taken..).unwrap_or_default()) {
                Ok(Some((payload, length))) => {
                    let is_empty_line = length == payload.len() + 1 && payload.trim_ascii().is_empty();
                    if !is_empty_line {
                        self.intake.decode(payload, &self.from, &mut batch);
                    }
                    taken += length;
                }
                Ok(None) => break true,
                Err(refused) => {
                    self.intake.refuse(refused, &self.from);
                    break false;
                }
            }
        };
        match taken == buffer.len() {
            true => *buffer = Vec::new(),
            false => drop(buffer.drain(..taken)),
        }
        self.intake.hand_over(batch).await;
        is_found
    }

    /// What is left at the end: a line without its end, or half a frame.
    async fn finish(&self, rest: &[u8]) {
        let mut batch = Vec::new();
        if self.intake.decoder.ends_with_stream(rest) && !rest.trim_ascii().is_empty() {
            self.intake.decode(rest, &self.from, &mut batch);
        } else if !rest.trim_ascii().is_empty() {
            self.intake.refuse(Refused::new(Reason::Truncated, format!("{} bytes of it came", rest.len())), &self.from);
        }
        self.intake.hand_over(batch).await;
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        add(&self.intake.counters.closed, 1);
    }
}
