//! Datagrams.

use std::io;

use tokio::net::UdpSocket;
#[cfg(unix)]
use tokio::net::UnixDatagram;
use tokio::sync::watch;
use tracing_handlers_core::Error;

use crate::connection::{pause, stopped};
use crate::intake::Intake;
use crate::stats::add;

/// How many datagrams go to the handler together.
const TOGETHER: usize = 64;
/// How often so many, once it is to stop: more than a socket holds, and not for ever.
const LAST_TIMES: usize = 1024;
/// Who sends to a path has no address.
#[cfg(unix)]
const LOCAL: &str = "a local socket";
/// More than fits into one of any kind.
const LONGEST: usize = 256 << 10;

pub(crate) enum Datagrams {
    Udp(UdpSocket),
    #[cfg(unix)]
    Unix(UnixDatagram),
}

impl Datagrams {
    async fn readable(&self) -> io::Result<()> {
        match self {
            Self::Udp(socket) => socket.readable().await,
            #[cfg(unix)]
            Self::Unix(socket) => socket.readable().await,
        }
    }

    fn read(&self, buffer: &mut [u8]) -> io::Result<(usize, String)> {
        match self {
            Self::Udp(socket) => socket.try_recv_from(buffer).map(|(count, from)| (count, from.to_string())),
            #[cfg(unix)]
            Self::Unix(socket) => socket.try_recv(buffer).map(|count| (count, LOCAL.to_owned())),
        }
    }

    /// Reads datagrams until it is to stop, and those that have come by then.
    pub(crate) async fn serve(self, intake: Intake, mut stop: watch::Receiver<bool>) {
        // A byte more than the longest frame tells that there was more. To Windows a datagram that does not fit is a failure of the read.
        let enough = if cfg!(windows) { LONGEST } else { intake.decoder.max_frame_bytes.saturating_add(5) };
        let mut buffer = vec![0; enough.min(LONGEST)];
        loop {
            let ready = tokio::select! {
                () = stopped(&mut stop) => break,
                ready = self.readable() => ready,
            };
            let read = match ready {
                Ok(()) => take(&intake, &mut buffer, |buffer| self.read(buffer)).await.map(drop),
                Err(error) => Err(error),
            };
            if let Err(error) = read {
                intake.reporter.note(Error::io("read a datagram", error));
                pause(&mut stop).await;
            }
        }
        if let Err(error) = self.take_the_last(&intake, &mut buffer).await {
            intake.reporter.note(Error::io("read a datagram", error));
        }
    }

    /// Takes those that have come by now. The system is asked itself: on a busy machine the runtime may not have looked since they came.
    async fn take_the_last(self, intake: &Intake, buffer: &mut [u8]) -> io::Result<()> {
        match self {
            Self::Udp(socket) => {
                let socket = socket.into_std()?;
                take_all(intake, buffer, |buffer| socket.recv_from(buffer).map(|(count, from)| (count, from.to_string()))).await
            }
            #[cfg(unix)]
            Self::Unix(socket) => {
                let socket = socket.into_std()?;
                take_all(intake, buffer, |buffer| socket.recv(buffer).map(|count| (count, LOCAL.to_owned()))).await
            }
        }
    }
}

/// Takes what a socket has that does not wait.
async fn take_all(
    intake: &Intake,
    buffer: &mut [u8],
    read: impl Fn(&mut [u8]) -> io::Result<(usize, String)>,
) -> io::Result<()> {
    for _ in 0..LAST_TIMES {
        if !take(intake, buffer, &read).await? {
            break;
        }
    }
    Ok(())
}

/// Takes those that are there; `true` if there may be more.
async fn take(intake: &Intake, buffer: &mut [u8], read: impl Fn(&mut [u8]) -> io::Result<(usize, String)>) -> io::Result<bool> {
    let (mut batch, mut result) = (Vec::new(), Ok(true));
    for _ in 0..TOGETHER {
        let (count, from) = match read(buffer) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                result = Ok(false);
                break;
            }
            Err(error) => {
                result = Err(error);
                break;
            }
        };
        add(&intake.counters.bytes, count as u64);
        match intake.decoder.payloads(buffer.get(..count).unwrap_or_default()) {
            Ok(payloads) => payloads.into_iter().for_each(|payload| intake.decode(payload, &from, &mut batch)),
            Err(refused) => intake.refuse(refused, &from),
        }
    }
    intake.hand_over(batch).await;
    result
}
