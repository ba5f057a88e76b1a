//! One service, another composition of handlers in each environment. The service is an axum server whose requests are in flight at the
//! same time, each in a span of its own; when it stops, what is in flight is answered, and what is pending is written.
//!
//! | `APP_ENV` | stderr | file | collector |
//! |---|---|---|---|
//! | `development` | everything from DEBUG on, for people: colours, local time | none | none |
//! | `production` | WARN and above | everything from INFO on, as JSON, rotating, buffered | the same, as JSON lines over HTTP |
//!
//! ```sh
//! cargo run -p tracing-handlers-examples --example environments # both, one after the other
//! APP_ENV=production cargo run -p tracing-handlers-examples --example environments
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

mod logging;
#[path = "../shop/mod.rs"]
mod shop;

use std::env;
use std::error::Error;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use servers::Collector;

use crate::logging::{Environment, Logging};
use crate::shop::Answer;

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

fn main() -> Result<()> {
    match env::var("APP_ENV") {
        Ok(name) => run_in(name.parse()?),
        Err(_) => show_all(),
    }
}

/// Runs this program once in each environment.
fn show_all() -> Result<()> {
    for name in ["development", "production"] {
        println!("━━━ APP_ENV={name} ━━━");
        let status = Command::new(env::current_exe()?).env("APP_ENV", name).status()?;
        if !status.success() {
            return Err(format!("the service failed in {name}: {status}").into());
        }
        println!();
    }
    Ok(())
}

fn run_in(environment: Environment) -> Result<()> {
    let folder = tempfile::tempdir()?;
    // In the place of one that runs elsewhere.
    let collector = Collector::start()?;
    let logging = logging::init(environment, folder.path(), collector.url())?;

    let answers = shop::run()?;

    // The graceful end: everything pending is written, and the report says so. Without this line it would be written all the
    // same, when `main` returns, but nobody would know.
    let report = tracing_handlers::shutdown(Duration::from_secs(5));
    println!("{} requests answered; shutdown: {report}", answers.len());
    assert!(report.is_complete(), "something was left behind: {report}");
    check(&logging, folder.path(), &collector, &answers)
}

fn check(logging: &Logging, folder: &Path, collector: &Collector, answers: &[Answer]) -> Result<()> {
    println!("stderr:    {}", logging.stderr.stats());
    assert!(logging.stderr.stats().is_balanced());
    if let Some(file) = &logging.file {
        println!("file:      {}", file.stats());
        assert!(file.stats().is_balanced());
        let lines = logging::show_files(folder)?;
        shop::check(lines.iter().map(String::as_str), answers)?;
    }
    if let Some(handle) = &logging.collector {
        println!("collector: {}", handle.stats());
        let lines = collector.lines();
        println!(
            "  {} requests, {} lines, the first:\n    {}",
            collector.bodies().len(),
            lines.len(),
            lines.first().map_or("", |line| line)
        );
        shop::check(lines.iter().map(String::as_str), answers)?;
    }
    Ok(())
}
