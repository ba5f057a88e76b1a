//! Streams to write to: one that keeps what it gets and breaks on demand, one that counts calls.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

/// Keeps what is written; fails while it is broken, after taking nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shared {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    bytes: Vec<u8>,
    is_broken: bool,
    calls: Vec<String>,
}

impl Shared {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.state.lock().unwrap().bytes.clone()).unwrap()
    }

    pub(crate) fn calls(&self) -> Vec<String> {
        self.state.lock().unwrap().calls.clone()
    }

    pub(crate) fn set_broken(&self, is_broken: bool) {
        self.state.lock().unwrap().is_broken = is_broken;
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.state.lock().unwrap();
        if state.is_broken {
            return Err(io::Error::other("deliberate mistake"));
        }
        state.calls.push(format!("write {}", String::from_utf8_lossy(bytes)));
        state.bytes.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.state.lock().unwrap().calls.push("flush".into());
        Ok(())
    }
}
