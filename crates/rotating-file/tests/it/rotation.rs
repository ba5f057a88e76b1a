//! What a rotating handler does beyond CPython's cases.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tempfile::{TempDir, tempdir};
use tracing_handlers_core::{Deadline, Handler, Record};
use tracing_handlers_file::Buffering;
use tracing_handlers_rotating_file::{RotatingFileHandler, RotatingFileHandlerBuilder};
use tracing_handlers_testing::file_subject::{lines_of, logs_oldest_first};
use tracing_handlers_testing::{FailureLog, MessageOnly, handle, record};

fn setting() -> (TempDir, PathBuf) {
    let directory = tempdir().unwrap();
    let path = directory.path().join("app.log");
    (directory, path)
}

fn rotating(path: &Path) -> RotatingFileHandlerBuilder {
    RotatingFileHandler::builder(path).format(MessageOnly)
}

fn all_lines(path: &Path) -> Vec<String> {
    logs_oldest_first(path).iter().flat_map(|path| lines_of(path)).collect()
}

#[test]
fn the_limit_is_counted_in_bytes() {
    let (_directory, path) = setting();
    let handler = rotating(&path).max_bytes(100).backup_count(2).build().unwrap();
    // 24 characters of four bytes: Python counts 25 with the line end and does not roll.
    for _ in 0..2 {
        handle(&handler, &"😀".repeat(24));
    }
    assert_eq!(fs::metadata(path.with_extension("log.1")).unwrap().len(), 97);
}

#[test]
fn a_record_above_the_limit_is_written_whole_into_a_file_of_its_own() {
    let (_directory, path) = setting();
    let handler = rotating(&path).max_bytes(10).backup_count(3).build().unwrap();
    for message in ["a", &"b".repeat(1_000), "c"] {
        handle(&handler, message);
    }
    assert_eq!(fs::read_to_string(path.with_extension("log.2")).unwrap(), "a\n");
    assert_eq!(fs::read_to_string(path.with_extension("log.1")).unwrap(), "b".repeat(1_000) + "\n");
    assert_eq!(fs::read_to_string(&path).unwrap(), "c\n");
}

#[test]
fn without_backups_the_file_grows_and_is_never_rolled() {
    let (directory, path) = setting();
    let handler = rotating(&path).max_bytes(10).backup_count(0).build().unwrap();
    (0..10).for_each(|_| handle(&handler, "12345678"));
    handler.roll_over().unwrap();
    assert_eq!(fs::metadata(&path).unwrap().len(), 90);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn what_a_process_before_left_counts_towards_the_limit() {
    let (_directory, path) = setting();
    fs::write(&path, "x".repeat(95) + "\n").unwrap();
    let handler = rotating(&path).max_bytes(100).backup_count(1).build().unwrap();
    handle(&handler, "12345");
    assert_eq!(fs::read_to_string(&path).unwrap(), "12345\n");
}

#[test]
fn roll_over_on_request() {
    let (_directory, path) = setting();
    let handler = rotating(&path).backup_count(2).build().unwrap();
    handle(&handler, "1");
    handler.roll_over().unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "");
    handle(&handler, "2");
    handler.roll_over().unwrap();
    handle(&handler, "3");
    assert_eq!(all_lines(&path), ["1", "2", "3"]);
    assert!(path.with_extension("log.2").exists());
}

#[test]
fn roll_over_writes_what_is_buffered_into_the_old_file() {
    let (_directory, path) = setting();
    let buffering = Buffering::new().flush_interval(Duration::from_secs(3_600));
    let handler = rotating(&path).backup_count(2).buffered(buffering).build().unwrap();
    handle(&handler, "1");
    handler.roll_over().unwrap();
    assert_eq!(fs::read_to_string(path.with_extension("log.1")).unwrap(), "1\n");
}

#[test]
fn a_truncating_handler_with_a_limit_appends_as_in_python() {
    let (_directory, path) = setting();
    fs::write(&path, "old\n").unwrap();
    handle(&rotating(&path).max_bytes(100).backup_count(1).truncate(true).build().unwrap(), "new");
    assert_eq!(fs::read_to_string(&path).unwrap(), "old\nnew\n");
    handle(&rotating(&path).truncate(true).build().unwrap(), "only");
    assert_eq!(fs::read_to_string(&path).unwrap(), "only\n");
}

