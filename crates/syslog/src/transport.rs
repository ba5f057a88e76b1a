//! What `delivery` does not know: a local socket of either kind at one of several paths, and records that are several datagrams.

use std::collections::BTreeMap;
#[cfg(unix)]
use std::path::PathBuf;

use tracing_handlers_core::{Error, Timestamp};
#[cfg(unix)]
use tracing_handlers_delivery::StreamTransport;
#[cfg(unix)]
use tracing_handlers_delivery::datagram::{DatagramTransport, Place};
#[cfg(unix)]
use tracing_handlers_delivery::dial::Peer;
use tracing_handlers_delivery::{Connections, Frames, Outcome, Transport};

#[cfg(unix)]
use crate::wire::Framing;
use crate::wire::framing::counted;

/// Frames that are runs of messages, each with its length in front, sent message by message. A record is settled when all of its messages
/// are; what has to be sent again is sent again whole.
pub(crate) struct Parts<T> {
    transport: T,
    /// The messages of this attempt, and the frame that each belongs to.
    messages: Frames,
    owners: Vec<usize>,
}

impl<T: Transport> Parts<T> {
    pub(crate) fn new(transport: T) -> Self {
        Self { transport, messages: Frames::new(), owners: Vec::new() }
    }

    /// What became of the frames, from what became of the messages.
    fn of_owners(&self, outcome: Outcome) -> Outcome {
        let owner = |message: usize| self.owners.get(message).copied();
        match outcome {
            Outcome::Partial { retry, dead, after, why } => {
                let mut retry: Vec<_> = retry.into_iter().filter_map(owner).collect();
                retry.dedup();
                let dead: BTreeMap<_, _> = dead.into_iter().filter_map(|(message, why)| Some((owner(message)?, why))).collect();
                let dead = dead.into_iter().filter(|(owner, _)| !retry.contains(owner)).collect();
                Outcome::Partial { retry, dead, after, why }
            }
            outcome => outcome,
        }
    }
}

impl<T: Transport> Transport for Parts<T> {
    async fn make_ready(&mut self) -> Result<bool, Error> {
        self.transport.make_ready().await
    }

    async fn send(&mut self, frames: &Frames) -> Outcome {
        (self.messages, self.owners) = (Frames::new(), Vec::new());
        for (owner, run) in frames.iter().enumerate() {
            for message in counted(run) {
                add(&mut self.messages, |out| out.extend_from_slice(message));
                self.owners.push(owner);
            }
        }
        let outcome = self.transport.send(&self.messages).await;
        self.of_owners(outcome)
    }

    async fn close(&mut self) {
        self.transport.close().await;
    }

    fn report_to(&mut self, connections: &Connections) {
        self.transport.report_to(connections);
    }

    async fn idle(&mut self) -> Option<Error> {
        self.transport.idle().await
    }

    fn broken_off(&mut self, _: &Frames, why: Error) -> Outcome {
        let outcome = self.transport.broken_off(&self.messages, why);
        self.of_owners(outcome)
    }

    fn reset(&mut self) {
        self.transport.reset();
    }
}

/// A local socket: datagrams, or a stream where it is one, at the first of the paths where there is any. Asked anew whenever the
/// connection is lost, so a daemon that comes back as another kind, or at another path, is found.
#[cfg(unix)]
pub(crate) struct Local {
    ways: Vec<Way>,
    /// The one that worked last.
    newest: usize,
    /// The one that is tried.
    tried: usize,
    /// Between messages on a stream; Python's have their NUL.
    framing: Option<Framing>,
}

#[cfg(unix)]
enum Way {
    Datagrams(DatagramTransport),
    Stream(StreamTransport),
}

#[cfg(unix)]
impl Local {
    pub(crate) fn new(paths: Vec<PathBuf>, framing: Option<Framing>) -> Self {
        let both = |path: PathBuf| {
            let datagrams = DatagramTransport::new(Place::Unix(path.clone()));
            [Way::Datagrams(datagrams), Way::Stream(StreamTransport::new(Peer::Unix(path)))]
        };
        Self { ways: paths.into_iter().flat_map(both).collect(), newest: 0, tried: 0, framing }
    }
}

#[cfg(unix)]
impl Transport for Local {
    async fn send(&mut self, frames: &Frames) -> Outcome {
        let mut newest = None;
        for step in 0..self.ways.len() {
            let number = (self.newest + step) % self.ways.len();
            self.tried = number;
            let Some(way) = self.ways.get_mut(number) else { break };
            let outcome = match way {
                Way::Datagrams(transport) => transport.send(frames).await,
                Way::Stream(transport) => transport.send(&framed(frames, self.framing)).await,
            };
            if !leads_nowhere(&outcome, frames.len()) {
                self.newest = number;
                return outcome;
            }
            // Of several paths the first is the one to name.
            newest = newest.or(Some(outcome));
        }
        newest.unwrap_or_else(|| Outcome::retry(Error::new("find a local socket")))
    }

