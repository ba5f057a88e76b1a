use std::cell::Cell;

use proptest::collection::vec;
use proptest::prelude::*;
use time::macros::{datetime, time};
use time::{PrimitiveDateTime, Weekday};

use super::*;

const MINUTE: i64 = 60;
const HOUR: i64 = 3_600;

/// A zone whose clock is put as the test says.
#[derive(Clone, Debug, Default)]
struct MadeUp {
    /// The offset before the first change.
    offset: i64,
    /// When, and the offset from then on.
    changes: Vec<(i64, i64)>,
}

impl MadeUp {
    fn new(offset: i64, changes: &[(PrimitiveDateTime, i64)]) -> Self {
        Self { offset, changes: changes.iter().map(|&(at, offset)| (seconds(at), offset)).collect() }
    }
}

impl Offsets for MadeUp {
    fn offset_at(&self, moment: i64) -> i64 {
        let past = self.changes.iter().rev().find(|(at, _)| *at <= moment);
        past.map_or(self.offset, |&(_, offset)| offset)
    }
}

/// A date and time as if it were UTC: a moment given in UTC, or a reading.
fn seconds(date_time: PrimitiveDateTime) -> i64 {
    date_time.assume_utc().unix_timestamp()
}

fn daily() -> Schedule {
    Schedule::new(When::Midnight)
}

fn hourly(hours: u32) -> Schedule {
    Schedule::new(When::Hours).interval(hours).aligned(true)
}

/// What the wall shows at the rollovers that follow each other, beginning after this moment (in UTC).
fn readings(schedule: Schedule, zone: &MadeUp, now: PrimitiveDateTime, count: usize) -> Vec<String> {
    let rollovers = std::iter::successors(Some(seconds(now)), |&now| Some(schedule.next_in(zone, now))).skip(1).take(count);
    rollovers.map(|rollover| shown(zone.reading(rollover))).collect()
}

/// What the files are named after that are rolled then.
fn starts(schedule: Schedule, zone: &MadeUp, now: PrimitiveDateTime, count: usize) -> Vec<String> {
    let rollovers = std::iter::successors(Some(seconds(now)), |&now| Some(schedule.next_in(zone, now))).skip(1).take(count);
    rollovers.map(|rollover| shown(schedule.start_reading(zone, rollover))).collect()
}

/// `31 02:30`, with seconds where there are any.
fn shown(reading: i64) -> String {
    let text = OffsetDateTime::from_unix_timestamp(reading).unwrap();
    let (hour, minute, second) = text.to_hms();
    let second = if second == 0 { String::new() } else { format!(":{second:02}") };
    format!("{:02} {hour:02}:{minute:02}{second}", text.day())
}

fn new_york() -> MadeUp {
    MadeUp::new(-5 * HOUR, &[(datetime!(2012-03-11 07:00), -4 * HOUR), (datetime!(2012-11-04 06:00), -5 * HOUR)])
}

#[test]
fn half_an_hour_of_daylight_saving_leaves_the_time_of_the_day_alone() {
    let half = 11 * HOUR - 30 * MINUTE;
    let lord_howe = MadeUp::new(11 * HOUR, &[(datetime!(2023-04-01 15:00), half), (datetime!(2023-09-30 15:30), 11 * HOUR)]);
    assert_eq!(readings(daily(), &lord_howe, datetime!(2023-03-31 14:00), 3), ["02 00:00", "03 00:00", "04 00:00"]);
    assert_eq!(readings(daily(), &lord_howe, datetime!(2023-09-30 00:00), 3), ["01 00:00", "02 00:00", "03 00:00"]);
}

