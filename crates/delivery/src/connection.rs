//! What a transport says of its connections, and what users see of that (pure).

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

/// How it stands with the connection to the peer, as far as one knows.
///
/// Over TCP, TLS and local streams the end of the peer is seen when it comes, also while there is nothing to send. A datagram has no
/// connection: what is open then is a socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectionState {
    /// There is none, and nothing that wants one: nothing was sent yet, or the last one came to its end.
    #[default]
    Disconnected,
    /// One is being made.
    Connecting,
    /// There is one.
    Connected,
    /// The last attempt failed; the next one has to wait.
    Waiting,
    /// The handler was closed and has nothing left to send.
    Closed,
}

impl fmt::Display for ConnectionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Disconnected => "disconnected",
            Self::Connecting => "connecting",
            Self::Connected => "connected",
            Self::Waiting => "waiting to try again",
            Self::Closed => "closed",
        })
    }
}

/// Where a transport says which connections it makes and has. Clones are the same place.
///
/// ```
/// use tracing_handlers_delivery::Connections;
///
/// let connections = Connections::default();
/// let connecting = connections.connecting();
/// // Here the connection is made. Where that fails, or is given up, what was said ends with the value.
/// let connected = connecting.done();
/// // And this one lives as long as the connection does.
/// drop(connected);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Connections(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    connecting: AtomicU32,
    connected: AtomicU32,
    is_waiting: AtomicBool,
    /// Ended by the peer too early, one after the other.
    early_ends: AtomicU32,
    lasting: Duration,
}

impl Connections {
    /// One that its peer ends sooner than this has failed.
    pub(crate) fn to_last(lasting: Duration) -> Self {
        Self(Arc::new(Counts { lasting, ..Counts::default() }))
    }

    /// One is being made, for as long as the value lives.
    pub fn connecting(&self) -> Connecting {
        Connecting(Count::new(self, |counts| &counts.connecting))
    }

    pub(crate) fn lasting(&self) -> Duration {
        self.0.lasting
    }

    /// One came to its end, and had lasted or not.
    pub(crate) fn ended(&self, has_lasted: bool) {
        let early_ends = if has_lasted { 0 } else { self.early_ends().saturating_add(1) };
        self.0.early_ends.store(early_ends, Ordering::SeqCst);
    }

    /// How many have ended too early since the last that did not.
    pub(crate) fn early_ends(&self) -> u32 {
        self.0.early_ends.load(Ordering::SeqCst)
    }

    pub(crate) fn state(&self) -> ConnectionState {
        let is_any = |count: &AtomicU32| count.load(Ordering::SeqCst) > 0;
        if self.0.is_waiting.load(Ordering::SeqCst) {
            ConnectionState::Waiting
        } else if is_any(&self.0.connected) {
            ConnectionState::Connected
        } else if is_any(&self.0.connecting) {
            ConnectionState::Connecting
        } else {
            ConnectionState::Disconnected
        }
    }

    pub(crate) fn set_waiting(&self, is_waiting: bool) {
        self.0.is_waiting.store(is_waiting, Ordering::SeqCst);
    }
}

/// A connection is being made.
#[derive(Debug)]
#[must_use = "what is dropped is not being made any more"]
pub struct Connecting(Count);

impl Connecting {
    /// It is made, and there for as long as the value lives.
    pub fn done(self) -> Connected {
        // It counts before the other ends: nobody sees neither.
        Connected(Count::new(&self.0.connections, |counts| &counts.connected))
    }
}

/// A connection is there.
#[derive(Debug)]
#[must_use = "what is dropped is not there any more"]
pub struct Connected(#[expect(dead_code, reason = "it counts while it lives")] Count);

/// One more, until it is dropped.
struct Count {
    connections: Connections,
    of: fn(&Counts) -> &AtomicU32,
}

impl Count {
    fn new(connections: &Connections, of: fn(&Counts) -> &AtomicU32) -> Self {
        of(&connections.0).fetch_add(1, Ordering::SeqCst);
        Self { connections: connections.clone(), of }
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        (self.of)(&self.connections.0).fetch_sub(1, Ordering::SeqCst);
    }
}

impl fmt::Debug for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Count")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_connections_the_best_counts_and_a_pause_before_all() {
        let connections = Connections::default();
        let mut states = vec![connections.state()];
        let (first, second) = (connections.connecting(), connections.connecting());
        states.push(connections.state());
        let first = first.done();
        states.push(connections.state());
        connections.set_waiting(true);
        states.push(connections.state());
        connections.set_waiting(false);
        drop(first);
        states.push(connections.state());
        drop(second);
        states.push(connections.state());
        let told: Vec<_> = states.iter().map(ToString::to_string).collect();
        let expected = ["disconnected", "connecting", "connected", "waiting to try again", "connecting", "disconnected"];
        assert_eq!(told, expected);
    }

    #[test]
    fn those_that_end_too_early_are_counted_until_one_has_lasted() {
        let connections = Connections::to_last(Duration::from_secs(1));
        let counted = [false, false, true, true, false].map(|has_lasted| {
            connections.ended(has_lasted);
            connections.early_ends()
        });
        assert_eq!(counted, [1, 2, 0, 0, 1]);
    }
}
