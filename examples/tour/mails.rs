//! The handler that sends mails, and a server that takes them.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use tracing_handlers::{SmtpHandler, SmtpTls};
use tracing_subscriber::filter::LevelFilter;

use crate::streams::Shared;
use crate::{BoxedLayer, Output, Stop};

pub(crate) fn stops() -> crate::Result<Vec<(Stop, BoxedLayer)>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let (port, texts) = (listener.local_addr()?.port(), Shared::default());
    let into = texts.clone();
    thread::spawn(move || listener.incoming().try_for_each(|stream| receive(stream?, into.clone())));
    let builder = SmtpHandler::builder("127.0.0.1").port(port).tls(SmtpTls::None);
    let builder = builder.from("tour@example.org").to("you@example.org");
    let layer = builder.digest(Duration::from_secs(60)).layer()?;
    Ok(vec![Stop::new("SmtpHandler", "a digest by mail, errors only", LevelFilter::ERROR, layer, Output::Memory(texts))])
}

/// One connection; keeps the texts of its mails.
fn receive(mut stream: TcpStream, mut texts: Shared) -> io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let mut say = |words: &str| stream.write_all(format!("{words}\r\n").as_bytes());
    say("220 hello")?;
    while let Some(command) = lines.next().transpose()? {
        if command.starts_with("QUIT") {
            return say("221 bye");
        }
        if !command.starts_with("DATA") {
            say("250 well")?;
            continue;
        }
        say("354 go on")?;
        let mut mail = String::new();
        while let Some(line) = lines.next().transpose()?.filter(|line| line != ".") {
            mail.push_str(&line);
            mail.push('\n');
        }
        let (_, text) = mail.split_once("\n\n").unwrap_or_default();
        // Long lines come in pieces.
        texts.write_all(text.replace("=\n", "").replace("=3D", "=").as_bytes())?;
        say("250 taken")?;
    }
    Ok(())
}