/// Where the clock goes forward at midnight there is no midnight, and the day begins at one.
#[test]
fn a_missing_midnight_comes_an_hour_later_and_the_next_is_on_time() {
    let sao_paulo = MadeUp::new(-3 * HOUR, &[(datetime!(2018-11-04 03:00), -2 * HOUR)]);
    let now = datetime!(2018-11-02 12:00);
    assert_eq!(readings(daily(), &sao_paulo, now, 4), ["03 00:00", "04 01:00", "05 00:00", "06 00:00"]);
    assert_eq!(starts(daily(), &sao_paulo, now, 4), ["02 00:00", "03 00:00", "04 00:00", "05 00:00"]);
}

#[test]
fn a_midnight_that_comes_twice_is_rolled_once() {
    let havana = MadeUp::new(-4 * HOUR, &[(datetime!(2023-11-05 05:00), -5 * HOUR)]);
    let now = datetime!(2023-11-04 12:00);
    assert_eq!(daily().next_in(&havana, seconds(now)), seconds(datetime!(2023-11-05 04:00)), "the first of the two");
    assert_eq!(readings(daily(), &havana, now, 2), ["05 00:00", "06 00:00"]);
    let days = Schedule::new(When::Days).aligned(true);
    assert_eq!(readings(days, &havana, now, 2), ["05 00:00", "06 00:00"]);
    assert_eq!(readings(hourly(6), &havana, now, 4), ["04 12:00", "04 18:00", "05 00:00", "05 06:00"]);
}

#[test]
fn a_day_that_was_left_out_has_no_file() {
    let apia = MadeUp::new(-10 * HOUR, &[(datetime!(2011-12-30 10:00), 14 * HOUR)]);
    let now = datetime!(2011-12-28 12:00);
    assert_eq!(readings(daily(), &apia, now, 3), ["29 00:00", "31 00:00", "01 00:00"]);
    assert_eq!(starts(daily(), &apia, now, 3), ["28 00:00", "29 00:00", "31 00:00"]);
    let noon = daily().at_time(time!(12:00));
    assert_eq!(readings(noon, &apia, now, 4), ["28 12:00", "29 12:00", "31 12:00", "01 12:00"]);
    assert_eq!(starts(noon, &apia, now, 4), ["27 12:00", "28 12:00", "29 12:00", "31 12:00"]);
    let friday = Schedule::new(When::Weekday(Weekday::Friday)).at_time(time!(12:00));
    assert_eq!(readings(friday, &apia, now, 2), ["31 12:00", "06 12:00"], "the 30th was to be a Friday");
    assert_eq!(starts(friday, &apia, now, 2), ["23 12:00", "30 12:00"]);
    // At the end of the missing Friday the clock shows what it shows at that of Thursday.
    let friday = Schedule::new(When::Weekday(Weekday::Friday));
    assert_eq!(readings(friday, &apia, now, 2), ["31 00:00", "07 00:00"]);
    assert_eq!(starts(friday, &apia, now, 2), ["24 00:00", "31 00:00"]);
}

#[test]
fn a_day_that_comes_twice_has_one_file() {
    let kwajalein = MadeUp::new(11 * HOUR, &[(datetime!(1969-09-30 13:00), -13 * HOUR)]);
    let days = Schedule::new(When::Days).aligned(true);
    for schedule in [daily(), days] {
        assert_eq!(readings(schedule, &kwajalein, datetime!(1969-09-28 13:30), 3), ["30 00:00", "01 00:00", "02 00:00"]);
    }
}

#[test]
fn a_file_is_not_named_after_the_time_that_it_was_not_rolled_at() {
    let at_three = daily().at_time(time!(03:00));
    let now = datetime!(2012-03-10 05:00);
    assert_eq!(readings(at_three, &new_york(), now, 2), ["10 03:00", "11 03:00"]);
    assert_eq!(starts(at_three, &new_york(), now, 2), ["09 03:00", "10 03:00"]);
}

#[test]
fn a_period_begins_before_it_ends_also_where_its_begin_was_jumped_over() {
    let three_quarters = Schedule::new(When::Minutes).interval(45).aligned(true);
    let three = seconds(datetime!(2012-03-11 07:00));
    assert_eq!(three_quarters.next_in(&new_york(), three - 1), three);
    assert_eq!(three_quarters.start_in(&new_york(), three), three - 45 * MINUTE);
}

