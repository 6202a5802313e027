//! Blocks that are not final yet, and what they say for as long as they are on the chain.
//!
//! Promises: the blocks are linked, from the one after the final anchor to the newest; when the chain changes, exactly those that
//! are no longer on it are withdrawn, however many.

use core::ops::RangeInclusive;
use std::collections::VecDeque;

use alloy::primitives::B256;
use tocsin_domain::cursor::SourceCursor;
use tocsin_domain::observation::Observation;

/// The blocks after a final one, as far as they are known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tip {
    anchor: SourceCursor,
    blocks: VecDeque<ProvisionalBlock>,
}

/// A block that may go again, and what it says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProvisionalBlock {
    /// Which block it is.
    pub cursor: SourceCursor,
    /// What it says: for warnings only.
    pub observations: Vec<Observation>,
}

/// How a tip has changed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TipChange {
    /// Blocks that are no longer on the chain, the newest first: what they said is to be taken back.
    pub withdrawn: Vec<ProvisionalBlock>,
    /// How many blocks are new; they are the last of [`Tip::blocks`].
    pub added: usize,
}

/// Where blocks meet those that are known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Meeting {
    /// After this many of them.
    After(usize),
    /// Further down: these blocks are to be read next.
    Below(RangeInclusive<u64>),
    /// Not above the anchor: it is not on their chain.
    Nowhere,
}

impl Tip {
    /// No blocks after this final one.
    pub fn new(anchor: SourceCursor) -> Self {
        Self {
            anchor,
            blocks: VecDeque::new(),
        }
    }

    /// The final block that it stands on.
    pub fn anchor(&self) -> &SourceCursor {
        &self.anchor
    }

    /// The blocks, oldest first.
    pub fn blocks(&self) -> impl DoubleEndedIterator<Item = &ProvisionalBlock> + ExactSizeIterator {
        self.blocks.iter()
    }

    /// The newest block, or the anchor.
    pub fn head(&self) -> &SourceCursor {
        self.blocks
            .back()
            .map_or(&self.anchor, |block| &block.cursor)
    }

    /// Final reading has come to this block. The blocks up to it are provisional no longer, and are forgotten; if they were others
    /// than those that became final, all blocks are withdrawn.
    pub fn settle(&mut self, anchor: SourceCursor) -> TipChange {
        let known = self.at(anchor.number).map(|cursor| cursor.hash);
        let mut change = TipChange::default();
        if known == Some(anchor.hash) {
            while self
                .blocks
                .front()
                .is_some_and(|block| block.cursor.number <= anchor.number)
            {
                self.blocks.pop_front();
            }
        } else {
            // Also where final reading is ahead: these blocks may or may not be on the way there.
            change.withdrawn = self.blocks.drain(..).rev().collect();
        }
        self.anchor = anchor;
        change
    }

    /// Where blocks meet the known ones, the lowest of which is `lowest` with this parent, and which are so many.
    pub(crate) fn meet(&self, lowest: u64, parent: B256, count: usize) -> Meeting {
        let floor = self.anchor.number.saturating_add(1);
        let Some(below) = lowest.checked_sub(1).filter(|_| lowest >= floor) else {
            return Meeting::Nowhere;
        };
        let meets = self.at(below).is_some_and(|cursor| cursor.hash == parent);
        let after = usize::try_from(lowest - floor);
        match after {
            Ok(after) if meets => Meeting::After(after),
            _ if lowest == floor => Meeting::Nowhere,
            // Twice as far down each time: a deep reorganisation takes few requests, and a shallow one few blocks.
            _ => {
                let step = u64::try_from(count).unwrap_or(u64::MAX).max(1);
                Meeting::Below(below.saturating_sub(step - 1).max(floor)..=below)
            }
        }
    }

    /// How many of these blocks, from the lowest on, are known already.
    pub(crate) fn known(&self, blocks: impl Iterator<Item = SourceCursor>) -> usize {
        blocks
            .take_while(|block| self.at(block.number) == Some(block))
            .count()
    }

    /// Puts blocks in the place of all known ones after the first `after`.
    pub(crate) fn replace(&mut self, after: usize, blocks: Vec<ProvisionalBlock>) -> TipChange {
        let after = after.min(self.blocks.len());
        let withdrawn = self.blocks.split_off(after).into_iter().rev().collect();
        let added = blocks.len();
        self.blocks.extend(blocks);
        TipChange { withdrawn, added }
    }

    /// The known block with this number; the anchor, too, is one.
    pub(crate) fn at(&self, number: u64) -> Option<&SourceCursor> {
        match number.checked_sub(self.anchor.number)? {
            0 => Some(&self.anchor),
            above => {
                let place = usize::try_from(above - 1).ok()?;
                self.blocks.get(place).map(|block| &block.cursor)
            }
        }
    }
}

impl TipChange {
    /// Whether nothing has changed.
    pub fn is_empty(&self) -> bool {
        self.withdrawn.is_empty() && self.added == 0
    }
}

#[cfg(test)]
mod tests;
