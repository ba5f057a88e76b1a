//! RELP: each message is answered for by the daemon, and sent again where it was not.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead as _, AsyncReadExt as _, AsyncWriteExt as _, ReadBuf};
use tracing_handlers_core::Error;
use tracing_handlers_delivery::dial::{Peer, Stream};
use tracing_handlers_delivery::{Connected, Connections, Frames, Outcome, Transport};

use crate::wire::relp::{frame, next, parse};

/// So many messages may be under way without an answer.
const WINDOW: usize = 128;

/// Who we are and what we want.
const OFFERS: &str = concat!("relp_version=0\nrelp_software=tracing-handlers,", env!("CARGO_PKG_VERSION"), "\ncommands=syslog");

/// Sends each frame as a RELP message, and settles it when it is answered for.
pub(crate) struct Relp {
    name: String,
    peer: Peer,
    connection: Option<Connection>,
    connections: Connections,
    /// Of the frames of this attempt.
    fates: Vec<Fate>,
    /// What was sent and not answered: the number on the wire, and the frame's.
    under_way: VecDeque<(u32, usize)>,
    resent: Arc<AtomicU64>,
}

struct Connection {
    stream: Box<dyn Stream>,
    /// Once the session is open.
    connected: Option<Connected>,
    /// The newest number that was used.
    number: u32,
    received: Vec<u8>,
    /// The daemon takes no more.
    is_closing: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Fate {
    Open,
    Taken,
    Refused(String),
}

impl Relp {
    /// To this peer, which failures call by this name.
    pub(crate) fn new(name: String, peer: Peer) -> Self {
        Self {
            name,
            peer,
            connection: None,
            connections: Connections::default(),
            fates: Vec::new(),
            under_way: VecDeque::new(),
            resent: Arc::default(),
        }
    }

    /// Messages that were sent and not answered for before their connection was lost.
    pub(crate) fn resent_counter(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.resent)
    }

    async fn exchange(&mut self, frames: &Frames) -> io::Result<()> {
        self.connected().await?;
        let Some(connection) = &mut self.connection else { return Err(io::ErrorKind::NotConnected.into()) };
        let mut unsent = frames.iter().enumerate().peekable();
        loop {
            let mut bytes = Vec::new();
            while !connection.is_closing && self.under_way.len() < WINDOW {
                let Some((index, message)) = unsent.next() else { break };
                connection.add("syslog", message, &mut bytes);
                self.under_way.push_back((connection.number, index));
            }
            connection.stream.write_all(&bytes).await?;
            connection.stream.flush().await?;
            if self.under_way.is_empty() {
                return if unsent.peek().is_none() { Ok(()) } else { Err(gone()) };
            }
            connection.read().await?;
            while let Some((number, data)) = connection.answer()? {
                settle(&mut self.under_way, &mut self.fates, number, &data)?;
            }
        }
    }

    /// Has a session: it is opened if there is none, or the daemon has closed it.
    async fn connected(&mut self) -> io::Result<()> {
        if let Some(connection) = &mut self.connection
            && !connection.is_open().await
        {
            self.connection = None;
        }
        if self.connection.is_none() {
            let connecting = self.connections.connecting();
            let stream = self.peer.connect().await?;
            let mut connection = Connection { stream, connected: None, number: 0, received: Vec::new(), is_closing: false };
            connection.open().await?;
            connection.connected = Some(connecting.done());
            self.connection = Some(connection);
        }
        Ok(())
    }

    fn lost(&mut self) {
        self.connection = None;
        self.resent.fetch_add(self.under_way.len() as u64, Ordering::Relaxed);
        self.under_way.clear();
    }

    fn outcome(&self, why: Option<Error>) -> Outcome {
        let open: Vec<_> = self.numbered(|fate| matches!(fate, Fate::Open).then_some(())).map(|(index, ())| index).collect();
        let refused = |fate: &Fate| match fate {
            Fate::Refused(answer) => Some(format!("send to {}: the daemon refused a message: {answer}", self.name)),
            _ => None,
        };
        let dead: Vec<_> = self.numbered(refused).collect();
        match why {
            _ if open.is_empty() && dead.is_empty() => Outcome::Delivered,
            Some(why) if open.len() == self.fates.len() => Outcome::retry(why),
            why => Outcome::Partial { retry: open, dead, after: None, why },
        }
    }

    fn numbered<T>(&self, of: impl Fn(&Fate) -> Option<T>) -> impl Iterator<Item = (usize, T)> {
        self.fates.iter().enumerate().filter_map(move |(index, fate)| Some((index, of(fate)?)))
    }
}

impl Transport for Relp {
    async fn send(&mut self, frames: &Frames) -> Outcome {
        self.fates.clear();
        self.fates.resize(frames.len(), Fate::Open);
        let error = self.exchange(frames).await.err();
        if error.is_some() {
            self.lost();
        }
        let why = error.map(|error| Error::io(format!("send to {}", self.name), error));
        self.outcome(why)
    }

