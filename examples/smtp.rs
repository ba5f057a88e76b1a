//! Sends errors as mails with `SmtpHandler`, several in one, to a little mail server that runs inside this program.
//!
//! ```sh
//! cargo run -p tracing-handlers-examples --example smtp
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use tracing_handlers::format::Text;
use tracing_handlers::{SmtpHandler, SmtpTls};
use tracing_subscriber::{filter::LevelFilter, prelude::*};

fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let server = thread::spawn(move || receive(&listener));

    let mails = SmtpHandler::builder("127.0.0.1")
        .port(port)
        // Only here, where nobody is in between. The default is STARTTLS, which then is required; a real one has `.credentials(…)` too.
        .tls(SmtpTls::None)
        .from("My App <app@example.org>")
        .to("ops@example.org")
        // At most one mail a minute, of all records since the last.
        .digest(Duration::from_secs(60))
        .format(Text::new().time(false))
        .layer()?;
    let handle = mails.handle();
    tracing_subscriber::registry().with(mails.with_filter(LevelFilter::WARN)).init();

    tracing::info!("this is no matter for a mail");
    tracing::warn!(left = 2, "stock is low");
    tracing::error!(code = 402, "payment refused");

    // The end of the process would do it as well.
    handle.flush(Duration::from_secs(5))?;
    let mail = server.join().map_err(|_| "the server panicked")??;
    println!("{mail}\n\n{}", handle.stats());
    assert!(mail.contains("Subject: ERROR smtp: payment refused (2 records)"));
    assert_eq!(handle.stats().delivered, 2);
    Ok(())
}

/// As much of a mail server as one mail needs.
fn receive(listener: &TcpListener) -> io::Result<String> {
    let (mut stream, _) = listener.accept()?;
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let mut mail = Vec::new();
    let mut say = |words: &str| stream.write_all(format!("{words}\r\n").as_bytes());
    say("220 hello")?;
    while let Some(command) = lines.next().transpose()? {
        if command.starts_with("QUIT") {
            say("221 bye")?;
            break;
        }
        if !command.starts_with("DATA") {
            say("250 well")?;
            continue;
        }
        say("354 go on")?;
        while let Some(line) = lines.next().transpose()?.filter(|line| line != ".") {
            mail.push(line);
        }
        say("250 taken")?;
    }
    Ok(mail.join("\n"))
}