    async fn close(&mut self) {
        for way in &mut self.ways {
            match way {
                Way::Datagrams(transport) => transport.close().await,
                Way::Stream(transport) => transport.close().await,
            }
        }
    }

    fn report_to(&mut self, connections: &Connections) {
        for way in &mut self.ways {
            match way {
                Way::Datagrams(transport) => transport.report_to(connections),
                Way::Stream(transport) => transport.report_to(connections),
            }
        }
    }

    /// Only the one that worked last has a connection.
    async fn idle(&mut self) -> Option<Error> {
        match self.ways.get_mut(self.newest) {
            Some(Way::Stream(transport)) => transport.idle().await,
            _ => None,
        }
    }

    fn broken_off(&mut self, frames: &Frames, why: Error) -> Outcome {
        match self.ways.get_mut(self.tried) {
            Some(Way::Datagrams(transport)) => transport.broken_off(frames, why),
            Some(Way::Stream(transport)) => transport.broken_off(&framed(frames, self.framing), why),
            None => Outcome::retry(why),
        }
    }

    fn reset(&mut self) {
        for way in &mut self.ways {
            match way {
                Way::Datagrams(transport) => transport.reset(),
                Way::Stream(transport) => transport.reset(),
            }
        }
    }
}

/// Whether nothing was sent because there is no socket, or one of the other kind.
#[cfg(unix)]
fn leads_nowhere(outcome: &Outcome, frames: usize) -> bool {
    let why = match outcome {
        Outcome::Retry { why, .. } => why,
        Outcome::Partial { retry, why: Some(why), .. } if retry.len() == frames => why,
        _ => return false,
    };
    // EPROTOTYPE, under its number in Linux and in the BSDs.
    why.io_error()
        .is_some_and(|error| matches!(error.raw_os_error(), Some(91 | 41)) || error.kind() == std::io::ErrorKind::NotFound)
}

#[cfg(unix)]
fn framed(frames: &Frames, framing: Option<Framing>) -> Frames {
    let Some(framing) = framing else { return frames.clone() };
    let mut framed = Frames::new();
    for frame in frames.iter() {
        add(&mut framed, |out| framing.frame(frame, out));
    }
    framed
}

/// The ages of records are settled by then.
fn add(frames: &mut Frames, write: impl FnOnce(&mut Vec<u8>)) {
    let added = frames.push(Timestamp::default(), |out| {
        write(out);
        Ok::<_, std::convert::Infallible>(())
    });
    match added {
        Ok(()) => {}
        Err(never) => match never {},
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(texts: &[&str]) -> Frames {
        let mut frames = Frames::new();
        texts.iter().for_each(|text| add(&mut frames, |out| out.extend_from_slice(text.as_bytes())));
        frames
    }

    fn now<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    /// Gives one outcome, and keeps what it was given.
    struct Scripted(Option<Outcome>, Frames);

    impl Transport for Scripted {
        async fn send(&mut self, frames: &Frames) -> Outcome {
            self.1 = frames.clone();
            self.0.take().unwrap()
        }
    }

    #[test]
    fn a_record_is_settled_when_all_of_its_messages_are() {
        let dead = vec![(0, "too large".to_owned()), (3, "too large".to_owned())];
        let partial = Outcome::Partial { retry: vec![4, 5], dead, after: None, why: None };
        let mut parts = Parts::new(Scripted(Some(partial), Frames::new()));
        // One message; two; three, of which the first is dead and the others come again; none.
        let outcome = now(parts.send(&frames(&["1 a", "1 b1 c", "1 d1 e1 f", ""])));
        assert_eq!(parts.transport.1, frames(&["a", "b", "c", "d", "e", "f"]));
        let Outcome::Partial { retry, dead, .. } = outcome else { panic!("{outcome:?}") };
        assert_eq!((retry, dead), (vec![2], vec![(0, "too large".to_owned())]));
    }

    #[cfg(unix)]
    #[test]
    fn the_first_path_that_is_there_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let [absent, present] = ["absent", "present"].map(|name| folder.path().join(name));
        let mut local = Local::new(vec![absent.clone(), present.clone()], None);
        let outcome = now(local.send(&frames(&["nobody"])));
        let Outcome::Retry { why, .. } = outcome else { panic!("{outcome:?}") };
        assert!(why.one_line().contains("absent"), "{}", why.one_line());

        for path in [&present, &absent] {
            let daemon = std::os::unix::net::UnixDatagram::bind(path).unwrap();
            // A socket belongs to the runtime that it was made in.
            local.reset();
            assert!(matches!(now(local.send(&frames(&["hello"]))), Outcome::Sent));
            let mut message = [0; 10];
            let count = daemon.recv(&mut message).unwrap();
            assert_eq!(&message[..count], b"hello");
            std::fs::remove_file(path).unwrap();
        }
    }
}
