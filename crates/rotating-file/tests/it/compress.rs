//! Compressed backups: complete at every moment, one file in whatever form, and nothing that a caller waits for.

use std::fs;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use flate2::read::GzDecoder;
use tempfile::tempdir;
use tracing_handlers_core::{Deadline, Handler};
use tracing_handlers_file::rollover::Compression;
use tracing_handlers_rotating_file::{RotatingFileHandler, RotatingFileHandlerBuilder};
use tracing_handlers_testing::{FailureLog, FaultFs, MessageOnly, Op, record};

const LONG: Duration = Duration::from_secs(30);
const BACKUPS: usize = 3;

/// Two records a file.
fn builder(path: &Path, fs: &FaultFs, failures: &FailureLog) -> RotatingFileHandlerBuilder {
    let builder = RotatingFileHandler::builder(path).max_bytes(20).backup_count(BACKUPS).format(MessageOnly);
    builder.fs(fs.clone()).on_failure(failures.clone()).compress(Compression::gzip())
}

fn write(handler: &RotatingFileHandler, name: &str, count: usize) -> Vec<String> {
    let messages = (0..count).map(|number| format!("{name} {number:03}"));
    messages.filter(|message| handler.handle(&record(message.clone()).as_record()).is_ok()).collect()
}

fn close(handler: &RotatingFileHandler) {
    handler.close(Deadline::after(LONG)).unwrap();
}

fn entries(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn text_of(path: &Path) -> String {
    let bytes = fs::read(path).unwrap();
    let mut text = String::new();
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("gz") => drop(GzDecoder::new(&*bytes).read_to_string(&mut text).unwrap()),
        #[cfg(feature = "zstd")]
        Some("zst") => text = String::from_utf8(zstd::decode_all(&*bytes).unwrap()).unwrap(),
        _ => text = String::from_utf8(bytes).unwrap(),
    }
    text
}

/// Every line of the log, oldest first. A backup in two forms is one, and both say the same.
fn lines(path: &Path) -> Vec<String> {
    let mut all = Vec::new();
    for number in (1..100).rev() {
        let plain = PathBuf::from(format!("{}.{number}", path.display()));
        let compressed = PathBuf::from(format!("{}.gz", plain.display()));
        let forms: Vec<_> = [compressed, plain].into_iter().filter(|form| form.exists()).map(|form| text_of(&form)).collect();
        if let [compressed, plain] = &forms[..] {
            assert_eq!(compressed, plain);
        }
        all.extend(forms.first().into_iter().flat_map(|text| text.lines().map(str::to_owned)));
    }
    let last = fs::read_to_string(path).unwrap_or_default();
    all.extend(last.lines().map(str::to_owned));
    all
}

#[test]
fn backups_are_compressed_and_others_can_read_them() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("app.log");
    let handler = builder(&path, &FaultFs::new(), &FailureLog::new()).mode(0o640).build().unwrap();
    write(&handler, "rec", 7);
    close(&handler);
    assert_eq!(entries(directory.path()), ["app.log", "app.log.1.gz", "app.log.2.gz", "app.log.3.gz"]);
    let python = "import gzip, sys; sys.stdout.write(gzip.open(sys.argv[1], 'rt').read())";
    let read = std::process::Command::new("python3").args(["-c", python]).arg(directory.path().join("app.log.3.gz")).output();
    assert_eq!(String::from_utf8(read.unwrap().stdout).unwrap(), "rec 000\nrec 001\n");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let metadata = fs::metadata(directory.path().join("app.log.2.gz")).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o640);
    }
    assert_eq!(handler.stats().delivered, 7);
}

#[cfg(feature = "zstd")]
#[test]
fn zstandard_does_it_too_and_old_gzip_files_stay_in_the_chain() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("app.log");
    let gzip = builder(&path, &FaultFs::new(), &FailureLog::new()).build().unwrap();
    write(&gzip, "old", 3);
    close(&gzip);
    let handler = builder(&path, &FaultFs::new(), &FailureLog::new()).compress(Compression::zstd().level(5)).build().unwrap();
    write(&handler, "new", 4);
    assert_eq!(handler.existing_files().unwrap().len(), 3);
    close(&handler);
    assert_eq!(entries(directory.path()), ["app.log", "app.log.1.zst", "app.log.2.zst", "app.log.3.gz"]);
    assert_eq!(text_of(&directory.path().join("app.log.1.zst")), "new 001\nnew 002\n");
}

