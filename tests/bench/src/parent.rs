//! The parent's side: rounds of children, and what they said.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

use crate::Failed;
use crate::child::{Figures, Job};
use crate::contestants::{Contestant, Place, SCRIPT};
use crate::measure::{Futexes, Measure, count_futexes, count_instructions};
use crate::options::Options;
use crate::report;
use crate::workload::LINE_BYTES;

/// More than any run writes, and small enough for anyone's arithmetic.
const NEVER_ROLLS: u64 = 1 << 50;

const BACKUPS: usize = 5;

/// What one contestant did in one round.
pub(crate) struct Observation {
    pub(crate) measure: Measure,
    pub(crate) contestant: &'static str,
    pub(crate) round: usize,
    pub(crate) figures: Figures,
}

/// Measures all that was asked for.
pub(crate) fn run(options: &Options, out: &mut impl Write) -> Result<(), Failed> {
    let path = options.out.clone().unwrap_or_else(default_path);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut results = File::create(&path).map_err(|error| format!("create {}: {error}", path.display()))?;
    if cfg!(debug_assertions) {
        writeln!(out, "This is a debug build: its figures mean nothing. Build with --release.")?;
    }

    let bench = Bench { program: std::env::current_exe()?.into(), size: Size::of(options.quick) };
    let mut observations = Vec::new();
    let mut failures = 0;
    for round in 0..options.rounds {
        for measure in options.measures() {
            for contestant in turn(&options.contestants, round).filter(|contestant| measure.suits(contestant)) {
                match bench.observe(measure, contestant) {
                    Ok(figures) => {
                        let seen = Observation { measure, contestant: contestant.name, round, figures };
                        writeln!(results, "{}", line(&seen))?;
                        observations.push(seen);
                    }
                    Err(error) => {
                        failures += 1;
                        writeln!(io::stderr(), "{}, {}: {error}", contestant.name, measure.name())?;
                    }
                }
            }
        }
        writeln!(io::stderr(), "round {} of {} is done", round + 1, options.rounds)?;
    }
    report::tables(&observations, options, out)?;
    writeln!(out, "\nAll results: {}", path.display())?;
    if failures > 0 {
        return Err(format!("{failures} measurements failed").into());
    }
    Ok(())
}

/// The contestants, each round beginning with the next one: nobody always follows the same neighbour's dirty pages.
fn turn<'a>(contestants: &'a [&'static Contestant], round: usize) -> impl Iterator<Item = &'static Contestant> + 'a {
    contestants.iter().cycle().skip(round % contestants.len().max(1)).take(contestants.len()).copied()
}

/// The workspace's `target/bench`.
fn default_path() -> PathBuf {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/bench").join(format!("{seconds}.jsonl"))
}

fn line(seen: &Observation) -> serde_json::Value {
    json!({
        "measure": seen.measure.name(),
        "workload": seen.measure.workload().to_string(),
        "producers": seen.measure.producers(),
        "contestant": seen.contestant,
        "round": seen.round + 1,
        "figures": seen.figures,
    })
}

/// How much is logged.
struct Size {
    burst_events: u64,
    trickle_events: u64,
    throughput_events: u64,
    allocation_events: u64,
    rollover_bytes: u64,
    rollover_max_bytes: u64,
    instruction_events: u64,
    network_events: u64,
    wakes_events: u64,
    overload_events: u64,
    stopped_events: u64,
    error_events: u64,
}

impl Size {
    fn of(quick: bool) -> Self {
        if quick {
            return Self {
                burst_events: 500,
                trickle_events: 50,
                throughput_events: 2_000,
                allocation_events: 500,
                rollover_bytes: 1 << 20,
                rollover_max_bytes: 100 << 10,
                instruction_events: 200,
                network_events: 2_000,
                wakes_events: 200,
                overload_events: 20_000,
                stopped_events: 2_000,
                error_events: 2_000,
            };
        }
        Self {
            burst_events: 40_000,
            trickle_events: 3_000,
            throughput_events: 500_000,
            allocation_events: 10_000,
            rollover_bytes: 300 << 20,
            rollover_max_bytes: 10 << 20,
            instruction_events: 2_000,
            network_events: 500_000,
            wakes_events: 1_000,
            overload_events: 1_000_000,
            stopped_events: 200_000,
            error_events: 100_000,
        }
    }

    fn events(&self, measure: Measure) -> u64 {
        match measure {
            Measure::Bursts(_) => self.burst_events,
            Measure::Trickle(_) => self.trickle_events,
            Measure::Throughput { producers } => self.throughput_events / producers,
            Measure::Allocations(_) => self.allocation_events,
            Measure::Rollover => self.rollover_bytes / LINE_BYTES,
            Measure::Instructions(_) => self.instruction_events,
            Measure::Wakes(_) => self.wakes_events,
            Measure::Overload => self.overload_events / measure.producers(),
            Measure::Stopped => self.stopped_events,
            Measure::Errors { .. } => self.error_events,
            Measure::Network(wire) => self.network_events / measure.producers() / if wire.is_stream() { 1 } else { 5 },
        }
    }
}