/// Two files would have one name if they were named after the moments at which their periods began.
#[test]
fn names_are_distinct_where_the_missing_time_is_made_up_for_on_the_next_day() {
    let nuuk = MadeUp::new(-2 * HOUR, &[(datetime!(2024-03-31 01:00), -HOUR)]);
    let late = daily().at_time(time!(23:30));
    let now = datetime!(2024-03-29 12:00);
    assert_eq!(readings(late, &nuuk, now, 3), ["29 23:30", "31 00:30", "31 23:30"]);
    assert_eq!(starts(late, &nuuk, now, 4), ["28 23:30", "29 23:30", "30 23:30", "31 23:30"]);
}

#[test]
fn a_zone_that_moves_is_followed() {
    let zone = MadeUp::new(5 * HOUR, &[(datetime!(2024-02-29 19:00), 6 * HOUR + 15 * MINUTE)]);
    assert_eq!(readings(daily(), &zone, datetime!(2024-02-28 00:00), 3), ["29 00:00", "01 01:15", "02 00:00"]);
}

#[test]
fn a_week_without_a_time_ends_with_its_day_and_with_midnight_begins_with_it() {
    let utc = MadeUp::default();
    let monday = Schedule::new(When::Weekday(Weekday::Monday));
    let now = datetime!(2024-01-03 12:00);
    assert_eq!(readings(monday, &utc, now, 2), ["09 00:00", "16 00:00"]);
    assert_eq!(readings(monday.at_time(Time::MIDNIGHT), &utc, now, 2), ["08 00:00", "15 00:00"]);
}

#[test]
fn parts_of_a_second_do_not_count() {
    let noon = daily().at_time(time!(12:00:00.9)).utc(true);
    let noon_of_day_0 = Timestamp::from_unix_seconds(43_200);
    assert_eq!(noon.next_rollover(Timestamp::from_nanos(43_199_999_999_999)), noon_of_day_0);
    assert_eq!(noon.next_rollover(noon_of_day_0).unix_seconds(), 43_200 + DAY);
    let seconds = Schedule::new(When::Seconds).utc(true);
    assert_eq!(seconds.next_rollover(Timestamp::from_nanos(1_999_999_999)).unix_seconds(), 2);
}

#[test]
fn an_elapsed_interval_knows_no_clock() {
    let hours = Schedule::new(When::Hours).at_time(time!(05:00));
    assert_eq!(readings(hours, &new_york(), datetime!(2012-03-11 06:30), 2), ["11 03:30", "11 04:30"]);
    assert_eq!(readings(hours, &new_york(), datetime!(2012-11-04 05:30), 2), ["04 01:30", "04 02:30"]);
    assert_eq!(starts(hours, &new_york(), datetime!(2012-03-11 06:30), 2), ["11 01:30", "11 03:30"]);
}

#[test]
fn aligned_intervals_are_rolled_at_round_times() {
    let utc = MadeUp::default();
    let now = datetime!(2024-01-31 22:50:01);
    let aligned = |when, interval| Schedule::new(when).interval(interval).aligned(true);
    let next = |when, interval| readings(aligned(when, interval), &utc, now, 3);
    assert_eq!(next(When::Seconds, 20), ["31 22:50:20", "31 22:50:40", "31 22:51"]);
    assert_eq!(next(When::Minutes, 15), ["31 23:00", "31 23:15", "31 23:30"]);
    assert_eq!(next(When::Hours, 6), ["01 00:00", "01 06:00", "01 12:00"]);
    assert_eq!(next(When::Days, 1), ["01 00:00", "02 00:00", "03 00:00"]);
    let days = aligned(When::Days, 3).next_in(&utc, seconds(now));
    assert_eq!(days % (3 * DAY), 0, "counted from 1970, so that a restart changes nothing");
    assert_eq!(daily().aligned(true).next_in(&utc, 5), daily().next_in(&utc, 5));
}

