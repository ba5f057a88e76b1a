//! RELP against a peer that follows a script, and a real rsyslog that is killed.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use tracing_handlers_core::{Deadline, Handler, Record};
use tracing_handlers_syslog::{ConnectionState, Framing, Newlines, Retry, SyslogHandler, SyslogHandlerBuilder};
use tracing_handlers_testing::gate::PATIENCE;
use tracing_handlers_testing::peers::Port;
use tracing_handlers_testing::{FailureLog, record, wait_until};

use crate::rsyslog::{HOSTILE, assert_rfc3164, assert_rfc5424, event, network, of_3164, send};
use crate::rsyslogd::Rsyslog;

fn raw(record: &Record<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(record.message().as_bytes());
}

fn builder(port: u16) -> SyslogHandlerBuilder {
    let soon = Retry::new(Duration::from_millis(1)).max(Duration::from_millis(20));
    SyslogHandler::builder()
        .relp(format!("127.0.0.1:{port}"))
        .ident("app")
        .format(raw)
        .retry(soon)
        .on_failure(FailureLog::new())
}

fn log(handler: &SyslogHandler, text: &str) {
    handler.handle(&record(text).as_record()).unwrap();
}

/// One session, from the daemon's side.
struct Session(BufReader<TcpStream>);

impl Session {
    fn accept(listener: &TcpListener) -> Self {
        let stream = listener.accept().unwrap().0;
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut session = Self(BufReader::new(stream));
        let (number, command, offers) = session.frame();
        assert_eq!((number, command.as_str()), (1, "open"));
        assert!(offers.starts_with("relp_version=0\n") && offers.contains("\ncommands=syslog"), "{offers}");
        session.say("1 rsp 47 200 OK\nrelp_version=0\ncommands=syslog,another\n\n\n");
        session
    }

    fn word(&mut self) -> String {
        let mut word = Vec::new();
        self.0.read_until(b' ', &mut word).unwrap();
        String::from_utf8(word).unwrap().trim_end().to_owned()
    }

    fn frame(&mut self) -> (u32, String, String) {
        let (number, command) = (self.word().parse().unwrap(), self.word());
        let data = if command == "close" {
            let mut end = String::new();
            self.0.read_line(&mut end).unwrap();
            assert_eq!(end, "0\n");
            return (number, command, String::new());
        } else {
            let mut data = vec![0; self.word().parse::<usize>().unwrap() + 1];
            self.0.read_exact(&mut data).unwrap();
            assert_eq!(data.pop(), Some(b'\n'));
            String::from_utf8(data).unwrap()
        };
        (number, command, data)
    }

    /// The number and the text of a message.
    fn message(&mut self) -> (u32, String) {
        let (number, command, data) = self.frame();
        assert_eq!(command, "syslog");
        (number, data.rsplit(' ').next().unwrap().to_owned())
    }

    fn say(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
    }
}

/// A handler whose session has one message settled, and these under way as one batch: while one is not answered for the others wait.
fn batch_under_way(
    listener: &TcpListener,
    builder: SyslogHandlerBuilder,
    texts: &[impl AsRef<str>],
) -> (SyslogHandler, Session) {
    let handler = builder.build().unwrap();
    log(&handler, "before");
    let mut session = Session::accept(listener);
    assert_eq!(session.message(), (2, "before".to_owned()));
    texts.iter().for_each(|text| log(&handler, text.as_ref()));
    session.say("2 rsp 6 200 OK\n");
    (handler, session)
}

#[test]
fn what_is_answered_is_settled_and_what_is_not_is_sent_again() {
    let port = Port::reserve();
    let listener = port.listen();
    let (handler, mut session) = batch_under_way(&listener, builder(port.number()), &["one", "two", "three"]);
    let sent: Vec<_> = (0..3).map(|_| session.message()).collect();
    assert_eq!(sent, [(3, "one".to_owned()), (4, "two".to_owned()), (5, "three".to_owned())]);
    assert_eq!(handler.stats().delivered, 1);
    // Out of order, behind a hint; one is refused, one is not answered for.
    session.say("0 anyhint 3 a\nb\n5 rsp 6 200 OK\n4 rsp 12 500 not mine\n");
    drop(session);

    let mut session = Session::accept(&listener);
    assert_eq!(session.message(), (2, "one".to_owned()));
    assert_eq!((handler.stats().delivered, handler.stats().dropped(), handler.stats().pending), (2, 1, 1));
    assert_eq!(handler.resent_messages(), 1);
    session.say("2 rsp 6 200 OK\n");
    let closing = std::thread::spawn(move || {
        let (number, command, _) = session.frame();
        session.say(&format!("{number} rsp 0\n0 serverclose 0\n"));
        (number, command)
    });
    handler.close(Deadline::after(PATIENCE)).unwrap();
    assert_eq!(closing.join().unwrap(), (3, "close".to_owned()));
    assert_eq!((handler.stats().delivered, handler.stats().dropped()), (3, 1));
}

