//! Tests that need a zone of their own run once more as a child: a process has one zone, which it reads once.

use std::env;
use std::process::Command;

/// Tells the child that it is one.
const CHILD: &str = "TRACING_HANDLERS_TEST_CHILD";

pub(crate) fn is_child() -> bool {
    env::var_os(CHILD).is_some()
}

/// Runs the test of this full name as a child in this zone. What it printed is handed back if it passed.
pub(crate) fn run(test: &str, zone: &str) -> String {
    let mut child = Command::new(env::current_exe().unwrap());
    let child = child.args(["--exact", test, "--nocapture", "--test-threads=1"]).env("TZ", zone).env(CHILD, "1");
    let output = child.output().unwrap();
    let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{test} in {zone}:\n{stdout}\n{stderr}");
    assert!(stdout.contains(" 1 passed; 0 failed;"), "{test} is no test:\n{stdout}");
    stdout
}
