//! A mail server that does what a test says, on loopback.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use tracing_handlers_core::sync::lock;
use tracing_handlers_smtp::{Retry, SmtpHandler, SmtpHandlerBuilder, SmtpTls};
use tracing_handlers_testing::{FailureLog, Gate, wait_until};

/// What the server does instead of what it should.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Say(&'static str),
    /// Says this, and nothing more.
    SayAndHang(&'static str),
    Hang,
    /// Does as usual, once the gate is open.
    Wait(Gate),
    Close,
    /// Takes the mail, and closes the connection without a word.
    TakeAndClose,
}

/// A mail that the server took.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mail {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) raw: String,
}

#[derive(Default)]
struct State {
    script: Vec<(String, Act)>,
    commands: Vec<String>,
    mails: Vec<Mail>,
    is_away: bool,
    offers: Vec<&'static str>,
}

/// Steps are `GREET`, the commands, and `DOT`; the first entry of the script that a step begins with is done, once.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) port: u16,
    state: Arc<Mutex<State>>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self { port: listener.local_addr().unwrap().port(), state: Arc::default() };
        let shared = server.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let server = shared.clone();
                thread::spawn(move || server.serve(stream.unwrap()).ok());
            }
        });
        server
    }

    pub(crate) fn will(self, step: &str, act: Act) -> Self {
        lock(&self.state).script.push((step.to_owned(), act));
        self
    }

    pub(crate) fn offering(self, offer: &'static str) -> Self {
        lock(&self.state).offers.push(offer);
        self
    }

    pub(crate) fn set_away(&self, is_away: bool) {
        lock(&self.state).is_away = is_away;
    }

    pub(crate) fn mails(&self) -> Vec<Mail> {
        lock(&self.state).mails.clone()
    }

    pub(crate) fn commands(&self) -> Vec<String> {
        lock(&self.state).commands.clone()
    }

    /// A handler's builder that speaks to this server, in clear, and does not wait long before it tries again.
    pub(crate) fn builder(&self, failures: &FailureLog) -> SmtpHandlerBuilder {
        SmtpHandler::builder("127.0.0.1")
            .port(self.port)
            .tls(SmtpTls::None)
            .from("App <app@example.org>")
            .to("ops@example.org")
            .retry(Retry::new(std::time::Duration::from_millis(1)).max(std::time::Duration::from_millis(20)))
            .on_failure(failures.clone())
    }

    fn act(&self, step: &str) -> Option<Act> {
        let mut state = lock(&self.state);
        let at = state.script.iter().position(|(wanted, _)| step.starts_with(wanted.as_str()))?;
        Some(state.script.remove(at).1)
    }

    fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut session = Session { out: stream.try_clone()?, lines: BufReader::new(stream), mail: Mail::default() };
        if lock(&self.state).is_away {
            return session.say("421 closed for today");
        }
        if !self.step("GREET", "220 scripted", &mut session)? {
            return Ok(());
        }
        while let Some(line) = session.line()? {
            lock(&self.state).commands.push(line.clone());
            let verb = line.split([' ', ':']).next().unwrap_or_default().to_uppercase();
            let offers = lock(&self.state).offers.clone();
            let hello = offers.iter().map(|offer| format!("250-{offer}\r\n")).collect::<String>() + "250 8BITMIME";
            let usual = match verb.as_str() {
                "EHLO" => hello.as_str(),
                "AUTH" => "235 welcome",
                "DATA" => "354 go on",
                "QUIT" => "221 bye",
                "MAIL" | "RCPT" | "RSET" => "250 well",
                _ => "500 what?",
            };
            let (was, known) = (session.mail.to.len(), line.clone());
            if verb == "MAIL" {
                session.mail = Mail { from: known, ..Mail::default() };
            } else if verb == "RCPT" {
                session.mail.to.push(known);
            }
            match self.act(&line) {
                None => session.say(usual)?,
                Some(Act::Say(words)) => {
                    session.mail.to.truncate(was);
                    session.say(words)?;
                    continue;
                }
                Some(Act::SayAndHang(words)) => {
                    session.say(words)?;
                    return session.hang();
                }
                Some(Act::Hang) => return session.hang(),
                Some(_) => return Ok(()),
            }
            if verb == "DATA" && !self.data(&mut session)? || verb == "QUIT" {
                return Ok(());
            }
        }
        Ok(())
    }

    fn data(&self, session: &mut Session) -> std::io::Result<bool> {
        let mut raw = String::new();
        while let Some(line) = session.line()?.filter(|line| line != ".") {
            raw.push_str(line.strip_prefix('.').unwrap_or(&line));
            raw.push_str("\r\n");
        }
        // The end of the last line belongs to the dot.
        raw.truncate(raw.len().saturating_sub(2));
        session.mail.raw = raw;
        let mail = session.mail.clone();
        match self.act("DOT") {
            None => lock(&self.state).mails.push(mail),
            Some(Act::Wait(gate)) => {
                gate.pass()?;
                lock(&self.state).mails.push(mail);
            }
            Some(Act::Say(words)) => return session.say(words).map(|()| true),
            Some(Act::Hang) => return session.hang().map(|()| false),
            Some(Act::TakeAndClose) => {
                lock(&self.state).mails.push(mail);
                return Ok(false);
            }
            Some(_) => return Ok(false),
        }
        session.say("250 taken").map(|()| true)
    }

    fn step(&self, step: &str, usual: &str, session: &mut Session) -> std::io::Result<bool> {
        match self.act(step) {
            None => session.say(usual).map(|()| true),
            Some(Act::Say(words)) => session.say(words).map(|()| false),
            Some(Act::Hang) => session.hang().map(|()| false),
            Some(Act::Wait(gate)) => {
                gate.pass()?;
                session.say(usual).map(|()| true)
            }
            Some(_) => Ok(false),
        }
    }
}

