//! A daemon beside logrotate: nobody sends it a signal or starts it again, and it follows its file. logrotate itself is run, twice, if it
//! is installed; else this program renames the file as logrotate would.
//!
//! ```sh
//! cargo run -p tracing-handlers-examples --example logrotate
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{env, fs, thread};

use tracing_handlers::WatchedFileHandler;
use tracing_handlers::format::Text;
use tracing_subscriber::prelude::*;

const ROTATIONS: usize = 2;
/// How many records there are before each rotation, at least.
const RECORDS: u64 = 200;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let log = folder.path().join("daemon.log");
    let layer = WatchedFileHandler::builder(&log).format(Text::new().time(false).target(false)).layer()?;
    let handle = layer.handle();
    tracing_subscriber::registry().with(layer).init();

    let logrotate = find_logrotate();
    match &logrotate {
        Some(program) => println!("rotated by {}", program.display()),
        None => println!("logrotate is not installed: the file is renamed as it would do"),
    }
    // The daemon goes on with its work while its file is rotated.
    let is_over = Arc::new(AtomicBool::new(false));
    let daemon = thread::spawn({
        let is_over = Arc::clone(&is_over);
        move || work(&is_over)
    });
    for number in 1..=ROTATIONS {
        // The file is made again by the next record.
        while handle.stats().delivered < number as u64 * RECORDS || !log.exists() {
            thread::yield_now();
        }
        match &logrotate {
            Some(program) => run(program, folder.path(), &log)?,
            None => rename(&log)?,
        }
        println!("rotation {number}: {}", handle.stats());
    }
    is_over.store(true, Ordering::SeqCst);
    let written = daemon.join().map_err(|_| "the daemon panicked")?;
    println!("the end:    {}\n", handle.stats());
    check(&log, written)
}

/// Logs until it is over, and once more then; how often.
fn work(is_over: &AtomicBool) -> usize {
    let mut number = 0;
    loop {
        let is_last = is_over.load(Ordering::SeqCst);
        tracing::info!(number, "at work");
        number += 1;
        if is_last {
            return number;
        }
    }
}

fn find_logrotate() -> Option<PathBuf> {
    // Wine shows Windows programs what is installed, and starts it with names of files that it does not know.
    if !cfg!(unix) {
        return None;
    }
    // Distributions put it where only root looks.
    let places = env::var_os("PATH").unwrap_or_default();
    let places: Vec<_> = env::split_paths(&places).chain([PathBuf::from("/usr/sbin")]).collect();
    places.into_iter().map(|place| place.join("logrotate")).find(|program| program.is_file())
}

/// As cron runs it every night. There is no `postrotate`, which would send a signal, and no `copytruncate`, which loses records.
fn run(program: &Path, folder: &Path, log: &Path) -> Result<(), Box<dyn Error>> {
    let configuration = folder.join("logrotate.conf");
    fs::write(&configuration, format!("{} {{\n  rotate 5\n  nocreate\n  nocompress\n}}\n", log.display()))?;
    let mut logrotate = Command::new(program);
    logrotate.arg("--force").arg("--state").arg(folder.join("state")).arg(&configuration);
    let output = logrotate.output()?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!("logrotate: {}", String::from_utf8_lossy(&output.stderr)).into()),
    }
}

fn rename(log: &Path) -> io::Result<()> {
    let numbered = |number: usize| PathBuf::from(format!("{}.{number}", log.display()));
    for number in (1..ROTATIONS).rev().filter(|number| numbered(*number).exists()) {
        fs::rename(numbered(number), numbered(number + 1))?;
    }
    fs::rename(log, numbered(1))
}

/// All records are there, in their order, over all files.
fn check(log: &Path, written: usize) -> Result<(), Box<dyn Error>> {
    let mut numbers = Vec::new();
    for number in (0..=ROTATIONS).rev() {
        let path = if number == 0 { log.to_owned() } else { format!("{}.{number}", log.display()).into() };
        let content = fs::read_to_string(&path)?;
        println!("{:<14}{:>6} lines", path.file_name().unwrap_or_default().display(), content.lines().count());
        for line in content.lines() {
            let (_, number) = line.rsplit_once('=').ok_or("a line without a number")?;
            numbers.push(number.parse::<usize>()?);
        }
    }
    assert!(numbers.iter().copied().eq(0..written), "each record once, in order");
    println!("all {written} records, each once, in order");
    Ok(())
}
