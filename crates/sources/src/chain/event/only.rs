//! Which logs of an event count: those with given values in given fields.
//!
//! Values are compared as the words that the ABI encodes them to, so every log either has them or has not: a log whose data
//! are too short to have a word there is not one of these, whatever else it is.

use alloy::dyn_abi::{DynSolEvent, DynSolType};
use alloy::primitives::{B256, Log};

use super::Field;

const WORD_BYTES: usize = 32;

/// A word that a log must have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Only {
    place: Place,
    word: B256,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place {
    /// Index among the topics, the signature's being the first.
    Topic(usize),
    /// Index of the word in the data.
    Data(usize),
}

impl Only {
    /// The demand that `field` of `event`, of type `ty`, is `written`, as Solidity writes its literals.
    pub(super) fn new(
        event: &DynSolEvent,
        field: Field,
        ty: &DynSolType,
        written: &str,
    ) -> Result<Self, String> {
        let wrong = || format!("`{written}` is no value of type {}", ty.sol_type_name());
        let value = ty.coerce_str(written).map_err(|_any_reason| wrong())?;
        let word = value.as_word().ok_or_else(wrong)?;
        let place = if field.indexed {
            Place::Topic(field.position + 1)
        } else {
            let before = event.body().iter().take(field.position);
            Place::Data(before.map(head_words).sum())
        };
        Ok(Self { place, word })
    }

    /// Whether the log has it.
    pub(super) fn is_in(&self, log: &Log) -> bool {
        let found = match self.place {
            Place::Topic(index) => log.topics().get(index).copied(),
            Place::Data(index) => {
                let mut words = log.data.data.chunks_exact(WORD_BYTES);
                words.nth(index).map(B256::from_slice)
            }
        };
        found == Some(self.word)
    }
}

/// What can be compared: a type of one word.
pub(super) fn is_word(ty: &DynSolType) -> Result<(), &'static str> {
    match ty {
        DynSolType::Address
        | DynSolType::Bool
        | DynSolType::FixedBytes(_)
        | DynSolType::Int(_)
        | DynSolType::Uint(_) => Ok(()),
        _ => Err("an address, a bool, fixed bytes or an integer"),
    }
}

/// How many words of the data a field takes before those that it refers to.
fn head_words(ty: &DynSolType) -> usize {
    if ty.is_dynamic() {
        1
    } else {
        ty.minimum_words()
    }
}
