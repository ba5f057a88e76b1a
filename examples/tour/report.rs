//! The report: what each handler wrote, and whether that is what it was given.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use servers::Mail;
use tracing_handlers::{ShutdownReport, format::escape};

use crate::load::{self, RECORDS, THREADS};
use crate::{Output, Stop, sockets};

/// How much of a line is shown, in characters.
const SHOWN: usize = 110;

pub(crate) fn opening(stops: &[Stop]) {
    println!("{} records from {THREADS} threads, to {} handlers at once.", grouped(RECORDS), stops.len());
    println!(
        "On stderr now: the four errors, by the handler that takes nothing else, and what SocketHandler says while its server is away.\n"
    );
}

pub(crate) fn load(took: Duration, waits: &[Duration]) {
    let wait = |share: usize| waits.get(waits.len() * share / 100).copied().unwrap_or_default();
    println!(
        "\nAll were raised in {took:.1?}. Half of the calls, each through all handlers, took {:.0?} at most, 99 of 100 {:.0?}.",
        wait(50),
        wait(99)
    );
    println!("This is what came out:\n");
}

/// Reports on all of them; says whether all is well.
pub(crate) fn stops(stops: &[Stop]) -> io::Result<bool> {
    let mut table = Vec::new();
    for (index, stop) in stops.iter().enumerate() {
        println!("{}. {}: {}, {} and above", index + 1, stop.name, stop.setting, stop.level.to_string().to_uppercase());
        let written = written(stop)?;
        show(&written);
        table.push((stop, judge(stop, &written)));
        println!();
    }
    println!("{:<27}{:>9}{:>11}{:>9}{:>9}   each exactly once", "", "handled", "delivered", "dropped", "pending");
    for (stop, (is_well, verdict)) in &table {
        let stats = stop.handle.stats();
        let [handled, delivered, dropped, pending] =
            [stats.handled, stats.delivered, stats.dropped(), stats.pending].map(grouped);
        let mark = if *is_well { '✓' } else { '✗' };
        println!("{:<27}{handled:>9}{delivered:>11}{dropped:>9}{pending:>9}   {mark} {verdict}", stop.name);
    }
    Ok(table.iter().all(|(_, (is_well, _))| *is_well))
}

/// Whether the log server was stopped and started as often as it should be, so that its line above means something.
pub(crate) fn server(server: &sockets::Server) -> bool {
    let (stops, connections) = server.history();
    let received = connections.iter().sum::<u64>();
    let each: Vec<_> = connections.iter().map(|count| grouped(*count)).collect();
    println!(
        "\nThe log server of SocketHandler was stopped and started {stops} times meanwhile. It got {} records, over one connection after \
         the other: {}.",
        grouped(received),
        each.join(", ")
    );
    stops == load::ROUNDS && connections.len() as u64 > stops
}

pub(crate) fn closing(all_well: bool, closed: &ShutdownReport) {
    println!("\nshutdown: {closed}");
    match all_well {
        true => println!("All is well: every record is where it should be, and nowhere twice."),
        false => println!("SOMETHING IS WRONG: see the lines marked with ✗."),
    }
}

/// What a handler wrote, by the names of the places; `None` where it cannot be read back.
type Written = Option<BTreeMap<String, String>>;

fn written(stop: &Stop) -> io::Result<Written> {
    match &stop.output {
        Output::Unseen => Ok(None),
        Output::Memory(shared) => Ok(Some(BTreeMap::from([("memory".to_owned(), shared.text())]))),
        Output::Mails(server) => {
            let named = |(index, mail): (usize, &Mail)| {
                println!("   to {}, subject: {}", mail.recipients.join(", "), mail.subject());
                (format!("mail {}", index + 1), mail.text())
            };
            Ok(Some(server.mails().iter().enumerate().map(named).collect()))
        }
        Output::Collector(collector) => {
            let bodies = collector.bodies();
            println!("   {} requests, of {} lines on average", grouped(bodies.len() as u64), average_of_lines(&bodies));
            Ok(Some(BTreeMap::from([("at the collector".to_owned(), bodies.concat())])))
        }
        Output::Peer(received) => {
            let text = received.text(stop.handle.stats().delivered);
            Ok(Some(BTreeMap::from([("loopback".to_owned(), text)])))
        }
        Output::Received(received) => {
            let text = sockets::text_of(received, stop.handle.stats().delivered);
            Ok(Some(BTreeMap::from([("at the server".to_owned(), text)])))
        }
        Output::Folder(folder) => {
            fs::read_dir(folder)?.map(|entry| named_text(folder, &entry?.path())).collect::<io::Result<_>>().map(Some)
        }
    }
}

fn average_of_lines(bodies: &[String]) -> usize {
    bodies.iter().map(|body| body.lines().count()).sum::<usize>() / bodies.len().max(1)
}

fn named_text(folder: &Path, path: &Path) -> io::Result<(String, String)> {
    let name = path.strip_prefix(folder.parent().unwrap_or(folder)).unwrap_or(path);
    Ok((name.display().to_string(), fs::read_to_string(path)?))
}

/// Each text with its size and its first line.
fn show(written: &Written) {
    for (name, text) in written.iter().flatten() {
        let (lines, bytes) = (grouped(text.lines().count() as u64), grouped(text.len() as u64));
        println!("   {name:<28}{lines:>7} lines{bytes:>11} bytes");
        println!("   │ {}", shortened(text.lines().next().unwrap_or_default()));
    }
}

/// Compares what is there with what was sent.
fn judge(stop: &Stop, written: &Written) -> (bool, String) {
    let expected: Vec<_> = (0..RECORDS).filter(|&number| load::level(number) <= stop.level).collect();
    let (stats, wanted) = (stop.handle.stats(), expected.len() as u64);
    let is_accounted = stats.is_balanced() && stats.delivered == wanted && stats.handled == wanted;
    let Some(texts) = written else {
        return (is_accounted, format!("{}, by its counters", grouped(stats.delivered)));
    };
    let lines = || texts.values().flat_map(|text| text.lines());
    let mut found = BTreeMap::<u64, u64>::new();
    lines().filter_map(number).for_each(|number| *found.entry(number).or_default() += 1);
    let once = expected.iter().filter(|number| found.get(number) == Some(&1)).count();
    // A line more than that is a repetition, or was written by a stranger, as was one with a control character in it.
    let is_clean = lines().count() == once && lines().all(escape::is_clean);
    let verdict = format!("{} of {}, in {} lines", grouped(once as u64), grouped(wanted), grouped(lines().count() as u64));
    (is_accounted && is_clean && once == expected.len(), verdict)
}

/// The number of the record in a line of any of the formats here.
fn number(line: &str) -> Option<u64> {
    if line.starts_with('{') {
        return serde_json::from_str::<Value>(line).ok()?.get("fields")?.get("number")?.as_u64();
    }
    let (_, from_number) = line.split_once(" number=")?;
    from_number.split(' ').next()?.parse().ok()
}

fn shortened(line: &str) -> String {
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or(line)),
        None => line.to_owned(),
    }
}

/// `12,345`
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