#[test]
fn a_gap_in_the_chain_is_filled_first() {
    let (_directory, path) = setting();
    for (suffix, content) in [("log.1", "1"), ("log.3", "3")] {
        fs::write(path.with_extension(suffix), content).unwrap();
    }
    fs::write(&path, "0").unwrap();
    rotating(&path).backup_count(3).build().unwrap().roll_over().unwrap();
    for (suffix, content) in [("log.1", "0"), ("log.2", "1"), ("log.3", "3")] {
        assert_eq!(fs::read_to_string(path.with_extension(suffix)).unwrap(), content, "{suffix}");
    }
}

#[test]
fn files_of_neighbours_are_not_touched() {
    let (_directory, path) = setting();
    let neighbours = ["app.log.3", "app.log.10", "app.log.1.gz", "app.log.bak", "app.logx.1", "app.log.1x", "other.log.1"];
    for name in neighbours {
        fs::write(path.with_file_name(name), name).unwrap();
    }
    let handler = rotating(&path).max_bytes(2).backup_count(2).build().unwrap();
    (0..20).for_each(|_| handle(&handler, "x"));
    for name in neighbours {
        assert_eq!(fs::read_to_string(path.with_file_name(name)).unwrap(), name);
    }
}

#[test]
fn threads_lose_and_tear_nothing_while_the_file_rolls() {
    for buffered in [false, true] {
        let (_directory, path) = setting();
        let builder = rotating(&path).max_bytes(1_000).backup_count(1_000);
        let builder = if buffered { builder.buffered(Buffering::new().capacity(3_000)) } else { builder };
        let handler = Arc::new(builder.build().unwrap());
        thread::scope(|scope| {
            for name in ["a", "b", "c", "d"] {
                let handler = &handler;
                scope.spawn(move || (0..1_000).for_each(|number| handle(&**handler, &format!("{name} {number:04}"))));
            }
        });
        handler.flush(Deadline::never()).unwrap();
        let lines = all_lines(&path);
        assert_eq!(lines.len(), 4_000);
        for name in ["a", "b", "c", "d"] {
            let of_one: Vec<_> = lines.iter().filter(|line| line.starts_with(name)).collect();
            assert_eq!(of_one.len(), 1_000, "thread {name}");
            assert!(of_one.is_sorted(), "thread {name}");
        }
        assert!(logs_oldest_first(&path).iter().all(|path| fs::metadata(path).unwrap().len() < 1_000));
    }
}

#[test]
fn a_batch_is_rolled_between_its_records() {
    let (_directory, path) = setting();
    let handler = rotating(&path).max_bytes(10).backup_count(5).build().unwrap();
    let records: Vec<_> = ["one", "two", "three", "four"].map(record).into();
    handler.handle_batch(&mut records.iter().map(|record| record.as_record())).unwrap();
    let contents: Vec<_> = logs_oldest_first(&path).iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    assert_eq!(contents, ["one\ntwo\n", "three\n", "four\n"]);
}

#[test]
fn a_namer_that_gives_one_name_twice_is_refused() {
    let (directory, path) = setting();
    let same = directory.path().join("same");
    let named = same.clone();
    let error = rotating(&path).backup_count(2).namer(move |_| named.clone()).build().unwrap_err();
    assert!(error.is_config() && error.to_string().starts_with("setting `namer` = "), "{error}");
    let own = path.clone();
    assert!(rotating(&path).backup_count(1).namer(move |_| own.clone()).build().unwrap_err().is_config());
    assert!(!path.exists(), "refused before anything is opened");
}

#[test]
fn hooks_that_panic_or_fail_cost_no_record() {
    type Rotator = fn(&Path, &Path) -> io::Result<()>;
    let panics: Rotator = |_, _| panic!("deliberate mistake of a rotator");
    let fails: Rotator = |_, _| Err(io::Error::other("deliberate refusal"));
    for rotator in [panics, fails] {
        let (_directory, path) = setting();
        let failures = FailureLog::new();
        let handler =
            rotating(&path).max_bytes(10).backup_count(2).rotator(rotator).on_failure(failures.clone()).build().unwrap();
        (0..10).for_each(|number| handle(&handler, &format!("number {number}")));
        assert_eq!(lines_of(&path).len(), 10);
        assert_eq!(failures.lost(), 0);
        assert_eq!(failures.len(), 1, "left alone for a second: {:?}", failures.texts());
    }
}

