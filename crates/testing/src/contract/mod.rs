//! One suite of cases that every handler passes: what [`Handler`] promises, tested the same way everywhere.
//!
//! A handler crate says in a [`Subject`] how its handler is opened, read back, broken and mended; [`contract!`](crate::contract!)
//! makes one test of each case.
//!
//! ```
//! use std::io::ErrorKind;
//! use std::sync::Arc;
//! use tracing_handlers_core::Handler;
//! use tracing_handlers_testing::{CollectingHandler, FailureLog, Subject};
//!
//! /// A handler that writes nowhere else than into itself.
//! #[derive(Default)]
//! struct Collecting {
//!     handler: CollectingHandler,
//! }
//!
//! impl Subject for Collecting {
//!     fn open(&self, _: FailureLog) -> Arc<dyn Handler> {
//!         Arc::new(self.handler.clone())
//!     }
//!     fn lines(&self) -> Vec<String> {
//!         self.handler.lines()
//!     }
//!     fn break_destination(&self) -> bool {
//!         false // It reports to no hook, so here it may not fail.
//!     }
//!     fn mend(&self) {}
//!     fn formats(&self) -> bool {
//!         false
//!     }
//! }
//!
//! tracing_handlers_testing::contract!(collecting, || Collecting::default());
//! # fn main() {
//! #     for (_, case) in tracing_handlers_testing::contract::CASES {
//! #         case(&Collecting::default());
//! #     }
//! # }
//! ```
//!
//! Every case flushes before it looks, and ends with the books: everything offered was handled,
//! `handled = delivered + dropped + pending`, and nothing pends after a flush.

pub mod cases;
mod run;

use std::sync::Arc;

use tracing_handlers_core::Handler;

use crate::capture::FailureLog;

/// A kind of handler under test, with a destination of its own.
///
/// The handler is given room for 10,000 records and 64 MiB where it has bounds, and writes the format
/// [`MessageOnly`](crate::MessageOnly) where it has one, one line a record.
pub trait Subject: Send + Sync {
    /// Opens the handler on the subject's destination, with `failures` as its failure hook. Called once in each case.
    fn open(&self, failures: FailureLog) -> Arc<dyn Handler>;

    /// Everything delivered so far, in order, one line a record and without line ends; the empty message is an empty line.
    ///
    /// Called after a flush, never while the destination is broken. Where the destination is a peer, this waits for what is
    /// under way to it.
    fn lines(&self) -> Vec<String>;

    /// Makes every delivery fail from now on; `false` only where that cannot be, as for a handler that discards everything.
    fn break_destination(&self) -> bool;

    /// Makes deliveries work again, and moves the handler's clock past any pause that it makes before it tries again.
    fn mend(&self);

    /// Whether the handler discards what it handles, so that [`lines`](Self::lines) says nothing.
    fn discards(&self) -> bool {
        false
    }

    /// Whether the handler uses the format it is given.
    fn formats(&self) -> bool {
        true
    }

    /// Whether a record may arrive twice when the destination broke while it was under way.
    fn may_repeat(&self) -> bool {
        false
    }

    /// Whether what counts as delivered may not arrive when the destination breaks, as with datagrams.
    fn may_vanish(&self) -> bool {
        false
    }

    /// The longest line in bytes that the destination takes; longer ones are not tried.
    fn longest_line(&self) -> usize {
        usize::MAX
    }
}

/// A case of the suite.
pub type Case = fn(&dyn Subject);

/// Gives the names of all cases to a macro: those of one subject, and those that need two of a kind.
#[doc(hidden)]
#[macro_export]
macro_rules! __contract_cases {
    ($callback:path $(, $argument:tt)*) => {
        $callback! {
            $($argument)*
            [
                records_of_one_thread_arrive_in_order
                each_thread_keeps_its_order_and_nothing_is_lost_or_torn
                a_flush_brings_everything_to_the_destination
                a_flush_covers_the_record_that_its_thread_just_handled
                a_flush_whose_deadline_has_passed_returns
                a_closed_handler_refuses_and_counts_records
                a_close_among_writers_leaves_no_record_unaccounted
                a_batch_arrives_whole_and_in_order
                records_of_any_size_arrive_whole
                hostile_text_stays_on_one_line
                a_failing_destination_loses_nothing_silently
                a_mended_destination_gets_later_records
                events_of_the_failure_hook_do_not_recurse
                a_panicking_hook_is_contained
                a_panicking_format_costs_one_record
            ]
            [
                two_layers_of_one_type_both_get_everything
            ]
        }
    };
}

macro_rules! list_cases {
    ([$($case:ident)*] [$($pair:ident)*]) => {
        /// Every case of one subject, by name.
        pub const CASES: &[(&str, Case)] = &[$((stringify!($case), cases::$case)),*];

        /// Every case of two subjects of a kind, by name.
        pub const PAIR_CASES: &[(&str, fn(&dyn Subject, &dyn Subject))] = &[$((stringify!($pair), cases::$pair)),*];
    };
}
__contract_cases!(list_cases);

/// Makes a module of tests, one for each case of the [suite](mod@crate::contract), out of a way to make a [`Subject`].
///
/// `contract!(rotating_file, || MySubject::new());` — see the [module](mod@crate::contract) for an example that runs.
#[macro_export]
macro_rules! contract {
    ($name:ident, $make:expr $(,)?) => {
        mod $name {
            #[allow(unused_imports, reason = "the expression may need none")]
            use super::*;

            fn subject() -> impl $crate::contract::Subject {
                ($make)()
            }

            $crate::__contract_cases!($crate::__contract_tests);
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __contract_tests {
    ([$($case:ident)*] [$($pair:ident)*]) => {
        $(
            #[test]
            fn $case() {
                $crate::contract::cases::$case(&subject());
            }
        )*
        $(
            #[test]
            fn $pair() {
                $crate::contract::cases::$pair(&subject(), &subject());
            }
        )*
    };
}
