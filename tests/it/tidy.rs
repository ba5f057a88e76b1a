//! The rules of `docs/architecture.md`, most of which say what must not be there.

use crate::rust_text::{find_impl, find_word, is_name, line_of};
use crate::workspace::{Package, Source, crates, files, packages, read, sources};

/// Something that stands only in certain files.
struct Rule {
    what: &'static str,
    /// Files, or folders that end in a slash. Each must be there and have what it may have.
    allowed: &'static [&'static str],
    find: fn(&str) -> Vec<usize>,
    /// A file that breaks the rule, to see that it would be found.
    broken: &'static str,
}

impl Rule {
    /// Panics with file and line of every place where the rule is broken.
    fn hold(&self, sources: &[Source]) {
        assert!(!self.find_in(&Source::new("broken.rs", self.broken)).is_empty(), "{}: the rule finds nothing", self.what);
        let places: Vec<_> = sources.iter().flat_map(|source| self.find_in(source)).collect();
        let is_allowed = |place: &str| self.allowed.iter().any(|allowed| place.starts_with(allowed));
        let broken: Vec<_> = places.iter().filter(|place| !is_allowed(place)).collect();
        assert!(
            broken.is_empty(),
            "{} where docs/architecture.md (what must never be) does not allow it:\n{broken:#?}",
            self.what
        );
        for allowed in self.allowed {
            assert!(
                places.iter().any(|place| place.starts_with(allowed)),
                "{}: {allowed} has none, and need not be allowed in tests/it/tidy.rs",
                self.what
            );
        }
    }

    fn find_in(&self, source: &Source) -> Vec<String> {
        (self.find)(&source.code).into_iter().map(|at| format!("{}:{}", source.path, line_of(&source.code, at))).collect()
    }
}

/// The code of the crates that are published.
fn shipped() -> Vec<Source> {
    let published = crates().into_iter().filter(|package| package.is_published);
    let sources: Vec<_> = published.flat_map(|package| sources(&format!("{}/src", package.folder))).collect();
    assert!(sources.len() > 30, "the sources were not found");
    sources
}

/// The code of all crates; a test may need what they must not have, such as an allocator that counts.
fn not_tests() -> Vec<Source> {
    sources("crates").into_iter().filter(|source| source.path.contains("/src/")).collect()
}

/// Every Rust file that is no benchmark.
fn all_but_benchmarks() -> Vec<Source> {
    sources(".").into_iter().filter(|source| !source.path.starts_with("tests/bench/")).collect()
}

fn any_word(code: &str, words: &[&str]) -> Vec<usize> {
    words.iter().flat_map(|word| find_word(code, word)).collect()
}

#[test]
fn only_the_layer_of_core_is_a_layer() {
    Rule {
        what: "`Layer` is implemented",
        allowed: &["crates/core/src/layer.rs"],
        find: |code| find_impl(code, "Layer").collect(),
        broken: "impl<S: Subscriber> tracing_subscriber::Layer<S> for Mine {}",
    }
    .hold(&shipped());
}

#[test]
fn only_capture_visits_fields() {
    Rule {
        what: "`Visit` is implemented",
        allowed: &["crates/core/src/capture/visit.rs", "crates/core/src/capture/log_bridge.rs"],
        find: |code| find_impl(code, "Visit").collect(),
        broken: "impl field::Visit for Mine<'_> {}",
    }
    .hold(&shipped());
}

#[test]
fn no_crate_raises_events_of_its_own() {
    Rule {
        what: "an event or a span is made",
        allowed: &[],
        find: |code| {
            let macros = ["error!", "warn!", "info!", "debug!", "trace!", "event!", "span!", "log!"];
            let spans = ["error_span!", "warn_span!", "info_span!", "debug_span!", "trace_span!", "instrument"];
            [any_word(code, &macros), any_word(code, &spans)].concat()
        },
        broken: "fn f() { tracing::error!(\"the disk is full\") }",
    }
    .hold(&shipped());
}