#[test]
fn a_daemon_that_hangs_is_asked_again_only_for_what_it_did_not_answer_for() {
    let port = Port::reserve();
    let listener = port.listen();
    let builder = builder(port.number()).timeout(Duration::from_millis(100));
    let (handler, mut session) = batch_under_way(&listener, builder, &["one", "two", "three"]);
    let sent: Vec<_> = (0..3).map(|_| session.message()).collect();
    assert_eq!(sent.len(), 3);
    // Of the last; the others it never answers for, and the time of the attempt is up.
    session.say("5 rsp 6 200 OK\n");
    let mut next = Session::accept(&listener);
    let again = [next.message(), next.message()];
    assert_eq!(again, [(2, "one".to_owned()), (3, "two".to_owned())]);
    next.say("2 rsp 6 200 OK\n3 rsp 6 200 OK\n");
    handler.flush(Deadline::after(PATIENCE)).unwrap();
    assert_eq!((handler.stats().delivered, handler.resent_messages()), (4, 2));
}

#[test]
fn no_more_than_the_window_is_sent_without_an_answer() {
    let port = Port::reserve();
    let listener = port.listen();
    let texts: Vec<_> = (0..300).map(|number: u32| number.to_string()).collect();
    let (_handler, mut session) = batch_under_way(&listener, builder(port.number()), &texts);
    let first = session.message().0;
    (1..128).for_each(|_| drop(session.message()));
    session.0.get_mut().set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    session.0.fill_buf().unwrap_err();
    session.0.get_mut().set_read_timeout(Some(PATIENCE)).unwrap();
    (first..first + 128).for_each(|number| session.say(&format!("{number} rsp 6 200 OK\n")));
    assert_eq!(session.message(), (first + 128, "128".to_owned()));
}

#[test]
fn a_daemon_that_says_farewell_is_connected_with_again_and_costs_nothing() {
    let port = Port::reserve();
    let listener = port.listen();
    let handler = builder(port.number()).build().unwrap();
    for text in ["one", "two"] {
        log(&handler, text);
        let mut session = Session::accept(&listener);
        assert_eq!(session.message().1, text);
        session.say("2 rsp 6 200 OK\n0 serverclose 0\n");
        handler.flush(Deadline::after(PATIENCE)).unwrap();
    }
    assert_eq!((handler.stats().delivered, handler.resent_messages(), handler.status().retries), (2, 0, 0));
}

/// A connection is one when the daemon has opened the session, and none when it says farewell, whether anybody logs or not.
#[test]
fn the_state_of_the_connection_is_that_of_the_session() {
    let port = Port::reserve();
    let listener = port.listen();
    let handler = builder(port.number()).build().unwrap();
    let is = |state| handler.status().connection == state;
    log(&handler, "one");
    let (mut silent, _) = listener.accept().unwrap();
    silent.set_read_timeout(Some(PATIENCE)).unwrap();
    silent.read_exact(&mut [0; 6]).unwrap();
    assert!(is(ConnectionState::Connecting), "it has asked for a session: {:?}", handler.status());
    drop(silent);
    let mut session = Session::accept(&listener);
    assert_eq!(session.message().1, "one");
    assert!(is(ConnectionState::Connected), "{:?}", handler.status());
    session.say("2 rsp 6 200 OK\n");
    handler.flush(Deadline::after(PATIENCE)).unwrap();
    session.say("0 anyhint 0\n");
    assert!(is(ConnectionState::Connected), "{:?}", handler.status());
    session.say("0 serverclose 0\n");
    wait_until("it is let go of", || is(ConnectionState::Disconnected));
}

#[test]
fn settings_that_relp_has_no_use_for_are_refused() {
    for builder in [builder(1).framing(Framing::Lf), builder(1).resend_window(1)] {
        assert!(builder.build().unwrap_err().to_string().contains("RELP"));
    }
}

#[test]
fn rsyslog_that_is_killed_twenty_times_under_load_misses_nothing() {
    let daemon = Rsyslog::start_with_relp();
    let builder = builder(daemon.relp);
    misses_nothing_when_killed_twenty_times(daemon, builder);
}

