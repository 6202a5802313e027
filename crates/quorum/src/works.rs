//! Long answers, finished for their own sake: who hangs up and asks the same again gets what was begun for it, and nothing is
//! done twice.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use alloy_primitives::{Address, B256};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};

use crate::refusal::{Reason, Refusal};

/// The most answers for one attestor that are kept until it is told, finished or not. It has no more requests at once.
const EACH: usize = 2;

/// An answer, or why there is none.
type Answered = Result<Arc<Vec<u8>>, Refusal>;

/// The answers that were begun lately.
#[derive(Debug, Default)]
pub(crate) struct Works(Mutex<VecDeque<Work>>);

#[derive(Debug)]
struct Work {
    asker: Address,
    /// Of what was asked.
    hash: B256,
    answer: Shared<BoxFuture<'static, Answered>>,
}

impl Works {
    /// The answer to what `asker` has asked, whose body has this hash; `work` is only begun where it is not under way, or done,
    /// already. It ends whether or not anybody waits for it.
    pub(crate) async fn once(
        &self,
        asker: Address,
        hash: B256,
        work: impl Future<Output = Result<Vec<u8>, Refusal>> + Send + 'static,
    ) -> Answered {
        let answer = {
            let mut works = self.works();
            let known = works
                .iter()
                .find(|one| one.asker == asker && one.hash == hash);
            match known {
                Some(known) => known.answer.clone(),
                None => {
                    let answer = begun(work);
                    let count = works.iter().filter(|one| one.asker == asker).count();
                    if count >= EACH
                        && let Some(oldest) = works.iter().position(|one| one.asker == asker)
                    {
                        works.remove(oldest);
                    }
                    works.push_back(Work {
                        asker,
                        hash,
                        answer: answer.clone(),
                    });
                    answer
                }
            }
        };
        let answered = answer.await;
        // Once told it is forgotten: what is refused now may be right in a moment.
        self.works()
            .retain(|one| one.asker != asker || one.hash != hash);
        answered
    }

    fn works(&self) -> MutexGuard<'_, VecDeque<Work>> {
        // Held for a few accesses that do not panic: a poisoned one is still good.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn begun(
    work: impl Future<Output = Result<Vec<u8>, Refusal>> + Send + 'static,
) -> Shared<BoxFuture<'static, Answered>> {
    #[expect(
        clippy::disallowed_methods,
        reason = "it ends by itself, and what it journals holds wherever it ends"
    )]
    let task = tokio::spawn(work);
    let answer = async move {
        match task.await {
            Ok(answer) => answer.map(Arc::new),
            Err(error) => {
                tracing::error!(%error, "an answer to another attestor broke off");
                Err(Refusal::new(Reason::Failed, "it broke off here"))
            }
        }
    };
    answer.boxed().shared()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn who_hangs_up_and_asks_again_gets_what_was_begun() {
        let works = Works::default();
        let begun = Arc::new(AtomicUsize::new(0));
        let work = || {
            let begun = Arc::clone(&begun);
            async move {
                begun.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(50)).await;
                Ok(b"done".to_vec())
            }
        };
        let (asker, hash) = (Address::repeat_byte(1), B256::repeat_byte(1));
        let asked = works.once(asker, hash, work());
        let gone = tokio::time::timeout(Duration::from_millis(5), asked).await;
        assert!(gone.is_err());
        let answer = works.once(asker, hash, work()).await.unwrap();
        assert_eq!(answer.as_slice(), b"done");
        assert_eq!(begun.load(Ordering::Relaxed), 1);
        // What was told is not told from memory.
        works.once(asker, hash, work()).await.unwrap();
        assert_eq!(begun.load(Ordering::Relaxed), 2);
        // Another's question is another one.
        works
            .once(Address::repeat_byte(2), hash, work())
            .await
            .unwrap();
        assert_eq!(begun.load(Ordering::Relaxed), 3);
    }

    #[tokio::test]
    async fn what_failed_is_tried_again() {
        let works = Works::default();
        let (asker, hash) = (Address::repeat_byte(1), B256::repeat_byte(1));
        let refused = async { Err(Refusal::new(Reason::Failed, "")) };
        works.once(asker, hash, refused).await.unwrap_err();
        works
            .once(asker, hash, async { Ok(Vec::new()) })
            .await
            .unwrap();
    }
}
