//! The contract suite lets a correct handler pass, and every case notices a handler that is not.

use std::any::Any;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tracing_handlers_testing::contract;
use tracing_handlers_testing::contract::{CASES, PAIR_CASES};

use crate::flawed::{Flaw, Memory};

contract!(a_correct_handler, || Memory::new(Flaw::None));

/// Declares one test for each pair of a mistake and the case that has to notice it, with a part of what the case says.
macro_rules! notices {
    ($($case:ident notices $flaw:ident says $text:literal as $test:ident;)*) => {
        $(
            #[test]
            fn $test() {
                let complaint = complaint_of(stringify!($case), Flaw::$flaw);
                assert!(complaint.contains($text), "the case says something else: {complaint}");
            }
        )*

        const NOTICED: &[(&str, Flaw)] = &[$((stringify!($case), Flaw::$flaw)),*];
    };
}

notices! {
    records_of_one_thread_arrive_in_order notices Reorders says "line 0 is" as a_wrong_order_is_noticed;
    records_of_one_thread_arrive_in_order notices LosesSome says "line 99 is" as a_lost_record_is_noticed;
    records_of_one_thread_arrive_in_order notices TearsSome says "line 99 is" as a_torn_line_is_noticed;
    records_of_one_thread_arrive_in_order notices RepeatsSome says "line 100 is" as a_repeated_line_is_noticed;
    each_thread_keeps_its_order_and_nothing_is_lost_or_torn notices Reorders says "out of order" as a_wrong_order_is_noticed_among_threads;
    each_thread_keeps_its_order_and_nothing_is_lost_or_torn notices LosesSome says "is lost" as a_lost_record_is_noticed_among_threads;
    each_thread_keeps_its_order_and_nothing_is_lost_or_torn notices TearsSome says "is torn" as a_torn_line_is_noticed_among_threads;
    each_thread_keeps_its_order_and_nothing_is_lost_or_torn notices RepeatsSome says "repeated" as a_repeated_line_is_noticed_among_threads;
    a_flush_brings_everything_to_the_destination notices FlushesNothing says "number of lines" as a_flush_that_does_nothing_is_noticed;
    a_flush_brings_everything_to_the_destination notices FlushForgetsTheNewest says "number of lines" as a_flush_that_forgets_a_record_is_noticed;
    a_flush_covers_the_record_that_its_thread_just_handled notices FlushForgetsTheNewest says "is not there after a flush" as a_flush_that_forgets_a_record_is_noticed_among_threads;
    a_flush_whose_deadline_has_passed_returns notices FlushIgnoresItsDeadline says "did not return" as a_flush_that_hangs_is_noticed;
    a_flush_whose_deadline_has_passed_returns notices LateFlushSaysOk says "number of lines" as a_late_flush_that_lies_is_noticed;
    a_closed_handler_refuses_and_counts_records notices TakesRecordsAfterClose says "a closed handler took a record" as a_record_taken_after_the_end_is_noticed;
    a_closed_handler_refuses_and_counts_records notices ClosesOnce says "close failed" as a_second_close_that_fails_is_noticed;
    a_closed_handler_refuses_and_counts_records notices RefusesUncounted says "not what was offered" as a_refusal_without_a_count_is_noticed;
    a_closed_handler_refuses_and_counts_records notices RefusesForOtherReasons says "does not say that the handler is closed" as a_refusal_without_a_reason_is_noticed;
    a_closed_handler_refuses_and_counts_records notices CloseThrowsAway says "number of lines" as a_close_that_throws_records_away_is_noticed;
    a_close_among_writers_leaves_no_record_unaccounted notices RefusesUncounted says "not what was offered" as a_refusal_without_a_count_is_noticed_among_writers;
    a_close_among_writers_leaves_no_record_unaccounted notices LosesSome says "lines of records" as a_lost_record_is_noticed_by_a_close_among_writers;
    a_batch_arrives_whole_and_in_order notices ReversesBatches says "line 1 is" as a_reversed_batch_is_noticed;
    a_batch_arrives_whole_and_in_order notices LosesSome says "line 99 is" as a_record_lost_from_a_batch_is_noticed;
    records_of_any_size_arrive_whole notices CutsLongLines says "line 5 is" as a_cut_line_is_noticed;
    records_of_any_size_arrive_whole notices SkipsEmptyLines says "line 0 is" as a_skipped_empty_line_is_noticed;
    hostile_text_stays_on_one_line notices WritesRawText says "line 0 is" as raw_text_is_noticed;
    a_failing_destination_loses_nothing_silently notices CountsFailuresAsDelivered says "everything counts as delivered" as a_failure_counted_as_delivery_is_noticed;
    a_failing_destination_loses_nothing_silently notices DropsUncounted says "do not balance" as an_uncounted_drop_is_noticed;
    a_failing_destination_loses_nothing_silently notices DropsUnreported says "that were reported" as an_unreported_drop_is_noticed;
    a_failing_destination_loses_nothing_silently notices ReturnsUnreported says "not reported to the hook" as an_error_that_nobody_reported_is_noticed;
    a_failing_destination_loses_nothing_silently notices LeavesHalfALine says "is torn" as half_a_line_is_noticed;
    a_mended_destination_gets_later_records notices NeverTriesAgain says "refused" as a_handler_that_gives_up_is_noticed;
    a_mended_destination_gets_later_records notices LeavesHalfALine says "is torn" as a_record_joined_to_half_a_line_is_noticed;
    events_of_the_failure_hook_do_not_recurse notices HookIsNotOurOwnWork says "own event arrived" as a_handled_event_of_the_hook_is_noticed;
    events_of_the_failure_hook_do_not_recurse notices HookRecurses says "without end" as an_endless_recursion_is_noticed;
    a_panicking_hook_is_contained notices HookPanicEscapes says "the panic of the hook, passed on" as an_escaped_panic_of_a_hook_is_noticed;
    a_panicking_format_costs_one_record notices FormatPanicEscapes says "deliberate mistake of a format" as an_escaped_panic_of_a_format_is_noticed;
    a_panicking_format_costs_one_record notices BatchEndsAtAFailure says "number of lines" as a_batch_that_ends_at_a_failure_is_noticed;
    two_layers_of_one_type_both_get_everything notices SharesState says "number of lines" as state_shared_between_handlers_is_noticed;
}

