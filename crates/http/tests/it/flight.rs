//! Several requests in flight: what came of each counts for its own records, and nothing is lost or doubled over another's failure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use tracing_handlers_core::sync::lock;
use tracing_handlers_core::{Deadline, DropReason, Error, Handler, Level, Record};
use tracing_handlers_http::{Body, Encoding, Frames, HttpHandler, HttpHandlerBuilder, Outcome, Reply, Retry};
use tracing_handlers_testing::{FailureLog, Gate, record};

use crate::server::{Act, Server, answer};
use crate::statuses::{LONG, flush, lines_to, wait_until};

fn lines(server: &Server, failures: &FailureLog) -> HttpHandlerBuilder {
    lines_to(server.url("/logs"), failures).linger(LONG)
}

fn ok() -> Act {
    answer(200, "", "")
}

/// Who is held, and has to wait at this gate.
fn closed() -> Gate {
    let gate = Gate::new();
    gate.close();
    gate
}

fn bodies(server: &Server) -> Vec<String> {
    server.requests().into_iter().map(|request| request.body).collect()
}

#[test]
fn so_many_requests_are_in_flight_and_a_flush_waits_for_all() {
    let (server, failures) = (Server::start(), FailureLog::new());
    let gates = [closed(), closed(), closed(), closed()];
    server.will([Act::Held(gates[0].clone())]);
    let handler = lines(&server, &failures).batch_records(2).in_flight(3).build().unwrap();
    handler.handle(&Record::builder().level(Level::ERROR).message("first").build().as_record()).unwrap();
    gates[0].wait_until_held();
    // In each request stands what it has to wait at.
    let (held, next) = (gates.clone(), AtomicUsize::new(1));
    server.decides(move |_| held.get(next.fetch_add(1, Ordering::SeqCst)).cloned().map(Act::Held));
    (0..8).for_each(|n| handler.handle(&record(n.to_string()).as_record()).unwrap());
    gates[0].open();
    gates[1..].iter().for_each(Gate::wait_until_held);
    let requests = server.requests();
    assert_eq!(requests[1..].iter().map(|request| request.connection).collect::<BTreeSet<_>>().len(), 3);
    let sent: BTreeSet<_> = requests[1..].iter().map(|request| request.body.as_str()).collect();
    assert_eq!(sent, ["0\n1\n", "2\n3\n", "4\n5\n"].into());

    for gate in gates[1..].iter().rev() {
        let late = handler.flush(Deadline::after(Duration::from_millis(50))).unwrap_err();
        assert!(late.is_timed_out() && handler.stats().pending == 8, "{}", handler.stats());
        gate.open();
    }
    flush(&handler);
    assert_eq!(bodies(&server)[4..], ["6\n7\n"], "what came later was sent later");
    assert_eq!((handler.stats().delivered, failures.len(), handler.status().attempts), (9, 0, 3), "{failures:?}");
}

#[test]
fn a_close_waits_for_all_that_are_in_flight() {
    let (server, failures) = (Server::start(), FailureLog::new());
    let handler = lines(&server, &failures).batch_records(1).in_flight(4).build().unwrap();
    server.send_together(&handler, &["0", "1", "2"].map(record));
    (3..7).for_each(|n| handler.handle(&record(n.to_string()).as_record()).unwrap());
    handler.close(Deadline::after(LONG)).unwrap();
    let mut sent = bodies(&server);
    sent.sort();
    assert_eq!(sent, (0..7).map(|n| format!("{n}\n")).collect::<Vec<_>>());
    assert_eq!((handler.stats().delivered, handler.stats().pending), (8, 0));
}

#[test]
fn one_request_is_all_that_a_few_records_need() {
    let (server, failures) = (Server::start(), FailureLog::new());
    let handler = lines(&server, &failures).in_flight(8).build().unwrap();
    server.send_together(&handler, &["0", "1", "2"].map(record));
    assert_eq!(bodies(&server), ["0\n1\n2\n"]);
}

#[test]
fn the_request_that_ran_out_of_time_is_sent_again_and_no_other() {
    let (server, failures) = (Server::start(), FailureLog::new());
    let is_first = Arc::new(AtomicUsize::new(0));
    server.decides(move |request| (request.body == "1\n" && is_first.fetch_add(1, Ordering::SeqCst) == 0).then_some(Act::Hang));
    let timeout = Duration::from_millis(1_500);
    let handler = lines(&server, &failures).batch_records(1).in_flight(3).timeout(timeout).build().unwrap();
    server.send_together(&handler, &["0", "1", "2"].map(record));
    let mut sent = bodies(&server);
    sent.sort();
    assert_eq!((sent.as_slice(), handler.stats().delivered), (&["0\n", "1\n", "1\n", "2\n"].map(str::to_owned)[..], 4));
    assert!(failures.len() == 1 && failures.texts()[0].contains("no answer in 1.5s"), "{failures:?}");
}

#[test]
fn whom_all_requests_refuse_is_told_once() {
    let (server, failures) = (Server::start(), FailureLog::new());
    let handler = lines(&server, &failures).batch_records(1).in_flight(4).build().unwrap();
    server.decides(|request| (!request.body.is_empty() && request.body != "\n").then(|| answer(401, "", "")));
    handler.handle(&Record::builder().level(Level::ERROR).build().as_record()).unwrap();
    flush(&handler);
    (0..8).for_each(|n| handler.handle(&record(n.to_string()).as_record()).unwrap());
    // The first attempt was that of the record before.
    for attempts in [2, 3] {
        handler.flush(Deadline::after(Duration::from_millis(200))).unwrap_err();
        wait_until(&handler, || handler.status().attempts >= attempts);
    }
    assert_eq!((handler.stats().pending, failures.len()), (8, 1), "{failures:?}");
}

