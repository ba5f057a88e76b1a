//! `Pattern` against the `logging.Formatter` of a real CPython, byte for byte.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tracing_handlers_core::format::{Pattern, Zone};
use tracing_handlers_core::{Level, Record, RecordBuf, Timestamp};

use crate::common::{ALONE_ZONE, alone, line};

const PERCENT: [&str; 38] = [
    "%(message)s",
    "%(asctime)s %(levelname)-8s %(name)s %(message)s",
    "%(levelname)8s|%(levelname)-8s|%(levelname)3s",
    "%(levelno)d %(levelno)s %(levelno)04d %(levelno)-5d|",
    "%(levelname).3s %(levelname)6.3s %(levelname)-6.3s|",
    "%(created)s %(created)f %(created).3f %(created)d %(created)020.2f",
    "%(msecs)s %(msecs)d %(msecs)03d %(msecs)f %(msecs).0f",
    "%(asctime)s.%(msecs)03d",
    "%(relativeCreated)s %(relativeCreated)d %(relativeCreated)10.1f|%(relativeCreated)-12.1f|",
    "%(pathname)s:%(lineno)d",
    "%(filename)s %(module)s %(funcName)s",
    "%(module)-12s|%(module)12s|%(funcName).2s",
    "%(lineno)d %(lineno)5d|%(lineno)-5d|%(lineno)05d|%(lineno)-05d|",
    "%(lineno)+d|%(lineno) d|%(lineno)+05d|%(lineno) 5d|%(lineno)+ d",
    "%(lineno).5d|%(lineno)8.5d|%(lineno)-8.5d|%(lineno)08.5d|%(lineno)+.0d",
    "%(lineno)i %(lineno)ld %(lineno)hd",
    "%(lineno)s|%(lineno)5s|%(lineno)-5s|%(lineno)05s|%(lineno)+s|%(lineno).1s",
    "%(lineno)f|%(lineno)10.2f|%(lineno)010.2f|%(lineno)+.1f|%(lineno)-10.1f|",
    "%(process)d %(thread)d %(threadName)s %(processName)s",
    "%(processName)10s|%(threadName)-10s|%(thread)+08d",
    "%(taskName)s|%(taskName)6s|%(taskName)-6s|%(taskName).2s",
    "100%% of %(name)s %%(name)s",
    "%%%(levelname)s%%",
    "%(name)s %(name)s %(name)s",
    "%(message)40s|%(message)-40s|",
    "%(message).5s|%(message)10.5s|%(message)-10.5s|%(message).0s|",
    "%(message)010s|%(message)+10s|%(message) s|",
    "{%(message)s} %(name)s {}",
    "ä✓ %(levelname)s – %(message)s 😀",
    "%(asctime)30s|%(asctime)-30s|%(asctime).10s|%(asctime).4s",
    "line one %(levelname)s\n\tline two %(message)s\r\n",
    "\"%(name)s\" '%(message)s' \\n %(lineno)d",
    "%(user)s %(user)-8s| %(millis)d %(millis)05d %(millis)s",
    "%(share)s %(share)f %(share).2f %(share)08.3f %(share)+.1f %(share)d",
    "%(negative)d %(negative)06d %(negative)-6d| %(negative)+d %(negative).4d %(negative)f",
    "%(small).0f %(small).1f %(small).10f %(small)d %(small)3.0f",
    "%(huge)s %(huge)d %(huge)025d",
    "[%(asctime)s][%(process)-8d][%(levelname)-1s] %(filename)s:%(lineno)-4d - %(message)s",
];

