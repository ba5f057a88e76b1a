//! A global allocator that counts, while it is told to.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

static COUNTING: AtomicBool = AtomicBool::new(false);
static ALL_THREADS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    // Without a destructor and without lazy initialisation, so that the allocator may use it at any time.
    static THIS_THREAD: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator. While [`count`] runs, it counts; otherwise it costs one relaxed load more.
pub(crate) struct Counting;

/// How often memory was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Allocations {
    pub(crate) this_thread: u64,
    pub(crate) all_threads: u64,
}

/// Counts the allocations, here and in all threads, while `work` runs.
pub(crate) fn count(work: impl FnOnce()) -> Allocations {
    let before = now();
    COUNTING.store(true, Ordering::SeqCst);
    work();
    COUNTING.store(false, Ordering::SeqCst);
    let after = now();
    Allocations { this_thread: after.this_thread - before.this_thread, all_threads: after.all_threads - before.all_threads }
}

fn now() -> Allocations {
    Allocations { this_thread: THIS_THREAD.with(Cell::get), all_threads: ALL_THREADS.load(Ordering::SeqCst) }
}

fn note() {
    if !COUNTING.load(Ordering::Relaxed) {
        return;
    }
    ALL_THREADS.fetch_add(1, Ordering::Relaxed);
    THIS_THREAD.with(|mine| mine.set(mine.get() + 1));
}

// SAFETY: every call goes to the system's allocator with the arguments it came with; counting neither allocates nor unwinds.
#[allow(unsafe_code, reason = "a global allocator cannot be written without; this package is never published")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note();
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note();
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note();
        unsafe { System.realloc(place, layout, size) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        unsafe { System.dealloc(place, layout) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_this_thread_apart_from_others() {
        let counted = count(|| {
            drop(std::hint::black_box(Box::new(1_u64)));
            std::thread::spawn(|| drop(std::hint::black_box(vec![1_u8; 9]))).join().unwrap();
        });
        assert!(counted.this_thread >= 1, "{counted:?}");
        assert!(counted.all_threads > counted.this_thread, "{counted:?}");
    }
}