struct Session {
    out: TcpStream,
    lines: BufReader<TcpStream>,
    mail: Mail,
}

impl Session {
    fn say(&mut self, words: &str) -> std::io::Result<()> {
        self.out.write_all(format!("{words}\r\n").as_bytes())
    }

    fn line(&mut self) -> std::io::Result<Option<String>> {
        let mut line = Vec::new();
        if self.lines.read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        let line = String::from_utf8(line).unwrap();
        Ok(Some(line.strip_suffix("\r\n").expect("a line ends in CR LF").to_owned()))
    }

    /// Says nothing until the other side has enough.
    fn hang(&mut self) -> std::io::Result<()> {
        std::io::copy(&mut self.lines, &mut std::io::sink()).map(drop)
    }
}

impl Mail {
    /// Name and value of each header, unfolded.
    pub(crate) fn headers(&self) -> Vec<(String, String)> {
        let (head, _) = self.raw.split_once("\r\n\r\n").unwrap_or((&self.raw, ""));
        let head = head.replace("\r\n ", " ").replace("\r\n\t", " ");
        head.split("\r\n")
            .map(|line| {
                let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("no header: {line:?}"));
                (name.to_owned(), value.to_owned())
            })
            .collect()
    }

    pub(crate) fn header(&self, name: &str) -> String {
        let mut found = self.headers().into_iter().filter(|(header, _)| header == name).map(|(_, value)| value);
        found.next().unwrap_or_else(|| panic!("no {name}: {}", self.raw))
    }

    /// The text, whatever the encoding on the way.
    pub(crate) fn text(&self) -> String {
        let (_, body) = self.raw.split_once("\r\n\r\n").unwrap_or_default();
        let bytes = match self.header("Content-Transfer-Encoding").as_str() {
            "quoted-printable" => of_quoted(body),
            "base64" => of_base64(body),
            _ => body.as_bytes().to_vec(),
        };
        String::from_utf8(bytes).unwrap().replace("\r\n", "\n")
    }
}

fn of_quoted(body: &str) -> Vec<u8> {
    let body = body.replace("=\r\n", "");
    let mut bytes = Vec::new();
    let mut rest = body.as_bytes();
    while let [first, more @ ..] = rest {
        let code = (*first == b'=').then(|| std::str::from_utf8(&more[..2]).unwrap());
        bytes.push(code.map_or(*first, |code| u8::from_str_radix(code, 16).unwrap()));
        rest = if code.is_some() { &more[2..] } else { more };
    }
    bytes
}

fn of_base64(body: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for digit in body.bytes().filter_map(|byte| DIGITS.iter().position(|digit| *digit == byte)) {
        bits = bits << 6 | digit as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
}

/// Waits for the first failure, without a flush, which would have it tried again at once.
pub(crate) fn first_failure(failures: &FailureLog) -> String {
    wait_until("something fails", || !failures.is_empty());
    failures.texts().remove(0)
}
