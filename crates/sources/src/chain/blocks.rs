//! Headers by number and the final head, as one node answers them.

use core::ops::RangeInclusive;

use alloy::primitives::B256;
use alloy::rpc::types::{self as rpc, BlockNumberOrTag};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use tocsin_domain::cover::Finality;
use tocsin_domain::cursor::SourceCursor;

use super::header::BlockHeader;
use super::rpc::Rpc;
use crate::SourceError;
use crate::error::{Attempt, Contradiction};

/// Requests under way at once; more gains little and makes providers refuse.
pub(crate) const CONCURRENT_READS: usize = 8;

const METHOD: &str = "eth_getBlockByNumber";

/// The blocks of a node, and which of them are final.
pub(crate) struct Blocks {
    pub(crate) node: Rpc,
    pub(crate) finality: Finality,
}

/// The newest final block.
#[derive(Clone, Copy)]
pub(crate) struct FinalHead {
    pub(crate) number: u64,
    /// Known where finality is a tag.
    hash: Option<B256>,
}

impl Blocks {
    /// The newest block's number.
    pub(crate) async fn latest(&self) -> Result<u64, SourceError> {
        let attempt = self.node.attempt(METHOD, "the latest block");
        let answer = self
            .node
            .call(&attempt, (BlockNumberOrTag::Latest, false))
            .await?;
        Ok(checked(&attempt, answer, None)?.number)
    }

    /// The newest final block; `None` while there is none.
    pub(crate) async fn final_head(&self) -> Result<Option<FinalHead>, SourceError> {
        let attempt = self
            .node
            .attempt(METHOD, format!("the {} block", self.tag()));
        let answer: Option<rpc::Header> = self.node.call(&attempt, (self.tag(), false)).await?;
        match answer {
            // Before its first finality, a chain has no such block. A latest block there always is.
            None if self.tag() != BlockNumberOrTag::Latest => Ok(None),
            answer => Ok(self.as_final_head(&checked(&attempt, answer, None)?)),
        }
    }

    /// The blocks with these numbers.
    pub(crate) async fn headers(
        &self,
        numbers: RangeInclusive<u64>,
    ) -> Result<Vec<BlockHeader>, SourceError> {
        stream::iter(numbers)
            .map(|number| self.header(number))
            .buffered(CONCURRENT_READS)
            .try_collect()
            .await
    }

    /// The block with this number.
    pub(crate) async fn header(&self, number: u64) -> Result<BlockHeader, SourceError> {
        let attempt = self.about(number);
        let answer = self
            .node
            .call(&attempt, (BlockNumberOrTag::Number(number), false))
            .await?;
        checked(&attempt, answer, Some(number))
    }

    /// An error about a block that was read by number.
    pub(crate) fn contradiction(&self, number: u64, found: Contradiction) -> SourceError {
        contradicts(&self.about(number), found)
    }

    /// An error that says that the node is behind the cursor.
    pub(crate) fn lagging(&self, head: Option<FinalHead>, cursor: &SourceCursor) -> SourceError {
        SourceError::Lagging {
            endpoint: self.node.endpoint().clone(),
            final_head: head.map(|head| head.number),
            cursor: cursor.number,
        }
    }

    /// Tells a reorganisation below finality from an answer of a node that is behind or confused: it is one only if a single
    /// answer, so a single node, says that the cursor's block is final and is another one.
    pub(crate) async fn check_still_on_chain(
        &self,
        cursor: &SourceCursor,
    ) -> Result<(), SourceError> {
        let about = format!(
            "the {} block and block {} together",
            self.tag(),
            cursor.number
        );
        let attempt = self.node.attempt(METHOD, about);
        let questions =
            [self.tag(), BlockNumberOrTag::Number(cursor.number)].map(|block| (block, false));
        let [head, at_cursor] = self.node.call_all(&attempt, questions).await?;
        let head = self.as_final_head(&checked(&attempt, head, None)?);
        if head.is_none_or(|head| head.number < cursor.number) {
            return Err(self.lagging(head, cursor));
        }
        let theirs = checked(&attempt, at_cursor, Some(cursor.number))?.hash;
        if theirs == cursor.hash {
            return Ok(());
        }
        Err(SourceError::ForkBelowFinality {
            endpoint: self.node.endpoint().clone(),
            number: cursor.number,
            ours: cursor.hash,
            theirs,
        })
    }

    fn tag(&self) -> BlockNumberOrTag {
        match self.finality {
            Finality::Finalized => BlockNumberOrTag::Finalized,
            Finality::Safe => BlockNumberOrTag::Safe,
            Finality::Confirmations(_) => BlockNumberOrTag::Latest,
        }
    }

    /// The final head, where `tagged` is the block that [`Self::tag`] names.
    fn as_final_head(&self, tagged: &BlockHeader) -> Option<FinalHead> {
        match self.finality {
            Finality::Finalized | Finality::Safe | Finality::Confirmations(0) => Some(FinalHead {
                number: tagged.number,
                hash: Some(tagged.hash),
            }),
            Finality::Confirmations(blocks) => tagged
                .number
                .checked_sub(blocks)
                .map(|number| FinalHead { number, hash: None }),
        }
    }

    fn about(&self, number: u64) -> Attempt {
        self.node.attempt(METHOD, format!("block {number}"))
    }
}

impl FinalHead {
    /// The block that the tag named and a block that was read by its number must be one; another node may have answered one
    /// of the questions.
    pub(crate) fn check(&self, number: u64, hash: B256) -> Result<(), Contradiction> {
        match self.hash {
            Some(final_head) if number == self.number && hash != final_head => {
                Err(Contradiction::NotTheFinalHead {
                    number,
                    got: hash,
                    final_head,
                })
            }
            _ => Ok(()),
        }
    }
}

fn checked(
    attempt: &Attempt,
    answer: Option<rpc::Header>,
    asked: Option<u64>,
) -> Result<BlockHeader, SourceError> {
    let Some(answer) = answer else {
        return Err(SourceError::MissingBlock {
            attempt: attempt.clone(),
        });
    };
    let header = BlockHeader::check(answer).map_err(|found| contradicts(attempt, found))?;
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
