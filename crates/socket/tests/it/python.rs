//! A child of CPython that receives what we send: its own `pickle`, `logging` and `socketserver`.

use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

const RECEIVER: &str = include_str!("receiver.py");

/// A running receiver. It goes when its standard input is closed.
pub(crate) struct Python {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
}

/// What came out of one record.
#[derive(Clone, Debug)]
pub(crate) struct Seen(Value);

impl Python {
    /// A receiver at that place, and the port that it has.
    pub(crate) fn receive(kind: &str, place: &str) -> (Self, u16) {
        Self::receive_with(&[kind, place])
    }

    /// A receiver with more settings than the place.
    pub(crate) fn receive_with(arguments: &[&str]) -> (Self, u16) {
        let mut python = Self::start(arguments);
        let ready = python.next().expect("the receiver says that it is ready").0;
        let port = ready["ready"].as_u64().unwrap_or_default() as u16;
        (python, port)
    }

    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new("python3")
            .args(["-c", RECEIVER])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is needed; ./tests/run installs it");
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take().unwrap());
        Self { child, stdin, lines: BufReader::new(stdout).lines() }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next record that it makes something of; nothing at its end.
    pub(crate) fn next(&mut self) -> Option<Seen> {
        let line = self.lines.next()?.unwrap();
        Some(Seen(serde_json::from_str(&line).unwrap()))
    }

    pub(crate) fn take(&mut self, count: usize) -> Vec<Seen> {
        (0..count).map(|index| self.next().unwrap_or_else(|| panic!("{index} of {count} records arrived"))).collect()
    }

    /// What tells it to go, for who cannot hold it otherwise.
    pub(crate) fn dismissal(&mut self) -> Dismissal {
        Dismissal(self.stdin.take())
    }

    /// Tells it to go.
    pub(crate) fn dismiss(&mut self) {
        self.stdin = None;
    }

    /// The rest, up to its end.
    pub(crate) fn rest(mut self) -> Vec<Seen> {
        self.dismiss();
        let rest = std::iter::from_fn(|| self.next()).collect();
        assert!(self.child.wait().unwrap().success(), "the receiver failed");
        rest
    }

    /// What it makes of these bytes.
    pub(crate) fn decode(bytes: &[u8]) -> Vec<Seen> {
        let mut python = Self::start(&["frames"]);
        let mut stdin = python.stdin.take().unwrap();
        std::thread::scope(|scope| {
            scope.spawn(move || stdin.write_all(bytes).unwrap());
            python.rest()
        })
    }
}

/// Its standard input, whose end tells it to go.
pub(crate) struct Dismissal(Option<ChildStdin>);

impl Dismissal {
    pub(crate) fn send(self) {
        drop(self.0);
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        self.stdin = None;
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}

impl Seen {
    pub(crate) fn message(&self) -> &str {
        self.0["message"].as_str().unwrap()
    }

    pub(crate) fn level(&self) -> u64 {
        self.0["levelno"].as_u64().unwrap()
    }

    /// The line of a `Formatter`.
    pub(crate) fn formatted(&self) -> &str {
        self.0["formatted"].as_str().unwrap()
    }

    /// The highest protocol of its opcodes.
    pub(crate) fn protocol(&self) -> u64 {
        self.0["protocol"].as_u64().unwrap()
    }

    /// Opcodes that call something.
    pub(crate) fn calls(&self) -> usize {
        self.0["calls"].as_array().unwrap().len()
    }

    /// The names of all attributes, in order.
    pub(crate) fn names(&self) -> Vec<&str> {
        let entries = self.0["attributes"]["dict"].as_array().unwrap();
        entries.iter().map(|entry| entry[0].as_str().unwrap()).collect()
    }

    /// An attribute, in the JSON of the receiver.
    pub(crate) fn attribute(&self, name: &str) -> Option<&Value> {
        let entries = self.0["attributes"]["dict"].as_array().unwrap();
        entries.iter().find(|entry| entry[0] == name).map(|entry| &entry[1])
    }
}
