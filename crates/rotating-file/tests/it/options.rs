//! What the settings of the file family do at a rollover: rights that are kept, header and footer, syncs, rolling on start.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::{TempDir, tempdir};
use tracing_handlers_core::{Deadline, Handler, Timestamp};
use tracing_handlers_file::{Buffering, Sync};
use tracing_handlers_rotating_file::{RotatingFileHandler, RotatingFileHandlerBuilder};
use tracing_handlers_testing::{FailureLog, FaultFs, ManualClock, MessageOnly, Op, record};

struct Setting {
    _directory: TempDir,
    path: PathBuf,
    fs: FaultFs,
    clock: ManualClock,
    failures: FailureLog,
}

fn setting() -> Setting {
    let directory = tempdir().unwrap();
    let path = directory.path().join("app.log");
    let clock = ManualClock::new(Timestamp::from_unix_seconds(1_000));
    Setting { _directory: directory, path, fs: FaultFs::new(), clock, failures: FailureLog::new() }
}

impl Setting {
    fn builder(&self) -> RotatingFileHandlerBuilder {
        let builder = RotatingFileHandler::builder(&self.path).backup_count(3).format(MessageOnly);
        builder.fs(self.fs.clone()).clock(self.clock.clone()).on_failure(self.failures.clone())
    }

    fn framed(&self) -> RotatingFileHandlerBuilder {
        self.builder().on_open(|_, out| out.extend(b"# begin\n")).on_close(|_, out| out.extend(b"# end\n"))
    }

    fn backup(&self, number: usize) -> PathBuf {
        self.path.with_extension(format!("log.{number}"))
    }

    fn content(&self) -> String {
        content(&self.path)
    }
}

