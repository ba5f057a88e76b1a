//! Servers that refuse, put off, hang and vanish.

use std::thread;
use std::time::Duration;

use tracing_handlers_core::{Deadline, DropReason, Handler, Stats};
use tracing_handlers_smtp::{ConnectionState, Retry, SmtpHandlerBuilder};
use tracing_handlers_testing::gate::PATIENCE;
use tracing_handlers_testing::{FailureLog, Gate, comes_true, record};

use crate::server::{Act, Server, first_failure};

fn sent(builder: SmtpHandlerBuilder) -> Stats {
    let handler = builder.build().unwrap();
    handler.handle(&record("hello").as_record()).unwrap();
    handler.flush(Deadline::after(PATIENCE)).unwrap();
    let stats = handler.stats();
    assert!(stats.is_balanced() && stats.pending == 0, "{stats:?}");
    stats
}

#[test]
fn what_is_put_off_is_sent_later_and_once() {
    for (step, words) in [
        ("GREET", "421 closed for today"),
        ("GREET", "554 no mail here"),
        ("EHLO", "421 going down"),
        ("MAIL", "451 no room"),
        ("RCPT", "450 greylisted"),
        ("DATA", "451 later"),
        ("DOT", "452 disk full"),
        ("DOT", "nonsense"),
    ] {
        let (server, failures) = (Server::start().will(step, Act::Say(words)), FailureLog::new());
        assert_eq!(sent(server.builder(&failures)).delivered, 1, "{step}");
        assert_eq!(server.mails().len(), 1, "{step}");
        assert!(failures.len() == 1 && failures.texts()[0].contains(words), "{step}: {failures:?}");
    }
}

#[test]
fn what_is_refused_for_good_is_dropped_and_told() {
    for (step, words) in [("MAIL", "550 not you"), ("RCPT", "550 no such user"), ("DATA", "554 no"), ("DOT", "554 spam")] {
        let (server, failures) = (Server::start().will(step, Act::Say(words)), FailureLog::new());
        let stats = sent(server.builder(&failures));
        assert_eq!((stats.delivered, stats.dropped_for(DropReason::Failed), failures.lost()), (0, 1, 1), "{step}");
        assert!(server.mails().is_empty() && failures.texts()[0].contains(words), "{step}: {failures:?}");
    }
}

/// Long enough for a whole mail on a machine that has other things to do, where only what hangs is to run out of time.
const LONG: Duration = Duration::from_secs(5);

#[test]
fn a_step_that_hangs_is_given_up_and_the_mail_sent_again() {
    // All at once, since each takes its time.
    thread::scope(|scope| {
        for step in ["GREET", "EHLO", "MAIL", "RCPT", "DATA", "DOT"] {
            scope.spawn(move || {
                let (server, failures) = (Server::start().will(step, Act::Hang), FailureLog::new());
                let stats = sent(server.builder(&failures).timeout(LONG));
                assert_eq!((stats.delivered, server.mails().len()), (1, 1), "{step}");
                assert!(failures.len() == 1 && failures.texts()[0].contains("no answer in 5s"), "{step}: {failures:?}");
            });
        }
    });
}

#[test]
fn a_password_that_is_not_answered_is_said_again() {
    let put_off = Act::Say("454 4.7.0 not now");
    for (act, words) in [(Act::Hang, "no answer in 5s"), (Act::Close, "log in at"), (put_off, "log in at")] {
        let server = Server::start().offering("AUTH PLAIN LOGIN").will("AUTH", act.clone());
        let failures = FailureLog::new();
        let builder = server.builder(&failures).credentials("app", "s3cret").dangerously_send_credentials_in_clear();
        assert_eq!((sent(builder.timeout(LONG)).delivered, server.mails().len()), (1, 1), "{act:?}");
        assert!(failures.len() == 1 && failures.texts()[0].contains(words), "{act:?}: {failures:?}");
        let said: Vec<_> = server.commands().into_iter().filter(|command| command.starts_with("AUTH")).collect();
        assert_eq!(said.len(), 2, "{said:?}");
    }
}