#[test]
fn only_the_fs_files_know_the_file_system() {
    Rule {
        what: "the file system is asked",
        // A program reads its certificate; a test of what no other crate sees reads its seeds; a local socket is left at its path.
        allowed: &[
            "crates/file/src/fs/system.rs",
            "crates/file/src/fs/windows.rs",
            "crates/log-receiver/src/run.rs",
            "crates/receiver/src/decode/replay.rs",
            "crates/receiver/src/local.rs",
        ],
        find: |code| {
            let of_std =
                |&at: &usize| code[..at].ends_with("std::") || code[..at].ends_with("unix::") || is_in_std_group(code, at);
            let asks_a_path = ["exists", "try_exists", "canonicalize", "read_dir", "symlink_metadata", "read_link"];
            let asks_a_path = [&asks_a_path[..], &["is_dir", "is_file", "is_symlink"]].concat();
            let named = find_word(code, "fs").filter(of_std);
            named.chain(any_word(code, &asks_a_path).into_iter().filter(|&at| code[..at].ends_with('.'))).collect()
        },
        broken: "use std::{\n    fs,\n    io,\n};",
    }
    .hold(&shipped());
}

/// Whether this place is in the braces of `use std::{…}`.
fn is_in_std_group(code: &str, at: usize) -> bool {
    let statement = code[..at].rfind(';').map_or(0, |end| end + 1);
    let before = code[statement..at].trim_start();
    before.starts_with("use std::{") || before.starts_with("pub use std::{")
}

#[test]
fn only_the_clock_asks_what_time_it_is() {
    Rule {
        what: "the time is asked",
        allowed: &["crates/core/src/clock.rs"],
        find: |code| {
            let clocks = ["SystemTime::now", "Instant::now", "OffsetDateTime::now_utc", "OffsetDateTime::now_local"];
            let elapsed = find_word(code, "elapsed()").filter(|&at| code[..at].ends_with('.'));
            [any_word(code, &clocks), elapsed.collect()].concat()
        },
        broken: "fn f() -> Instant { std::time::Instant::now() }",
    }
    .hold(&shipped());
}

#[test]
fn only_the_failure_report_and_the_stream_handler_write_to_stderr() {
    Rule {
        what: "stderr is used",
        // A program says where it listens and what came.
        allowed: &["crates/core/src/failure.rs", "crates/log-receiver/src/", "crates/stream/src/"],
        find: |code| any_word(code, &["stderr", "Stderr"]),
        broken: "fn f() { std::io::stderr().write_all(b\"x\").ok(); }",
    }
    .hold(&shipped());
}

#[test]
fn only_the_stream_handler_writes_to_stdout() {
    Rule {
        what: "stdout is used",
        // A program asks whether that is a terminal, and shows its help.
        allowed: &["crates/log-receiver/src/", "crates/stream/src/"],
        find: |code| any_word(code, &["stdout", "Stdout"]),
        broken: "fn f() { std::io::stdout().write_all(b\"x\").ok(); }",
    }
    .hold(&shipped());
}

#[test]
fn nothing_is_printed_by_a_macro_that_can_panic() {
    Rule {
        what: "a line is printed",
        allowed: &[],
        find: |code| any_word(code, &["print!", "println!", "eprint!", "eprintln!", "dbg!"]),
        broken: "fn f() { eprintln!(\"lost\") }",
    }
    .hold(&shipped());
}

#[test]
fn unsafe_code_stays_in_the_exit_hook_and_in_the_calls_of_windows() {
    Rule {
        what: "`unsafe` is used",
        // C's `atexit`; the event log and the registry, which windows-sys only declares.
        allowed: &["crates/core/src/exit_hook.rs", "crates/event-log/src/windows.rs"],
        find: |code| any_word(code, &["unsafe", "unsafe_code"]),
        broken: "#![allow(unsafe_code)]",
    }
    .hold(&not_tests());
}

#[test]
fn only_delivery_and_the_receiver_have_sockets() {
    Rule {
        what: "a socket is opened",
        // The first step of SMTP is taken before TLS begins.
        allowed: &["crates/delivery/src/", "crates/receiver/src/", "crates/smtp/src/connect.rs"],
        find: |code| {
            let streams = ["TcpListener", "TcpSocket", "TcpStream", "UnixListener", "UnixStream"];
            [any_word(code, &streams), any_word(code, &["UdpSocket", "UnixDatagram"])].concat()
        },
        broken: "fn f() { std::net::TcpStream::connect(PEER).ok(); }",
    }
    .hold(&shipped());
}

#[test]
fn only_the_files_that_the_map_names_know_lettre_hyper_and_windows() {
    let rule = |what, allowed, find, broken| Rule { what, allowed, find, broken };
    let of_http: &'static [&'static str] = &[
        "crates/http/src/connection.rs",
        "crates/http/src/proxy.rs",
        "crates/http/src/target.rs",
        "crates/http/src/tunnel.rs",
    ];
    for rule in [
        rule(
            "`lettre` is used",
            &["crates/smtp/src/parties.rs", "crates/smtp/src/transport.rs"],
            |code| any_word(code, &["lettre"]),
            "use lettre::Message;",
        ),
        rule(
            "`windows_sys` is used",
            &["crates/event-log/src/windows.rs"],
            |code| any_word(code, &["windows_sys"]),
            "use windows_sys::core;",
        ),
        rule("`hyper` is used", of_http, |code| any_word(code, &["hyper", "hyper_util", "http_body_util"]), "use hyper::Uri;"),
    ] {
        rule.hold(&shipped());
    }
}

