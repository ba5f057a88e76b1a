//! What is there already when a handler begins.

use super::*;

#[test]
fn what_an_earlier_process_left_is_rolled_on_start() {
    let setting = Setting::new();
    fs::write(&setting.path, "theirs\n").unwrap();
    let handler = framed(&setting).roll_on_start(true).build().unwrap();
    assert_eq!((content(&setting.backup(1)).as_str(), setting.content().as_str()), ("theirs\n", "# begin\n"));
    handle(&handler, "1");
    handle(&handler, "2");
    assert_eq!(setting.content(), "# begin\n1\n2\n", "once");
    assert!(!setting.backup(2).exists());
}

#[test]
fn without_being_asked_a_handler_goes_on_in_the_file_that_is_there() {
    let setting = Setting::new();
    fs::write(&setting.path, "theirs\n").unwrap();
    handle(&builder(&setting).build().unwrap(), "1");
    assert_eq!(setting.content(), "theirs\n1\n");
}

#[test]
fn an_empty_file_or_none_is_not_rolled_on_start() {
    let setting = Setting::new();
    for _ in 0..2 {
        builder(&setting).roll_on_start(true).build().unwrap();
    }
    assert_eq!(setting.fs.journal(), ["create app.log"]);
}

#[test]
fn a_delayed_file_is_rolled_on_start_before_the_first_record() {
    let setting = Setting::new();
    fs::write(&setting.path, "theirs\n").unwrap();
    let handler = builder(&setting).roll_on_start(true).delay(true).build().unwrap();
    assert!(!setting.backup(1).exists());
    handle(&handler, "1");
    assert_eq!((content(&setting.backup(1)).as_str(), setting.content().as_str()), ("theirs\n", "1\n"));
}

#[test]
fn what_is_rolled_on_start_is_not_emptied() {
    let setting = Setting::new();
    fs::write(&setting.path, "theirs\n").unwrap();
    builder(&setting).roll_on_start(true).truncate(true).build().unwrap();
    assert_eq!((content(&setting.backup(1)).as_str(), setting.content().as_str()), ("theirs\n", ""));
}

#[test]
fn a_rollover_on_start_that_fails_is_reported_and_tried_again() {
    let setting = Setting::new();
    fs::write(&setting.path, "theirs\n").unwrap();
    setting.fs.fail(Op::Rename, ErrorKind::PermissionDenied);
    let handler = builder(&setting).roll_on_start(true).build().unwrap();
    assert_eq!((setting.failures.len(), setting.failures.lost()), (1, 0));
    handle(&handler, "1");
    assert_eq!(setting.content(), "theirs\n1\n");
    setting.fs.heal_all();
    setting.clock.advance(Duration::from_secs(1));
    handle(&handler, "2");
    assert_eq!((content(&setting.backup(1)).as_str(), setting.content().as_str()), ("theirs\n1\n", "2\n"));
    handle(&handler, "3");
    assert_eq!(setting.content(), "2\n3\n");
}

#[test]
fn a_request_before_the_first_record_is_enough_of_a_rollover_on_start() {
    let setting = Setting::new();
    fs::write(&setting.path, "theirs\n").unwrap();
    let handler = builder(&setting).roll_on_start(true).delay(true).build().unwrap();
    handler.roll_over().unwrap();
    for message in ["1", "2"] {
        handle(&handler, message);
    }
    assert_eq!((content(&setting.backup(1)).as_str(), setting.content().as_str()), ("theirs\n", "1\n2\n"));
    assert!(!setting.backup(2).exists());
}

#[test]
fn without_backups_nothing_is_rolled_on_start() {
    let setting = Setting::new();
    fs::write(&setting.path, "theirs\n").unwrap();
    handle(&builder(&setting).backup_count(0).roll_on_start(true).build().unwrap(), "1");
    assert_eq!(setting.content(), "theirs\n1\n");
}
