//! A peer that is killed: a process of its own, which appends to a file what it gets.

use std::fs::File;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tracing_handlers_core::{Deadline, Handler, Record};
use tracing_handlers_socket::{Retry, SocketHandler};
use tracing_handlers_testing::gate::PATIENCE;
use tracing_handlers_testing::peers::{Port, listen_on};
use tracing_handlers_testing::{FailureLog, comes_true, record};

use crate::frames::read_frame;

const PORT: &str = "TRACING_HANDLERS_KILLED_PEER_PORT";
const FILE: &str = "TRACING_HANDLERS_KILLED_PEER_FILE";

/// How often the peer is killed.
const KILLS: usize = 20;

/// So many records may be under way, far fewer than the window holds.
const AHEAD: usize = 2_000;

/// The part of the peer: in any other process it does nothing.
#[test]
fn child_that_receives_until_it_is_killed() {
    let (Ok(port), Ok(file)) = (std::env::var(PORT), std::env::var(FILE)) else { return };
    let mut file = File::options().append(true).create(true).open(file).unwrap();
    let listener = listen_on(port.parse().unwrap());
    loop {
        let (mut stream, _) = listener.accept().unwrap();
        while let Ok(Some(payload)) = read_frame(&mut stream) {
            // One call a line: it is there whole, or not at all.
            file.write_all(format!("{}\n", Record::decode(&payload).unwrap().message()).as_bytes()).unwrap();
        }
    }
}

/// A peer that runs, and what it wrote.
struct Peer {
    process: Child,
    path: PathBuf,
    seen: Vec<usize>,
    file: Option<File>,
    half: String,
}

impl Peer {
    fn start(port: &Port, path: &Path) -> Self {
        let process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "killed_peer::child_that_receives_until_it_is_killed", "--test-threads=1"])
            .env(PORT, port.number().to_string())
            .env(FILE, path)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self { process, path: path.to_owned(), seen: Vec::new(), file: None, half: String::new() }
    }

    /// Reads on in its file.
    fn look(&mut self) -> usize {
        if self.file.is_none() {
            self.file = File::open(&self.path).ok();
        }
        if let Some(file) = &mut self.file {
            file.read_to_string(&mut self.half).unwrap();
        }
        if let Some((lines, half)) = self.half.rsplit_once('\n') {
            self.seen.extend(lines.lines().map(|line| line.parse::<usize>().unwrap()));
            self.half = half.to_owned();
        }
        self.seen.len()
    }

    /// Waits until it wrote so much.
    fn wait_until(&mut self, is_enough: impl Fn(&[usize]) -> bool) {
        let is_there = comes_true(|| {
            self.look();
            is_enough(&self.seen)
        });
        assert!(is_there, "{} records came, up to {:?}", self.seen.len(), self.seen.last());
    }

    /// Kills it; what it wrote before.
    fn kill(mut self) -> Vec<usize> {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.look();
        assert!(self.half.is_empty(), "half a line: {}", self.half);
        std::mem::take(&mut self.seen)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// Raises numbers as fast as they come, up to a lead, and from then on one now and then: a handler that has nothing to send does not look whether
/// its peer is still there. How many there were.
fn load(handler: &SocketHandler, newest: &AtomicUsize, is_enough: &AtomicBool) -> usize {
    for number in 0.. {
        handler.handle(&record(number.to_string()).as_record()).unwrap();
        let pause = Deadline::after(Duration::from_millis(10));
        while number > newest.load(Ordering::SeqCst) + AHEAD && !is_enough.load(Ordering::SeqCst) && !pause.has_passed() {
            std::thread::yield_now();
        }
        if is_enough.load(Ordering::SeqCst) {
            return number + 1;
        }
    }
    0
}

/// Ends the load, also where the test fails.
struct Enough<'t>(&'t AtomicBool);

impl Drop for Enough<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// A number below `end`, another one each time.
fn by_chance(end: usize) -> usize {
    (RandomState::new().build_hasher().finish() % end as u64) as usize
}

#[test]
fn a_peer_that_is_killed_twenty_times_under_load_misses_nothing_that_the_window_holds() {
    let (port, folder) = (Port::reserve(), tempfile::tempdir().unwrap());
    let retry = Retry::new(Duration::from_millis(1)).max(Duration::from_millis(20));
    let builder = SocketHandler::builder().tcp("127.0.0.1", port.number()).retry(retry).resend_window(4 << 20);
    let handler = builder.on_failure(FailureLog::new()).build().unwrap();
    let (newest, is_enough) = (AtomicUsize::new(0), AtomicBool::new(false));
    let file = |life: usize| folder.path().join(life.to_string());
    let mut lives = Vec::new();
    let raised = std::thread::scope(|scope| {
        let load = scope.spawn(|| load(&handler, &newest, &is_enough));
        let enough = Enough(&is_enough);
        for life in 0..KILLS {
            let mut peer = Peer::start(&port, &file(life));
            // What came before counts as new only beyond the newest: then the load goes on in this life too.
            let beyond = newest.load(Ordering::SeqCst) + by_chance(500) + 1;
            peer.wait_until(|seen| seen.last().is_some_and(|last| *last >= beyond));
            let seen = peer.kill();
            newest.fetch_max(seen.iter().copied().max().unwrap(), Ordering::SeqCst);
            lives.push(seen);
        }
        let mut last = Peer::start(&port, &file(KILLS));
        last.wait_until(|seen| !seen.is_empty());
        drop(enough);
        let raised = load.join().unwrap();
        handler.flush(PATIENCE.into()).unwrap();
        last.wait_until(|seen| seen.last() == Some(&(raised - 1)));
        handler.close(PATIENCE.into()).unwrap();
        lives.push(last.kill());
        raised
    });
    for (life, seen) in lives.iter().enumerate() {
        assert!(seen.windows(2).all(|pair| pair[1] == pair[0] + 1), "a gap or another order in life {life}: {seen:?}");
    }
    let mut all = lives.concat();
    let came = all.len();
    all.sort_unstable();
    all.dedup();
    assert!(all.iter().copied().eq(0..raised), "{} of {raised} came", all.len());
    // Each life begins within what earlier ones saw: those are the ones that came twice, and there are no others.
    let mut seen_before = 0;
    let twice: usize = lives
        .iter()
        .map(|seen| {
            let (first, next) = (seen[0], seen[seen.len() - 1] + 1);
            let twice = seen_before - first;
            seen_before = next.max(seen_before);
            twice
        })
        .sum();
    assert_eq!(came, raised + twice);
    assert!(twice > 0, "a window that is sent again makes some come twice");
    let stats = handler.stats();
    assert_eq!((stats.delivered, stats.dropped(), stats.pending), (raised as u64, 0, 0), "{raised} raised, {twice} twice");
}
