//! Whether the benchmark works: a quick run of everything.

#![allow(clippy::unwrap_used, reason = "a test may; clippy takes helpers of tests for other code")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn bench(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tracing-handlers-bench")).args(arguments).output().unwrap()
}

fn results(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Every contestant, and the field it plays on.
fn contestants() -> Vec<(String, String)> {
    let list = String::from_utf8(bench(&["--list"]).stdout).unwrap();
    let pair = |line: &str| line.split_once(' ').map(|(name, field)| (name.to_owned(), field.to_owned())).unwrap();
    list.lines().map(pair).collect()
}

#[test]
fn a_quick_run_measures_every_contestant_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("results.jsonl");
    let run = bench(&["--quick", "--out", out.to_str().unwrap()]);
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));

    let results = results(&out);
    let measured: BTreeSet<&str> = results.iter().filter_map(|line| line["contestant"].as_str()).collect();
    let all = contestants();
    assert_eq!(measured, all.iter().map(|(name, _)| name.as_str()).collect());
    for line in results.iter().filter(|line| line["measure"] == "throughput") {
        assert_eq!(line["figures"]["lines_missing"], 0.0, "{line}");
    }
    for line in results.iter().filter(|line| line["measure"] == "network") {
        let (figures, name) = (&line["figures"], line["contestant"].as_str().unwrap());
        // Without rights to a large receive buffer the kernel may throw datagrams away.
        assert!(figures["lost"] == 0.0 || name.contains("udp"), "{line}");
        // Names and numbers of threads are in the frames, so that some are a little longer.
        let bytes = figures["bytes_an_event"].as_f64().unwrap();
        let is_framed = ["ours-tcp", "loop-tcp", "ours-udp", "loop-udp", "ours-unix", "loop-unix"].contains(&name);
        assert!(!is_framed || (300.0..315.0).contains(&bytes), "not the same bytes: {line}");
    }
    for line in results.iter().filter(|line| line["measure"] == "overload") {
        let count = |name: &str| line["figures"][name].as_f64().unwrap_or(0.0);
        assert_eq!(count("made"), count("written") + count("missing"), "{line}");
        // A record of its own tells of drops, so more may be handled than was made.
        let settled = count("delivered") + count("dropped");
        assert!(line["contestant"] != "ours-queued-lossy" || count("handled") == settled, "{line}");
        assert!(line["contestant"] != "ours-queued-lossy" || count("missing") == count("dropped"), "{line}");
    }
    for line in results.iter().filter(|line| line["measure"] == "stopped" && !line["figures"]["handled"].is_null()) {
        assert_eq!(line["figures"]["handled"], 5_000.0, "{line}");
        assert_eq!(line["figures"]["unaccounted"], 0.0, "{line}");
    }
    for line in results.iter().filter(|line| line["measure"] == "errors_row") {
        let count = |name: &str| line["figures"][name].as_f64().unwrap_or(0.0);
        assert!(count("handled") >= 3_000.0 && count("unaccounted") == 0.0 && count("pending") == 0.0, "{line}");
        match line["contestant"].as_str().unwrap() {
            "ours-errors-smtp" => assert!((1.0..=10.0).contains(&count("arrived")), "{line}"),
            "ours-errors-http" => assert_eq!(count("arrived"), count("delivered"), "{line}"),
            _ => assert_eq!(count("delivered") + count("dropped_full"), count("handled"), "{line}"),
        }
    }
    for line in results.iter().filter(|line| line["measure"] == "rollover") {
        assert!(line["figures"]["files"].as_f64() > line["figures"]["flat_files"].as_f64(), "nothing rolled over: {line}");
    }
    let tables = String::from_utf8_lossy(&run.stdout);
    assert!(tables.contains("÷ ta nonblocking"), "{tables}");
}

#[test]
fn calls_that_wake_are_counted_where_there_is_strace() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("results.jsonl");
    let run = bench(&["--quick", "--measure", "wakes", "--only", "ours-queued", "--out", out.to_str().unwrap()]);
    if Command::new("strace").arg("-V").output().is_err() {
        assert!(String::from_utf8_lossy(&run.stderr).contains("strace is missing"));
        return;
    }
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let results = results(&out);
    assert_eq!(results.len(), 2);
    assert!(results.iter().all(|line| line["figures"]["caller_wakes"].is_f64()), "{results:?}");
}

#[test]
fn lines_of_all_contestants_are_about_as_long() {
    for (name, _) in contestants().into_iter().filter(|(name, field)| field == "files" && !name.starts_with("cpython")) {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().to_str().unwrap();
        let run = bench(&["child", &name, "emit", "W1", "100", "1", "1000000000", "5", directory]);
        assert!(run.status.success(), "{name}: {}", String::from_utf8_lossy(&run.stderr));
        let bytes: u64 = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
        let copies = if name.contains("five") { 5 } else { 1 };
        let length = bytes / 100 / copies;
        // JSON names what the others only place.
        let longest = match name.as_str() {
            "ours-json" => 240,
            // The place in the source stands in every line.
            "logforth" | "logforth-async" => 190,
            _ => 146,
        };
        assert!((130..=longest).contains(&length), "{name}: {length} bytes a line");
    }
}
