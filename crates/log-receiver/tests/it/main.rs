//! The program itself, as a child.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "the functions that tests call fail as tests do"
)]
#![cfg_attr(not(unix), allow(unused_imports, dead_code, reason = "some of it is for tests of Unix alone"))]

#[cfg(all(unix, feature = "gzip"))]
mod rolled;
#[cfg(unix)]
mod tls;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};

use tracing_handlers_core::Handler;
use tracing_handlers_socket::{DatagramHandler, Encoding, SocketHandler};
use tracing_handlers_testing::gate::PATIENCE;
use tracing_handlers_testing::{record, wait_until};

/// The program once it listens.
struct Program {
    child: Child,
    stderr: BufReader<ChildStderr>,
    ports: Vec<u16>,
}

impl Program {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        Self::run(Command::new(env!("CARGO_BIN_EXE_log-receiver")).args(arguments).current_dir(folder))
    }

    fn run(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut ports = Vec::new();
        loop {
            let mut line = String::new();
            assert!(stderr.read_line(&mut line).unwrap() > 0, "it ended early");
            match line.trim_end().rsplit_once(':') {
                Some((_, " ready")) => return Self { child, stderr, ports },
                Some((_, port)) => ports.push(port.parse().unwrap_or_else(|_| panic!("{line}"))),
                None => panic!("{line}"),
            }
        }
    }

    /// Tells it to end; what it said on stdout, and its counters.
    fn end(mut self, signal: &str) -> (String, String) {
        let killed = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        let (mut shown, mut said) = (String::new(), String::new());
        self.child.stdout.take().unwrap().read_to_string(&mut shown).unwrap();
        self.stderr.read_to_string(&mut said).unwrap();
        assert!(self.child.wait().unwrap().success(), "{said}");
        (shown, said)
    }
}

/// Where a test fails the program ends with it.
impl Drop for Program {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn send(handler: &impl Handler, count: usize) {
    (0..count).for_each(|n| handler.handle(&record(format!("ours {n}")).as_record()).unwrap());
    handler.close(PATIENCE.into()).unwrap();
}

#[test]
fn what_came_is_in_the_file_while_the_program_runs() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), &["tcp://127.0.0.1:0", "udp://127.0.0.1:0", "--file", "app.log"]);
    let [tcp, udp] = program.ports[..] else { panic!("two ports") };
    send(&SocketHandler::builder().tcp("127.0.0.1", tcp).build().unwrap(), 100);
    send(&SocketHandler::builder().tcp("127.0.0.1", tcp).encoding(Encoding::JsonLines).build().unwrap(), 50);
    send(&DatagramHandler::builder().udp("127.0.0.1", udp).build().unwrap(), 10);
    let written = || std::fs::read_to_string(folder.path().join("app.log")).unwrap_or_default();
    wait_until("all are there", || written().matches('\n').count() >= 160);
    assert_eq!((written().matches("ours ").count(), written().lines().count()), (160, 160), "{}", written());
}

#[cfg(unix)]
#[test]
fn records_of_rust_and_of_cpython_from_every_kind_of_place_are_in_the_file_when_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let places = ["tcp://127.0.0.1:0", "udp://127.0.0.1:0", "unix://stream", "unixgram://datagrams", "--file", "app.log"];
    let program = Program::start(folder.path(), &places);
    let [tcp, udp] = program.ports[..] else { panic!("two ports") };
    send(&SocketHandler::builder().tcp("127.0.0.1", tcp).build().unwrap(), 100);
    send(&SocketHandler::builder().unix(folder.path().join("stream")).encoding(Encoding::JsonLines).build().unwrap(), 50);
    send(&DatagramHandler::builder().udp("127.0.0.1", udp).build().unwrap(), 10);
    send(&DatagramHandler::builder().unix(folder.path().join("datagrams")).build().unwrap(), 10);
    let python = "
import logging, logging.handlers, sys
logger = logging.getLogger('app')
logger.addHandler(logging.handlers.SocketHandler('127.0.0.1', int(sys.argv[1])))
logger.addHandler(logging.handlers.DatagramHandler('127.0.0.1', int(sys.argv[2])))
for n in range(20):
    logger.warning('python %d', n)
";
    let sent = Command::new("python3").args(["-c", python, &tcp.to_string(), &udp.to_string()]).output().unwrap();
    assert!(sent.status.success(), "{sent:?}");
    let (shown, said) = program.end("-TERM");
    assert_eq!(shown, "");
    assert!(said.contains("3 connections (0 turned away)"), "{said}");
    assert!(said.contains("210 records (messagepack 120, json 50, pickle 40), 0 refused"), "{said}");
    let file = std::fs::read_to_string(folder.path().join("app.log")).unwrap();
    assert_eq!((file.matches("ours ").count(), file.matches("python ").count(), file.lines().count()), (170, 40, 210));
}