fn content(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

fn handle(handler: &RotatingFileHandler, message: &str) {
    handler.handle(&record(message).as_record()).unwrap();
}

#[cfg(unix)]
mod rights {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    fn owner(path: &Path) -> (u32, u32) {
        let metadata = fs::metadata(path).unwrap();
        (metadata.uid(), metadata.gid())
    }

    fn chmod(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_rollover_keeps_the_mode_of_the_file() {
        for expected in [0o600, 0o604, 0o640, 0o644, 0o660, 0o666, 0o777] {
            let setting = setting();
            let handler = setting.builder().build().unwrap();
            chmod(&setting.path, expected);
            handler.roll_over().unwrap();
            assert_eq!((mode(&setting.backup(1)), mode(&setting.path)), (expected, expected), "{expected:o}");
        }
    }

    #[test]
    fn a_mode_that_was_asked_for_comes_before_that_of_the_old_file() {
        let setting = setting();
        fs::write(&setting.path, "theirs\n").unwrap();
        chmod(&setting.path, 0o604);
        let handler = setting.builder().mode(0o620).build().unwrap();
        handler.roll_over().unwrap();
        assert_eq!((mode(&setting.backup(1)), mode(&setting.path)), (0o604, 0o620));
    }

    #[test]
    fn a_delayed_rollover_keeps_the_mode_too() {
        let setting = setting();
        let handler = setting.builder().delay(true).build().unwrap();
        handle(&handler, "1");
        chmod(&setting.path, 0o602);
        handler.roll_over().unwrap();
        assert!(!setting.path.exists());
        handle(&handler, "2");
        assert_eq!(mode(&setting.path), 0o602);
    }

    /// Only root may give files away. For everybody else the refusal is what there is to test: the file is written, and it is
    /// said once.
    #[test]
    fn a_rollover_keeps_owner_and_group_where_the_process_may_do_that() {
        let setting = setting();
        let handler = setting.builder().build().unwrap();
        chmod(&setting.path, 0o640);
        if chown(&setting.path, Some(12_345), Some(54_321)).is_err() {
            return an_owner_that_cannot_be_kept_is_noted_once_and_its_group_gets_no_more_than_everybody();
        }
        handler.roll_over().unwrap();
        assert_eq!((owner(&setting.path), mode(&setting.path)), ((12_345, 54_321), 0o640));
        assert!(setting.failures.is_empty());
        handler.roll_over().unwrap();
        assert_eq!((owner(&setting.path), mode(&setting.path)), ((12_345, 54_321), 0o640));
        let journal = setting.fs.journal();
        let last: Vec<_> = journal.iter().rev().take(4).rev().map(String::as_str).collect();
        assert_eq!(last, ["create app.log", "chown app.log :54321", "chmod app.log 640", "chown app.log 12345"]);
    }

    #[test]
    fn nothing_is_changed_that_is_right_already() {
        let setting = setting();
        let handler = setting.builder().mode(0o600).build().unwrap();
        handler.roll_over().unwrap();
        let journal = setting.fs.journal();
        assert!(!journal.iter().any(|step| step.starts_with("ch")), "{journal:?}");
    }

    /// A file system that says of every file that somebody else owns it, as it is for a process that is not root.
    #[test]
    fn an_owner_that_cannot_be_kept_is_noted_once_and_its_group_gets_no_more_than_everybody() {
        let setting = setting();
        let handler = setting.builder().fs(OthersOwn(setting.fs.clone())).build().unwrap();
        for number in 1..=3 {
            chmod(&setting.path, 0o644);
            handle(&handler, &number.to_string());
            chmod(&setting.path, 0o640);
            handler.roll_over().unwrap();
            assert_eq!(mode(&setting.path), 0o600, "the group is another, so what was for the old one is for nobody");
        }
        assert_eq!((setting.failures.len(), setting.failures.lost()), (1, 0), "{:?}", setting.failures.texts());
        assert!(setting.failures.texts()[0].contains("owner, group and mode"), "{:?}", setting.failures.texts());
        assert_eq!(handler.existing_files().unwrap().len(), 3);
    }

    use std::ffi::OsString;
    use std::io;
    use tracing_handlers_file::fs::{Access, FileOptions, Fs, FsFile, Opened, Stat, Unlinked};

    struct OthersOwn(FaultFs);

    struct OthersFile {
        file: Box<dyn FsFile>,
        /// One that was just made is the process's own.
        is_mine: std::sync::atomic::AtomicBool,
    }

    impl Fs for OthersOwn {
        fn open_append(&self, path: &Path, options: &FileOptions) -> io::Result<Opened> {
            let Opened { file, was_made } = self.0.open_append(path, options)?;
            Ok(Opened::new(OthersFile { file, is_mine: was_made.into() }, was_made))
        }
        fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
            self.0.rename(from, to)
        }
        fn unlink(&self, path: &Path) -> io::Result<Unlinked> {
            self.0.unlink(path)
        }
        fn stat(&self, path: &Path) -> io::Result<Stat> {
            self.0.stat(path)
        }
        fn stat_entry(&self, path: &Path) -> io::Result<Stat> {
            self.0.stat_entry(path)
        }
        fn list(&self, directory: &Path) -> io::Result<Vec<OsString>> {
            self.0.list(directory)
        }
        fn create_dir_all(&self, directory: &Path, options: &FileOptions) -> io::Result<()> {
            self.0.create_dir_all(directory, options)
        }
        fn sync_directory(&self, directory: &Path) -> io::Result<()> {
            self.0.sync_directory(directory)
        }
    }

    impl FsFile for OthersFile {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.is_mine = false.into();
            self.file.write(bytes)
        }
        fn stat(&self) -> io::Result<Stat> {
            let mut stat = self.file.stat()?;
            let is_mine = self.is_mine.load(std::sync::atomic::Ordering::Relaxed);
            let others = |access: Access| Access::new(access.mode, access.owner + 1, access.group + 1);
            stat.access = stat.access.map(|access| if is_mine { access } else { others(access) });
            Ok(stat)
        }
        fn truncate(&self, len: u64) -> io::Result<()> {
            self.file.truncate(len)
        }
        fn sync(&self) -> io::Result<()> {
            self.file.sync()
        }
        fn set_mode(&self, mode: u32) -> io::Result<()> {
            self.file.set_mode(mode)
        }
        fn set_owner(&self, _: Option<u32>, _: Option<u32>) -> io::Result<()> {
            Err(ErrorKind::PermissionDenied.into())
        }
    }

    #[test]
    fn a_link_that_stands_at_the_path_after_a_rollover_is_refused_and_the_old_file_goes_on() {
        let setting = setting();
        let target = setting.path.with_extension("target");
        fs::write(&target, "").unwrap();
        // The rotator moves the file away, as it should, and somebody puts a link there.
        let to = target.clone();
        let rotator = move |from: &Path, backup: &Path| {
            fs::rename(from, backup)?;
            std::os::unix::fs::symlink(&to, from)
        };
        let handler = setting.builder().follow_symlinks(false).rotator(rotator).build().unwrap();
        handle(&handler, "1");
        let error = handler.roll_over().unwrap_err();
        assert!(error.one_line().contains("follow_symlinks"), "{}", error.one_line());
        handle(&handler, "2");
        assert_eq!((content(&setting.backup(1)).as_str(), content(&target).as_str()), ("1\n2\n", ""));
        fs::remove_file(&setting.path).unwrap();
        setting.clock.advance(Duration::from_secs(1));
        handle(&handler, "3");
        assert_eq!(setting.content(), "3\n");
    }
}

