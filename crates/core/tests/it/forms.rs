//! A record has several forms: as it was captured, as it waits in a queue, as bytes. Nobody who reads it can tell which it is.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use tracing::field::Empty;
use tracing::{Level, debug, error, info, info_span, trace, warn};
use tracing_handlers_core::buffer::{Batch, BoundedQueue, Limits as Room};
use tracing_handlers_core::format::{Json, Pattern, Text};
use tracing_handlers_core::record::Sites;
use tracing_handlers_core::sync::lock;
use tracing_handlers_core::{Format, HandlerLayer, Limits, Record};
use tracing_log::log;

use crate::common::{Kept, captured_by};

/// All that can be seen of a record.
fn looks(record: &Record<'_>, sites: &mut Sites) -> Vec<String> {
    let formats: [(&str, Box<dyn Format>); 8] = [
        ("text", Box::new(Text::new().thread_name(true).source_location(true))),
        ("colours", Box::new(Text::new().ansi(true))),
        ("bare", Box::new(Text::new().time(false).level(false).target(false).spans(false))),
        ("json", Box::new(Json::new())),
        ("flat", Box::new(Json::new().flatten_event(true))),
        ("nested, all but the target", Box::new(Json::new().target(false).source_location(true).thread_name(true))),
        ("flat, all but the target", Box::new(Json::new().flatten_event(true).target(false).source_location(true))),
        ("pattern", Box::new(Pattern::percent("%(levelname)s %(name)s %(message)s %(fields)s %(spans)s").unwrap())),
    ];
    let mut looks = Vec::new();
    for (name, format) in formats {
        let mut line = Vec::new();
        format.format(record, &mut line);
        looks.push(format!("{name}: {}", String::from_utf8(line).unwrap()));
    }
    let (mut bytes, mut with_sites) = (Vec::new(), Vec::new());
    record.encode(&mut bytes);
    record.encode_with(sites, &mut with_sites);
    assert_eq!(bytes, with_sites);
    looks.push(format!("bytes: {bytes:x?}"));
    looks.push(format!("serde: {}", serde_json::to_string(record).unwrap()));
    let mut parts = format!("parts: {} {} {:?} ", record.message(), record.level(), record.fields());
    for (name, value) in record.fields() {
        // The first of that name, for either.
        write!(parts, "{name}={value:?} found {:?} ", record.field(name)).unwrap();
    }
    write!(parts, "{:?} {:?}", record.field("missing"), record.omitted_fields()).unwrap();
    looks.push(parts);
    looks
}

/// Compares the forms of each record that `events` make, and gives their messages.
#[track_caller]
fn compare(limits: Limits, events: impl FnOnce()) -> Vec<String> {
    let sites = Arc::new(Mutex::new(Sites::default()));
    let look = move |record: &Record<'_>| {
        let mut sites = lock(&sites);
        let captured = looks(record, &mut sites);
        assert_eq!(captured, looks(&record.to_buf().as_record(), &mut sites), "as bytes");
        let queue = BoundedQueue::new(Room::default());
        // Once with care, once without.
        for _ in 0..2 {
            queue.push(record).result.unwrap();
        }
        let (mut batch, mut moved) = (Batch::new(), Batch::new());
        queue.take(&mut batch);
        batch.records().for_each(|queued| assert_eq!(captured, looks(&queued, &mut sites), "in a queue"));
        batch.records().for_each(|queued| moved.push(&queued));
        batch.move_oldest(&mut moved, 9, usize::MAX);
        assert_eq!(moved.len(), 4);
        moved.records().for_each(|queued| assert_eq!(captured, looks(&queued, &mut sites), "in another queue"));
    };
    let records = captured_by(HandlerLayer::new(Kept::looking(look)).limits(limits).unwrap(), events);
    records.iter().map(|record| record.as_record().message().to_owned()).collect()
}

#[derive(Debug)]
struct Cause;

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the cause\n\u{1b}[2J")
    }
}

impl std::error::Error for Cause {}

#[derive(Debug)]
struct Failed(Cause);

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("failed")
    }
}

impl std::error::Error for Failed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