#[test]
fn a_farewell_that_hangs_costs_nothing() {
    let (server, failures) = (Server::start().will("QUIT", Act::Hang), FailureLog::new());
    assert_eq!(sent(server.builder(&failures)).delivered, 1);
    assert!(server.mails().len() == 1 && failures.is_empty(), "{failures:?}");
}

#[test]
fn a_farewell_longer_than_the_time_does_not_send_the_mail_twice() {
    let (server, failures) = (Server::start().will("QUIT", Act::Hang), FailureLog::new());
    assert_eq!(sent(server.builder(&failures).timeout(Duration::from_millis(900))).delivered, 1);
    let begun = server.commands().iter().filter(|command| command.starts_with("MAIL")).count();
    assert_eq!((server.mails().len(), begun), (1, 1), "{failures:?}");
}

#[test]
fn a_connection_lost_at_any_step_is_made_again() {
    for step in ["GREET", "EHLO", "MAIL", "RCPT", "DATA", "DOT"] {
        let (server, failures) = (Server::start().will(step, Act::Close), FailureLog::new());
        assert_eq!((sent(server.builder(&failures)).delivered, server.mails().len()), (1, 1), "{step}");
        assert_eq!(failures.len(), 1, "{step}: {failures:?}");
    }
}

#[test]
fn a_mail_whose_end_nobody_confirmed_is_sent_again_as_the_same() {
    let (server, failures) = (Server::start().will("DOT", Act::TakeAndClose), FailureLog::new());
    assert_eq!(sent(server.builder(&failures)).delivered, 1);
    let mails = server.mails();
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[0].raw, mails[1].raw);
    assert!(mails[0].header("Message-ID").ends_with("@example.org>"));
}

#[test]
fn one_refused_recipient_does_not_cost_the_others_their_mail() {
    let server = Server::start().will("RCPT TO:<gone@example.org>", Act::Say("550 no such user"));
    let failures = FailureLog::new();
    let stats = sent(server.builder(&failures).to("gone@example.org").cc("boss@example.org"));
    assert_eq!((stats.delivered, server.mails().len()), (1, 1));
    assert_eq!(server.mails()[0].to, ["RCPT TO:<ops@example.org>", "RCPT TO:<boss@example.org>"]);
    assert!(failures.len() == 1 && failures.texts()[0].contains("gone@example.org: 550 no such user"), "{failures:?}");
    assert_eq!(failures.lost(), 0);
}

#[test]
fn a_recipient_put_off_gets_the_mail_later_and_nobody_twice() {
    let server = Server::start().will("RCPT TO:<slow@example.org>", Act::Say("450 greylisted"));
    let failures = FailureLog::new();
    assert_eq!(sent(server.builder(&failures).to("slow@example.org")).delivered, 1);
    let mails = server.mails();
    let to: Vec<_> = mails.iter().map(|mail| mail.to.concat()).collect();
    assert_eq!(to, ["RCPT TO:<ops@example.org>", "RCPT TO:<slow@example.org>"]);
    assert_eq!(mails[0].raw, mails[1].raw);
}

#[test]
fn a_digest_that_is_too_large_is_halved() {
    let server = Server::start().will("DOT", Act::Say("552 too large"));
    let failures = FailureLog::new();
    let handler = server.builder(&failures).digest(Duration::from_secs(3_600)).build().unwrap();
    (0..4).for_each(|n| handler.handle(&record(n.to_string()).as_record()).unwrap());
    handler.flush(Deadline::after(PATIENCE)).unwrap();
    assert_eq!((server.mails().len(), handler.stats().delivered), (2, 4));
    assert_ne!(server.mails()[0].header("Message-ID"), server.mails()[1].header("Message-ID"));
}

