//! CPython's own handler and ours, given the same random scripts: after every step the folders are the same, byte for byte.
//!
//! Compared is what both mean. Left out of the scripts is where we differ on purpose:
//! - an empty file, which Python rolls and we do not: a record comes before the next period begins;
//! - a name that is taken, where Python writes over it (to 3.12) or stops rolling (since 3.13) and we count: a script ends there;
//! - clocks that are put, which Python takes for an hour: the zone has none;
//! - a clock that steps back.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::json;
use tempfile::tempdir;
use time::{Time, Weekday};
use tracing_handlers_core::{Clock as _, Deadline, Handler as _, Timestamp};
use tracing_handlers_testing::file_subject::contents;
use tracing_handlers_testing::{ManualClock, MessageOnly, python};
use tracing_handlers_timed_rotating_file::{TimedRotatingFileHandler, When};

use crate::child;
use crate::setting::{handle, mark_as_written};

const SCRIPTS: usize = 300;

/// Without daylight saving, and far enough from UTC that it is seen.
const ZONE: &str = "<+0545>-5:45";

type Folder = BTreeMap<String, String>;

#[derive(Clone, Debug)]
enum Step {
    Emit(String),
    Advance(u32),
    Roll,
    Restart,
}

#[derive(Clone, Debug)]
struct Script {
    when: When,
    interval: u32,
    at_time: Option<(u8, u8)>,
    utc: bool,
    backup_count: usize,
    delay: bool,
    named: bool,
    start: i64,
    before: Vec<String>,
    steps: Vec<Step>,
}

fn scripts() -> impl Strategy<Value = Script> {
    let when = prop_oneof![
        4 => prop_oneof![Just(When::Seconds), Just(When::Minutes), Just(When::Hours), Just(When::Days)],
        2 => Just(When::Midnight),
        2 => (0..7_u8).prop_map(|day| When::Weekday(Weekday::Monday.nth_next(day))),
    ];
    when.prop_flat_map(|when| {
        // Round times are when things happen.
        let start = prop_oneof![946_684_800..1_700_000_000_i64, (11_000..19_000_i64).prop_map(|day| day * 86_400)];
        let schedule = (1..4_u32, option::of((0..24_u8, 0..60_u8)), any::<bool>());
        let flags = (any::<bool>(), any::<bool>());
        let folder = (0..5_usize, 0..5_usize);
        (Just(when), schedule, flags, folder, start, vec(step(when), 1..60)).prop_map(script)
    })
}

fn step(when: When) -> impl Strategy<Value = Step> {
    let unit = match when {
        When::Seconds => 1,
        When::Minutes => 60,
        When::Hours => 3_600,
        When::Days | When::Midnight => 86_400,
        When::Weekday(_) => 7 * 86_400,
    };
    prop_oneof![
        20 => "[ -~]{0,20}".prop_map(Step::Emit),
        12 => (0..2 * unit).prop_map(Step::Advance),
        6 => prop_oneof![Just(unit), Just(3 * unit), Just(1)].prop_map(Step::Advance),
        1 => Just(Step::Roll),
        2 => Just(Step::Restart),
    ]
}

type Parts = (When, (u32, Option<(u8, u8)>, bool), (bool, bool), (usize, usize), i64, Vec<Step>);

fn script((when, schedule, (delay, named), (backup_count, old), start, steps): Parts) -> Script {
    let (interval, at_time, utc) = schedule;
    let before = before(when, old, if named { ".old" } else { "" });
    let mut script = Script { when, interval, at_time, utc, backup_count, delay, named, start, before, steps };
    script.steps = steps_that_agree(script.steps);
    script
}

/// Rolled files from before the script begins, and files of neighbours.
fn before(when: When, old: usize, suffix: &str) -> Vec<String> {
    let time = match when {
        When::Seconds => "_04-05-06",
        When::Minutes => "_04-05",
        When::Hours => "_04",
        When::Days | When::Midnight | When::Weekday(_) => "",
    };
    let rolled = (1..=old).map(|day| format!("app.log.1999-12-0{day}{time}{suffix}"));
    rolled.chain(["app.log.bak", "app.log.1999", "other.log.1999-12-01"].map(str::to_owned)).collect()
}

