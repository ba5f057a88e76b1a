//! When a file is rolled by size (pure).

/// The limits of a file and of its backups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SizePolicy {
    /// 0: never.
    pub(crate) max_bytes: u64,
    /// 0: never.
    pub(crate) backup_count: usize,
}

impl SizePolicy {
    /// Whether a file of `len` bytes is rolled before `incoming` more: when they would reach the limit, not only pass it, as in
    /// Python; never an empty file, so a record above the limit stands in a file of its own.
    #[inline]
    pub(crate) fn is_due(&self, len: u64, incoming: u64) -> bool {
        self.is_on() && len > 0 && len.saturating_add(incoming) >= self.max_bytes
    }

    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.max_bytes > 0 && self.backup_count > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reaching_the_limit_is_enough() {
        let policy = SizePolicy { max_bytes: 100, backup_count: 1 };
        assert!(!policy.is_due(50, 49));
        assert!(policy.is_due(50, 50));
        assert!(policy.is_due(50, 51));
    }

    #[test]
    fn an_empty_file_is_never_rolled() {
        assert!(!SizePolicy { max_bytes: 1, backup_count: 1 }.is_due(0, 1_000));
    }

    #[test]
    fn a_zero_turns_it_off() {
        assert!(!SizePolicy { max_bytes: 0, backup_count: 5 }.is_due(1, 1));
        assert!(!SizePolicy { max_bytes: 1, backup_count: 0 }.is_due(1, 1));
    }

    #[test]
    fn sizes_at_the_end_of_the_range_do_not_wrap() {
        assert!(SizePolicy { max_bytes: u64::MAX, backup_count: 1 }.is_due(u64::MAX, u64::MAX));
    }
}
