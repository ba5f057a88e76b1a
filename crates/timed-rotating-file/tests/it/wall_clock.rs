//! Midnight, noon and 02:30 of every day from 2000 to 2037 in every zone of the system's tz database.
//!
//! What is expected is looked up and not searched: each zone's clock is read hour by hour, and what it showed when is taken from the
//! list of its changes. A time that a clock jumps over is expected where the clock would have shown it without the jump, which is
//! what CPython's tests ask for.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;

use time::macros::{datetime, time};
use time::{OffsetDateTime, Time, UtcOffset};
use tracing_handlers_core::Timestamp;
use tracing_handlers_timed_rotating_file::{Schedule, When};

use crate::child;

const TEST: &str = "wall_clock::every_day_in_every_zone_lands_on_the_wall_clock";
const DATABASE: &str = "/usr/share/zoneinfo";
const TIMES: [Time; 3] = [time!(00:00), time!(12:00), time!(02:30)];
const FIRST: OffsetDateTime = datetime!(2000-01-01 0:00 UTC);
/// 2000-01-01 to 2037-12-31.
const DAYS: i64 = 13_880;
const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

/// Children at a time, whatever the machine: they are short and mostly start up.
const CHILDREN: usize = 4;

#[test]
fn every_day_in_every_zone_lands_on_the_wall_clock() {
    if child::is_child() {
        println!("{}", Tally::of_this_zone().to_line());
        return;
    }
    let zones = zones();
    assert!(zones.len() > 200, "a tz database is needed in {DATABASE}; ./tests/run installs it");
    let (queue, tally) = (Mutex::new(zones.iter()), Mutex::new(Tally::default()));
    let next = || queue.lock().unwrap().next();
    let work = || {
        while let Some(zone) = next() {
            let output = child::run(TEST, &format!(":{}", zone.display()));
            let of_zone = output.lines().find_map(Tally::from_line).unwrap();
            assert_eq!(of_zone.wrong, 0, "{}:\n{output}", zone.display());
            assert_eq!(of_zone.times, TIMES.len() as u64 * DAYS as u64, "{}", zone.display());
            tally.lock().unwrap().add(&of_zone);
        }
    };
    thread::scope(|scope| (0..CHILDREN).for_each(|_| drop(scope.spawn(work))));
    let tally = tally.into_inner().unwrap();
    println!("{} zones, {}", zones.len(), tally.to_line());
    // Apia, Casablanca, Dublin and the like are among them; a zone that was not found would pass for UTC.
    assert!(tally.missing > 1_000 && tally.repeated > 1_000 && tally.changes > 10_000, "{tally:?}");
}

/// The zones of the database, each content once.
fn zones() -> Vec<PathBuf> {
    let mut files = Vec::new();
    collect(Path::new(DATABASE), &mut files);
    files.sort();
    let mut contents = HashSet::new();
    files.retain(|file| fs::read(file).is_ok_and(|content| content.starts_with(b"TZif") && contents.insert(content)));
    files
}

/// Without `right`, whose clocks count leap seconds, which Unix time does not.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if !path.is_dir() {
            files.push(path);
        } else if !path.ends_with("right") {
            collect(&path, files);
        }
    }
}

/// What was counted.
#[derive(Debug, Default)]
struct Tally {
    /// Changes of the clock.
    changes: u64,
    /// Days by times of the day.
    times: u64,
    /// Times that the clock jumped over.
    missing: u64,
    /// Times that the clock showed twice.
    repeated: u64,
    wrong: u64,
}

impl Tally {
    fn to_line(&self) -> String {
        let Self { changes, times, missing, repeated, wrong } = self;
        format!("changes {changes}, times {times}, missing {missing}, repeated {repeated}, wrong {wrong}")
    }

    fn from_line(line: &str) -> Option<Self> {
        // The test harness may have begun the line.
        let (_, rest) = line.split_once("changes ")?;
        let mut numbers = rest.split(", ").filter_map(|part| part.split(' ').next_back()?.parse().ok());
        let mut next = || numbers.next();
        Some(Self { changes: next()?, times: next()?, missing: next()?, repeated: next()?, wrong: next()? })
    }

