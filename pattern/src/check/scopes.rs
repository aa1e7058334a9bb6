//! Which objects and arrays are open.
//!
//! Most brackets are the ends of objects and arrays without others in them, or lie between such siblings. These
//! are judged all at once: what follows an opening bracket, up to the next bracket, is in what that one opened.
//! Only where two brackets in a row open, or close, is there something to remember or to go back to.

use super::run_behind;
use crate::block::Block;
use crate::json::DEPTH_MAX;

/// The open scopes.
pub(super) struct Scopes {
    /// A bit for each scope that is open and has another in it, set for an object.
    objects: [u64; DEPTH_MAX.div_ceil(64)],
    /// How many these are.
    depth: usize,
    /// All ones if the innermost of these is an object.
    object: u64,
    /// Whether the last bracket opened an object, and whether it opened an array.
    opened: (u64, u64),
}

/// A block's brackets, and where it cannot be in an object or an array.
#[derive(Clone, Copy)]
pub(super) struct Brackets {
    pub(super) open: u64,
    pub(super) close: u64,
    /// Which of these are braces.
    pub(super) brace: u64,
    pub(super) not_in_object: u64,
    pub(super) not_in_array: u64,
}

impl Brackets {
    #[inline(always)]
    fn wrong(&self, object: u64) -> u64 {
        self.not_in_array ^ ((self.not_in_array ^ self.not_in_object) & object)
    }
}

impl Scopes {
    #[inline(always)]
    pub(super) fn new() -> Self {
        Self { objects: [0; _], depth: 0, object: 0, opened: (0, 0) }
    }

    /// Passes a block's brackets, and returns where the outermost scope is closed; adds to `bad` what is wrong.
    #[inline(always)]
    pub(super) fn step<B: Block>(&mut self, block: B, brackets: Brackets, bad: &mut u64) -> Option<u32> {
        let Brackets { open, close, brace, not_in_object, not_in_array } = brackets;
        let between = !(open | close);
        let in_object = run_behind(block, open & brace, between, &mut self.opened.0);
        let in_array = run_behind(block, open & !brace, between, &mut self.opened.1);
        let inner = in_object | in_array;
        *bad |=
            (in_object & (not_in_object | (close & !brace))) | (in_array & (not_in_array | (close & brace)));
        let turns = (open & inner) | (close & !inner);
        if turns == 0 && self.depth > 0 {
            *bad |= brackets.wrong(self.object) & !inner;
            return None;
        }
        self.turn(brackets, (in_object, inner), turns, bad)
    }

    /// Passes the brackets that open or close a scope with others in it.
    #[inline(always)]
    fn turn(
        &mut self,
        brackets: Brackets,
        (in_object, inner): (u64, u64),
        mut turns: u64,
        bad: &mut u64,
    ) -> Option<u32> {
        if self.depth == 0 {
            // A scope without others in it is all there is, unless another one opens first.
            let end = (brackets.close & inner).trailing_zeros();
            if end < turns.trailing_zeros() {
                return Some(end);
            }
        }
        let mut rest = !inner;
        while turns != 0 {
            let bit = turns & turns.wrapping_neg();
            let before = bit | (bit - 1);
            *bad |= brackets.wrong(self.object) & rest & before;
            if brackets.open & bit != 0 {
                if !self.open(in_object & bit != 0) {
                    *bad |= bit;
                    return None;
                }
            } else {
                if (brackets.brace & bit != 0) != (self.object != 0) {
                    *bad |= bit;
                }
                self.depth = self.depth.saturating_sub(1);
                if self.depth == 0 {
                    return Some(bit.trailing_zeros());
                }
                self.close();
            }
            rest &= !before;
            turns &= turns - 1;
        }
        *bad |= brackets.wrong(self.object) & rest;
        None
    }

    /// Remembers a scope, now that another one opens in it; returns whether that one is not too deep.
    #[inline(always)]
    fn open(&mut self, object: bool) -> bool {
        let bit = 1 << (self.depth % 64);
        let word = &mut self.objects[self.depth / 64];
        self.object = 0_u64.wrapping_sub(u64::from(object));
        *word = (*word & !bit) | (self.object & bit);
        self.depth += 1;
        self.depth < DEPTH_MAX
    }

    /// Goes back to the scope around the one that was closed.
    #[inline(always)]
    fn close(&mut self) {
        let last = self.depth - 1;
        self.object = 0_u64.wrapping_sub(self.objects[last / 64] >> (last % 64) & 1);
    }
}