#[test]
fn each_file_has_its_header_and_its_footer() {
    let setting = setting();
    let handler = setting.framed().max_bytes(20).build().unwrap();
    for message in ["the first", "the second", "the third"] {
        handle(&handler, message);
    }
    drop(handler);
    assert_eq!(setting.content(), "# begin\nthe third\n# end\n");
    assert_eq!(content(&setting.backup(1)), "# begin\nthe second\n# end\n");
    assert_eq!(content(&setting.backup(2)), "# begin\nthe first\n# end\n");
}

#[test]
fn a_header_counts_towards_the_size() {
    // 8 bytes of header and 6 of record: the second record would reach 20.
    let setting = setting();
    let handler = setting.framed().max_bytes(20).build().unwrap();
    handle(&handler, "12345");
    assert_eq!(setting.content(), "# begin\n12345\n");
    handle(&handler, "12345");
    assert_eq!(setting.content(), "# begin\n12345\n");
    assert!(setting.backup(1).exists());
}

#[test]
fn a_file_with_nothing_but_its_header_is_not_rolled_by_size() {
    let setting = setting();
    let handler = setting.framed().max_bytes(10).build().unwrap();
    for message in ["larger than the limit", "larger than that too"] {
        handle(&handler, message);
    }
    assert_eq!(content(&setting.backup(1)), "# begin\nlarger than the limit\n# end\n");
    assert!(!setting.backup(2).exists());
}

#[test]
fn a_rollover_that_fails_leaves_no_footer_in_the_middle() {
    let setting = setting();
    let handler = setting.framed().build().unwrap();
    handle(&handler, "1");
    setting.fs.fail(Op::Rename, ErrorKind::PermissionDenied);
    handler.roll_over().unwrap_err();
    assert_eq!(setting.content(), "# begin\n1\n");
    setting.fs.heal_all();
    setting.fs.fail(Op::Open, 24);
    handler.roll_over().unwrap_err();
    handle(&handler, "2");
    assert_eq!(content(&setting.backup(1)), "# begin\n1\n2\n", "moved, but it is the one that is written to");
    setting.fs.heal_all();
    setting.clock.advance(Duration::from_secs(1));
    handle(&handler, "3");
    assert_eq!(content(&setting.backup(1)), "# begin\n1\n2\n# end\n");
    assert_eq!(setting.content(), "# begin\n3\n");
}

#[test]
fn a_footer_stands_in_the_file_before_a_rotator_gets_it() {
    let setting = setting();
    let rotator = |from: &Path, to: &Path| {
        fs::copy(from, to)?;
        fs::remove_file(from)
    };
    let handler = setting.framed().rotator(rotator).build().unwrap();
    handle(&handler, "1");
    handler.roll_over().unwrap();
    assert_eq!(content(&setting.backup(1)), "# begin\n1\n# end\n");
}

#[test]
fn a_file_is_synced_before_it_is_let_go_of_and_the_directory_after() {
    let setting = setting();
    let handler = setting.builder().sync(Sync::Every(Duration::from_secs(3_600))).build().unwrap();
    let folder = setting.path.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
    handle(&handler, "1");
    handler.roll_over().unwrap();
    assert_eq!(setting.fs.syncs(), ["app.log".to_owned(), folder]);
    handle(&handler, "2");
    handler.flush(Deadline::never()).unwrap();
    assert_eq!(setting.fs.syncs().len(), 3);
}

