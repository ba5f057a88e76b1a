use proptest::prelude::*;
use time::macros::datetime;
use time::{Duration, Weekday};
use tracing_handlers_file::rollover::Retention;

use super::*;
use tracing_handlers_file::rollover::Forms;

const FOLDER: &str = "/var/log";

fn plain(when: When) -> Dated {
    Dated { when, hooks: Hooks::default(), forms: Forms::Plain, is_link: false }
}

/// The namer sees the file's name and gives another; the folder stays.
fn named(when: When, namer: impl Fn(&str) -> String + Send + Sync + 'static) -> Dated {
    let mut hooks = Hooks::default();
    hooks.set_namer(move |path| path.with_file_name(namer(path.file_name().unwrap().to_str().unwrap())));
    Dated { when, hooks, forms: Forms::Plain, is_link: false }
}

fn at(name: &str) -> PathBuf {
    Path::new(FOLDER).join(name)
}

fn entries<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<OsString> {
    names.into_iter().map(OsString::from).collect()
}

fn ours(dated: &Dated, base: &str, names: &[&str]) -> Vec<String> {
    file_names(&dated.ours(&at(base), Path::new(FOLDER), &entries(names.iter().copied())))
}

fn file_names(names: &[Name]) -> Vec<String> {
    names.iter().map(|name| name.path.file_name().unwrap().to_str().unwrap().to_owned()).collect()
}

/// What a rollover deletes.
fn files_to_delete(mut names: Vec<Name>, keep: usize) -> Vec<Name> {
    names.sort();
    names.truncate(Retention { count: keep, ..Retention::default() }.above_count(names.len()));
    names
}

fn moves_log_last(name: &str) -> String {
    format!("{}.log", name.replace(".log", ""))
}

#[test]
fn a_name_ends_in_the_start_of_its_period() {
    let start = datetime!(2024-01-31 23:59:58);
    let name = |when| plain(when).name(&at("app.log"), start, 0).unwrap();
    assert_eq!(name(When::Seconds), at("app.log.2024-01-31_23-59-58"));
    assert_eq!(name(When::Minutes), at("app.log.2024-01-31_23-59"));
    assert_eq!(name(When::Hours), at("app.log.2024-01-31_23"));
    for when in [When::Days, When::Midnight, When::Weekday(Weekday::Sunday)] {
        assert_eq!(name(when), at("app.log.2024-01-31"));
    }
}

#[test]
fn compressed_files_are_ours_once_where_files_are_compressed() {
    let entries = ["app.log.2024-01-31.gz", "app.log.2024-01-31", "app.log.2024-01-31.1.zst", "app.log.2024-01-30.xz"];
    let compressing = Dated { forms: Forms::Compressed, ..plain(When::Days) };
    assert_eq!(ours(&compressing, "app.log", &entries), ["app.log.2024-01-31", "app.log.2024-01-31.1"]);
    assert_eq!(ours(&plain(When::Days), "app.log", &entries), ["app.log.2024-01-31"]);
}

#[test]
fn only_what_we_would_write_is_ours() {
    let hours = ["app.log.2024-02-29_23", "app.log.2024-02-29_00.1", "app.log.0001-01-01_05.4294967295"];
    assert_eq!(ours(&plain(When::Hours), "app.log", &hours), hours);
    let neighbours = [
        "app.log",
        "app.log.",
        "app.log.1",
        "app.log.2024-02-29",
        "app.log.2024-02-29_23-59",
        "app.log.2024-02-29_23.gz",
        "app.log.2024-02-29_23.0",
        "app.log.2024-02-29_23.01",
        "app.log.2024-02-29_23.+1",
        "app.log.2024-02-29_23.",
        "app.log.2024-02-29_23.1.2",
        "app.log.2024-02-29_23.4294967296",
        "app.log.2023-02-29_23",
        "app.log.2024-13-01_00",
        "app.log.2024-00-01_00",
        "app.log.2024-02-30_00",
        "app.log.2024-02-00_00",
        "app.log.2024-02-28_24",
        "app.log.2024_02_29-23",
        "app.log.2024-2-29_23",
        "app.log.02024-02-29_23",
        "app.log.2024-02-29_230",
        "app.log.+024-02-29_23",
        "app.log.２０２４-02-29_23",
        "app_log.2024-02-29_23",
        "xapp.log.2024-02-29_23",
        "app.log2024-02-29_23",
        "app.log.x.2024-02-29_23",
        "2024-02-29_23",
    ];
    assert_eq!(ours(&plain(When::Hours), "app.log", &neighbours), [""; 0]);
}

