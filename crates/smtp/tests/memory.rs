//! A crash loop, and a server that says nothing, or takes what it is sent: what waits takes no more memory than it may.

// A global allocator can only be written with `unsafe`.
#![allow(unsafe_code)]
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "the functions that tests call fail as tests do")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use tracing_handlers_core::sync::lock;
use tracing_handlers_core::{Deadline, Failure, Handler, Level, Record};
use tracing_handlers_smtp::{SmtpHandler, SmtpTls};
use tracing_handlers_testing::comes_true;
use tracing_handlers_testing::gate::PATIENCE;

/// The system's allocator, which knows how much is in use, and was at the most.
struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

fn add(size: usize) {
    let in_use = IN_USE.fetch_add(size, Ordering::Relaxed) + size;
    MOST.fetch_max(in_use, Ordering::Relaxed);
}

// SAFETY: every call goes to the system's allocator unchanged; counting does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        // SAFETY: the caller's promises are those of `System`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        add(new_size);
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, new_size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const CAPACITY: usize = 1 << 20;

/// How many mails go out.
const LIMIT: u32 = 2;

/// What is in use is that of the whole process.
static TURN: Mutex<()> = Mutex::new(());

/// A handler of digests to this port, which 100 MB of errors went to, and the most that it used meanwhile.
fn after_a_storm(port: u16, timeout: Duration) -> (SmtpHandler, usize) {
    let builder = SmtpHandler::builder("127.0.0.1").port(port).tls(SmtpTls::None);
    let builder = builder.from("app@example.org").to("ops@example.org").digest(Duration::from_millis(1)).html(true);
    let builder = builder
        .max_mails(LIMIT, Duration::from_secs(3_600))
        .capacity_bytes(CAPACITY)
        .batch_bytes(CAPACITY)
        .on_failure(|_: &Failure<'_>| {});
    let handler = builder.timeout(timeout).build().unwrap();
    let record = Record::builder().level(Level::ERROR).message("x".repeat(1_000)).build();
    let before = IN_USE.load(Ordering::Relaxed);
    MOST.store(before, Ordering::Relaxed);
    for _ in 0..100_000 {
        handler.handle(&record.as_record()).ok();
    }
    let most = MOST.load(Ordering::Relaxed) - before;
    println!("at the most {most} bytes for {CAPACITY} that may wait");
    (handler, most)
}

#[test]
fn a_hundred_megabytes_of_errors_take_a_few_while_the_server_says_nothing() {
    let _turn = lock(&TURN);
    // Whoever connects is let in by the system, and hears nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    // An attempt that is under way is not cut short by a close.
    let (handler, most) = after_a_storm(silent.local_addr().unwrap().port(), Duration::from_millis(500));
    // What waits, and the mail that is under way, which stands there several times while it is written: records, frames, text, page, encoded.
    assert!(most < 32 * CAPACITY, "{most}");
    let stats = handler.stats();
    assert!(stats.handled >= 100_000 && stats.is_balanced() && stats.delivered == 0, "{stats:?}");
    assert!(handler.close(Deadline::after(Duration::ZERO)).is_err(), "what waited is lost");
    assert!(comes_true(|| handler.stats().pending == 0), "{:?}", handler.stats());
    let stats = handler.stats();
    assert!(stats.is_balanced() && stats.dropped() == stats.handled, "{stats:?}");
}

#[test]
fn a_hundred_megabytes_of_errors_take_a_few_while_the_server_takes_mails_up_to_the_limit() {
    let _turn = lock(&TURN);
    let willing = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = willing.local_addr().unwrap().port();
    let mails = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&mails);
    thread::spawn(move || willing.incoming().for_each(|stream| take_mails(stream.unwrap(), &count).unwrap_or_default()));
    let (handler, most) = after_a_storm(port, PATIENCE);
    assert!(most < 32 * CAPACITY, "{most}");
    // As many mails again as may go out: they may not.
    for _ in 0..=LIMIT {
        handler.handle(&Record::builder().level(Level::ERROR).build().as_record()).unwrap();
        handler.flush(Deadline::after(PATIENCE)).unwrap();
    }
    let stats = handler.stats();
    assert!(stats.handled > 100_000 && stats.is_balanced() && stats.pending == 0 && stats.delivered > 0, "{stats:?}");
    assert_eq!(mails.load(Ordering::SeqCst), LIMIT as usize);
}

/// Agrees to everything, and keeps nothing.
fn take_mails(mut stream: TcpStream, mails: &AtomicUsize) -> io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?);
    let mut line = Vec::new();
    let mut is_mail = false;
    stream.write_all(b"220 hello\r\n")?;
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let answer: &[u8] = match (is_mail, line.as_slice()) {
            (true, b".\r\n") => {
                mails.fetch_add(1, Ordering::SeqCst);
                b"250 taken\r\n"
            }
            (true, _) => continue,
            (false, b"DATA\r\n") => b"354 go on\r\n",
            (false, _) => b"250 well\r\n",
        };
        is_mail = answer.starts_with(b"354");
        stream.write_all(answer)?;
    }
}