#[test]
fn a_sync_that_fails_at_a_rollover_does_not_stop_it_but_the_next_flush_says_so() {
    let setting = setting();
    let handler = setting.builder().sync(Sync::Every(Duration::from_secs(3_600))).build().unwrap();
    handle(&handler, "1");
    setting.fs.fail(Op::Sync, 5);
    handler.roll_over().unwrap();
    setting.fs.heal_all();
    assert_eq!((content(&setting.backup(1)).as_str(), setting.failures.lost()), ("1\n", 0));
    handler.flush(Deadline::never()).unwrap_err();
    handler.flush(Deadline::never()).unwrap();
}

#[test]
fn what_is_buffered_is_written_before_a_rollover() {
    let setting = setting();
    let buffering = Buffering::new().flush_interval(Duration::from_secs(3_600));
    let handler = setting.builder().buffered(buffering).build().unwrap();
    for message in ["1", "2"] {
        handle(&handler, message);
    }
    handler.roll_over().unwrap();
    handle(&handler, "3");
    handler.flush(Deadline::never()).unwrap();
    assert_eq!((content(&setting.backup(1)).as_str(), setting.content().as_str()), ("1\n2\n", "3\n"));
}

#[test]
fn a_half_written_line_is_not_split_by_a_rollover_on_request() {
    let setting = setting();
    let buffering = Buffering::new().flush_interval(Duration::from_secs(3_600));
    let handler = setting.builder().buffered(buffering).build().unwrap();
    for message in ["1", "cut by a full disk"] {
        handle(&handler, message);
    }
    setting.fs.disk_full_after(8);
    handler.roll_over().unwrap();
    setting.fs.heal_all();
    handler.flush(Deadline::never()).unwrap();
    assert_eq!((content(&setting.backup(1)).as_str(), setting.content().as_str()), ("1\n", "cut by a full disk\n"));
    assert_eq!(handler.stats().delivered, 2);
    assert!(handler.stats().is_balanced());
}

#[test]
fn what_an_earlier_process_left_is_rolled_on_start() {
    let setting = setting();
    fs::write(&setting.path, "theirs\n").unwrap();
    let handler = setting.framed().roll_on_start(true).build().unwrap();
    assert_eq!((content(&setting.backup(1)).as_str(), setting.content().as_str()), ("theirs\n", "# begin\n"));
    handle(&handler, "1");
    handle(&handler, "2");
    assert_eq!(setting.content(), "# begin\n1\n2\n", "once");
    assert!(!setting.backup(2).exists());
}

#[test]
fn without_being_asked_a_handler_goes_on_in_the_file_that_is_there() {
    let setting = setting();
    fs::write(&setting.path, "theirs\n").unwrap();
    handle(&setting.builder().build().unwrap(), "1");
    assert_eq!(setting.content(), "theirs\n1\n");
}

#[test]
fn an_empty_file_or_none_is_not_rolled_on_start() {
    let setting = setting();
    for _ in 0..2 {
        setting.builder().roll_on_start(true).build().unwrap();
    }
    assert_eq!(setting.fs.journal(), ["create app.log"]);
}

#[test]
fn a_delayed_file_is_rolled_on_start_before_the_first_record() {
    let setting = setting();
    fs::write(&setting.path, "theirs\n").unwrap();
    let handler = setting.builder().roll_on_start(true).delay(true).build().unwrap();
    assert!(!setting.backup(1).exists());
    handle(&handler, "1");
    assert_eq!((content(&setting.backup(1)).as_str(), setting.content().as_str()), ("theirs\n", "1\n"));
}

#[test]
fn what_is_rolled_on_start_is_not_emptied() {
    let setting = setting();
    fs::write(&setting.path, "theirs\n").unwrap();
    setting.builder().roll_on_start(true).truncate(true).build().unwrap();
    assert_eq!((content(&setting.backup(1)).as_str(), setting.content().as_str()), ("theirs\n", ""));
}

