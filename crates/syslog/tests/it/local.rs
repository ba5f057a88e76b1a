//! Local sockets: of either kind, made anew, of another kind than before, at another path.

use std::io::{BufRead as _, BufReader};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::Path;
use std::time::Duration;

use tracing_handlers_core::{Deadline, Handler, Record};
use tracing_handlers_syslog::{ConnectionState, Framing, Newlines, Protocol, Retry, SyslogHandler, SyslogHandlerBuilder};
use tracing_handlers_testing::gate::PATIENCE;
use tracing_handlers_testing::{FailureLog, record, wait_until};

fn raw(record: &Record<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(record.message().as_bytes());
}

fn builder(path: &Path) -> SyslogHandlerBuilder {
    let soon = Retry::new(Duration::from_millis(1)).max(Duration::from_millis(20));
    SyslogHandler::builder().unix(path).ident("app").format(raw).retry(soon).on_failure(FailureLog::new())
}

fn log(handler: &SyslogHandler, text: &str) {
    handler.handle(&record(text).as_record()).unwrap();
}

fn flush(handler: &SyslogHandler) {
    handler.flush(Deadline::after(PATIENCE)).unwrap();
}

/// Behind the tag.
fn text(message: &[u8]) -> String {
    let message = std::str::from_utf8(message).unwrap();
    message.split_once("app: ").unwrap_or_else(|| panic!("{message}")).1.to_owned()
}

fn receive(peer: &UnixDatagram) -> String {
    let mut buffer = [0; 10_000];
    peer.set_read_timeout(Some(PATIENCE)).unwrap();
    let count = peer.recv(&mut buffer).unwrap();
    text(&buffer[..count])
}

/// The messages of the next connection, up to its end.
fn messages_of(listener: &UnixListener, end: u8) -> Vec<String> {
    let (stream, _) = listener.accept().unwrap();
    BufReader::new(stream).split(end).map(|message| text(&message.unwrap())).collect()
}

#[test]
fn a_stream_is_found_where_there_are_no_datagrams_and_a_nul_ends_each_message() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let listener = UnixListener::bind(&path).unwrap();
    let handler = builder(&path).newlines(Newlines::Keep).build().unwrap();
    ["one", "two\n\0lines", "three"].iter().for_each(|message| log(&handler, message));
    // So little the system takes before anybody reads.
    handler.close(Deadline::after(PATIENCE)).unwrap();
    assert_eq!(messages_of(&listener, 0), ["one", "two\n\\0lines", "three"]);
    assert_eq!(handler.stats().delivered, 3);
}

#[test]
fn the_state_of_the_connection_is_that_of_the_kind_that_was_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let handler = builder(&path).build().unwrap();
    let is = |state| handler.status().connection == state;
    log(&handler, "one");
    wait_until("it waits", || is(ConnectionState::Waiting));
    let listener = UnixListener::bind(&path).unwrap();
    let (stream, _) = listener.accept().unwrap();
    wait_until("a stream is found", || is(ConnectionState::Connected));
    flush(&handler);
    // The daemon goes while nobody logs.
    drop((stream, listener));
    wait_until("its end is seen", || is(ConnectionState::Disconnected));
    std::fs::remove_file(&path).unwrap();
    let daemon = UnixDatagram::bind(&path).unwrap();
    log(&handler, "two");
    flush(&handler);
    assert!(is(ConnectionState::Connected), "{:?}", handler.status());
    assert_eq!(receive(&daemon), "two");
}

#[test]
fn a_local_stream_may_have_another_framing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let listener = UnixListener::bind(&path).unwrap();
    let handler = builder(&path).framing(Framing::Lf).newlines(Newlines::Split).build().unwrap();
    log(&handler, "one\ntwo");
    // So little the system takes before anybody reads.
    handler.close(Deadline::after(PATIENCE)).unwrap();
    assert_eq!(messages_of(&listener, b'\n'), ["one", "two"]);
    assert_eq!(handler.stats().delivered, 1);
}

