//! Percentiles and medians.

/// The smallest value that at least `share` of all values do not exceed; 0 of nothing. `sorted` is sorted.
pub(crate) fn percentile(sorted: &[u32], share: f64) -> f64 {
    // Counts of events are far below what an `f64` holds exactly.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).map_or(0.0, |value| f64::from(*value))
}

/// The mean of the half in the middle; 0 of nothing. Where a clock goes by steps of 10 ns, a percentile is one of its steps, and this
/// lies between them. `sorted` is sorted.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn middle(sorted: &[u32]) -> f64 {
    let quarter = sorted.len() / 4;
    let half = sorted.get(quarter..sorted.len() - quarter).unwrap_or_default();
    half.iter().map(|value| f64::from(*value)).sum::<f64>() / half.len().max(1) as f64
}

/// The middle and the ends of what several rounds gave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// `None` of nothing.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let upper = *values.get(values.len() / 2)?;
        let lower = *values.get((values.len() - 1) / 2)?;
        Some(Self { median: f64::midpoint(lower, upper), min, max })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_nearest_rank() {
        let sorted: Vec<u32> = (1..=1_000).collect();
        assert_eq!(percentile(&sorted, 0.5), 500.0);
        assert_eq!(percentile(&sorted, 0.999), 999.0);
        assert_eq!(percentile(&sorted, 1.0), 1_000.0);
        assert_eq!(percentile(&[], 0.5), 0.0);
    }

    #[test]
    fn the_middle_is_between_the_steps_and_without_the_ends() {
        assert_eq!(middle(&[10, 60, 60, 60, 60, 70, 9_000, 9_000]), 62.5);
        assert_eq!(middle(&[7]), 7.0);
        assert_eq!(middle(&[]), 0.0);
    }

    #[test]
    fn the_median_of_an_even_number_lies_between_the_two_in_the_middle() {
        assert_eq!(Spread::of([4.0, 1.0, 9.0, 2.0]), Some(Spread { median: 3.0, min: 1.0, max: 9.0 }));
        assert_eq!(Spread::of([7.0]), Some(Spread { median: 7.0, min: 7.0, max: 7.0 }));
        assert_eq!(Spread::of([]), None);
    }
}
