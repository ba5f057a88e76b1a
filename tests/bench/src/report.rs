//! The tables: a row a contestant, the median and the range over the rounds, and ratios within a round.

use std::io::Write;

use crate::Failed;
use crate::measure::Measure;
use crate::options::Options;
use crate::parent::Observation;
use crate::stats::Spread;

/// Prints a table for each measure that was taken.
pub(crate) fn tables(seen: &[Observation], options: &Options, out: &mut impl Write) -> Result<(), Failed> {
    for measure in options.measures() {
        let seen: Vec<&Observation> = seen.iter().filter(|one| one.measure == measure).collect();
        writeln!(out, "\n{}", measure.title())?;
        let mut rows = vec![head(measure)];
        let names = options.contestants.iter().map(|contestant| contestant.name);
        rows.extend(names.filter_map(|name| row(measure, name, &seen)));
        print(&rows, out)?;
    }
    Ok(())
}

fn head(measure: Measure) -> Vec<String> {
    let mut cells = vec![String::new()];
    cells.extend(measure.columns().iter().map(|(_, title)| (*title).to_owned()));
    if measure.headline().is_some() {
        cells.extend(measure.baselines().iter().map(|(_, title)| (*title).to_owned()));
    }
    cells
}

fn row(measure: Measure, name: &str, seen: &[&Observation]) -> Option<Vec<String>> {
    let own: Vec<&&Observation> = seen.iter().filter(|one| one.contestant == name).collect();
    if own.is_empty() {
        return None;
    }
    let mut cells = vec![name.to_owned()];
    for (figure, _) in measure.columns() {
        let spread = Spread::of(own.iter().filter_map(|one| one.figures.get(*figure).copied()));
        cells.push(spread.map_or_else(dash, |spread| shown(&spread, number)));
    }
    if let Some(headline) = measure.headline() {
        cells.extend(measure.baselines().iter().map(|(baseline, _)| {
            let spread = Spread::of(own.iter().filter_map(|one| ratio(one, headline, baseline, seen)));
            spread.map_or_else(dash, |spread| shown(&spread, |ratio| format!("{ratio:.2}")))
        }));
    }
    Some(cells)
}

/// One contestant's figure over the baseline's in the same round.
fn ratio(own: &Observation, figure: &str, baseline: &str, seen: &[&Observation]) -> Option<f64> {
    let beside = seen.iter().find(|one| one.contestant == baseline && one.round == own.round)?;
    let ratio = own.figures.get(figure)? / beside.figures.get(figure)?;
    ratio.is_finite().then_some(ratio)
}

fn dash() -> String {
    "–".to_owned()
}

/// The median, and the range where there is one.
fn shown(spread: &Spread, number: impl Fn(f64) -> String) -> String {
    let (median, min, max) = (number(spread.median), number(spread.min), number(spread.max));
    if min == max { median } else { format!("{median} ({min}–{max})") }
}

/// Three digits at least, thousands apart.
fn number(value: f64) -> String {
    if value != 0.0 && value.abs() < 100.0 {
        let text = format!("{value:.2}");
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 && !text.ends_with('-') {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Names to the left, figures to the right.
fn print(rows: &[Vec<String>], out: &mut impl Write) -> Result<(), Failed> {
    let widths = widths(rows);
    for (index, row) in rows.iter().enumerate() {
        let cells: Vec<String> =
            row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| pad(column, cell, *width)).collect();
        writeln!(out, "| {} |", cells.join(" | "))?;
        if index == 0 {
            let rules: Vec<String> = widths.iter().enumerate().map(|(column, width)| rule(column, *width)).collect();
            writeln!(out, "|{}|", rules.join("|"))?;
        }
    }
    Ok(())
}

/// The longest cell of each column.
fn widths(rows: &[Vec<String>]) -> Vec<usize> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width =
        |column| rows.iter().filter_map(|row| row.get(column)).map(|cell: &String| cell.chars().count()).max().unwrap_or(0);
    (0..columns).map(width).collect()
}

fn pad(column: usize, cell: &str, width: usize) -> String {
    if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
}

fn rule(column: usize, width: usize) -> String {
    if column == 0 { "-".repeat(width + 2) } else { format!("{}:", "-".repeat(width + 1)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::child::Figures;
    use crate::options::Command;

    fn seen(contestant: &'static str, round: usize, p50: f64) -> Observation {
        Observation { measure: Measure::Trickle(200), contestant, round, figures: Figures::from([("p50_ns".to_owned(), p50)]) }
    }

    #[test]
    fn numbers_are_short_and_their_thousands_apart() {
        let all: Vec<String> = [0.0, 0.5, 7.0, 12.34, 123.4, 1_234.5, 1_234_567.0].into_iter().map(number).collect();
        assert_eq!(all, ["0", "0.5", "7", "12.34", "123", "1,234", "1,234,567"]);
    }

    #[test]
    fn ratios_are_taken_within_a_round_and_then_their_median() {
        let (own, baseline) = ("log4rs", Measure::Trickle(200).baselines()[0].0);
        let seen = [seen(own, 0, 200.0), seen(own, 1, 900.0), seen(baseline, 0, 100.0), seen(baseline, 1, 300.0)];
        let arguments: Vec<String> = ["--measure", "caller", "--only", "log4rs"].map(str::to_owned).into();
        let Command::Measure(options) = Options::parse(&arguments).unwrap() else { panic!("not a measurement") };
        let mut out = Vec::new();
        tables(&seen, &options, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("| 550 (200–900) |"), "{text}");
        assert!(text.contains("| 2.50 (2.00–3.00) |"), "{text}");
    }
}