#[test]
fn pythons_messages_are_the_same_on_a_local_stream() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let listener = UnixListener::bind(&path).unwrap();
    let handler = builder(&path).protocol(Protocol::Python).ident("app: ").build().unwrap();
    ["one", "two"].iter().for_each(|message| log(&handler, message));
    // So little the system takes before anybody reads.
    handler.close(Deadline::after(PATIENCE)).unwrap();
    assert_eq!(messages_of(&listener, 0), ["one", "two"]);
}

#[test]
fn a_daemon_that_starts_again_as_another_kind_gets_everything() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let handler = builder(&path).build().unwrap();
    log(&handler, "before there is anybody");
    for round in 0..3 {
        let peer = UnixDatagram::bind(&path).unwrap();
        log(&handler, "datagram");
        flush(&handler);
        if round == 0 {
            assert_eq!(receive(&peer), "before there is anybody");
        }
        assert_eq!(receive(&peer), "datagram");
        drop(peer);
        std::fs::remove_file(&path).unwrap();

        let listener = UnixListener::bind(&path).unwrap();
        log(&handler, "stream");
        flush(&handler);
        let (stream, _) = listener.accept().unwrap();
        let mut message = Vec::new();
        BufReader::new(stream).read_until(0, &mut message).unwrap();
        assert_eq!(text(&message), "stream\0");
        drop(listener);
        std::fs::remove_file(&path).unwrap();
    }
    assert_eq!(handler.stats().dropped(), 0);
}

#[test]
fn the_lines_of_a_text_are_datagrams_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let peer = UnixDatagram::bind(&path).unwrap();
    let handler = builder(&path).newlines(Newlines::Split).build().unwrap();
    log(&handler, "one\ntwo\r\n\nthree");
    log(&handler, "four");
    flush(&handler);
    let received: Vec<_> = (0..4).map(|_| receive(&peer)).collect();
    assert_eq!(received, ["one", "two", "three", "four"]);
    assert_eq!(handler.stats().delivered, 2);
}

#[test]
fn a_message_that_is_too_large_for_a_datagram_costs_itself_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let peer = UnixDatagram::bind(&path).unwrap();
    let handler = builder(&path).max_message_bytes(1 << 20).build().unwrap();
    log(&handler, "before");
    log(&handler, &"x".repeat(500_000));
    log(&handler, "behind");
    flush(&handler);
    assert_eq!((receive(&peer), receive(&peer)), ("before".to_owned(), "behind".to_owned()));
    assert_eq!((handler.stats().delivered, handler.stats().dropped()), (2, 1));
}

#[test]
fn a_daemon_that_hangs_gets_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    for newlines in [Newlines::Escape, Newlines::Split] {
        let path = folder.path().join(format!("{newlines:?}"));
        let peer = UnixDatagram::bind(&path).unwrap();
        let handler = builder(&path).newlines(newlines).timeout(Duration::from_millis(20)).build().unwrap();
        // The system keeps some hundreds for a reader.
        (0..2_000).for_each(|number| log(&handler, &number.to_string()));
        wait_until("attempts end", || handler.status().failures > 1);
        (0..2_000).for_each(|number| assert_eq!(receive(&peer), number.to_string()));
        flush(&handler);
        assert_eq!((handler.stats().delivered, handler.stats().dropped()), (2_000, 0));
        peer.set_nonblocking(true).unwrap();
        peer.recv(&mut [0; 100]).unwrap_err();
    }
}

#[test]
fn a_daemon_that_reads_slowly_gets_everything() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let peer = UnixDatagram::bind(&path).unwrap();
    let handler = builder(&path).build().unwrap();
    // The system keeps a dozen for a reader.
    (0..500).for_each(|number| log(&handler, &number.to_string()));
    (0..500).for_each(|number| assert_eq!(receive(&peer), number.to_string()));
    flush(&handler);
    assert_eq!(handler.stats().delivered, 500);
}
