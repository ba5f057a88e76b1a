//! The file system with faults.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::thread;

use tempfile::TempDir;
use tracing_handlers_file::fs::{FileOptions, Fs, FsFile};
use tracing_handlers_testing::{FaultFs, Op};

/// A file system, and a directory for it.
struct Scene {
    directory: TempDir,
    fs: FaultFs,
}

impl Scene {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), fs: FaultFs::new() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn open(&self, name: &str) -> Box<dyn FsFile> {
        self.fs.open_append(&self.path(name), &FileOptions::default()).unwrap().file
    }

    fn content(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Calls the operation, on a file `app.log` that is there.
    fn call(&self, op: Op, file: &mut dyn FsFile) -> std::io::Result<()> {
        let (path, new) = (self.path("app.log"), self.path("new"));
        match op {
            Op::Open => self.fs.open_append(&new, &FileOptions::default()).map(drop),
            Op::Read => self.fs.open_read(&path, &FileOptions::default()).map(drop),
            Op::Rename => self.fs.rename(&path, &new),
            Op::Unlink => self.fs.unlink(&path).map(drop),
            Op::Stat => self.fs.stat(&path).map(drop),
            Op::List => self.fs.list(self.directory.path()).map(drop),
            Op::CreateDir => self.fs.create_dir_all(&new, &FileOptions::default()),
            Op::Write => file.write(b"text").map(drop),
            Op::Truncate => file.truncate(0),
            Op::Sync => file.sync(),
            Op::SetAccess => file.set_mode(0o600),
            Op::Lock => file.try_lock().map(drop),
            Op::Link => self.fs.symlink(&path, &new),
        }
    }
}

/// Those of the system: Windows has neither locks that let others read nor symbolic links for everybody.
fn operations() -> impl Iterator<Item = Op> {
    Op::ALL.into_iter().filter(|op| cfg!(unix) || !matches!(op, Op::Lock | Op::Link))
}

#[test]
fn without_faults_it_is_the_systems_file_system() {
    for op in operations() {
        let scene = Scene::new();
        let mut file = scene.open("app.log");
        scene.call(op, &mut *file).unwrap();
    }
}

#[test]
fn a_fault_of_each_operation_lasts_until_that_operation_is_healed() {
    for op in operations() {
        let scene = Scene::new();
        let mut file = scene.open("app.log");
        scene.fs.fail(op, ErrorKind::PermissionDenied);
        for _ in 0..2 {
            assert_eq!(scene.call(op, &mut *file).unwrap_err().kind(), ErrorKind::PermissionDenied, "{op:?}");
        }
        for other in operations().filter(|other| *other != op) {
            scene.fs.heal(other);
        }
        assert!(scene.call(op, &mut *file).is_err(), "{op:?} is not healed by healing others");
        assert_eq!(scene.fs.journal(), ["create app.log"], "a failed {op:?} changes nothing");
        scene.fs.heal(op);
        scene.call(op, &mut *file).unwrap();
    }
}

#[test]
fn the_stat_of_an_open_file_fails_as_that_of_a_path() {
    let scene = Scene::new();
    let file = scene.open("app.log");
    scene.fs.fail(Op::Stat, ErrorKind::NotFound);
    assert!(file.stat().is_err());
    scene.fs.heal_all();
    assert_eq!(file.stat().unwrap(), scene.fs.stat(&scene.path("app.log")).unwrap());
}

#[test]
fn a_fault_can_be_the_operating_systems_own() {
    let scene = Scene::new();
    scene.fs.fail(Op::Open, 24);
    let error = scene.fs.open_append(&scene.path("app.log"), &FileOptions::default()).err().unwrap();
    assert_eq!(error.raw_os_error(), Some(24));
}