#[test]
fn a_rollover_on_start_that_fails_is_reported_and_tried_again() {
    let setting = setting();
    fs::write(&setting.path, "theirs\n").unwrap();
    setting.fs.fail(Op::Rename, ErrorKind::PermissionDenied);
    let handler = setting.builder().roll_on_start(true).build().unwrap();
    assert_eq!((setting.failures.len(), setting.failures.lost()), (1, 0));
    handle(&handler, "1");
    assert_eq!(setting.content(), "theirs\n1\n");
    setting.fs.heal_all();
    setting.clock.advance(Duration::from_secs(1));
    handle(&handler, "2");
    assert_eq!((content(&setting.backup(1)).as_str(), setting.content().as_str()), ("theirs\n1\n", "2\n"));
    handle(&handler, "3");
    assert_eq!(setting.content(), "2\n3\n");
}

#[test]
fn a_request_before_the_first_record_is_enough_of_a_rollover_on_start() {
    let setting = setting();
    fs::write(&setting.path, "theirs\n").unwrap();
    let handler = setting.builder().roll_on_start(true).delay(true).build().unwrap();
    handler.roll_over().unwrap();
    for message in ["1", "2"] {
        handle(&handler, message);
    }
    assert_eq!((content(&setting.backup(1)).as_str(), setting.content().as_str()), ("theirs\n", "1\n2\n"));
    assert!(!setting.backup(2).exists());
}

#[test]
fn without_backups_nothing_is_rolled_on_start() {
    let setting = setting();
    fs::write(&setting.path, "theirs\n").unwrap();
    handle(&setting.builder().backup_count(0).roll_on_start(true).build().unwrap(), "1");
    assert_eq!(setting.content(), "theirs\n1\n");
}

#[test]
fn existing_files_are_the_backups_oldest_first_and_nothing_else() {
    let setting = setting();
    let handler = setting.builder().build().unwrap();
    assert!(handler.existing_files().unwrap().is_empty());
    for message in ["1", "2", "3", "4", "5"] {
        handle(&handler, message);
        handler.roll_over().unwrap();
    }
    fs::write(setting.backup(4), "a neighbour's: beyond the count\n").unwrap();
    fs::write(setting.path.with_extension("log.old"), "a neighbour's\n").unwrap();
    let existing = handler.existing_files().unwrap();
    assert_eq!(existing, [setting.backup(3), setting.backup(2), setting.backup(1)]);
    assert_eq!(existing.iter().map(|path| content(path)).collect::<String>(), "3\n4\n5\n");
}

#[test]
fn existing_files_are_found_behind_a_gap_too() {
    let setting = setting();
    let handler = setting.builder().build().unwrap();
    for number in [1, 3] {
        fs::write(setting.backup(number), "x\n").unwrap();
    }
    assert_eq!(handler.existing_files().unwrap(), [setting.backup(3), setting.backup(1)]);
}

#[test]
fn existing_files_have_the_names_of_the_namer() {
    let setting = setting();
    let namer = |default: &Path| {
        let number = default.extension().unwrap().to_string_lossy().into_owned();
        default.with_file_name(format!("app-{number}.log"))
    };
    let handler = setting.builder().namer(namer).build().unwrap();
    handler.roll_over().unwrap();
    assert_eq!(handler.existing_files().unwrap(), [setting.path.with_file_name("app-1.log")]);
}

#[test]
fn backups_that_cannot_be_looked_at_are_an_error() {
    let setting = setting();
    let handler = setting.builder().build().unwrap();
    setting.fs.fail(Op::Stat, ErrorKind::PermissionDenied);
    assert!(handler.existing_files().unwrap_err().is_io());
}

#[test]
fn a_pattern_names_the_chain() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.log");
    let builder = RotatingFileHandler::builder(&path).format(MessageOnly).max_bytes(1).backup_count(2);
    let handler = builder.name_pattern("{stem}.{index}.{ext}").build().unwrap();
    for message in ["first", "second", "third", "fourth"] {
        handler.handle(&record(message).as_record()).unwrap();
    }
    let read = |name: &str| fs::read_to_string(directory.path().join(name)).unwrap();
    assert_eq!([read("app.2.log"), read("app.1.log"), read("app.log")], ["second\n", "third\n", "fourth\n"]);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 3);
    for (pattern, words) in [("{stem}.{ext}", "{index}"), ("{date}.{index}", "{date}")] {
        let refused =
            RotatingFileHandler::builder(&path).backup_count(2).name_pattern(pattern).build().unwrap_err().to_string();
        assert!(refused.contains("name_pattern") && refused.contains(words), "{refused}");
    }
}
