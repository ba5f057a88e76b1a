//! Connections: who may come, and what they send.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
#[cfg(unix)]
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing_handlers_core::Error;

use crate::decode::Refused;
use crate::intake::Intake;
use crate::stats::{Reason, add};

/// How much is read at once.
const CHUNK: usize = 16 << 10;
/// How often one that is told to stop reads on what has come.
const LAST_READS: usize = 256;
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

pub(crate) enum Listener {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixListener),
}

impl Listener {
    async fn accept(&self) -> io::Result<(Stream, String)> {
        match self {
            Self::Tcp(listener) => listener.accept().await.map(|(stream, from)| (Stream::Tcp(stream), from.to_string())),
            #[cfg(unix)]
            Self::Unix(listener) => {
                listener.accept().await.map(|(stream, _)| (Stream::Unix(stream), "a local connection".to_owned()))
            }
        }
    }

    /// Accepts connections until it is to stop, and waits for them then.
    pub(crate) async fn serve(self, intake: Intake, places: Arc<Semaphore>, mut stop: watch::Receiver<bool>) {
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                () = stopped(&mut stop) => break,
                accepted = self.accept() => accepted,
                Some(_) = connections.join_next() => continue,
            };
            match accepted {
                Ok((stream, from)) => {
                    add(&intake.counters.connections, 1);
                    match Arc::clone(&places).try_acquire_owned() {
                        Ok(place) => {
                            let open = Open { intake: intake.clone(), from, _place: place };
                            connections.spawn(open.serve(stream, stop.clone()));
                        }
                        Err(_) => turn_away(&intake, &from),
                    }
                }
                Err(error) => {
                    intake.reporter.note(Error::io("accept a connection", error));
                    pause(&mut stop).await;
                }
            }
        }
        drop(self);
        while connections.join_next().await.is_some() {}
    }
}

fn turn_away(intake: &Intake, from: &str) {
    add(&intake.counters.turned_away, 1);
    add(&intake.counters.closed, 1);
    intake.reporter.note(Error::full(format!("accept {from}: as many connections as allowed are open")));
}

enum Stream {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

/// What reading once brought.
enum Read {
    Bytes,
    Nothing,
    End,
}

impl Stream {
    async fn readable(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.readable().await,
            #[cfg(unix)]
            Self::Unix(stream) => stream.readable().await,
        }
    }

    /// Appends what is there. The buffer grows by what came, whatever was announced.
    fn read(&self, buffer: &mut Vec<u8>) -> io::Result<Read> {
        let mut chunk = [0; CHUNK];
        let read = match self {
            Self::Tcp(stream) => stream.try_read(&mut chunk),
            #[cfg(unix)]
            Self::Unix(stream) => stream.try_read(&mut chunk),
        };
        match read {
            Ok(0) => Ok(Read::End),
            Ok(count) => {
                buffer.extend_from_slice(chunk.get(..count).unwrap_or_default());
                Ok(Read::Bytes)
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Ok(Read::Nothing),
            Err(error) => Err(error),
        }
    }
}

/// One connection. While it is idle it has no buffer.
struct Open {
    intake: Intake,
    from: String,
    _place: OwnedSemaphorePermit,
}

impl Open {
    async fn serve(self, stream: Stream, mut stop: watch::Receiver<bool>) {
        let mut buffer = Vec::new();
        match self.read_on(&stream, &mut buffer, &mut stop).await {
            Ok(true) => self.finish(&buffer).await,
            Ok(false) => {}
            Err(error) => {
                self.intake.reporter.note(Error::io(format!("read from {}", self.from), error));
                self.finish(&buffer).await;
            }
        }
    }

    /// Reads until the end or until it is to stop (`true`), or until nobody knows where frames begin.
    async fn read_on(&self, stream: &Stream, buffer: &mut Vec<u8>, stop: &mut watch::Receiver<bool>) -> io::Result<bool> {
        loop {
            // Nothing else can be broken off: a batch on its way to the handler would be lost.
            tokio::select! {
                () = stopped(stop) => return self.read_rest(stream, buffer).await,
                ready = stream.readable() => ready?,
            }
            match stream.read(buffer)? {
                Read::End => return Ok(true),
                Read::Nothing => {}
                Read::Bytes if !self.take_frames(buffer).await => return Ok(false),
                Read::Bytes => {}
            }
        }
    }

    /// Reads what has come before the receiver was to stop.
    async fn read_rest(&self, stream: &Stream, buffer: &mut Vec<u8>) -> io::Result<bool> {
        for _ in 0..LAST_READS {
            match stream.read(buffer)? {
                Read::End | Read::Nothing => break,
                Read::Bytes if !self.take_frames(buffer).await => return Ok(false),
                Read::Bytes => {}
            }
        }
        Ok(true)
    }

    /// Hands over the frames that are there whole; `false` where the next one cannot be found.
    async fn take_frames(&self, buffer: &mut Vec<u8>) -> bool {
        let (mut batch, mut taken) = (Vec::new(), 0);
        let is_found = loop {
            match self.intake.accepted.first(buffer.get(taken..).unwrap_or_default()) {
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
        if self.intake.accepted.ends_with_stream(rest) && !rest.trim_ascii().is_empty() {
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
