//! What is the same of every real daemon: it is waited for, killed and started again, and writes what it parsed.

use std::fs;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Child;

use serde_json::Value;
use tempfile::TempDir;
use tracing_handlers_testing::wait_until;

/// A real daemon in a folder of its own, until it is dropped. It writes a line of JSON for each message.
pub(crate) struct Daemon {
    folder: TempDir,
    process: Child,
    spawn: fn(&Path) -> Child,
    places: Vec<Place>,
}

/// Where a daemon listens when it is ready.
#[derive(Clone)]
pub(crate) enum Place {
    Port(u16),
    Socket(PathBuf),
}

impl Place {
    fn answers(&self) -> bool {
        match self {
            Self::Port(port) => TcpStream::connect(("127.0.0.1", *port)).is_ok(),
            Self::Socket(path) => match UnixDatagram::unbound().unwrap().connect(path) {
                Ok(()) => true,
                // One of a daemon that was killed refuses; one that is a stream is of another type.
                Err(error) => !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused),
            },
        }
    }
}

impl Daemon {
    /// Started in a folder that has its configuration.
    pub(crate) fn start(folder: TempDir, spawn: fn(&Path) -> Child, places: Vec<Place>) -> Self {
        let process = spawn(folder.path());
        let mut daemon = Self { folder, process, spawn, places };
        daemon.wait_until_ready();
        daemon
    }

    /// Asks each place until it answers once: each answer is a connection, and a daemon has room for so many.
    fn wait_until_ready(&mut self) {
        for place in self.places.clone() {
            wait_until("the daemon listens", || {
                if let Some(status) = self.process.try_wait().unwrap() {
                    panic!("it ended with {status}: {}", self.said());
                }
                place.answers()
            });
        }
    }

    /// Kills it, with all that it had read and not written.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it again, at the same ports and paths.
    pub(crate) fn restart(&mut self) {
        self.process = (self.spawn)(self.folder.path());
        self.wait_until_ready();
    }

    /// Where it reads messages as those of `/dev/log` are read.
    pub(crate) fn local(&self) -> PathBuf {
        self.path("log")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    #[cfg(feature = "tls")]
    fn file(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// Whom its certificate is of.
    #[cfg(feature = "tls")]
    pub(crate) fn authority(&self) -> Vec<u8> {
        self.file("ca.pem")
    }

    /// Certificate and key of a client that it knows.
    #[cfg(feature = "tls")]
    pub(crate) fn client(&self) -> [Vec<u8>; 2] {
        ["client.pem", "client.key"].map(|name| self.file(name))
    }

    /// What it told of itself.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(self.path("stderr")).unwrap()
    }

    fn output(&self) -> PathBuf {
        self.path("out.json")
    }

    /// How many bytes it wrote.
    pub(crate) fn written(&self) -> u64 {
        fs::metadata(self.output()).map_or(0, |file| file.len())
    }

    #[cfg(feature = "relp")]
    pub(crate) fn wait_for_more_than(&self, bytes: u64) {
        wait_until("more is written", || self.written() > bytes);
    }

    /// The newest of what it wrote.
    pub(crate) fn tail(&self) -> String {
        let Ok(mut file) = fs::File::open(self.output()) else { return String::new() };
        let mut tail = Vec::new();
        file.seek(SeekFrom::Start(self.written().saturating_sub(16 << 10))).unwrap();
        file.read_to_end(&mut tail).unwrap();
        String::from_utf8_lossy(&tail).into_owned()
    }

    /// What it wrote.
    pub(crate) fn text(&self) -> String {
        fs::read_to_string(self.output()).unwrap_or_default()
    }

    /// The messages that it wrote, once they satisfy `is_enough`.
    pub(crate) fn until(&self, is_enough: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let mut messages = Vec::new();
        wait_until("the messages arrive", || {
            let text = self.text();
            // The last line may be half there.
            let lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
            messages = lines.map(parsed).collect();
            is_enough(&messages)
        });
        messages
    }

    /// The one message that it got.
    pub(crate) fn message(&self) -> Value {
        let messages = self.until(|messages| !messages.is_empty());
        assert_eq!(messages.len(), 1, "{messages:?}");
        messages[0].clone()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Its folder goes with it.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// A daemon that was killed in the middle of a line leaves its half in front of the next daemon's first.
fn parsed(line: &str) -> Value {
    let whole = || line.rfind("{\"pri\":").and_then(|start| serde_json::from_str(&line[start..]).ok());
    serde_json::from_str(line).ok().or_else(whole).unwrap_or_else(|| panic!("no JSON: {line}"))
}