const BRACE: [&str; 34] = [
    "{message}",
    "{asctime} {levelname:<8} {message}",
    "{levelname:>8}|{levelname:<8}|{levelname:^8}|{levelname:8}|{levelname:^9}",
    "{levelname:*>8}|{levelname:-<8}|{levelname:·^8}|{levelname:😀^9}|{levelname:<<8}|{levelname:>^8}",
    "{levelname:.3}|{levelname:6.3}|{levelname:>6.3}|{levelname:.3s}|{levelname:s}|{levelname:.0}",
    "{levelno} {levelno:d} {levelno:4} {levelno:04d} {levelno:<5}|{levelno:^5}|{levelno:>5}|",
    "{created} {created:f} {created:.3f} {created:020.2f} {created:.0f}",
    "{msecs} {msecs:f} {msecs:.0f} {msecs:03.0f} {msecs:10}|{msecs:<10}|",
    "{relativeCreated:.1f} {relativeCreated} {relativeCreated:12.1f}|{relativeCreated:<12.1f}|{relativeCreated:^13.1f}|",
    "{pathname}:{lineno}",
    "{filename} {module} {funcName}",
    "{module:<12}|{module:>12}|{funcName:.2}",
    "{lineno:5}|{lineno:<5}|{lineno:^6}|{lineno:05}|{lineno:<05}|{lineno:^06}|{lineno:>05}|",
    "{lineno:+}|{lineno: }|{lineno:-}|{lineno:+05}|{lineno: 06d}|{lineno:+5}|{lineno:<+5}|",
    "{lineno:*<5}|{lineno:*>5}|{lineno:*^6}|{lineno:*=+6}|{lineno:=6}|{lineno:x<05}|{lineno:x>05}|",
    "{lineno:f}|{lineno:.0f}|{lineno:10.2f}|{lineno:010.2f}|{lineno:+.1f}|{lineno:^10.1f}|",
    "{lineno!s}|{lineno!s:5}|{lineno!s:>5}|{lineno!s:05}|{lineno!s:.1}|{lineno!r}|{lineno!r:^5}|",
    "{name:05}|{name:020}|{name:<020}|{name:>020}|{name:^021}|{name:x<025}|",
    "{process} {thread} {threadName} {processName}",
    "{processName:>10}|{threadName:<10}|{thread:+08}",
    "{taskName!s}|{taskName!s:6}|{taskName!s:>6}|{taskName}",
    "{{{name}}} {{name}} {{}} }}{{",
    "100% %(name)s {name}",
    "{name}{name}{name}",
    "{message:40}|{message:>40}|{message:^41}|",
    "{message:.5}|{message:>10.5}|{message:<10.5}|{message:^11.5}|",
    "ä✓ {levelname} – {message} 😀",
    "{asctime:>30}|{asctime:<30}|{asctime:.10}|{asctime:.4}",
    "line one {levelname}\n\tline two {message}\r\n",
    "{user} {user:<8}| {millis} {millis:05} {millis:d} {millis:>8}|{millis:<8}|",
    "{share} {share:f} {share:.2f} {share:08.3f} {share:+.1f} {share:10}|{share:<10}|{share:^11}|",
    "{negative} {negative:d} {negative:06} {negative:<6}|{negative:+} {negative:=6} {negative:*^7} {negative:f}",
    "{small:.0f} {small:.1f} {small:.10f} {small:3.0f} {small}",
    "{huge} {huge:d} {huge:025} {huge:<25}|",
];

const DATEFMT: [&str; 9] = [
    "%Y-%m-%dT%H:%M:%S%z",
    "%d/%b/%Y:%H:%M:%S",
    "%A, %d. %B %Y",
    "%a %j %U %W %V %G %u",
    "%I:%M:%S %p",
    "%y%m%d %H%M%S",
    "%F %T %R %D",
    "%e %k %l %-d %-m %_H",
    "%% %s 100",
];

/// Reads `{"records": [...], "jobs": [[style, pattern, datefmt or null], ...]}`, writes the texts: one list for each job.
const SCRIPT: &str = r#"
import json, logging, sys
task = json.load(sys.stdin)
texts = []
for style, pattern, datefmt in task["jobs"]:
    formatter = logging.Formatter(pattern, datefmt, style)
    texts.append([formatter.format(logging.makeLogRecord(record)) for record in task["records"]])