#[cfg(unix)]
#[test]
fn what_was_sent_before_the_signal_is_written_although_nobody_waited() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(
        folder.path(),
        &["tcp://127.0.0.1:0", "--file", "app.log", "--max-bytes", "20000", "--backup-count", "99"],
    );
    let mut streams: Vec<_> = (0..20).map(|_| TcpStream::connect(("127.0.0.1", program.ports[0])).unwrap()).collect();
    for n in 0..200 {
        for stream in &mut streams {
            stream.write_all(format!("{{\"message\":\"number {n} of many\"}}\n").as_bytes()).unwrap();
        }
    }
    let (_, said) = program.end("-TERM");
    assert!(said.contains("4000 records"), "{said}");
    let mut lines = 0;
    let mut files = 0;
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        lines += std::fs::read_to_string(entry.unwrap().path()).unwrap().lines().count();
        files += 1;
    }
    assert_eq!(lines, 4_000);
    assert!(files > 2, "it was rolled over");
}

#[cfg(unix)]
#[test]
fn the_terminal_shows_what_passes_the_level_and_the_target() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["tcp://127.0.0.1:0", "--level=INFO", "--target", "app", "--color=always"];
    let program = Program::start(folder.path(), &arguments);
    let mut stream = TcpStream::connect(("127.0.0.1", program.ports[0])).unwrap();
    for (level, target, message) in [
        ("INFO", "app", "one"),
        ("ERROR", "app::db", "two"),
        ("DEBUG", "app", "not"),
        ("ERROR", "apple", "not"),
        ("WARN", "app.x", "three"),
    ] {
        let line = format!("{{\"level\":\"{level}\",\"target\":\"{target}\",\"message\":\"{message}\"}}\n");
        stream.write_all(line.as_bytes()).unwrap();
    }
    let (shown, said) = program.end("-INT");
    assert!(said.contains("5 records"), "{said}");
    assert_eq!(shown.lines().count(), 3, "{shown}");
    assert!(shown.contains("one") && shown.contains("two") && shown.contains("three") && shown.contains('\u{1b}'), "{shown}");
}

#[cfg(unix)]
#[test]
fn refused_frames_are_counted_by_reason_and_json_is_json() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), &["udp://127.0.0.1:0", "--json", "--file=app.log", "--follow"]);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for datagram in [&b"nonsense"[..], b"\0\0\0\x04cos\n", b"{\"message\":\"good\"}\n"] {
        socket.send_to(datagram, ("127.0.0.1", program.ports[0])).unwrap();
    }
    let (shown, said) = program.end("-TERM");
    assert!(said.contains("1 records (messagepack 0, json 1, pickle 0), 2 refused (malformed 2)"), "{said}");
    assert!(shown.starts_with('{') && shown.contains("\"good\""), "{shown}");
    assert_eq!(std::fs::read_to_string(folder.path().join("app.log")).unwrap(), shown);
}

#[test]
fn a_wrong_setting_ends_it_at_once_with_status_two() {
    for arguments in [&["tcp://127.0.0.1:0", "--level", "LOUD"][..], &["http://127.0.0.1:0"], &[], &["unix:///nowhere/at/all"]]
    {
        let output = Command::new(env!("CARGO_BIN_EXE_log-receiver")).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(output.stderr.starts_with(b"log-receiver: "), "{output:?}");
    }
}

/// Opens connections until the limit of files, and keeps them until its stdin ends.
#[cfg(target_os = "linux")]
const IDLE: &str = "
import resource, socket, sys
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
count = min(10000, hard - 100)
held = [socket.create_connection(('127.0.0.1', int(sys.argv[1]))) for _ in range(count)]
for one in held[:10]:
    one.sendall(bytes([0, 0, 1, 0]) + b'half')
print(count, flush=True)
sys.stdin.read()
";

/// What a process has in memory, in KiB.
#[cfg(target_os = "linux")]
fn resident(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn ten_thousand_idle_connections_cost_little_memory_and_hold_up_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let limited = "ulimit -n $(ulimit -H -n); exec \"$0\" \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", limited, env!("CARGO_BIN_EXE_log-receiver"), "tcp://127.0.0.1:0", "--file", "app.log"]);
    let program = Program::run(command.args(["--max-connections", "20000"]).current_dir(folder.path()));
    let (id, port) = (program.child.id(), program.ports[0]);
    let one = || SocketHandler::builder().tcp("127.0.0.1", port).build().unwrap();
    send(&one(), 1);
    let before = resident(id);
    let mut python = Command::new("python3")
        .args(["-c", IDLE, &port.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is needed; ./tests/run installs it");
    let mut count = String::new();
    BufReader::new(python.stdout.take().unwrap()).read_line(&mut count).unwrap();
    let count: u64 = count.trim().parse().unwrap();
    send(&one(), 1);
    let each = (resident(id).saturating_sub(before)) * 1024 / count;
    println!("{count} idle connections, {each} bytes each");
    assert!(each < 8 << 10, "{each} bytes for each of {count} idle connections");
    drop(python.stdin.take());
    assert!(python.wait().unwrap().success());
    let (_, said) = program.end("-TERM");
    assert!(said.contains(&format!("{} connections (0 turned away)", count + 2)), "{said}");
    assert!(said.contains("2 records") && said.contains("10 refused (truncated 10)"), "{said}");
}
