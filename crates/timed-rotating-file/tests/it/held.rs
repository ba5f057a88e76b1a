//! Files that another program holds: Windows lets nobody rename or remove what is open without `FILE_SHARE_DELETE` (WinError 32).

use std::fs::{self, File, OpenOptions};
use std::os::windows::fs::OpenOptionsExt as _;
use std::path::Path;

use time::macros::datetime;

use crate::setting::{JANUARY_31, NEXT_DAY, Setting, handle, since_noon};

const FILE_SHARE_READ: u32 = 1;
const FILE_SHARE_WRITE: u32 = 2;

/// As CPython, and most programs that show a file, open it.
fn held(path: &Path) -> File {
    OpenOptions::new().read(true).share_mode(FILE_SHARE_READ | FILE_SHARE_WRITE).open(path).unwrap()
}

fn all_are_sharing_violations(setting: &Setting) {
    assert!(setting.failures.texts().iter().all(|text| text.contains("(os error 32)")), "{:?}", setting.failures);
}

/// Each refusal is counted and reported, and the next comes later; the name stays that of the day that is over.
#[test]
fn a_log_that_somebody_reads_without_letting_it_go_is_gone_on_with_and_rolled_later() {
    let (setting, handler) = since_noon();
    let held = held(&setting.path);
    setting.set(NEXT_DAY);
    for (pause, tries, message) in [(1, 1, "second"), (2, 2, "third"), (4, 3, "fourth")] {
        handle(&handler, message);
        handle(&handler, "at once");
        assert_eq!((handler.failed_rollovers(), setting.failures.len()), (tries, tries as usize));
        setting.advance(pause);
    }
    all_are_sharing_violations(&setting);
    drop(held);
    handle(&handler, "rolled");
    assert_eq!(setting.names(), [JANUARY_31, "app.log"]);
    assert_eq!(setting.lines_in("app.log"), ["rolled"]);
    assert_eq!(setting.lines_in(JANUARY_31), ["first", "second", "at once", "third", "at once", "fourth", "at once"]);
    setting.lost_nothing(&handler);
}

/// Three are kept.
#[test]
fn an_old_file_that_somebody_reads_stays_until_he_lets_it_go_and_stops_no_rollover() {
    let (setting, handler) = since_noon();
    for date in ["2024-01-01", "2024-01-02", "2024-01-03"] {
        fs::write(setting.beside(&format!("app.log.{date}")), "old\n").unwrap();
    }
    let held = held(&setting.beside("app.log.2024-01-01"));
    setting.set(NEXT_DAY);
    handle(&handler, "second");
    assert_eq!((setting.lines_in("app.log"), setting.names().len()), (vec!["second".to_owned()], 5));
    assert!(!setting.failures.is_empty());
    all_are_sharing_violations(&setting);
    drop(held);
    setting.set(datetime!(2024-02-02 00:00 UTC));
    handle(&handler, "third");
    assert_eq!(setting.names(), ["app.log.2024-01-03", JANUARY_31, "app.log.2024-02-01", "app.log"]);
    setting.lost_nothing(&handler);
}
