//! Answers of every class, slow and missing ones, connections that end.

use std::time::Duration;

use tracing_handlers_core::{Deadline, DropReason, Handler, Record};
use tracing_handlers_http::{Body, ConnectionState, HttpHandler, HttpHandlerBuilder, Retry};
use tracing_handlers_testing::{FailureLog, Gate, MessageOnly, comes_true, record};

use crate::server::{Act, Server, answer};

pub(crate) const LONG: Duration = Duration::from_secs(30);

/// A handler of plain lines that tries again at once.
fn lines(server: &Server, failures: &FailureLog) -> HttpHandlerBuilder {
    lines_to(server.url("/logs"), failures)
}

/// The same, to any URL.
pub(crate) fn lines_to(url: String, failures: &FailureLog) -> HttpHandlerBuilder {
    let retry = Retry::new(Duration::from_millis(1)).max(Duration::from_millis(20));
    let builder = HttpHandler::builder(url).body(Body::JsonLines).format(MessageOnly);
    builder.retry(retry).linger(Duration::from_millis(1)).on_failure(failures.clone())
}

pub(crate) fn flush(handler: &HttpHandler) {
    handler.flush(Deadline::after(LONG)).unwrap();
    let stats = handler.stats();
    assert!(stats.is_balanced() && stats.pending == 0, "{stats}");
}

/// Waits for something that no call waits for, as long as a test may.
pub(crate) fn wait_until(handler: &HttpHandler, is_so: impl Fn() -> bool) {
    assert!(comes_true(is_so), "{} {:?}", handler.stats(), handler.status());
}

fn offer(handler: &HttpHandler, message: &str) {
    handler.handle(&record(message).as_record()).unwrap();
}

/// One record, after this act of the server.
fn after(act: Act) -> (Server, HttpHandler, FailureLog) {
    let (server, failures) = (Server::start(), FailureLog::new());
    server.will([act]);
    let handler = lines(&server, &failures).build().unwrap();
    offer(&handler, "one");
    flush(&handler);
    (server, handler, failures)
}

#[test]
fn every_success_is_one() {
    for status in [200, 201, 202, 204, 260] {
        let body = if status == 204 { "" } else { "fine" };
        let (server, handler, failures) = after(answer(status, "", body));
        assert_eq!((server.requests().len(), handler.stats().delivered), (1, 1), "{status}");
        assert!(failures.is_empty(), "{failures:?}");
    }
}

#[test]
fn a_peer_that_is_busy_or_ill_is_asked_again() {
    for status in [408, 425, 429, 500, 502, 503, 504, 599] {
        let (server, handler, failures) = after(answer(status, "", "later"));
        assert_eq!((server.requests().len(), handler.stats().delivered), (2, 1), "{status}");
        assert_eq!(server.requests()[0].body, server.requests()[1].body);
        assert!(failures.texts()[0].contains(&format!("the peer answered {status}: later")), "{failures:?}");
        assert_eq!(failures.lost(), 0);
    }
}

#[test]
fn a_refusal_is_final_and_reported_with_its_reason() {
    for status in [400, 404, 405, 410, 414, 422, 451, 501, 505] {
        let (server, handler, failures) = after(answer(status, "", "no\r\nway"));
        assert_eq!(server.requests().len(), 1, "{status}");
        assert_eq!(handler.stats().dropped_for(DropReason::Failed), 1);
        assert_eq!(failures.lost(), 1);
        assert!(failures.texts()[0].contains(&format!("the peer answered {status}: no\\r\\nway")), "{failures:?}");
    }
}

#[test]
fn a_redirect_is_an_error_and_not_a_lost_body() {
    for status in [301, 302, 303, 307, 308] {
        let (server, handler, failures) = after(answer(status, "Location: /elsewhere\r\n", ""));
        assert_eq!((server.requests().len(), handler.stats().delivered, failures.lost()), (1, 0, 1), "{status}");
        let told = format!("the peer answered {status}, and redirects are not followed, to /elsewhere");
        assert!(failures.texts()[0].contains(&told), "{failures:?}");
    }
}

