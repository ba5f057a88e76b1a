//! `--when`, `--max-bytes`, `--backup-count` and `--compress`: what lies in the folder when the program has ended.

use std::fs::{self, File};
use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use tracing_handlers_testing::wait_until;

use crate::Program;

const DAY: Duration = Duration::from_secs(86_400);

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The lines of a file that gzip packed, as gzip unpacks it, or of one that is not packed.
fn lines(path: &Path) -> Vec<String> {
    let bytes = if path.extension().is_some_and(|ending| ending == "gz") {
        let unpacked = Command::new("gzip").arg("-dc").arg(path).output().unwrap();
        assert!(unpacked.status.success(), "{unpacked:?}");
        unpacked.stdout
    } else {
        fs::read(path).unwrap()
    };
    String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
}

fn send(stream: &mut TcpStream, message: &str) {
    stream.write_all(format!("{{\"message\":\"{message}\"}}\n").as_bytes()).unwrap();
}

/// A file that was last written so long ago.
fn old_file(path: &Path, age: Duration) {
    fs::write(path, "of an earlier life\n").unwrap();
    File::options().append(true).open(path).unwrap().set_modified(SystemTime::now() - age).unwrap();
}

#[test]
fn a_file_of_another_day_is_rolled_by_the_clock_and_compressed_and_the_oldest_go() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    old_file(&at("app.log"), 3 * DAY);
    ["app.log.2020-01-01", "app.log.2020-01-02", "app.log.old"].iter().for_each(|name| old_file(&at(name), DAY));
    let arguments =
        ["tcp://127.0.0.1:0", "--file", "app.log", "--when", "MIDNIGHT", "--backup-count", "2", "--compress", "--color=never"];
    let program = Program::start(folder.path(), &arguments);
    send(&mut TcpStream::connect(("127.0.0.1", program.ports[0])).unwrap(), "of today");
    let (shown, said) = program.end("-TERM");
    assert!(shown.is_empty() && said.contains("1 records"), "{shown}{said}");

    let names = names(folder.path());
    let [now, older, newer, neighbour] = &names[..] else { panic!("{names:?}") };
    assert_eq!((now.as_str(), older.as_str(), neighbour.as_str()), ("app.log", "app.log.2020-01-02.gz", "app.log.old"));
    assert!(newer.starts_with("app.log.20") && newer.len() == "app.log.2026-01-01.gz".len(), "{newer}");
    assert_eq!(lines(&at(newer)), ["of an earlier life"]);
    let today = lines(&at("app.log"));
    assert!(today.len() == 1 && today[0].ends_with("of today"), "{today:?}");
}

#[test]
fn a_file_of_each_second_has_the_records_of_that_second() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), &["tcp://127.0.0.1:0", "--file=app.log", "--when=S", "--json"]);
    let mut stream = TcpStream::connect(("127.0.0.1", program.ports[0])).unwrap();
    let mut sent = 0;
    wait_until("it is rolled twice", || {
        send(&mut stream, &format!("number {sent}"));
        sent += 1;
        names(folder.path()).len() > 2
    });
    let (_, said) = program.end("-INT");
    assert!(said.contains(&format!("{sent} records")), "{said}");
    // By name from the oldest to the newest, and then the one without a date.
    let mut names = names(folder.path());
    names.rotate_left(1);
    let all: Vec<_> = names.iter().flat_map(|name| lines(&folder.path().join(name))).collect();
    assert_eq!(all.len(), sent);
    assert!(all.iter().enumerate().all(|(n, line)| line.contains(&format!("\"number {n}\""))), "in their order");
}

#[test]
fn a_file_is_rolled_by_size_and_compressed_before_the_program_ends() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["tcp://127.0.0.1:0", "--file", "app.log", "--max-bytes", "20000", "--backup-count", "3", "--compress"];
    let program = Program::start(folder.path(), &arguments);
    let mut stream = TcpStream::connect(("127.0.0.1", program.ports[0])).unwrap();
    (0..4_000).for_each(|n| send(&mut stream, &format!("number {n}")));
    let (_, said) = program.end("-TERM");
    assert!(said.contains("4000 records"), "{said}");
    let names = names(folder.path());
    assert_eq!(names, ["app.log", "app.log.1.gz", "app.log.2.gz", "app.log.3.gz"]);
    let kept: Vec<_> = names.iter().rev().flat_map(|name| lines(&folder.path().join(name))).collect();
    let first = 4_000 - kept.len();
    assert!(first > 0, "what is too old is gone");
    assert!(kept.iter().zip(first..).all(|(line, n)| line.ends_with(&format!("number {n}"))), "the newest, none missing");
}
