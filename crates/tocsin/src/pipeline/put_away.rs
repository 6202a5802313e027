//! Put away: risks that are over are evaluated no more, and raw responses that nothing rests on are removed.
//!
//! Guarantee: what a claim may rest on stays until no claim can be made, however short the archive is meant to be.

use std::sync::Arc;
use std::time::Duration;

use tocsin_domain::observation::SourceId;
use tocsin_domain::time::Seconds;
use tocsin_store::response::{Deadline, Retention};

use super::evaluate::Evaluator;
use super::{Stage, StageError, Turn, Work};

/// How often there is a look for what is over.
const NAP: Duration = Duration::from_secs(3_600);

/// Risks, and responses of each feed, that one turn puts away.
const PER_TURN: u32 = 2_000;

/// Puts away what is over.
pub struct Archivist {
    evaluator: Arc<Evaluator>,
    /// How long the responses of each feed are kept at least.
    feeds: Vec<(SourceId, Seconds)>,
}

impl Archivist {
    /// Under the terms that `evaluator` knows, with the responses of `feeds` kept at least so long.
    pub fn new(evaluator: Arc<Evaluator>, feeds: Vec<(SourceId, Seconds)>) -> Self {
        Self { evaluator, feeds }
    }
}

impl Work for Archivist {
    fn name(&self) -> &str {
        "put away"
    }

    fn nap(&self) -> Duration {
        NAP
    }

    async fn turn(&self, stage: &Stage) -> Result<Turn, StageError> {
        let now = stage.clock.now();
        let feeds = self.feeds.iter();
        let sources: Vec<_> = feeds
            .map(|(source, kept)| (source.clone(), now - *kept))
            .collect();
        let terms = self.evaluator.covers();
        let deadlines: Vec<Deadline> = terms
            .iter()
            .map(|terms| Deadline {
                terms: terms.cover.terms_hash,
                claims: terms.cover.policy.claim_deadline,
            })
            .collect();
        let retention = Retention {
            now,
            deadlines: &deadlines,
            sources: &sources,
            limit: PER_TURN,
        };
        let put_away = stage.store.put_away(&retention).await?;
        if put_away.risks == 0 && put_away.responses == 0 {
            return Ok(Turn::Idle);
        }
        tracing::info!(
            risks = put_away.risks,
            responses = put_away.responses,
            "put away what is over"
        );
        Ok(Turn::Worked)
    }
}
