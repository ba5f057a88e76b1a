//! `ftlog`: the caller makes the message, a thread of its own the line.

use std::fmt::{self, Display};

use ftlog::appender::FileAppender;
use ftlog::{FtLogFormat, LevelFilter, LoggerGuard};
use log::{Level, Record};

use super::{Counts, Place, Running};
use crate::{Failed, workload};

pub(super) fn lossless(place: &Place) -> Result<Running, Failed> {
    start(place, true)
}

/// Drops what finds no room, and tells nobody.
pub(super) fn lossy(place: &Place) -> Result<Running, Failed> {
    Ok(start(place, false)?.with_counts(Counts::new))
}

fn start(place: &Place, waits: bool) -> Result<Running, Failed> {
    let guard: LoggerGuard = ftlog::builder()
        .max_log_level(LevelFilter::Info)
        .format(WithTarget)
        .bounded(super::QUEUE_RECORDS, waits)
        .utc()
        .root(FileAppender::new(place.file()))
        .try_init()
        .map_err(|error| error.to_string())?;
    Ok(Running::new(workload::by_log, move || {
        drop(guard);
        Ok(())
    }))
}

/// Level, target and message; its own format has the place in the source instead of the target.
struct WithTarget;

struct Line {
    level: Level,
    target: String,
    message: String,
}

impl FtLogFormat for WithTarget {
    fn msg(&self, record: &Record<'_>) -> Box<dyn Send + Sync + Display> {
        Box::new(Line { level: record.level(), target: record.target().to_owned(), message: record.args().to_string() })
    }
}

impl Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.level, self.target, self.message)
    }
}
