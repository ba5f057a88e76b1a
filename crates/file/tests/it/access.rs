//! Permissions of what the handlers make, and symbolic links at the path. On Unix.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::{TempDir, tempdir};
use tracing_handlers_file::{FileHandler, FileHandlerBuilder, WatchedFileHandler};
use tracing_handlers_testing::{FailureLog, FaultFs, MessageOnly, Op, handle};

fn setting() -> (TempDir, PathBuf) {
    let directory = tempdir().unwrap();
    let path = directory.path().join("app.log");
    (directory, path)
}

fn builder(path: &Path) -> FileHandlerBuilder {
    FileHandler::builder(path).format(MessageOnly)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Runs `child` in a process of its own with this umask, which a process has only one of. The child finds the path of the log.
fn with_umask(umask: &str, test: &str, path: &Path) {
    let script = format!("umask {umask}; exec \"$0\" \"$@\"");
    let child = Command::new("sh")
        .args(["-c", &script])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--test-threads", "1"])
        .env(CHILD_PATH, path)
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
}

const CHILD_PATH: &str = "TRACING_HANDLERS_UMASK_PATH";

fn path_of_child() -> Option<PathBuf> {
    std::env::var_os(CHILD_PATH).map(PathBuf::from)
}

#[test]
fn the_mode_is_exactly_what_was_asked_for_whatever_the_umask() {
    if let Some(path) = path_of_child() {
        let wide = builder(&path).mode(0o664).directory_mode(0o2775).build().unwrap();
        handle(&wide, "1");
        handle(&builder(&path.with_extension("narrow")).mode(0o600).build().unwrap(), "1");
        handle(&builder(&path.with_extension("none")).build().unwrap(), "1");
        return;
    }
    for (umask, without_mode) in [("077", 0o600), ("000", 0o666), ("027", 0o640)] {
        let (directory, _) = setting();
        chmod(directory.path(), 0o711);
        let folder = directory.path().join("logs/of/us");
        let path = folder.join("app.log");
        with_umask(umask, "access::the_mode_is_exactly_what_was_asked_for_whatever_the_umask", &path);
        assert_eq!(mode(&path), 0o664, "umask {umask}");
        assert_eq!(mode(&path.with_extension("narrow")), 0o600, "umask {umask}");
        assert_eq!(mode(&path.with_extension("none")), without_mode, "umask {umask}");
        for made in [folder.as_path(), folder.parent().unwrap(), &directory.path().join("logs")] {
            assert_eq!(mode(made), 0o2775, "umask {umask}, {}", made.display());
        }
        assert_eq!(mode(directory.path()), 0o711, "what was there is left alone");
    }
}

#[test]
fn a_directory_that_is_made_again_has_its_mode_again() {
    let (directory, _) = setting();
    let path = directory.path().join("logs/app.log");
    let handler = WatchedFileHandler::builder(&path).mode(0o640).directory_mode(0o750).format(MessageOnly).build().unwrap();
    fs::remove_dir_all(path.parent().unwrap()).unwrap();
    handle(&handler, "1");
    assert_eq!((mode(path.parent().unwrap()), mode(&path)), (0o750, 0o640));
}

#[test]
fn a_file_that_is_there_keeps_its_mode() {
    let (_directory, path) = setting();
    fs::write(&path, "theirs\n").unwrap();
    chmod(&path, 0o604);
    handle(&builder(&path).mode(0o640).build().unwrap(), "1");
    assert_eq!(mode(&path), 0o604);
    handle(&builder(&path).mode(0o640).truncate(true).build().unwrap(), "1");
    assert_eq!(mode(&path), 0o604, "emptying it makes no new file of it");
}

#[test]
fn a_delayed_file_gets_its_mode_when_it_is_made() {
    let (_directory, path) = setting();
    let handler = builder(&path).mode(0o602).delay(true).build().unwrap();
    assert!(!path.exists());
    handle(&handler, "1");
    assert_eq!(mode(&path), 0o602);
}

#[test]
fn a_target_that_a_symbolic_link_names_gets_the_mode_when_it_is_made() {
    let (directory, path) = setting();
    let target = directory.path().join("elsewhere.log");
    symlink(&target, &path).unwrap();
    handle(&builder(&path).mode(0o602).build().unwrap(), "1");
    assert_eq!((mode(&target), fs::read_to_string(&target).unwrap().as_str()), (0o602, "1\n"));
    assert!(path.is_symlink());
}

#[test]
fn a_mode_that_is_refused_is_noted_once_and_the_file_is_written() {
    let (_directory, path) = setting();
    let (faults, failures) = (FaultFs::new(), FailureLog::new());
    faults.fail(Op::SetAccess, ErrorKind::PermissionDenied);
    let handler = WatchedFileHandler::builder(&path).mode(0o666).fs(faults).on_failure(failures.clone()).format(MessageOnly);
    let handler = handler.build().unwrap();
    // Where the umask takes nothing, nothing has to be set.
    let expected = usize::from(mode(&path) != 0o666);
    assert_eq!(failures.len(), expected);
    fs::remove_file(&path).unwrap();
    handle(&handler, "1");
    assert_eq!((failures.len(), failures.lost()), (expected, 0), "{:?}", failures.texts());
    assert!(failures.texts().iter().all(|text| text.contains("owner, group and mode")), "{:?}", failures.texts());
}

#[test]
fn modes_that_cannot_be_are_refused_at_build() {
    let (_directory, path) = setting();
    for (builder, expected) in [
        // Decimal 644 is octal 1204.
        (builder(&path).mode(644), "setting `mode` = 0o1204: has bits that are no permissions here; is it written in octal?"),
        (builder(&path).mode(0o444), "setting `mode` = 0o444: must give its owner 0o200 at least"),
        (
            builder(&path).mode(0o100_644),
            "setting `mode` = 0o100644: has bits that are no permissions here; is it written in octal?",
        ),
        (builder(&path).directory_mode(0o600), "setting `directory_mode` = 0o600: must give its owner 0o300 at least"),
    ] {
        let error = builder.build().unwrap_err();
        assert!(error.is_config());
        assert_eq!(error.to_string(), expected);
    }
    assert!(!path.exists(), "refused before anything is made");
}

#[test]
fn a_symbolic_link_is_followed_unless_that_is_turned_off() {
    let (directory, path) = setting();
    let target = directory.path().join("target");
    fs::write(&target, "").unwrap();
    symlink(&target, &path).unwrap();
    handle(&builder(&path).build().unwrap(), "1");
    assert_eq!(fs::read_to_string(&target).unwrap(), "1\n");

    let error = builder(&path).follow_symlinks(false).build().unwrap_err();
    let text = error.one_line();
    assert!(text.contains("app.log") && text.contains("a symbolic link stands there, and follow_symlinks is off"), "{text}");
    fs::remove_file(&target).unwrap();
    builder(&path).follow_symlinks(false).build().unwrap_err();
    assert!(!target.exists(), "the target of a link is not made either");
}

#[test]
fn without_a_link_at_the_path_turning_links_off_changes_nothing() {
    let (directory, _) = setting();
    fs::create_dir(directory.path().join("real")).unwrap();
    symlink(directory.path().join("real"), directory.path().join("linked")).unwrap();
    let path = directory.path().join("linked/app.log");
    handle(&builder(&path).follow_symlinks(false).build().unwrap(), "1");
    handle(&builder(&path).follow_symlinks(false).build().unwrap(), "2");
    assert_eq!(fs::read_to_string(&path).unwrap(), "1\n2\n", "a link among the directories is followed");
}

#[test]
fn other_errors_keep_their_names_where_links_are_refused() {
    let (directory, _) = setting();
    let error = builder(directory.path()).follow_symlinks(false).build().unwrap_err();
    assert_eq!(error.io_error().unwrap().kind(), ErrorKind::IsADirectory);
}

#[test]
fn a_link_that_is_put_in_place_of_the_log_is_not_followed() {
    let (directory, path) = setting();
    let failures = FailureLog::new();
    let handler = WatchedFileHandler::builder(&path).follow_symlinks(false).on_failure(failures.clone()).format(MessageOnly);
    let handler = handler.build().unwrap();
    handle(&handler, "1");
    let (moved, target) = (directory.path().join("moved"), directory.path().join("target"));
    fs::write(&target, "").unwrap();
    fs::rename(&path, &moved).unwrap();
    symlink(&target, &path).unwrap();
    handle(&handler, "2");
    assert_eq!(fs::read_to_string(&target).unwrap(), "");
    assert_eq!(fs::read_to_string(&moved).unwrap(), "1\n2\n");
    assert_eq!((failures.len(), failures.lost()), (1, 0));
}
