//! The tables of the report.

use crate::contestants::{Contestant, Field};
use crate::measure::Probe;
use crate::receiver::Wire;
use crate::workload::Workload;

/// One table of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    Bursts(Workload),
    /// An event every so many microseconds.
    Trickle(u64),
    Throughput {
        producers: u64,
    },
    Allocations(Workload),
    Rollover,
    Instructions(Workload),
    /// The futex calls of a trickle.
    Wakes(u64),
    Overload,
    Stopped,
    /// Errors in bursts, or all in a row.
    Errors {
        in_a_row: bool,
    },
    Network(Wire),
}

/// One column of a table: the figure's name and the head above it.
pub(crate) type Column = (&'static str, &'static str);

/// Of errors all in a row.
const IN_A_ROW: &[Column] = &[
    ("p50_ns", "p50"),
    ("p99_ns", "p99"),
    ("p99.9_ns", "p99.9"),
    ("max_ns", "max"),
    ("all_ms", "all together, ms"),
    ("handled", "handled"),
    ("delivered", "= delivered"),
    ("dropped_full", "+ dropped: full"),
    ("dropped_failed", "+ beyond the limit"),
    ("pending", "+ pending"),
    ("unaccounted", "unaccounted"),
    ("arrived", "mails, lines"),
];

impl Measure {
    /// Every table, in the order of the report.
    pub(crate) const ALL: &[Self] = &[
        Self::Bursts(Workload::Plain),
        Self::Bursts(Workload::Spans),
        Self::Bursts(Workload::Nested),
        Self::Trickle(30),
        Self::Trickle(200),
        Self::Throughput { producers: 1 },
        Self::Throughput { producers: 2 },
        Self::Throughput { producers: 8 },
        Self::Allocations(Workload::Plain),
        Self::Allocations(Workload::Spans),
        Self::Rollover,
        Self::Instructions(Workload::Plain),
        Self::Instructions(Workload::Spans),
        Self::Instructions(Workload::Nested),
        Self::Wakes(30),
        Self::Wakes(200),
        Self::Overload,
        Self::Stopped,
        Self::Errors { in_a_row: false },
        Self::Errors { in_a_row: true },
        Self::Network(Wire::Tcp),
        Self::Network(Wire::Udp),
        Self::Network(Wire::Unix),
        Self::Network(Wire::SyslogTcp),
        Self::Network(Wire::SyslogUdp),
        Self::Network(Wire::Http),
    ];

