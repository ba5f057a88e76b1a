//! Waiting for what nobody tells: one looks again and again, and lets others have the processor in between.

use std::convert::Infallible;
use std::fmt::Display;

use tracing_handlers_core::sync::attempt_before;

use crate::gate::PATIENCE;

/// What is found, unless nothing is within [`PATIENCE`].
///
/// ```
/// use tracing_handlers_testing::waiting::comes;
///
/// let mut looks = 1..;
/// assert_eq!(comes(|| looks.next().filter(|look| *look > 500)), Some(501));
/// ```
pub fn comes<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let mut found = None;
    let Ok(_) = attempt_before::<Infallible>(PATIENCE.into(), || {
        found = look();
        Ok(found.is_some())
    });
    found
}

/// Whether it is so, within [`PATIENCE`].
pub fn comes_true(mut is_so: impl FnMut() -> bool) -> bool {
    comes(|| is_so().then_some(())).is_some()
}

/// Returns when it is so.
///
/// # Panics
///
/// It is not within [`PATIENCE`]; `what` is said then.
#[track_caller]
pub fn wait_until(what: impl Display, is_so: impl FnMut() -> bool) {
    assert!(comes_true(is_so), "not in time: {what}");
}
