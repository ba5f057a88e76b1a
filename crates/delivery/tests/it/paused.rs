//! Time, to the exact moment: on a clock that is paused.

use std::time::Duration;

use tokio::task::LocalSet;
use tokio::time::Instant;
use tracing_handlers_core::{Deadline, DropReason, Error, Handler, Level, Record};
use tracing_handlers_delivery::{Outcome, Retry, Settings};
use tracing_handlers_testing::{FailureLog, ManualClock, record};

use crate::scripted::{Act, Peer, at, away, on_this_runtime};

const SECOND: Duration = Duration::from_secs(1);

/// Runs a test on a runtime whose clock jumps to the next thing that anybody waits for.
fn paused<F: Future<Output = ()>>(test: impl FnOnce(Peer, FailureLog) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    // What never comes is a failure, and takes a moment on such a clock.
    let ends = async { tokio::time::timeout(3_600 * SECOND, test(Peer::default(), FailureLog::new())).await };
    LocalSet::new().block_on(&runtime, ends).expect("it never came");
}

/// Looks until it is so; says how long that took.
async fn time_until(is_so: impl Fn() -> bool) -> Duration {
    let begin = Instant::now();
    while !is_so() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    begin.elapsed()
}

fn steady() -> Settings {
    Settings { retry: Retry::new(SECOND).factor(2).max(30 * SECOND).jitter(false), ..Settings::default() }
}

#[test]
fn a_failed_attempt_is_repeated_after_a_time_that_grows() {
    paused(|peer, failures| async move {
        peer.will((0..8).map(|_| Act::Do(away())));
        let delivery = on_this_runtime(&peer, &failures, steady());
        delivery.handle(&record("one").as_record()).unwrap();
        let took = time_until(|| !peer.taken().is_empty()).await;
        // 1 + 2 + 4 + 8 + 16 + 30 + 30 + 30 seconds.
        assert!(took >= 121 * SECOND && took < 122 * SECOND, "{took:?}");
        let status = delivery.status();
        assert_eq!((status.attempts, status.retries, status.failures), (9, 8, 0));
        assert_eq!((delivery.stats().delivered, failures.len()), (1, 8));
    });
}

#[test]
fn a_peer_says_when_to_come_again_and_is_heard_up_to_a_minute() {
    for (asked, waited) in [(7, 7), (3_600, 60)] {
        paused(|peer, failures| async move {
            peer.will([Act::Do(Outcome::Retry { after: Some(asked * SECOND), why: Error::new("busy") })]);
            let delivery = on_this_runtime(&peer, &failures, steady());
            delivery.handle(&record("one").as_record()).unwrap();
            let took = time_until(|| !peer.taken().is_empty()).await;
            assert!(took >= waited * SECOND && took < (waited + 1) * SECOND, "{took:?}");
        });
    }
}

#[test]
fn a_peer_that_wants_to_be_asked_at_once_is_asked_at_our_own_pace() {
    paused(|peer, failures| async move {
        let hurry = || Act::Do(Outcome::Retry { after: Some(Duration::ZERO), why: Error::new("busy") });
        peer.will([hurry(), hurry(), hurry()]);
        let delivery = on_this_runtime(&peer, &failures, steady());
        delivery.handle(&record("one").as_record()).unwrap();
        let took = time_until(|| !peer.taken().is_empty()).await;
        // 1 + 2 + 4 seconds.
        assert!(took >= 7 * SECOND, "{took:?}");
    });
}

#[test]
fn a_failure_that_is_marked_as_told_is_not_told_again() {
    paused(|peer, failures| async move {
        let told = || Act::Do(Outcome::retry(Error::new("refused").reported()));
        peer.will([Act::Do(Outcome::retry(Error::new("refused"))), told(), told()]);
        let delivery = on_this_runtime(&peer, &failures, steady());
        delivery.handle(&record("one").as_record()).unwrap();
        time_until(|| !peer.taken().is_empty()).await;
        assert_eq!((failures.len(), delivery.status().retries), (1, 3));
    });
}

