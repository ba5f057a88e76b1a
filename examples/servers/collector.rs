//! A collector of logs over HTTP/1.1: it takes bodies and keeps connections.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::lock;

/// Takes what is posted to it until the process ends.
#[derive(Clone, Debug)]
pub struct Collector {
    address: String,
    url: String,
    bodies: Arc<Mutex<Vec<String>>>,
}

impl Collector {
    /// Starts one that is well.
    ///
    /// # Errors
    ///
    /// There is no free port.
    pub fn start() -> io::Result<Self> {
        Self::ill_at_first(&[])
    }

    /// Starts one that gives these answers first, such as `503 Service Unavailable`, and takes what comes after.
    ///
    /// # Errors
    ///
    /// There is no free port.
    pub fn ill_at_first(answers: &'static [&'static str]) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?.to_string();
        let collector = Self { url: format!("http://{address}/logs"), address, bodies: Arc::default() };
        let bodies = Arc::clone(&collector.bodies);
        let answers = Arc::new(Mutex::new(answers.iter().copied()));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (bodies, answers) = (Arc::clone(&bodies), Arc::clone(&answers));
                // A client that breaks off sends again.
                thread::spawn(move || serve(stream, || lock(&answers).next(), &bodies).ok());
            }
        });
        Ok(collector)
    }

    /// Where it listens: host and port.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Where it takes what is posted.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The bodies that it took until now.
    pub fn bodies(&self) -> Vec<String> {
        lock(&self.bodies).clone()
    }

    /// The lines of all of them.
    pub fn lines(&self) -> Vec<String> {
        lock(&self.bodies).iter().flat_map(|body| body.lines()).map(str::to_owned).collect()
    }
}

/// The requests of one connection.
fn serve(stream: TcpStream, next_answer: impl Fn() -> Option<&'static str>, bodies: &Mutex<Vec<String>>) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            match reader.read_line(&mut line)? {
                0 => return Ok(()),
                _ if line == "\r\n" => break,
                _ => {}
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let answer = next_answer();
        if answer.is_none() {
            lock(bodies).push(String::from_utf8_lossy(&body).into_owned());
        }
        write!(reader.get_mut(), "HTTP/1.1 {}\r\nContent-Length: 0\r\n\r\n", answer.unwrap_or("200 OK"))?;
    }
}
