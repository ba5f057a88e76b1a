//! The bounded queue between a caller and a slow place: [`BoundedQueue`].
//!
//! Producers encode records, back to back, into batches under one lock; the consumer takes the oldest batch whole. Waking a
//! consumer costs the caller 10 to 20 µs, so in the common case nobody wakes it: it polls while records come, at an interval that
//! grows up to [`Limits::max_delay`], and is woken only when much has gathered, for a record of importance, or by a flush. When
//! nothing came for a while it sleeps for good, and the first record wakes it.

mod batch;
mod common;
mod entry;
mod lock;
mod overflow;
mod queue;
mod segments;
mod signal;
mod state;
mod summary;
mod wake;

pub use self::batch::{Batch, Records};
pub use self::overflow::{Limits, Overflow};
pub use self::queue::{BoundedQueue, Pushed, Taken};
pub use self::summary::summary;
pub use self::wake::Pace;
