//! The rollovers that CPython's `TimedRotatingFileHandlerTest` asks for, as numbers, under the names of its tests.

#![allow(non_snake_case, reason = "the names are CPython's")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use time::macros::format_description;
use time::{Time, UtcOffset};
use tracing_handlers_core::Timestamp;
use tracing_handlers_timed_rotating_file::Schedule;

#[cfg(unix)]
use crate::child;

const UTC: &str = "rollover_utc.csv";
const LOCAL: &str = "rollover_local.csv";
const ZONE: &str = "EST+05EDT,M3.2.0,M11.1.0";

/// What is expected of a schedule.
#[derive(Debug)]
struct Row {
    test: String,
    schedule: Schedule,
    now: i64,
    expected: i64,
}

fn rows(file: &str) -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data").join(file);
    let text = fs::read_to_string(path).unwrap().replace(&format!("\"{ZONE}\""), "zone");
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let columns = lines.next().unwrap();
    lines.map(|cells| row(&columns.iter().copied().zip(cells).collect())).collect()
}

fn row(cells: &BTreeMap<&str, &str>) -> Row {
    let number = |column| cells[column].parse::<i64>().unwrap();
    let is_utc = cells.get("clock").is_none_or(|clock| *clock == "utc");
    let mut schedule = Schedule::new(cells["when"].parse().unwrap()).interval(number("interval") as u32).utc(is_utc);
    if !cells["at_time"].is_empty() {
        schedule = schedule.at_time(Time::parse(cells["at_time"], format_description!("[hour]:[minute]:[second]")).unwrap());
    }
    // What follows the name says how the test was made independent of the day it runs on.
    let test = cells["test"].split('(').next().unwrap().to_owned();
    Row { test, schedule: schedule.check().unwrap(), now: number("now_epoch"), expected: number("expect_epoch") }
}

fn check(file: &str, test: &str, count: usize) {
    let rows: Vec<_> = rows(file).into_iter().filter(|row| row.test == test).collect();
    assert_eq!(rows.len(), count);
    for row in rows {
        let next = row.schedule.next_rollover(Timestamp::from_unix_seconds(row.now));
        assert_eq!(next.unix_seconds(), row.expected, "{row:?}");
        let start = row.schedule.period_start(next);
        assert!(start < next && row.schedule.next_rollover(start) <= next, "{row:?} began at {start:?}");
    }
}

/// The zone is named in the environment of a child, as only Unix knows it.
#[cfg(unix)]
fn check_in_zone(test: &str, count: usize) {
    if !child::is_child() {
        child::run(&format!("cpython::{test}"), ZONE);
        return;
    }
    let summer = Timestamp::from_unix_seconds(1_341_100_800);
    assert_eq!(UtcOffset::local_offset_at(summer.to_utc()).unwrap().whole_hours(), -4, "the zone is understood");
    check(LOCAL, test, count);
}

macro_rules! tests {
    ($($file:ident $check:expr, if $system:meta => { $($name:ident $count:literal)* })*) => {
        $($(#[cfg($system)]
        #[test]
        fn $name() {
            $check(stringify!($name), $count);
        })*)*

        #[test]
        fn every_row_belongs_to_a_test() {
            $(
                let names = [$(stringify!($name)),*];
                let lost: Vec<_> = rows($file).into_iter().filter(|row| !names.contains(&row.test.as_str())).collect();
                assert!(lost.is_empty(), "{lost:#?}");
                let counts: &[usize] = &[$($count),*];
                assert_eq!(rows($file).len(), counts.iter().sum::<usize>());
            )*
            assert_eq!((rows(UTC).len(), rows(LOCAL).len()), (48, 110));
        }
    };
}

tests! {
    UTC |test, count| check(UTC, test, count), if all() => {
        test_compute_rollover_S 1
        test_compute_rollover_S_interval 1
        test_compute_rollover_M 1
        test_compute_rollover_M_interval 1
        test_compute_rollover_H 1
        test_compute_rollover_H_interval 1
        test_compute_rollover_D 1
        test_compute_rollover_D_interval 1
        test_compute_rollover_MIDNIGHT 1
        test_compute_rollover_MIDNIGHT_interval 1
        test_compute_rollover_W0 1
        test_compute_rollover_W0_interval 1
        test_compute_rollover_daily_attime 8
        test_compute_rollover_weekly_attime 28
    }
    LOCAL check_in_zone, if unix => {
        test_compute_rollover_MIDNIGHT_local 33
        test_compute_rollover_W6_local 37
        test_compute_rollover_MIDNIGHT_local_interval 16
        test_compute_rollover_W6_local_interval 24
    }
}
