//! The end of a process with records that wait for their digest. A test without harness: its processes end as programs do.

#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::unwrap_used, reason = "a test")]

use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::process::{self, Command};
use std::thread;
use std::time::Duration;

use tracing_handlers_smtp::{SmtpHandler, SmtpTls};
use tracing_subscriber::prelude::*;

const PORT: &str = "SMTP_EXIT_PORT";
const HOW: &str = "SMTP_EXIT_HOW";

fn main() {
    if let Ok(port) = env::var(PORT) {
        return end(port.parse().unwrap(), &env::var(HOW).unwrap());
    }
    for how in ["return", "exit", "drop"] {
        // There it is `ExitProcess`, which runs no hook of C.
        if cfg!(windows) && how == "exit" {
            println!("a digest that waits goes out at the end of the process: {how} ... not on Windows");
            continue;
        }
        let mail = mail_of_a_process_that_ends_by(how);
        assert!(
            mail.iter().any(|line| line.ends_with("first")) && mail.iter().any(|line| line.ends_with("last")),
            "{how}: {mail:?}"
        );
        println!("a digest that waits goes out at the end of the process: {how} ... ok");
    }
}

/// The process that ends.
fn end(port: u16, how: &str) {
    let builder = SmtpHandler::builder("127.0.0.1").port(port).tls(SmtpTls::None);
    let builder = builder.from("app@example.org").to("ops@example.org").digest(Duration::from_secs(3_600));
    let subscriber = tracing_subscriber::registry().with(builder.layer().unwrap());
    let log = || {
        tracing::info!("first");
        tracing::error!("last");
    };
    if how == "drop" {
        return tracing::subscriber::with_default(subscriber, log);
    }
    subscriber.init();
    log();
    if how == "exit" {
        process::exit(0);
    }
}

fn mail_of_a_process_that_ends_by(how: &str) -> Vec<String> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = thread::spawn(move || receive(&listener));
    let child = Command::new(env::current_exe().unwrap()).env(PORT, port.to_string()).env(HOW, how).status().unwrap();
    assert!(child.success(), "{how}: {child}");
    // Somebody who says nothing, in case that nobody came.
    drop(std::net::TcpStream::connect(("127.0.0.1", port)));
    server.join().unwrap()
}

fn receive(listener: &TcpListener) -> Vec<String> {
    let (mut stream, _) = listener.accept().unwrap();
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    let mut mail = Vec::new();
    stream.write_all(b"220 hello\r\n").unwrap();
    while let Some(command) = lines.next() {
        let is_data = command == "DATA";
        stream.write_all(if is_data { b"354 go on\r\n" } else { b"250 well\r\n" }).unwrap();
        if is_data {
            mail.extend(lines.by_ref().take_while(|line| line != "."));
            stream.write_all(b"250 taken\r\n").unwrap();
        }
    }
    mail
}