#[test]
fn the_compressed_file_has_the_time_of_its_source() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("app.log");
    let handler = builder(&path, &FaultFs::new(), &FailureLog::new()).build().unwrap();
    write(&handler, "rec", 2);
    let long_ago = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    fs::File::options().append(true).open(&path).unwrap().set_modified(long_ago).unwrap();
    handler.roll_over().unwrap();
    close(&handler);
    assert_eq!(fs::metadata(directory.path().join("app.log.1.gz")).unwrap().modified().unwrap(), long_ago);
}

/// The compressor stands still in the middle of a file: rollovers go on and move that file up, and it is found again.
#[test]
fn nobody_waits_for_it_and_a_file_that_moves_up_is_found_again() {
    let directory = tempdir().unwrap();
    let (path, faults, failures) = (directory.path().join("app.log"), FaultFs::new(), FailureLog::new());
    let handler = builder(&path, &faults, &failures).build().unwrap();
    faults.hold(Op::Read);
    let mut accepted = write(&handler, "one", 3);
    faults.wait_until_held(Op::Read);
    accepted.extend(write(&handler, "two", 3));
    assert_eq!(accepted.len(), 6);
    assert_eq!(handler.existing_files().unwrap().len(), 2);
    faults.release(Op::Read);
    close(&handler);
    assert_eq!(entries(directory.path()), ["app.log", "app.log.1.gz", "app.log.2.gz"]);
    assert_eq!(lines(&path), accepted);
    assert!(failures.is_empty(), "{failures:?}");
}

#[test]
fn no_accepted_record_is_lost_or_doubled_whatever_step_is_the_last() {
    // Each handler rolls, compresses and is closed.
    let run = |path: &Path, faults: &FaultFs| {
        let mut accepted = Vec::new();
        for round in 0..4 {
            let Ok(handler) = builder(path, faults, &FailureLog::new()).build() else { return accepted };
            accepted.extend(write(&handler, &format!("r{round}"), 3));
            drop(handler.close(Deadline::after(LONG)));
        }
        accepted
    };
    let total = {
        let (directory, faults) = (tempdir().unwrap(), FaultFs::new());
        run(&directory.path().join("app.log"), &faults);
        faults.steps()
    };
    assert!(total > 60, "so few steps cannot be all: {total}");
    for step in 0..=total {
        let (directory, faults) = (tempdir().unwrap(), FaultFs::new());
        let path = directory.path().join("app.log");
        faults.cut_power_before(step);
        let accepted = run(&path, &faults);
        let kept = lines(&path);
        assert!(accepted.ends_with(&kept), "step {step}: {kept:?} of {accepted:?}; {:#?}", faults.journal());
        assert!(kept.len() >= accepted.len().min(2 * BACKUPS), "step {step}: {kept:?}; {:#?}", faults.journal());

        // A new process finishes what was begun, and leaves nothing else behind.
        let handler = builder(&path, &FaultFs::new(), &FailureLog::new()).build().unwrap();
        let expected = [kept, write(&handler, "end", 8)].concat();
        close(&handler);
        let after = lines(&path);
        assert!(expected.ends_with(&after) && after.len() >= 2 * BACKUPS, "step {step}: {after:?}");
        let names = ["app.log", "app.log.1.gz", "app.log.2.gz", "app.log.3.gz"];
        assert_eq!(entries(directory.path()), names, "step {step}; {:#?}", faults.journal());
    }
}

#[test]
fn what_another_process_left_is_finished_or_removed() {
    let directory = tempdir().unwrap();
    let (path, at) = (directory.path().join("app.log"), |name: &str| directory.path().join(name));
    let handler = builder(&path, &FaultFs::new(), &FailureLog::new()).build().unwrap();
    write(&handler, "rec", 5);
    close(&handler);
    // One was compressed and stands in both forms, one is plain, and an unfinished file lies about.
    fs::write(at("app.log.2"), text_of(&at("app.log.2.gz"))).unwrap();
    fs::write(at("app.log.1"), text_of(&at("app.log.1.gz"))).unwrap();
    fs::remove_file(at("app.log.1.gz")).unwrap();
    fs::write(at(".app.log.1234-0.compressing"), "half").unwrap();
    let handler = builder(&path, &FaultFs::new(), &FailureLog::new()).build().unwrap();
    let existing = handler.existing_files().unwrap();
    assert_eq!(existing.len(), 2, "a file in two forms is one: {existing:?}");
    close(&handler);
    assert_eq!(entries(directory.path()), ["app.log", "app.log.1.gz", "app.log.2.gz"]);
    assert_eq!(lines(&path).len(), 5);
}

