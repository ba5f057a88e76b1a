//! Runs a function when the process ends by returning from `main` or by `process::exit`.
//!
//! One of the two places in the project that may use `unsafe`: the declaration of C's `atexit` (C11 7.22.4.2). The function it
//! is given has C's calling convention, touches no thread-local (they are gone by then) and must not unwind.
//!
//! On Windows `process::exit` is `ExitProcess`, which knows nothing of C: there only a return from `main` runs it. Why no callback of the loader
//! takes its place is said in `docs/guarantees.md`, "The end of a process".

use std::ffi::c_int;
use std::sync::Once;

#[allow(unsafe_code)] // The signature is that of the C standard library on every platform.
mod c {
    use super::c_int;

    unsafe extern "C" {
        pub(super) safe fn atexit(callback: extern "C" fn()) -> c_int;
    }
}

/// Installs the hook once; says whether the C library took it the first time it was asked.
pub(crate) fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // A refusal (no memory) leaves `shutdown` and guards; there is nothing else to do about it.
        c::atexit(at_exit);
    });
}

extern "C" fn at_exit() {
    // Unwinding into C is undefined; `drain_at_exit` contains panics itself.
    crate::shutdown::drain_at_exit();
}
