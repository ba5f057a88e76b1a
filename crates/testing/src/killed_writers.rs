//! Processes that write to one log until they are killed, and what they must leave.
//!
//! The test runs itself as a child: [`child`] gives a child its log, [`run`] starts the children and kills each after a number of
//! records of its own. A child tells each record that `handle` accepted, afterwards, through its standard output.

use std::collections::HashMap;
use std::env;
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;

use tracing_handlers_core::{Failure, Handler, OnFailure};

use crate::capture::record;
use crate::file_subject::lines_of;

const PATH: &str = "TRACING_HANDLERS_KILLED_WRITER_PATH";
const NAME: &str = "TRACING_HANDLERS_KILLED_WRITER_NAME";

/// What a child says of a failure.
const FAILED: &str = "failed: ";

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
    /// A hook that tells of failures as of records.
    pub fn failures(&self) -> impl OnFailure + use<> {
        |failure: &Failure<'_>| {
            let line = format!("{FAILED}{}\n", failure.error.one_line());
            std::io::stdout().write_all(line.as_bytes()).unwrap();
        }
    }

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

/// What the writers told before they were killed.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// How many records each of them has written.
    pub records: Vec<u64>,
    /// What went wrong, of those that have the hook [`failures`](KilledWriter::failures).
    pub failures: Vec<String>,
}

impl Told {
    fn add(mut self, (records, failures): (u64, Vec<String>)) -> Self {
        self.records.push(records);
        self.failures.extend(failures);
        self
    }
}

/// Runs one writer for each of `lives`, all at once, and kills it when it has told so many records.
///
/// # Panics
///
/// A child ends by itself.
pub fn run(test: &str, path: &Path, lives: &[u64]) -> Told {
    let names = 0..lives.len();
    let children: Vec<_> = names.map(|name| spawn(test, path, &name.to_string())).collect();
    let watchers: Vec<_> = children
        .into_iter()
        .zip(lives)
        .map(|(child, &life)| thread::spawn(move || Watcher::of(child).kill_after(life)))
        .collect();
    watchers.into_iter().map(|watcher| watcher.join().unwrap()).fold(Told::default(), Told::add)
}

/// As [`run`], but the first writer is stopped where it is when it has told so many records, before the others begin, and goes on when
/// all of them are dead, for as many records more.
///
/// # Panics
///
/// A child ends by itself, or cannot be stopped.
#[cfg(unix)]
pub fn run_with_one_stopped(test: &str, path: &Path, lives: &[u64]) -> Told {
    let mut stopped = Watcher::of(spawn(test, path, "0"));
    stopped.wait_for(lives[0]);
    stopped.signal("STOP");
    let others = (1..lives.len()).map(|name| Watcher::of(spawn(test, path, &name.to_string())));
    let others: Vec<_> =
        others.zip(&lives[1..]).map(|(watcher, &life)| thread::spawn(move || watcher.kill_after(life))).collect();
    let others: Vec<_> = others.into_iter().map(|watcher| watcher.join().unwrap()).collect();
    stopped.signal("CONT");
    let stopped = stopped.kill_after(2 * lives[0]);
    others.into_iter().fold(Told::default().add(stopped), Told::add)
}

fn spawn(test: &str, path: &Path, name: &str) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    let command = command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(PATH, path).env(NAME, name);
    command.stdout(Stdio::piped()).spawn().unwrap()
}

/// Listens to a child.
struct Watcher {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    told: u64,
    failures: Vec<String>,
}

impl Watcher {
    fn of(mut child: Child) -> Self {
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines, told: 0, failures: Vec::new() }
    }

    /// How many records it has told after the next one; `None` when it is dead.
    fn next(&mut self) -> Option<u64> {
        for line in self.lines.by_ref().map_while(Result::ok) {
            match (line.parse::<u64>(), line.strip_prefix(FAILED)) {
                (Ok(number), _) => return Some(number + 1),
                (_, Some(failure)) => self.failures.push(failure.to_owned()),
                // What the harness of tests says.
                _ => {}
            }
        }
        None
    }

    fn wait_for(&mut self, life: u64) {
        while self.told < life {
            self.told = self.next().expect("a writer ended by itself");
        }
    }

    /// Kills it when it has told so many records; says how many it has told in the end, and what went wrong.
    fn kill_after(mut self, life: u64) -> (u64, Vec<String>) {
        self.wait_for(life);
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        while let Some(told) = self.next() {
            self.told = told;
        }
        (self.told, self.failures)
    }

    #[cfg(unix)]
    fn signal(&self, name: &str) {
        let status = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.child.id())]).status().unwrap();
        assert!(status.success(), "kill -{name}");
    }
}

