//! `Text` against the default format of `tracing_subscriber::fmt`, byte for byte where the text is clean.

use std::error::Error as StdError;
use std::io;

use tracing::{debug, error, field, info, info_span, trace, warn};
use tracing_handlers_core::format::Text;
use tracing_handlers_core::{Record, record::ValueBuf};
use tracing_subscriber::fmt;

use crate::common::{Fixed, both, line};

/// Compares the default layouts, without colours.
fn same(events: impl FnOnce()) {
    let peer = |memory| fmt::layer().with_ansi(false).with_writer(memory).with_timer(Fixed);
    let (ours, theirs) = both(Text::new(), peer, events);
    assert_eq!(ours, theirs);
    assert!(!ours.is_empty());
}

#[test]
fn every_kind_of_value_is_written_the_same() {
    same(|| {
        info!(yes = true, tiny = -8_i8, min = i64::MIN, large = u64::MAX, wide = i128::MIN, widest = u128::MAX, "numbers");
        info!(float = 1.5, whole = 3.0, small = 1e-7, huge = 1e300, nan = f64::NAN, inf = f64::INFINITY, single = 0.1_f32, "f");
        info!(text = "späm ✓ 'x'", empty = "", debug = ?Some("x"), display = %"two words", "texts");
        info!(quoted = r#"say "hi" \o/"#, "quotes and backslashes");
        info!(bytes = &b"\x00\xff"[..], some = Some(5), none = None::<u64>, absent = field::Empty, "others");
        info!(r#type = "raw", "a raw identifier");
    });
}

#[test]
fn every_level_is_written_the_same() {
    same(|| {
        trace!("t");
        debug!("d");
        info!("i");
        warn!(target: "app::db", "w");
        error!("e");
    });
}

#[test]
fn errors_are_written_the_same_with_their_sources() {
    #[derive(Debug)]
    struct Outer(Option<Box<Outer>>, &'static str);
    impl std::fmt::Display for Outer {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(self.1)
        }
    }
    impl StdError for Outer {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            self.0.as_deref().map(|inner| inner as &(dyn StdError + 'static))
        }
    }
    let three = Outer(Some(Box::new(Outer(Some(Box::new(Outer(None, "no route"))), "connect db"))), "load user");
    let one = io::Error::other("refused");
    same(|| {
        info!(err = &one as &(dyn StdError + 'static), "alone");
        info!(err = &three as &(dyn StdError + 'static), after = 1, "with sources");
    });
}

#[test]
fn messages_that_are_missing_or_odd_are_written_the_same() {
    same(|| {
        info!(a = 1);
        info!(a = 1, b = "two");
        info!(message = "a field");
        info!("merged {} {:?}", 1, "two");
    });
}

#[test]
fn spans_are_written_the_same() {
    same(|| {
        let _root = info_span!("root", id = "7f3a", size = 1.5).entered();
        info!("in root");
        let _bare = info_span!("bare").entered();
        info!(a = 1, "in bare");
        let leaf = info_span!("leaf", ok = ?Some(true), late = field::Empty).entered();
        leaf.record("late", 7_u64);
        info!("late value");
    });
}

#[test]
fn location_and_thread_are_written_the_same() {
    let peer = |memory| {
        let layer = fmt::layer().with_ansi(false).with_writer(memory).with_timer(Fixed);
        layer.with_file(true).with_line_number(true).with_thread_ids(true)
    };
    let (ours, theirs) = both(Text::new().source_location(true).thread_id(true), peer, || {
        let _span = info_span!("s", a = 1).entered();
        info!("x");
    });
    // There, numbers of threads are padded to two digits.
    assert_eq!(ours, theirs.iter().map(|line| line.replace("ThreadId(0", "ThreadId(")).collect::<Vec<_>>());
}

#[test]
fn what_is_switched_off_is_absent_as_there() {
    let peer = |memory| fmt::layer().with_ansi(false).with_writer(memory).without_time().with_target(false).with_level(false);
    let (ours, theirs) = both(Text::new().time(false).target(false).level(false), peer, || {
        let _span = info_span!("s", a = 1).entered();
        info!(b = 2, "x");
    });
    assert_eq!(ours, theirs);
}

#[test]
fn a_record_is_always_one_line_of_visible_text() {
    let hostile: String = (0..0x300_u32).chain(0x2020..0x2070).filter_map(char::from_u32).collect();
    let record = Record::builder()
        .message(&hostile)
        .target(&hostile)
        .file(&hostile)
        .thread_name(&hostile)
        .field(&hostile, hostile.as_str())
        .field("debug", ValueBuf::Debug(hostile.clone()))
        .field("error", ValueBuf::Error(vec![hostile.clone(), hostile.clone()]))
        .span(&hostile, "t", [(hostile.as_str(), ValueBuf::debug(&hostile))])
        .build();
    let line = line(&Text::new().source_location(true).thread_name(true), &record);
    assert!(!line.chars().any(|char| char.is_control() || matches!(char, '\u{2028}'..='\u{202e}')), "{line}");
}

#[test]
fn colours_stand_around_the_text_and_not_in_it() {
    let record = Record::builder().target("app").message("\u{1b}[31mred").span("s", "t", []).build();
    let coloured = line(&Text::new().ansi(true), &record);
    assert!(coloured.contains("\u{1b}[32m INFO\u{1b}[0m") && coloured.contains(r"\x1b[31mred"), "{coloured:?}");
    let mut plain = coloured;
    for sequence in ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[2m", "\u{1b}[32m"] {
        plain = plain.replace(sequence, "");
    }
    assert_eq!(plain, line(&Text::new(), &record));
}
