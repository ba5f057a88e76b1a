//! The other end of those who send: counts what comes, and throws it away.

mod framing;
mod http;
mod smtp;

use std::io::{self, Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use rustix::net::sockopt;

use self::framing::Frames;
pub(crate) use self::smtp::MailServer;
use crate::Failed;

/// How events travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    /// A stream of frames, each with its length before it.
    Tcp,
    /// A frame a datagram.
    Udp,
    /// The same over a local socket.
    Unix,
    /// Messages of RFC 5424 in a stream, each with its length before it or a byte behind it, or with neither.
    SyslogTcp,
    /// A message a datagram.
    SyslogUdp,
    /// Lines of JSON in the bodies of requests.
    Http,
}

impl Wire {
    /// What the tables say.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Tcp => "MessagePack over TCP",
            Self::Udp => "MessagePack in UDP datagrams",
            Self::Unix => "MessagePack in local datagrams",
            Self::SyslogTcp => "RFC 5424 over TCP",
            Self::SyslogUdp => "RFC 5424 in UDP datagrams",
            Self::Http => "JSON lines over HTTP",
        }
    }

    /// Whether many events travel together.
    pub(crate) fn is_stream(self) -> bool {
        matches!(self, Self::Tcp | Self::SyslogTcp | Self::Http)
    }

    /// With whom those who use it are compared, and what the column says.
    pub(crate) fn baselines(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Tcp => &[("loop-tcp", "÷ loop")],
            Self::Udp => &[("loop-udp", "÷ loop")],
            Self::Unix => &[("loop-unix", "÷ loop")],
            Self::SyslogTcp => {
                &[("syslog-tcp", "÷ syslog"), ("fasyslog-tcp", "÷ fasyslog"), ("cpython-syslog-tcp", "÷ CPython")]
            }
            Self::SyslogUdp => {
                &[("syslog-udp", "÷ syslog"), ("fasyslog-udp", "÷ fasyslog"), ("cpython-syslog-udp", "÷ CPython")]
            }
            Self::Http => &[],
        }
    }
}

/// What came so far.
struct Seen {
    start: Instant,
    events: AtomicU64,
    bytes: AtomicU64,
    /// When something came first and last, in nanoseconds since the start.
    first: OnceLock<u64>,
    last: AtomicU64,
}

impl Seen {
    fn note(&self, events: u64, bytes: usize) {
        let now = u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.first.get_or_init(|| now);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        self.last.store(now, Ordering::Relaxed);
        self.events.fetch_add(events, Ordering::Release);
    }
}

/// A thread that receives as long as the process lives.
pub(crate) struct Receiver {
    seen: Arc<Seen>,
    /// Where it listens, unless on a local socket.
    pub(crate) port: u16,
}

/// How long nothing may come before the rest counts as lost.
const QUIET: Duration = Duration::from_millis(500);

/// So much of what comes may wait; a receive buffer that is full would throw datagrams away.
const RECEIVE_BYTES: usize = 1 << 29;

impl Receiver {
    /// Listens on a free port of the loopback, or at `path`.
    pub(crate) fn start(wire: Wire, path: &Path) -> Result<Self, Failed> {
        let seen = Arc::new(Seen {
            start: Instant::now(),
            events: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            first: OnceLock::new(),
            last: AtomicU64::new(0),
        });
        let shared = Arc::clone(&seen);
        let port = match wire {
            Wire::Tcp | Wire::SyslogTcp | Wire::Http => {
                let listener = TcpListener::bind("127.0.0.1:0")?;
                let port = listener.local_addr()?.port();
                thread::spawn(move || accept(&listener, wire, &shared));
                port
            }
            Wire::Udp | Wire::SyslogUdp => {
                let socket = UdpSocket::bind("127.0.0.1:0")?;
                widen(&socket);
                let port = socket.local_addr()?.port();
                thread::spawn(move || datagrams(&shared, |buffer| socket.recv(buffer)));
                port
            }
            Wire::Unix => {
                let socket = UnixDatagram::bind(path)?;
                thread::spawn(move || datagrams(&shared, |buffer| socket.recv(buffer)));
                0
            }
        };
        Ok(Self { seen, port })
    }

    /// Waits until so many events came, or nothing comes any more.
    pub(crate) fn wait_for(&self, events: u64) {
        let (mut before, mut since) = (0, Instant::now());
        loop {
            let came = self.events();
            if came >= events || since.elapsed() > QUIET {
                return;
            }
            if came > before {
                (before, since) = (came, Instant::now());
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// How many events came.
    pub(crate) fn events(&self) -> u64 {
        self.seen.events.load(Ordering::Acquire)
    }

    /// How many bytes came.
    pub(crate) fn bytes(&self) -> u64 {
        self.seen.bytes.load(Ordering::Relaxed)
    }

    /// When the first of them came.
    pub(crate) fn first(&self) -> Option<Instant> {
        self.seen.first.get().map(|nanos| self.seen.start + Duration::from_nanos(*nanos))
    }

    /// When the last of them came.
    pub(crate) fn last(&self) -> Instant {
        self.seen.start + Duration::from_nanos(self.seen.last.load(Ordering::Relaxed))
    }
}

/// A peer of its own process: says its port and takes what comes, until it is killed.
pub(crate) fn serve(out: &mut impl Write) -> Result<(), Failed> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    writeln!(out, "{}", listener.local_addr()?.port())?;
    out.flush()?;
    for stream in listener.incoming() {
        io::copy(&mut stream?, &mut io::sink())?;
    }
    Ok(())
}

/// Not everybody may have that much; what is lost without is counted and shown.
fn widen(socket: &impl AsFd) {
    if sockopt::set_socket_recv_buffer_size_force(socket, RECEIVE_BYTES).is_err() {
        sockopt::set_socket_recv_buffer_size(socket, RECEIVE_BYTES).ok();
    }
}

fn accept(listener: &TcpListener, wire: Wire, seen: &Arc<Seen>) {
    for stream in listener.incoming().map_while(Result::ok) {
        let seen = Arc::clone(seen);
        thread::spawn(move || match wire {
            Wire::Http => http::serve(stream, |body| seen.note(framing::marks(body), body.len())),
            Wire::SyslogTcp => read(stream, framing::marks, &seen),
            _ => {
                let mut frames = Frames::default();
                read(stream, |bytes| frames.count(bytes), &seen);
            }
        });
    }
}

fn read(mut stream: impl Read, mut count_events: impl FnMut(&[u8]) -> u64, seen: &Seen) {
    let mut buffer = vec![0; 256 << 10];
    while let Ok(count) = stream.read(&mut buffer)
        && count > 0
    {
        let events = count_events(buffer.get(..count).unwrap_or_default());
        seen.note(events, count);
    }
}

fn datagrams(seen: &Seen, mut receive: impl FnMut(&mut [u8]) -> io::Result<usize>) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(count) = receive(&mut buffer) {
        seen.note(1, count);
    }
}
