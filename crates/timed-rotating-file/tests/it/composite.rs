//! Size and time together, and several threads.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use time::macros::datetime;
use tracing_handlers_core::{Deadline, Handler as _};
use tracing_handlers_file::Buffering;
use tracing_handlers_testing::record;
use tracing_handlers_timed_rotating_file::When;

use crate::setting::{Setting, handle};

/// Room for two records of [`message`]; a third would reach the limit.
const TWO: u64 = 24;

fn message(number: usize) -> String {
    format!("rec {number:03}")
}

#[test]
fn files_of_one_period_are_numbered_and_the_next_period_begins_anew() {
    let setting = Setting::new(datetime!(2024-01-31 12:00 UTC));
    let handler = setting.builder(When::Midnight).max_bytes(TWO).build().unwrap();
    let messages: Vec<_> = (0..12).map(message).collect();
    for (number, message) in messages.iter().enumerate() {
        if number == 5 {
            setting.set(datetime!(2024-02-01 00:00 UTC));
        }
        handle(&handler, message);
    }
    let names = ["2024-01-31", "2024-01-31.1", "2024-01-31.2", "2024-02-01", "2024-02-01.1", "2024-02-01.2"];
    let names: Vec<_> = names.map(|date| format!("app.log.{date}")).into_iter().chain(["app.log".to_owned()]).collect();
    assert_eq!(setting.names(), names);
    assert_eq!(setting.lines(), messages);
    assert_eq!(setting.lines_in("app.log.2024-01-31.2"), [message(4)], "rolled by the clock before it was full");
    let existing: Vec<_> = names.iter().take(6).map(|name| setting.beside(name)).collect();
    assert_eq!(handler.existing_files().unwrap(), existing);
}

#[test]
fn a_rollover_by_size_does_not_put_off_the_one_by_the_clock() {
    let setting = Setting::new(datetime!(2024-01-31 12:00 UTC));
    let handler = setting.builder(When::Midnight).max_bytes(TWO).build().unwrap();
    setting.set(datetime!(2024-01-31 23:59:59 UTC));
    (0..3).for_each(|number| handle(&handler, &message(number)));
    setting.set(datetime!(2024-02-01 00:00 UTC));
    handle(&handler, &message(3));
    assert_eq!(setting.names(), ["app.log.2024-01-31", "app.log.2024-01-31.1", "app.log"]);
    assert_eq!(setting.lines_in("app.log"), [message(3)]);
}

#[test]
fn the_backup_count_counts_files_of_all_periods_and_numbers() {
    let setting = Setting::new(datetime!(2024-01-31 12:00 UTC));
    let handler = setting.builder(When::Midnight).max_bytes(TWO).backup_count(4).build().unwrap();
    let mut messages = (0..).map(message);
    let mut write = |count| messages.by_ref().take(count).for_each(|message| handle(&handler, &message));
    // Twelve files, so that the numbers get a second digit.
    write(24);
    let names_of_january = |numbers: [&str; 4]| numbers.map(|number| format!("app.log.2024-01-31.{number}"));
    assert_eq!(setting.names()[..4], names_of_january(["7", "8", "9", "10"]), "the ninth is older than the tenth");
    setting.set(datetime!(2024-02-01 00:00 UTC));
    write(2);
    assert_eq!(setting.names()[..4], names_of_january(["8", "9", "10", "11"]));
    write(4);
    let names = ["2024-01-31.10", "2024-01-31.11", "2024-02-01", "2024-02-01.1"].map(|date| format!("app.log.{date}"));
    assert_eq!(setting.names()[..4], names);
    assert_eq!(setting.lines(), (20..30).map(message).collect::<Vec<_>>());
    assert!(handler.files_to_delete().unwrap().is_empty());
}

#[test]
fn a_number_that_was_given_is_not_given_again_in_its_period() {
    let setting = Setting::new(datetime!(2024-01-31 12:00 UTC));
    let handler = setting.builder(When::Midnight).max_bytes(TWO).build().unwrap();
    (0..8).for_each(|number| handle(&handler, &message(number)));
    // Somebody made room; what comes is younger than what is left all the same.
    fs::remove_file(setting.beside("app.log.2024-01-31.1")).unwrap();
    (8..10).for_each(|number| handle(&handler, &message(number)));
    assert_eq!(setting.names(), ["app.log.2024-01-31", "app.log.2024-01-31.2", "app.log.2024-01-31.3", "app.log"]);
    assert_eq!(setting.lines(), [0, 1, 4, 5, 6, 7, 8, 9].map(message));
}

#[test]
fn a_namer_gets_the_number_too() {
    let setting = Setting::new(datetime!(2024-01-31 12:00 UTC));
    let builder = setting.builder(When::Midnight).max_bytes(TWO).backup_count(2);
    let handler = builder.namer(|name| PathBuf::from(format!("{}.old", name.display()))).build().unwrap();
    (0..8).for_each(|number| handle(&handler, &message(number)));
    let rolled = ["app.log.2024-01-31.1.old", "app.log.2024-01-31.2.old"].map(|name| setting.beside(name));
    assert_eq!(handler.existing_files().unwrap(), rolled);
    assert_eq!(setting.entries(), 3);
}

