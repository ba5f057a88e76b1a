//! What is measured. A [`Probe`] is what a child does; a [`Measure`] is what the parent makes of one or two of them.

mod allocations;
mod bursts;
mod instructions;
mod pauses;
mod throughput;
mod trickle;

use std::fmt;
use std::str::FromStr;

use crate::Failed;
use crate::child::{Figures, Job};
use crate::contestants::{Contestant, Running};
use crate::workload::Workload;

pub(crate) use self::instructions::count as count_instructions;

/// What a child does with its contestant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Probe {
    Bursts,
    Trickle,
    Throughput,
    Allocations,
    Pauses,
    /// Only logs; callgrind measures.
    Emit,
}

impl Probe {
    const ALL: [Self; 6] = [Self::Bursts, Self::Trickle, Self::Throughput, Self::Allocations, Self::Pauses, Self::Emit];

    /// Measures.
    pub(crate) fn run(self, running: Running, job: &Job) -> Result<Figures, Failed> {
        match self {
            Self::Bursts => bursts::run(running, job),
            Self::Trickle => trickle::run(running, job),
            Self::Throughput => throughput::run(running, job),
            Self::Allocations => allocations::run(running, job),
            Self::Pauses => pauses::run(running, job),
            Self::Emit => instructions::emit(running, job),
        }
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bursts => "bursts",
            Self::Trickle => "trickle",
            Self::Throughput => "throughput",
            Self::Allocations => "allocations",
            Self::Pauses => "pauses",
            Self::Emit => "emit",
        })
    }
}

impl FromStr for Probe {
    type Err = Failed;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|probe| probe.to_string() == name);
        known.ok_or_else(|| format!("no probe is called {name}").into())
    }
}

/// One table of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    Bursts(Workload),
    Trickle,
    Throughput { producers: u64 },
    Allocations(Workload),
    Rollover,
    Instructions(Workload),
}

/// One column of a table: the figure's name and the head above it.
pub(crate) type Column = (&'static str, &'static str);

impl Measure {
    /// Every table, in the order of the report.
    pub(crate) const ALL: [Self; 13] = [
        Self::Bursts(Workload::Plain),
        Self::Bursts(Workload::Spans),
        Self::Bursts(Workload::Nested),
        Self::Trickle,
        Self::Throughput { producers: 1 },
        Self::Throughput { producers: 2 },
        Self::Throughput { producers: 8 },
        Self::Allocations(Workload::Plain),
        Self::Allocations(Workload::Spans),
        Self::Rollover,
        Self::Instructions(Workload::Plain),
        Self::Instructions(Workload::Spans),
        Self::Instructions(Workload::Nested),
    ];

    /// What `--measure` calls it.
    pub(crate) fn family(self) -> &'static str {
        match self {
            Self::Bursts(_) | Self::Trickle => "caller",
            Self::Throughput { .. } => "throughput",
            Self::Allocations(_) => "alloc",
            Self::Rollover => "rollover",
            Self::Instructions(_) => "callgrind",
        }
    }

    /// What the results call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bursts(_) => "bursts",
            Self::Trickle => "trickle",
            Self::Throughput { .. } => "throughput",
            Self::Allocations(_) => "allocations",
            Self::Rollover => "rollover",
            Self::Instructions(_) => "instructions",
        }
    }

    /// The head of the table.
    pub(crate) fn title(self) -> String {
        match self {
            Self::Bursts(workload) => format!("bursts, {workload}: the caller's time an event, ns"),
            Self::Trickle => "trickle, W1: the caller's time for one event every 200 µs, ns".to_owned(),
            Self::Throughput { producers } => {
                format!("throughput, W1, producers: {producers}; until all is flushed, more is better")
            }
            Self::Allocations(workload) => format!("allocations an event, {workload}"),
            Self::Rollover => "rollover, W1: the caller's worst times, µs, with and without rolling over".to_owned(),
            Self::Instructions(workload) => format!("instructions an event, {workload}, all threads"),
        }
    }

    /// What is logged.
    pub(crate) fn workload(self) -> Workload {
        match self {
            Self::Bursts(workload) | Self::Allocations(workload) | Self::Instructions(workload) => workload,
            Self::Trickle | Self::Throughput { .. } | Self::Rollover => Workload::Plain,
        }
    }

    /// How many threads log.
    pub(crate) fn producers(self) -> u64 {
        match self {
            Self::Throughput { producers } => producers,
            _ => 1,
        }
    }

    /// What the children do.
    pub(crate) fn probe(self) -> Probe {
        match self {
            Self::Bursts(_) => Probe::Bursts,
            Self::Trickle => Probe::Trickle,
            Self::Throughput { .. } => Probe::Throughput,
            Self::Allocations(_) => Probe::Allocations,
            Self::Rollover => Probe::Pauses,
            Self::Instructions(_) => Probe::Emit,
        }
    }

    /// Whether that contestant can be measured so.
    pub(crate) fn suits(self, contestant: &Contestant) -> bool {
        contestant.can(self.workload()) && (self != Self::Rollover || contestant.rolls)
    }

    /// The figures of the table.
    pub(crate) fn columns(self) -> &'static [Column] {
        match self {
            Self::Bursts(_) => &[("p50_ns", "p50"), ("p99_ns", "p99"), ("p99.9_ns", "p99.9")],
            Self::Trickle => &[("p50_ns", "p50"), ("p99_ns", "p99")],
            Self::Throughput { .. } => &[("kilo_events_per_second", "k events/s"), ("lines_missing", "lines missing")],
            Self::Allocations(_) => &[("caller", "caller"), ("all_threads", "all threads")],
            Self::Rollover => &[
                ("max_us", "max"),
                ("p99.99_us", "p99.99"),
                ("flat_max_us", "max without"),
                ("flat_p99.99_us", "p99.99 without"),
                ("files", "files left"),
            ],
            Self::Instructions(_) => &[("instructions", "instructions")],
        }
    }

    /// The figure that is compared with the baselines', where that makes sense.
    pub(crate) fn headline(self) -> Option<&'static str> {
        match self {
            Self::Bursts(_) | Self::Trickle => Some("p50_ns"),
            Self::Throughput { .. } => Some("kilo_events_per_second"),
            Self::Instructions(_) => Some("instructions"),
            // A ratio to no allocation says nothing, and the baselines do not roll over by size.
            Self::Allocations(_) | Self::Rollover => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_probe_is_found_by_its_name() {
        for probe in Probe::ALL {
            assert_eq!(probe.to_string().parse::<Probe>().unwrap(), probe);
        }
        assert!("nothing".parse::<Probe>().is_err());
    }

    #[test]
    fn every_headline_is_a_column() {
        for measure in Measure::ALL {
            let Some(headline) = measure.headline() else { continue };
            assert!(measure.columns().iter().any(|(figure, _)| *figure == headline), "{measure:?}");
        }
    }
}
