//! The cases of CPython's `RotatingFileHandlerTest`, by name.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use tempfile::{TempDir, tempdir};
use tracing_handlers_core::Handler;
use tracing_handlers_rotating_file::{RotatingFileHandler, RotatingFileHandlerBuilder};
use tracing_handlers_testing::file_subject::names_of_open_files_go;
use tracing_handlers_testing::{MessageOnly, handle};

fn rotating(path: &Path) -> RotatingFileHandlerBuilder {
    RotatingFileHandler::builder(path).format(MessageOnly)
}

fn setting() -> (TempDir, PathBuf) {
    let directory = tempdir().unwrap();
    let path = directory.path().join("app.log");
    (directory, path)
}

fn rolled(path: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", path.display()))
}

#[test]
fn test_should_not_rollover() {
    let (_directory, path) = setting();
    // An empty file is not rolled, whatever its limit.
    handle(&rotating(&path).max_bytes(1).backup_count(1).build().unwrap(), "longer than the limit");
    assert!(!rolled(&path, ".1").exists());
    // Without a limit nothing is, be it empty or not.
    handle(&rotating(&path).max_bytes(0).backup_count(1).build().unwrap(), "another");
    assert!(!rolled(&path, ".1").exists());
}

#[cfg(unix)]
#[test]
fn test_should_not_rollover_non_file() {
    let handler = rotating(Path::new("/dev/null")).max_bytes(1).backup_count(1).build().unwrap();
    for _ in 0..3 {
        handle(&handler, "nowhere");
    }
    assert!(!Path::new("/dev/null.1").exists());
    assert_eq!(handler.stats().delivered, 3);
}

#[cfg(unix)]
#[test]
fn test_should_not_rollover_named_pipe() {
    use std::io::Read as _;

    let (_directory, path) = setting();
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    let reader = std::thread::spawn({
        let path = path.clone();
        move || {
            let mut text = String::new();
            fs::File::open(path).unwrap().read_to_string(&mut text).unwrap();
            text
        }
    });
    let handler = rotating(&path).max_bytes(1).backup_count(1).build().unwrap();
    handle(&handler, "one");
    handle(&handler, "two");
    drop(handler);
    assert_eq!(reader.join().unwrap(), "one\ntwo\n");
    assert!(!rolled(&path, ".1").exists());
}

#[test]
fn test_should_rollover() {
    let (_directory, path) = setting();
    fs::write(&path, "x").unwrap();
    handle(&rotating(&path).max_bytes(2).backup_count(1).build().unwrap(), "y");
    assert_eq!(fs::read_to_string(rolled(&path, ".1")).unwrap(), "x");
    assert_eq!(fs::read_to_string(&path).unwrap(), "y\n");
}

#[test]
fn test_file_created() {
    let (_directory, path) = setting();
    rotating(&path).max_bytes(1).build().unwrap();
    assert!(path.exists());
}

#[test]
fn test_max_bytes() {
    max_bytes(false);
}

#[test]
fn test_max_bytes_delay() {
    max_bytes(true);
}

fn max_bytes(delay: bool) {
    let (small, large) = ("a", "b".repeat(100));
    // Into an empty file both go without a rollover.
    for first in [small, &large] {
        let (_directory, path) = setting();
        let handler = rotating(&path).max_bytes(100).backup_count(2).delay(delay).build().unwrap();
        assert_eq!(path.exists(), !delay);
        handle(&handler, first);
        assert!(!rolled(&path, ".1").exists());
    }
    // Behind a small record a small one does not roll, a large one does; behind the large one both do.
    let (_directory, path) = setting();
    let handler = rotating(&path).max_bytes(100).backup_count(2).delay(delay).build().unwrap();
    handle(&handler, small);
    handle(&handler, small);
    assert!(!rolled(&path, ".1").exists());
    handle(&handler, &large);
    assert!(rolled(&path, ".1").exists() && !rolled(&path, ".2").exists());
    handle(&handler, small);
    assert!(rolled(&path, ".2").exists());
    handle(&handler, &large);
    assert!(!rolled(&path, ".3").exists());
}

#[test]
fn test_rollover_filenames() {
    let (_directory, path) = setting();
    let handler = rotating(&path).max_bytes(1).backup_count(2).namer(|name| PathBuf::from(format!("{}.test", name.display())));
    let handler = handler.build().unwrap();
    for message in ["1", "2", "3", "4"] {
        handle(&handler, message);
        assert!(path.exists() && !rolled(&path, ".3.test").exists());
    }
    assert_eq!(fs::read_to_string(rolled(&path, ".1.test")).unwrap(), "3\n");
    assert_eq!(fs::read_to_string(rolled(&path, ".2.test")).unwrap(), "2\n");
}

/// There is nothing to inherit from here: hooks of a handler are its own, those of another do not reach it.
#[test]
fn test_namer_rotator_inheritance() {
    let (_directory, path) = setting();
    let hooked = rotating(&path).max_bytes(1).backup_count(1).namer(|name| PathBuf::from(format!("{}.test", name.display())));
    let hooked =
        hooked.rotator(|from, to| fs::rename(from, PathBuf::from(format!("{}.rotated", to.display())))).build().unwrap();
    handle(&hooked, "1");
    handle(&hooked, "2");
    assert!(rolled(&path, ".1.test.rotated").exists());
    let (_other_directory, other) = setting();
    let plain = rotating(&other).max_bytes(1).backup_count(1).build().unwrap();
    handle(&plain, "1");
    handle(&plain, "2");
    assert!(rolled(&other, ".1").exists());
}

/// CPython compresses with zlib; which encoding it is does not matter to the hook, so this one turns the bytes round.
#[test]
fn test_rotator() {
    if !names_of_open_files_go() {
        return;
    }
    let (_directory, path) = setting();
    let reversing = |from: &Path, to: &Path| {
        let mut bytes = fs::read(from)?;
        bytes.reverse();
        fs::File::create(to)?.write_all(&bytes)?;
        fs::remove_file(from)
    };
    let handler = rotating(&path).max_bytes(1).backup_count(2).rotator(reversing);
    let handler = handler.namer(|name| PathBuf::from(format!("{}.gz", name.display()))).build().unwrap();
    let read = |suffix: &str| fs::read_to_string(rolled(&path, suffix)).unwrap();

    handle(&handler, "first");
    assert!(!rolled(&path, ".1.gz").exists());
    handle(&handler, "second");
    assert_eq!(read(".1.gz"), "\ntsrif");
    handle(&handler, "third");
    assert_eq!((read(".1.gz").as_str(), read(".2.gz").as_str()), ("\ndnoces", "\ntsrif"));
    handle(&handler, "fourth");
    assert_eq!((read(".1.gz").as_str(), read(".2.gz").as_str()), ("\ndriht", "\ndnoces"));
    assert!(!rolled(&path, ".3.gz").exists());
}
