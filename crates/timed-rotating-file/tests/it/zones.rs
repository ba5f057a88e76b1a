//! Midnights around a change of the clock, through the handler: every record stands in the file of the date that the wall showed.

use std::collections::BTreeSet;

use time::macros::datetime;
use time::{Duration, OffsetDateTime, UtcOffset};
use tracing_handlers_timed_rotating_file::When;

use crate::child;
use crate::setting::{Setting, handle};

/// A clock is put.
struct Change {
    zone: &'static str,
    at: OffsetDateTime,
    /// Minutes ahead of UTC.
    before: i32,
    after: i32,
}

const CHANGES: [Change; 6] = [
    Change { zone: "America/New_York", at: datetime!(2024-03-10 07:00 UTC), before: -300, after: -240 },
    Change { zone: "America/New_York", at: datetime!(2024-11-03 06:00 UTC), before: -240, after: -300 },
    Change { zone: "Europe/Dublin", at: datetime!(2024-03-31 01:00 UTC), before: 0, after: 60 },
    Change { zone: "Europe/Dublin", at: datetime!(2024-10-27 01:00 UTC), before: 60, after: 0 },
    Change { zone: "Australia/Lord_Howe", at: datetime!(2024-04-06 15:00 UTC), before: 660, after: 630 },
    Change { zone: "Australia/Lord_Howe", at: datetime!(2024-10-05 15:30 UTC), before: 630, after: 660 },
];

impl Change {
    fn on_the_wall(&self, moment: OffsetDateTime) -> OffsetDateTime {
        let minutes = if moment < self.at { self.before } else { self.after };
        moment.to_offset(UtcOffset::from_whole_seconds(minutes * 60).unwrap())
    }

    /// A record at each half hour and one just before it, from two days before to two days after.
    fn moments(&self) -> impl Iterator<Item = OffsetDateTime> + use<> {
        let first = self.at - Duration::days(2);
        let half_hours = (0..4 * 48).map(move |index| first + Duration::minutes(30) * index);
        half_hours.flat_map(|half_hour| [half_hour - Duration::seconds(1), half_hour])
    }

    fn check(&self) {
        let mut moments = self.moments();
        let setting = Setting::new(moments.next().unwrap());
        let handler = setting.builder(When::Midnight).utc(false).build().unwrap();
        let mut dates = BTreeSet::new();
        for moment in moments.by_ref() {
            setting.set(moment);
            let shown = self.on_the_wall(moment);
            handle(&handler, &format!("{} at {}", shown.date(), shown.time()));
            dates.insert(shown.date().to_string());
        }
        let today = dates.pop_last().unwrap();
        assert!(dates.len() >= 4, "{dates:?}");
        let rolled = dates.iter().map(|date| (format!("app.log.{date}"), date));
        let expected: Vec<_> = rolled.chain([("app.log".to_owned(), &today)]).collect();
        let names: Vec<_> = expected.iter().map(|(name, _)| name.clone()).collect();
        assert_eq!(setting.names(), names, "{} {}", self.zone, self.at);
        for (name, date) in expected {
            let strangers: Vec<_> = setting.lines_in(&name).into_iter().filter(|line| !line.starts_with(date)).collect();
            assert!(strangers.is_empty(), "{} {}: in {name} {strangers:?}", self.zone, self.at);
        }
        assert_eq!(setting.lines().len(), self.moments().count() - 1);
    }
}

#[test]
fn every_record_is_in_the_file_of_its_date_while_the_clock_is_put() {
    if child::is_child() {
        let zone = std::env::var("TZ").unwrap();
        CHANGES.iter().filter(|change| change.zone == zone).for_each(Change::check);
        return;
    }
    for zone in CHANGES.iter().map(|change| change.zone).collect::<BTreeSet<_>>() {
        child::run("zones::every_record_is_in_the_file_of_its_date_while_the_clock_is_put", zone);
    }
}
