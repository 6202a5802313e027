//! Events whose fields take a word each, which nearly all do, read without decoding them into a tree.
//!
//! Promises: what can be read of a log, and whether it can, is the same as by decoding and encoding it again.

use alloy::dyn_abi::{DecodedEvent, DynSolEvent, DynSolType, DynSolValue};
use alloy::primitives::{B256, I256, Log, U256};

use super::event::Field;

const WORD: usize = 32;

/// What the words of an event mean.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    indexed: Vec<Word>,
    body: Vec<Word>,
}

#[derive(Clone, Copy, Debug)]
enum Word {
    Uint(usize),
    Int(usize),
    Bool,
    Address,
}

/// The fields of a log.
pub(crate) enum Fields<'a> {
    Words { layout: &'a Layout, log: &'a Log },
    Decoded(DecodedEvent),
}

/// A field that can be a value, a sequence or a time. Numbers may be wider than their bits.
pub(crate) enum Scalar {
    Uint(U256, usize),
    Int(I256, usize),
    Bool(bool),
    Text(String),
}

impl Layout {
    /// `None` where some field is of another kind.
    pub(crate) fn of(event: &DynSolEvent) -> Option<Self> {
        let words = |types: &[DynSolType]| types.iter().map(Word::of).collect::<Option<Vec<_>>>();
        Some(Self {
            indexed: words(event.indexed())?,
            body: words(event.body())?,
        })
    }

    /// The fields of a log of the event; `None` where it is not in the event's canonical encoding.
    pub(crate) fn read<'a>(&'a self, log: &'a Log) -> Option<Fields<'a>> {
        let topics = log.topics().get(1..)?;
        let (words, rest) = log.data.data.as_chunks::<WORD>();
        let fits = topics.len() == self.indexed.len()
            && rest.is_empty()
            && words.len() == self.body.len()
            && self
                .indexed
                .iter()
                .zip(topics)
                .all(|(kind, word)| kind.is_canonical(&word.0))
            && self
                .body
                .iter()
                .zip(words)
                .all(|(kind, word)| kind.is_canonical(word));
        fits.then_some(Fields::Words { layout: self, log })
    }
}

impl Word {
    fn of(kind: &DynSolType) -> Option<Self> {
        match kind {
            DynSolType::Uint(bits) => Some(Self::Uint(*bits)),
            DynSolType::Int(bits) => Some(Self::Int(*bits)),
            DynSolType::Bool => Some(Self::Bool),
            DynSolType::Address => Some(Self::Address),
            _ => None,
        }
    }

    /// Whether it would be written so again. A number is, however wide.
    fn is_canonical(self, word: &[u8; WORD]) -> bool {
        let zero_up_to = |end: usize| word.iter().take(end).all(|byte| *byte == 0);
        match self {
            Self::Uint(_) | Self::Int(_) => true,
            Self::Bool => zero_up_to(WORD - 1) && matches!(word.last(), Some(0 | 1)),
            Self::Address => zero_up_to(WORD - 20),
        }
    }
}

impl Fields<'_> {
    pub(crate) fn get(&self, field: Field) -> Option<Scalar> {
        let Field { indexed, position } = field;
        match self {
            Self::Words { layout, log } if indexed => {
                let word = log.topics().get(position + 1)?;
                scalar(*layout.indexed.get(position)?, *word)
            }
            Self::Words { layout, log } => {
                let word = log.data.data.as_chunks::<WORD>().0.get(position)?;
                scalar(*layout.body.get(position)?, B256::from(*word))
            }
            Self::Decoded(decoded) => {
                let fields = if indexed {
                    &decoded.indexed
                } else {
                    &decoded.body
                };
                match fields.get(position)? {
                    DynSolValue::Uint(number, bits) => Some(Scalar::Uint(*number, *bits)),
                    DynSolValue::Int(number, bits) => Some(Scalar::Int(*number, *bits)),
                    DynSolValue::Bool(value) => Some(Scalar::Bool(*value)),
                    DynSolValue::String(text) => Some(Scalar::Text(text.clone())),
                    _ => None,
                }
            }
        }
    }
}

fn scalar(kind: Word, word: B256) -> Option<Scalar> {
    let number = U256::from_be_bytes(word.0);
    match kind {
        Word::Uint(bits) => Some(Scalar::Uint(number, bits)),
        Word::Int(bits) => Some(Scalar::Int(I256::from_raw(number), bits)),
        Word::Bool => Some(Scalar::Bool(!number.is_zero())),
        Word::Address => None,
    }
}