#[test]
fn aligned_intervals_stay_on_the_clock_when_it_goes_forward() {
    let now = datetime!(2012-03-11 05:50);
    assert_eq!(readings(hourly(1), &new_york(), now, 3), ["11 01:00", "11 03:00", "11 04:00"]);
    assert_eq!(starts(hourly(1), &new_york(), now, 3), ["11 00:00", "11 01:00", "11 03:00"]);
    assert_eq!(readings(hourly(2), &new_york(), now, 3), ["11 03:00", "11 04:00", "11 06:00"]);
    assert_eq!(readings(hourly(6), &new_york(), now, 2), ["11 06:00", "11 12:00"]);
    // 02:15 is not there; 03:00 is a multiple and comes before what 02:15 would become.
    let three_quarters = Schedule::new(When::Minutes).interval(45).aligned(true);
    assert_eq!(readings(three_quarters, &new_york(), now, 3), ["11 01:30", "11 03:00", "11 03:45"]);
}

#[test]
fn an_hour_that_comes_twice_has_two_hourly_files_and_no_six_hours_more() {
    let now = datetime!(2012-11-04 04:10);
    assert_eq!(readings(hourly(1), &new_york(), now, 4), ["04 01:00", "04 01:00", "04 02:00", "04 03:00"]);
    assert_eq!(starts(hourly(1), &new_york(), now, 4), ["04 00:00", "04 01:00", "04 01:00", "04 02:00"]);
    assert_eq!(readings(hourly(6), &new_york(), now, 2), ["04 06:00", "04 12:00"]);
    // What comes twice is a part of the hour only: it is one hour of 90 minutes.
    let lord_howe = MadeUp::new(11 * HOUR, &[(datetime!(2023-04-01 15:00), 11 * HOUR - 30 * MINUTE)]);
    assert_eq!(readings(hourly(1), &lord_howe, datetime!(2023-04-01 13:30), 3), ["02 01:00", "02 02:00", "02 03:00"]);
}

#[test]
fn an_interval_of_zero_is_refused_and_does_no_harm_unchecked() {
    let error = Schedule::new(When::Hours).interval(0).check().unwrap_err();
    assert_eq!(error.to_string(), "setting `interval` = 0: must be at least one");
    for when in [When::Seconds, When::Midnight, When::Weekday(Weekday::Monday)] {
        let unchecked = Schedule::new(when).interval(0);
        assert_eq!(unchecked.next_in(&MadeUp::default(), 7), Schedule::new(when).next_in(&MadeUp::default(), 7));
        assert_eq!(
            unchecked.aligned(true).next_in(&MadeUp::default(), 7),
            Schedule::new(when).aligned(true).next_in(&MadeUp::default(), 7)
        );
    }
}

#[test]
fn intervals_beyond_all_time_end_with_it() {
    let end = Timestamp::from_nanos(i64::MAX);
    for when in [When::Days, When::Midnight, When::Weekday(Weekday::Monday)] {
        for aligned in [false, true] {
            let schedule = Schedule::new(when).interval(u32::MAX).aligned(aligned).check().unwrap();
            assert_eq!(schedule.next_rollover(Timestamp::from_unix_seconds(0)), end);
            assert!(schedule.period_start(end) < end);
            assert_eq!(schedule.next_rollover(end), end);
        }
    }
}

/// Counts how often it is asked.
struct Counting<'a>(&'a MadeUp, Cell<usize>);

impl Offsets for Counting<'_> {
    fn offset_at(&self, moment: i64) -> i64 {
        self.1.set(self.1.get() + 1);
        self.0.offset_at(moment)
    }
}

