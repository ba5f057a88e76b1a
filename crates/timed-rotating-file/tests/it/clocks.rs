//! Clocks that jump, records that were accepted before midnight and written after it, and files that no record comes for.

use std::io::ErrorKind;
use std::sync::Barrier;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;
use std::time::Duration;

use time::macros::datetime;
use tracing_handlers_core::{Clock, Deadline, Handler as _, Timestamp};
use tracing_handlers_file::Buffering;
use tracing_handlers_testing::{Gate, ManualClock, Op, record};
use tracing_handlers_timed_rotating_file::When;

use crate::setting::{JANUARY_31, NEXT_DAY, NOON, Setting, handle, since_noon};

#[test]
fn a_clock_that_steps_back_a_minute_rolls_no_second_time() {
    let (setting, handler) = since_noon();
    setting.set(datetime!(2024-02-01 00:00:30 UTC));
    handle(&handler, "second");
    for now in [datetime!(2024-01-31 23:59:30 UTC), NEXT_DAY, datetime!(2024-02-01 23:59:59 UTC)] {
        setting.set(now);
        handle(&handler, "more");
    }
    assert_eq!(setting.names(), [JANUARY_31, "app.log"]);
    setting.set(datetime!(2024-02-02 00:00 UTC));
    handle(&handler, "third");
    assert_eq!(setting.lines_in(JANUARY_31), ["first"]);
    assert_eq!(setting.lines_in("app.log.2024-02-01"), ["second", "more", "more", "more"]);
    assert_eq!(setting.lines_in("app.log"), ["third"]);
    setting.lost_nothing(&handler);
}

#[test]
fn a_clock_that_steps_back_a_week_rolls_at_the_midnights_that_it_shows() {
    let (setting, handler) = since_noon();
    setting.set(datetime!(2024-01-24 12:00 UTC));
    handle(&handler, "second");
    assert_eq!(setting.lines(), ["first", "second"]);
    setting.set(datetime!(2024-01-25 00:00 UTC));
    handle(&handler, "third");
    assert_eq!(setting.lines_in("app.log.2024-01-24"), ["first", "second"]);
    // It is put right.
    setting.set(datetime!(2024-01-31 12:00 UTC));
    handle(&handler, "fourth");
    assert_eq!(setting.lines_in("app.log.2024-01-25"), ["third"]);
    setting.set(NEXT_DAY);
    handle(&handler, "fifth");
    assert_eq!(setting.lines_in(JANUARY_31), ["fourth"]);
    assert_eq!(setting.lines(), ["first", "second", "third", "fourth", "fifth"]);
    setting.lost_nothing(&handler);
}

#[test]
fn a_clock_that_jumps_a_week_ahead_rolls_once() {
    let (setting, handler) = since_noon();
    setting.set(datetime!(2024-02-07 12:00 UTC));
    handle(&handler, "second");
    handle(&handler, "third");
    assert_eq!(setting.names(), [JANUARY_31, "app.log"]);
    setting.set(datetime!(2024-02-08 00:00 UTC));
    handle(&handler, "fourth");
    assert_eq!(setting.lines_in("app.log.2024-02-07"), ["second", "third"]);
    setting.lost_nothing(&handler);
}

#[test]
fn a_process_suspended_across_ten_boundaries_rolls_once_under_the_right_name() {
    let setting = Setting::new(NOON);
    let handler = setting.builder(When::Hours).aligned(true).build().unwrap();
    setting.set(datetime!(2024-01-31 12:45 UTC));
    handle(&handler, "before");
    setting.set(datetime!(2024-01-31 22:10 UTC));
    handle(&handler, "after");
    assert_eq!(setting.names(), ["app.log.2024-01-31_12", "app.log"]);
    setting.set(datetime!(2024-01-31 23:00 UTC));
    handle(&handler, "on time again");
    assert_eq!(setting.lines_in("app.log.2024-01-31_12"), ["before"]);
    assert_eq!(setting.lines_in("app.log.2024-01-31_22"), ["after"]);
    assert_eq!(setting.lines_in("app.log"), ["on time again"]);
}

#[test]
fn the_record_that_comes_first_in_a_period_is_in_its_file() {
    let (setting, handler) = since_noon();
    setting.set(NEXT_DAY - Duration::from_nanos(1));
    handle(&handler, "the last of January");
    setting.set(NEXT_DAY);
    handle(&handler, "the first of February");
    assert_eq!(setting.lines_in(JANUARY_31), ["first", "the last of January"]);
    assert_eq!(setting.lines_in("app.log"), ["the first of February"]);
}