#[test]
fn a_body_that_is_too_large_is_halved_beside_those_that_are_not() {
    let (server, failures) = (Server::start(), FailureLog::new());
    server.decides(|request| (request.body.contains('x') && request.body.len() > 3).then(|| answer(413, "", "")));
    let handler = lines(&server, &failures).batch_records(4).in_flight(3).build().unwrap();
    let messages = ["0", "1", "2", "3", "4x", "5x", "6x", "7", "8", "9x", "long x", "a"];
    server.send_together(&handler, &messages.map(record));
    let mut taken: Vec<_> = server.taken().iter().flat_map(|request| request.lines()).collect();
    taken.sort();
    assert_eq!(taken, ["0", "1", "2", "3", "4x", "5x", "6x", "7", "8", "9x", "a"]);
    assert_eq!((handler.stats().dropped_for(DropReason::Failed), failures.lost()), (1, 1), "{failures:?}");
}

/// Lines whose answers cannot be judged where they hold a word.
struct Fragile;

impl Encoding for Fragile {
    fn record(&self, record: &Record<'_>, out: &mut Vec<u8>) -> Result<(), Error> {
        out.extend_from_slice(record.message().as_bytes());
        out.push(b'\n');
        Ok(())
    }

    fn outcome(&self, reply: &Reply, records: &Frames) -> Outcome {
        assert!(!records.bytes().starts_with(b"bad"), "deliberate mistake of an encoding");
        reply.outcome()
    }
}

#[test]
fn an_encoding_that_panics_over_one_answer_costs_the_records_of_that_one() {
    let (server, failures) = (Server::start(), FailureLog::new());
    let retry = Retry::new(Duration::from_millis(1)).max(Duration::from_millis(2));
    let builder = HttpHandler::builder(server.url("/")).body(Body::own(Fragile)).retry(retry).linger(LONG);
    let handler = builder.batch_records(1).in_flight(3).on_failure(failures.clone()).build().unwrap();
    server.send_together(&handler, &["0", "bad", "2"].map(record));
    let count = |body: &str| bodies(&server).iter().filter(|sent| *sent == body).count();
    assert_eq!(["0\n", "bad\n", "2\n"].map(count), [1, 3, 1]);
    assert_eq!((handler.stats().delivered, handler.stats().dropped_for(DropReason::Panicked)), (3, 1));
    assert_eq!(failures.lost(), 1);
}

/// What a server does with the records of a request, the first times that it sees them.
#[derive(Clone, Copy, Debug)]
enum Mood {
    Busy,
    TooLarge,
    Never,
    Closes,
    Fine,
}

fn mood() -> impl Strategy<Value = Mood> {
    prop_oneof![
        Just(Mood::Busy),
        Just(Mood::TooLarge),
        Just(Mood::Never),
        Just(Mood::Closes),
        Just(Mood::Fine),
        Just(Mood::Fine)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 40, ..ProptestConfig::default() })]
    #[test]
    fn whatever_becomes_of_each_request_no_record_is_lost_or_doubled(
        moods in prop::collection::vec(mood(), 0..20),
        in_flight in 1_usize..6,
        batch in 1_usize..5,
        records in 1_usize..40,
    ) {
        let (server, failures) = (Server::start(), FailureLog::new());
        let left = Mutex::new(moods);
        server.decides(move |request| {
            // The held one of before has no text.
            if request.body.trim().is_empty() { return None }
            Some(match lock(&left).pop().unwrap_or(Mood::Fine) {
                Mood::Busy => answer(503, "", ""),
                Mood::TooLarge => answer(413, "", ""),
                Mood::Never => answer(400, "", ""),
                Mood::Closes => Act::Close,
                Mood::Fine => ok(),
            })
        });
        let handler = lines(&server, &failures).batch_records(batch).in_flight(in_flight).build().unwrap();
        let all: Vec<_> = (0..records).map(|n| record(n.to_string())).collect();
        server.send_together(&handler, &all);
        let mut taken = BTreeMap::new();
        for line in server.taken().iter().flat_map(|request| request.lines()) {
            *taken.entry(line).or_insert(0) += 1;
        }
        prop_assert!(taken.values().all(|times| *times == 1), "{:?}", taken);
        let stats = handler.stats();
        prop_assert_eq!(stats.delivered, taken.len() as u64 + 1);
        prop_assert_eq!(stats.delivered + stats.dropped_for(DropReason::Failed), records as u64 + 1);
        prop_assert_eq!(failures.lost(), stats.dropped_for(DropReason::Failed));
    }
}

#[test]
fn a_record_that_tells_of_dropped_ones_has_a_form_of_its_own() {
    let (server, failures) = (Server::start(), FailureLog::new());
    let gate = closed();
    server.will([Act::Held(gate.clone())]);
    let handler = HttpHandler::builder(server.url("/log")).capacity(1).on_failure(failures.clone()).build().unwrap();
    let urgent = Record::builder().level(Level::ERROR).message("first").build();
    handler.handle(&urgent.as_record()).unwrap();
    gate.wait_until_held();
    handler.handle(&record("second").as_record()).unwrap();
    handler.handle(&record("third").as_record()).unwrap_err();
    gate.open();
    flush(&handler);
    let requests = server.requests();
    assert_eq!(requests.len(), 3, "{requests:?}");
    assert!(requests.iter().all(|request| request.path.matches("levelno=").count() == 1), "{requests:?}");
}
