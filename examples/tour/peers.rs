//! The handlers that send to a peer. The peers are the tour's own, on loopback.

use std::error::Error;
use std::io::{self, BufRead, BufReader};
use std::net::TcpListener;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tracing_handlers::SyslogHandler;
use tracing_subscriber::filter::LevelFilter;

use crate::{BoxedLayer, Output, Stop};

pub(crate) fn stops() -> Result<Vec<(Stop, BoxedLayer)>, Box<dyn Error>> {
    Ok(vec![syslog()?])
}

fn syslog() -> Result<(Stop, BoxedLayer), Box<dyn Error>> {
    let (listener, received) = (TcpListener::bind("127.0.0.1:0")?, Received::default());
    let address = listener.local_addr()?;
    let kept = received.clone();
    thread::spawn(move || -> io::Result<()> {
        let mut daemon = BufReader::new(listener.accept()?.0);
        while let Some(message) = counted(&mut daemon)? {
            kept.add(message);
        }
        Ok(())
    });
    let layer = SyslogHandler::builder().tcp(address).capacity(100_000).ident("tour").layer()?;
    Ok(Stop::new("SyslogHandler", "RFC 5424 over TCP", LevelFilter::INFO, layer, Output::Peer(received)))
}

/// The message behind its length; nothing at the end.
fn counted(stream: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut length = Vec::new();
    if stream.read_until(b' ', &mut length)? == 0 {
        return Ok(None);
    }
    let length = String::from_utf8_lossy(&length).trim().parse().map_err(io::Error::other)?;
    let mut message = vec![0; length];
    stream.read_exact(&mut message)?;
    String::from_utf8(message).map(Some).map_err(io::Error::other)
}

/// What a peer got, message by message.
#[derive(Clone, Default)]
pub(crate) struct Received(Arc<(Mutex<Vec<String>>, Condvar)>);

impl Received {
    fn add(&self, message: String) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).push(message);
        self.0.1.notify_all();
    }

    /// A line a message, once there are so many or none came for a while: some may be under way.
    pub(crate) fn text(&self, count: u64) -> String {
        let (messages, arrived) = &*self.0;
        let messages = messages.lock().unwrap_or_else(PoisonError::into_inner);
        let is_short = |messages: &mut Vec<String>| (messages.len() as u64) < count;
        let waited = arrived.wait_timeout_while(messages, Duration::from_secs(5), is_short);
        let (messages, _) = waited.unwrap_or_else(PoisonError::into_inner);
        messages.iter().map(|message| format!("{message}\n")).collect()
    }
}
