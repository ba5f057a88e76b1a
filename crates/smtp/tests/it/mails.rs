//! What mails say, and how many they are.

use std::thread;
use std::time::Duration;

use tracing_handlers_core::{Deadline, DropReason, Handler, Level, Record, Timestamp};
use tracing_handlers_smtp::SmtpHandler;
use tracing_handlers_testing::gate::PATIENCE;
use tracing_handlers_testing::{FailureLog, Gate, ManualClock, MessageOnly, record};

use crate::server::{Act, Server};

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn a_mail_has_the_headers_that_it_needs() {
    let (server, failures) = (Server::start(), FailureLog::new());
    let clock = ManualClock::new(Timestamp::from_unix_seconds(1_700_000_000));
    let builder = server.builder(&failures).to("Two <two@example.org>").cc("three@example.org").reply_to("four@example.org");
    let handler = builder.clock(clock).format(MessageOnly).build().unwrap();
    let record = Record::builder().level(Level::ERROR).target("app::db").message("connection lost").build();
    handler.handle(&record.as_record()).unwrap();
    handler.flush(Deadline::after(PATIENCE)).unwrap();
    let mail = &server.mails()[0];
    for (name, value) in [
        ("From", "App <app@example.org>"),
        ("To", "ops@example.org, Two <two@example.org>"),
        ("Cc", "three@example.org"),
        ("Reply-To", "four@example.org"),
        ("Subject", "ERROR app::db: connection lost"),
        ("Date", "Tue, 14 Nov 2023 22:13:20 +0000"),
        ("Auto-Submitted", "auto-generated"),
        ("Content-Type", "text/plain; charset=utf-8"),
    ] {
        assert_eq!(mail.header(name), value, "{name}");
    }
    assert_eq!((mail.from.as_str(), mail.text().as_str()), ("MAIL FROM:<app@example.org>", "connection lost"));
    assert_eq!(mail.to.len(), 3);
}

#[test]
fn each_record_is_a_mail_with_a_name_of_its_own() {
    let (server, failures) = (Server::start(), FailureLog::new());
    let handler = server.builder(&failures).format(MessageOnly).build().unwrap();
    ["one", "two", "three"].iter().for_each(|message| handler.handle(&record(*message).as_record()).unwrap());
    handler.flush(Deadline::after(PATIENCE)).unwrap();
    let mails = server.mails();
    assert_eq!(mails.iter().map(|mail| mail.text()).collect::<Vec<_>>(), ["one", "two", "three"]);
    let mut names: Vec<_> = mails.iter().map(|mail| mail.header("Message-ID")).collect();
    names.dedup();
    assert_eq!(names.len(), 3);
}

#[test]
fn a_digest_is_one_mail_of_all_records_also_of_important_ones() {
    let (server, failures) = (Server::start(), FailureLog::new());
    let handler = server.builder(&failures).digest(60 * MINUTE).format(MessageOnly).build().unwrap();
    for n in 0..2_000 {
        let level = if n % 2 == 0 { Level::INFO } else { Level::ERROR };
        handler.handle(&Record::builder().level(level).target("app").message(n.to_string()).build().as_record()).unwrap();
    }
    handler.flush(Deadline::after(PATIENCE)).unwrap();
    let mails = server.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].text(), (0..2_000).map(|n| n.to_string()).collect::<Vec<_>>().join("\n"));
    assert_eq!(mails[0].header("Subject"), "ERROR app: 1 (2000 records)");
    assert_eq!(handler.stats().delivered, 2_000);
}

