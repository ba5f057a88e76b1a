//! The handlers as `io::Write` and `MakeWriter`: behind a `fmt` layer, behind `tracing_appender`.

use std::fs;
use std::io::Write as _;

use tempfile::tempdir;
use tracing_handlers_core::{Deadline, Handler};
use tracing_handlers_file::{FileHandler, WatchedFileHandler};
use tracing_subscriber::prelude::*;

#[test]
fn a_file_stands_behind_a_fmt_layer() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("app.log");
    let file = FileHandler::builder(&path).build().unwrap();
    let layer = tracing_subscriber::fmt::layer().with_ansi(false).without_time().with_writer(file);
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        tracing::info!(target: "app", number = 1, "one");
        tracing::warn!(target: "app", "two");
    });
    assert_eq!(fs::read_to_string(&path).unwrap(), " INFO app: one number=1\n WARN app: two\n");
}

#[test]
fn a_file_stands_behind_tracing_appender() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("app.log");
    let file = WatchedFileHandler::builder(&path).build().unwrap();
    let (writer, guard) = tracing_appender::non_blocking(file);
    let layer = tracing_subscriber::fmt::layer().with_ansi(false).without_time().with_writer(writer);
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        (0..10).for_each(|number| tracing::info!(target: "app", number));
    });
    drop(guard);
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 10);
}

#[test]
fn each_write_is_one_record_as_it_is() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("app.log");
    let mut file = FileHandler::builder(&path).build().unwrap();
    file.write_all(b"as it is").unwrap();
    file.write_all(b"").unwrap();
    file.write_all(b", no line end\n").unwrap();
    std::io::Write::flush(&mut file).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"as it is, no line end\n");
    assert_eq!((file.stats().handled, file.stats().delivered), (2, 2));
}

#[test]
fn a_closed_file_refuses_writes() {
    let directory = tempdir().unwrap();
    let mut file = FileHandler::builder(directory.path().join("app.log"))
        .on_failure(|_: &tracing_handlers_core::Failure<'_>| {})
        .build()
        .unwrap();
    file.close(Deadline::never()).unwrap();
    assert_eq!(file.write(b"late").unwrap_err().kind(), std::io::ErrorKind::BrokenPipe);
    assert!(file.stats().is_balanced());
}
