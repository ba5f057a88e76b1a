//! What waits for a peer when `main` returns, or the process exits or forks: this program runs itself as a child, once for each way to end.
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
        _ => {
            ["return from main", "process::exit", "process::exit in another thread"].into_iter().for_each(check);
            #[cfg(unix)]
            check_fork();
        }
    }
}

fn running(ending: &str, listener: &TcpListener) -> process::Child {
    let port = listener.local_addr().unwrap().port().to_string();
    let mut command = Command::new(env::current_exe().unwrap());
    command.env(ENDING, ending).env(PORT, port).stderr(process::Stdio::piped()).spawn().unwrap()
}

fn lines_of_the_next(listener: &TcpListener) -> Vec<String> {
    let (stream, _) = listener.accept().unwrap();
    BufReader::new(stream).lines().map_while(Result::ok).collect()
}

fn check(ending: &str) {
    // There it is `ExitProcess`, which runs no hook of C.
    if cfg!(windows) && ending.starts_with("process::exit") {
        println!("exit: {ending} ... not on Windows");
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let running = running(ending, &listener);
    let lines = lines_of_the_next(&listener);
    let output = running.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    let (last, flushed) = lines.split_last().unwrap();
    assert_eq!((last.as_str(), flushed.len()), ("the tail", ROUNDS), "{ending}\n{stderr}");
    assert!(stderr.is_empty(), "{ending}: {stderr}");
    println!("exit: {ending} ... ok");
}

/// What waits when a process forks is its parent's: a flush in the child says that nobody brings it anywhere, at once, and the end of the child
/// sends nothing of it. A handler that is made in the child has a delivery thread of its own.
#[cfg(unix)]
fn check_fork() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let running = running("fork", &listener);
    // The connection of the parent is the first, and open while that of the child comes and goes.
    let (parent, _) = listener.accept().unwrap();
    assert_eq!(lines_of_the_next(&listener), ["of the child"]);
    let lines: Vec<_> = BufReader::new(parent).lines().map_while(Result::ok).collect();
    let output = running.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    assert_eq!((lines.len(), lines.last().map(String::as_str)), (ROUNDS + 1, Some("the tail")));
    println!("exit: a forked child ... ok");
}

#[cfg(unix)]
#[allow(unsafe_code, reason = "the subject is fork itself")]
fn fork(inherited: &Delivery, port: u16) {
    // SAFETY: the other thread of this process sleeps, and the main thread has no lock.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let refused = inherited.flush(Deadline::never()).unwrap_err();
        assert!(refused.to_string().contains("forked process"), "{refused}");
        let own = delivery(port);
        own.handle(&Record::builder().message("of the child").build().as_record()).unwrap();
        own.close(Deadline::after(Duration::from_secs(30))).unwrap();
        process::exit(0);
    }
    let mut status = 0;
    // SAFETY: `status` is a place for an int.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(status, 0, "the child ended well");
}

fn delivery(port: u16) -> Delivery {
    let encode = |record: &Record<'_>, out: &mut Vec<u8>| -> Result<(), Error> {
        out.extend_from_slice(record.message().as_bytes());
        out.push(b'\n');
        Ok(())
    };
    let mut settings = Settings::default();
    // Nobody looks by himself before the end.
    settings.limits.max_delay = Duration::from_secs(3_600);
    let transport = StreamTransport::new(Peer::Tcp { host: "127.0.0.1".to_owned(), port });
    Delivery::start("child", settings, encode, transport).unwrap()
}

fn child(ending: &str, port: u16) {
    let delivery = delivery(port);
    // An important record wakes the delivery thread, a flush does too.
    let important = Record::builder().level(Level::ERROR).message("flushed").build();
    for _ in 0..ROUNDS {
        delivery.handle(&important.as_record()).unwrap();
        delivery.flush(Deadline::after(Duration::from_secs(30))).unwrap();
    }
    delivery.handle(&Record::builder().message("the tail").build().as_record()).unwrap();
    #[cfg(unix)]
    if ending == "fork" {
        fork(&delivery, port);
    }
    mem::forget(delivery);
    match ending {
        "process::exit" => process::exit(0),
        "process::exit in another thread" => drop(std::thread::spawn(|| process::exit(0)).join()),
        _ => {}
    }
}
