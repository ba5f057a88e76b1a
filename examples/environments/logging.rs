//! Which handlers there are in which environment: the part to copy.

use std::fs;
use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::str::FromStr;

use tracing::{Level, Metadata};
use tracing_handlers::format::{Json, Text, Zone};
use tracing_handlers::http::Body;
use tracing_handlers::{Buffering, Handle, HttpHandler, RotatingFileHandler, StreamHandler};
use tracing_subscriber::filter::{FilterFn, LevelFilter, filter_fn};
use tracing_subscriber::prelude::*;

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
    pub(crate) collector: Option<Handle>,
}

/// Sets up the global subscriber.
pub(crate) fn init(environment: Environment, folder: &Path, collector: &str) -> Result<Logging, tracing_handlers::Error> {
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
    let collector = match environment {
        Environment::Development => None,
        // Or `SyslogHandler::builder()`, where the system's daemon takes care of the rest.
        Environment::Production => Some(HttpHandler::builder(collector).body(Body::JsonLines).layer()?),
    };
    let logging = Logging {
        stderr: stderr.handle(),
        file: file.as_ref().map(|file| file.handle()),
        collector: collector.as_ref().map(|collector| collector.handle()),
    };

    // An `Option` of a layer is a layer. Each has a filter of its own.
    tracing_subscriber::registry()
        .with(stderr.with_filter(events_from(level)))
        .with(file.map(|file| file.with_filter(LevelFilter::INFO)))
        .with(collector.map(|collector| collector.with_filter(LevelFilter::INFO)))
        .init();
    Ok(logging)
}

/// Lets events of this level and above through, and the spans that they are in, which mostly are of a lower level: with
/// `LevelFilter::WARN` an error would be seen without the request that it happened in.
fn events_from(level: Level) -> FilterFn<impl Fn(&Metadata<'_>) -> bool> {
    filter_fn(move |metadata| metadata.is_span() || *metadata.level() <= level).with_max_level_hint(level.max(Level::INFO))
}

/// Shows the files; all lines that are in them.
pub(crate) fn show_files(folder: &Path) -> io::Result<Vec<String>> {
    let mut paths = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    let mut all = Vec::new();
    for path in paths {
        let content = fs::read_to_string(&path)?;
        let lines: Vec<_> = content.lines().map(str::to_owned).collect();
        let name = path.file_name().unwrap_or_default().display().to_string();
        let first = lines.first().map_or("", |line| line);
        println!("  {name:<14} {:>5} bytes {:>4} lines, the first:\n    {first}", content.len(), lines.len());
        all.extend(lines);
    }
    Ok(all)
}
