//! CPython receives what we send, over each kind of socket.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use tracing::{debug, error, info, trace, warn};
use tracing_handlers_core::{Deadline, Handler, HandlerLayer};
use tracing_handlers_socket::{DatagramHandler, Encoding, Retry, SocketHandler};
use tracing_handlers_testing::gate::PATIENCE;
use tracing_handlers_testing::peers::Port;
use tracing_handlers_testing::{FailureLog, record};
use tracing_subscriber::prelude::*;

use crate::python::{Python, Seen};

/// One event of each level, in a span, and 500 more; all of them, as Python sees them.
fn all_of_it(handler: impl Handler, mut python: Python) -> Vec<Seen> {
    let layer = HandlerLayer::new(handler);
    let handle = layer.handle();
    let mut seen = tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        let _span = tracing::error_span!("request", id = 7).entered();
        trace!("five");
        debug!(on = true, "ten");
        info!(target: "app.db", rows = -3, ratio = 0.5, user = "ann", "twenty");
        warn!("thirty");
        error!(cause = &std::io::Error::other("disk gone") as &dyn std::error::Error, "forty");
        let seen = python.take(5);
        // In turns, since a datagram that finds no room is gone.
        let more = (0..10).flat_map(|turn| {
            (0..50).for_each(|n| info!(n, "{turn} {n}"));
            python.take(50)
        });
        [seen, more.collect()].concat()
    });
    handle.close(PATIENCE).unwrap();
    assert_eq!((handle.stats().delivered, handle.stats().dropped()), (505, 0));
    seen.extend(python.rest());
    seen
}

fn check(seen: &[Seen]) {
    assert_eq!(seen.len(), 505);
    let [trace, debug, info, warn, error, more @ ..] = seen else { panic!("five and more") };
    let levels = [trace, debug, info, warn, error].map(|seen| (seen.level(), seen.message()));
    assert_eq!(levels, [(5, "five"), (10, "ten"), (20, "twenty"), (30, "thirty"), (40, "forty")]);
    assert_eq!(debug.attribute("on"), Some(&json!(true)));
    let expected = [
        ("name", json!("app.db")),
        ("levelname", json!("INFO")),
        ("rows", json!({"int": "-3"})),
        ("ratio", json!({"float": 0.5_f64.to_string().replace("0.5", "0x1.0000000000000p-1")})),
        ("user", json!("ann")),
        ("args", json!(null)),
        ("exc_info", json!(null)),
        ("filename", json!("interop.rs")),
        ("module", json!("interop")),
        ("funcName", json!("request")),
        ("process", json!({"int": std::process::id().to_string()})),
        ("threadName", json!(std::thread::current().name())),
    ];
    for (name, value) in expected {
        assert_eq!(info.attribute(name), Some(&value), "{name}");
    }
    let fields = json!({"dict": [["id", {"int": "7"}]]});
    let span = json!({"dict": [["name", "request"], ["target", module_path!()], ["fields", fields]]});
    assert_eq!(info.attribute("spans"), Some(&json!({"list": [span]})));
    assert_eq!(error.attribute("cause"), Some(&json!("disk gone")));
    assert!(warn.formatted().starts_with("WARNING it::interop "), "{}", warn.formatted());
    assert!(seen.iter().all(|seen| seen.protocol() == 1 && seen.calls() == 0));
    let messages: Vec<_> = more.iter().map(Seen::message).collect();
    let numbers = (0..10).flat_map(|turn| (0..50).map(move |n| format!("{turn} {n}")));
    assert_eq!(messages, numbers.collect::<Vec<_>>());
}

#[test]
fn python_gets_every_record_over_tcp() {
    let (python, port) = Python::receive("tcp", "0");
    let handler = SocketHandler::builder().tcp("127.0.0.1", port).encoding(Encoding::Pickle).build().unwrap();
    check(&all_of_it(handler, python));
}

#[test]
fn python_gets_every_record_over_udp() {
    let (python, port) = Python::receive("udp", "0");
    let handler = DatagramHandler::builder().udp("127.0.0.1", port).encoding(Encoding::Pickle).build().unwrap();
    check(&all_of_it(handler, python));
}

#[test]
fn python_gets_every_record_over_a_local_stream() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.sock");
    let (python, _) = Python::receive("unix", path.to_str().unwrap());
    let handler = SocketHandler::builder().unix(path).encoding(Encoding::Pickle).build().unwrap();
    check(&all_of_it(handler, python));
}

#[test]
fn python_gets_every_record_in_local_datagrams() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.sock");
    let (python, _) = Python::receive("unix-datagram", path.to_str().unwrap());
    let handler = DatagramHandler::builder().unix(path).encoding(Encoding::Pickle).build().unwrap();
    check(&all_of_it(handler, python));
}

/// Python's own handler loses two records each time.
#[test]
fn a_receiver_in_python_that_is_restarted_twenty_times_under_load_misses_nothing() {
    let port = Port::reserve();
    let place = port.number().to_string();
    let retry = Retry::new(Duration::from_millis(1)).max(Duration::from_millis(20));
    let builder = SocketHandler::builder().tcp("127.0.0.1", port.number()).encoding(Encoding::Pickle);
    let handler = builder.retry(retry).on_failure(FailureLog::new()).build().unwrap();
    let (received, is_enough) = (AtomicUsize::new(0), AtomicBool::new(false));
    let mut numbers = Vec::new();
    let mut note = |seen: Vec<Seen>| {
        received.fetch_add(seen.len(), Ordering::SeqCst);
        numbers.extend(seen.iter().map(|seen| seen.message().parse::<usize>().unwrap()));
    };
    let raised = std::thread::scope(|scope| {
        let load = scope.spawn(|| {
            for n in 0.. {
                handler.handle(&record(n.to_string()).as_record()).unwrap();
                // Always some under way, and not so many that one receiver would be busy for minutes.
                while n > received.load(Ordering::SeqCst) + 300 && !is_enough.load(Ordering::SeqCst) {
                    std::thread::yield_now();
                }
                if is_enough.load(Ordering::SeqCst) {
                    return n + 1;
                }
            }
            0
        });
        let enough = Enough(&is_enough);
        for _ in 0..20 {
            let (mut python, _) = Python::receive("tcp", &place);
            note(python.take(50));
            python.dismiss();
            while let Some(seen) = python.next() {
                note(vec![seen]);
            }
        }
        let (mut python, _) = Python::receive("tcp", &place);
        note(python.take(1));
        drop(enough);
        while let Some(seen) = (!load.is_finished()).then(|| python.next()).flatten() {
            note(vec![seen]);
        }
        handler.close(Deadline::after(PATIENCE)).unwrap();
        note(python.rest());
        load.join().unwrap()
    });
    assert!(raised > 1_000, "{raised} records are no load");
    assert_eq!(numbers, (0..raised).collect::<Vec<_>>());
    assert_eq!(handler.stats().delivered, raised as u64);
}

/// Ends the load, also where the test fails.
struct Enough<'t>(&'t AtomicBool);

impl Drop for Enough<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
