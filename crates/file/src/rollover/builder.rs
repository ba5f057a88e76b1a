//! What the builders of the rotating handlers have in common.

/// The setters of every builder of a rotating handler, beside those of the family; the builder has the fields `settings: Settings`,
/// `retention: Retention`, `hooks: Hooks` and `compression: Option<Compression>`.
#[doc(hidden)]
#[macro_export]
macro_rules! rolling_settings {
    () => {
        /// How long a rolled file is kept after its last record. It is looked at when the file is rolled.
        pub fn max_age(mut self, age: ::std::time::Duration) -> Self {
            self.retention.age = Some(age);
            self
        }

        /// How many bytes all rolled files together may have; the oldest go first.
        pub fn max_total_bytes(mut self, bytes: u64) -> Self {
            self.retention.bytes = Some(bytes);
            self
        }

        /// What moves the file that was written to its new name, instead of a rename. Rolled files that change their numbers are always renamed.
        ///
        /// It runs while the file is locked. Where it fails, the old file goes on being written and it is called again a second later, and then
        /// ever more seldom, up to half a minute.
        pub fn rotator(
            mut self,
            rotator: impl Fn(&::std::path::Path, &::std::path::Path) -> ::std::io::Result<()>
            + ::core::marker::Send
            + ::core::marker::Sync
            + 'static,
        ) -> Self {
            self.hooks.set_rotator(rotator);
            self
        }

        /// How rolled files are compressed; off by default. A moment after it was rolled a file has `.gz` or `.zst` behind its name.
        ///
        /// A thread of the process does that (`log-compress`); nobody who logs waits for it. The copy is written under a hidden temporary name, brought
        /// to the disk and renamed before the file itself goes, and keeps mode, owner (where that is allowed) and time. Limits on number,
        /// age and bytes count a rolled file once, in whichever form it is. Closing the handler waits for it until the deadline; what is
        /// not done then, or was cut off by the end of the process, is done by the next handler of this log once it has opened the file.
        /// What fails is reported, stays as it is and is tried again after the next rollover.
        ///
        /// The ending is put behind what a namer or a pattern makes; a namer is then called by that thread, too. It cannot go with a rotator, nor with
        /// [`shared`](Self::shared). When it is turned off again, files that are compressed are not counted and not deleted any more.
        #[cfg(any(feature = "gzip", feature = "zstd"))]
        pub fn compress(mut self, compression: $crate::Compression) -> Self {
            self.compression = Some(compression);
            self
        }

        /// Whether what an earlier process left in the file is rolled before anything is written: at `build()` or, delayed, before the first
        /// record. An empty file is left. Where it fails, records go into the old file, and it is tried again, after a second at first.
        pub fn roll_on_start(mut self, roll_on_start: bool) -> Self {
            self.settings.set_roll_on_start(roll_on_start);
            self
        }

        /// Whether several handlers, of this process or of others, write to this file and roll it together; off by default. All of them
        /// have to say so.
        ///
        /// Those who write have the lock of the file (`flock`) together, look whether the file is still the one at the path, and keep the lock for
        /// some milliseconds ([`lease`](Self::lease)): until then nobody can roll it, and a record costs its write and one more system call,
        /// for the size. Who rolls the file has the lock alone. So no record is lost, torn, or written into a file that was rolled, and sizes
        /// are those of all writers together. Within 64 KiB of `max_bytes` each writer has the lock alone, which costs three system
        /// calls a write; limits are exact as long as no more than that is written at the same moment. A process that is killed leaves no lock.
        /// For a lock that somebody holds, a caller waits for a second at most; then, and
        /// where the file system has no locks, records are written without, nothing is rolled, and that is reported once.
        ///
        /// A footer is written by the handler that rolls the file, and by none that closes. A rotator has to rename: what it copies, others may write to meanwhile. All writers need the same settings of
        /// names and limits. A process that forks has to make its handlers in the child: lock and file would be one for both.
        ///
        /// Without it, a second handler that rolls the same file is found out when it opens the file, on systems with such locks. It
        /// reports that once, and leaves the rolling to the first as long as that has the file.
        ///
        /// Unix only; elsewhere `build()` refuses it.
        pub fn shared(mut self, shared: bool) -> Self {
            self.settings.set_shared(shared);
            self
        }

        /// How long a handler that [shares](Self::shared) its file keeps the lock, at most; 5 ms by default.
        ///
        /// It lets go at once when it sees that the file has to be rolled. This is how long a rollover may have to wait for a handler that has
        /// written and has nothing more to write, and how long a file that was moved by hand is still written to. The thread `log-lease` lets go of what is kept.
        ///
        /// Zero: never longer than a write, and never together with others. For file systems of several machines, on which two cannot append at the
        /// same moment; then all writers need it.
        pub fn lease(mut self, lease: ::std::time::Duration) -> Self {
            self.settings.set_lease(lease);
            self
        }
    };
}