#[test]
fn a_fault_of_two_times_fails_twice() {
    let scene = Scene::new();
    let mut file = scene.open("app.log");
    scene.fs.fail_times(Op::Write, 2, ErrorKind::Interrupted);
    let failed = (0..4).map(|_| file.write(b"x").is_err()).collect::<Vec<_>>();
    assert_eq!(failed, [true, true, false, false]);
}

#[test]
fn a_fault_on_some_paths_spares_the_others() {
    let scene = Scene::new();
    scene.fs.fail_on(Op::Write, |path: &Path| path.ends_with("bad"), ErrorKind::BrokenPipe);
    assert!(scene.open("bad").write(b"x").is_err());
    assert!(scene.open("good").write(b"x").is_ok());
}

#[test]
fn a_fault_on_a_rename_goes_by_the_old_name() {
    let scene = Scene::new();
    scene.open("one");
    scene.fs.fail_on(Op::Rename, |path: &Path| path.ends_with("two"), ErrorKind::PermissionDenied);
    scene.fs.rename(&scene.path("one"), &scene.path("two")).unwrap();
    assert!(scene.fs.rename(&scene.path("two"), &scene.path("one")).is_err());
}

#[test]
fn of_two_faults_the_newest_counts() {
    let scene = Scene::new();
    let mut file = scene.open("app.log");
    scene.fs.fail(Op::Write, ErrorKind::BrokenPipe);
    scene.fs.fail_times(Op::Write, 1, ErrorKind::Interrupted);
    assert_eq!(file.write(b"x").unwrap_err().kind(), ErrorKind::Interrupted);
    assert_eq!(file.write(b"x").unwrap_err().kind(), ErrorKind::BrokenPipe);
}

#[test]
fn a_full_disk_takes_a_part_first_and_then_nothing() {
    let scene = Scene::new();
    let mut file = scene.open("app.log");
    scene.fs.disk_full_after(5);
    assert_eq!(file.write(b"abc").unwrap(), 3);
    assert_eq!(file.write(b"def").unwrap(), 2);
    for _ in 0..2 {
        assert_eq!(file.write(b"f").unwrap_err().kind(), ErrorKind::StorageFull);
    }
    assert_eq!(scene.content("app.log"), "abcde");
    scene.fs.heal(Op::Write);
    assert_eq!(file.write(b"f").unwrap(), 1);
}

#[test]
fn what_is_truncated_unlinked_or_replaced_gives_its_space_back() {
    let scene = Scene::new();
    for name in ["one", "two", "three"] {
        scene.open(name).write(b"12345").unwrap();
    }
    let mut file = scene.open("one");
    scene.fs.disk_full_after(0);
    file.truncate(3).unwrap();
    assert_eq!(file.write(b"xxxxxxxx").unwrap(), 2);
    drop(scene.fs.unlink(&scene.path("two")).unwrap());
    assert_eq!(file.write(b"xxxxxxxx").unwrap(), 5);
    scene.fs.rename(&scene.path("one"), &scene.path("three")).unwrap();
    assert_eq!(file.write(b"xxxxxxxx").unwrap(), 5);
    assert_eq!(file.write(b"x").unwrap_err().kind(), ErrorKind::StorageFull);
}

#[test]
fn short_writes_are_no_errors() {
    let scene = Scene::new();
    let mut file = scene.open("app.log");
    scene.fs.short_writes(2);
    assert_eq!(file.write(b"abc").unwrap(), 2);
    assert_eq!(file.write(b"c").unwrap(), 1);
    scene.fs.short_writes(0);
    assert_eq!(file.write(b"d").unwrap(), 0);
    scene.fs.heal_all();
    assert_eq!(file.write(b"def").unwrap(), 3);
    assert_eq!(scene.content("app.log"), "abcdef");
}

