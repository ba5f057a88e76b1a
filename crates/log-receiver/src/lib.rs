//! What the program `log-receiver` is made of: a log server for `SocketHandler` and `DatagramHandler`, of Rust and of Python.
//!
//! # What it does
//!
//! It listens at any number of places, reads records in every encoding, and writes them to a file that is rolled over, or to the
//! terminal. It ends in order on SIGINT and SIGTERM: what is under way is read and written, and the counters are shown.
//!
//! ```sh
//! log-receiver tcp://0.0.0.0:9020 udp://0.0.0.0:9021 --file app.log --max-bytes 10000000 --backup-count 5 --compress
//! ```
//!
//! # Example
//!
//! ```
//! use tracing_handlers_log_receiver::Options;
//!
//! let options = Options::parse(["tcp://127.0.0.1:0", "--level", "WARN"].map(String::from))?;
//! assert_eq!(options.places, ["tcp://127.0.0.1:0"]);
//! assert!(Options::parse(["--level".to_owned()]).is_err());
//! # Ok::<(), String>(())
//! ```
//!
//! # Guarantees
//!
//! - Those of [`tracing_handlers_receiver`]; what was read is written and closed before the program ends.
//! - Every setting is checked before it says that it listens.
//! - The exit status is 0 after a signal, 2 where a setting is wrong or a place is taken, 1 where the end did not go well.
//!
//! # Features
//!
//! `gzip`, on by default: `--compress`. `tls`: places `tls://…`, by the library of the system.

mod options;
mod output;
mod run;

pub use self::options::{HELP, Options};
pub use self::run::run;
