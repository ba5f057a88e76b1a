//! What is measured. A [`Probe`] is what a child does; a [`Measure`] is what the parent makes of one or two of them.

mod allocations;
mod bursts;
mod instructions;
mod network;
mod overload;
mod pauses;
mod row;
mod stopped;
mod table;
mod throughput;
mod trickle;
mod wakes;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::Failed;
use crate::child::{Figures, Job};
use crate::contestants::Running;
use crate::receiver::Receiver;

pub(crate) use self::instructions::count as count_instructions;
pub(crate) use self::table::Measure;
pub(crate) use self::wakes::{Futexes, count as count_futexes};

/// What a child does with its contestant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Probe {
    Bursts,
    /// An event every so many microseconds.
    Trickle(u64),
    Throughput,
    Allocations,
    Pauses,
    Network,
    Overload,
    Stopped,
    /// One event after the other.
    Row,
    /// Only logs; callgrind measures.
    Emit,
}

impl Probe {
    const ALL: &[Self] = &[
        Self::Bursts,
        Self::Trickle(30),
        Self::Trickle(200),
        Self::Throughput,
        Self::Allocations,
        Self::Pauses,
        Self::Network,
        Self::Overload,
        Self::Stopped,
        Self::Row,
        Self::Emit,
    ];

    /// Measures.
    pub(crate) fn run(self, running: Running, job: &Job, receiver: Option<&Receiver>) -> Result<Figures, Failed> {
        match self {
            Self::Bursts => bursts::run(running, job),
            Self::Trickle(micros) => trickle::run(running, job, Duration::from_micros(micros)),
            Self::Throughput => throughput::run(running, job),
            Self::Allocations => allocations::run(running, job),
            Self::Pauses => pauses::run(running, job),
            Self::Network => network::run(running, job, receiver.ok_or("there is no receiver")?),
            Self::Overload => overload::run(running, job),
            Self::Stopped => stopped::run(running, job),
            Self::Row => row::run(running, job),
            Self::Emit => instructions::emit(running, job),
        }
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bursts => "bursts",
            Self::Trickle(micros) => return write!(f, "trickle-{micros}"),
            Self::Throughput => "throughput",
            Self::Allocations => "allocations",
            Self::Pauses => "pauses",
            Self::Network => "network",
            Self::Overload => "overload",
            Self::Stopped => "stopped",
            Self::Row => "row",
            Self::Emit => "emit",
        })
    }
}

impl FromStr for Probe {
    type Err = Failed;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.iter().copied().find(|probe| probe.to_string() == name);
        known.ok_or_else(|| format!("no probe is called {name}").into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_probe_is_found_by_its_name() {
        for &probe in Probe::ALL {
            assert_eq!(probe.to_string().parse::<Probe>().unwrap(), probe);
        }
        assert!("nothing".parse::<Probe>().is_err());
    }
}
