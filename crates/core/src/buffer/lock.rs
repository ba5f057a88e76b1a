//! The lock of a queue, whose holders are done after some hundred nanoseconds; for models of every order of events, that of loom.

#[cfg(loom)]
pub(super) use self::model::{Guard, Lock};
#[cfg(not(loom))]
pub(super) use self::spinning::{Guard, Lock};

#[cfg(not(loom))]
mod spinning {
    use spin::mutex::{SpinMutex, SpinMutexGuard};

    use crate::sync::give_way;

    /// A lock that is given back by a plain store. One that has to wake whoever waits for it is given back by an instruction that
    /// first waits until all that was stored before is seen by others: half of what a push would cost.
    #[derive(Debug)]
    pub(crate) struct Lock<T>(SpinMutex<T>);

    pub(crate) type Guard<'a, T> = SpinMutexGuard<'a, T>;

    impl<T> Lock<T> {
        pub(crate) const fn new(value: T) -> Self {
            Self(SpinMutex::new(value))
        }

        #[inline(always)]
        pub(crate) fn lock(&self) -> Guard<'_, T> {
            loop {
                if let Some(guard) = self.0.try_lock() {
                    return guard;
                }
                self.wait();
            }
        }

        /// Until it looks free: to look disturbs the holder less than to try.
        #[cold]
        #[inline(never)]
        fn wait(&self) {
            let mut attempts = 0;
            while self.0.is_locked() {
                give_way(attempts);
                attempts = attempts.saturating_add(1);
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use std::sync::{Arc, Barrier};
        use std::thread;

        use super::*;

        #[test]
        fn whoever_finds_it_held_gets_it_after_the_holder() {
            let lock = Arc::new(Lock::new(Vec::new()));
            let begun = Arc::new(Barrier::new(5));
            let mut held = lock.lock();
            let others = [(); 4].map(|()| {
                let (lock, begun) = (Arc::clone(&lock), Arc::clone(&begun));
                thread::spawn(move || {
                    begun.wait();
                    lock.lock().push("another");
                })
            });
            begun.wait();
            (0..1_000).for_each(|_| thread::yield_now());
            held.push("holder");
            drop(held);
            others.into_iter().for_each(|other| other.join().unwrap());
            assert_eq!(*lock.lock(), ["holder", "another", "another", "another", "another"]);
        }

        #[test]
        fn a_panic_of_the_holder_gives_it_back() {
            let lock = Arc::new(Lock::new(1));
            let panicking = Arc::clone(&lock);
            let holder = thread::spawn(move || {
                let _held = panicking.lock();
                std::panic::resume_unwind(Box::new(()));
            });
            assert!(holder.join().is_err());
            assert_eq!(*lock.lock(), 1);
        }
    }
}

#[cfg(loom)]
mod model {
    use std::sync::PoisonError;

    use loom::sync::{Mutex, MutexGuard};

    #[derive(Debug)]
    pub(crate) struct Lock<T>(Mutex<T>);

    pub(crate) type Guard<'a, T> = MutexGuard<'a, T>;

    impl<T> Lock<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> Guard<'_, T> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }
}