/// Checks that every record that was told is in exactly one of the files, whole, behind those that the same writer wrote before.
///
/// # Panics
///
/// A record is lost, torn, doubled or in the wrong place.
pub fn check(files_oldest_first: &[PathBuf], told: &Told) {
    let found = read(files_oldest_first, &told.records, |_| 0);
    for (name, told) in told.records.iter().enumerate() {
        let found = found.get(&name.to_string()).copied().unwrap_or_default();
        // The last may have been written, and not told any more.
        assert!(found == *told || found == *told + 1, "writer {name} told {told} records, {found} are there");
    }
}

/// As [`check`], where older files were deleted: what is there of a writer begins anywhere, and goes on to its last record.
///
/// # Panics
///
/// A record is torn, doubled or in the wrong place, or missing behind one that is there.
pub fn check_newest(files_oldest_first: &[PathBuf], told: &Told) {
    let found = read(files_oldest_first, &told.records, |first| first);
    for (name, found) in found {
        let told = told.records[name.parse::<usize>().unwrap()];
        assert!(found == told || found == told + 1, "writer {name} told {told} records, they end at {found}");
    }
}

/// Reads all records, which follow each other without a gap; gives back, by writer, the number behind the last. `begin` says what the first has
/// to be, given what it is.
fn read(files_oldest_first: &[PathBuf], told: &[u64], begin: impl Fn(u64) -> u64) -> HashMap<String, u64> {
    let mut next: HashMap<String, u64> = HashMap::new();
    for path in files_oldest_first {
        for found in lines_of(path) {
            let Some(found) = without_cut_record(&found, &next, told) else { continue };
            let mut words = found.split(' ').skip(1).step_by(2);
            let (name, number) = (words.next().unwrap_or_default(), words.next().and_then(|number| number.parse().ok()));
            let expected = next.entry(name.to_owned()).or_insert_with(|| begin(number.unwrap_or_default()));
            assert_eq!(found, line(name, *expected), "in {}", path.display());
            *expected += 1;
        }
    }
    next
}

/// The kernel cuts a write at the end of a page when its process is killed at that moment: the beginning of a record that nobody was told
/// was accepted, or all of it but the end of its line, then stands before the next one or at the end of the file.
fn without_cut_record<'a>(found: &'a str, next: &HashMap<String, u64>, told: &[u64]) -> Option<&'a str> {
    let mut last = (0..told.len()).filter_map(|name| {
        let number = next.get(&name.to_string()).copied().unwrap_or(told[name]);
        (number >= told[name]).then(|| line(&name.to_string(), number))
    });
    match found.rfind("writer ") {
        Some(at) if at > 0 => Some(if last.any(|last| last.starts_with(&found[..at])) { &found[at..] } else { found }),
        _ if last.any(|last| last != found && last.starts_with(found)) => None,
        _ => Some(found),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Writer 0 has told five records and writer 1 has told two, all of which were found.
    fn without(found: &str) -> Option<String> {
        let next = HashMap::from([("0".to_owned(), 5), ("1".to_owned(), 2)]);
        without_cut_record(found, &next, &[5, 2]).map(str::to_owned)
    }

    #[test]
    fn the_beginning_of_a_record_that_nobody_told_is_cut_off() {
        let (last, next) = (line("0", 5), line("1", 2));
        for end in 1..=last.len() {
            assert_eq!(without(&format!("{}{next}", &last[..end])).as_ref(), Some(&next), "{end}");
        }
        for end in 1..last.len() {
            assert_eq!(without(&last[..end]), None, "{end}");
        }
    }

    #[test]
    fn whatever_else_is_there_stays() {
        let (told, last, next) = (line("0", 4), line("0", 5), line("1", 2));
        for found in [
            told.clone(),
            last.clone(),
            format!("{told}{next}"),
            format!("{last}.{next}"),
            "nonsense".to_owned(),
            told[..9].to_owned() + "x",
        ] {
            assert_eq!(without(&found).as_ref(), Some(&found));
        }
    }
}
