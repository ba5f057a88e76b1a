//! The command line.

use std::path::PathBuf;

use crate::Failed;
use crate::child::Job;
use crate::contestants::{self, Contestant};
use crate::measure::Measure;

/// What `--help` prints.
pub(crate) const HELP: &str = "\
tracing-handlers-bench [callgrind] [options]

  --quick          a smoke run of some seconds; its figures mean nothing
  --rounds N       how often everything is repeated, 5 unless told
  --only a,b       these contestants; name a baseline too, or there are no ratios
  --measure m      caller | throughput | alloc | rollover | callgrind | wakes | overload | stopped | errors | network |
                   all (the default)
  --out file       one JSON line a result, target/bench/<seconds>.jsonl unless told
  --list           the contestants

callgrind counts instructions only; it needs valgrind. wakes needs strace, some contestants need python3.";

/// What is to be done.
pub(crate) enum Command {
    Help,
    List,
    Child(Box<Job>),
    /// Takes what comes over the loopback until it is stopped.
    Peer,
    Measure(Options),
}

/// What is to be measured, and how.
pub(crate) struct Options {
    pub(crate) quick: bool,
    pub(crate) rounds: usize,
    pub(crate) contestants: Vec<&'static Contestant>,
    /// A family of measures, or `all`.
    pub(crate) family: String,
    pub(crate) out: Option<PathBuf>,
}

impl Options {
    /// Reads the arguments behind the program's name.
    pub(crate) fn parse(arguments: &[String]) -> Result<Command, Failed> {
        if let [first, rest @ ..] = arguments
            && first == "child"
        {
            return Ok(Command::Child(Box::new(Job::from_arguments(rest)?)));
        }
        if arguments == ["peer"] {
            return Ok(Command::Peer);
        }
        let mut options = Self {
            quick: false,
            rounds: 0,
            contestants: contestants::ALL.iter().collect(),
            family: "all".to_owned(),
            out: None,
        };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} wants a value"));
            match argument.as_str() {
                "--help" | "-h" => return Ok(Command::Help),
                "--list" => return Ok(Command::List),
                "--quick" => options.quick = true,
                "--rounds" => options.rounds = value()?.parse()?,
                "--only" => options.contestants = only(value()?)?,
                "--measure" => options.family = family(value()?)?,
                "--out" => options.out = Some(value()?.into()),
                "callgrind" => options.family = family(argument)?,
                _ => return Err(format!("{argument} is not known\n\n{HELP}").into()),
            }
        }
        if options.rounds == 0 {
            options.rounds = if options.quick { 1 } else { 5 };
        }
        Ok(Command::Measure(options))
    }

    /// The measures that were asked for.
    pub(crate) fn measures(&self) -> impl Iterator<Item = Measure> {
        // A smoke run is not for what valgrind slows down fifty times, and needs neither it nor strace.
        let is_slow = |measure: &Measure| matches!(measure.family(), "callgrind" | "wakes");
        let all = move |measure: &Measure| self.family == "all" && !(self.quick && is_slow(measure));
        Measure::ALL.iter().copied().filter(move |measure| measure.family() == self.family || all(measure))
    }
}

fn only(names: &str) -> Result<Vec<&'static Contestant>, Failed> {
    names.split(',').map(contestants::find).collect()
}

fn family(name: &str) -> Result<String, Failed> {
    if name == "all" || Measure::ALL.iter().any(|measure| measure.family() == name) {
        return Ok(name.to_owned());
    }
    Err(format!("no measure is called {name}").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, Failed> {
        let arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        match Options::parse(&arguments)? {
            Command::Measure(options) => Ok(options),
            _ => Err("something else was asked for".into()),
        }
    }

    #[test]
    fn measures_everything_five_times_unless_told() {
        let options = parse("").unwrap();
        assert_eq!((options.rounds, options.contestants.len()), (5, contestants::ALL.len()));
        assert_eq!(options.measures().count(), Measure::ALL.len());
    }

    #[test]
    fn a_quick_run_has_one_round_and_neither_valgrind_nor_strace() {
        let options = parse("--quick").unwrap();
        assert_eq!(options.rounds, 1);
        assert!(options.measures().all(|measure| !matches!(measure.family(), "callgrind" | "wakes")));
        assert!(parse("callgrind --quick").unwrap().measures().count() > 0);
    }

    #[test]
    fn takes_what_it_is_told() {
        let options = parse("--rounds 3 --only log4rs,logroller --measure caller --out x.jsonl").unwrap();
        let names: Vec<_> = options.contestants.iter().map(|contestant| contestant.name).collect();
        assert_eq!((options.rounds, names), (3, vec!["log4rs", "logroller"]));
        assert!(options.measures().all(|measure| measure.family() == "caller"));
        assert_eq!(options.out, Some("x.jsonl".into()));
    }

    #[test]
    fn says_what_it_does_not_know() {
        for wrong in ["--only nobody", "--measure nothing", "--rounds", "--rounds many", "fast"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
