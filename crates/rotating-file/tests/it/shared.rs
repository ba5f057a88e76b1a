//! Several handlers on one path: together with `shared(true)`, found out without.

use std::fs;

use tracing_handlers_core::{Deadline, Handler};
use tracing_handlers_file::Buffering;
use tracing_handlers_rotating_file::{RotatingFileHandler, RotatingFileHandlerBuilder};
use tracing_handlers_testing::file_subject::logs_oldest_first;
use tracing_handlers_testing::{MessageOnly, Op, Setting, handle, record};

/// Two records of six or seven bytes a file.
pub(crate) fn builder(setting: &Setting) -> RotatingFileHandlerBuilder {
    let builder = RotatingFileHandler::builder(&setting.path).max_bytes(15).backup_count(100).format(MessageOnly);
    builder.fs(setting.fs.clone()).clock(setting.clock.clone()).on_failure(setting.failures.clone())
}

fn shared(setting: &Setting) -> RotatingFileHandler {
    builder(setting).shared(true).build().unwrap()
}

/// In Python the second writer goes on writing into `app.log.1`, then `app.log.2`, for good.
#[test]
fn python_gh_130108_the_second_writer_follows_a_rollover_of_the_first() {
    let setting = Setting::new();
    let (one, two) = (shared(&setting), shared(&setting));
    for round in 0..3 {
        for (handler, name) in [(&one, "a"), (&two, "b"), (&two, "c"), (&one, "d")] {
            handle(handler, &format!("rec {round}{name}"));
        }
    }
    let expected = [["rec 0a", "rec 0b"], ["rec 0c", "rec 0d"], ["rec 1a", "rec 1b"], ["rec 1c", "rec 1d"]];
    let more = [["rec 2a", "rec 2b"], ["rec 2c", "rec 2d"]];
    assert_eq!(setting.files(), [&expected[..], &more[..]].concat());
    assert_eq!(setting.told(), [""; 0]);
}

#[test]
fn the_size_is_that_of_all_writers() {
    let setting = Setting::new();
    let (one, two) = (shared(&setting), shared(&setting));
    handle(&one, "rec 1");
    handle(&two, "rec 2");
    handle(&two, "rec 3");
    handle(&one, "rec 4");
    handle(&one, "rec 5");
    handle(&two, "rec 6");
    let largest = logs_oldest_first(&setting.path).iter().map(|path| fs::metadata(path).unwrap().len()).max();
    assert!(largest < Some(15), "{:?}", setting.files());
}

#[test]
fn a_rollover_on_request_takes_the_file_of_now() {
    let setting = Setting::new();
    let (one, two) = (shared(&setting), shared(&setting));
    handle(&one, "rec 1");
    two.roll_over().unwrap();
    handle(&two, "rec 2");
    one.roll_over().unwrap();
    handle(&one, "rec 3");
    assert_eq!(setting.files(), [["rec 1"], ["rec 2"], ["rec 3"]]);
}

#[test]
fn a_delayed_handler_rolls_what_others_wrote_on_request() {
    let setting = Setting::new();
    let one = shared(&setting);
    handle(&one, "rec 1");
    let two = builder(&setting).shared(true).delay(true).build().unwrap();
    two.roll_over().unwrap();
    handle(&one, "rec 2");
    handle(&two, "rec 3");
    assert_eq!(setting.files(), [vec!["rec 1"], vec!["rec 2", "rec 3"]]);
}

#[test]
fn buffered_writers_share_a_file_as_well() {
    let setting = Setting::new();
    let buffered = || builder(&setting).buffered(Buffering::new()).shared(true).build().unwrap();
    let (one, two) = (buffered(), buffered());
    for number in 0..20 {
        handle(if number % 3 == 0 { &one } else { &two }, &format!("rec {number:02}"));
        if number % 4 == 0 {
            one.flush(Deadline::never()).unwrap();
            two.flush(Deadline::never()).unwrap();
        }
    }
    one.close(Deadline::never()).unwrap();
    two.close(Deadline::never()).unwrap();
    let mut lines = setting.files().concat();
    lines.sort();
    assert!(lines.into_iter().eq((0..20).map(|number| format!("rec {number:02}"))));
    assert!(setting.files().iter().all(|lines| lines.len() <= 2), "{:?}", setting.files());
}

#[test]
fn a_full_disk_leaves_no_half_line_before_those_of_others() {
    let setting = Setting::new();
    let (one, two) = (shared(&setting), shared(&setting));
    handle(&two, "rec 1");
    setting.fs.disk_full_after(3);
    assert!(one.handle(&record("rec 2").as_record()).is_err());
    setting.fs.heal(Op::Write);
    handle(&two, "rec 3");
    assert_eq!(setting.files(), [["rec 1", "rec 3"]]);
}

