//! `StreamHandler`: the cases of CPython's `StreamHandlerTest`, and what ours does beyond.

use std::io::Write as _;
use std::process::{Command, Stdio};

use tracing_handlers_core::{Deadline, Handler};
use tracing_handlers_stream::StreamHandler;
use tracing_handlers_testing::{FailureLog, MessageOnly, handle, record};
use tracing_subscriber::prelude::*;

use crate::writers::Shared;

/// A failing stream is reported once a record; nothing is raised into the caller.
#[test]
fn test_error_handling() {
    let (stream, failures) = (Shared::default(), FailureLog::new());
    stream.set_broken(true);
    let handler = StreamHandler::builder(stream).on_failure(failures.clone()).build().unwrap();
    let layer = tracing_handlers_core::HandlerLayer::new(handler);
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || tracing::info!("lost"));
    assert_eq!(failures.len(), 1);
    assert!(failures.texts()[0].contains("deliberate mistake"), "{:?}", failures.texts());
}

/// Python returns `None` where the stream is the same one; an owned stream is always another, so the old one always comes back.
#[test]
fn test_stream_setting() {
    let (first, second) = (Shared::default(), Shared::default());
    let handler = StreamHandler::builder(first.clone()).format(MessageOnly).build().unwrap();
    handle(&handler, "1");
    let mut old = handler.set_stream(second.clone());
    assert_eq!(first.calls().last().map(String::as_str), Some("flush"));
    handle(&handler, "2");
    assert_eq!((first.text().as_str(), second.text().as_str()), ("1\n", "2\n"));
    old.write_all(b"still open\n").unwrap();
    assert_eq!(first.text(), "1\nstill open\n");
}

#[test]
fn each_record_is_one_write_and_one_flush() {
    let stream = Shared::default();
    let handler = StreamHandler::builder(stream.clone()).format(MessageOnly).build().unwrap();
    handle(&handler, "1");
    handle(&handler, "2");
    assert_eq!(stream.calls(), ["write 1\n", "flush", "write 2\n", "flush"]);
}

#[test]
fn the_terminator_is_the_users() {
    let stream = Shared::default();
    let handler = StreamHandler::builder(stream.clone()).format(MessageOnly).terminator("").build().unwrap();
    handle(&handler, "1");
    handle(&handler, "2");
    assert_eq!(stream.text(), "12");
}

#[test]
fn the_stream_is_never_closed() {
    let stream = Shared::default();
    let handler = StreamHandler::builder(stream.clone()).format(MessageOnly).on_failure(FailureLog::new()).build().unwrap();
    handle(&handler, "1");
    handler.close(Deadline::never()).unwrap();
    handler.handle(&record("refused").as_record()).unwrap_err();
    stream.clone().write_all(b"2\n").unwrap();
    assert_eq!(stream.text(), "1\n2\n");
}

#[test]
fn a_stream_stands_behind_a_fmt_layer() {
    let stream = Shared::default();
    let handler = StreamHandler::builder(stream.clone()).build().unwrap();
    let layer = tracing_subscriber::fmt::layer().with_ansi(false).without_time().with_writer(handler);
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || tracing::info!(target: "app", "one"));
    assert_eq!(stream.text(), " INFO app: one\n");
}

const CHILD: &str = "TRACING_HANDLERS_STREAM_CHILD";

fn child(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(CHILD, "1");
    command
}

#[test]
fn stdout_and_stderr_are_the_real_ones() {
    if std::env::var_os(CHILD).is_some() {
        handle(&StreamHandler::stdout().format(MessageOnly).build().unwrap(), "this goes out");
        handle(&StreamHandler::stderr().format(MessageOnly).build().unwrap(), "this is an error");
        return;
    }
    let output = child("stream::stdout_and_stderr_are_the_real_ones").output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(stdout.contains("this goes out\n") && !stdout.contains("this is an error"), "{stdout}");
    assert!(stderr.contains("this is an error\n") && !stderr.contains("this goes out"), "{stderr}");
}

/// A terminal that went away, a closed pipe: every write fails, the default report has nowhere to go either, and the program lives.
#[cfg(unix)]
#[test]
fn a_closed_stderr_takes_nobody_down() {
    if std::env::var_os(CHILD).is_some() {
        let handler = StreamHandler::stderr().build().unwrap();
        // Reads from its standard input until the parent has closed the other end of standard error.
        std::io::stdin().lines().for_each(drop);
        for _ in 0..3 {
            handler.handle(&record("nobody reads this").as_record()).unwrap_err();
        }
        drop(handler);
        std::process::exit(17);
    }
    let mut child = child("stream::a_closed_stderr_takes_nobody_down")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stderr.take());
    drop(child.stdin.take());
    assert_eq!(child.wait().unwrap().code(), Some(17));
}
