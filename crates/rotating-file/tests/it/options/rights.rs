//! Mode, owner and group, and links that stand in the way.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};

use tracing_handlers_testing::FaultFs;

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
        let setting = Setting::new();
        let handler = builder(&setting).build().unwrap();
        chmod(&setting.path, expected);
        handler.roll_over().unwrap();
        assert_eq!((mode(&setting.backup(1)), mode(&setting.path)), (expected, expected), "{expected:o}");
    }
}

#[test]
fn a_mode_that_was_asked_for_comes_before_that_of_the_old_file() {
    let setting = Setting::new();
    fs::write(&setting.path, "theirs\n").unwrap();
    chmod(&setting.path, 0o604);
    let handler = builder(&setting).mode(0o620).build().unwrap();
    handler.roll_over().unwrap();
    assert_eq!((mode(&setting.backup(1)), mode(&setting.path)), (0o604, 0o620));
}

#[test]
fn a_delayed_rollover_keeps_the_mode_too() {
    let setting = Setting::new();
    let handler = builder(&setting).delay(true).build().unwrap();
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
    let setting = Setting::new();
    let handler = builder(&setting).build().unwrap();
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
    let setting = Setting::new();
    let handler = builder(&setting).mode(0o600).build().unwrap();
    handler.roll_over().unwrap();
    let journal = setting.fs.journal();
    assert!(!journal.iter().any(|step| step.starts_with("ch")), "{journal:?}");
}

/// A file system that says of every file that somebody else owns it, as it is for a process that is not root.
#[test]
fn an_owner_that_cannot_be_kept_is_noted_once_and_its_group_gets_no_more_than_everybody() {
    let setting = Setting::new();
    let handler = builder(&setting).fs(OthersOwn(setting.fs.clone())).build().unwrap();
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
    let setting = Setting::new();
    let target = setting.path.with_extension("target");
    fs::write(&target, "").unwrap();
    // The rotator moves the file away, as it should, and somebody puts a link there.
    let to = target.clone();
    let rotator = move |from: &Path, backup: &Path| {
        fs::rename(from, backup)?;
        std::os::unix::fs::symlink(&to, from)
    };
    let handler = builder(&setting).follow_symlinks(false).rotator(rotator).build().unwrap();
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