#[test]
fn a_number_with_a_sign_is_no_part_of_a_stamp() {
    assert!(read(When::Hours, b"2024-02-29_23").is_some());
    assert!(read(When::Hours, b"+024-02-29_23").is_none());
    assert!(read(When::Hours, b"2024-02-29_+3").is_none());
}

#[test]
fn a_namer_may_put_digits_before_the_stamp_and_none_behind_the_number() {
    let version_1 = named(When::Days, |name| format!("v1{}", &name[8..]));
    let names = ["v12024-01-01", "v12024-01-01.12"];
    assert_eq!(ours(&version_1, "app.log", &names), names);
    assert_eq!(ours(&version_1, "app.log", &["v2024-01-01", "v12024-01-010", "v12024-01-01.012"]), [""; 0]);
    assert!(version_1.check(&at("app.log"), true).is_ok());
    let behind = named(When::Days, |name| format!("{name}0"));
    assert!(behind.check(&at("app.log"), true).unwrap_err().is_config());
}

#[test]
fn a_date_in_the_name_of_the_file_itself_is_no_stamp() {
    let names =
        ["app.2024-01-01.log.2024-01-02", "app.2024-01-01.log", "app.2024-01-03.log.2024-01-02", "app.2024-01-01.log.1"];
    let found = plain(When::Days).ours(&at("app.2024-01-01.log"), Path::new(FOLDER), &entries(names));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].stamp, datetime!(2024-01-02 0:00));
}

#[cfg(unix)]
#[test]
fn names_that_are_no_text_are_told_apart_too() {
    use std::os::unix::ffi::OsStringExt as _;
    let base = PathBuf::from(OsString::from_vec(b"/var/log/\xff.log".to_vec()));
    let entries = [b"\xff.log.2024-01-01".to_vec(), b"\xfe.log.2024-01-01".to_vec(), b"\xff.log.2024-01-01.\xff".to_vec()];
    let found = plain(When::Days).ours(&base, Path::new(FOLDER), &entries.map(OsString::from_vec));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].path.as_os_str().as_encoded_bytes(), b"/var/log/\xff.log.2024-01-01");
}

#[test]
fn the_name_in_another_folder_is_not_ours() {
    let entry = entries(["app.log.2024-01-01"]);
    assert_eq!(plain(When::Days).ours(&at("app.log"), Path::new("/var/log/old"), &entry), []);
    let mut hooks = Hooks::default();
    hooks.set_namer(|path| path.parent().unwrap().join("old").join(path.file_name().unwrap()));
    let moved = Dated { when: When::Days, hooks, forms: Forms::Plain, is_link: false };
    let directory = moved.directory(&at("app.log")).unwrap();
    assert_eq!(directory, at("old"));
    assert_eq!(moved.ours(&at("app.log"), &directory, &entry).len(), 1);
    assert_eq!(moved.ours(&at("app.log"), Path::new(FOLDER), &entry), []);
}

#[test]
fn the_oldest_are_deleted_and_a_number_is_younger_than_none() {
    let names = [
        "app.log.2024-01-02",
        "app.log.2024-01-01.10",
        "app.log.2024-01-01.9",
        "app.log.2023-12-31.1",
        "app.log.2024-01-01",
        "app.log.2023-12-31",
    ];
    let dated = plain(When::Midnight);
    let found = dated.ours(&at("app.log"), Path::new(FOLDER), &entries(names));
    let deleted = |keep| file_names(&files_to_delete(found.clone(), keep));
    assert_eq!(deleted(1), [names[5], names[3], names[4], names[2], names[1]]);
    assert_eq!(deleted(4), [names[5], names[3]]);
    assert_eq!(deleted(6), [""; 0]);
    assert_eq!(deleted(7), [""; 0]);
    assert_eq!(deleted(0), [""; 0], "a backup count of 0 keeps all");
}

