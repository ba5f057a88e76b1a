//! Where records go: a file, the terminal, or both, and which of them.

use std::io::{IsTerminal, stdout};
use std::path::Path;
use std::sync::Arc;

use tracing_handlers_core::format::{Format, Json, Text};
use tracing_handlers_core::{Deadline, Error, Handler, Level, Record, Stats};
use tracing_handlers_rotating_file::RotatingFileHandler;
use tracing_handlers_stream::StreamHandler;
use tracing_handlers_timed_rotating_file::TimedRotatingFileHandler;

use crate::Options;

/// Each of some handlers, for records that pass.
pub(crate) struct Output {
    handlers: Vec<Arc<dyn Handler>>,
    level: Level,
    targets: Vec<String>,
}

impl Output {
    pub(crate) fn new(options: &Options) -> Result<Self, Error> {
        let mut handlers = Vec::new();
        if let Some(file) = &options.file {
            handlers.push(to_file(options, file)?);
        }
        if options.file.is_none() || options.follow {
            let is_colored = options.color.unwrap_or_else(|| stdout().is_terminal());
            handlers.push(Arc::new(StreamHandler::stdout().format(Layout::new(options.json, is_colored)).build()?));
        }
        Ok(Self { handlers, level: options.level, targets: options.targets.clone() })
    }

    fn passes(&self, record: &Record<'_>) -> bool {
        let is_below = |target: &String| {
            let rest = record.target().strip_prefix(target.as_str());
            // Modules of Rust, loggers of Python.
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::") || rest.starts_with('.'))
        };
        record.level() <= self.level && (self.targets.is_empty() || self.targets.iter().any(is_below))
    }

    fn each(&self, act: impl Fn(&dyn Handler) -> Result<(), Error>) -> Result<(), Error> {
        self.handlers.iter().map(|handler| act(&**handler)).fold(Ok(()), Result::and)
    }
}

impl Handler for Output {
    fn handle(&self, record: &Record<'_>) -> Result<(), Error> {
        if self.passes(record) { self.each(|handler| handler.handle(record)) } else { Ok(()) }
    }

    fn flush(&self, deadline: Deadline) -> Result<(), Error> {
        self.each(|handler| handler.flush(deadline))
    }

    fn close(&self, deadline: Deadline) -> Result<(), Error> {
        self.each(|handler| handler.close(deadline))
    }

    /// Those of the first: the file, where there is one.
    fn stats(&self) -> Stats {
        self.handlers.first().map(|handler| handler.stats()).unwrap_or_default()
    }
}

fn to_file(options: &Options, file: &Path) -> Result<Arc<dyn Handler>, Error> {
    #[cfg(not(feature = "gzip"))]
    if options.compress {
        return Err(Error::config("--compress", "gzip", "wants a log-receiver with the feature `gzip`"));
    }
    let layout = Layout::new(options.json, false);
    if let Some(when) = options.when {
        let mut builder = TimedRotatingFileHandler::builder(file).format(layout).when(when);
        builder = options.max_bytes.into_iter().fold(builder, |builder, bytes| builder.max_bytes(bytes));
        builder = options.backup_count.into_iter().fold(builder, |builder, count| builder.backup_count(count));
        #[cfg(feature = "gzip")]
        if options.compress {
            builder = builder.compress(tracing_handlers_timed_rotating_file::Compression::gzip());
        }
        return Ok(Arc::new(builder.build()?));
    }
    let mut builder = RotatingFileHandler::builder(file).format(layout).max_bytes(options.max_bytes.unwrap_or(0));
    builder = builder.backup_count(options.backup_count.unwrap_or(0));
    #[cfg(feature = "gzip")]
    if options.compress {
        builder = builder.compress(tracing_handlers_rotating_file::Compression::gzip());
    }
    Ok(Arc::new(builder.build()?))
}

/// One of two formats.
enum Layout {
    Text(Text),
    Json(Json),
}

impl Layout {
    fn new(json: bool, is_colored: bool) -> Self {
        if json { Self::Json(Json::new()) } else { Self::Text(Text::new().ansi(is_colored)) }
    }
}

impl Format for Layout {
    fn format(&self, record: &Record<'_>, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => text.format(record, out),
            Self::Json(json) => json.format(record, out),
        }
    }
}
