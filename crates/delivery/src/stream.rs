//! Frames over a connection: TCP, TLS, unix stream.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead as _, AsyncReadExt as _, AsyncWriteExt as _, ReadBuf};
use tracing_handlers_core::Error;

use crate::connection::{Connected, Connections};
use crate::dial::{Peer, Stream};
use crate::frames::Frames;
use crate::outcome::{Outcome, Transport};

/// A connection, which counts as one.
type Open = (Box<dyn Stream>, Connected);

/// Sends frames over one connection, which is made when there is something to send and made again when it is lost.
///
/// What the kernel took of a connection that is lost then may never have been read by the peer, and TCP does not tell. With a
/// [resend window](Self::resend_window) so many of the newest bytes are sent again over the next connection: twice rather than never.
pub struct StreamTransport {
    peer: Peer,
    connection: Option<Open>,
    connections: Connections,
    stage: Stage,
    window: Window,
    /// How many bytes of the attempt the kernel took.
    written: usize,
}

/// How far the connection is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// There is none, or one that the peer may have closed since.
    Unknown,
    /// A new one, which took so many bytes of the window.
    Resending(usize),
    /// Frames can be sent.
    Ready,
}

impl StreamTransport {
    /// To this peer.
    pub fn new(peer: Peer) -> Self {
        let connections = Connections::default();
        Self { peer, connection: None, connections, stage: Stage::Unknown, window: Window::default(), written: 0 }
    }

    /// How many of the newest bytes are sent again after a connection was lost; none by default.
    #[must_use]
    pub fn resend_window(mut self, bytes: usize) -> Self {
        self.window.limit = bytes;
        self
    }

    /// Has a connection: it is made if there is none or the peer closed it.
    async fn connect(&mut self) -> Result<Stage, Error> {
        if let Some((connection, _)) = &mut self.connection {
            if !is_closed(connection).await {
                return Ok(Stage::Ready);
            }
            self.let_go().await;
        }
        let connecting = self.connections.connecting();
        let connection = self.peer.connect().await.map_err(|error| self.failed("connect to", error))?;
        self.connection = Some((connection, connecting.done()));
        Ok(Stage::Resending(0))
    }

    /// The peer read all that came before its end: a farewell, and nothing is owed. Where it did not, the window is.
    async fn let_go(&mut self) {
        let ended = self.connection.take();
        self.lost();
        if let Some((mut connection, _)) = ended {
            connection.shutdown().await.ok();
        }
    }

    /// What the connection takes of the window at once.
    async fn resend(&mut self, sent: usize) -> Result<Stage, Error> {
        let rest = self.window.from(sent);
        let Some((connection, _)) = self.connection.as_mut().filter(|_| !rest.is_empty()) else { return Ok(Stage::Ready) };
        let written = connection.write(rest).await.and_then(|count| match count {
            0 => Err(io::ErrorKind::WriteZero.into()),
            count => Ok(Stage::Resending(sent + count)),
        });
        written.map_err(|error| {
            self.lost();
            self.failed("send to", error)
        })
    }

    /// Counts what went out also where it is stopped in the middle.
    async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some((connection, _)) = &mut self.connection else { return Err(io::ErrorKind::NotConnected.into()) };
        while let Some(rest) = bytes.get(self.written..).filter(|rest| !rest.is_empty()) {
            match connection.write(rest).await? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                count => self.written += count,
            }
        }
        connection.flush().await
    }

    fn lost(&mut self) {
        self.connection = None;
        self.stage = Stage::Unknown;
    }

    fn failed(&self, what: &str, error: io::Error) -> Error {
        Error::io(format!("{what} {}", self.peer), error)
    }
}

impl Transport for StreamTransport {
    /// A window may take a slow peer longer than an attempt may last: each piece that it takes is a step.
    async fn make_ready(&mut self) -> Result<bool, Error> {
        self.stage = match self.stage {
            Stage::Unknown => self.connect().await?,
            Stage::Resending(sent) => self.resend(sent).await?,
            Stage::Ready => Stage::Ready,
        };
        Ok(self.stage == Stage::Ready)
    }

    async fn send(&mut self, frames: &Frames) -> Outcome {
        self.written = 0;
        while self.stage != Stage::Ready {
            if let Err(why) = self.make_ready().await {
                return Outcome::retry(why);
            }
        }
        self.stage = Stage::Unknown;
        let error = self.write_all(frames.bytes()).await.err();
        let whole = self.sent_in_time(frames);
        let Some(error) = error else { return Outcome::Sent };
        self.lost();
        let why = Some(self.failed("send to", error));
        Outcome::Partial { retry: (whole..frames.len()).collect(), dead: Vec::new(), after: None, why }
    }

    async fn close(&mut self) {
        let Some((mut connection, _connected)) = self.connection.take() else { return };
        if connection.shutdown().await.is_ok() {
            // The end of the peer says that it has read everything.
            let mut ignored = [0; 512];
            while matches!(connection.read(&mut ignored).await, Ok(1..)) {}
        }
    }

    fn report_to(&mut self, connections: &Connections) {
        self.connections = connections.clone();
    }

    async fn idle(&mut self) {
        let Some((connection, _)) = &mut self.connection else { return };
        poll_fn(|context| poll_end(connection, context)).await;
        self.let_go().await;
    }

    fn sent_in_time(&mut self, frames: &Frames) -> usize {
        let whole = frames.whole_within(self.written);
        self.window.add(frames.iter().take(whole));
        whole
    }

    /// How much of a frame went out nobody knows: the next connection begins with a whole one.
    fn reset(&mut self) {
        self.lost();
    }
}

/// Whether the peer has closed its end.
async fn is_closed(connection: &mut Box<dyn Stream>) -> bool {
    // Lets the runtime ask the system, or an end that came meanwhile would not be seen.
    tokio::task::yield_now().await;
    poll_fn(|context| Poll::Ready(poll_end(connection, context).is_ready())).await
}

/// Ready when the peer has closed its end; what it says is not for us.
fn poll_end(connection: &mut Box<dyn Stream>, context: &mut Context<'_>) -> Poll<()> {
    let mut bytes = [0; 512];
    loop {
        let mut buffer = ReadBuf::new(&mut bytes);
        match Pin::new(&mut *connection).poll_read(context, &mut buffer) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {}
            Poll::Ready(_) => return Poll::Ready(()),
        }
    }
}

/// The newest frames that were sent.
#[derive(Default)]
struct Window {
    limit: usize,
    bytes: VecDeque<u8>,
    /// Of each frame.
    lengths: VecDeque<usize>,
}

impl Window {
    fn add<'f>(&mut self, frames: impl Iterator<Item = &'f [u8]>) {
        if self.limit == 0 {
            return;
        }
        for frame in frames {
            self.bytes.extend(frame);
            self.lengths.push_back(frame.len());
            while self.bytes.len() > self.limit {
                let Some(oldest) = self.lengths.pop_front() else { return };
                self.bytes.drain(..oldest);
            }
        }
    }

    /// What comes behind so many bytes, as far as it lies in one piece.
    fn from(&self, start: usize) -> &[u8] {
        let (first, second) = self.bytes.as_slices();
        match start.checked_sub(first.len()) {
            Some(start) => second.get(start..).unwrap_or_default(),
            None => first.get(start..).unwrap_or_default(),
        }
    }
}