#[test]
fn a_name_that_is_taken_gets_the_next_number() {
    let dated = plain(When::Hours);
    let stamp = datetime!(2024-01-01 05:59:59);
    let next = |names: &[&str], taken: &[&str]| {
        let ours = dated.ours(&at("app.log"), Path::new(FOLDER), &entries(names.iter().copied()));
        let name = dated.next_name(&at("app.log"), stamp, &ours, |name| taken.iter().any(|taken| at(taken) == name)).unwrap();
        name.file_name().unwrap().to_str().unwrap().to_owned()
    };
    assert_eq!(next(&[], &[]), "app.log.2024-01-01_05");
    assert_eq!(next(&["app.log.2024-01-01_05"], &[]), "app.log.2024-01-01_05.1");
    assert_eq!(next(&["app.log.2024-01-01_04.7", "app.log.2024-01-01_06"], &[]), "app.log.2024-01-01_05");
    // Were it to take the name that retention made free, the newest file would be taken for the oldest.
    assert_eq!(next(&["app.log.2024-01-01_05.9", "app.log.2024-01-01_05.10"], &[]), "app.log.2024-01-01_05.11");
    // Somebody else is at work in the folder.
    assert_eq!(next(&[], &["app.log.2024-01-01_05", "app.log.2024-01-01_05.1"]), "app.log.2024-01-01_05.2");
}

#[test]
fn without_a_free_name_there_is_an_error_and_no_search_without_end() {
    let error = plain(When::Days).next_name(&at("app.log"), SAMPLE, &[], |_| true).unwrap_err();
    assert_eq!(error.to_string(), format!("find a name for {} of 2001-02-03: 1000 are taken", at("app.log").display()));
    let last = Name { stamp: SAMPLE, counter: u32::MAX, path: PathBuf::new() };
    assert!(plain(When::Days).next_name(&at("app.log"), SAMPLE, &[last], |_| true).is_err());
}

#[test]
fn a_namer_may_put_the_number_where_it_likes_or_leave_it_out() {
    let stamp = datetime!(2024-01-01 0:00);
    let packed = named(When::Days, |name| format!("{name}.gz"));
    assert_eq!(packed.name(&at("app.log"), stamp, 2).unwrap(), at("app.log.2024-01-01.2.gz"));
    let forgetful = named(When::Days, |name| format!("old-{}", &name[8..18]));
    assert_eq!(forgetful.name(&at("app.log"), stamp, 2).unwrap(), at("old-2024-01-01.2"));
    for (dated, names) in [
        (packed, ["app.log.2024-01-01.gz", "app.log.2024-01-01.2.gz", "app.log.2024-01-02.10.gz"]),
        (forgetful, ["old-2024-01-01", "old-2024-01-01.2", "old-2024-01-02.10"]),
    ] {
        assert_eq!(ours(&dated, "app.log", &names), names);
    }
}

/// A namer may expect the names that it is given and no others.
#[test]
fn a_namer_that_panics_over_a_neighbour_hides_none_of_ours() {
    let dated = named(When::Days, |name| match name {
        "app.log.1999-01-01" => panic!("deliberate mistake"),
        name => format!("{name}.old"),
    });
    let names = ["photos of 1999-01-01", "app.log.2024-01-01.old"];
    assert_eq!(ours(&dated, "app.log", &names), names[1..]);
}

#[test]
fn a_namer_that_cannot_work_is_refused() {
    let path = at("app.log");
    let same = named(When::Days, |_| "app.log".to_owned());
    let error = same.check(&path, false).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("setting `namer` = {:?}: is the name of the file itself", path.display().to_string())
    );

    let undated = named(When::Days, |name| format!("{}.old", &name[..7]));
    assert!(undated.check(&path, false).is_ok(), "nothing is to be found again");
    assert!(undated.check(&path, true).unwrap_err().is_config());

    let panicking = named(When::Days, |_| panic!("deliberate mistake"));
    assert!(panicking.check(&path, false).unwrap_err().is_panicked());

    assert!(plain(When::Seconds).check(&path, true).is_ok());
    assert!(named(When::Seconds, moves_log_last).check(&path, true).is_ok());
}

/// Ten times, five seconds apart.
fn ten_stamps() -> Vec<String> {
    (0..10).map(|number| write(When::Seconds, datetime!(2024-01-01 0:00) + Duration::seconds(5 * number))).collect()
}

