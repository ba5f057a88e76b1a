//! Locks: the one place where a poisoned lock is recovered and where a lock is awaited with a deadline.

use std::hint;
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

/// Between two looks at a lock that is held for a moment: the first are at once, some more after others had a turn, and each after that
/// follows a nap, as the holder may have lost the processor.
pub(crate) fn give_way(attempts: u32) {
    const AT_ONCE: u32 = 64;
    const AFTER_OTHERS: u32 = AT_ONCE + 16;
    if attempts < AT_ONCE {
        hint::spin_loop();
    } else if attempts < AFTER_OTHERS {
        thread::yield_now();
    } else {
        thread::sleep(Duration::from_micros(50));
    }
}

/// How often an attempt is repeated at once: who holds a lock for the length of a write is soon done.
const QUICK_ATTEMPTS: usize = 100;

/// Attempts again and again until it works, fails, or the deadline has passed; says whether it worked.
///
/// For locks of the operating system, which know no deadlines. Who slept past the deadline, as its process was stopped or the machine is
/// busy, has seen nothing of the time: it attempts some more times at once.
///
/// # Errors
///
/// That of the attempt.
pub fn attempt_before<E>(deadline: Deadline, mut attempt: impl FnMut() -> Result<bool, E>) -> Result<bool, E> {
    if attempt_quickly(&mut attempt)? {
        return Ok(true);
    }
    let mut has_slept = false;
    while !deadline.has_passed() {
        if attempt()? {
            return Ok(true);
        }
        thread::sleep(Duration::from_micros(100));
        has_slept = true;
    }
    if has_slept { attempt_quickly(&mut attempt) } else { attempt() }
}

fn attempt_quickly<E>(attempt: &mut impl FnMut() -> Result<bool, E>) -> Result<bool, E> {
    for _ in 0..QUICK_ATTEMPTS {
        if attempt()? {
            return Ok(true);
        }
        thread::yield_now();
    }
    Ok(false)
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

    #[test]
    fn an_attempt_is_repeated_until_it_works_or_fails_or_the_deadline_has_passed() {
        let works_at = |number: usize, deadline| {
            let mut attempts = 0;
            attempt_before(deadline, || {
                attempts += 1;
                if attempts == 500 { Err("failed") } else { Ok(attempts == number) }
            })
        };
        assert_eq!(works_at(1, Deadline::now()), Ok(true));
        assert_eq!(works_at(200, Deadline::never()), Ok(true));
        assert_eq!(works_at(200, Deadline::now()), Ok(false));
        assert_eq!(works_at(0, Deadline::never()), Err("failed"));
    }

    /// As where the process is stopped while it sleeps: the time is over, and whoever had the lock may have let go of it.
    #[test]
    fn who_slept_past_the_deadline_attempts_some_more_times() {
        let deadline = Deadline::after(Duration::from_millis(1));
        let mut attempts_after = 0;
        let attempt = || {
            attempts_after += usize::from(deadline.has_passed());
            Ok::<_, ()>(attempts_after == 50)
        };
        assert_eq!(attempt_before(deadline, attempt), Ok(true));
    }
}
