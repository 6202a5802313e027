//! Claim: every policy on a determined risk is told whether it is paid, and why.

use std::sync::Arc;

use tocsin_domain::claim::{Claim, Eligibility, Refusal, decide};
use tocsin_domain::determination::Determination;

use super::bell::Bell;
use super::evaluate::Evaluator;
use super::{Stage, StageError, Turn, WORK_PER_TURN, Work};

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
        for determination in work {
            claim_all(stage, &self.evaluator, &determination).await?;
            self.next.ring();
        }
        Ok(turn)
    }
}

async fn claim_all(
    stage: &Stage,
    evaluator: &Evaluator,
    determination: &Determination,
) -> Result<(), StageError> {
    let cover = evaluator.cover(determination.terms_hash)?;
    let mut claims = Vec::new();
    for policy in stage.store.policies_on(determination.risk).await? {
        let eligibility = decide(cover, &policy, determination);
        match &eligibility {
            Eligibility::Eligible { fraction, amount } => {
                tracing::info!(policy = %policy.number, %fraction, %amount, "claim is eligible");
            }
            Eligibility::Refused(refusal @ Refusal::VerdictUnknown { .. }) => {
                tracing::warn!(policy = %policy.number, ?refusal, "claim cannot be decided: a person has to look");
            }
            Eligibility::Refused(refusal) => {
                tracing::info!(policy = %policy.number, ?refusal, "claim is refused");
            }
        }
        claims.push(Claim {
            policy: policy.id,
            risk: determination.risk,
            ordinal: determination.ordinal,
            eligibility,
        });
    }
    Ok(stage.store.add_claims(&claims).await?)
}