json.dump(texts, sys.stdout)
"#;

/// Where `relativeCreated` begins, in nanoseconds.
const START: i64 = 1_699_999_000_000_000_000;

struct Case {
    level: Level,
    number: u32,
    name: &'static str,
    nanos: i64,
    file: &'static str,
    line: u32,
    function: &'static str,
    message: &'static str,
    share: f64,
    negative: i64,
    small: f64,
}

/// The fractions of the seconds are exact in binary, so that Python's way over a float does not round them.
fn cases() -> [Case; 4] {
    [
        Case {
            level: Level::INFO,
            number: 20,
            name: "app.db",
            nanos: 1_700_000_000_250_000_000,
            file: "/srv/app/pool.py",
            line: 7,
            function: "acquire",
            message: "hello",
            share: 0.75,
            negative: -42,
            small: 0.5,
        },
        Case {
            level: Level::WARN,
            number: 30,
            name: "späm",
            nanos: 1_711_846_800_000_000_000,
            file: "größe.py",
            line: 12_345_678,
            function: "f",
            message: "ünïcödé ✓ 😀 and a long tail of plain text",
            share: 1_234_567.5,
            negative: -7,
            small: 2.5,
        },
        Case {
            level: Level::ERROR,
            number: 40,
            name: "a",
            nanos: 951_782_400_007_812_500,
            file: "dir/.hidden",
            line: 0,
            function: "<lambda>",
            message: "",
            share: -0.125,
            negative: -1,
            small: -0.4,
        },
        Case {
            level: Level::DEBUG,
            number: 10,
            name: "root",
            nanos: 1_735_689_599_500_000_000,
            file: "/a/b.c.d.py",
            line: 99,
            function: "main",
            message: r#"C:\temp "quoted" 'single' 100% {braces}"#,
            share: 1e15,
            negative: -123_456_789_012,
            small: 0.049_999,
        },
    ]
}

const THREAD: u64 = 140_001;
const PROCESS: u32 = 4_711;
const HUGE: u64 = u64::MAX;

fn ours(case: &Case) -> RecordBuf {
    Record::builder()
        .level(case.level)
        .target(case.name)
        .timestamp(Timestamp::from_nanos(case.nanos))
        .file(case.file)
        .line(case.line)
        .message(case.message)
        .thread_id(THREAD)
        .thread_name("MainThread")
        .process_id(PROCESS)
        .field("user", "eve")
        .field("millis", 812_u64)
        .field("share", case.share)
        .field("negative", case.negative)
        .field("small", case.small)
        .field("huge", HUGE)
        .span("outer", "app", [])
        .span(case.function, "app", [])
        .build()
}

fn theirs(case: &Case) -> Value {
    let (filename, module) = match case.file {
        "/srv/app/pool.py" => ("pool.py", "pool"),
        "größe.py" => ("größe.py", "größe"),
        "dir/.hidden" => (".hidden", ".hidden"),
        _ => ("b.c.d.py", "b.c.d"),
    };
    json!({
        "name": case.name, "msg": case.message, "args": null, "levelname": logging_name(case.level), "levelno": case.number,
        "pathname": case.file, "filename": filename, "module": module, "lineno": case.line, "funcName": case.function,
        "created": case.nanos as f64 / 1e9,
        "msecs": ((case.nanos % 1_000_000_000) / 1_000_000) as f64,
        "relativeCreated": (case.nanos - START) as f64 / 1e6,
        "thread": THREAD, "threadName": "MainThread", "process": PROCESS, "processName": process_name(), "taskName": null,
        "user": "eve", "millis": 812, "share": case.share, "negative": case.negative, "small": case.small, "huge": HUGE,
    })
}

fn logging_name(level: Level) -> &'static str {
    if level == Level::WARN { "WARNING" } else { level.as_str() }
}

fn process_name() -> String {
    std::env::current_exe().unwrap().file_stem().unwrap().to_string_lossy().into_owned()
}

