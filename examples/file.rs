//! Logs to files with `FileHandler`, asks a `Handle` what became of the records, and is told when something goes wrong.
//!
//! ```sh
//! cargo run -p tracing-handlers-examples --example file
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::fs;
use std::sync::mpsc;
use std::time::Duration;

use tracing_handlers::{DropReason, Failure, FileHandler};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    // The folder `logs` is made with the first file in it.
    let (app_path, audit_path) = (folder.path().join("logs/app.log"), folder.path().join("logs/audit.log"));

    // Whatever goes wrong with the audit is told to this hook; without one, a line on stderr says so, at most every ten seconds.
    let (alarm, alarms) = mpsc::channel();
    let tell = move |failure: &Failure<'_>| {
        // Nobody may be listening any more. A hook must not mind.
        alarm.send(format!("{}: {}; {} lost", failure.handler, failure.error.one_line(), failure.lost)).ok();
    };
    let app = FileHandler::builder(&app_path).layer()?;
    // Opened with its first record, so that a run without an audit leaves no empty file.
    let audit = FileHandler::builder(&audit_path).delay(true).on_failure(tell).layer()?;

    // Layers move into the registry; handles stay.
    let (app_handle, audit_handle) = (app.handle(), audit.handle());
    tracing_subscriber::registry()
        .with(app.with_filter(LevelFilter::INFO))
        .with(audit.with_filter(Targets::new().with_target("audit", LevelFilter::TRACE)))
        .init();

    tracing::info!(version = "1.4.2", "started");

    // A fault: something stands where the audit's file should be. It costs the audit one record, and nobody else anything.
    fs::create_dir(&audit_path)?;
    tracing::info!(target: "audit", user = "ada", "signed in");
    // The fault ends, and so does its effect.
    fs::remove_dir(&audit_path)?;
    tracing::info!(target: "audit", user = "ada", "signed out");

    let timeout = Duration::from_secs(1);
    app_handle.flush(timeout)?;
    audit_handle.close(timeout)?;
    tracing::info!(target: "audit", user = "eve", "signed in after the audit was closed");

    let (app_log, audit_log) = (fs::read_to_string(&app_path)?, fs::read_to_string(&audit_path)?);
    let alarms: Vec<_> = alarms.try_iter().collect();
    println!("logs/app.log: {}\n{app_log}", app_handle.stats());
    println!("logs/audit.log: {}\n{audit_log}", audit_handle.stats());
    println!("told to the hook:");
    alarms.iter().for_each(|alarm| println!("{alarm}"));

    assert_eq!(app_log.lines().count(), 4);
    assert!(audit_log.ends_with(" INFO audit: signed out user=\"ada\"\n") && audit_log.lines().count() == 1);
    let stats = audit_handle.stats();
    assert_eq!((stats.handled, stats.delivered), (3, 1));
    assert_eq!((stats.dropped_for(DropReason::Failed), stats.dropped_for(DropReason::Closed)), (1, 1));
    assert!(stats.is_balanced());
    assert_eq!(alarms.len(), 2);
    Ok(())
}
