//! CPython's own `computeRollover` and ours, given the same random settings and times.
//!
//! Compared is where both are right: seconds, minutes, hours and 24 hours in any zone, midnight and weekdays in UTC and in zones
//! whose clock is not put. The others are compared with what is known of the clock, in `wall_clock.rs`.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::json;
use time::{Duration, Time, Weekday};
use tracing_handlers_core::Timestamp;
use tracing_handlers_testing::python;
use tracing_handlers_timed_rotating_file::{Schedule, When};

use crate::child;

const CASES: usize = 3_000;

/// Zones in the notation that needs no database, where hours are counted westwards. Only the last has daylight saving.
const ZONES: [&str; 4] = ["<+0545>-5:45", "<-12>12", "<+14>-14", NEW_YORK];
const NEW_YORK: &str = "EST5EDT,M3.2.0,M11.1.0";

#[derive(Clone, Debug)]
struct Case {
    when: When,
    interval: u32,
    at_time: Option<Time>,
    utc: bool,
    now: i64,
}

fn cases(zone: &str) -> impl Strategy<Value = Case> + use<> {
    let elapsed = prop_oneof![Just(When::Seconds), Just(When::Minutes), Just(When::Hours), Just(When::Days)];
    let weekday = (0..7_u8).prop_map(|day| When::Weekday(Weekday::Monday.nth_next(day)));
    let when = prop_oneof![1 => elapsed, 1 => Just(When::Midnight), 2 => weekday];
    let at_time = proptest::option::of((0..86_400_i64).prop_map(|second| Time::MIDNIGHT + Duration::seconds(second)));
    // Up to the end of 32-bit time, often at a round hour.
    let now = prop_oneof![0..2_147_483_648_i64, (0..596_523_i64).prop_map(|hours| hours * 3_600)];
    let is_put = zone == NEW_YORK;
    (when, 1..5_u32, at_time, any::<bool>(), now).prop_map(move |(when, interval, at_time, utc, now)| {
        let utc = utc || (is_put && matches!(when, When::Midnight | When::Weekday(_)));
        Case { when, interval, at_time, utc, now }
    })
}

fn ours(case: &Case) -> i64 {
    let mut schedule = Schedule::new(case.when).interval(case.interval).utc(case.utc);
    if let Some(at_time) = case.at_time {
        schedule = schedule.at_time(at_time);
    }
    schedule.check().unwrap().next_rollover(Timestamp::from_unix_seconds(case.now)).unix_seconds()
}

/// Python reads the zone from the environment of this process.
fn pythons(cases: &[Case]) -> Vec<i64> {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/schedule_differential.py");
    let answers = python::answers(program, cases.iter().map(to_json));
    answers.iter().map(|line| line.parse().unwrap()).collect()
}

fn to_json(case: &Case) -> serde_json::Value {
    json!({
        "when": case.when.to_string(),
        "interval": case.interval,
        "at_time": case.at_time.map(|time| time.as_hms()),
        "utc": case.utc,
        "now": case.now,
    })
}

#[test]
fn the_next_rollover_is_pythons() {
    if !child::is_child() {
        for zone in ZONES {
            child::run("schedule_differential::the_next_rollover_is_pythons", zone);
        }
        return;
    }
    let zone = std::env::var("TZ").unwrap();
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let cases: Vec<_> = (0..CASES).map(|_| cases(&zone).new_tree(&mut runner).unwrap().current()).collect();
    let expected = pythons(&cases);
    assert_eq!(expected.len(), CASES);
    for (case, expected) in cases.iter().zip(expected) {
        assert_eq!(ours(case), expected, "{case:?}");
    }
    let local = cases.iter().filter(|case| !case.utc).count();
    assert!(local > CASES / 10, "in the zone itself: {local}");
}