#[test]
fn a_new_process_goes_on_with_the_numbers_of_the_period() {
    let setting = Setting::new(datetime!(2024-01-31 12:00 UTC));
    for number in 0..7 {
        // One record each, for no longer than a minute.
        handle(&setting.builder(When::Midnight).max_bytes(TWO).build().unwrap(), &message(number));
        setting.mark_as_written_now();
        setting.advance(60);
    }
    assert_eq!(setting.names(), ["app.log.2024-01-31", "app.log.2024-01-31.1", "app.log.2024-01-31.2", "app.log"]);
    assert_eq!(setting.lines(), (0..7).map(message).collect::<Vec<_>>());
}

#[test]
fn files_of_neighbours_are_not_touched() {
    let setting = Setting::new(datetime!(2024-01-31 12:00 UTC));
    let neighbours = [
        "app.log.2024-01-01_00",
        "app.log.2024-01-01.gz",
        "app.log.2024-01-01.01",
        "app.log.2024-01-01.1.2",
        "app.log.2024-13-01",
        "app.log.1",
        "app.log.bak",
        "app.logx.2024-01-01",
        "other.log.2024-01-01",
        "2024-01-01",
    ];
    neighbours.iter().for_each(|name| fs::write(setting.beside(name), name).unwrap());
    let handler = setting.builder(When::Midnight).max_bytes(2).backup_count(1).build().unwrap();
    (0..20).for_each(|number| handle(&handler, &message(number)));
    for name in neighbours {
        assert_eq!(fs::read_to_string(setting.beside(name)).unwrap(), name);
    }
    assert_eq!(setting.entries(), neighbours.len() + 2);
}

#[test]
fn a_batch_is_rolled_by_size_between_its_records() {
    let setting = Setting::new(datetime!(2024-01-31 12:00 UTC));
    let handler = setting.builder(When::Midnight).max_bytes(TWO).build().unwrap();
    let records: Vec<_> = (0..5).map(|number| record(message(number))).collect();
    handler.handle_batch(&mut records.iter().map(|record| record.as_record())).unwrap();
    assert_eq!(setting.lines_in("app.log.2024-01-31.1"), [message(2), message(3)]);
    assert_eq!(setting.lines(), (0..5).map(message).collect::<Vec<_>>());
}

#[test]
fn buffered_records_are_numbered_within_the_period_in_which_they_were_accepted() {
    let setting = Setting::new(datetime!(2024-01-31 12:00 UTC));
    let buffering = Buffering::new().flush_interval(Duration::from_secs(3_600));
    let handler = setting.builder(When::Midnight).max_bytes(TWO).buffered(buffering).build().unwrap();
    let messages: Vec<_> = (0..9).map(message).collect();
    for (number, message) in messages.iter().enumerate() {
        // The first five belong to January, though nothing is written before February.
        if number == 5 {
            setting.set(datetime!(2024-02-01 00:00 UTC));
        }
        handle(&handler, message);
    }
    setting.set(datetime!(2024-02-03 12:00 UTC));
    handler.flush(Deadline::never()).unwrap();
    let dates = ["2024-01-31", "2024-01-31.1", "2024-01-31.2", "2024-02-01"];
    assert_eq!(setting.names()[..4], dates.map(|date| format!("app.log.{date}")));
    assert_eq!(setting.lines_in("app.log.2024-01-31.2"), [message(4)]);
    assert_eq!(setting.lines(), messages);
}

#[test]
fn threads_lose_and_tear_nothing_while_the_file_rolls() {
    for buffered in [false, true] {
        let setting = Setting::new(datetime!(2024-01-31 12:00 UTC));
        let builder = setting.builder(When::Hours).max_bytes(500).backup_count(1_000);
        let builder = if buffered { builder.buffered(Buffering::new().capacity(3_000)) } else { builder };
        let handler = Arc::new(builder.build().unwrap());
        thread::scope(|scope| {
            for name in ["a", "b", "c", "d"] {
                let (handler, setting) = (&handler, &setting);
                scope.spawn(move || {
                    for number in 0..1_000 {
                        handle(&**handler, &format!("{name} {number:04}"));
                        // About an hour for every hundred records of all.
                        setting.advance(36);
                    }
                });
            }
        });
        handler.flush(Deadline::never()).unwrap();
        let lines = setting.lines();
        assert_eq!(lines.len(), 4_000);
        for name in ["a", "b", "c", "d"] {
            let of_one: Vec<_> = lines.iter().filter(|line| line.starts_with(name)).collect();
            assert_eq!(of_one.len(), 1_000, "thread {name}");
            assert!(of_one.is_sorted(), "thread {name}");
        }
        assert!(setting.names().len() > 40, "hours and sizes: {:?}", setting.names());
        assert!(setting.names().iter().all(|name| fs::metadata(setting.beside(name)).unwrap().len() < 500));
    }
}
