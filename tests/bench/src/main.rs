//! Measures `tracing-handlers` beside its peers, in one run and interleaved.
//!
//! ```text
//! cargo run --release -p tracing-handlers-bench -- [callgrind] [options]
//!
//!   --quick          a smoke run of some seconds; its figures mean nothing
//!   --rounds N       how often everything is repeated, 5 unless told
//!   --only a,b       these contestants; name a baseline too, or there are no ratios
//!   --measure m      caller | throughput | alloc | rollover | callgrind | wakes | overload | stopped | errors |
//!                    network | all (the default)
//!   --out file       one JSON line a result, `target/bench/<seconds>.jsonl` unless told
//!   --list           the contestants
//! ```
//!
//! Every figure is measured in a child process of its own, because several contestants install a global logger. The parent
//! goes round-robin over the contestants, several rounds, beginning with another one each time, and prints the median and the
//! range over the rounds. On a machine that others use too only the ratio to a peer in the same round means anything.
//!
//! | table | what is measured |
//! |---|---|
//! | bursts | the caller's time an event, 100 at a time, with a pause in between so that no queue fills |
//! | trickle | the caller's time for one event every 30 or 200 µs, from a thread that is busy in between |
//! | throughput | events a second from one or two threads, until everything is in the file, and the CPU time of all threads |
//! | allocations | an event, in the caller and in all threads, in the steady state |
//! | rollover | the caller's worst times while 300 MiB go through a file that rolls over at 10 MiB, and without rolling over |
//! | instructions | an event, in all threads, counted by callgrind |
//! | wakes | futex calls for 100 events of a trickle, counted by strace |
//! | overload | what becomes of events that come faster than they can be written, from queues that drop |
//! | stopped | the caller's time while the handler behind a queue hangs, while a peer is stopped, and after it died |
//! | errors | the caller's time for errors that are mailed or sent as JSON, 100 at a time and 100,000 in a row, beside a queue before a handler that does nothing |
//! | network | events a second from two threads until a thread of the child has received them, beside a plain loop over the same socket |
//!
//! The cost of reading the clock is measured in each child and subtracted. A contestant that writes slower than the loop runs
//! has to make it wait sooner or later: `rollover` runs without pauses, so its times hold back-pressure too, in both columns.

mod allocator;
mod child;
mod contestants;
mod measure;
mod options;
mod parent;
mod receiver;
mod report;
mod stats;
mod workload;

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use crate::options::{Command, Options};

/// Anything that went wrong.
type Failed = Box<dyn Error + Send + Sync>;

#[global_allocator]
static ALLOCATOR: allocator::Counting = allocator::Counting;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            writeln!(io::stderr(), "tracing-handlers-bench: {error}").ok();
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failed> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let out = &mut io::stdout();
    match Options::parse(&arguments)? {
        Command::Help => writeln!(out, "{}", options::HELP)?,
        Command::List => {
            for contestant in contestants::ALL {
                writeln!(out, "{} {}", contestant.name, contestant.field.name())?;
            }
        }
        Command::Peer => receiver::serve(out)?,
        Command::Child(job) => writeln!(out, "{}", serde_json::to_string(&child::run(&job)?)?)?,
        Command::Measure(options) => parent::run(&options, out)?,
    }
    Ok(())
}