    async fn close(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        // What this is for is settled: whether the farewell arrives matters to nobody.
        connection.farewell().await.ok();
    }

    fn report_to(&mut self, connections: &Connections) {
        self.connections = connections.clone();
    }

    /// What was sent is answered for: no end costs anything.
    async fn idle(&mut self) -> Option<Error> {
        if let Some(connection) = &mut self.connection {
            connection.until_ended().await;
            self.connection = None;
        }
        None
    }

    /// Those that were answered for are settled, in whatever order.
    fn broken_off(&mut self, _: &Frames, why: Error) -> Outcome {
        self.outcome(Some(why))
    }

    fn reset(&mut self) {
        self.lost();
    }
}

impl Connection {
    async fn open(&mut self) -> io::Result<()> {
        let data = self.ask("open", OFFERS.as_bytes()).await?;
        let text = String::from_utf8_lossy(&data);
        let takes_syslog = text
            .lines()
            .filter_map(|line| line.strip_prefix("commands="))
            .any(|commands| commands.split(',').any(|command| command.trim() == "syslog"));
        match takes_syslog && text.starts_with("200") {
            true => Ok(()),
            false => Err(io::Error::other(format!("the daemon opens no session: {text:?}"))),
        }
    }

    async fn farewell(&mut self) -> io::Result<()> {
        self.ask("close", b"").await?;
        self.stream.shutdown().await
    }

    /// Sends one command and waits for its answer.
    async fn ask(&mut self, command: &str, data: &[u8]) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.add(command, data, &mut bytes);
        self.stream.write_all(&bytes).await?;
        self.stream.flush().await?;
        loop {
            match self.answer()? {
                Some((number, data)) if number == self.number => return Ok(data),
                Some(_) => return Err(nonsense("an answer to nothing")),
                None => self.read().await?,
            }
        }
    }

    fn add(&mut self, command: &str, data: &[u8], out: &mut Vec<u8>) {
        self.number = next(self.number);
        frame(self.number, command, data, out);
    }

    async fn read(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.received).await? {
            0 => Err(gone()),
            _ => Ok(()),
        }
    }

    /// The next answer that was received: its number and what it says. Hints are noted on the way.
    fn answer(&mut self) -> io::Result<Option<(u32, Vec<u8>)>> {
        while let Some((answer, length)) = parse(&self.received).map_err(nonsense)? {
            let found = match (answer.command, answer.number) {
                (b"serverclose", 0) => {
                    self.is_closing = true;
                    None
                }
                // Hints may be ignored.
                (_, 0) => None,
                (b"rsp", number) => Some((number, answer.data.to_vec())),
                _ => return Err(nonsense("a frame that is no answer")),
            };
            self.received.drain(..length);
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Whether the daemon has said nothing of an end while nothing was sent.
    async fn is_open(&mut self) -> bool {
        // Lets the runtime ask the system, or an end that came meanwhile would not be seen.
        tokio::task::yield_now().await;
        poll_fn(|context| Poll::Ready(self.poll_ended(context).is_pending())).await
    }

    /// Returns when the daemon says something of an end while nothing is sent.
    async fn until_ended(&mut self) {
        poll_fn(|context| self.poll_ended(context)).await;
    }

    /// Ready when the daemon has said something of an end, or what it may not say.
    fn poll_ended(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut bytes = [0; 512];
        loop {
            if !matches!(self.answer(), Ok(None)) || self.is_closing {
                return Poll::Ready(());
            }
            let mut buffer = ReadBuf::new(&mut bytes);
            match Pin::new(&mut self.stream).poll_read(context, &mut buffer) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => self.received.extend_from_slice(buffer.filled()),
                Poll::Ready(_) => return Poll::Ready(()),
            }
        }
    }
}

fn settle(under_way: &mut VecDeque<(u32, usize)>, fates: &mut [Fate], number: u32, data: &[u8]) -> io::Result<()> {
    let place = under_way.iter().position(|(sent, _)| *sent == number);
    let index = place.and_then(|place| under_way.get(place)).map(|(_, index)| *index);
    let Some(fate) = index.and_then(|index| fates.get_mut(index)) else { return Err(nonsense("an answer to nothing")) };
    *fate = match data {
        [b'2', b'0', b'0', ..] => Fate::Taken,
        [b'1'..=b'9', _, _, ..] => Fate::Refused(String::from_utf8_lossy(data.get(..200).unwrap_or(data)).into_owned()),
        _ => return Err(nonsense("an answer without a code")),
    };
    place.and_then(|place| under_way.remove(place));
    Ok(())
}

fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "the daemon closed the session")
}

fn nonsense(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("the daemon sent {what}"))
}