#[test]
fn a_failure_is_reported_costs_nothing_and_is_made_good_at_the_next_rollover() {
    for op in [Op::Read, Op::Sync, Op::Write] {
        let directory = tempdir().unwrap();
        let (path, faults, failures) = (directory.path().join("app.log"), FaultFs::new(), FailureLog::new());
        let handler = builder(&path, &faults, &failures).build().unwrap();
        let of_compressor = |path: &Path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            name.ends_with(".compressing") || name == "app.log.1"
        };
        faults.fail_on(op, of_compressor, ErrorKind::PermissionDenied);
        let mut accepted = write(&handler, "one", 3);
        tracing_handlers_testing::gate::wait_until(|| !failures.is_empty());
        assert!(failures.texts()[0].contains("compress"), "{failures:?}");
        assert_eq!((failures.lost(), lines(&path)), (0, accepted.clone()));
        faults.heal_all();
        accepted.extend(write(&handler, "two", 2));
        close(&handler);
        assert_eq!(entries(directory.path()), ["app.log", "app.log.1.gz", "app.log.2.gz"], "{op:?}");
        assert_eq!(lines(&path), accepted);
    }
}

#[test]
fn limits_count_a_backup_once_in_the_form_it_has() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("app.log");
    let open = || {
        let builder = builder(&path, &FaultFs::new(), &FailureLog::new()).max_bytes(100_000).backup_count(99);
        builder.max_total_bytes(60_000).build().unwrap()
    };
    for round in 0..5 {
        let handler = open();
        handler.handle(&record(format!("{round}{}", "x".repeat(50_000))).as_record()).unwrap();
        handler.roll_over().unwrap();
        close(&handler);
    }
    // 50,000 bytes of one letter are a hundred, compressed; the newest counts as it is until then.
    assert_eq!(entries(directory.path()).len(), 1 + 5, "{:?}", entries(directory.path()));
}

#[test]
fn files_of_neighbours_are_left_alone() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("app.log");
    let theirs =
        ["app.log.1.gz.bak", "app.log.1.bz2", "app.log.foo.gz", ".app.log.compressing", "app.log2.1.gz", "other.log.1"];
    theirs.iter().for_each(|name| fs::write(directory.path().join(name), "theirs").unwrap());
    let handler = builder(&path, &FaultFs::new(), &FailureLog::new()).build().unwrap();
    write(&handler, "rec", 9);
    close(&handler);
    for name in theirs {
        assert_eq!(fs::read_to_string(directory.path().join(name)).unwrap(), "theirs", "{name}");
    }
    assert_eq!(entries(directory.path()).len(), theirs.len() + 1 + BACKUPS);
}

#[test]
fn without_the_setting_compressed_files_are_somebody_elses() {
    let directory = tempdir().unwrap();
    let path = directory.path().join("app.log");
    fs::write(directory.path().join("app.log.1.gz"), "theirs").unwrap();
    let handler = RotatingFileHandler::builder(&path).max_bytes(20).backup_count(1).format(MessageOnly).build().unwrap();
    write(&handler, "rec", 9);
    assert_eq!(entries(directory.path()), ["app.log", "app.log.1", "app.log.1.gz"]);
}

#[test]
fn a_close_waits_no_longer_than_told() {
    let directory = tempdir().unwrap();
    let (path, faults) = (directory.path().join("app.log"), FaultFs::new());
    let handler = builder(&path, &faults, &FailureLog::new()).build().unwrap();
    faults.hold(Op::Read);
    write(&handler, "rec", 3);
    faults.wait_until_held(Op::Read);
    assert!(handler.close(Deadline::after(Duration::from_millis(20))).unwrap_err().is_timed_out());
    faults.release(Op::Read);
    // Nobody goes on with it: it is the next handler's.
    close(&handler);
    assert!(directory.path().join("app.log.1").exists());
    let next = builder(&path, &FaultFs::new(), &FailureLog::new()).build().unwrap();
    close(&next);
    assert_eq!(entries(directory.path()), ["app.log", "app.log.1.gz"]);
}

#[test]
fn what_cannot_be_together_is_refused() {
    let path = Path::new("never-made.log");
    let refused = |builder: RotatingFileHandlerBuilder, words: &str| {
        let refused = builder.build().unwrap_err();
        assert!(refused.is_config() && refused.to_string().contains("compress"), "{refused}");
        assert!(refused.to_string().contains(words), "{refused}");
    };
    let builder = || RotatingFileHandler::builder(path).max_bytes(1).backup_count(1);
    refused(builder().compress(Compression::gzip().level(10)), "levels 0 to 9");
    refused(builder().compress(Compression::gzip()).rotator(|_, _| Ok(())), "rotator");
    #[cfg(unix)]
    refused(builder().compress(Compression::gzip()).shared(true), "several processes");
    assert!(!path.exists());
}

