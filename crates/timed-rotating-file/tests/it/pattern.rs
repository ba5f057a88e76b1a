//! Names by pattern: rolled, counted, kept and deleted as by the default names; neighbours are left alone.

use std::fs;
use std::process;

use proptest::prelude::*;
use tracing_handlers_timed_rotating_file::{TimedRotatingFileHandler, When};

use crate::setting::{NEXT_DAY, NOON, Setting, handle};

const DAY: u64 = 86_400;

#[test]
fn rolled_files_have_the_names_of_the_pattern_and_the_oldest_go() {
    let setting = Setting::new(NOON);
    let builder = setting.builder(When::Midnight).name_pattern("{stem}-{date}.{index}.{ext}").max_bytes(12).backup_count(3);
    let handler = builder.build().unwrap();
    for neighbour in ["app-2024-01-01.0.log.gz", "app-2024-01-01.00.log", "app-2024-01-01.log", "other-2024-01-01.0.log"] {
        fs::write(setting.beside(neighbour), "theirs").unwrap();
    }
    for message in ["first", "second", "third"] {
        handle(&handler, message);
    }
    setting.set(NEXT_DAY);
    handle(&handler, "fourth");
    let existing = |names: &[&str]| {
        let expected: Vec<_> = names.iter().map(|name| setting.beside(name)).collect();
        assert_eq!(handler.existing_files().unwrap(), expected);
    };
    existing(&["app-2024-01-31.0.log", "app-2024-01-31.1.log", "app-2024-01-31.2.log"]);
    assert_eq!(setting.lines_in("app-2024-01-31.1.log"), ["second"]);
    setting.advance(DAY);
    handle(&handler, "fifth");
    existing(&["app-2024-01-31.1.log", "app-2024-01-31.2.log", "app-2024-02-01.0.log"]);
    assert_eq!(setting.entries(), 4 + 3 + 1, "neighbours, rolled files and the log");
    setting.lost_nothing(&handler);
}

#[test]
fn another_handler_finds_the_files_of_the_pattern_again() {
    let setting = Setting::new(NOON);
    let open = || setting.builder(When::Midnight).name_pattern("{host}.{pid}.{date}.{stem}").backup_count(1).build().unwrap();
    let first = open();
    handle(&first, "first");
    setting.set(NEXT_DAY);
    handle(&first, "second");
    drop(first);
    let second = open();
    assert_eq!(second.existing_files().unwrap().len(), 1);
    let name = second.existing_files().unwrap().remove(0);
    let name = name.file_name().unwrap().to_string_lossy().into_owned();
    assert!(name.ends_with(&format!(".{}.2024-01-31.app", process::id())), "{name}");
    setting.mark_as_written_now();
    setting.advance(DAY);
    handle(&second, "third");
    assert!(!setting.beside(&name).exists(), "one is kept");
    assert_eq!(second.existing_files().unwrap().len(), 1);
}

#[test]
fn a_pattern_that_cannot_be_is_refused_with_its_name() {
    for (pattern, words) in [("{stem}.{ext}", "{date}"), ("{date}/x", "directory"), ("{month}", "not known")] {
        let refused = Setting::new(NOON).builder(When::Midnight).name_pattern(pattern).build().unwrap_err().to_string();
        assert!(refused.contains("name_pattern") && refused.contains(pattern) && refused.contains(words), "{refused}");
    }
    let both = TimedRotatingFileHandler::builder("x.log").namer(|name| name.to_owned()).name_pattern("{date}").build();
    assert!(both.unwrap_err().to_string().contains("namer"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever stands around the date: what was rolled is found, and found in order.
    #[test]
    fn any_pattern_that_is_taken_names_files_that_are_found(before in "[a-z0-9._{}~ -]{0,6}", after in "[a-z0-9._{}~ -]{0,6}") {
        let setting = Setting::new(NOON);
        let pattern = format!("{before}{{date}}{after}");
        let built = setting.builder(When::Midnight).name_pattern(pattern).max_bytes(12).backup_count(9).build();
        let Ok(handler) = built else { return Ok(()) };
        for message in ["first", "second", "third"] {
            handle(&handler, message);
        }
        let rolled = handler.existing_files().unwrap();
        let lines: Vec<_> = rolled.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
        prop_assert_eq!(lines, ["first\n", "second\n"]);
    }
}
