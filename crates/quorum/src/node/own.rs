//! What this node has determined itself: it reports, votes on and signs nothing else.

use std::sync::Arc;

use tocsin_domain::cover::Cover;
use tocsin_domain::determination::Determination;
use tocsin_domain::ids::TermsHash;
use tocsin_domain::quorum::{Event, Fused, is_same_loss};
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::cover::RiskRecord;

use super::{Node, lock};
use crate::refusal::{Reason, Refusal};

/// What this node has determined of an event.
pub(crate) struct Own {
    pub(crate) cover: Arc<Cover>,
    pub(crate) determination: Determination,
    pub(super) risk: RiskRecord,
    pub(super) previous: Option<Timestamp>,
}

impl Node {
    /// What this node has determined of an event; refused where it has not, or has found that it cannot be said.
    pub(crate) async fn own(&self, event: &Event) -> Result<Own, Refusal> {
        let undetermined =
            |what: &str| Refusal::new(Reason::NotDetermined, format!("this node {what}"));
        let risk = self.store.risk(event.risk()).await?;
        let risk = risk.ok_or_else(|| undetermined("does not insure such a risk"))?;
        self.check_halts(&risk).await?;
        let determination = self
            .store
            .determination(risk.risk.id, event.ordinal)
            .await?;
        let determination =
            determination.ok_or_else(|| undetermined("has determined no such loss event"))?;
        if let Err(unknown) = &determination.payout {
            return Err(Refusal::new(
                Reason::Inconclusive,
                format!("here the loss cannot be said: {unknown:?}"),
            ));
        }
        let previous = match event.ordinal.checked_sub(1) {
            None | Some(0) => None,
            Some(before) => {
                let before = self.store.determination(risk.risk.id, before).await?;
                let before =
                    before.ok_or_else(|| undetermined("has not determined the one before it"))?;
                Some(before.confirmed_at)
            }
        };
        Ok(Own {
            cover: self.cover(event.terms_hash).await?,
            determination,
            risk,
            previous,
        })
    }

    /// What a halted source has said is neither reported nor voted on until somebody has looked.
    async fn check_halts(&self, risk: &RiskRecord) -> Result<(), Refusal> {
        let halts = self.store.halts().await?;
        let streams = &risk.streams;
        let mut halts = halts.iter();
        match halts.find(|halted| streams.iter().any(|stream| stream.source == halted.source)) {
            None => Ok(()),
            Some(halted) => Err(Refusal::new(
                Reason::Halted,
                format!("here {} is halted", halted.source),
            )),
        }
    }

    async fn cover(&self, terms: TermsHash) -> Result<Arc<Cover>, Refusal> {
        if let Some(known) = lock(&self.covers).get(&terms) {
            return Ok(Arc::clone(known));
        }
        let record = self.store.cover(terms).await?.ok_or_else(|| {
            Refusal::new(
                Reason::NotDetermined,
                format!("this node has no terms {terms}"),
            )
        })?;
        let cover = Cover::from_terms(&record.canonical_terms).map_err(|_diagnostics| {
            Refusal::from(StoreError::InvalidRow {
                noun: "cover",
                key: terms.to_string(),
                reason: "its terms are no cover".to_owned(),
            })
        })?;
        let cover = Arc::new(cover);
        lock(&self.covers).insert(terms, Arc::clone(&cover));
        Ok(cover)
    }
}

impl Own {
    /// That reports amount to the loss that this node has determined, and not to another one that has the same number
    /// elsewhere.
    pub(crate) fn check_same_loss(&self, fused: &Fused) -> Result<(), Refusal> {
        let (own, theirs) = (&self.determination, &fused.determination);
        if is_same_loss(&self.cover, own, theirs) {
            return Ok(());
        }
        tracing::error!(
            subject = %own.subject, ordinal = own.ordinal, here = %own.occurred_at, there = %theirs.occurred_at,
            "ALARM: the other attestors give the number of this loss to another incident; one of us has seen one that the others have not"
        );
        Err(Refusal::new(
            Reason::OtherLoss,
            format!(
                "loss event {} was here from {} to {}, and by the reports from {} to {}",
                own.ordinal, own.occurred_at, own.settled_at, theirs.occurred_at, theirs.settled_at
            ),
        ))
    }
}