/// What the case says about the mistake.
fn complaint_of(case: &str, flaw: Flaw) -> String {
    let memory = || Memory::new(flaw);
    let single = CASES.iter().find(|(name, _)| *name == case);
    let pair = PAIR_CASES.iter().find(|(name, _)| *name == case);
    let outcome = catch_unwind(AssertUnwindSafe(|| match (single, pair) {
        (Some((_, run)), _) => run(&memory()),
        (_, Some((_, run))) => run(&memory(), &memory()),
        _ => unreachable!("no such case"),
    }));
    text_of(&*outcome.expect_err("the case did not notice"))
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default().to_owned()
}

#[test]
fn every_case_notices_something() {
    let noticing: BTreeSet<&str> = NOTICED.iter().map(|(case, _)| *case).collect();
    let all: BTreeSet<&str> = CASES.iter().map(|(name, _)| *name).chain(PAIR_CASES.iter().map(|(name, _)| *name)).collect();
    assert_eq!(noticing, all);
}

#[test]
fn every_case_is_in_the_suite() {
    let written = include_str!("../../src/contract/cases.rs").lines().filter(|line| line.starts_with("pub fn ")).count();
    assert_eq!(CASES.len() + PAIR_CASES.len(), written);
}

/// A subject that discards everything, as a null handler does.
mod discarding {
    use std::sync::Arc;

    use tracing_handlers_core::Handler;
    use tracing_handlers_testing::{FailureLog, Subject};

    use super::{Flaw, Memory};

    struct Discarding(Memory);

    impl Subject for Discarding {
        fn open(&self, failures: FailureLog) -> Arc<dyn Handler> {
            self.0.open(failures)
        }
        fn lines(&self) -> Vec<String> {
            Vec::new()
        }
        fn break_destination(&self) -> bool {
            false
        }
        fn mend(&self) {}
        fn discards(&self) -> bool {
            true
        }
    }

    tracing_handlers_testing::contract!(a_discarding_handler, || Discarding(Memory::new(Flaw::None)));
}
