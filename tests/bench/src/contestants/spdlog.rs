//! `spdlog-rs` with its rotating file sink, which buffers; its own macros, the line of the `fmt` layer.

use std::sync::Arc;

use spdlog::Logger;
use spdlog::formatter::{PatternFormatter, pattern};
use spdlog::sink::{RotatingFileSink, RotationPolicy};

use super::{Place, Running};
use crate::{Failed, workload};

pub(super) fn rotating(place: &Place) -> Result<Running, Failed> {
    let sink = RotatingFileSink::builder()
        .base_path(place.file())
        .rotation_policy(RotationPolicy::FileSize(place.max_bytes))
        // The current file counts here.
        .max_files(place.backups + 1)
        .formatter(PatternFormatter::new(pattern!("{date}T{time}.{microsecond}Z  {level} {logger}: {payload}{eol}")))
        .build()?;
    let logger = Arc::new(Logger::builder().name(workload::TARGET).sink(Arc::new(sink)).build()?);
    spdlog::set_default_logger(Arc::clone(&logger));
    Ok(Running::new(workload::by_spdlog, move || {
        logger.flush();
        Ok(())
    }))
}
