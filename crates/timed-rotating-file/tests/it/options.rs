//! What the settings of the file family do at a rollover by the clock.

#![allow(clippy::unwrap_used, reason = "the functions that tests call fail as tests do")]

use std::fs;
use std::path::Path;
use std::time::Duration;

use tracing_handlers_core::{Deadline, Handler, Timestamp};
use tracing_handlers_file::{Buffering, Sync};
use tracing_handlers_testing::{MessageOnly, Setting, handle};
use tracing_handlers_timed_rotating_file::{TimedRotatingFileHandler, TimedRotatingFileHandlerBuilder, When};

/// 2033-05-18 03:33:20: later than any file that a test makes.
const NOW: i64 = 2_000_000_000;
const DAY: Duration = Duration::from_secs(86_400);

fn setting() -> Setting {
    let setting = Setting::new();
    setting.clock.set(Timestamp::from_unix_seconds(NOW));
    setting
}

fn builder(setting: &Setting) -> TimedRotatingFileHandlerBuilder {
    let builder = TimedRotatingFileHandler::builder(&setting.path).when(When::Midnight).utc(true).format(MessageOnly);
    builder.fs(setting.fs.clone()).clock(setting.clock.clone())
}

fn framed(setting: &Setting) -> TimedRotatingFileHandlerBuilder {
    builder(setting).on_open(|_, out| out.extend(b"# begin\n")).on_close(|_, out| out.extend(b"# end\n"))
}

fn content(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn each_period_has_its_header_and_its_footer() {
    let setting = setting();
    let handler = framed(&setting).build().unwrap();
    handle(&handler, "1");
    setting.clock.advance(DAY);
    handle(&handler, "2");
    assert_eq!(content(&setting.beside("app.log.2033-05-18")), "# begin\n1\n# end\n");
    assert_eq!(setting.content(), "# begin\n2\n");
}

#[test]
fn a_file_with_nothing_but_its_header_goes_on_into_the_next_period() {
    let setting = setting();
    let handler = framed(&setting).max_bytes(10).build().unwrap();
    setting.clock.advance(DAY);
    handle(&handler, "larger than the limit");
    assert_eq!(setting.content(), "# begin\nlarger than the limit\n");
    assert!(handler.existing_files().unwrap().is_empty());
}

#[test]
fn what_an_earlier_process_left_is_rolled_on_start_to_its_own_date() {
    let setting = setting();
    fs::write(&setting.path, "theirs\n").unwrap();
    let modified = std::time::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    fs::File::options().append(true).open(&setting.path).unwrap().set_modified(modified).unwrap();
    let handler = builder(&setting).roll_on_start(true).build().unwrap();
    assert_eq!(handler.existing_files().unwrap(), [setting.beside("app.log.2001-09-09")]);
    handle(&handler, "1");
    assert_eq!((setting.content().as_str(), content(&setting.beside("app.log.2001-09-09")).as_str()), ("1\n", "theirs\n"));
}

#[test]
fn a_delayed_file_is_rolled_on_start_before_the_first_record() {
    let setting = setting();
    fs::write(&setting.path, "theirs\n").unwrap();
    let handler = builder(&setting).roll_on_start(true).delay(true).build().unwrap();
    assert!(handler.existing_files().unwrap().is_empty());
    handle(&handler, "1");
    assert_eq!((setting.content().as_str(), handler.existing_files().unwrap().len()), ("1\n", 1));
}

#[test]
fn a_file_is_synced_before_it_is_let_go_of() {
    let setting = setting();
    let handler = builder(&setting).sync(Sync::Every(Duration::from_secs(3_600))).build().unwrap();
    handle(&handler, "1");
    handler.roll_over().unwrap();
    assert_eq!(setting.fs.syncs().iter().filter(|name| *name == "app.log").count(), 1);
}

#[test]
fn what_is_buffered_is_written_before_a_rollover() {
    let setting = setting();
    let buffering = Buffering::new().flush_interval(Duration::from_secs(3_600));
    let handler = builder(&setting).buffered(buffering).build().unwrap();
    handle(&handler, "1");
    handler.roll_over().unwrap();
    handle(&handler, "2");
    handler.flush(Deadline::never()).unwrap();
    assert_eq!((content(&setting.beside("app.log.2033-05-18")).as_str(), setting.content().as_str()), ("1\n", "2\n"));
}

#[cfg(unix)]
#[test]
fn a_rollover_keeps_the_mode_of_the_file() {
    use std::os::unix::fs::PermissionsExt as _;

    let setting = setting();
    let handler = builder(&setting).build().unwrap();
    fs::set_permissions(&setting.path, fs::Permissions::from_mode(0o604)).unwrap();
    handle(&handler, "1");
    setting.clock.advance(DAY);
    handle(&handler, "2");
    for path in [setting.beside("app.log.2033-05-18"), setting.path.clone()] {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o604);
    }
}

#[test]
fn existing_files_are_those_of_this_log_oldest_first() {
    let setting = setting();
    let handler = builder(&setting).build().unwrap();
    for name in ["app.log.old", "app.log.2033-13-01", "other.log.2033-05-17"] {
        fs::write(setting.path.with_file_name(name), "a neighbour's\n").unwrap();
    }
    for message in ["1", "2", "3"] {
        handle(&handler, message);
        handler.roll_over().unwrap();
    }
    let expected = ["2033-05-18", "2033-05-18.1", "2033-05-18.2"].map(|date| setting.beside(&format!("app.log.{}", date)));
    assert_eq!(handler.existing_files().unwrap(), expected);
    assert_eq!(expected.iter().map(|path| content(path)).collect::<String>(), "1\n2\n3\n");
}

#[test]
fn a_file_in_which_nothing_stands_is_not_rolled_on_request_either() {
    for delay in [false, true] {
        let setting = setting();
        let handler = builder(&setting).delay(delay).build().unwrap();
        fs::write(&setting.path, "").unwrap();
        handler.roll_over().unwrap();
        assert!(handler.existing_files().unwrap().is_empty());
    }
    let setting = setting();
    let handler = framed(&setting).build().unwrap();
    handler.roll_over().unwrap();
    assert!(handler.existing_files().unwrap().is_empty());
    handle(&handler, "1");
    handler.roll_over().unwrap();
    assert_eq!(handler.existing_files().unwrap().len(), 1);
}