#[test]
fn test_compute_files_to_delete() {
    let is_digit = |name: &str, at: usize| name.as_bytes()[at].is_ascii_digit();
    let mut files = Vec::new();
    for stamp in ten_stamps() {
        files.extend(["a.b", "a.b.c"].map(|base| format!("{base}.log.{stamp}")));
        files.extend(["d.e", "d.e.f"].map(|base| format!("{base}.{stamp}.log")));
        files.push(format!("g{stamp}.oldlog"));
    }
    let oldlog = |name: &str| format!("g{}.oldlog", &name[6..]);
    for (base, dated) in [
        ("a.b", plain(When::Seconds)),
        ("a.b.c", plain(When::Seconds)),
        ("d.e", named(When::Seconds, moves_log_last)),
        ("d.e.f", named(When::Seconds, moves_log_last)),
        ("g", named(When::Seconds, oldlog)),
    ] {
        let ours = dated.ours(&at(&format!("{base}.log")), Path::new(FOLDER), &entries(files.iter().map(String::as_str)));
        let candidates = file_names(&files_to_delete(ours, 7));
        assert_eq!(candidates.len(), 3, "{base}: {candidates:?}");
        for name in &candidates {
            match base {
                "g" => assert!(name.ends_with(".oldlog") && name.starts_with('g') && is_digit(name, 1)),
                "a.b" | "a.b.c" => assert!(name.starts_with(&format!("{base}.log."))),
                _ => assert!(name.ends_with(".log") && name.starts_with(&format!("{base}.")) && is_digit(name, base.len() + 1)),
            }
        }
        let oldest = ten_stamps();
        assert!(candidates.iter().zip(&oldest).all(|(name, stamp)| name.contains(stamp)), "{candidates:?}");
    }
}

#[test]
fn test_compute_files_to_delete_same_filename_different_extensions() {
    let stamps = ten_stamps();
    let of_bases = ["a.log", "a.log.b"].into_iter().flat_map(|base| stamps.iter().map(move |stamp| format!("{base}.{stamp}")));
    let decoys = stamps.iter().map(|stamp| format!("a.log.{stamp}.c"));
    let files: Vec<_> = of_bases.chain(decoys).collect();
    for (base, keep, expected) in [("a.log", 1, 9), ("a.log.b", 2, 8)] {
        let dated = plain(When::Seconds);
        let ours = dated.ours(&at(base), Path::new(FOLDER), &entries(files.iter().map(String::as_str)));
        let candidates = file_names(&files_to_delete(ours, keep));
        assert_eq!(candidates.len(), expected);
        for name in candidates {
            let suffix = name.strip_prefix(&format!("{base}.")).unwrap();
            assert!(read(When::Seconds, suffix.as_bytes()).is_some(), "{suffix}");
        }
    }
}

fn whens() -> impl Strategy<Value = When> {
    proptest::sample::select(vec![When::Seconds, When::Minutes, When::Hours, When::Days])
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_and_nothing_else(when in whens(), text in "[0-9]{4}-[0-3][0-9]-[0-3][0-9](_[0-2][0-9](-[0-6][0-9]){0,2})?") {
        if let Some(stamp) = read(when, text.as_bytes()) {
            prop_assert_eq!(write(when, stamp), text);
        }
    }

    #[test]
    fn names_are_in_the_order_of_their_stamps_and_are_found_again(
        when in whens(),
        starts in proptest::collection::btree_set(-9_000_000_000..9_000_000_000_i64, 1..20),
        counter in 0..3_u32,
        moves in any::<bool>(),
    ) {
        let dated = if moves { named(when, moves_log_last) } else { plain(when) };
        let stamp = |start: &i64| datetime!(1970-01-01 0:00) + Duration::seconds(*start);
        let mut names: Vec<_> = starts.iter().map(|start| dated.name(&at("app.log"), stamp(start), counter).unwrap()).collect();
        names.dedup();
        let entries: Vec<_> = names.iter().rev().map(|name| name.file_name().unwrap().to_owned()).collect();
        let mut found = dated.ours(&at("app.log"), Path::new(FOLDER), &entries);
        found.sort();
        prop_assert!(found.iter().all(|name| name.counter == counter));
        prop_assert_eq!(found.into_iter().map(|name| name.path).collect::<Vec<_>>(), names);
    }

    #[test]
    fn any_name_at_all_can_be_looked_at(entry in "\\PC{0,30}|app\\.log\\.[-_0-9.]{0,30}", when in whens()) {
        let entry = OsString::from(entry);
        if let Some(name) = plain(when).recognise(&at("app.log"), Path::new(FOLDER), &entry) {
            prop_assert_eq!(plain(when).name(&at("app.log"), name.stamp, name.counter).unwrap(), Path::new(FOLDER).join(entry));
        }
    }
}
