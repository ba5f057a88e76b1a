//! The same events in every format side by side, among them text that an attacker wrote.
//!
//! ```sh
//! cargo run -p tracing-handlers-examples --example formats
//! ```
#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use tracing_handlers::format::{Format, Json, Pattern, Text, escape};
use tracing_handlers::{FileHandler, Record};
use tracing_subscriber::prelude::*;

/// A user name that tries to forge a line, to paint the terminal red and to reverse the text behind it.
const HOSTILE: &str = "eve\n2026-01-01T00:00:00Z ERROR app: disk \x1b[31mfull\u{202e}";
const EVENTS: usize = 4;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    // The first of each pair is the title, and the name of the file.
    let formats: Vec<(&str, Arc<dyn Format>)> = vec![
        ("Text::new()", Arc::new(Text::new())),
        (
            "Text without time and target, with the source",
            Arc::new(Text::new().time(false).target(false).source_location(true)),
        ),
        ("Json::new()", Arc::new(Json::new())),
        ("Json, flattened", Arc::new(Json::new().flatten_event(true).current_span(false))),
        (
            "Pattern, % style",
            Arc::new(Pattern::percent("%(asctime)s %(levelname)-8s %(name)s: %(message)s [%(user)s]")?.missing("-")),
        ),
        (
            "Pattern, {} style",
            Arc::new(Pattern::brace("{asctime} | {levelname:<7} | {spans} | {message} | {fields}")?.datefmt("%H:%M:%S")?),
        ),
        ("a function of yours", Arc::new(short)),
    ];

    for (title, format) in formats {
        let path = folder.path().join(title);
        log_into(&path, format)?;
        let log = fs::read_to_string(path)?;
        println!("── {title}\n{log}");
        check(title, &log);
    }
    Ok(())
}

/// A closure or a function is a format, too. It escapes what it takes from the record, as all others do.
fn short(record: &Record<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(record.level().as_str().as_bytes());
    out.extend_from_slice(b": ");
    escape::text(record.message(), out);
    if let Some(user) = record.field("user").and_then(|user| user.as_str()) {
        out.extend_from_slice(b" by ");
        escape::quoted(user, out);
    }
}

fn log_into(path: &Path, format: Arc<dyn Format>) -> Result<(), Box<dyn Error>> {
    let layer = FileHandler::builder(path).format(format).layer()?;
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), raise_events);
    Ok(())
}

fn raise_events() {
    tracing::info!(target: "app", workers = 4, load = 0.25, ready = true, "started");

    let request =
        tracing::info_span!(target: "app", "request", method = "POST", path = "/login", status = tracing::field::Empty);
    let _inside = request.enter();
    tracing::warn!(target: "app::login", user = HOSTILE, "refused");
    request.record("status", 403);
    tracing::info!(target: "app::login", user = "ada", "answered");
    let cause = tracing_handlers::Error::io("open sessions.db", io::ErrorKind::PermissionDenied.into());
    tracing::error!(target: "app::login", error = &cause as &dyn Error, "no session was stored");
}

fn check(title: &str, log: &str) {
    assert_eq!(log.lines().count(), EVENTS, "{title}: one line an event, whatever is in it");
    assert!(log.lines().all(escape::is_clean), "{title}: no control character reaches the file");
    if title.starts_with("Json") {
        let users = log.lines().filter_map(user);
        assert_eq!(users.collect::<Vec<_>>(), [HOSTILE, "ada"], "{title}: who reads it back has the text as it was");
    }
}

/// The user in a line of JSON.
fn user(line: &str) -> Option<String> {
    let line: serde_json::Value = serde_json::from_str(line).ok()?;
    let user = line.get("user").or_else(|| line.get("fields")?.get("user"))?;
    user.as_str().map(str::to_owned)
}