/// What CPython makes of each job, record by record, in a zone of the POSIX notation (which needs no database).
fn python(jobs: &[(&str, &str, Option<&str>)], zone: &str) -> Vec<Vec<String>> {
    let task = json!({ "records": cases().iter().map(theirs).collect::<Vec<_>>(), "jobs": jobs });
    let mut child = Command::new("python3")
        .args(["-X", "utf8", "-c", SCRIPT])
        .env("TZ", zone)
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("this test compares with CPython and needs `python3` in the PATH: {error}"));
    child.stdin.take().unwrap().write_all(task.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "python3 refused a pattern that we accept");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn compare(jobs: &[(&str, &str, Option<&str>)]) {
    compare_in(Zone::Utc, "UTC", jobs);
}

fn compare_in(zone: Zone, their_zone: &str, jobs: &[(&str, &str, Option<&str>)]) {
    let theirs = python(jobs, their_zone);
    assert_eq!(theirs.len(), jobs.len());
    for ((style, pattern, datefmt), texts) in jobs.iter().zip(theirs) {
        let parsed = if *style == "%" { Pattern::percent(pattern) } else { Pattern::brace(pattern) };
        let mut format = parsed.unwrap().zone(zone).relative_to(Timestamp::from_nanos(START));
        if let Some(datefmt) = datefmt {
            format = format.datefmt(datefmt).unwrap();
        }
        for (case, expected) in cases().iter().zip(texts) {
            assert_eq!(
                line(&format, &ours(case)),
                expected,
                "pattern {pattern:?}, datefmt {datefmt:?}, message {:?}",
                case.message
            );
        }
    }
}

#[test]
fn percent_patterns_write_what_cpython_writes() {
    compare(&PERCENT.map(|pattern| ("%", pattern, None)));
}

#[test]
fn brace_patterns_write_what_cpython_writes() {
    compare(&BRACE.map(|pattern| ("{", pattern, None)));
}

#[test]
fn dates_are_what_cpython_writes() {
    compare(&DATEFMT.map(|datefmt| ("%", "%(asctime)s|%(asctime)40s|", Some(datefmt))));
}

/// One of the records is from the very second in which daylight saving begins.
#[test]
fn local_times_are_what_cpython_writes() {
    alone(|| {
        let jobs = [("%", "%(asctime)s", None), ("{", "{asctime}", Some("%F %T %z"))];
        compare_in(Zone::Local, ALONE_ZONE, &jobs);
    });
}

/// What we refuse for an attribute that both know, Python refuses too, when it makes the formatter or a record.
#[test]
fn what_we_refuse_for_an_attribute_fails_in_cpython_too() {
    const REFUSED: [(&str, &str); 14] = [
        ("%", "plain"),
        ("%", "%(message)d"),
        ("%", "%(levelname)f"),
        ("%", "%(message)"),
        ("%", "%(message)q"),
        ("{", "plain"),
        ("{", "{message:d}"),
        ("{", "{message:+}"),
        ("{", "{message:=5}"),
        ("{", "{lineno:s}"),
        ("{", "{lineno:.2}"),
        ("{", "{msecs:d}"),
        ("{", "{message"),
        ("{", "message}"),
    ];
    const ATTEMPT: &str = r#"
import logging, sys
try:
    print("accepted", logging.Formatter(sys.argv[2], None, sys.argv[1]).format(logging.makeLogRecord({"msg": "m", "msecs": 1.0, "lineno": 1})))
except (ValueError, TypeError):
    print("refused")
"#;
    for (style, pattern) in REFUSED {
        let parsed = if style == "%" { Pattern::percent(pattern) } else { Pattern::brace(pattern) };
        assert!(parsed.is_err(), "{pattern}");
        let output = Command::new("python3").args(["-c", ATTEMPT, style, pattern]).output();
        let output = output.unwrap_or_else(|error| panic!("this test needs `python3` in the PATH: {error}"));
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "refused", "{pattern}");
    }
}
