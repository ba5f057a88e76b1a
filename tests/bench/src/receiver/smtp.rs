//! As much of SMTP (RFC 5321) as a receiver of mails needs: it agrees to everything, counts the mails, and throws them away.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// Threads that take mails as long as the process lives.
pub(crate) struct MailServer {
    /// Where it listens.
    pub(crate) port: u16,
    mails: Arc<AtomicU64>,
}

impl MailServer {
    /// Listens on a free port of the loopback.
    pub(crate) fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let server = Self { port: listener.local_addr()?.port(), mails: Arc::default() };
        let mails = Arc::clone(&server.mails);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let mails = Arc::clone(&mails);
                // Who breaks off has sent no mail.
                thread::spawn(move || session(stream, &mails).ok());
            }
        });
        Ok(server)
    }

    /// How many mails were taken.
    pub(crate) fn mails(&self) -> u64 {
        self.mails.load(Ordering::Acquire)
    }
}

fn session(mut stream: TcpStream, mails: &AtomicU64) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::with_capacity(256 << 10, stream.try_clone()?);
    stream.write_all(b"220 hello\r\n")?;
    let mut command = String::new();
    loop {
        command.clear();
        if reader.read_line(&mut command)? == 0 {
            return Ok(());
        }
        let answer: &[u8] = match command.trim_end() {
            "DATA" => b"354 go on\r\n",
            "QUIT" => return stream.write_all(b"221 bye\r\n"),
            _ => b"250 well\r\n",
        };
        stream.write_all(answer)?;
        if answer.starts_with(b"354") {
            skip_mail(&mut reader)?;
            mails.fetch_add(1, Ordering::Release);
            stream.write_all(b"250 taken\r\n")?;
        }
    }
}

/// Up to the dot that stands alone.
fn skip_mail(reader: &mut impl BufRead) -> io::Result<()> {
    let mut line = Vec::new();
    while line != b".\r\n" {
        line.clear();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_ends_with_the_dot_that_stands_alone() {
        let mut session = &b"Subject: x\r\n\r\n..\r\n. not yet\r\n.\r\nQUIT\r\n"[..];
        skip_mail(&mut session).unwrap();
        assert_eq!(session, b"QUIT\r\n");
        assert!(skip_mail(&mut &b"cut off\r\n"[..]).is_err());
    }
}
