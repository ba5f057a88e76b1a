//! What is kept beyond the backup count: so many bytes, so long.

use std::fs;
use std::time::Duration;

use tempfile::tempdir;
use tracing_handlers_core::Handler;
use tracing_handlers_testing::{ManualClock, MessageOnly, record};
use tracing_handlers_timed_rotating_file::{TimedRotatingFileHandler, When};

#[test]
fn rolled_files_above_the_total_of_bytes_or_the_age_go_at_the_next_rollover() {
    for by_age in [false, true] {
        let directory = tempdir().unwrap();
        let path = directory.path().join("app.log");
        let clock = ManualClock::new(std::time::SystemTime::now().into());
        let builder =
            TimedRotatingFileHandler::builder(&path).when(When::Hours).utc(true).clock(clock.clone()).format(MessageOnly);
        let limit = Duration::from_secs(3 * 3_600);
        let builder = if by_age { builder.max_age(limit) } else { builder.max_total_bytes(25) };
        let handler = builder.build().unwrap();
        for number in 0..8 {
            handler.handle(&record(format!("number {number}")).as_record()).unwrap();
            // The last record of a file is as old as its clock says.
            fs::File::options().append(true).open(&path).unwrap().set_modified(clock_time(&clock)).unwrap();
            clock.advance(Duration::from_secs(3_601));
        }
        // Nine bytes each: two fit into 25. An hour and a second each: after the last rollover two are younger than three hours.
        let kept: Vec<_> = handler.existing_files().unwrap().iter().map(|path| fs::read_to_string(path).unwrap()).collect();
        assert_eq!(kept, ["number 5\n", "number 6\n"], "by age: {by_age}");
        assert!(handler.files_to_delete().unwrap().len() <= usize::from(by_age), "by age: {by_age}");
    }
}

fn clock_time(clock: &ManualClock) -> std::time::SystemTime {
    use tracing_handlers_core::Clock as _;
    let nanos = u64::try_from(clock.now().as_nanos()).unwrap();
    std::time::UNIX_EPOCH + Duration::from_nanos(nanos)
}
