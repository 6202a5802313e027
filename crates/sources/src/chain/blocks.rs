//! Headers by number and the final head, as one node answers them.

use core::ops::RangeInclusive;

use alloy::primitives::B256;
use alloy::rpc::types::BlockNumberOrTag;
use tocsin_domain::cover::Finality;
use tocsin_domain::cursor::SourceCursor;

use super::header::{BlockHeader, Hashed};
use super::node::Node;
use crate::SourceError;
use crate::error::{Attempt, Contradiction};

const METHOD: &str = "eth_getBlockByNumber";

/// The newest final block.
#[derive(Clone, Debug)]
pub(crate) struct FinalHead {
    pub(crate) number: u64,
    /// Known where finality is a tag.
    header: Option<BlockHeader>,
}

impl Node {
    /// The newest block.
    pub(crate) async fn latest(&self) -> Result<BlockHeader, SourceError> {
        let attempt = self.rpc.attempt(METHOD, "the latest block");
        let answer = self
            .rpc
            .call(&attempt, (BlockNumberOrTag::Latest, false))
            .await?;
        checked(&attempt, answer, None)
    }

    /// The newest final block; `None` while there is none.
    pub(crate) async fn final_head(
        &self,
        finality: Finality,
    ) -> Result<Option<FinalHead>, SourceError> {
        let tag = tag(finality);
        let attempt = self.rpc.attempt(METHOD, format!("the {tag} block"));
        let answer: Option<Hashed> = self.rpc.call(&attempt, (tag, false)).await?;
        match answer {
            // Before its first finality, a chain has no such block. A latest block there always is.
            None if tag != BlockNumberOrTag::Latest => Ok(None),
            answer => Ok(as_final_head(checked(&attempt, answer, None)?, finality)),
        }
    }

    /// The blocks with these numbers.
    pub(crate) async fn headers(
        &self,
        numbers: RangeInclusive<u64>,
    ) -> Result<Vec<BlockHeader>, SourceError> {
        let first = *numbers.start();
        let asked: Vec<u64> = numbers.collect();
        let params: Vec<_> = asked
            .iter()
            .map(|number| (BlockNumberOrTag::Number(*number), false))
            .collect();
        let about = |places: core::ops::Range<usize>| {
            let number = |place: usize| asked.get(place).copied().unwrap_or(first);
            match places.len() {
                1 => format!("block {}", number(places.start)),
                _ => format!(
                    "blocks {} to {}",
                    number(places.start),
                    number(places.end.saturating_sub(1))
                ),
            }
        };
        let answers: Vec<Option<Hashed>> = self
            .rpc
            .call_each(METHOD, &params, usize::MAX, about)
            .await?;
        asked
            .iter()
            .zip(answers)
            .map(|(number, answer)| checked(&self.about(*number), answer, Some(*number)))
            .collect()
    }

    /// The block with this number.
    pub(crate) async fn header(&self, number: u64) -> Result<BlockHeader, SourceError> {
        let attempt = self.about(number);
        let answer = self
            .rpc
            .call(&attempt, (BlockNumberOrTag::Number(number), false))
            .await?;
        checked(&attempt, answer, Some(number))
    }

    /// The final head and the hash of the cursor's block, in one answer, so of one node: behind an address there may be
    /// several, and what one says of its head is nothing that another says of a block. An error says that it is behind.
    pub(crate) async fn final_hash_at(
        &self,
        finality: Finality,
        cursor: &SourceCursor,
    ) -> Result<B256, SourceError> {
        let tag = tag(finality);
        let about = format!("the {tag} block and block {} together", cursor.number);
        let attempt = self.rpc.attempt(METHOD, about);
        let questions = [tag, BlockNumberOrTag::Number(cursor.number)].map(|block| (block, false));
        let [head, at_cursor] = self.rpc.call_all(&attempt, questions).await?;
        let head = as_final_head(checked(&attempt, head, None)?, finality);
        if head.as_ref().is_none_or(|head| head.number < cursor.number) {
            return Err(self.lagging(head.as_ref(), cursor));
        }
        Ok(checked(&attempt, at_cursor, Some(cursor.number))?.hash)
    }

    /// An error about a block that was read by number.
    pub(crate) fn contradiction(&self, number: u64, found: Contradiction) -> SourceError {
        contradicts(&self.about(number), found)
    }

    /// An error that says that the node is behind the cursor.
    pub(crate) fn lagging(&self, head: Option<&FinalHead>, cursor: &SourceCursor) -> SourceError {
        SourceError::Lagging {
            endpoint: self.endpoint().clone(),
            final_head: head.map(|head| head.number),
            cursor: cursor.number,
        }
    }

    fn about(&self, number: u64) -> Attempt {
        self.rpc.attempt(METHOD, format!("block {number}"))
    }
}

impl FinalHead {
    /// The hash of the block with this number, if it is the head and known.
    pub(crate) fn hash_at(&self, number: u64) -> Option<B256> {
        Some(self.header_at(number)?.hash)
    }

    /// The block with this number, if it is the head and known.
    pub(crate) fn header_at(&self, number: u64) -> Option<&BlockHeader> {
        self.header
            .as_ref()
            .filter(|header| header.number == number)
    }

    /// The block that the tag named and a block that was read by its number must be one; another node may have answered one
    /// of the questions.
    pub(crate) fn check(&self, number: u64, hash: B256) -> Result<(), Contradiction> {
        match self.hash_at(number) {
            Some(final_head) if hash != final_head => Err(Contradiction::NotTheFinalHead {
                number,
                got: hash,
                final_head,
            }),
            _ => Ok(()),
        }
    }
}

fn tag(finality: Finality) -> BlockNumberOrTag {
    match finality {
        Finality::Finalized => BlockNumberOrTag::Finalized,
        Finality::Safe => BlockNumberOrTag::Safe,
        Finality::Confirmations(_) => BlockNumberOrTag::Latest,
    }
}

/// The final head, where `tagged` is the block that [`tag`] names.
fn as_final_head(tagged: BlockHeader, finality: Finality) -> Option<FinalHead> {
    match finality {
        Finality::Finalized | Finality::Safe | Finality::Confirmations(0) => Some(FinalHead {
            number: tagged.number,
            header: Some(tagged),
        }),
        Finality::Confirmations(blocks) => {
            tagged.number.checked_sub(blocks).map(|number| FinalHead {
                number,
                header: None,
            })
        }
    }
}

fn checked(
    attempt: &Attempt,
    answer: Option<Hashed>,
    asked: Option<u64>,
) -> Result<BlockHeader, SourceError> {
    let Some(Hashed(answer)) = answer else {
        return Err(SourceError::MissingBlock {
            attempt: attempt.clone(),
        });
    };
    let header = answer.map_err(|found| contradicts(attempt, found))?;
    match asked {
        Some(asked) if asked != header.number => Err(contradicts(
            attempt,
            Contradiction::OtherBlock {
                asked,
                got: header.number,
            },
        )),
        _ => Ok(header),
    }
}

/// An error about the answer to `attempt`.
pub(crate) fn contradicts(attempt: &Attempt, found: Contradiction) -> SourceError {
    SourceError::Contradiction {
        attempt: attempt.clone(),
        contradiction: Box::new(found),
    }
}
