//! CPython's own handler and ours, given the same random scripts: after every step the folders are the same, byte for byte.
//!
//! Left out of the scripts is where `docs/coming-from-python.md` says that we differ: text that is not ASCII (Python counts
//! characters), gaps in a chain, a rollover of a file that is not there, and one that would empty a file without a backup.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::json;
use tempfile::tempdir;
use tracing_handlers_core::{Deadline, Handler as _};
use tracing_handlers_rotating_file::RotatingFileHandler;
use tracing_handlers_testing::file_subject::contents;
use tracing_handlers_testing::{MessageOnly, python, record};

const SCRIPTS: usize = 400;

type Folder = BTreeMap<String, String>;

#[derive(Clone, Debug)]
enum Step {
    Emit(String),
    Roll,
    Restart,
}

#[derive(Clone, Debug)]
struct Script {
    max_bytes: u64,
    backup_count: usize,
    delay: bool,
    truncate: bool,
    named: bool,
    rotated: bool,
    before: Folder,
    steps: Vec<Step>,
}

fn scripts() -> impl Strategy<Value = Script> {
    let step = prop_oneof![
        12 => "[ -~]{0,40}".prop_map(Step::Emit),
        1 => Just(Step::Roll),
        1 => Just(Step::Restart),
    ];
    let limit = prop_oneof![1 => Just(0), 1 => Just(1), 6 => 2..200_u64];
    let flags = [any::<bool>(); 4].map(|flag| flag.boxed());
    let before = (any::<bool>(), 0..4_usize, "[a-z\n]{0,60}");
    (limit, 0..5_usize, flags, before, vec(step, 1..40)).prop_map(|(max_bytes, backup_count, flags, before, steps)| {
        let [delay, truncate, named, rotated] = flags;
        let (exists, backups, content) = before;
        let script =
            Script { max_bytes, backup_count, delay, truncate, named, rotated, before: Folder::new(), steps: Vec::new() };
        let before = folder_before(&script, exists, backups, &content);
        Script { before, steps: steps_that_agree(&script, steps), ..script }
    })
}

/// A chain without a gap, and perhaps the file itself.
fn folder_before(script: &Script, exists: bool, backups: usize, content: &str) -> Folder {
    let suffix = if script.named { ".old" } else { "" };
    let backups = (1..=backups).map(|number| (format!("app.log.{number}{suffix}"), format!("{number} {content}")));
    backups.chain(exists.then(|| ("app.log".to_owned(), content.to_owned()))).collect()
}

/// Rolls only a file that is there, and not where that would empty it without a backup.
fn steps_that_agree(script: &Script, steps: Vec<Step>) -> Vec<Step> {
    let mut after_emit = false;
    let agrees = |step: &Step| {
        let keep = !matches!(step, Step::Roll) || (after_emit && script.backup_count > 0);
        after_emit = matches!(step, Step::Emit(_));
        keep
    };
    steps.into_iter().filter(agrees).collect()
}

fn to_json(script: &Script) -> serde_json::Value {
    let step = |step: &Step| match step {
        Step::Emit(message) => format!("+{message}"),
        Step::Roll => "roll".to_owned(),
        Step::Restart => "restart".to_owned(),
    };
    json!({
        "max_bytes": script.max_bytes,
        "backup_count": script.backup_count,
        "delay": script.delay,
        "truncate": script.truncate,
        "named": script.named,
        "rotated": script.rotated,
        "before": script.before,
        "steps": script.steps.iter().map(step).collect::<Vec<_>>(),
    })
}

fn open(path: &Path, script: &Script) -> RotatingFileHandler {
    let mut builder = RotatingFileHandler::builder(path)
        .max_bytes(script.max_bytes)
        .backup_count(script.backup_count)
        .delay(script.delay)
        .truncate(script.truncate)
        .format(MessageOnly);
    if script.named {
        builder = builder.namer(|name| PathBuf::from(format!("{}.old", name.display())));
    }
    if script.rotated {
        builder = builder.rotator(|from, to| {
            fs::write(to, fs::read_to_string(from)?.to_uppercase())?;
            fs::remove_file(from)
        });
    }
    builder.build().unwrap()
}

fn ours(script: &Script) -> Vec<Folder> {
    let directory = tempdir().unwrap();
    for (name, content) in &script.before {
        fs::write(directory.path().join(name), content).unwrap();
    }
    let path = directory.path().join("app.log");
    let mut handler = open(&path, script);
    let mut states = vec![contents(directory.path())];
    for step in &script.steps {
        match step {
            Step::Emit(message) => handler.handle(&record(message).as_record()).unwrap(),
            Step::Roll => handler.roll_over().unwrap(),
            Step::Restart => {
                handler.close(Deadline::never()).unwrap();
                handler = open(&path, script);
            }
        }
        states.push(contents(directory.path()));
    }
    states
}

fn pythons(scripts: &[Script]) -> Vec<Vec<Folder>> {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/differential.py");
    let answers = python::answers(program, scripts.iter().map(to_json));
    answers.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_folder_is_the_same_after_every_step() {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let scripts: Vec<_> = (0..SCRIPTS).map(|_| scripts().new_tree(&mut runner).unwrap().current()).collect();
    let expected = pythons(&scripts);
    assert_eq!(expected.len(), SCRIPTS);
    for (script, expected) in scripts.iter().zip(expected) {
        for (step, (ours, pythons)) in ours(script).iter().zip(&expected).enumerate() {
            assert_eq!(ours, pythons, "after step {step} of {script:#?}");
        }
    }
    let rolled = scripts.iter().filter(|script| script.backup_count > 0 && script.max_bytes > 0).count();
    assert!(rolled > SCRIPTS / 2, "most scripts roll: {rolled}");
}
