//! Python beside us, for tests that compare.

use std::io::Write as _;
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
