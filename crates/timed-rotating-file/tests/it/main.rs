//! The tests of the timed rotating file handler.
