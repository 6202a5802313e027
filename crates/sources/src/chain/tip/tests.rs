//! A tip against a naive model: a list of blocks that is cut anywhere and grows again, and keeps becoming final.

use alloy::primitives::keccak256;
use proptest::prelude::*;
use tocsin_domain::time::Timestamp;

use super::*;

const GENESIS: SourceCursor = SourceCursor {
    number: 100,
    hash: B256::ZERO,
    timestamp: Timestamp(0),
};

/// The whole chain, the genesis first.
struct Chain {
    blocks: Vec<SourceCursor>,
    salt: u8,
}

impl Chain {
    fn grow(&mut self, count: usize) {
        for _ in 0..count {
            let parent = *self.blocks.last().unwrap();
            self.blocks.push(SourceCursor {
                number: parent.number + 1,
                hash: keccak256([parent.hash.as_slice(), &[self.salt]].concat()),
                timestamp: parent.timestamp,
            });
        }
    }

    fn parent(&self, number: u64) -> B256 {
        self.block(number - 1).hash
    }

    fn block(&self, number: u64) -> SourceCursor {
        self.blocks[usize::try_from(number - GENESIS.number).unwrap()]
    }

    fn top(&self) -> u64 {
        self.blocks.last().unwrap().number
    }
}

/// What the reader does, without the reading.
fn follow(tip: &mut Tip, chain: &Chain) -> TipChange {
    let top = chain.top();
    if top <= tip.anchor().number || tip.at(top) == Some(&chain.block(top)) {
        return TipChange::default();
    }
    let mut first = (tip.head().number + 1).min(top);
    let after = loop {
        let count = usize::try_from(top - first + 1).unwrap();
        match tip.meet(first, chain.parent(first), count) {
            Meeting::After(after) => break after,
            Meeting::Below(range) => {
                assert_eq!(*range.end(), first - 1);
                first = *range.start();
            }
            Meeting::Nowhere => panic!("the anchor is on the chain"),
        }
    };
    let same = tip.known((first..=top).map(|number| chain.block(number)));
    let blocks = (first..=top).skip(same).map(|number| ProvisionalBlock {
        cursor: chain.block(number),
        observations: Vec::new(),
    });
    tip.replace(after + same, blocks.collect())
}

proptest! {
    #[test]
    fn the_tip_is_the_chain_after_the_anchor_and_exactly_what_left_it_is_withdrawn(
        steps in prop::collection::vec((0_usize..40, 0_usize..40, 0_usize..30), 1..40)
    ) {
        let mut chain = Chain { blocks: vec![GENESIS], salt: 0 };
        let mut tip = Tip::new(GENESIS);
        for (depth, growth, settle) in steps {
            let before: Vec<SourceCursor> = tip.blocks().map(|block| block.cursor).collect();
            let unsettled = usize::try_from(chain.top() - tip.anchor().number).unwrap();
            let left = chain.blocks.len() - depth.min(unsettled);
            chain.blocks.truncate(left);
            chain.salt = chain.salt.wrapping_add(1);
            // A chain that is shorter than before is one that is behind, until it has grown.
            chain.grow(growth + depth);
            let change = follow(&mut tip, &chain);

            let known: Vec<SourceCursor> = tip.blocks().map(|block| block.cursor).collect();
            let from = usize::try_from(tip.anchor().number - GENESIS.number).unwrap() + 1;
            prop_assert_eq!(&known, &chain.blocks[from..]);
            let mut gone: Vec<SourceCursor> =
                before.iter().filter(|block| !chain.blocks.contains(block)).copied().collect();
            gone.reverse();
            let withdrawn: Vec<SourceCursor> =
                change.withdrawn.iter().map(|block| block.cursor).collect();
            prop_assert_eq!(withdrawn, gone);
            prop_assert_eq!(change.added, known.iter().filter(|block| !before.contains(block)).count());

            let anchor = chain.blocks[(from - 1 + settle).min(chain.blocks.len() - 1)];
            prop_assert!(tip.settle(anchor).is_empty());
            prop_assert_eq!(tip.blocks().len(), usize::try_from(chain.top() - anchor.number).unwrap());
        }
    }
}

#[test]
fn blocks_that_others_became_final_instead_of_are_withdrawn() {
    let mut chain = Chain {
        blocks: vec![GENESIS],
        salt: 0,
    };
    chain.grow(5);
    let mut tip = Tip::new(GENESIS);
    follow(&mut tip, &chain);
    let other = SourceCursor {
        hash: B256::repeat_byte(9),
        ..chain.block(103)
    };
    let withdrawn = tip.settle(other).withdrawn;
    assert_eq!(withdrawn.len(), 5);
    assert_eq!(withdrawn[0].cursor, chain.block(105));
    assert_eq!((tip.head(), tip.blocks().len()), (&other, 0));
    assert_eq!(
        tip.meet(104, chain.parent(104), 1),
        Meeting::Nowhere,
        "the anchor is on another chain"
    );
}