#[test]
fn a_wrong_password_sends_nothing_is_told_once_and_shown_nowhere() {
    let server = Server::start().offering("AUTH PLAIN LOGIN").will("AUTH", Act::Say("535 5.7.8 who are you?"));
    let failures = FailureLog::new();
    let builder = server.builder(&failures).credentials("app", "s3cret").dangerously_send_credentials_in_clear();
    let handler = builder.build().unwrap();
    handler.handle(&record("hello").as_record()).unwrap();
    let told = first_failure(&failures);
    assert!(told.contains("535 5.7.8 who are you?"), "{told}");
    assert!(!server.commands().iter().any(|command| command.starts_with("MAIL")), "{:?}", server.commands());
    assert_eq!((handler.stats().pending, failures.len()), (1, 1), "it waits");
    let shown = format!("{handler:?} {:?} {failures:?}", handler.status());
    assert!(!shown.contains("s3cret") && !shown.contains("czNjcmV0"), "{shown}");
    // The next attempt finds it mended.
    handler.flush(Deadline::after(PATIENCE)).unwrap();
    assert_eq!(server.mails().len(), 1);
}

#[test]
fn a_server_that_knows_no_password_gets_no_mail() {
    let (server, failures) = (Server::start(), FailureLog::new());
    let builder = server.builder(&failures).credentials("app", "s3cret").dangerously_send_credentials_in_clear();
    let handler = builder.build().unwrap();
    handler.handle(&record("hello").as_record()).unwrap();
    assert!(first_failure(&failures).contains("log in"), "{failures:?}");
    assert!(!server.commands().iter().any(|command| command.starts_with("MAIL") || command.starts_with("AUTH")));
}

#[test]
fn a_login_that_fails_for_now_is_tried_again_and_sends_nothing_before() {
    for (act, words) in [
        (Act::Say("421 going down"), "421 going down"),
        (Act::Say("454 4.7.0 later"), "454 4.7.0 later"),
        (Act::Hang, "no answer in 5s"),
        (Act::Close, "incomplete"),
    ] {
        let server = Server::start().offering("AUTH PLAIN LOGIN").will("AUTH", act.clone());
        let failures = FailureLog::new();
        let builder = server.builder(&failures).credentials("app", "s3cret").dangerously_send_credentials_in_clear();
        let stats = sent(builder.timeout(LONG));
        assert_eq!((stats.delivered, server.mails().len()), (1, 1), "{act:?}");
        assert!(failures.texts()[0].contains(words), "{act:?}: {failures:?}");
        let verbs: Vec<_> = server.commands().iter().map(|line| line[..4].to_owned()).collect();
        let first_mail = verbs.iter().position(|verb| verb == "MAIL").unwrap();
        assert_eq!(verbs[..first_mail].iter().filter(|verb| *verb == "AUTH").count(), 2, "{act:?}: {verbs:?}");
    }
}

#[test]
fn what_is_said_to_a_farewell_costs_nothing() {
    for act in [Act::Say("421 too late"), Act::Say("550 never"), Act::SayAndHang("221 bye"), Act::Close] {
        let (server, failures) = (Server::start().will("QUIT", act.clone()), FailureLog::new());
        assert_eq!(sent(server.builder(&failures)).delivered, 1);
        assert!(server.mails().len() == 1 && failures.is_empty(), "{act:?}: {failures:?}");
    }
}

