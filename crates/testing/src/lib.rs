//! What the tests of all handlers share. Not published.
//!
//! | module | what it is for |
//! |---|---|
//! | [`contract`](mod@contract) | one suite of cases that every handler passes, put into a test binary by [`contract!`] |
//! | [`fault_fs`] | a file system that fails, fills up, loses power or waits exactly where the test says |
//! | [`setting`] | where a file handler is tested: a log in a folder of its own, with the two before and a failure hook |
//! | [`file_subject`] | the subject of the file family, and what reads a rolled log back |
//! | [`target_subject`] | the subject of handlers that pass records on |
//! | [`clock`] | a clock that the test moves |
//! | [`gate`] | a place where a thread waits until the test lets it go on |
//! | [`waiting`] | looking for what nobody tells, until it is there |
//! | [`killed_writers`] | processes that write to one log until they are killed, and what they must leave |
//! | [`on_record`] | a handler that is a function |
//! | [`peers`] | peers on loopback that keep what they get, go away and come back; a port that stays the test's own |
//! | [`proxy`] | a proxy that cuts, resets, stops and slows down the connections that go through it |
//! | [`python`] | a program in Python that answers line by line, and one that logs over TLS |
//! | [`certificates`] | an authority, a server and a client for tests of TLS |
//! | [`capture`] | a handler that keeps what it gets, and a failure hook that keeps what it is told |
//! | [`format`](mod@format) | the format that the suite expects: the escaped message and nothing else |
//!
//! Nothing here sleeps in the hope that something will have happened. What waits for another thread gives up after [`gate::PATIENCE`], so that a
//! mistake ends as a failed test and not as a test that hangs.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "code that tests call fails as tests do"
)]

pub mod capture;
pub mod certificates;
pub mod clock;
pub mod contract;
pub mod fault_fs;
pub mod file_subject;
pub mod format;
pub mod gate;
pub mod killed_writers;
pub mod on_record;
pub mod peers;
pub mod proxy;
pub mod python;
pub mod setting;
pub mod target_subject;
pub mod waiting;

pub use self::capture::{CollectingHandler, FailureLog, handle, record};
pub use self::clock::ManualClock;
pub use self::contract::Subject;
pub use self::fault_fs::{FaultFs, Op};
pub use self::file_subject::{FileParts, FileSubject};
pub use self::format::MessageOnly;
pub use self::gate::Gate;
pub use self::on_record::OnRecord;
pub use self::setting::Setting;
pub use self::target_subject::TargetSubject;
pub use self::waiting::{comes, comes_true, wait_until};