#[test]
fn who_is_refused_waits_with_one_report_and_a_flush_tries_again() {
    for status in [401, 403] {
        let (server, failures) = (Server::start(), FailureLog::new());
        server.otherwise(Some(answer(status, "", "the token hunter2 is wrong")));
        let handler = lines(&server, &failures).bearer_token("hunter2").build().unwrap();
        offer(&handler, "one");
        server.wait_for(1);
        for round in 2..5 {
            // A flush does not wait for the next minute.
            let late = handler.flush(Deadline::after(Duration::from_millis(200))).unwrap_err();
            assert!(late.is_timed_out() && late.one_line().contains(&status.to_string()), "{}", late.one_line());
            assert!(server.wait_for(round).len() == round, "nothing but the flushes makes it try");
        }
        assert_eq!((failures.len(), handler.stats().pending), (1, 1), "{failures:?}");
        assert!(!format!("{failures:?}").contains("hunter2"), "{failures:?}");
        server.otherwise(None);
        flush(&handler);
        assert_eq!((handler.stats().delivered, failures.lost()), (1, 0));
    }
}

#[test]
fn what_is_too_large_is_halved_down_to_the_record_that_is() {
    let (server, failures) = (Server::start(), FailureLog::new());
    let handler = lines(&server, &failures).linger(LONG).build().unwrap();
    server.will([413, 413, 413].map(|status| answer(status, "", "")));
    server.send_together(&handler, &["0", "1", "2", "3"].map(record));
    let bodies: Vec<_> = server.requests().into_iter().map(|request| request.body).collect();
    assert_eq!(bodies, ["0\n1\n2\n3\n", "0\n1\n", "0\n", "1\n", "2\n3\n"]);
    assert_eq!((handler.stats().delivered, failures.lost()), (4, 1));
}

#[test]
fn the_peer_says_when_to_come_again() {
    ["3600", "Fri, 31 Dec 2100 23:59:59 GMT", "Fri Dec 31 23:59:59 2100"].into_iter().for_each(comes_again_after);
}

fn comes_again_after(when: &str) {
    let (server, failures) = (Server::start(), FailureLog::new());
    server.will([answer(503, &format!("Retry-After: {when}\r\n"), "")]);
    let handler = lines(&server, &failures).build().unwrap();
    offer(&handler, "one");
    server.wait_for(1);
    // One that is not told is back twenty times meanwhile.
    let other = Server::start();
    other.will((0..20).map(|_| answer(503, "", "")));
    let impatient = lines(&other, &FailureLog::new()).build().unwrap();
    offer(&impatient, "one");
    other.wait_for(20);
    assert_eq!(server.requests().len(), 1);
    // A flush does not wait.
    flush(&handler);
    assert_eq!((server.requests().len(), handler.status().retries), (2, 1));
}

#[test]
fn one_connection_serves_many_requests() {
    let (server, failures) = (Server::start(), FailureLog::new());
    let handler = lines(&server, &failures).batch_records(1).build().unwrap();
    (0..50).for_each(|n| offer(&handler, &n.to_string()));
    flush(&handler);
    let requests = server.requests();
    assert!(requests.len() == 50 && requests.iter().all(|request| request.connection == 0), "{requests:?}");
}