#[cfg(feature = "tls")]
#[test]
fn a_server_that_hangs_or_leaves_before_tls_has_the_record_wait_and_reads_nothing_of_it() {
    use tracing_handlers_smtp::SmtpTls::{Implicit, StartTls};
    for (mode, step, act, words) in [
        (StartTls, "GREET", Act::Hang, "no answer in 500ms"),
        (StartTls, "GREET", Act::Close, "begin TLS with"),
        (StartTls, "GREET", Act::Say("421 closed"), "421 closed"),
        (StartTls, "EHLO", Act::Hang, "no answer in 500ms"),
        (StartTls, "EHLO", Act::Close, "begin TLS with"),
        (StartTls, "EHLO", Act::Say("550 go away"), "550 go away"),
        (StartTls, "STARTTLS", Act::Hang, "no answer in 500ms"),
        (StartTls, "STARTTLS", Act::Close, "begin TLS with"),
        (StartTls, "STARTTLS", Act::SayAndHang("220 go on"), "no answer in 500ms"),
        (Implicit, "GREET", Act::Hang, "no answer in 500ms"),
        (Implicit, "GREET", Act::Close, "speak TLS with"),
        (Implicit, "GREET", Act::Say("220 in clear"), "speak TLS with"),
    ] {
        let server = Server::start().offering("STARTTLS").offering("AUTH PLAIN LOGIN").will(step, act.clone());
        let failures = FailureLog::new();
        // Only what hangs is to run out of time.
        let time = if words.starts_with("no answer") { Duration::from_millis(500) } else { PATIENCE };
        let builder = server.builder(&failures).tls(mode).credentials("app", "s3cret").timeout(time);
        let handler = builder.build().unwrap();
        handler.handle(&record("hello").as_record()).unwrap();
        let told = first_failure(&failures);
        assert!(told.contains(words), "{mode:?} {step} {act:?}: {told}");
        let said = server.commands();
        assert!(said.iter().all(|command| command.starts_with("EHLO") || command == "STARTTLS"), "{said:?}");
        assert_eq!((handler.stats().pending, handler.stats().dropped()), (1, 0), "{mode:?} {step} {act:?}");
    }
}

#[cfg(feature = "tls")]
#[test]
fn a_server_without_starttls_gets_nothing_but_a_hello() {
    let offering = || Server::start().offering("STARTTLS").offering("AUTH PLAIN LOGIN");
    for (server, words) in [
        (Server::start().offering("AUTH PLAIN LOGIN"), "the server offers no STARTTLS"),
        (offering().will("STARTTLS", Act::Say("454 not now")), "454 not now"),
        (offering().will("STARTTLS", Act::Say("220 go on\r\n250 and more in clear")), "speak TLS with"),
    ] {
        let failures = FailureLog::new();
        let builder = server.builder(&failures).tls(tracing_handlers_smtp::SmtpTls::StartTls).credentials("app", "s3cret");
        let handler = builder.build().unwrap();
        handler.handle(&record("hello").as_record()).unwrap();
        let told = first_failure(&failures);
        assert!(told.contains(words), "{told}");
        let said = server.commands();
        assert!(said.iter().all(|command| command.starts_with("EHLO") || command == "STARTTLS"), "{said:?}");
        assert_eq!(handler.stats().pending, 1);
    }
}

/// A mail has a connection of its own.
#[test]
fn the_state_of_the_connection_is_that_of_the_mail_under_way() {
    let [greets, takes] = [Gate::new(), Gate::new()];
    greets.close();
    takes.close();
    let server = Server::start().will("GREET", Act::Wait(greets.clone())).will("DOT", Act::Wait(takes.clone()));
    let handler = server.builder(&FailureLog::new()).retry(Retry::new(PATIENCE).jitter(false)).build().unwrap();
    let is = |state| handler.status().connection == state;
    assert!(is(ConnectionState::Disconnected));
    handler.handle(&record("hello").as_record()).unwrap();
    greets.wait_until_held();
    assert!(is(ConnectionState::Connecting), "{:?}", handler.status());
    greets.open();
    takes.wait_until_held();
    assert!(is(ConnectionState::Connected), "{:?}", handler.status());
    takes.open();
    handler.flush(Deadline::after(PATIENCE)).unwrap();
    assert!(is(ConnectionState::Disconnected), "{:?}", handler.status());
    server.set_away(true);
    handler.handle(&record("hello").as_record()).unwrap();
    assert!(comes_true(|| is(ConnectionState::Waiting)), "{:?}", handler.status());
    server.set_away(false);
    handler.close(Deadline::after(PATIENCE)).unwrap();
    assert!(is(ConnectionState::Closed) && handler.stats().delivered == 2, "{:?}", handler.status());
}
