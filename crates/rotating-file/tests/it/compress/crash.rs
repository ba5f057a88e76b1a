//! A process that ends between any two steps of a rollover or a compression.

use std::fs;

use tempfile::tempdir;
use tracing_handlers_core::{Deadline, Handler as _};
use tracing_handlers_rotating_file::{Compression, RotatingFileHandler};
use tracing_handlers_testing::file_subject::names_of_open_files_go;
use tracing_handlers_testing::{FaultFs, MessageOnly, Setting, record};

use super::{builder, close, lines, names, unpacked_lines, write};

const BACKUPS: usize = 3;
const COUNT: usize = 13;

/// Writes records until the power is cut; gives back those that were accepted. A handler for each few records, or one for all.
fn write_until_power_cut(setting: &Setting, a_handler: usize) -> Vec<String> {
    let messages: Vec<_> = (0..COUNT).map(|number| format!("rec {number:03}")).collect();
    let mut accepted = Vec::new();
    for messages in messages.chunks(a_handler) {
        let Ok(handler) = builder(setting).build() else { break };
        let taken = messages.iter().filter(|message| handler.handle(&record(message.to_string()).as_record()).is_ok());
        accepted.extend(taken.cloned());
        // Whether it could compress everything is seen by what is there.
        handler.close(Deadline::never()).ok();
    }
    accepted
}

/// One handler for three records: rollovers and compressions are steps in a certain order.
#[test]
fn nothing_is_lost_or_doubled_whatever_step_is_the_last() {
    every_step_may_be_the_last(3);
}

/// One handler for all: the chain moves while files are compressed.
#[test]
fn nor_where_the_chain_moves_meanwhile() {
    every_step_may_be_the_last(COUNT);
}

fn every_step_may_be_the_last(a_handler: usize) {
    let has_free_names = names_of_open_files_go();
    let total = {
        let setting = Setting::new();
        assert_eq!(write_until_power_cut(&setting, a_handler).len(), COUNT);
        assert!(setting.failures.is_empty() || !has_free_names, "{:?}", setting.failures.texts());
        setting.fs.steps()
    };
    assert!(total > 50 || !has_free_names, "so few steps cannot be all: {total}");
    for step in 0..=total {
        let mut setting = Setting::new();
        setting.fs.cut_power_before(step);
        let accepted = write_until_power_cut(&setting, a_handler);
        let told = || format!("step {step}: {accepted:?}; {:#?}", setting.fs.journal());
        let kept = lines(&setting);
        assert!(accepted.ends_with(&kept), "{kept:?}; {}", told());
        let at_least = accepted.len().min(2 * BACKUPS);
        assert!(kept.len() >= at_least, "{kept:?}; {}", told());

        // A new process compresses what was left, and nothing else is there.
        setting.fs = FaultFs::new();
        close(&builder(&setting).build().unwrap());
        let there = names(&setting);
        assert!(there.iter().all(|name| name == "app.log" || name.ends_with(".gz")), "step {step}: {there:?}");
        assert_eq!(lines(&setting), kept, "step {step}");

        // After its next rollovers the chain is as configured. Where a file that is being compressed cannot be replaced, one is put off.
        if !has_free_names {
            continue;
        }
        let handler = builder(&setting).build().unwrap();
        let expected = [kept, write(&handler, "new", 10)].concat();
        close(&handler);
        assert_eq!(names(&setting), ["app.log", "app.log.1.gz", "app.log.2.gz", "app.log.3.gz"], "step {step}");
        let after = lines(&setting);
        assert!(expected.ends_with(&after) && after.len() > 2 * BACKUPS, "step {step}: {after:?}");
    }
}

/// The real thing: a process killed at random moments while it rolls and compresses all the time.
#[cfg(unix)]
#[test]
fn a_killed_process_leaves_each_record_once() {
    use std::io::{BufRead as _, BufReader};
    use std::process::{Command, Stdio};

    const CHILD: &str = "TRACING_HANDLERS_KILLED_CHILD_PATH";
    const FILES: usize = 100_000;
    let builder = |path: std::path::PathBuf| {
        let builder = RotatingFileHandler::builder(path).max_bytes(2_000).backup_count(FILES).format(MessageOnly);
        builder.compress(Compression::gzip())
    };
    if let Some(path) = std::env::var_os(CHILD) {
        let handler = builder(path.into()).build().unwrap();
        for number in 0_u64.. {
            super::handle(&handler, &format!("record {number}"));
            println!("{number}");
        }
    }
    for round in 0..8 {
        let directory = tempdir().unwrap();
        let path = directory.path().join("app.log");
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "compress::crash::a_killed_process_leaves_each_record_once", "--nocapture"])
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut told = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        // Not before it has compressed something.
        let is_compressed =
            || entries(directory.path()).iter().any(|path| path.extension().is_some_and(|ending| ending == "gz"));
        let numbers = told.by_ref().filter_map(|line| line.parse::<u64>().ok());
        let mut last = numbers.take_while(|number| *number < 1_000 + 137 * round || !is_compressed()).last();
        child.kill().unwrap();
        child.wait().unwrap();
        last = told.filter_map(|line| line.parse().ok()).last().or(last);

        let handler = builder(path.clone()).build().unwrap();
        close(&handler);
        let mut files = handler.existing_files().unwrap();
        assert!(files.iter().all(|path| path.extension().is_some_and(|ending| ending == "gz")), "{files:?}");
        files.push(path);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), files.len(), "stray files");
        let lines: Vec<_> = files.iter().flat_map(|path| unpacked_lines(path)).collect();
        let expected = (0..lines.len()).map(|number| format!("record {number}"));
        assert!(lines.iter().cloned().eq(expected), "torn, doubled or out of order: {lines:?}");
        assert!(lines.len() as u64 > last.unwrap(), "told {last:?}, found {}", lines.len());
    }
}

#[cfg(unix)]
fn entries(directory: &std::path::Path) -> Vec<std::path::PathBuf> {
    fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect()
}
