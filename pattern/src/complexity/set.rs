//! A small set of numbers.

use super::COMPLEXITY_MAX;

/// One more than a set may hold before it is too complex by its size alone.
const MEMBERS_MAX: usize = COMPLEXITY_MAX + 1;

/// Up to [`MEMBERS_MAX`] numbers, sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Set {
    members: [u32; MEMBERS_MAX],
    len: usize,
}

/// Says that a set has no room for another number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

impl Set {
    pub(super) fn of(member: u32) -> Self {
        let mut members = [0; MEMBERS_MAX];
        members[0] = member;
        Self { members, len: 1 }
    }

    pub(super) fn as_slice(&self) -> &[u32] {
        &self.members[..self.len]
    }

    pub(super) fn contains(&self, member: u32) -> bool {
        self.as_slice().contains(&member)
    }

    pub(super) fn insert(&mut self, member: u32) -> Result<(), Full> {
        let at = self.as_slice().iter().take_while(|other| **other < member).count();
        if at < self.len && self.members[at] == member {
            return Ok(());
        }
        if self.len == MEMBERS_MAX {
            return Err(Full);
        }
        self.members.copy_within(at..self.len, at + 1);
        self.members[at] = member;
        self.len += 1;
        Ok(())
    }
}