    fn add(&mut self, other: &Self) {
        self.changes += other.changes;
        self.times += other.times;
        self.missing += other.missing;
        self.repeated += other.repeated;
        self.wrong += other.wrong;
    }

    fn of_this_zone() -> Self {
        let stretches = stretches();
        let mut tally = Self { changes: stretches.len() as u64 - 1, ..Self::default() };
        TIMES.iter().for_each(|&time| tally.check(time, &stretches));
        tally
    }

    fn check(&mut self, at_time: Time, stretches: &[Stretch]) {
        let schedule = Schedule::new(When::Midnight).at_time(at_time).check().unwrap();
        let first = FIRST.replace_time(at_time).unix_timestamp();
        let mut before = expected(first - DAY, stretches).moment;
        for day in 0..DAYS {
            let Expected { moment, showings, is_put } = expected(first + day * DAY, stretches);
            self.times += 1;
            self.missing += u64::from(showings == 0);
            self.repeated += u64::from(showings > 1);
            // From the rollover of the day before, and where the clock is put from the last second as well.
            let from_last_second = is_put && showings > 0;
            if !leads_to(&schedule, before, moment) || (from_last_second && !leads_to(&schedule, moment - 1, moment)) {
                self.wrong += 1;
                println!("wrong: day {day} at {at_time}, expected {moment}");
            }
            before = moment;
        }
    }
}

/// Whether a file that is begun at `now` is rolled at `moment`.
fn leads_to(schedule: &Schedule, now: i64, moment: i64) -> bool {
    // A day that was left out has no rollover of its own.
    now == moment || schedule.next_rollover(Timestamp::from_unix_seconds(now)).unix_seconds() == moment
}

/// From one change of the clock to the next.
struct Stretch {
    begins: i64,
    ends: i64,
    offset: i64,
}

fn offset_at(moment: i64) -> i64 {
    UtcOffset::local_offset_at(OffsetDateTime::from_unix_timestamp(moment).unwrap()).unwrap().whole_seconds().into()
}

/// The clock of this process's zone, read at every hour, and within those hours in which it was put.
fn stretches() -> Vec<Stretch> {
    let (begins, ends) = (FIRST.unix_timestamp() - 4 * DAY, FIRST.unix_timestamp() + (DAYS + 4) * DAY);
    let mut stretches = vec![Stretch { begins, ends, offset: offset_at(begins) }];
    for hour in (begins..ends).step_by(HOUR as usize) {
        let last = stretches.last_mut().unwrap();
        if offset_at(hour + HOUR) != last.offset {
            let change = first_second(hour, hour + HOUR, |second| offset_at(second) != last.offset);
            last.ends = change;
            stretches.push(Stretch { begins: change, ends, offset: offset_at(change) });
        }
    }
    stretches
}

/// The first second after `no`, until `yes`, of which this is so, as it is from there on.
fn first_second(no: i64, yes: i64, is_so: impl Fn(i64) -> bool) -> i64 {
    if yes - no == 1 {
        return yes;
    }
    let between = no + (yes - no) / 2;
    if is_so(between) { first_second(no, between, is_so) } else { first_second(between, yes, is_so) }
}

/// When the wall shows a reading.
struct Expected {
    moment: i64,
    /// How often it does.
    showings: usize,
    /// Whether the clock is put within two days.
    is_put: bool,
}

fn expected(reading: i64, stretches: &[Stretch]) -> Expected {
    // Those that are near enough.
    let from = stretches.partition_point(|stretch| stretch.ends < reading - 2 * DAY);
    let near: Vec<_> = stretches[from..].iter().take_while(|stretch| stretch.begins < reading + 2 * DAY).collect();
    let shows = |stretch: &&Stretch| (stretch.begins..stretch.ends).contains(&(reading - stretch.offset));
    let showing: Vec<_> = near.iter().copied().filter(shows).collect();
    let jumped_over = || {
        let over = |pair: &&[&Stretch]| {
            let change = pair[1].begins;
            (change + pair[0].offset..change + pair[1].offset).contains(&reading)
        };
        near.windows(2).find(over).expect("a reading is shown or jumped over")[0]
    };
    let stretch = showing.first().copied().unwrap_or_else(jumped_over);
    Expected { moment: reading - stretch.offset, showings: showing.len(), is_put: near.len() > 1 }
}