#[test]
fn a_buffered_record_is_in_the_file_of_the_time_when_it_was_accepted() {
    let setting = Setting::new(NOON);
    let buffering = Buffering::new().flush_interval(Duration::from_secs(3_600));
    let handler = setting.builder(When::Midnight).buffered(buffering).build().unwrap();
    handle(&handler, "first");
    setting.set(NEXT_DAY - Duration::from_nanos(1));
    handle(&handler, "the last of January");
    setting.set(NEXT_DAY);
    handle(&handler, "the first of February");
    setting.set(NEXT_DAY + Duration::from_secs(5));
    handle(&handler, "the second of February");
    assert_eq!(setting.lines(), [""; 0], "all of it is still in memory");
    handler.flush(Deadline::never()).unwrap();
    assert_eq!(setting.lines_in(JANUARY_31), ["first", "the last of January"]);
    assert_eq!(setting.lines_in("app.log"), ["the first of February", "the second of February"]);
}

/// A clock that shows another period whenever it is read, to a thread that then lets others pass if they can.
struct FastClock {
    readings: AtomicI64,
}

impl Clock for FastClock {
    fn now(&self) -> Timestamp {
        let reading = self.readings.fetch_add(1, Ordering::SeqCst);
        let was_overtaken = || self.readings.load(Ordering::SeqCst) > reading + 1;
        (0..100).take_while(|_| !was_overtaken()).for_each(|_| thread::yield_now());
        Timestamp::from_unix_seconds(1_700_000_000 + 120 * reading)
    }
}

#[test]
fn a_batch_is_rolled_between_its_records() {
    let setting = Setting::new(NOON);
    let clock = FastClock { readings: AtomicI64::new(0) };
    let handler = setting.builder(When::Seconds).clock(clock).build().unwrap();
    let records: Vec<_> = ["first", "second", "third"].map(record).into();
    handler.handle_batch(&mut records.iter().map(|record| record.as_record())).unwrap();
    assert_eq!(setting.lines(), ["first", "second", "third"]);
    assert!(setting.names().iter().all(|name| setting.lines_in(name).len() == 1), "{:?}", setting.names());
}

#[test]
fn a_batch_that_another_record_overtakes_does_not_turn_the_clock_back() {
    let setting = Setting::new(NOON);
    let handler = setting.builder(When::Seconds).build().unwrap();
    let records: Vec<_> = ["first", "second"].map(record).into();
    let mut records = records.iter().enumerate().map(|(index, record)| {
        // The first is formatted already.
        if index == 1 {
            setting.advance(120);
            handle(&handler, "from elsewhere");
        }
        record.as_record()
    });
    handler.handle_batch(&mut records).unwrap();
    assert_eq!(setting.lines_in("app.log"), ["from elsewhere", "first", "second"], "{:?}", setting.names());
}

#[test]
fn threads_that_overtake_each_other_do_not_turn_the_clock_back() {
    for buffered in [false, true] {
        let setting = Setting::new(NOON);
        let builder = setting.builder(When::Seconds).clock(FastClock { readings: AtomicI64::new(0) });
        let handler = if buffered { builder.buffered(Buffering::new()) } else { builder }.build().unwrap();
        let start = Barrier::new(4);
        thread::scope(|scope| {
            for name in ["a", "b", "c", "d"] {
                let (handler, start) = (&handler, &start);
                scope.spawn(move || {
                    start.wait();
                    (0..50).for_each(|number| handle(handler, &format!("{name} {number:02}")));
                });
            }
        });
        handler.flush(Deadline::never()).unwrap();
        assert_eq!(setting.lines().len(), 200);
        assert!(setting.names().iter().all(|name| setting.lines_in(name).len() == 1), "each in a period of its own");
        setting.lost_nothing(&handler);
    }
}

#[test]
fn an_idle_file_is_rolled_without_a_record() {
    let setting = Setting::new(NOON);
    let handler = setting.builder(When::Midnight).roll_idle(true).build().unwrap();
    handle(&handler, "first");
    setting.fs.hold(Op::Rename);
    setting.set(NEXT_DAY);
    setting.fs.wait_until_held(Op::Rename);
    setting.fs.release(Op::Rename);
    // This waits for the rollover, which has the file.
    assert_eq!(handler.existing_files().unwrap(), [setting.beside(JANUARY_31)]);
    assert_eq!(setting.lines_in("app.log"), [""; 0]);
    handle(&handler, "second");
    assert_eq!(setting.lines_in("app.log"), ["second"]);
    assert!(setting.failures.is_empty(), "{:?}", setting.failures);
}

