//! Disagreements, written down for people.

use alloy_primitives::Address;
use tocsin_domain::ids::EventKey;
use tocsin_store::quorum::Disagreement;
use tokio::time::Instant;

use super::{Node, STRANGERS, lock};
use crate::refusal::{Reason, Refusal};

impl Node {
    /// Records that another attestor did what an operator has to know of. A failure of that is logged: it must not stop
    /// what was under way.
    pub(crate) async fn note(
        &self,
        peer: Option<Address>,
        event: Option<EventKey>,
        refusal: &Refusal,
    ) {
        if peer.is_none() && !self.is_news(refusal.reason) {
            return;
        }
        let now = self.now();
        tracing::warn!(peer = peer.map(|peer| peer.to_string()), event = event.map(|event| event.to_string()), reason = %refusal.reason, detail = %refusal.detail, "attestors disagree");
        let noted = Disagreement {
            peer,
            kind: refusal.reason.word().to_owned(),
            event,
            detail: refusal.detail.clone(),
            count: 1,
            first_at: now,
            last_at: now,
        };
        if let Err(error) = self.store.note(&[noted]).await {
            tracing::error!(%error, "a disagreement is not recorded");
        }
    }

    /// Whether strangers have not made themselves heard in this way for a while: they must not keep the disk busy.
    fn is_news(&self, reason: Reason) -> bool {
        let mut strangers = lock(&self.strangers);
        let now = Instant::now();
        let heard = strangers.insert(reason, now);
        let news = heard.is_none_or(|heard| now.duration_since(heard) >= STRANGERS);
        if let (false, Some(heard)) = (news, heard) {
            strangers.insert(reason, heard);
        }
        news
    }
}
