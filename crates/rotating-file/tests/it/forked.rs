//! What a forked child inherits: the file, and with it the lock.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tracing_handlers_core::{Deadline, Handler as _};
use tracing_handlers_testing::{Setting, handle};

use crate::shared::builder;

/// A child that has everything open that its parent had, until it is dropped.
struct Child(libc::pid_t);

#[allow(unsafe_code, reason = "the subject is fork itself")]
impl Child {
    fn that_waits() -> Self {
        Self::fork(|| {
            loop {
                // SAFETY: it touches nothing of the test.
                unsafe { libc::pause() };
            }
        })
    }

    /// What it does has to do without what other threads of its parent had locked. It says with its status whether that panicked.
    fn fork(does: impl FnOnce()) -> Self {
        // SAFETY: the child does what it is told and ends: nothing of the test runs on there.
        match unsafe { libc::fork() } {
            0 => {
                // SAFETY: it touches nothing of the test, and ends a child whose parent is gone.
                unsafe { libc::alarm(60) };
                let done = catch_unwind(AssertUnwindSafe(does));
                // SAFETY: no destructor and no hook of its parent runs there.
                unsafe { libc::_exit(i32::from(done.is_err())) }
            }
            id => {
                assert!(id > 0, "there is no child");
                Self(id)
            }
        }
    }

    /// Its status.
    fn wait(self) -> i32 {
        let mut status = 0;
        // SAFETY: it is a child of ours, and `status` is a place for an int.
        assert_eq!(unsafe { libc::waitpid(self.0, &raw mut status, 0) }, self.0);
        std::mem::forget(self);
        status
    }
}

#[allow(unsafe_code, reason = "the subject is fork itself")]
impl Drop for Child {
    fn drop(&mut self) {
        // SAFETY: it is a child of ours that nobody has waited for.
        unsafe {
            libc::kill(self.0, libc::SIGKILL);
            libc::waitpid(self.0, std::ptr::null_mut(), 0);
        }
    }
}

/// Whoever starts a program forks first: a handler that is built anew at that moment is no second one.
#[test]
fn a_child_keeps_no_lock_that_its_parent_has_let_go_of() {
    for shared in [false, true] {
        let setting = Setting::new();
        let first = builder(&setting).shared(shared).build().unwrap();
        handle(&first, "rec 1");
        let _child = Child::that_waits();
        drop(first);
        let second = builder(&setting).shared(shared).build().unwrap();
        handle(&second, "rec 2");
        handle(&second, "rec 3");
        assert_eq!((setting.files().len(), setting.told()), (2, vec![]), "shared: {shared}");
    }
}

#[test]
fn a_child_that_closes_what_it_inherited_leaves_its_parent_the_lock() {
    let setting = Setting::new();
    let mut first = Some(builder(&setting).build().unwrap());
    handle(first.as_ref().unwrap(), "rec 1");
    let child = Child::fork(|| first.take().unwrap().close(Deadline::now()).unwrap());
    assert_eq!(child.wait(), 0, "the child ended well");
    let _second = builder(&setting).build().unwrap();
    let told = setting.told();
    assert!(told.len() == 1 && told[0].contains("another handler or process writes to it"), "{told:?}");
}