#[test]
fn a_hook_that_logs_through_the_handler_does_not_lock_it_for_ever() {
    use tracing_subscriber::prelude::*;

    const CHILD: &str = "TRACING_HANDLERS_LOGGING_HOOK_PATH";
    if let Some(path) = std::env::var_os(CHILD) {
        let rotator = |from: &Path, to: &Path| {
            tracing::info!("rolling");
            fs::rename(from, to)
        };
        let layer = rotating(Path::new(&path)).max_bytes(10).backup_count(1).rotator(rotator).layer().unwrap();
        let (handle, handler) = (layer.handle(), Arc::clone(layer.handler()));
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer)).unwrap();
        tracing::info!("first");
        tracing::info!("second");
        handler.roll_over().unwrap();
        let stats = handle.stats();
        let counted = stats.delivered == 2 && stats.dropped() == 2 && stats.is_balanced();
        io::Write::write_all(&mut io::stderr(), format!("{stats}\n").as_bytes()).unwrap();
        std::process::exit(if counted { 0 } else { 1 });
    }
    let (_directory, path) = setting();
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "rotation::a_hook_that_logs_through_the_handler_does_not_lock_it_for_ever"])
        .env(CHILD, &path)
        .output()
        .unwrap();
    assert!(child.status.success(), "{child:?}");
    assert_eq!(all_lines(&path), ["second"]);
}

#[test]
fn a_hostile_value_of_10_mib_makes_one_line() {
    use tracing_subscriber::prelude::*;

    let (_directory, path) = setting();
    let layer = RotatingFileHandler::builder(&path).max_bytes(1 << 20).backup_count(2).layer().unwrap();
    let hostile = "line\n\u{1b}[2J\0\u{2028}\u{9b}31m ".repeat(500_000);
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        tracing::info!(target: "app", hostile, bytes = &b"\xff\n\x1b"[..], "one");
        tracing::info!(target: "app", ?hostile, "two");
        tracing::info!(target: "app", "three {hostile}");
    });
    let lines = all_lines(&path);
    assert_eq!(lines.len(), 3);
    let clean = |line: &String| !line.chars().any(|char| char.is_control() || char == '\u{2028}');
    assert!(lines.iter().all(clean));
    assert!(lines[0].contains("bytes cut]") && lines[0].contains("bytes=[ff 0a 1b]"), "cut and marked");
}

#[test]
fn the_format_is_the_users() {
    let (_directory, path) = setting();
    let format = |record: &Record<'_>, out: &mut Vec<u8>| out.extend(record.message().to_uppercase().bytes());
    handle(&RotatingFileHandler::builder(&path).format(format).build().unwrap(), "loud");
    assert_eq!(fs::read_to_string(&path).unwrap(), "LOUD\n");
}

#[test]
fn backups_above_the_total_of_bytes_go_at_the_next_rollover() {
    let (_directory, path) = setting();
    let handler = rotating(&path).max_bytes(10).backup_count(9).max_total_bytes(25).build().unwrap();
    for number in 0..8 {
        handle(&handler, &format!("number {number}"));
    }
    // Nine bytes each: two fit into 25, three do not.
    assert_eq!(handler.existing_files().unwrap().len(), 2);
    assert_eq!(all_lines(&path), ["number 5", "number 6", "number 7"]);
}

#[test]
fn backups_above_the_age_go_at_the_next_rollover() {
    let (_directory, path) = setting();
    let handler = rotating(&path).max_bytes(10).backup_count(9).max_age(Duration::from_secs(3_600)).build().unwrap();
    for number in 0..3 {
        handle(&handler, &format!("number {number}"));
    }
    let oldest = fs::File::options().append(true).open(path.with_extension("log.2")).unwrap();
    oldest.set_modified(std::time::SystemTime::now() - Duration::from_secs(7_200)).unwrap();
    drop(oldest);
    handle(&handler, "number 3");
    assert_eq!(all_lines(&path), ["number 1", "number 2", "number 3"]);
}