#[test]
fn a_rollover_asks_for_few_offsets() {
    let zone = new_york();
    let asked = |schedule: Schedule, now| {
        let counting = Counting(&zone, Cell::new(0));
        schedule.next_in(&counting, seconds(now));
        counting.1.get()
    };
    let schedules =
        [daily(), daily().interval(300), Schedule::new(When::Weekday(Weekday::Sunday)).interval(30), hourly(1), hourly(6)];
    for schedule in schedules {
        assert!(asked(schedule, datetime!(2012-06-01 12:00)) <= 6, "{schedule:?}");
        assert!(asked(schedule, datetime!(2012-03-11 06:59)) <= 6 + 2 * 18, "{schedule:?}");
    }
}

/// All times of the model are multiples of this.
const STEP: i64 = 5 * MINUTE;

/// Zones that are put about every week: by an hour or another part of a day, or across the date line.
fn zones() -> impl Strategy<Value = MadeUp> {
    zones_with(prop_oneof![9 => hours_or_parts(), 1 => Just(DAY)])
}

fn hours_or_parts() -> impl Strategy<Value = i64> {
    prop_oneof![3 => Just(HOUR), 1 => Just(30 * MINUTE), 1 => (1..40_i64).prop_map(|steps| steps * STEP)]
}

fn zones_with(jump: impl Strategy<Value = i64>) -> impl Strategy<Value = MadeUp> {
    let change = (jump, any::<bool>(), 53 * HOUR / STEP..20 * DAY / STEP);
    (-12 * 4..=14 * 4_i64, vec(change, 1..8)).prop_map(|(quarters, changes)| {
        let mut zone = MadeUp { offset: quarters * 15 * MINUTE, changes: Vec::new() };
        let (mut at, mut offset) = (0, zone.offset);
        for (jump, forward, steps) in changes {
            let wanted = if forward { offset + jump } else { offset - jump };
            offset = if wanted.abs() <= 25 * HOUR { wanted } else { 2 * offset - wanted };
            at += steps * STEP;
            zone.changes.push((at, offset));
        }
        zone
    })
}

fn schedules() -> impl Strategy<Value = Schedule> {
    let minutes = (1..300_u32).prop_map(|steps| Schedule::new(When::Minutes).interval(steps * 5).aligned(true));
    let hours = (1..40_u32).prop_map(hourly);
    let days = (1..4_u32).prop_map(|days| Schedule::new(When::Days).interval(days).aligned(true));
    prop_oneof![6 => daily_schedules(), 2 => minutes, 2 => hours, 1 => days]
}

fn daily_schedules() -> impl Strategy<Value = Schedule> {
    let weekday = (0..7_u8).prop_map(|day| When::Weekday(Weekday::Monday.nth_next(day)));
    let daily = (prop_oneof![2 => Just(When::Midnight), 1 => weekday], proptest::option::of(0..DAY / STEP), 1..4_u32);
    daily.prop_map(|(when, at_time, interval)| {
        let schedule = Schedule::new(when).interval(interval);
        at_time.map_or(schedule, |steps| schedule.at_time(Time::MIDNIGHT + time::Duration::seconds(steps * STEP)))
    })
}

/// A reading to be rolled at, and the moment of that.
#[derive(Clone, Copy, Debug)]
struct Mark {
    reading: i64,
    moment: i64,
}