struct Bench {
    program: OsString,
    size: Size,
}

impl Bench {
    fn observe(&self, measure: Measure, contestant: &'static Contestant) -> Result<Figures, Failed> {
        let events = self.size.events(measure);
        match measure {
            Measure::Rollover => {
                let mut figures = self.child(measure, contestant, events, self.size.rollover_max_bytes)?;
                let flat = self.child(measure, contestant, events, NEVER_ROLLS)?;
                figures.extend(flat.into_iter().map(|(name, value)| (format!("flat_{name}"), value)));
                Ok(figures)
            }
            Measure::Instructions(_) => {
                let once = self.instructions(measure, contestant, events)?;
                let twice = self.instructions(measure, contestant, 2 * events)?;
                #[allow(clippy::cast_precision_loss)]
                let an_event = (twice - once) / events as f64;
                Ok(Figures::from([("instructions".to_owned(), an_event)]))
            }
            Measure::Wakes(_) => {
                let once = self.futexes(measure, contestant, events)?;
                let twice = self.futexes(measure, contestant, 2 * events)?;
                #[allow(clippy::cast_precision_loss)]
                let hundred = |once: f64, twice: f64| ((twice - once) * 100.0 / events as f64).max(0.0);
                Ok(Figures::from([
                    ("all".to_owned(), hundred(once.all, twice.all)),
                    ("caller".to_owned(), hundred(once.caller, twice.caller)),
                    ("caller_wakes".to_owned(), hundred(once.caller_wakes, twice.caller_wakes)),
                ]))
            }
            _ => self.child(measure, contestant, events, NEVER_ROLLS),
        }
    }

    /// One child in a folder of its own, which is removed afterwards.
    fn child(&self, measure: Measure, contestant: &'static Contestant, events: u64, max_bytes: u64) -> Result<Figures, Failed> {
        let folder = tempfile::tempdir()?;
        let (program, arguments) = self.command(arguments(measure, contestant, events, max_bytes, folder.path()), contestant);
        let child = Command::new(&program)
            .args(arguments)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| format!("start {}: {error}", program.display()))?;
        folder.close()?;
        if !child.status.success() {
            return Err(format!("the child failed: {}", child.status).into());
        }
        Ok(serde_json::from_slice(&child.stdout)?)
    }

    /// Who does it: this program, or Python.
    fn command(&self, mut arguments: Vec<String>, contestant: &Contestant) -> (OsString, Vec<String>) {
        if contestant.is_python() {
            arguments.insert(0, SCRIPT.to_owned());
            return ("python3".into(), arguments);
        }
        (self.program.clone(), arguments)
    }

    fn futexes(&self, measure: Measure, contestant: &'static Contestant, events: u64) -> Result<Futexes, Failed> {
        let folder = tempfile::tempdir()?;
        let (program, arguments) = self.command(arguments(measure, contestant, events, NEVER_ROLLS, folder.path()), contestant);
        let counted = count_futexes(&program, &arguments);
        folder.close()?;
        counted
    }

    fn instructions(&self, measure: Measure, contestant: &'static Contestant, events: u64) -> Result<f64, Failed> {
        let folder = tempfile::tempdir()?;
        let counted = count_instructions(&self.program, &arguments(measure, contestant, events, NEVER_ROLLS, folder.path()));
        folder.close()?;
        counted
    }
}

fn arguments(measure: Measure, contestant: &'static Contestant, events: u64, max_bytes: u64, folder: &Path) -> Vec<String> {
    let job = Job {
        contestant,
        probe: measure.probe(),
        workload: measure.workload(),
        events,
        producers: measure.producers(),
        place: Place { directory: folder.to_owned(), max_bytes, backups: BACKUPS, port: 0 },
    };
    let mut arguments = vec!["child".to_owned()];
    arguments.extend(job.to_arguments());
    arguments
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contestants;

    #[test]
    fn each_round_begins_with_the_next_contestant() {
        let all: Vec<_> = contestants::ALL.iter().take(3).collect();
        let names = |round| turn(&all, round).map(|contestant| contestant.name).collect::<Vec<_>>();
        assert_eq!(names(1), [all[1].name, all[2].name, all[0].name]);
        assert_eq!(names(3), names(0));
    }

    #[test]
    fn a_job_survives_the_way_through_the_command_line() {
        let contestant = contestants::find("log4rs").unwrap();
        let sent = arguments(Measure::Throughput { producers: 2 }, contestant, 7, 99, Path::new("/some where"));
        let job = Job::from_arguments(&sent[1..]).unwrap();
        assert_eq!((job.contestant.name, job.events, job.producers, job.place.max_bytes), ("log4rs", 7, 2, 99));
        assert_eq!(job.place.directory, Path::new("/some where"));
    }
}
