//! A connection: what it sends, until the receiver is to stop.

use std::future::pending;
use std::io;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::timeout;
use tracing_handlers_core::{Deadline, Error};

use crate::decode::Refused;
use crate::intake::Intake;
use crate::stats::{Reason, add};
use crate::stream::{Accepted, Read, Stream};

/// Once told to stop, how long one waits for what is under way: until nothing came for so long.
const QUIET: Duration = Duration::from_millis(100);
/// And how long in all, however much comes.
const LAST: Duration = Duration::from_secs(2);
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

/// One connection. While it is idle it has no buffer.
pub(crate) struct Open {
    intake: Intake,
    from: String,
    /// Given back at its end.
    _place: OwnedSemaphorePermit,
}

impl Open {
    pub(crate) fn new(intake: Intake, from: String, place: OwnedSemaphorePermit) -> Self {
        Self { intake, from, _place: place }
    }

    pub(crate) async fn serve(self, accepted: Accepted, mut stop: watch::Receiver<bool>) {
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
        let mut quiet_times = 0;
        // One time that is over says little: the runtime may find that out without having looked for bytes since it began.
        while !end.has_passed() && quiet_times < 2 {
            match timeout(QUIET / 2, stream.read(buffer)).await {
                Err(_) => quiet_times += 1,
                Ok(Ok(Read::End)) => break,
                Ok(Err(error)) => return Err(error),
                Ok(Ok(Read::Bytes(count))) => {
                    quiet_times = 0;
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