/// Watches the clock step by step from `now` on, with no arithmetic but that of a day, and notes what there is to be rolled at.
fn watch(schedule: &Schedule, zone: &MadeUp, now: i64, enough: usize) -> Vec<Mark> {
    let is_aligned = matches!(schedule.rule(), Rule::Aligned);
    let (period, mut highest, mut marks) = (schedule.period(), zone.reading(now), Vec::new());
    let is_mark = |reading: i64| match schedule.when {
        _ if is_aligned => reading % period == 0,
        When::Weekday(weekday) => {
            let end = schedule.at_time.map_or(DAY, |time| (time - Time::MIDNIGHT).whole_seconds());
            let day = OffsetDateTime::from_unix_timestamp(reading - end).unwrap();
            day.time() == Time::MIDNIGHT && day.weekday() == weekday
        }
        _ => OffsetDateTime::from_unix_timestamp(reading).unwrap().time() == schedule.at_time.unwrap_or(Time::MIDNIGHT),
    };
    let mut moment = now;
    while marks.len() < enough {
        moment += STEP;
        let (expected, reading) = (zone.reading(moment - STEP) + STEP, zone.reading(moment));
        if is_aligned && period < DAY && expected - reading >= period {
            highest = reading - STEP;
        }
        for missing in (expected..reading).step_by(STEP as usize).filter(|&missing| missing > highest && is_mark(missing)) {
            marks.push(Mark { reading: missing, moment: moment + missing - expected });
        }
        if reading > highest {
            highest = reading;
            if is_mark(reading) {
                marks.push(Mark { reading, moment });
            }
        }
    }
    marks
}

fn expected(schedule: &Schedule, zone: &MadeUp, now: i64) -> Mark {
    if matches!(schedule.rule(), Rule::Daily { .. }) {
        let interval = schedule.interval as usize;
        return watch(schedule, zone, now, interval)[interval - 1];
    }
    // More than all that a day can hold, since what is jumped over is noted before what comes first.
    let marks = watch(schedule, zone, now, (DAY / schedule.period() + 2) as usize);
    marks.into_iter().min_by_key(|mark| mark.moment).unwrap()
}

/// A zone, and a time at most two days from one of its changes, where there is something to see.
fn near_a_change(zones: impl Strategy<Value = MadeUp>) -> impl Strategy<Value = (MadeUp, i64)> {
    let steps = prop_oneof![-2 * DAY / STEP..2 * DAY / STEP, -2 * HOUR / STEP..2 * HOUR / STEP];
    (zones, any::<prop::sample::Index>(), steps).prop_map(|(zone, index, steps)| {
        let (at, _) = *index.get(&zone.changes);
        (zone, at + steps * STEP)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_next_rollover_is_what_one_sees_who_watches_the_clock(
        (zone, now) in near_a_change(zones()),
        schedule in schedules(),
        into_step in 0..STEP,
    ) {
        let rollover = schedule.next_in(&zone, now + into_step);
        prop_assert!(rollover > now + into_step);
        prop_assert_eq!(rollover, expected(&schedule, &zone, now).moment);
    }

    #[test]
    fn a_file_is_named_one_interval_back_on_the_wall((zone, now) in near_a_change(zones()), schedule in schedules()) {
        let mark = expected(&schedule, &zone, now);
        let rollover = schedule.next_in(&zone, now);
        // Where the clock was put at this very moment, or by a day, it could have been meant by two readings.
        let possible = [mark.reading, rollover + zone.offset_at(rollover), rollover + zone.offset_at(rollover - DAY)];
        let reading = schedule.start_reading(&zone, rollover) + schedule.period();
        prop_assert!(possible.contains(&reading), "{} is none of {:?}", shown(reading), possible.map(shown));
        if zone.offset_at(rollover - DAY) == zone.offset_at(rollover) {
            prop_assert_eq!(reading, mark.reading);
        }
        let start = schedule.start_in(&zone, rollover);
        prop_assert!(start < rollover && rollover - start <= schedule.period() + 2 * DAY);
    }

    #[test]
    fn no_two_days_have_one_name((zone, now) in near_a_change(zones_with(hours_or_parts())), schedule in daily_schedules()) {
        let first = schedule.next_in(&zone, now);
        let second = schedule.next_in(&zone, first);
        let (named, next_named) = (schedule.start_reading(&zone, first), schedule.start_reading(&zone, second));
        prop_assert!(named.div_euclid(DAY) < next_named.div_euclid(DAY), "{} and {}", shown(named), shown(next_named));
    }
}