#[test]
fn a_connection_that_was_closed_under_us_costs_nothing_and_is_no_failure() {
    let (server, failures) = (Server::start(), FailureLog::new());
    let handler = lines(&server, &failures).build().unwrap();
    for round in 0..20 {
        // Answers, and closes without having said so.
        server.will([Act::RawAndClose(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK".to_vec())]);
        offer(&handler, &round.to_string());
        flush(&handler);
    }
    let taken: Vec<_> = server.taken().into_iter().map(|request| request.body).collect();
    assert_eq!(taken, (0..20).map(|round| format!("{round}\n")).collect::<Vec<_>>());
    assert!(failures.is_empty() && handler.status().attempts == 20, "{failures:?}");
}

#[test]
fn a_request_that_a_kept_connection_swallowed_goes_once_more_over_a_fresh_one() {
    let (server, failures) = (Server::start(), FailureLog::new());
    let handler = lines(&server, &failures).build().unwrap();
    server.will([answer(200, "", "")]);
    offer(&handler, "one");
    flush(&handler);
    server.will([Act::Close]);
    offer(&handler, "two");
    flush(&handler);
    let requests = server.requests();
    let seen: Vec<_> = requests.iter().map(|request| (request.body.as_str(), request.connection)).collect();
    assert_eq!(seen, [("one\n", 0), ("two\n", 0), ("two\n", 1)]);
    assert!(failures.is_empty() && handler.status().attempts == 2, "{failures:?}");
}

#[test]
fn a_fresh_connection_that_is_lost_before_or_after_the_request_was_read_is_a_failure_that_is_tried_again() {
    for act in [Act::Reset, Act::Close] {
        let (server, handler, failures) = after(act);
        assert_eq!((server.taken().len(), handler.stats().delivered), (1, 1));
        assert_eq!((failures.len(), failures.lost()), (1, 0), "{failures:?}");
        assert!(failures.texts()[0].contains("send to http://127.0.0.1:"), "{failures:?}");
    }
}

#[test]
fn a_peer_that_says_that_it_closes_is_left() {
    let (server, failures) = (Server::start(), FailureLog::new());
    server.will([answer(200, "Connection: close\r\n", "x")]);
    let handler = lines(&server, &failures).build().unwrap();
    for message in ["one", "two"] {
        offer(&handler, message);
        flush(&handler);
    }
    assert_eq!(server.requests().iter().map(|request| request.connection).collect::<Vec<_>>(), [0, 1]);
    assert!(failures.is_empty(), "{failures:?}");
}

#[test]
fn answers_that_come_slowly_in_pieces_or_cut_short_count_by_their_status() {
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfine\r\n0\r\n\r\n".to_vec();
    let cut = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nfine".to_vec();
    let endless = b"HTTP/1.1 200 OK\r\n\r\nfine".to_vec();
    let interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n".to_vec();
    for act in
        [Act::Slowly(chunked.clone()), Act::Raw(chunked), Act::RawAndClose(cut), Act::RawAndClose(endless), Act::Raw(interim)]
    {
        let (server, handler, failures) = after(act);
        assert_eq!((server.requests().len(), handler.stats().delivered), (1, 1));
        assert!(failures.is_empty(), "{failures:?}");
    }
}

#[test]
fn what_is_no_answer_at_all_is_tried_again() {
    for nonsense in
        ["220 smtp.example ESMTP\r\n", "\u{0}\u{1}\u{2}\r\n\r\n", "HTTP/1.1 \r\n\r\n", "HTTP/1.1 200 OK\r\nno header\r\n\r\n"]
    {
        let (server, handler, failures) = after(Act::Raw(nonsense.as_bytes().to_vec()));
        assert_eq!(
            (server.requests().len(), handler.stats().delivered, failures.len()),
            (2, 1, 1),
            "{nonsense:?} {failures:?}"
        );
    }
}

#[test]
fn a_peer_that_never_answers_is_given_up_in_its_time() {
    let (server, failures) = (Server::start(), FailureLog::new());
    server.will([Act::Hang]);
    let handler = lines(&server, &failures).timeout(Duration::from_millis(500)).build().unwrap();
    offer(&handler, "one");
    flush(&handler);
    let connections: Vec<_> = server.requests().iter().map(|request| request.connection).collect();
    assert_eq!((connections, handler.stats().delivered), (vec![0, 1], 1));
    assert!(failures.texts()[0].contains("no answer in 500ms"), "{failures:?}");
}

#[test]
fn an_answer_without_end_is_not_read_to_it() {
    let mut flood = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
    flood.resize(16 << 20, b'x');
    let (server, handler, _) = after(Act::Raw(flood));
    offer(&handler, "two");
    flush(&handler);
    assert_eq!(server.requests().iter().map(|request| request.connection).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(handler.stats().delivered, 2);
}

#[test]
fn nobody_there_is_told_and_what_waits_at_the_close_is_counted() {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let failures = FailureLog::new();
    let builder = HttpHandler::builder(format!("http://{unused}/x?token=hunter2")).body(Body::Json);
    let handler = builder.on_failure(failures.clone()).build().unwrap();
    handler.handle(&Record::builder().message("one").build().as_record()).unwrap();
    handler.close(Deadline::after(Duration::from_millis(50))).unwrap_err();
    wait_until(&handler, || handler.stats().pending == 0);
    assert_eq!(handler.stats().dropped_for(DropReason::Closed), 1);
    assert!(failures.texts()[0].contains(&format!("connect to http://{unused}/x")), "{failures:?}");
    assert!(!format!("{failures:?}").contains("hunter2"));
}

#[cfg(feature = "gzip")]
#[test]
fn large_bodies_are_compressed_until_the_peer_refuses_one() {
    let (server, failures) = (Server::start(), FailureLog::new());
    let handler = lines(&server, &failures).gzip(true).build().unwrap();
    let large = "x".repeat(10_000);
    server.will([answer(204, "", ""), answer(204, "", ""), answer(415, "", "plain, please")]);
    for message in ["small", &large, &large, &large] {
        offer(&handler, message);
        flush(&handler);
    }
    let seen: Vec<_> =
        server.requests().iter().map(|request| (request.body.len(), request.header("content-encoding").is_some())).collect();
    assert_eq!(seen, [(6, false), (10_001, true), (10_001, true), (10_001, false), (10_001, false)]);
    let length = |index: usize| server.requests()[index].header("content-length").unwrap().parse::<usize>().unwrap();
    assert!(length(1) < 200 && length(4) == 10_001);
    assert_eq!((handler.stats().delivered, failures.len(), failures.lost()), (4, 1, 0), "{failures:?}");
    assert!(failures.texts()[0].contains("the peer answered 415: plain, please; from now on"), "{failures:?}");
}

#[test]
fn the_state_of_the_connections_is_shown() {
    let (server, failures, gate) = (Server::start(), FailureLog::new(), Gate::new());
    let handler = lines(&server, &failures).retry(Retry::new(LONG).jitter(false)).build().unwrap();
    let is = |state| handler.status().connection == state;
    assert!(is(ConnectionState::Disconnected));
    gate.close();
    server.will([Act::Held(gate.clone())]);
    offer(&handler, "one");
    server.wait_for(1);
    assert!(is(ConnectionState::Connected), "{:?}", handler.status());
    gate.open();
    flush(&handler);
    assert!(is(ConnectionState::Connected), "it is kept: {:?}", handler.status());
    // The peer ends it without a word, and nobody logs.
    server.will([Act::RawAndClose(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK".to_vec())]);
    offer(&handler, "two");
    flush(&handler);
    wait_until(&handler, || is(ConnectionState::Disconnected));
    // There is a connection, and the peer wants to be left alone.
    server.will([answer(503, "", "")]);
    offer(&handler, "three");
    wait_until(&handler, || is(ConnectionState::Waiting));
    handler.close(Deadline::after(LONG)).unwrap();
    assert!(is(ConnectionState::Closed) && handler.stats().delivered == 3, "{:?}", handler.status());
}

/// A proxy that takes the connection and says nothing has not made one.
#[cfg(feature = "tls")]
#[test]
fn what_is_between_a_tunnel_and_its_end_is_no_connection_yet() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let builder = lines_to("https://localhost:1/logs".to_owned(), &FailureLog::new());
    let handler = builder.proxy(format!("http://{}", silent.local_addr().unwrap())).build().unwrap();
    offer(&handler, "one");
    let proxy = silent.accept().unwrap();
    wait_until(&handler, || handler.status().connection == ConnectionState::Connecting);
    drop((proxy, silent));
    wait_until(&handler, || handler.status().connection == ConnectionState::Waiting);
}
