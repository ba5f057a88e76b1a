//! `tracing-appender` behind the `fmt` layer of `tracing-subscriber`.

use tracing_appender::non_blocking::NonBlockingBuilder;
use tracing_appender::rolling;
use tracing_subscriber::fmt;

use super::{Place, Running, install};
use crate::{Failed, workload};

pub(super) fn blocking(place: &Place) -> Result<Running, Failed> {
    install(fmt::layer().with_ansi(false).with_writer(rolling::never(&place.directory, "bench.log")))?;
    Ok(Running::new(workload::by_tracing, || Ok(())))
}

pub(super) fn non_blocking(place: &Place) -> Result<Running, Failed> {
    let (writer, guard) = NonBlockingBuilder::default().lossy(false).finish(rolling::never(&place.directory, "bench.log"));
    install(fmt::layer().with_ansi(false).with_writer(writer))?;
    Ok(Running::new(workload::by_tracing, || {
        drop(guard);
        Ok(())
    }))
}