    /// What `--measure` calls it.
    pub(crate) fn family(self) -> &'static str {
        match self {
            Self::Bursts(_) | Self::Trickle(_) => "caller",
            Self::Throughput { .. } => "throughput",
            Self::Allocations(_) => "alloc",
            Self::Rollover => "rollover",
            Self::Instructions(_) => "callgrind",
            Self::Wakes(_) => "wakes",
            Self::Overload => "overload",
            Self::Stopped => "stopped",
            Self::Errors { .. } => "errors",
            Self::Network(_) => "network",
        }
    }

    /// What the results call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bursts(_) => "bursts",
            Self::Trickle(30) => "trickle_30",
            Self::Trickle(_) => "trickle",
            Self::Throughput { .. } => "throughput",
            Self::Allocations(_) => "allocations",
            Self::Rollover => "rollover",
            Self::Instructions(_) => "instructions",
            Self::Wakes(30) => "wakes_30",
            Self::Wakes(_) => "wakes",
            Self::Overload => "overload",
            Self::Stopped => "stopped",
            Self::Errors { in_a_row: false } => "errors_bursts",
            Self::Errors { in_a_row: true } => "errors_row",
            Self::Network(_) => "network",
        }
    }

    /// The head of the table.
    pub(crate) fn title(self) -> String {
        match self {
            Self::Bursts(workload) => format!("bursts, {workload}: the caller's time an event, ns"),
            Self::Trickle(micros) => format!("trickle, W1: the caller's time for one event every {micros} µs, ns"),
            Self::Throughput { producers } => {
                format!("throughput, W1, producers: {producers}; until all is flushed, more is better")
            }
            Self::Allocations(workload) => format!("allocations an event, {workload}"),
            Self::Rollover => "rollover, W1: the caller's worst times, µs, with and without rolling over".to_owned(),
            Self::Instructions(workload) => format!("instructions an event, {workload}, all threads"),
            Self::Wakes(micros) => format!("futex calls for 100 events, W1, one every {micros} µs, counted by strace"),
            Self::Overload => "overload, W1, two producers as fast as they can, queues that drop what finds no room".to_owned(),
            Self::Stopped => {
                "stopped consumer, W1: the caller's time in bursts, ns, beside the same with a live one".to_owned()
            }
            Self::Errors { in_a_row: false } => "errors, W1, in bursts: the caller's time an event, ns".to_owned(),
            Self::Errors { in_a_row: true } => {
                "errors, W1, all in a row: the caller's time an event, ns, and what became of them".to_owned()
            }
            Self::Network(wire) => {
                format!("network, W1, {}, two producers; until all is received, more is better", wire.title())
            }
        }
    }

    /// What is logged.
    pub(crate) fn workload(self) -> Workload {
        match self {
            Self::Bursts(workload) | Self::Allocations(workload) | Self::Instructions(workload) => workload,
            Self::Trickle(_)
            | Self::Throughput { .. }
            | Self::Rollover
            | Self::Wakes(_)
            | Self::Overload
            | Self::Stopped
            | Self::Errors { .. }
            | Self::Network(_) => Workload::Plain,
        }
    }

    /// How many threads log.
    pub(crate) fn producers(self) -> u64 {
        match self {
            Self::Throughput { producers } => producers,
            Self::Overload | Self::Network(_) => 2,
            _ => 1,
        }
    }

    /// What the children do.
    pub(crate) fn probe(self) -> Probe {
        match self {
            Self::Bursts(_) | Self::Errors { in_a_row: false } => Probe::Bursts,
            Self::Trickle(micros) | Self::Wakes(micros) => Probe::Trickle(micros),
            Self::Throughput { .. } => Probe::Throughput,
            Self::Allocations(_) => Probe::Allocations,
            Self::Rollover => Probe::Pauses,
            Self::Instructions(_) => Probe::Emit,
            Self::Overload => Probe::Overload,
            Self::Stopped => Probe::Stopped,
            Self::Errors { in_a_row: true } => Probe::Row,
            Self::Network(_) => Probe::Network,
        }
    }

    /// Whether that contestant can be measured so.
    pub(crate) fn suits(self, contestant: &Contestant) -> bool {
        let field = match self {
            Self::Network(wire) => Field::Network(wire),
            Self::Overload => Field::Lossy,
            Self::Stopped => Field::Stopped,
            Self::Errors { .. } => Field::Errors,
            _ => Field::Files,
        };
        let wanted = match self {
            Self::Rollover => contestant.rolls,
            Self::Wakes(_) => contestant.queued,
            _ => true,
        };
        contestant.field == field
            && contestant.can(self.workload())
            && wanted
            && (!contestant.is_python() || self.is_for_python())
    }

    /// Whether `bench.py` can do it.
    fn is_for_python(self) -> bool {
        matches!(
            self,
            Self::Bursts(Workload::Plain) | Self::Trickle(_) | Self::Throughput { .. } | Self::Wakes(_) | Self::Overload
        )
    }

    /// The figures of the table.
    pub(crate) fn columns(self) -> &'static [Column] {
        match self {
            Self::Bursts(_) => &[("p50_ns", "p50"), ("middle_ns", "middle half"), ("p99_ns", "p99"), ("p99.9_ns", "p99.9")],
            Self::Trickle(_) | Self::Errors { in_a_row: false } => {
                &[("p50_ns", "p50"), ("p99_ns", "p99"), ("p99.9_ns", "p99.9")]
            }
            Self::Throughput { .. } => &[
                ("kilo_events_per_second", "k events/s"),
                ("cpu_ns", "CPU ns an event, all threads"),
                ("lines_missing", "lines missing"),
            ],
            Self::Wakes(_) => {
                &[("caller_wakes", "wakes by the caller"), ("caller", "all by the caller"), ("all", "all by all threads")]
            }
            Self::Overload => &[
                ("wall_ns_an_event", "ns an event"),
                ("made", "made"),
                ("written", "in the file"),
                ("missing", "missing"),
                ("handled", "handled"),
                ("delivered", "delivered"),
                ("dropped", "told as dropped"),
                ("dropped_full", "of these: full"),
                ("untold", "missing − told"),
            ],
            Self::Stopped => &[
                ("live_p50_ns", "live p50"),
                ("live_p99_ns", "p99"),
                ("live_p99.9_ns", "p99.9"),
                ("p50_ns", "stopped p50"),
                ("p99_ns", "p99"),
                ("p99.9_ns", "p99.9"),
                ("handled", "handled"),
                ("delivered", "= delivered"),
                ("dropped", "+ dropped"),
                ("pending", "+ pending"),
                ("unaccounted", "unaccounted"),
            ],
            Self::Errors { in_a_row: true } => IN_A_ROW,
            Self::Allocations(_) => &[("caller", "caller"), ("all_threads", "all threads")],
            Self::Rollover => &[
                ("max_us", "max"),
                ("p99.99_us", "p99.99"),
                ("flat_max_us", "max without"),
                ("flat_p99.99_us", "p99.99 without"),
                ("files", "files left"),
            ],
            Self::Instructions(_) => &[("instructions", "instructions")],
            Self::Network(_) => &[
                ("kilo_events_per_second", "k events/s"),
                ("mb_per_second", "MB/s"),
                ("bytes_an_event", "bytes an event"),
                ("lost", "lost"),
            ],
        }
    }

    /// With whom all are compared, and what the column says.
    pub(crate) fn baselines(self) -> &'static [Column] {
        match self {
            Self::Network(wire) => wire.baselines(),
            Self::Errors { .. } => &[("ours-errors-queue", "÷ queue"), ("ours-errors-file", "÷ queued file")],
            _ => &[("tracing-appender-blocking", "÷ ta blocking"), ("tracing-appender-nonblocking", "÷ ta nonblocking")],
        }
    }

    /// The figure that is compared with the baselines', where that makes sense.
    pub(crate) fn headline(self) -> Option<&'static str> {
        match self {
            Self::Bursts(_) | Self::Trickle(_) | Self::Errors { .. } => Some("p50_ns"),
            Self::Throughput { .. } | Self::Network(_) => Some("kilo_events_per_second"),
            Self::Instructions(_) => Some("instructions"),
            // Nothing to divide by, or nobody.
            Self::Wakes(_) | Self::Overload | Self::Stopped => None,
            // A ratio to no allocation says nothing, and the baselines do not roll over by size.
            Self::Allocations(_) | Self::Rollover => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_headline_is_a_column() {
        for measure in Measure::ALL {
            let Some(headline) = measure.headline() else { continue };
            assert!(measure.columns().iter().any(|(figure, _)| *figure == headline), "{measure:?}");
        }
    }
}