/// A clock that shows when somebody looks at it.
#[derive(Clone)]
struct WatchedClock {
    time: ManualClock,
    gate: Gate,
}

impl Clock for WatchedClock {
    fn now(&self) -> Timestamp {
        self.gate.pass().unwrap();
        self.time.now()
    }
}

#[test]
fn an_idle_file_without_a_record_is_left() {
    let setting = Setting::new(NOON);
    let clock = WatchedClock { time: setting.clock.clone(), gate: Gate::new() };
    let handler = setting.builder(When::Midnight).roll_idle(true).clock(clock.clone()).build().unwrap();
    setting.set(NEXT_DAY);
    // The thread that looks comes by; when it comes again it has looked.
    for _ in 0..3 {
        clock.gate.close();
        clock.gate.wait_until_held();
        clock.gate.open();
    }
    assert_eq!(setting.names(), ["app.log"]);
    // It belongs to the day that is on now.
    handle(&handler, "first");
    setting.set(datetime!(2024-02-02 00:00 UTC));
    handle(&handler, "second");
    assert_eq!(setting.lines_in("app.log.2024-02-01"), ["first"]);
}

#[test]
fn an_idle_file_that_cannot_be_rolled_yet_is_rolled_later() {
    let setting = Setting::new(NOON);
    let handler = setting.builder(When::Midnight).roll_idle(true).build().unwrap();
    handle(&handler, "first");
    setting.fs.fail_times(Op::Rename, 1, ErrorKind::PermissionDenied);
    setting.fs.hold(Op::Rename);
    setting.set(NEXT_DAY);
    setting.fs.wait_until_held(Op::Rename);
    setting.fs.release(Op::Rename);
    assert_eq!(handler.existing_files().unwrap(), [""; 0].map(|name| setting.beside(name)));
    setting.fs.hold(Op::Rename);
    setting.advance(1);
    setting.fs.wait_until_held(Op::Rename);
    setting.fs.release(Op::Rename);
    assert_eq!(handler.existing_files().unwrap(), [setting.beside(JANUARY_31)]);
    setting.lost_nothing(&handler);
}

#[test]
fn a_record_that_is_buffered_just_before_an_idle_file_is_rolled_is_in_the_old_file() {
    let setting = Setting::new(NOON);
    let handler = setting.builder(When::Midnight).roll_idle(true).buffered(Buffering::new()).build().unwrap();
    setting.fs.hold(Op::Write);
    handle(&handler, "first");
    // The thread has looked at the clock and taken what is buffered.
    setting.fs.wait_until_held(Op::Write);
    setting.set(NEXT_DAY - Duration::from_nanos(1));
    handle(&handler, "the last of January");
    setting.fs.hold(Op::Rename);
    setting.set(NEXT_DAY);
    setting.fs.release(Op::Write);
    setting.fs.wait_until_held(Op::Rename);
    setting.fs.release(Op::Rename);
    handler.flush(Deadline::never()).unwrap();
    assert_eq!(setting.lines_in(JANUARY_31), ["first", "the last of January"]);
    assert_eq!(setting.lines_in("app.log"), [""; 0]);
}

#[test]
fn after_a_clock_steps_back_the_file_rolled_last_is_the_newest() {
    let (setting, handler) = since_noon();
    for day in ["2024-01-28", "2024-01-29", "2024-01-30"] {
        std::fs::write(setting.beside(&format!("app.log.{day}")), "old\n").unwrap();
    }
    setting.set(datetime!(2024-01-24 12:00 UTC));
    handle(&handler, "second");
    setting.set(datetime!(2024-01-25 00:00 UTC));
    handle(&handler, "third");
    assert_eq!(setting.lines_in("app.log.2024-01-24"), ["first", "second"], "not deleted by its own rollover");
    setting.set(datetime!(2024-01-26 00:00 UTC));
    handle(&handler, "fourth");
    let expected = ["2024-01-30", "2024-01-24", "2024-01-25"].map(|day| setting.beside(&format!("app.log.{day}")));
    assert_eq!(handler.existing_files().unwrap(), expected);
    setting.lost_nothing(&handler);
}
