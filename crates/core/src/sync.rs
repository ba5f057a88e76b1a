//! Locks: the one place where a poisoned lock is recovered and where a lock is awaited with a deadline.

use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::Duration;

use crate::Deadline;

/// Locks, also after a panic of another holder: the data behind our locks is kept valid at every step.
#[inline]
pub fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Locks before the deadline, or not at all.
pub fn lock_before<T: ?Sized>(mutex: &Mutex<T>, deadline: Deadline) -> Option<MutexGuard<'_, T>> {
    if deadline == Deadline::never() {
        return Some(lock(mutex));
    }
    loop {
        match mutex.try_lock() {
            Ok(guard) => return Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) if deadline.has_passed() => return None,
            Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_micros(200)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_held_lock_gives_up_at_the_deadline() {
        let mutex = Mutex::new(1);
        let held = lock(&mutex);
        assert!(lock_before(&mutex, Deadline::after(Duration::from_millis(2))).is_none());
        drop(held);
        assert!(lock_before(&mutex, Deadline::now()).is_some());
    }
}