/// A file that was just begun gets a record at once.
fn steps_that_agree(steps: Vec<Step>) -> Vec<Step> {
    let begin = || Step::Emit("begin".to_owned());
    let rolled = steps.into_iter().flat_map(|step| match step {
        Step::Roll => vec![Step::Roll, begin()],
        step => vec![step],
    });
    [begin()].into_iter().chain(rolled).collect()
}

fn to_json(script: &Script) -> serde_json::Value {
    let step = |step: &Step| match step {
        Step::Emit(message) => format!("+{message}"),
        Step::Advance(seconds) => format!("@{seconds}"),
        Step::Roll => "roll".to_owned(),
        Step::Restart => "restart".to_owned(),
    };
    json!({
        "when": script.when.to_string(),
        "interval": script.interval,
        "at_time": script.at_time,
        "utc": script.utc,
        "backup_count": script.backup_count,
        "delay": script.delay,
        "named": script.named,
        "start": script.start,
        "before": script.before,
        "steps": script.steps.iter().map(step).collect::<Vec<_>>(),
    })
}

fn open(path: &Path, script: &Script, clock: &ManualClock) -> TimedRotatingFileHandler {
    let mut builder = TimedRotatingFileHandler::builder(path)
        .when(script.when)
        .interval(script.interval)
        .utc(script.utc)
        .backup_count(script.backup_count)
        .delay(script.delay)
        .clock(clock.clone())
        .format(MessageOnly);
    if let Some((hour, minute)) = script.at_time {
        builder = builder.at_time(Time::from_hms(hour, minute, 0).unwrap());
    }
    if script.named {
        builder = builder.namer(|name| PathBuf::from(format!("{}.old", name.display())));
    }
    builder.build().unwrap()
}

fn ours(script: &Script) -> Vec<Folder> {
    let directory = tempdir().unwrap();
    for name in &script.before {
        fs::write(directory.path().join(name), name).unwrap();
    }
    let path = directory.path().join("app.log");
    let clock = ManualClock::new(Timestamp::from_unix_seconds(script.start));
    let mut handler = open(&path, script, &clock);
    let mut states = vec![contents(directory.path())];
    for step in &script.steps {
        match step {
            Step::Emit(message) => {
                handle(&handler, message);
                mark_as_written(&path, clock.now());
            }
            Step::Advance(seconds) => clock.advance(std::time::Duration::from_secs((*seconds).into())),
            Step::Roll => handler.roll_over().unwrap(),
            Step::Restart => {
                handler.close(Deadline::never()).unwrap();
                handler = open(&path, script, &clock);
            }
        }
        states.push(contents(directory.path()));
    }
    states
}

/// A name that was taken got a number.
fn has_a_number(state: &Folder) -> bool {
    state.keys().any(|name| name.trim_end_matches(".old").ends_with(".1"))
}

/// Python reads the zone from the environment of this process.
fn pythons(scripts: &[Script]) -> Vec<Vec<Folder>> {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/differential.py");
    let answers = python::answers(program, scripts.iter().map(to_json));
    answers.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_folder_is_the_same_after_every_step() {
    if !child::is_child() {
        child::run("differential::the_folder_is_the_same_after_every_step", ZONE);
        return;
    }
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut scripts: Vec<_> = (0..SCRIPTS).map(|_| scripts().new_tree(&mut runner).unwrap().current()).collect();
    let mut all: Vec<_> = scripts.iter().map(ours).collect();
    for (script, states) in scripts.iter_mut().zip(&mut all) {
        let agreed = states.iter().take_while(|state| !has_a_number(state)).count();
        states.truncate(agreed);
        script.steps.truncate(agreed - 1);
    }
    let expected = pythons(&scripts);
    assert_eq!(expected.len(), SCRIPTS);
    for (script, (ours, pythons)) in scripts.iter().zip(all.iter().zip(&expected)) {
        assert_eq!(ours.len(), pythons.len());
        for (step, (ours, pythons)) in ours.iter().zip(pythons).enumerate() {
            assert_eq!(ours, pythons, "after step {step} of {script:#?}");
        }
    }
    let rollovers = |states: &Vec<Folder>| states.windows(2).filter(|pair| pair[0].keys().ne(pair[1].keys())).count();
    let total: usize = all.iter().map(rollovers).sum();
    assert!(total > 4 * SCRIPTS, "the scripts roll often: {total}");
}