#[test]
fn every_kind_of_value_looks_the_same_in_each_form() {
    let failed = Failed(Cause);
    let messages = compare(Limits::new(), || {
        info!(
            yes = true,
            negative = -129_i64,
            small = 7_u64,
            most = u64::MAX,
            wide = i128::MIN,
            widest = u128::MAX,
            half = 0.5,
            nan = f64::NAN,
            text = "say \"hi\"\n\u{1b}[2J",
            long = "x".repeat(300),
            shown = %"späm \\ \u{202e}",
            debug = ?Some("x"),
            bytes = &b"\x00\xff"[..],
            error = &failed as &(dyn std::error::Error + 'static),
            empty = Empty,
            none = None::<u64>,
            r#type = "raw",
            "all of them"
        );
        trace!("nothing but a message");
        debug!(alone = 1);
        warn!(target: "a target\nof two lines", "{} and {}", 1, 2);
        error!("");
    });
    assert_eq!(messages, ["all of them", "nothing but a message", "", "1 and 2", ""]);
}

#[test]
fn names_that_are_long_or_hostile_look_the_same_in_each_form() {
    let messages = compare(Limits::new(), || {
        info!("a name of which nobody would think, longer than any room for short ones" = 1, b = 2, "x");
        info!("new\nline" = 1, "\u{1b}[2J" = "x", "späm" = %"y", "" = 3, "x");
        info!("fields" = 1, "level" = "x", "name" = 2, "timestamp" = 3, "x");
    });
    assert_eq!(messages, ["x"; 3]);
}

#[test]
fn a_message_in_any_place_looks_the_same_in_each_form() {
    let messages = compare(Limits::new(), || {
        info!(first = 1, message = "in the middle", last = 2);
        info!(first = 1, message = ?Some("of a Debug"));
        info!(message = 42, "a number is a field");
        tracing::event!(Level::INFO, { first = 1, second = 2 }, "behind them");
    });
    assert_eq!(messages, ["in the middle", "Some(\"of a Debug\")", "a number is a field", "behind them"]);
}

#[test]
fn names_that_json_has_taken_look_the_same_in_each_form() {
    let failed = Failed(Cause);
    let error = &failed as &(dyn std::error::Error + 'static);
    let messages = compare(Limits::new(), || {
        info!(timestamp = 1, level = -1, target = 0.5, filename = "f", line_number = 2, span = ?3, spans = %4, "x");
        info!(threadName = true, threadId = 1, omitted_fields = 2, fields = 3, level = error, message = error);
        info!(level = error, timestamp = "not the first");
        info!("message" = 1, "message" = 2, "two that are no texts");
        info!("field.level" = 1, level = 2, "levels" = 3, "leve" = 4, "x");
        info!("a name that has room, but not when it is escaped\n" = 1, "thirty-one bytes with all of it" = 2, "x");
        info!("twenty-seven bytes, a name." = 1, "twenty-eight bytes of a name" = 2, "x");
    });
    assert_eq!(messages.len(), 7);
}

#[test]
fn spans_and_what_limits_left_out_look_the_same_in_each_form() {
    let messages = compare(Limits::new().fields(2).value_bytes(64), || {
        let _outer = info_span!("outer", id = 7, who = "me", more = "than fits").entered();
        info!(a = 1, b = "x".repeat(100), c = 3, d = 4, "{}", "y".repeat(100));
        let inner = info_span!("inner", late = Empty).entered();
        info!("in both");
        inner.record("late", "it came");
        info!("in both, later");
    });
    assert_eq!(messages.get(1..), Some(&["in both".to_owned(), "in both, later".to_owned()][..]));
}

#[test]
fn records_of_the_log_crate_look_the_same_in_each_form() {
    let messages = compare(Limits::new(), || {
        let record = log::Record::builder().args(format_args!("from log")).target("other").line(Some(3)).build();
        tracing_log::format_trace(&record).unwrap();
    });
    assert_eq!(messages, ["from log"]);
}

#[test]
fn many_call_sites_do_not_disturb_each_other() {
    // More than a thread or an encoder keeps.
    macro_rules! eight {
        ($($inner:tt)*) => { $($inner)* $($inner)* $($inner)* $($inner)* $($inner)* $($inner)* $($inner)* $($inner)* };
    }
    let messages = compare(Limits::new(), || {
        for _ in 0..2 {
            eight! { eight! { eight! { info!(one = 1, "x"); warn!(target: "other", two = 2, three = %3); } } }
        }
    });
    assert_eq!(messages.len(), 2 * 2 * 8 * 8 * 8);
}