#[test]
fn header_and_footer_stand_once_though_several_write() {
    let setting = Setting::new();
    let framed = || {
        let builder = builder(&setting).max_bytes(30).shared(true);
        builder.on_open(|_, out| out.extend(b"begin\n")).on_close(|_, out| out.extend(b"end\n")).build().unwrap()
    };
    let (one, two) = (framed(), framed());
    for message in ["rec 1", "rec 2", "rec 3"] {
        handle(&one, message);
        handle(&two, message);
    }
    one.roll_over().unwrap();
    for lines in setting.files().iter().filter(|lines| !lines.is_empty()) {
        let count = |what: &str| lines.iter().filter(|line| *line == what).count();
        assert_eq!((lines[0].as_str(), lines.last().unwrap().as_str()), ("begin", "end"), "{lines:?}");
        assert_eq!((count("begin"), count("end")), (1, 1), "{lines:?}");
    }
}

#[test]
fn a_lock_that_cannot_be_had_is_reported_once_and_costs_no_record() {
    let setting = Setting::new();
    let handler = shared(&setting);
    setting.fs.fail(Op::Lock, std::io::ErrorKind::Unsupported);
    (0..5).for_each(|number| handle(&handler, &format!("rec {number}")));
    assert_eq!(setting.files().len(), 1, "nothing is rolled without the lock");
    assert_eq!(setting.files().concat().len(), 5);
    assert_eq!((setting.told().len(), setting.failures.lost()), (1, 0), "{:?}", setting.told());
    setting.fs.heal(Op::Lock);
    handle(&handler, "rec 5");
    assert_eq!(setting.files().len(), 2);
}

#[test]
fn a_lock_that_somebody_keeps_is_waited_for_once_and_reported() {
    let setting = Setting::new();
    let handler = shared(&setting);
    let keeper = fs::File::options().append(true).open(&setting.path).unwrap();
    keeper.lock().unwrap();
    (0..5).for_each(|number| handle(&handler, &format!("rec {number}")));
    assert_eq!((setting.files().len(), setting.files().concat().len()), (1, 5));
    assert_eq!(setting.told().len(), 1, "{:?}", setting.told());
    // Not by closing it: a test beside this one may have forked, and its child has it open for a moment more.
    keeper.unlock().unwrap();
    handle(&handler, "rec 5");
    handle(&handler, "rec 6");
    assert_eq!((setting.files().len(), setting.failures.lost()), (2, 0));
}

#[test]
fn without_shared_the_second_is_reported_once_and_leaves_the_rolling_to_the_first() {
    let setting = Setting::new();
    let one = builder(&setting).build().unwrap();
    assert_eq!(setting.told(), [""; 0]);
    let two = builder(&setting).build().unwrap();
    for number in 0..6 {
        handle(&two, &format!("two {number}"));
    }
    for number in 0..6 {
        handle(&one, &format!("one {number}"));
        handle(&two, &format!("and {number}"));
    }
    let told = setting.told();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("another handler or process writes to it") && told[0].contains("shared(true)"), "{told:?}");
    assert_eq!(setting.files().concat().len(), 18, "{:?}", setting.files());
    assert!(two.roll_over().unwrap_err().to_string().contains("another handler"));
    assert!(setting.files().iter().any(|lines| lines.len() > 1 && lines.contains(&"and 5".into())));
}

#[test]
fn the_second_rolls_when_the_first_is_gone() {
    let setting = Setting::new();
    let one = builder(&setting).build().unwrap();
    let two = builder(&setting).build().unwrap();
    (0..4).for_each(|number| handle(&two, &format!("rec {number}")));
    assert_eq!(setting.files().len(), 1);
    drop(one);
    (4..8).for_each(|number| handle(&two, &format!("rec {number}")));
    assert_eq!(setting.files(), [vec!["rec 0", "rec 1", "rec 2", "rec 3"], vec!["rec 4", "rec 5"], vec!["rec 6", "rec 7"]]);
}

#[test]
fn a_shared_handler_beside_one_that_is_not_is_reported_too() {
    let setting = Setting::new();
    let _alone = builder(&setting).build().unwrap();
    let shared = shared(&setting);
    handle(&shared, "rec 1");
    assert_eq!(setting.told().len(), 1, "{:?}", setting.told());
}

#[test]
fn a_handler_that_comes_after_another_is_no_second() {
    let setting = Setting::new();
    for _ in 0..3 {
        let handler = builder(&setting).build().unwrap();
        handle(&handler, "rec 1");
        handler.roll_over().unwrap();
    }
    assert_eq!(setting.told(), [""; 0]);
}

/// The first rolled before the second came, or locks do not work: nobody was expected, and somebody was there.
#[test]
fn a_file_that_somebody_else_put_there_is_not_rolled_but_followed() {
    let setting = Setting::new();
    let handler = builder(&setting).build().unwrap();
    handle(&handler, "rec 1");
    handle(&handler, "rec 2");
    fs::rename(&setting.path, setting.path.with_extension("log.1")).unwrap();
    fs::write(&setting.path, "new 1\n").unwrap();
    handle(&handler, "rec 3");
    assert_eq!(setting.files(), [["rec 1", "rec 2"], ["new 1", "rec 3"]]);
}