#[test]
fn a_flush_tries_at_once_and_keeps_to_its_deadline() {
    paused(|peer, failures| async move {
        let settings = Settings { retry: Retry::new(1_000 * SECOND).max(1_000 * SECOND).jitter(false), ..steady() };
        let delivery = on_this_runtime(&peer, &failures, settings);
        peer.set_away(true);
        delivery.handle(&record("one").as_record()).unwrap();
        let late = delivery.flush_async(Deadline::after(5 * SECOND)).await.unwrap_err();
        assert!(late.is_timed_out() && late.one_line().contains("reach the peer"), "{}", late.one_line());
        peer.set_away(false);
        let begin = Instant::now();
        delivery.flush_async(Deadline::after(100 * SECOND)).await.unwrap();
        assert!(begin.elapsed() < SECOND, "{:?}", begin.elapsed());
        assert_eq!(peer.taken(), ["one"]);
    });
}

#[test]
fn an_attempt_that_hangs_is_given_up_in_its_time() {
    paused(|peer, failures| async move {
        peer.will([Act::Hang]);
        let delivery = on_this_runtime(&peer, &failures, Settings { attempt_timeout: 10 * SECOND, ..steady() });
        delivery.handle(&record("one").as_record()).unwrap();
        let took = time_until(|| !peer.taken().is_empty()).await;
        assert!(took >= 11 * SECOND && took < 12 * SECOND, "{took:?}");
        assert_eq!(peer.resets(), 1);
        assert!(failures.texts()[0].contains("no answer in 10s"), "{failures:?}");
    });
}

#[test]
fn what_comes_before_an_attempt_may_take_longer_than_one_while_it_goes_on() {
    paused(|peer, failures| async move {
        let delivery = on_this_runtime(&peer, &failures, Settings { attempt_timeout: 10 * SECOND, ..steady() });
        peer.becomes_ready_in([9 * SECOND; 5]);
        delivery.handle(&record("one").as_record()).unwrap();
        let begin = Instant::now();
        delivery.flush_async(Deadline::after(100 * SECOND)).await.unwrap();
        assert!(begin.elapsed() >= 45 * SECOND && begin.elapsed() < 46 * SECOND, "{:?}", begin.elapsed());
        assert_eq!((peer.taken(), peer.resets(), failures.len()), (vec!["one".to_owned()], 0, 0));
    });
}

#[test]
fn a_step_before_an_attempt_that_hangs_is_given_up_in_its_time_and_nothing_counts_as_sent() {
    paused(|peer, failures| async move {
        let delivery = on_this_runtime(&peer, &failures, Settings { attempt_timeout: 10 * SECOND, ..steady() });
        peer.becomes_ready_in([9 * SECOND, 3_600 * SECOND]);
        delivery.handle(&record("one").as_record()).unwrap();
        let begin = Instant::now();
        while peer.taken().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let took = begin.elapsed();
        assert!(took >= 20 * SECOND && took < 21 * SECOND, "{took:?}");
        assert_eq!((peer.attempts(), peer.resets(), delivery.status().retries), (vec![1], 1, 1));
        assert!(failures.texts()[0].contains("no answer in 10s"), "{failures:?}");
    });
}

