//! Processes that write to one log until they are killed, and what they must leave.
//!
//! The test runs itself as a child: [`child`] gives a child its log, [`run`] starts the children and kills each after a number of
//! records of its own. A child tells each record that `handle` accepted, afterwards, through its standard output.

use std::collections::HashMap;
use std::env;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use tracing_handlers_core::Handler;

use crate::capture::record;
use crate::file_subject::lines_of;

const PATH: &str = "TRACING_HANDLERS_KILLED_WRITER_PATH";
const NAME: &str = "TRACING_HANDLERS_KILLED_WRITER_NAME";

/// A process that writes until it is killed.
pub struct KilledWriter {
    /// The log that all of them write.
    pub path: PathBuf,
    name: String,
}

/// This process, if it is one of the children.
pub fn child() -> Option<KilledWriter> {
    Some(KilledWriter { path: env::var_os(PATH)?.into(), name: env::var(NAME).ok()? })
}

impl KilledWriter {
    /// Writes numbered records, and tells of each that it was accepted.
    ///
    /// # Panics
    ///
    /// A record is refused, or nobody listens any more.
    pub fn write_until_killed(&self, handler: &impl Handler) -> ! {
        let mut told = std::io::stdout();
        told.write_all(b"\n").unwrap();
        for number in 0_u64.. {
            handler.handle(&record(line(&self.name, number)).as_record()).unwrap();
            told.write_all(format!("{number}\n").as_bytes()).unwrap();
        }
        unreachable!("the numbers do not end");
    }
}

fn line(name: &str, number: u64) -> String {
    format!("writer {name} record {number} {}.", "-".repeat(number as usize % 40))
}

/// Runs one writer for each of `lives`, all at once, and kills it when it has told so many records; gives back how many each has told.
///
/// # Panics
///
/// A child ends by itself.
pub fn run(test: &str, path: &Path, lives: &[u64]) -> Vec<u64> {
    let names = 0..lives.len();
    let children: Vec<_> = names.map(|name| spawn(test, path, &name.to_string())).collect();
    let watchers: Vec<_> =
        children.into_iter().zip(lives).map(|(child, &life)| thread::spawn(move || kill_after(child, life))).collect();
    watchers.into_iter().map(|watcher| watcher.join().unwrap()).collect()
}

fn spawn(test: &str, path: &Path, name: &str) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    let command = command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(PATH, path).env(NAME, name);
    command.stdout(Stdio::piped()).spawn().unwrap()
}

fn kill_after(mut child: Child, life: u64) -> u64 {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut numbers = lines.filter_map(|line| line.parse::<u64>().ok());
    let mut told = 0;
    while told < life {
        told = numbers.next().expect("a writer ended by itself") + 1;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    numbers.last().map_or(told, |last| last + 1)
}

/// Checks that every record that was told is in exactly one of the files, whole, behind those that the same writer wrote before.
///
/// # Panics
///
/// A record is lost, torn, doubled or in the wrong place.
pub fn check(files_oldest_first: &[PathBuf], told: &[u64]) {
    let mut next: HashMap<String, u64> = HashMap::new();
    for path in files_oldest_first {
        for found in lines_of(path) {
            let name = found.split(' ').nth(1).unwrap_or_default().to_owned();
            let number = next.entry(name.clone()).or_default();
            assert_eq!(found, line(&name, *number), "in {}", path.display());
            *number += 1;
        }
    }
    for (name, told) in told.iter().enumerate() {
        let found = next.get(&name.to_string()).copied().unwrap_or_default();
        // The last may have been written, and not told any more.
        assert!(found == *told || found == *told + 1, "writer {name} told {told} records, {found} are there");
    }
}

/// Numbers that look like chance, the same in each run.
pub fn lives(round: u64, writers: usize, at_least: u64, below: u64) -> Vec<u64> {
    let mut state = round.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut draw = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        at_least + state % (below - at_least)
    };
    (0..writers).map(|_| draw()).collect()
}