/// The real thing: a process killed at random moments while it rolls and compresses all the time.
#[cfg(unix)]
#[test]
fn a_killed_process_loses_nothing_and_the_next_one_finishes() {
    use std::io::{BufRead as _, BufReader};
    use std::process::{Command, Stdio};

    const CHILD: &str = "TRACING_HANDLERS_COMPRESSING_CHILD_PATH";
    let open = |path: &Path| {
        let builder = RotatingFileHandler::builder(path).max_bytes(4_000).backup_count(99).format(MessageOnly);
        builder.compress(Compression::gzip()).build().unwrap()
    };
    if let Some(path) = std::env::var_os(CHILD) {
        let handler = open(Path::new(&path));
        for number in 0_u64.. {
            handler.handle(&record(format!("record {number}")).as_record()).unwrap();
            println!("{number}");
        }
    }
    for round in 0..6 {
        let directory = tempdir().unwrap();
        let path = directory.path().join("app.log");
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "compress::a_killed_process_loses_nothing_and_the_next_one_finishes", "--nocapture"])
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut told = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut last = told.by_ref().filter_map(|line| line.parse::<u64>().ok()).take(3_000 + 177 * round).last();
        child.kill().unwrap();
        child.wait().unwrap();
        last = told.filter_map(|line| line.parse().ok()).last().or(last);
        let handler = open(&path);
        close(&handler);
        let lines = lines(&path);
        assert!(lines.iter().cloned().eq((0..lines.len()).map(|number| format!("record {number}"))), "torn or doubled");
        assert!(lines.len() as u64 > last.unwrap());
        let odd = |name: &String| name != "app.log" && !name.ends_with(".gz");
        assert!(!entries(directory.path()).iter().any(odd), "{:?}", entries(directory.path()));
    }
}

/// The rollover renamed the file, the new one cannot be opened: the handler writes on into the old one, which is nobody else's yet.
#[test]
fn a_file_that_is_still_written_to_is_not_compressed() {
    let directory = tempdir().unwrap();
    let (path, faults, failures) = (directory.path().join("app.log"), FaultFs::new(), FailureLog::new());
    let handler = builder(&path, &faults, &failures).build().unwrap();
    faults.hold(Op::Read);
    let mut accepted = write(&handler, "one", 3);
    faults.wait_until_held(Op::Read);
    let of_log = |path: &Path| path.file_name().is_some_and(|name| name == "app.log");
    faults.fail_on(Op::Open, of_log, ErrorKind::PermissionDenied);
    accepted.extend(write(&handler, "two", 2));
    // Now the older backup is compressed; the newer one is not, though it has the name of a backup.
    faults.release(Op::Read);
    tracing_handlers_testing::gate::wait_until(|| directory.path().join("app.log.2.gz").exists());
    tracing_handlers_testing::gate::wait_until(|| !directory.path().join("app.log.2").exists());
    assert_eq!(entries(directory.path()), ["app.log.1", "app.log.2.gz"]);
    accepted.extend(write(&handler, "six", 1));
    assert_eq!(lines(&path), accepted);
    faults.heal_all();
    accepted.extend(write(&handler, "end", 3));
    close(&handler);
    assert_eq!(lines(&path), accepted);
    assert_eq!(accepted.len(), 9);
}

/// A backup in both forms moves up in one step, or the next process would take it for two.
#[test]
fn a_backup_in_both_forms_is_moved_as_one_whatever_step_is_the_last() {
    for step in 0..12 {
        let directory = tempdir().unwrap();
        let (path, faults, failures) = (directory.path().join("app.log"), FaultFs::new(), FailureLog::new());
        let before = builder(&path, &FaultFs::new(), &FailureLog::new()).build().unwrap();
        let mut accepted = write(&before, "old", 3);
        close(&before);
        fs::write(directory.path().join("app.log.1"), text_of(&directory.path().join("app.log.1.gz"))).unwrap();
        // Its plain form cannot be removed when the handler looks for the first time.
        faults.fail_times(Op::Unlink, 1, ErrorKind::PermissionDenied);
        let handler = builder(&path, &faults, &failures).build().unwrap();
        tracing_handlers_testing::gate::wait_until(|| !failures.is_empty());
        faults.cut_power_before(faults.steps() + step);
        accepted.extend(write(&handler, "new", 3));
        drop(handler.close(Deadline::after(LONG)));
        assert_eq!(lines(&path), accepted, "step {step}: {:#?}", faults.journal());
    }
}
