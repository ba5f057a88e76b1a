//! A RELP daemon without TLS, queues or patience.

use std::io::{self, BufRead, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::lock;

/// Takes syslog messages over RELP until the process ends, and answers for each.
#[derive(Clone, Debug)]
pub struct RelpDaemon {
    address: SocketAddr,
    messages: Arc<Mutex<Vec<String>>>,
}

impl RelpDaemon {
    /// Starts one whose first session breaks off at this message: it was taken, and never answered for.
    ///
    /// # Errors
    ///
    /// There is no free port.
    pub fn that_breaks_off_at(message: usize) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let daemon = Self { address: listener.local_addr()?, messages: Arc::default() };
        let messages = Arc::clone(&daemon.messages);
        thread::spawn(move || {
            let mut last = Some(message);
            for stream in listener.incoming().flatten() {
                // A client that breaks off sends again.
                serve(stream, last.take(), &messages).ok();
            }
        });
        Ok(daemon)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it took until now.
    pub fn messages(&self) -> Vec<String> {
        lock(&self.messages).clone()
    }
}

/// The messages of one session, up to its end or the last that it may have.
fn serve(stream: TcpStream, last: Option<usize>, messages: &Mutex<Vec<String>>) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut taken = 0;
    loop {
        let (number, command, data) = frame(&mut reader)?;
        let answer = match command.as_str() {
            "open" => "200 OK\nrelp_version=0\ncommands=syslog",
            "syslog" => {
                lock(messages).push(data);
                taken += 1;
                if last == Some(taken) {
                    return Ok(());
                }
                "200 OK"
            }
            _ => return write!(reader.get_mut(), "{number} rsp 0\n0 serverclose 0\n"),
        };
        writeln!(reader.get_mut(), "{number} rsp {} {answer}", answer.len())?;
    }
}

/// `17 syslog 5 hello` and a line feed: number, command, data behind their length.
fn frame(stream: &mut impl BufRead) -> io::Result<(String, String, String)> {
    let (number, command, length) = (word(stream)?, word(stream)?, word(stream)?);
    let length: usize = length.parse().map_err(io::Error::other)?;
    let mut data = vec![0; length];
    if length > 0 {
        stream.read_exact(&mut data)?;
        stream.read_exact(&mut [0])?;
    }
    Ok((number, command, String::from_utf8_lossy(&data).into_owned()))
}

/// Up to a space or a line feed.
fn word(stream: &mut impl BufRead) -> io::Result<String> {
    let mut word = String::new();
    for byte in stream.bytes() {
        match byte? {
            b' ' | b'\n' => return Ok(word),
            byte => word.push(char::from(byte)),
        }
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}
