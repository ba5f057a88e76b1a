//! Which handlers there are in which environment: the part to copy.

use std::error::Error;
use std::fs;
use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::str::FromStr;

use serde_json::Value;
use tracing::{Level, Metadata};
use tracing_handlers::format::{Json, Text, Zone};
use tracing_handlers::{Buffering, Handle, RotatingFileHandler, StreamHandler};
use tracing_subscriber::filter::{FilterFn, LevelFilter, filter_fn};
use tracing_subscriber::prelude::*;

use crate::client::Answer;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Environment {
    Development,
    Production,
}

impl FromStr for Environment {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "development" => Ok(Self::Development),
            "production" => Ok(Self::Production),
            other => Err(format!("APP_ENV is {other:?}; it can be development or production")),
        }
    }
}

/// The handles of what was set up, for counters and metrics.
pub(crate) struct Logging {
    pub(crate) stderr: Handle,
    pub(crate) file: Option<Handle>,
}

/// Sets up the global subscriber.
pub(crate) fn init(environment: Environment, folder: &Path) -> Result<Logging, tracing_handlers::Error> {
    let (format, level) = match environment {
        Environment::Development => (Text::new().zone(Zone::Local).ansi(io::stderr().is_terminal()), Level::DEBUG),
        Environment::Production => (Text::new(), Level::WARN),
    };
    let stderr = StreamHandler::stderr().format(format).layer()?;
    let file = match environment {
        Environment::Development => None,
        Environment::Production => Some(
            RotatingFileHandler::builder(folder.join("service.json"))
                // Small, so that a short run shows several files; 50 MB is more like it.
                .max_bytes(2_000)
                .backup_count(9)
                .format(Json::new())
                .buffered(Buffering::new())
                .layer()?,
        ),
    };
    let logging = Logging { stderr: stderr.handle(), file: file.as_ref().map(|file| file.handle()) };

    // An `Option` of a layer is a layer. Each has a filter of its own.
    tracing_subscriber::registry()
        .with(stderr.with_filter(events_from(level)))
        .with(file.map(|file| file.with_filter(LevelFilter::INFO)))
        .init();
    Ok(logging)
}

/// Lets events of this level and above through, and the spans that they are in, which mostly are of a lower level: with
/// `LevelFilter::WARN` an error would be seen without the request that it happened in.
fn events_from(level: Level) -> FilterFn<impl Fn(&Metadata<'_>) -> bool> {
    filter_fn(move |metadata| metadata.is_span() || *metadata.level() <= level).with_max_level_hint(level.max(Level::INFO))
}

/// Shows the files, then sees to it that each answer a client got is in them exactly once, with its status.
pub(crate) fn show_and_check(folder: &Path, answers: &[Answer]) -> Result<(), Box<dyn Error>> {
    let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    let mut logged = Vec::new();
    for path in paths {
        let content = fs::read_to_string(&path)?;
        let (name, lines) = (path.file_name().unwrap_or_default().display().to_string(), content.lines().count());
        println!(
            "  {name:<14} {:>5} bytes {lines:>4} lines, the first:\n    {}",
            content.len(),
            content.lines().next().unwrap_or_default()
        );
        for line in content.lines() {
            logged.extend(answer_in(&serde_json::from_str(line)?));
        }
    }
    let mut expected = answers.to_vec();
    expected.sort();
    logged.sort();
    assert_eq!(logged, expected, "each answer is in the log once");
    Ok(())
}

/// What the client saw, from the record that the service wrote when it answered. The status was recorded late: it is in the span.
fn answer_in(record: &Value) -> Option<Answer> {
    let is_answer = record.get("fields")?.get("message")? == "answered";
    let request = record.get("span").filter(|_| is_answer)?;
    let text = |name: &str| request.get(name)?.as_str().map(str::to_owned);
    let status = u16::try_from(request.get("status")?.as_u64()?).ok()?;
    Some(Answer { method: text("method")?, path: text("path")?, status })
}
