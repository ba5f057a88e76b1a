//! The tests of the timed rotating file handler.

mod child;
mod cpython;
mod options;
mod schedule_differential;
mod wall_clock;
