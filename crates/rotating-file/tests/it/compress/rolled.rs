//! What becomes of rolled files.

use std::fs::{self, File, FileTimes};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use tracing_handlers_core::Handler as _;
use tracing_handlers_rotating_file::Compression;
use tracing_handlers_testing::file_subject::names_of_open_files_go;
use tracing_handlers_testing::{Setting, handle};

use super::{builder, close, lines, names, unpacked_lines, write};

#[test]
fn rolled_files_are_compressed_and_move_up_the_chain() {
    if !names_of_open_files_go() {
        return;
    }
    let setting = Setting::new();
    let handler = builder(&setting).build().unwrap();
    let written = write(&handler, "rec", 12);
    close(&handler);
    assert_eq!(names(&setting), ["app.log", "app.log.1.gz", "app.log.2.gz", "app.log.3.gz"]);
    assert_eq!(lines(&setting), written[4..]);
    assert!(setting.failures.is_empty(), "{:?}", setting.failures.texts());
    let stats = handler.stats();
    assert!(stats.is_balanced() && stats.delivered == 12, "{stats}");
}

#[cfg(feature = "zstd")]
#[test]
fn zstandard_works_too_and_both_can_stand_in_one_chain() {
    let setting = Setting::new();
    let handler = builder(&setting).build().unwrap();
    let mut written = write(&handler, "old", 4);
    close(&handler);
    let handler = builder(&setting).compress(Compression::zstd().level(1)).build().unwrap();
    written.extend(write(&handler, "new", 4));
    assert_eq!(handler.existing_files().unwrap().len(), 3);
    close(&handler);
    assert_eq!(names(&setting), ["app.log", "app.log.1.zst", "app.log.2.zst", "app.log.3.gz"]);
    assert_eq!(lines(&setting), written);
}

#[test]
fn a_level_that_is_none_is_refused() {
    let setting = Setting::new();
    let refused = |compression| builder(&setting).compress(compression).build().unwrap_err();
    let error = refused(Compression::gzip().level(10));
    assert!(error.is_config() && error.to_string().starts_with("setting `compress` = gzip level 10: "), "{error}");
    #[cfg(feature = "zstd")]
    for level in [0, 23] {
        let error = refused(Compression::zstd().level(level));
        assert!(error.to_string().starts_with(&format!("setting `compress` = zstd level {level}: ")), "{error}");
    }
    assert!(names(&setting).is_empty());
}

#[test]
fn it_cannot_go_with_a_rotator_nor_with_other_writers() {
    let setting = Setting::new();
    let errors = [
        builder(&setting).rotator(|from, to| fs::rename(from, to)).build().unwrap_err(),
        #[cfg(unix)]
        builder(&setting).shared(true).build().unwrap_err(),
    ];
    for error in errors {
        assert!(error.is_config() && error.to_string().starts_with("setting `compress` = "), "{error}");
    }
}

#[test]
fn the_ending_stands_behind_what_a_pattern_makes() {
    if !names_of_open_files_go() {
        return;
    }
    let setting = Setting::new();
    let handler = builder(&setting).name_pattern("{stem}-{index}.{ext}").build().unwrap();
    write(&handler, "rec", 12);
    close(&handler);
    assert_eq!(names(&setting), ["app-1.log.gz", "app-2.log.gz", "app-3.log.gz", "app.log"]);
    assert_eq!(unpacked_lines(&setting.beside("app-1.log.gz")), ["rec 008", "rec 009"]);
}

#[test]
fn a_namer_that_gives_the_name_of_another_ones_copy_is_refused() {
    let setting = Setting::new();
    let namer = |default: &Path| match default.extension() {
        Some(number) if number == "2" => default.with_extension("1.gz"),
        _ => default.to_owned(),
    };
    let error = builder(&setting).namer(namer).build().unwrap_err();
    assert!(error.to_string().starts_with("setting `namer` = "), "{error}");
}

#[test]
fn neighbours_are_left_alone() {
    if !names_of_open_files_go() {
        return;
    }
    let setting = Setting::new();
    let neighbours = ["app.log.1.gz.bak", "app.log.4", "app.log.01", "app.log.foo", "app.log.foo.gz", ".app.log.foo.gz.tmp"];
    for name in neighbours {
        fs::write(setting.beside(name), "theirs\n").unwrap();
    }
    let handler = builder(&setting).build().unwrap();
    write(&handler, "rec", 20);
    assert_eq!(handler.existing_files().unwrap().len(), 3);
    close(&handler);
    for name in neighbours {
        assert_eq!(fs::read_to_string(setting.beside(name)).unwrap(), "theirs\n", "{name}");
    }
    assert_eq!(names(&setting).len(), neighbours.len() + 4);
}

/// Uncompressed, two would not fit.
#[test]
fn the_total_of_bytes_is_that_of_the_compressed_files() {
    let setting = Setting::new();
    let builder = || builder(&setting).max_bytes(0).max_total_bytes(3_000);
    for number in 1..=3 {
        let handler = builder().build().unwrap();
        handle(&handler, &"a".repeat(2_000));
        handler.roll_over().unwrap();
        assert_eq!(handler.existing_files().unwrap().len(), number);
        close(&handler);
    }
    // What was rolled just now counts as it is.
    let handler = builder().build().unwrap();
    handle(&handler, &"b".repeat(2_990));
    handler.roll_over().unwrap();
    assert_eq!(handler.existing_files().unwrap().len(), 1);
}

