//! A mail server (RFC 5321) without TLS, passwords or doubts.

use std::io::{self, BufRead, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::lock;

/// Takes mails until the process ends.
#[derive(Clone, Debug)]
pub struct MailServer {
    port: u16,
    mails: Arc<Mutex<Vec<Mail>>>,
}

/// A mail that was taken.
#[derive(Clone, Debug, Default)]
pub struct Mail {
    /// Whom it was for, as the server was told.
    pub recipients: Vec<String>,
    /// Headers and body, with plain line ends.
    pub raw: String,
}

impl MailServer {
    /// Starts it.
    ///
    /// # Errors
    ///
    /// There is no free port.
    pub fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let server = Self { port: listener.local_addr()?.port(), mails: Arc::default() };
        let mails = Arc::clone(&server.mails);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // Who breaks off has sent no mail.
                receive(stream, &mails).ok();
            }
        });
        Ok(server)
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What it took until now.
    pub fn mails(&self) -> Vec<Mail> {
        lock(&self.mails).clone()
    }
}

/// The mails of one connection.
fn receive(mut stream: TcpStream, mails: &Mutex<Vec<Mail>>) -> io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let mut say = |words: &str| stream.write_all(format!("{words}\r\n").as_bytes());
    let mut mail = Mail::default();
    say("220 hello")?;
    while let Some(command) = lines.next().transpose()? {
        if command.starts_with("QUIT") {
            return say("221 bye");
        }
        if let Some(recipient) = command.strip_prefix("RCPT TO:") {
            mail.recipients.push(recipient.trim_matches(['<', '>']).to_owned());
        }
        if !command.starts_with("DATA") {
            say("250 well")?;
            continue;
        }
        say("354 go on")?;
        while let Some(line) = lines.next().transpose()?.filter(|line| line != ".") {
            mail.raw.push_str(line.strip_prefix('.').unwrap_or(&line));
            mail.raw.push('\n');
        }
        lock(mails).push(std::mem::take(&mut mail));
        say("250 taken")?;
    }
    Ok(())
}

impl Mail {
    /// What it is about.
    pub fn subject(&self) -> String {
        header(&self.raw, "Subject").unwrap_or_default()
    }

    /// The plain text.
    pub fn text(&self) -> String {
        self.part("text/plain").unwrap_or_default()
    }

    /// The page beside it, if there is one.
    pub fn html(&self) -> Option<String> {
        self.part("text/html")
    }

    fn part(&self, kind: &str) -> Option<String> {
        let content = header(&self.raw, "Content-Type")?;
        let boundary = content.split_once("boundary=").map(|(_, boundary)| format!("--{}", boundary.trim_matches('"')));
        let parts = match &boundary {
            Some(boundary) => self.raw.split(boundary.as_str()).skip(1).map(|part| part.trim_start_matches('\n')).collect(),
            None => vec![self.raw.as_str()],
        };
        let wanted = parts.iter().find(|part| header(part, "Content-Type").is_some_and(|found| found.starts_with(kind)))?;
        let (_, body) = wanted.split_once("\n\n")?;
        let is_quoted = header(wanted, "Content-Transfer-Encoding").is_some_and(|encoding| encoding == "quoted-printable");
        Some(if is_quoted { unquoted(body) } else { body.to_owned() }.trim_end().to_owned())
    }
}

/// The value of a header, in one line.
fn header(part: &str, name: &str) -> Option<String> {
    let (head, _) = part.split_once("\n\n")?;
    let head = head.replace("\n ", " ").replace("\n\t", " ");
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ").map(|value| value.trim().to_owned()))
}

/// Quoted-printable (RFC 2045 section 6.7), read back.
fn unquoted(body: &str) -> String {
    let body = body.replace("=\n", "");
    let mut pieces = body.split('=');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let (code, rest) = piece.split_at_checked(2).unwrap_or((piece, ""));
        bytes.extend(u8::from_str_radix(code, 16).ok());
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_of_two_parts_reads_as_a_mail_program_shows_it() {
        let raw = "Subject: ERROR\n app\nContent-Type: multipart/alternative; boundary=\"=_1\"\n\n--=_1\nContent-Type: text/plain\n\
            Content-Transfer-Encoding: quoted-printable\n\nGr=C3=BC=C3=9Fe lang=\n er\n--=_1\nContent-Type: text/html\n\n<b>7bit</b>\n--=_1--\n";
        let mail = Mail { raw: raw.into(), ..Mail::default() };
        assert_eq!(mail.subject(), "ERROR app");
        assert_eq!(mail.text(), "Grüße lang er");
        assert_eq!(mail.html().as_deref(), Some("<b>7bit</b>"));
    }
}