#[test]
fn a_peer_that_is_away_for_a_minute_costs_nothing_while_there_is_room() {
    paused(|peer, failures| async move {
        let delivery = on_this_runtime(&peer, &failures, steady());
        peer.set_away(true);
        for n in 0..6_000 {
            delivery.handle(&record(n.to_string()).as_record()).unwrap();
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        peer.set_away(false);
        time_until(|| delivery.stats().pending == 0).await;
        assert_eq!(peer.taken(), (0..6_000).map(|n| n.to_string()).collect::<Vec<_>>());
        assert_eq!(failures.lost(), 0);
    });
}

#[test]
fn beyond_the_room_the_counts_are_exact() {
    paused(|peer, failures| async move {
        let mut settings = steady();
        settings.limits.records = 100;
        let delivery = on_this_runtime(&peer, &failures, settings);
        peer.set_away(true);
        for n in 0..6_000 {
            delivery.handle(&record(n.to_string()).as_record()).ok();
            tokio::time::sleep(Duration::from_millis(10)).await;
            assert!(delivery.stats().is_balanced());
        }
        peer.set_away(false);
        time_until(|| delivery.stats().pending == 0).await;
        let stats = delivery.stats();
        assert_eq!(stats.delivered, peer.taken().len() as u64);
        let (told, numbers): (Vec<_>, Vec<_>) =
            peer.taken().into_iter().partition(|line| line.contains("dropped by a full queue"));
        assert!(numbers.is_sorted_by_key(|number| number.parse::<u32>().unwrap()), "another order: {numbers:?}");
        assert_eq!(stats.delivered + stats.dropped(), 6_000 + told.len() as u64, "{told:?}");
        delivery.flush_async(Deadline::after(SECOND)).await.unwrap();
        assert_eq!(failures.lost_for(DropReason::Full), stats.dropped());
    });
}

#[test]
fn records_that_grew_too_old_are_given_up() {
    paused(|peer, failures| async move {
        let clock = ManualClock::new(at(1_000));
        let mut settings = Settings { max_age: 300 * SECOND, ..steady() };
        settings.clock = tracing_handlers_core::clock::ClockSource::Other(std::sync::Arc::new(clock.clone()));
        let delivery = on_this_runtime(&peer, &failures, settings);
        peer.set_away(true);
        let aged = |seconds| Record::builder().message(format!("of {seconds}")).timestamp(at(seconds)).build();
        delivery.handle(&aged(1_000).as_record()).unwrap();
        delivery.handle(&aged(1_200).as_record()).unwrap();
        tokio::time::sleep(10 * SECOND).await;
        delivery.handle(&aged(1_000).as_record()).unwrap();
        delivery.handle(&record("of no age").as_record()).unwrap();
        clock.set(at(1_301));
        tokio::time::sleep(60 * SECOND).await;
        peer.set_away(false);
        delivery.flush_async(Deadline::after(SECOND)).await.unwrap();
        assert_eq!(peer.taken(), ["of 1200", "of no age"]);
        assert_eq!(delivery.stats().dropped_for(DropReason::Expired), 2);
        assert_eq!(failures.lost_for(DropReason::Expired), 2);
    });
}

#[test]
fn a_batch_that_is_too_large_is_halved_down_to_the_record_that_is() {
    paused(|peer, failures| async move {
        let delivery = on_this_runtime(&peer, &failures, steady());
        peer.will([Act::Do(Outcome::Split), Act::Do(Outcome::Split), Act::Do(Outcome::Split)]);
        for n in 0..4 {
            delivery.handle(&record(n.to_string()).as_record()).unwrap();
        }
        delivery.flush_async(Deadline::after(SECOND)).await.unwrap();
        assert_eq!(peer.attempts(), [4, 2, 1, 1, 2]);
        assert_eq!(peer.taken(), ["1", "2", "3"]);
        assert_eq!((delivery.stats().dropped_for(DropReason::Failed), failures.lost()), (1, 1));
    });
}

#[test]
fn some_are_taken_some_are_tried_again_and_some_are_dead() {
    paused(|peer, failures| async move {
        let delivery = on_this_runtime(&peer, &failures, steady());
        let dead = vec![(0, "malformed".to_owned())];
        peer.will([Act::Do(Outcome::Partial { retry: vec![2, 3], dead, after: None, why: None })]);
        for n in 0..4 {
            delivery.handle(&record(n.to_string()).as_record()).unwrap();
        }
        delivery.handle(&record("refused").as_record()).unwrap();
        tokio::time::sleep(10 * SECOND).await;
        assert_eq!(peer.taken(), ["1", "2", "3"]);
        let stats = delivery.stats();
        assert_eq!((stats.delivered, stats.dropped_for(DropReason::Failed), stats.pending), (3, 2, 0));
        assert_eq!(failures.lost(), 2);
    });
}

#[test]
fn a_transport_that_panics_is_started_again_and_gives_up_the_record_it_cannot_bear() {
    paused(|peer, failures| async move {
        let delivery = on_this_runtime(&peer, &failures, steady());
        peer.will([Act::Panic, Act::Take]);
        delivery.handle(&record("one").as_record()).unwrap();
        tokio::time::sleep(5 * SECOND).await;
        assert_eq!((peer.taken(), peer.resets()), (vec!["one".to_owned()], 1));
        peer.will([Act::Panic, Act::Panic, Act::Panic]);
        delivery.handle(&record("bad").as_record()).unwrap();
        tokio::time::sleep(50 * SECOND).await;
        delivery.handle(&record("two").as_record()).unwrap();
        delivery.flush_async(Deadline::after(SECOND)).await.unwrap();
        assert_eq!(peer.taken(), ["one", "two"]);
        assert_eq!(delivery.stats().dropped_for(DropReason::Panicked), 1);
        assert_eq!(failures.lost(), 1);
    });
}

#[test]
fn company_is_waited_for_no_longer_than_told() {
    paused(|peer, failures| async move {
        let delivery = on_this_runtime(&peer, &failures, Settings { linger: 60 * SECOND, ..steady() });
        tokio::time::sleep(SECOND).await;
        let begin = Instant::now();
        for n in 0..30 {
            delivery.handle(&record(n.to_string()).as_record()).unwrap();
            tokio::time::sleep(SECOND).await;
        }
        time_until(|| !peer.attempts().is_empty()).await;
        assert!(begin.elapsed() >= 60 * SECOND && begin.elapsed() < 62 * SECOND, "{:?}", begin.elapsed());
        assert_eq!(peer.attempts(), [30]);
        // An important record cuts it short, and so does a flush.
        let begin = Instant::now();
        delivery.handle(&Record::builder().level(Level::ERROR).message("now").build().as_record()).unwrap();
        time_until(|| peer.attempts().len() >= 2).await;
        delivery.handle(&record("flushed").as_record()).unwrap();
        tokio::time::sleep(SECOND).await;
        delivery.flush_async(Deadline::after(SECOND)).await.unwrap();
        assert!(begin.elapsed() < 3 * SECOND, "{:?}", begin.elapsed());
        assert_eq!(peer.attempts(), [30, 1, 1]);
    });
}

#[test]
fn enough_for_an_attempt_waits_for_no_company() {
    paused(|peer, failures| async move {
        let settings = Settings { linger: 60 * SECOND, batch_records: 4, ..steady() };
        let delivery = on_this_runtime(&peer, &failures, settings);
        tokio::time::sleep(SECOND).await;
        let begin = Instant::now();
        // One by one, and then all at once.
        for n in 0..4 {
            delivery.handle(&record(n.to_string()).as_record()).unwrap();
            tokio::time::sleep(SECOND).await;
        }
        assert_eq!(peer.attempts(), [4]);
        (4..10).for_each(|n| delivery.handle(&record(n.to_string()).as_record()).unwrap());
        tokio::time::sleep(SECOND).await;
        assert_eq!((peer.attempts(), delivery.stats().pending), (vec![4, 4, 2], 0));
        assert!(begin.elapsed() < 10 * SECOND, "{:?}", begin.elapsed());
    });
}

#[test]
fn where_all_wait_for_company_an_important_record_waits_too() {
    paused(|peer, failures| async move {
        let delivery = on_this_runtime(&peer, &failures, Settings { linger: 60 * SECOND, linger_is_firm: true, ..steady() });
        let begin = Instant::now();
        for _ in 0..30 {
            delivery.handle(&Record::builder().level(Level::ERROR).message("now").build().as_record()).unwrap();
            tokio::time::sleep(SECOND).await;
        }
        time_until(|| !peer.attempts().is_empty()).await;
        assert!(begin.elapsed() >= 60 * SECOND && begin.elapsed() < 61 * SECOND, "{:?}", begin.elapsed());
        assert_eq!(peer.attempts(), [30]);
        // What comes while all wait is sent at once when somebody flushes, and the next waits again.
        delivery.handle(&record("flushed").as_record()).unwrap();
        tokio::time::sleep(SECOND).await;
        delivery.flush_async(Deadline::after(SECOND)).await.unwrap();
        assert_eq!(peer.attempts(), [30, 1]);
        delivery.flush_async(Deadline::after(SECOND)).await.unwrap();
        delivery.handle(&record("last").as_record()).unwrap();
        let took = time_until(|| peer.attempts().len() >= 3).await;
        assert!(took >= 60 * SECOND, "{took:?}");
    });
}