#[test]
fn records_beyond_the_limit_are_left_out_and_the_next_mail_says_how_many() {
    let (server, failures) = (Server::start(), FailureLog::new());
    let clock = ManualClock::new(Timestamp::from_unix_seconds(1_700_000_000));
    let builder = server.builder(&failures).max_mails(3, MINUTE).clock(clock.clone());
    let handler = builder.format(MessageOnly).build().unwrap();
    (0..10).for_each(|n| handler.handle(&record(n.to_string()).as_record()).unwrap());
    handler.flush(Deadline::after(PATIENCE)).unwrap();
    let texts = || server.mails().iter().map(|mail| mail.text()).collect::<Vec<_>>();
    assert_eq!(texts(), ["0", "1", "2"]);
    assert_eq!((handler.stats().dropped_for(DropReason::Failed), failures.lost()), (7, 7));
    assert!(failures.texts()[0].contains("more than 3 mails in 60s"), "{failures:?}");
    clock.advance(MINUTE);
    for message in ["again", "and again"] {
        handler.handle(&record(message).as_record()).unwrap();
    }
    handler.flush(Deadline::after(PATIENCE)).unwrap();
    assert_eq!(texts()[3..], ["again\n\n7 earlier records were left out: more than 3 mails in 60s", "and again"]);
}

/// Raises 100,000 errors, as fast as four threads can.
fn crash_loop(handler: &SmtpHandler) {
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for n in 0..25_000 {
                    let record = Record::builder().level(Level::ERROR).message(format!("crash {n}")).build();
                    handler.handle(&record.as_record()).ok();
                }
            });
        }
    });
}

#[test]
fn a_hundred_thousand_errors_are_ten_mails_and_counted_to_the_last() {
    let (server, failures) = (Server::start(), FailureLog::new());
    let clock = ManualClock::new(Timestamp::from_unix_seconds(1_700_000_000));
    let handler = server.builder(&failures).clock(clock.clone()).format(MessageOnly).build().unwrap();
    crash_loop(&handler);
    handler.flush(Deadline::after(PATIENCE)).unwrap();
    let stats = handler.stats();
    let texts = || server.mails().iter().map(|mail| mail.text()).collect::<Vec<_>>();
    // Beside what crashed a mail may have what the queue says of those that found no room.
    assert_eq!((texts().len(), stats.pending), (10, 0));
    assert_eq!(stats.delivered, texts().iter().map(|text| text.lines().count() as u64).sum::<u64>(), "{:?}", texts());
    assert!(stats.handled >= 100_000 && stats.is_balanced(), "{stats:?}");
    assert_eq!(failures.lost(), stats.dropped(), "{stats:?}");
    // A minute later the next mail says how many the limit left out.
    clock.advance(MINUTE);
    handler.handle(&record("it ran again").as_record()).unwrap();
    handler.flush(Deadline::after(PATIENCE)).unwrap();
    let left_out = stats.dropped_for(DropReason::Failed);
    assert_eq!(texts()[10], format!("it ran again\n\n{left_out} earlier records were left out: more than 10 mails in 60s"));
}

#[test]
fn no_error_of_a_hundred_thousand_waits_for_a_server_that_says_nothing() {
    let (gate, failures) = (Gate::new(), FailureLog::new());
    gate.close();
    let server = Server::start().will("GREET", Act::Wait(gate.clone()));
    let builder = server.builder(&failures).digest(MINUTE).capacity(1_000).timeout(10 * MINUTE);
    let handler = builder.format(MessageOnly).build().unwrap();
    handler.handle(&record("it begins").as_record()).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| handler.flush(Deadline::after(2 * PATIENCE)).unwrap());
        gate.wait_until_held();
        // Returns, though the server does not: nobody waits.
        crash_loop(&handler);
        let stats = handler.stats();
        assert!(stats.delivered == 0 && stats.is_balanced(), "{stats:?}");
        assert!(stats.pending <= 1_000 + 1, "those that fit, and the one that is under way: {stats:?}");
        gate.open();
    });
    handler.flush(Deadline::after(PATIENCE)).unwrap();
    let stats = handler.stats();
    let lines: u64 = server.mails().iter().map(|mail| mail.text().lines().count() as u64).sum();
    assert!(server.mails().len() <= 3, "{}", server.mails().len());
    assert!(stats.pending == 0 && stats.is_balanced() && stats.handled >= 100_001, "{stats:?}");
    assert_eq!((stats.delivered, stats.dropped()), (lines, stats.dropped_for(DropReason::Full)), "{stats:?}");
    assert_eq!(failures.lost(), stats.dropped(), "{stats:?}");
}
