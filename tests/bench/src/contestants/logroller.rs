//! `logroller` behind the `fmt` layer: in a mutex, and as its README has it, behind `tracing_appender::non_blocking`.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use logroller::{LogRoller, LogRollerBuilder, Rotation, RotationSize};
use tracing_appender::non_blocking::NonBlockingBuilder;
use tracing_subscriber::fmt;

use super::{Place, Running, install};
use crate::{Failed, workload};

pub(super) fn blocking(place: &Place) -> Result<Running, Failed> {
    install(fmt::layer().with_ansi(false).with_writer(Mutex::new(roller(place)?)))?;
    Ok(Running::new(workload::by_tracing, || Ok(())))
}

pub(super) fn non_blocking(place: &Place) -> Result<Running, Failed> {
    let (writer, guard) = NonBlockingBuilder::default().lossy(false).finish(roller(place)?);
    install(fmt::layer().with_ansi(false).with_writer(writer))?;
    Ok(Running::new(workload::by_tracing, || {
        drop(guard);
        Ok(())
    }))
}

fn roller(place: &Place) -> Result<LogRoller, Failed> {
    let name: PathBuf = Path::new("bench.log").into();
    Ok(LogRollerBuilder::new(place.directory.clone(), name)
        .rotation(Rotation::SizeBased(RotationSize::Bytes(place.max_bytes)))
        .max_keep_files(u64::try_from(place.backups)?)
        .build()?)
}
