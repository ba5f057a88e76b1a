//! `log4rs` with a rolling file appender: rolled by size, numbered backups, the line of the `fmt` layer.

use log::LevelFilter;
use log4rs::append::rolling_file::RollingFileAppender;
use log4rs::append::rolling_file::policy::compound::CompoundPolicy;
use log4rs::append::rolling_file::policy::compound::roll::fixed_window::FixedWindowRoller;
use log4rs::append::rolling_file::policy::compound::trigger::size::SizeTrigger;
use log4rs::config::{Appender, Config, Root};
use log4rs::encode::pattern::PatternEncoder;

use super::{Place, Running};
use crate::{Failed, workload};

pub(super) fn rolling(place: &Place) -> Result<Running, Failed> {
    let pattern = place.directory.join("bench.log.{}");
    let roller = FixedWindowRoller::builder().base(1).build(&pattern.to_string_lossy(), u32::try_from(place.backups)?)?;
    let policy = CompoundPolicy::new(Box::new(SizeTrigger::new(place.max_bytes)), Box::new(roller));
    let encoder = PatternEncoder::new("{d(%Y-%m-%dT%H:%M:%S%.6fZ)(utc)}  {l} {t}: {m}{n}");
    let appender = RollingFileAppender::builder().encoder(Box::new(encoder)).build(place.file(), Box::new(policy))?;
    let config = Config::builder()
        .appender(Appender::builder().build("file", Box::new(appender)))
        .build(Root::builder().appender("file").build(LevelFilter::Info))?;
    log4rs::init_config(config)?;
    Ok(Running::new(workload::by_log, || {
        log::logger().flush();
        Ok(())
    }))
}
