//! Frames over a connection: TCP, TLS, unix stream.

mod connection;
mod window;

use std::future::poll_fn;
use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tracing_handlers_core::Error;

use self::connection::{Connection, Youth};
use self::window::Window;
use crate::connection::Connections;
use crate::dial::Peer;
use crate::frames::Frames;
use crate::outcome::{Outcome, Transport};

/// Sends frames over one connection, which is made when there is something to send and made again when it is lost.
///
/// What the kernel took of a connection that is lost then may never have been read by the peer, and TCP does not tell. With a
/// [resend window](Self::resend_window) so many of the newest bytes are sent again over the next connection: twice rather than never.
///
/// A peer that ends a connection as soon as it was made has no place, or is no peer: that is a failure, reported and followed by a pause as any
/// other. From then on nothing is sent over a new connection before that has lasted.
pub struct StreamTransport {
    peer: Peer,
    connection: Option<Connection>,
    connections: Connections,
    stage: Stage,
    /// An end that came too early, and was not told yet.
    early_end: Option<Error>,
    window: Window,
    /// How many bytes of the attempt the kernel took.
    written: usize,
}

/// How far the connection is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// There is none, or one that the peer may have closed since.
    Unknown,
    /// A new one, over which nothing was sent.
    New,
    /// One which took so many bytes of the window.
    Resending(usize),
    /// Frames can be sent.
    Ready,
}

impl StreamTransport {
    /// To this peer.
    pub fn new(peer: Peer) -> Self {
        Self {
            peer,
            connection: None,
            connections: Connections::default(),
            stage: Stage::Unknown,
            early_end: None,
            window: Window::default(),
            written: 0,
        }
    }

    /// How many of the newest bytes are sent again after a connection was lost; none by default.
    #[must_use]
    pub fn resend_window(mut self, bytes: usize) -> Self {
        self.window.limit = bytes;
        self
    }

    /// Has a connection: it is made if there is none or the peer closed it.
    async fn connect(&mut self) -> Result<Stage, Error> {
        if let Some(connection) = &mut self.connection {
            match connection.end_so_far().await {
                None => return Ok(Stage::Ready),
                Some(end) => self.let_go(end).await,
            }
        }
        if let Some(why) = self.early_end.take() {
            return Err(why);
        }
        let connecting = self.connections.connecting();
        let stream = self.peer.connect().await.map_err(|error| self.failed("connect to", error))?;
        self.connection = Some(Connection::new(stream, connecting.done(), Youth::of(self.connections.lasting())));
        Ok(Stage::New)
    }

    /// What is sent over a connection that the peer ends is lost, so one that has ended already gets nothing; and where others ended too early,
    /// this one has to last first.
    async fn prove(&mut self) -> Result<Stage, Error> {
        let lasting = self.connections.lasting();
        let Some(connection) = &mut self.connection else { return Ok(Stage::Unknown) };
        let end = match self.connections.early_ends() {
            0 => connection.end_so_far().await,
            _ => connection.end_while_young().await,
        };
        let Some(end) = end else {
            connection.youth = Youth::of(lasting);
            return Ok(Stage::Resending(0));
        };
        self.ended();
        Err(self.too_early(end))
    }

    /// The peer read all that came before its end: a farewell, and nothing is owed. Where it did not, the window is.
    async fn let_go(&mut self, end: io::Error) {
        let Some(mut connection) = self.ended() else { return };
        if !connection.youth.is_over() {
            self.early_end = Some(self.too_early(end));
        }
        connection.stream.shutdown().await.ok();
    }

    /// What the connection takes of the window at once.
    async fn resend(&mut self, sent: usize) -> Result<Stage, Error> {
        let rest = self.window.from(sent);
        let Some(connection) = self.connection.as_mut().filter(|_| !rest.is_empty()) else { return Ok(Stage::Ready) };
        let written = connection.stream.write(rest).await.and_then(|count| match count {
            0 => Err(io::ErrorKind::WriteZero.into()),
            count => Ok(Stage::Resending(sent + count)),
        });
        written.map_err(|error| {
            self.ended();
            self.failed("send to", error)
        })
    }

    /// Counts what went out also where it is stopped in the middle.
    async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(connection) = &mut self.connection else { return Err(io::ErrorKind::NotConnected.into()) };
        while let Some(rest) = bytes.get(self.written..).filter(|rest| !rest.is_empty()) {
            match connection.stream.write(rest).await? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                count => self.written += count,
            }
        }
        connection.stream.flush().await
    }

    /// Takes the connection, which the peer has ended.
    fn ended(&mut self) -> Option<Connection> {
        self.stage = Stage::Unknown;
        let mut connection = self.connection.take()?;
        self.connections.ended(connection.youth.is_over());
        Some(connection)
    }

    fn too_early(&self, end: io::Error) -> Error {
        Error::io(format!("send to {}: it closed the connection as soon as it was made", self.peer), end)
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
            Stage::New => self.prove().await?,
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
        self.ended();
        let why = Some(self.failed("send to", error));
        Outcome::Partial { retry: (whole..frames.len()).collect(), dead: Vec::new(), after: None, why }
    }

    async fn close(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        if connection.stream.shutdown().await.is_ok() {
            // The end of the peer says that it has read everything.
            let mut ignored = [0; 512];
            while matches!(connection.stream.read(&mut ignored).await, Ok(1..)) {}
        }
    }

    fn report_to(&mut self, connections: &Connections) {
        self.connections = connections.clone();
    }

    async fn idle(&mut self) -> Option<Error> {
        if let Some(connection) = &mut self.connection {
            let end = poll_fn(|context| connection.poll_end(context)).await;
            self.let_go(end).await;
        }
        self.early_end.take()
    }

    fn sent_in_time(&mut self, frames: &Frames) -> usize {
        let whole = frames.whole_within(self.written);
        self.window.add(frames.iter().take(whole));
        whole
    }

    /// How much of a frame went out nobody knows: the next connection begins with a whole one.
    fn reset(&mut self) {
        self.stage = Stage::Unknown;
        // One that did not last has not ended either: this is our own doing.
        if self.connection.take().is_some_and(|mut connection| connection.youth.is_over()) {
            self.connections.ended(true);
        }
    }
}