#[test]
fn nothing_sleeps_but_the_lock_with_a_deadline() {
    Rule {
        what: "a thread sleeps",
        // A task that waits for its next attempt holds up no thread; on a paused clock nobody waits at all.
        allowed: &[
            "crates/core/src/sync.rs",
            "crates/delivery/src/task.rs",
            "crates/delivery/tests/it/paused.rs",
            "crates/delivery/tests/it/scripted.rs",
        ],
        find: |code| find_word(code, "sleep").collect(),
        broken: "fn f() { thread::sleep(A_MOMENT) }",
    }
    .hold(&all_but_benchmarks());
}

#[test]
fn no_test_is_ignored() {
    Rule {
        what: "a test is ignored",
        allowed: &[],
        find: |code| find_word(code, "ignore").collect(),
        broken: "#[test]\n#[ignore = \"slow\"]\nfn f() {}",
    }
    .hold(&sources("."));
}

#[test]
fn no_example_in_the_documentation_is_ignored() {
    assert_eq!(ignored_examples("a", "/// ```rust,ignore\n```text\n//! ``` ignore\n/// [ignored]\n"), ["a:1", "a:3"]);
    let documents = [files("crates", ".rs"), files(".", ".md")].concat();
    let ignored: Vec<_> = documents.iter().flat_map(|path| ignored_examples(path, &read(path))).collect();
    assert!(ignored.is_empty(), "ignored examples:\n{ignored:#?}");
}

fn ignored_examples(path: &str, text: &str) -> Vec<String> {
    let is_ignored = |line: &str| {
        let line = line.trim_start_matches([' ', '/', '!']);
        line.strip_prefix("```").is_some_and(|kind| find_word(kind, "ignore").next().is_some())
    };
    let lines = (1..).zip(text.lines()).filter(|(_, line)| is_ignored(line));
    lines.map(|(number, _)| format!("{path}:{number}")).collect()
}

#[test]
fn no_name_says_less_than_it_should() {
    Rule {
        what: "a name that says nothing",
        allowed: &[],
        find: |code| {
            let says_nothing = |name: &str| {
                let end = ["Helper", "Helpers", "Manager", "Util", "Utils"].iter().any(|end| name.ends_with(end));
                end || ["helper", "helpers", "manager", "misc", "util", "utils"].contains(&name)
            };
            let names = code.split(|char| !is_name(char)).filter(|name| says_nothing(name));
            names.map(|name| name.as_ptr() as usize - code.as_ptr() as usize).collect()
        },
        broken: "struct QueueManager;",
    }
    .hold(&shipped());
}

#[test]
fn a_file_marked_as_pure_does_no_work_outside() {
    let pure: Vec<_> = shipped().into_iter().filter(is_marked_pure).collect();
    assert!(pure.len() >= 3, "the marks were not found");
    Rule {
        what: "a pure file asks the world",
        allowed: &[],
        find: |code| {
            // `std::io` itself is no offence: `io::Write` also writes into memory.
            let modules = any_word(code, &["fs", "net", "process", "thread"]).into_iter();
            let streams = any_word(code, &["stdin", "stdout", "stderr"]);
            modules.filter(|&at| code[..at].ends_with("std::")).chain(streams).collect()
        },
        broken: "use std::thread;",
    }
    .hold(&pure);
}

fn is_marked_pure(source: &Source) -> bool {
    source.text.lines().take_while(|line| line.starts_with("//!")).any(|line| line.contains("(pure)"))
}

#[test]
fn every_package_obeys_the_lints_of_the_workspace() {
    let lax: Vec<_> =
        packages().into_iter().filter(|package| !has_workspace_lints(package)).map(|package| package.folder).collect();
    assert!(lax.is_empty(), "`[lints] workspace = true` is missing in {lax:?}");
}

fn has_workspace_lints(package: &Package) -> bool {
    let lints = package.manifest.get("lints").and_then(|lints| lints.get("workspace"));
    lints.and_then(toml::Value::as_bool) == Some(true)
}
