//! JSON with blanks that are filled in when it is sent.

use alloy::hex;
use alloy::primitives::B256;
use serde_json::Value;

/// What is left open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Blank {
    BlockHash,
    ParentHash,
    BlockNumber,
    Timestamp,
    /// The hash of this transaction of the block.
    Transaction(usize),
}

const ALL: [Blank; 9] = [
    Blank::BlockHash,
    Blank::ParentHash,
    Blank::BlockNumber,
    Blank::Timestamp,
    Blank::Transaction(0),
    Blank::Transaction(1),
    Blank::Transaction(2),
    Blank::Transaction(3),
    Blank::Transaction(4),
];

impl Blank {
    /// What stands in its place in the JSON.
    pub(super) fn mark(self) -> String {
        format!("<{self:?}>")
    }
}

/// The block whose fields are filled in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) number: u64,
    pub(super) hash: B256,
    pub(super) parent: B256,
    pub(super) timestamp: u64,
}

impl Place {
    /// A number that no other transaction has, as long as a hash.
    fn transaction(&self, index: usize) -> B256 {
        let index = u64::try_from(index).expect("a few");
        let mut state = self.number.wrapping_mul(8).wrapping_add(index);
        let mut hash = B256::ZERO;
        for word in hash.chunks_exact_mut(8) {
            // splitmix64, of which every output has one input.
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            word.copy_from_slice(&(mixed ^ (mixed >> 31)).to_be_bytes());
        }
        hash
    }
}

/// JSON with blanks.
#[derive(Debug)]
pub(super) struct Text {
    /// What comes before each blank.
    parts: Vec<(Box<[u8]>, Blank)>,
    rest: Box<[u8]>,
}

impl Text {
    /// Finds the blanks.
    pub(super) fn of(json: &Value) -> Self {
        let whole = json.to_string();
        let mut left = whole.as_str();
        let mut parts = Vec::new();
        let next = |left: &str| {
            let found = ALL
                .iter()
                .filter_map(|blank| Some((left.find(&blank.mark())?, *blank)));
            found.min_by_key(|(place, _)| *place)
        };
        while let Some((place, blank)) = next(left) {
            parts.push((left.as_bytes()[..place].into(), blank));
            left = &left[place + blank.mark().len()..];
        }
        Self {
            parts,
            rest: left.as_bytes().into(),
        }
    }

    /// Writes it for a block.
    pub(super) fn write(&self, place: &Place, out: &mut Vec<u8>) {
        for (before, blank) in &self.parts {
            out.extend_from_slice(before);
            match blank {
                Blank::BlockHash => write_hash(&place.hash, out),
                Blank::ParentHash => write_hash(&place.parent, out),
                Blank::BlockNumber => write_quantity(place.number, out),
                Blank::Timestamp => write_quantity(place.timestamp, out),
                Blank::Transaction(index) => write_hash(&place.transaction(*index), out),
            }
        }
        out.extend_from_slice(&self.rest);
    }
}

fn write_hash(hash: &B256, out: &mut Vec<u8>) {
    let mut digits = [0; 66];
    digits[..2].copy_from_slice(b"0x");
    hex::encode_to_slice(hash, &mut digits[2..]).expect("two digits a byte");
    out.extend_from_slice(&digits);
}

fn write_quantity(number: u64, out: &mut Vec<u8>) {
    let digits = format!("{number:#x}");
    out.extend_from_slice(digits.as_bytes());
}
