//! What the command line says (pure).

use std::path::PathBuf;
use std::time::Duration;

use tracing_handlers_core::Level;
use tracing_handlers_receiver::Encoding;
use tracing_handlers_timed_rotating_file::When;

/// What `--help` shows.
pub const HELP: &str = "\
log-receiver: records of SocketHandler and DatagramHandler, of Rust and of Python, into a file or to the terminal

  log-receiver PLACE… [OPTION…]

PLACE  tcp://HOST:PORT  tls://HOST:PORT  udp://HOST:PORT  unix://PATH  unixgram://PATH
       Port 0 is one that is free; where it listens is said on stderr.

What is read
  --encoding NAME       auto (default), messagepack, json, json-lines, pickle
  --cert FILE           for tls://: the chain of certificates, PEM
  --key FILE            for tls://: its key, PKCS #8, PEM
  --max-frame-bytes N   the longest record; 1048576
  --max-connections N   how many may be open; 10000
  --frame-timeout S     seconds that a frame may take; 60
  --level LEVEL         ERROR, WARN, INFO, DEBUG or TRACE: nothing below that
  --target TARGET       only this target and those below it; may be given several times

Where it goes
  --file FILE           into this file; without it, to the terminal
  --max-bytes N         the file is rolled over before it is longer
  --when WHEN           and by the clock: S, M, H, D, MIDNIGHT, W0 to W6
  --backup-count N      how many rolled files are kept; all, but --max-bytes without --when needs a number
  --compress            rolled files are compressed with gzip
  --follow              to the terminal as well
  --json                lines of JSON
  --color WHEN          auto (default), always, never

  --help, --version

SIGINT and SIGTERM end it in order: what is under way is read and written, and the counters are shown on stderr.
";

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "HELP says it")]
pub struct Options {
    pub places: Vec<String>,
    pub encoding: Option<Encoding>,
    pub cert: Option<PathBuf>,
    pub key: Option<PathBuf>,
    pub max_frame_bytes: Option<usize>,
    pub max_connections: Option<usize>,
    pub frame_timeout: Option<Duration>,
    pub level: Level,
    pub targets: Vec<String>,
    pub file: Option<PathBuf>,
    pub max_bytes: Option<u64>,
    pub when: Option<When>,
    pub backup_count: Option<usize>,
    pub compress: bool,
    pub follow: bool,
    pub json: bool,
    /// `None`: where stdout is a terminal.
    pub color: Option<bool>,
}

impl Options {
    fn new() -> Self {
        Self {
            places: Vec::new(),
            encoding: None,
            cert: None,
            key: None,
            max_frame_bytes: None,
            max_connections: None,
            frame_timeout: None,
            level: Level::TRACE,
            targets: Vec::new(),
            file: None,
            max_bytes: None,
            when: None,
            backup_count: None,
            compress: false,
            follow: false,
            json: false,
            color: None,
        }
    }