#[test]
fn what_an_earlier_process_left_is_compressed_at_the_start() {
    let setting = Setting::new();
    for (name, text) in [("app.log.1", "second\n"), ("app.log.2", "first\n"), (".app.log.2.gz.tmp", "half")] {
        fs::write(setting.beside(name), text).unwrap();
    }
    close(&builder(&setting).build().unwrap());
    assert_eq!(names(&setting), ["app.log", "app.log.1.gz", "app.log.2.gz"]);
    assert_eq!(lines(&setting), ["first", "second"]);
}

#[test]
fn a_file_whose_copy_is_whole_goes_and_is_never_listed_beside_it() {
    let setting = Setting::new();
    fs::write(setting.beside("app.log.1"), "once\n").unwrap();
    close(&builder(&setting).build().unwrap());
    // As a crash just before the unlink leaves it.
    let packed = setting.beside("app.log.1.gz");
    write_with_time(&setting.beside("app.log.1"), "once\n", fs::metadata(&packed).unwrap().modified().unwrap());
    setting.fs.hold(tracing_handlers_testing::Op::Read);
    let handler = builder(&setting).build().unwrap();
    assert_eq!(handler.existing_files().unwrap(), [packed]);
    handler.roll_over().unwrap();
    assert!(!setting.beside("app.log.2").exists(), "one of both moves up");
    setting.fs.release(tracing_handlers_testing::Op::Read);
    close(&handler);
    assert_eq!(names(&setting), ["app.log", "app.log.1.gz", "app.log.2.gz"]);
    assert_eq!(lines(&setting), ["once"]);
}

/// Compression was turned off for a while: the numbers of both kinds of files ran apart.
#[test]
fn two_different_files_in_one_place_are_both_kept() {
    let setting = Setting::new();
    fs::write(setting.beside("app.log.1"), "older\n").unwrap();
    close(&builder(&setting).build().unwrap());
    write_with_time(&setting.beside("app.log.1"), "newer\n", SystemTime::now() + Duration::from_secs(5));
    let handler = builder(&setting).build().unwrap();
    assert_eq!(handler.existing_files().unwrap().len(), 2);
    handler.roll_over().unwrap();
    close(&handler);
    assert_eq!(unpacked_lines(&setting.beside("app.log.2")), ["newer"]);
    assert_eq!(unpacked_lines(&setting.beside("app.log.2.gz")), ["older"]);
}

fn write_with_time(path: &Path, text: &str, modified: SystemTime) {
    fs::write(path, text).unwrap();
    File::options().append(true).open(path).unwrap().set_times(FileTimes::new().set_modified(modified)).unwrap();
}

#[cfg(unix)]
#[test]
fn a_copy_has_mode_and_time_of_its_source() {
    use std::os::unix::fs::PermissionsExt as _;

    let setting = Setting::new();
    let path = setting.beside("app.log.1");
    let time = SystemTime::UNIX_EPOCH + Duration::new(1_700_000_000, 123_456_789);
    write_with_time(&path, "text\n", time);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    close(&builder(&setting).build().unwrap());
    let copy = fs::metadata(setting.beside("app.log.1.gz")).unwrap();
    assert_eq!(copy.permissions().mode() & 0o7777, 0o640);
    assert_eq!(copy.modified().unwrap(), time);
}

#[cfg(unix)]
#[test]
fn a_symbolic_link_in_the_chain_is_not_followed() {
    let setting = Setting::new();
    let target = setting.beside("theirs");
    fs::write(&target, "theirs\n").unwrap();
    std::os::unix::fs::symlink(&target, setting.beside("app.log.1")).unwrap();
    close(&builder(&setting).build().unwrap());
    assert_eq!(names(&setting), ["app.log", "app.log.1", "theirs"]);
    assert!(setting.failures.is_empty(), "{:?}", setting.failures.texts());
}

/// Python's module is as foreign as a tool can be; where there is no Python, `gzip` is asked.
#[cfg(unix)]
#[test]
fn a_foreign_tool_reads_what_was_compressed() {
    let setting = Setting::new();
    let text: String = (0..50_000).map(|number| format!("line {number}\n")).collect();
    fs::write(setting.beside("app.log.1"), &text).unwrap();
    close(&builder(&setting).build().unwrap());
    let packed = setting.beside("app.log.1.gz");
    let program = "import gzip, sys; sys.stdout.buffer.write(gzip.open(sys.argv[1]).read())";
    let python = Command::new("python3").args(["-c", program]).arg(&packed).output();
    let output = python.or_else(|_| Command::new("gzip").arg("-dc").arg(&packed).output()).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stdout == text.as_bytes());
    assert!(fs::metadata(packed).unwrap().len() < text.len() as u64 / 3);
}
