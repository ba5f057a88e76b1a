//! Python beside us, for tests that compare.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Gives these lines to a program in Python, and returns the lines that it answers with.
///
/// # Panics
///
/// If there is no Python, or it fails.
pub fn answers(program: &str, lines: impl IntoIterator<Item = impl ToString>) -> Vec<String> {
    let mut python = Command::new("python3")
        .arg(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is needed; ./tests/run installs it");
    let mut stdin = python.stdin.take().unwrap();
    let input: String = lines.into_iter().map(|line| line.to_string() + "\n").collect();
    // Beside the reading: neither side waits for room in a pipe.
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()).unwrap());
    let output = python.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success(), "{program}: {}", output.status);
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

const LOG_OVER_TLS: &str = r#"
import logging, logging.handlers, ssl, sys
class TlsHandler(logging.handlers.SocketHandler):
    def makeSocket(self, timeout=5):
        context = ssl.create_default_context(cafile=sys.argv[3] if len(sys.argv) > 3 else None)
        return context.wrap_socket(super().makeSocket(timeout), server_hostname="localhost")
logger = logging.getLogger("app")
logger.addHandler(TlsHandler("localhost", int(sys.argv[1])))
for n in range(int(sys.argv[2])):
    logger.warning("python %d", n)
logger.handlers[0].close()
"#;

/// CPython's `SocketHandler`, wrapped in TLS, sends `python 0`, `python 1`, … as warnings to this port of `localhost`. It trusts the authority in the
/// file, or those of the system; like every handler of CPython's it drops without a word what it cannot send.
///
/// # Panics
///
/// If there is no Python, or it fails.
pub fn log_over_tls(port: u16, count: usize, authority: Option<&Path>) {
    let mut python = Command::new("python3");
    python.args(["-c", LOG_OVER_TLS, &port.to_string(), &count.to_string()]).args(authority);
    let output = python.output().expect("python3 is needed; ./tests/run installs it");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