    /// What these arguments ask for; `--name value` and `--name=value` are the same.
    ///
    /// # Errors
    ///
    /// What is wrong with them, as a text.
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::new();
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            if !argument.starts_with('-') {
                options.places.push(argument);
                continue;
            }
            let (name, given) = match argument.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (argument, None),
            };
            if options.set_switch(&name, given.is_some())? {
                continue;
            }
            let value = given.or_else(|| arguments.next()).ok_or_else(|| format!("{name} wants a value"))?;
            options.set(&name, &value)?;
        }
        options.check()
    }

    fn set_switch(&mut self, name: &str, has_value: bool) -> Result<bool, String> {
        match name {
            "--compress" => self.compress = true,
            "--follow" => self.follow = true,
            "--json" => self.json = true,
            _ => return Ok(false),
        }
        if has_value { Err(format!("{name} has no value")) } else { Ok(true) }
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "--encoding" => self.encoding = encoding(value)?,
            "--cert" => self.cert = Some(value.into()),
            "--key" => self.key = Some(value.into()),
            "--max-frame-bytes" => self.max_frame_bytes = Some(number(name, value)?),
            "--max-connections" => self.max_connections = Some(number(name, value)?),
            "--frame-timeout" => self.frame_timeout = Some(Duration::from_secs(number(name, value)?)),
            "--level" => self.level = value.parse().map_err(|_| format!("--level {value}: no such level"))?,
            "--target" => self.targets.push(value.to_owned()),
            "--file" => self.file = Some(value.into()),
            "--max-bytes" => self.max_bytes = Some(number(name, value)?),
            "--when" => self.when = Some(value.parse().map_err(|error| format!("--when: {error}"))?),
            "--backup-count" => self.backup_count = Some(number(name, value)?),
            "--color" => self.color = color(value)?,
            _ => return Err(format!("{name} is no option")),
        }
        Ok(())
    }

    fn check(self) -> Result<Self, String> {
        let of_a_file = self.max_bytes.is_some() || self.when.is_some() || self.backup_count.is_some() || self.compress;
        if self.places.is_empty() {
            return Err("no place to listen on".to_owned());
        }
        if self.file.is_none() && (of_a_file || self.follow) {
            return Err("--max-bytes, --when, --backup-count, --compress and --follow go with --file".to_owned());
        }
        // As in Python, a file that is rolled by its size alone is not rolled at all where no rolled one is kept.
        let is_rolled = self.when.is_some() || (self.max_bytes.is_some() && self.backup_count > Some(0));
        if self.max_bytes.is_some() && !is_rolled {
            return Err("--max-bytes needs --backup-count, above 0, or --when".to_owned());
        }
        if (self.backup_count.is_some() || self.compress) && !is_rolled {
            return Err("--backup-count and --compress go with --max-bytes or --when".to_owned());
        }
        Ok(self)
    }
}

fn number<N: std::str::FromStr>(name: &str, value: &str) -> Result<N, String> {
    value.parse().map_err(|_| format!("{name} {value}: no number that will do"))
}

fn encoding(name: &str) -> Result<Option<Encoding>, String> {
    match name {
        "auto" => Ok(None),
        "messagepack" => Ok(Some(Encoding::MessagePack)),
        "json" => Ok(Some(Encoding::Json)),
        "json-lines" => Ok(Some(Encoding::JsonLines)),
        "pickle" => Ok(Some(Encoding::Pickle)),
        _ => Err(format!("--encoding {name}: no such encoding")),
    }
}

fn color(when: &str) -> Result<Option<bool>, String> {
    match when {
        "auto" => Ok(None),
        "always" => Ok(Some(true)),
        "never" => Ok(Some(false)),
        _ => Err(format!("--color {when}: auto, always or never")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn a_value_stands_behind_its_name_or_behind_an_equals_sign() {
        let options = parse("tcp://a:1 --file x --max-bytes=9 --when midnight --target a --target=b --json udp://b:2").unwrap();
        assert_eq!(options.places, ["tcp://a:1", "udp://b:2"]);
        assert_eq!((options.max_bytes, options.when, options.json), (Some(9), Some(When::Midnight), true));
        assert_eq!(options.targets, ["a", "b"]);
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        for (line, says) in [
            ("", "no place"),
            ("tcp://a:1 --level LOUD", "LOUD"),
            ("tcp://a:1 --nothing 1", "--nothing"),
            ("tcp://a:1 --max-bytes ten --file x", "ten"),
            ("tcp://a:1 --json=yes", "--json"),
            ("tcp://a:1 --file", "wants a value"),
            ("tcp://a:1 --compress", "go with --file"),
            ("tcp://a:1 --file x --max-bytes 9", "needs --backup-count"),
            ("tcp://a:1 --file x --max-bytes 9 --backup-count 0", "needs --backup-count"),
            ("tcp://a:1 --file x --compress", "go with --max-bytes or --when"),
            ("tcp://a:1 --file x --backup-count 3", "go with --max-bytes or --when"),
            ("tcp://a:1 --encoding xml", "xml"),
        ] {
            let error = parse(line).unwrap_err();
            assert!(error.contains(says), "{line}: {error}");
        }
    }
}
