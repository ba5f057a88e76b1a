//! CPython's own handlers at one end, the receiver at the other.

use std::process::Command;

use tracing_handlers_core::Level;

use crate::common::Running;

const SENDER: &str = include_str!("sender.py");

/// Sends from CPython, and looks at what came of it.
fn arrives_from_python(kind: &str, place: &str, running: Running) {
    let child =
        Command::new("python3").args(["-c", SENDER, kind, place]).output().expect("python3 is needed; ./tests/run installs it");
    assert!(child.status.success(), "{child:?}");
    let records = running.records(7);
    let records: Vec<_> = records.iter().map(|record| record.as_record()).collect();
    let seen: Vec<_> = records.iter().map(|record| (record.level(), record.message())).collect();
    let expected = [
        (Level::TRACE, "level 5"),
        (Level::DEBUG, "level 10"),
        (Level::INFO, "level 20"),
        (Level::WARN, "level 30"),
        (Level::ERROR, "level 40"),
        (Level::ERROR, "level 50"),
        (Level::ERROR, "caught"),
    ];
    assert_eq!(seen, expected);
    let last = records[6];
    let told: serde_json::Value = serde_json::from_slice(&child.stdout).unwrap();
    assert_eq!((last.target(), last.name(), last.file()), ("app.db", "work", Some("<string>")));
    assert_eq!(Some(last.process_id().into()), told["process"].as_u64());
    assert_eq!(last.thread_id(), told["thread"].as_u64());
    assert_eq!(last.thread_name(), Some("MainThread"));
    assert!(last.line().is_some());
    let created = told["created"].as_f64().unwrap();
    let arrived = last.timestamp().as_nanos() as f64 / 1e9;
    assert!(arrived >= created && arrived < created + 30.0, "{arrived} is not after {created}");
    assert_eq!(last.field("user").unwrap().as_str(), Some("bob \u{2603}"));
    assert_eq!(last.field("n").unwrap().as_i64(), Some(-(1 << 40)));
    assert_eq!(last.field("ratio").unwrap().as_f64(), Some(0.5));
    assert_eq!(last.field("on").unwrap().as_bool(), Some(true));
    assert_eq!(last.field("list").unwrap().as_str(), Some(r#"[1, "a", null]"#));
    assert!(last.field("exc_text").unwrap().as_str().unwrap().ends_with("ValueError: x"));
    assert_eq!(records[5].field("levelname").unwrap().as_str(), Some("CRITICAL"));
    let names: Vec<_> = records[2].fields().map(|(name, _)| name.to_owned()).collect();
    assert!(names.is_empty(), "nothing was said by {names:?}");
    let stats = running.stop();
    assert_eq!((stats.frames, stats.records), (7, 7));
}

#[test]
fn the_socket_handler_of_cpython_is_understood_over_tcp() {
    let running = Running::start(|builder| builder.tcp("127.0.0.1:0"));
    arrives_from_python("tcp", &running.port().to_string(), running);
}

#[test]
fn the_datagram_handler_of_cpython_is_understood_over_udp() {
    let running = Running::start(|builder| builder.udp("127.0.0.1:0"));
    arrives_from_python("udp", &running.port().to_string(), running);
}

#[cfg(unix)]
#[test]
fn the_socket_handler_of_cpython_is_understood_over_a_local_socket() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let running = Running::start(|builder| builder.unix(&path));
    arrives_from_python("unix", path.to_str().unwrap(), running);
}

#[cfg(unix)]
#[test]
fn the_datagram_handler_of_cpython_is_understood_over_a_local_socket() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let running = Running::start(|builder| builder.unix_datagram(&path));
    arrives_from_python("unix-datagram", path.to_str().unwrap(), running);
}
