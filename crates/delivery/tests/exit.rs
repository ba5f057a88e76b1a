//! What waits for a peer when `main` returns or the process exits: this program runs itself as a child, once for each way to end.
//!
//! It has no test harness, since the subject is the main thread: it has woken the delivery thread before, and when the exit hook wakes it once
//! more, the thread's locals are gone.

// Without a harness, clippy does not know that this is a test.
#![allow(clippy::panic, clippy::print_stdout, clippy::unwrap_used)]

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{self, Command};
use std::time::Duration;
use std::{env, mem};

use tracing_handlers_core::{Deadline, Error, Handler, Level, Record};
use tracing_handlers_delivery::dial::Peer;
use tracing_handlers_delivery::{Delivery, Settings, StreamTransport};

/// Tells a child how to end, and to which port to log.
const ENDING: &str = "TRACING_HANDLERS_TEST_ENDING";
const PORT: &str = "TRACING_HANDLERS_TEST_PORT";

/// So often that some wake a thread that sleeps.
const ROUNDS: usize = 50;

fn main() {
    match (env::var(ENDING), env::var(PORT)) {
        (Ok(ending), Ok(port)) => child(&ending, port.parse().unwrap()),
        // Tools that list tests must find none here.
        _ if env::args().any(|argument| argument == "--list") => {}
        _ => ["return from main", "process::exit", "process::exit in another thread"].into_iter().for_each(check),
    }
}

fn check(ending: &str) {
    // There it is `ExitProcess`, which runs no hook of C.
    if cfg!(windows) && ending.starts_with("process::exit") {
        println!("exit: {ending} ... not on Windows");
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let mut command = Command::new(env::current_exe().unwrap());
    let running = command.env(ENDING, ending).env(PORT, port).stderr(process::Stdio::piped()).spawn().unwrap();
    let (stream, _) = listener.accept().unwrap();
    let lines: Vec<_> = BufReader::new(stream).lines().map_while(Result::ok).collect();
    let output = running.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    let (last, flushed) = lines.split_last().unwrap();
    assert_eq!((last.as_str(), flushed.len()), ("the tail", ROUNDS), "{ending}\n{stderr}");
    assert!(stderr.is_empty(), "{ending}: {stderr}");
    println!("exit: {ending} ... ok");
}

fn child(ending: &str, port: u16) {
    let encode = |record: &Record<'_>, out: &mut Vec<u8>| -> Result<(), Error> {
        out.extend_from_slice(record.message().as_bytes());
        out.push(b'\n');
        Ok(())
    };
    let mut settings = Settings::default();
    // Nobody looks by himself before the end.
    settings.limits.max_delay = Duration::from_secs(3_600);
    let transport = StreamTransport::new(Peer::Tcp { host: "127.0.0.1".to_owned(), port });
    let delivery = Delivery::start("child", settings, encode, transport).unwrap();
    // An important record wakes the delivery thread, a flush does too.
    let important = Record::builder().level(Level::ERROR).message("flushed").build();
    for _ in 0..ROUNDS {
        delivery.handle(&important.as_record()).unwrap();
        delivery.flush(Deadline::after(Duration::from_secs(30))).unwrap();
    }
    delivery.handle(&Record::builder().message("the tail").build().as_record()).unwrap();
    mem::forget(delivery);
    match ending {
        "process::exit" => process::exit(0),
        "process::exit in another thread" => drop(std::thread::spawn(|| process::exit(0)).join()),
        _ => {}
    }
}