#[test]
fn only_changes_that_happened_are_steps() {
    let scene = Scene::new();
    let mut file = scene.open("app.log");
    drop(scene.open("app.log"));
    file.write(b"text").unwrap();
    file.sync().unwrap();
    scene.fs.list(scene.directory.path()).unwrap();
    file.truncate(1).unwrap();
    scene.fs.create_dir_all(&scene.path("old"), &FileOptions::default()).unwrap();
    scene.fs.create_dir_all(&scene.path("old"), &FileOptions::default()).unwrap();
    assert!(scene.fs.rename(&scene.path("missing"), &scene.path("other")).is_err());
    scene.fs.rename(&scene.path("app.log"), &scene.path("old/app.log.1")).unwrap();
    drop(scene.fs.unlink(&scene.path("old/app.log.1")).unwrap());
    let steps = [
        "create app.log",
        "write app.log 4 bytes",
        "truncate app.log to 1 bytes",
        "mkdir old",
        "rename app.log -> app.log.1",
        "unlink app.log.1",
    ];
    assert_eq!(scene.fs.journal(), steps);
    assert_eq!(scene.fs.steps(), steps.len());
}

#[test]
fn after_a_power_cut_nothing_has_an_effect_and_every_call_fails() {
    let scene = Scene::new();
    let mut file = scene.open("app.log");
    scene.fs.cut_power_before(2);
    file.write(b"one").unwrap();
    assert!(!scene.fs.is_power_cut());
    assert!(file.write(b"two").is_err());
    assert!(scene.fs.is_power_cut());
    scene.fs.heal_all();
    for op in operations() {
        let error = scene.call(op, &mut *file).unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Other, "power cut"), "{op:?}");
    }
    assert_eq!(scene.content("app.log"), "one");
    assert_eq!(scene.fs.steps(), 2);
}

#[test]
fn the_power_can_be_cut_before_every_kind_of_step() {
    for op in [Op::Open, Op::Rename, Op::Unlink, Op::CreateDir, Op::Write, Op::Truncate] {
        let scene = Scene::new();
        let mut file = scene.open("app.log");
        scene.fs.cut_power_before(1);
        assert!(scene.call(op, &mut *file).is_err(), "{op:?}");
        assert!(scene.path("app.log").exists() && !scene.path("new").exists(), "{op:?}");
        assert_eq!(scene.content("app.log"), "", "{op:?}");
    }
}

#[test]
fn a_step_fails_once() {
    let scene = Scene::new();
    let mut file = scene.open("app.log");
    scene.fs.fail_step(2, ErrorKind::Interrupted);
    file.write(b"one").unwrap();
    assert_eq!(file.write(b"two").unwrap_err().kind(), ErrorKind::Interrupted);
    file.write(b"three").unwrap();
    assert_eq!(scene.content("app.log"), "onethree");
}

#[test]
fn a_held_operation_has_no_effect_until_it_is_released() {
    let scene = Scene::new();
    scene.open("app.log");
    scene.fs.hold(Op::Rename);
    thread::scope(|scope| {
        let renaming = scope.spawn(|| scene.fs.rename(&scene.path("app.log"), &scene.path("new")));
        scene.fs.wait_until_held(Op::Rename);
        scene.open("other").write(b"meanwhile").unwrap();
        assert!(scene.path("app.log").exists());
        scene.fs.release(Op::Rename);
        renaming.join().unwrap().unwrap();
    });
    assert!(scene.path("new").exists());
}

#[test]
fn a_power_cut_reaches_who_is_held() {
    let scene = Scene::new();
    scene.open("app.log");
    scene.fs.cut_power_before(1);
    scene.fs.hold(Op::Unlink);
    thread::scope(|scope| {
        let unlinking = scope.spawn(|| scene.fs.unlink(&scene.path("app.log")).map(drop));
        scene.fs.wait_until_held(Op::Unlink);
        assert!(scene.fs.create_dir_all(&scene.path("new"), &FileOptions::default()).is_err());
        scene.fs.release(Op::Unlink);
        assert!(unlinking.join().unwrap().is_err());
    });
    assert!(scene.path("app.log").exists());
}