fn misses_nothing_when_killed_twenty_times(mut daemon: Rsyslog, builder: SyslogHandlerBuilder) {
    const ROUNDS: u32 = 20;
    let handler = builder.build().unwrap();
    for round in 0..ROUNDS {
        let seen = daemon.written();
        (0..300).for_each(|number| log(&handler, &(round * 350 + number).to_string()));
        daemon.wait_for_more_than(seen);
        daemon.kill();
        (300..350).for_each(|number| log(&handler, &(round * 350 + number).to_string()));
        daemon.restart();
    }
    handler.flush(Deadline::after(PATIENCE)).unwrap();
    let count = u64::from(ROUNDS * 350);
    let stats = handler.stats();
    assert_eq!((stats.handled, stats.delivered, stats.dropped(), stats.pending), (count, count, 0, 0));

    // Answered for is written: this rsyslog has no queue of its own.
    let messages = daemon.until(|_| true);
    let numbers: Vec<u32> = messages.iter().map(|message| message["msg"].as_str().unwrap().trim().parse().unwrap()).collect();
    assert_eq!(numbers.iter().copied().collect::<BTreeSet<_>>(), (0..ROUNDS * 350).collect());
    let doubled = numbers.len() as u64 - count;
    assert!(doubled <= handler.resent_messages(), "{doubled} twice, {} resent", handler.resent_messages());
}

#[test]
fn everything_arrives_as_sent_in_both_protocols() {
    let daemon = Rsyslog::start_with_relp();
    as_sent(&daemon, |builder| builder.relp(format!("127.0.0.1:{}", daemon.relp)));
}

fn as_sent(daemon: &Rsyslog, to: impl Fn(SyslogHandlerBuilder) -> SyslogHandlerBuilder) {
    let text = format!("one\n<0>two\r\n{}{HOSTILE}\nend", "x".repeat(100_000));
    send(to(network()).newlines(Newlines::Keep).max_message_bytes(120_000), &event(&text));
    assert_eq!(assert_rfc5424(&daemon.message()), text);
    send(to(of_3164()), &event(HOSTILE));
    let messages = daemon.until(|messages| messages.len() >= 2);
    assert_rfc3164(&messages[1], "web1.example", "2023-11-14T22:13:20.123456Z");
}

#[cfg(feature = "tls")]
mod tls {
    use tracing_handlers_core::Failure;
    use tracing_handlers_syslog::Tls;

    use super::*;

    /// To one that asks for certificates.
    fn to(daemon: &Rsyslog, tls: Tls) -> SyslogHandlerBuilder {
        network().relp_tls(place(daemon), tls)
    }

    fn place(daemon: &Rsyslog) -> String {
        format!("localhost:{}", daemon.relp_tls)
    }

    fn unknown(daemon: &Rsyslog) -> Tls {
        Tls::new().ca_pem(&daemon.authority()).unwrap()
    }

    fn known(daemon: &Rsyslog) -> Tls {
        let [certificate, key] = daemon.client();
        unknown(daemon).identity_pem(&certificate, &key).unwrap()
    }

    #[test]
    fn everything_arrives_as_sent_in_both_protocols() {
        let daemon = Rsyslog::start_with_relp_and_tls();
        as_sent(&daemon, |builder| builder.relp_tls(place(&daemon), known(&daemon)));
    }

    #[test]
    fn a_client_that_the_daemon_does_not_know_delivers_nothing_and_keeps_it() {
        let daemon = Rsyslog::start_with_relp_and_tls();
        let handler = to(&daemon, unknown(&daemon)).on_failure(FailureLog::new()).build().unwrap();
        log(&handler, "from nobody");
        wait_until("it is refused", || handler.status().failures > 0);
        assert_eq!((handler.stats().delivered, handler.stats().pending), (0, 1));
        send(to(&daemon, known(&daemon)), &event("next"));
        // The only one that it read.
        assert_eq!(assert_rfc5424(&daemon.message()), "next");
    }

    #[test]
    fn a_daemon_that_we_do_not_trust_gets_nothing() {
        let daemon = Rsyslog::start_with_relp_and_tls();
        let (told, failures) = std::sync::mpsc::channel();
        let hook = move |failure: &Failure<'_>| drop(told.send(failure.error.one_line()));
        let handler = to(&daemon, Tls::new()).on_failure(hook).build().unwrap();
        log(&handler, "secret");
        let failure = failures.recv_timeout(PATIENCE).unwrap();
        let place = format!("relp+tls://{}", place(&daemon));
        assert!(failure.contains("certificate") && failure.contains(&place), "{failure}");
        assert_eq!(handler.stats().delivered, 0);
    }

    #[test]
    fn rsyslog_that_is_killed_twenty_times_under_load_misses_nothing() {
        let daemon = Rsyslog::start_with_relp_and_tls();
        let builder = builder(daemon.relp).relp_tls(place(&daemon), known(&daemon));
        misses_nothing_when_killed_twenty_times(daemon, builder);
    }
}
