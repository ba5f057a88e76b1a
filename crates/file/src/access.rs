//! Whose a new file is: the mode that was asked for, or all that its predecessor had.

use std::io;

use crate::fs::{Access, FsFile};

/// The bits that a file takes over from another: reading, writing, executing. What runs with somebody else's rights is not passed on.
const INHERITED: u32 = 0o777;

/// What a new file is to have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// What the user asked for.
    pub(crate) mode: Option<u32>,
    /// What the file had that this one takes the place of.
    pub(crate) like: Option<Access>,
}

impl Wanted {
    fn mode(self) -> Option<u32> {
        self.mode.or(self.like.map(|like| like.mode & INHERITED))
    }

    /// The mode to make the file with. Until it has the right group, its group is nobody in particular.
    pub(crate) fn mode_to_make_with(self) -> Option<u32> {
        if self.like.is_some() { self.mode().map(without_group) } else { self.mode() }
    }

    /// Gives a file that was just made what it lacks. Each step is tried, whatever the others do.
    ///
    /// # Errors
    ///
    /// The first refusal.
    pub(crate) fn give(self, file: &dyn FsFile, has: Access) -> io::Result<()> {
        let like = self.like.unwrap_or(has);
        let group = if like.group == has.group { Ok(()) } else { file.set_owner(None, Some(like.group)) };
        let mode = match self.mode() {
            // What was meant for the old group is not for another.
            Some(mode) if group.is_err() && self.mode.is_none() => without_group(mode),
            Some(mode) => mode,
            None => has.mode,
        };
        let mode = if mode == has.mode { Ok(()) } else { file.set_mode(mode) };
        // Last: whoever gives a file away may not change it any more.
        let owner = if like.owner == has.owner { Ok(()) } else { file.set_owner(Some(like.owner), None) };
        group.and(mode).and(owner)
    }
}

/// The group may do no more than everybody.
fn without_group(mode: u32) -> u32 {
    mode & !0o070 | mode & ((mode & 0o007) << 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_group_may_do_no_more_than_everybody() {
        for (mode, expected) in [(0o640, 0o600), (0o644, 0o644), (0o664, 0o644), (0o660, 0o600), (0o604, 0o604), (0o600, 0o600)]
        {
            assert_eq!(without_group(mode), expected, "{mode:o}");
        }
    }

    #[test]
    fn rights_to_run_as_somebody_else_are_not_inherited() {
        let like = Some(Access::new(0o6755, 1, 2));
        assert_eq!(Wanted { mode: None, like }.mode(), Some(0o755));
        assert_eq!(Wanted { mode: Some(0o2750), like }.mode(), Some(0o2750), "unless they are asked for");
    }
}
