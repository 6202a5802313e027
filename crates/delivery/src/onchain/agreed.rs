//! What several endpoints say alike of one final block.
//!
//! Promise: what is answered here at least as many endpoints as the settings ask for (`agree`) have said, word for word,
//! of one block that is final for each of them. So one that lies invents nothing and hides nothing, and one that lags
//! delays the answer by as much as it lags. The block never goes back: whoever knows of a later one is asked again.

use std::sync::atomic::Ordering;

use alloy::primitives::B256;

use super::connect::{Submitter, no_endpoints};
use super::look::Head;
use super::node::Node;
use crate::DeliveryError;

/// What can be asked of each endpoint about one block.
pub(super) trait Question: Sync {
    /// What is said; the same of all that read the same chain.
    type Answer: PartialEq + Send;

    /// What is done, for messages.
    const ATTEMPTED: &'static str;

    /// Asks one endpoint.
    fn ask(
        &self,
        node: &Node,
        head: &Head,
    ) -> impl Future<Output = Result<Self::Answer, DeliveryError>> + Send;
}

/// An endpoint with its last final block that has the verifier.
type Final<'a> = (&'a Node, Option<Head>);

impl Submitter {
    /// What as many endpoints as have to say of the newest block that is final for all of them; `None` where they know of no
    /// final block with the verifier yet.
    ///
    /// # Errors
    /// [`DeliveryError::Rpc`] where too few answer, [`DeliveryError::Disagree`] where they say different things.
    pub(super) async fn agreed<Q: Question>(
        &self,
        question: &Q,
    ) -> Result<Option<Q::Answer>, DeliveryError> {
        let needed = self.settings().agree.max(1);
        let (finals, mut trouble) = self.finals(needed).await?;
        let least = self.agreed_block().load(Ordering::Relaxed);
        let mut contradicted = false;
        for block in common(&finals, needed) {
            if block < least {
                break;
            }
            let mut tally = Tally::default();
            for (node, last) in finals
                .iter()
                .filter_map(|(node, last)| Some((*node, (*last)?)))
            {
                if last.number < block {
                    continue;
                }
                match at(node, last, block, question).await {
                    Ok((hash, answer)) => {
                        if let Some(agreed) = tally.count(hash, answer, needed) {
                            self.agreed_block().fetch_max(block, Ordering::Relaxed);
                            return Ok(Some(agreed));
                        }
                    }
                    Err(error) if error.is_transient() => {
                        trouble.get_or_insert(error);
                    }
                    Err(error) => return Err(error),
                }
            }
            contradicted |= tally.0.len() > 1;
        }
        let young = finals.iter().filter(|(_, last)| last.is_none()).count();
        if young >= needed && least == 0 {
            return Ok(None);
        }
        match trouble {
            Some(error) if !contradicted => Err(error),
            _ => Err(DeliveryError::Disagree {
                attempted: Q::ATTEMPTED,
                needed,
                endpoints: finals.iter().map(|(node, _)| node.endpoint()).collect(),
                least,
            }),
        }
    }

    /// The final blocks of those that answer. Where one word is enough, of the first.
    async fn finals(
        &self,
        needed: usize,
    ) -> Result<(Vec<Final<'_>>, Option<DeliveryError>), DeliveryError> {
        let (mut finals, mut trouble) = (Vec::new(), None);
        for node in self.nodes() {
            let last = match node.check().await {
                Ok(()) => node.final_verifier().await,
                Err(error) => Err(error),
            };
            match last {
                Ok(last) => finals.push((node, last)),
                Err(error) if error.is_transient() => {
                    trouble.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
            if needed == 1 && !finals.is_empty() {
                break;
            }
        }
        if finals.len() < needed {
            return Err(trouble.unwrap_or_else(no_endpoints));
        }
        Ok((finals, trouble))
    }
}

/// The blocks that are final for `needed` endpoints at least, newest first, among the last ones of each.
fn common(finals: &[Final<'_>], needed: usize) -> Vec<u64> {
    let lasts = finals.iter().filter_map(|(_, last)| Some((*last)?.number));
    let mut lasts: Vec<u64> = lasts.collect();
    lasts.sort_unstable_by(|one, other| other.cmp(one));
    let mut common: Vec<u64> = lasts.into_iter().skip(needed - 1).collect();
    common.dedup();
    common
}

async fn at<Q: Question>(
    node: &Node,
    last: Head,
    block: u64,
    question: &Q,
) -> Result<(B256, Q::Answer), DeliveryError> {
    let head = if last.number == block {
        last
    } else {
        let head = node.head_at(block).await?;
        head.ok_or_else(|| {
            let detail = format!("it has no block {block}, and {} is final", last.number);
            node.malformed(Q::ATTEMPTED, detail)
        })?
    };
    Ok((head.hash, question.ask(node, &head).await?))
}

/// What was said of one block, and how often.
struct Tally<A>(Vec<(B256, A, usize)>);

impl<A> Default for Tally<A> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<A: PartialEq> Tally<A> {
    /// The answer, once it has been given often enough.
    fn count(&mut self, hash: B256, answer: A, needed: usize) -> Option<A> {
        let mut said = self.0.iter_mut();
        let times = match said.find(|(block, said, _)| *block == hash && *said == answer) {
            Some((_, _, times)) => {
                *times += 1;
                *times
            }
            None if needed <= 1 => 1,
            None => {
                self.0.push((hash, answer, 1));
                return None;
            }
        };
        (times >= needed).then_some(answer)
    }
}
