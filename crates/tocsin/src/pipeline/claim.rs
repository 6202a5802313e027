//! Claim: every policy on a determined risk is told whether it is paid, and why.

use std::sync::Arc;

use tocsin_domain::claim::{Claim, Eligibility, Refusal, decide};
use tocsin_domain::determination::Determination;

use super::bell::Bell;
use super::evaluate::Evaluator;
use super::{Stage, StageError, Turn, WORK_PER_TURN, Work};

/// How many claims are committed together, at the least, where there are so many.
const CLAIMS_PER_COMMIT: usize = 2_000;

/// Decides claims.
pub struct Claimer {
    evaluator: Arc<Evaluator>,
    next: Bell,
}

impl Claimer {
    /// A claimer that rings `next` when it has decided.
    pub fn new(evaluator: Arc<Evaluator>, next: Bell) -> Self {
        Self { evaluator, next }
    }
}

impl Work for Claimer {
    fn name(&self) -> &str {
        "claim"
    }

    async fn turn(&self, stage: &Stage) -> Result<Turn, StageError> {
        let work = stage.store.unclaimed(WORK_PER_TURN).await?;
        let turn = if work.is_empty() {
            Turn::Idle
        } else {
            Turn::Worked
        };
        let mut decided = Vec::new();
        for determination in work {
            decide_all(stage, &self.evaluator, &determination, &mut decided).await?;
            // A commit costs more than many claims: those of a storm share one.
            if decided.len() >= CLAIMS_PER_COMMIT {
                self.record(stage, &mut decided).await?;
            }
        }
        if !decided.is_empty() {
            self.record(stage, &mut decided).await?;
        }
        Ok(turn)
    }
}

impl Claimer {
    async fn record(&self, stage: &Stage, decided: &mut Vec<Claim>) -> Result<(), StageError> {
        stage.store.add_claims(decided).await?;
        decided.clear();
        self.next.ring();
        Ok(())
    }
}

async fn decide_all(
    stage: &Stage,
    evaluator: &Evaluator,
    determination: &Determination,
    decided: &mut Vec<Claim>,
) -> Result<(), StageError> {
    let terms = evaluator.cover(determination.terms_hash)?;
    for policy in stage.store.policies_on(determination.risk).await? {
        let eligibility = decide(&terms.cover, &policy, determination);
        // Named as the API names it; no span of a trace, of which there would be as many as claims.
        let id = format_args!("{}-{}", policy.id, determination.ordinal);
        let span = tracing::info_span!(target: "claims", "claim", %id);
        span.in_scope(|| match &eligibility {
            Eligibility::Eligible { fraction, amount } => {
                tracing::info!(policy = %policy.number, %fraction, %amount, "claim is eligible");
            }
            Eligibility::Refused(refusal @ Refusal::VerdictUnknown { .. }) => {
                tracing::warn!(policy = %policy.number, ?refusal, "claim cannot be decided: a person has to look");
            }
            Eligibility::Refused(refusal) => {
                tracing::info!(policy = %policy.number, ?refusal, "claim is refused");
            }
        });
        decided.push(Claim {
            policy: policy.id,
            risk: determination.risk,
            ordinal: determination.ordinal,
            eligibility,
        });
    }
    Ok(())
}
