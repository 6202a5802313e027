//! Evaluate: what the observations of a step mean for every risk that listens to its sources.
//!
//! Nothing is written here: the result commits in the transaction that moves the cursors. Time advances for a risk only
//! as far as every one of its sources has reported.

use std::collections::BTreeMap;

use tocsin_domain::cover::Cover;
use tocsin_domain::determination::Determination;
use tocsin_domain::eval::{
    Batch, EvalError, InputObservation, Intake, LossEvent, Program, RiskState, Start,
};
use tocsin_domain::evidence::{self, Extent};
use tocsin_domain::ids::{EventId, RiskId, TermsHash};
use tocsin_domain::observation::Observation;
use tocsin_domain::risk::{Risk, Stream};
use tocsin_domain::time::Timestamp;
use tocsin_store::Store;
use tocsin_store::step::{RiskAdvance, RiskSnapshot, SourceAdvance};

use super::StageError;

/// Every cover, compiled.
pub struct Evaluator {
    covers: BTreeMap<TermsHash, (Program, Cover)>,
}

/// What a step means.
#[derive(Default)]
pub struct Verdicts {
    /// New states.
    pub risks: Vec<RiskAdvance>,
    /// New determinations.
    pub determinations: Vec<Determination>,
}

impl Evaluator {
    /// Compiles the covers.
    pub fn new(covers: impl IntoIterator<Item = Cover>) -> Self {
        Self {
            covers: covers
                .into_iter()
                .map(|cover| (cover.terms_hash, (Program::compile(&cover), cover)))
                .collect(),
        }
    }

    /// The cover with these terms.
    pub fn cover(&self, terms: TermsHash) -> Result<&Cover, StageError> {
        self.covers
            .get(&terms)
            .map(|(_, cover)| cover)
            .ok_or(StageError::UnknownTerms(terms))
    }

    /// The state of a risk of which nothing was observed.
    pub fn initial_state(&self, risk: &Risk) -> Result<Vec<u8>, StageError> {
        let terms = risk.terms_hash;
        let (program, _) = self
            .covers
            .get(&terms)
            .ok_or(StageError::UnknownTerms(terms))?;
        let start = Start {
            evaluate_from: Some(risk.evaluate_from),
            inception: risk.inception,
        };
        encode(risk.id, &RiskState::new(program, start))
    }

    /// What `observations` mean, once `advances` are done, for every risk that listens to one of these sources.
    pub async fn evaluate(
        &self,
        store: &dyn Store,
        advances: &[SourceAdvance],
        observations: &[Observation],
        now: Timestamp,
    ) -> Result<Verdicts, StageError> {
        let sources: Vec<_> = advances
            .iter()
            .map(|advance| advance.to.source.clone())
            .collect();
        let mut verdicts = Verdicts::default();
        for snapshot in store.snapshots(&sources).await? {
            self.advance(store, &snapshot, advances, observations, now, &mut verdicts)
                .await?;
        }
        Ok(verdicts)
    }

    async fn advance(
        &self,
        store: &dyn Store,
        snapshot: &RiskSnapshot,
        advances: &[SourceAdvance],
        fresh: &[Observation],
        now: Timestamp,
        verdicts: &mut Verdicts,
    ) -> Result<(), StageError> {
        let risk = snapshot.risk.id;
        let terms = snapshot.risk.terms_hash;
        let (program, cover) = self
            .covers
            .get(&terms)
            .ok_or(StageError::UnknownTerms(terms))?;
        let refused = |error: EvalError| StageError::Evaluation {
            risk,
            problem: error.to_string(),
        };
        let mut state = decode(risk, &snapshot.state)?;
        let mut intake = merge(program, &state, snapshot, fresh).map_err(refused)?;
        let Some(batch) = report(&mut intake, snapshot, advances).map_err(refused)? else {
            return Ok(());
        };
        let evaluated_to = batch.watermark;
        let losses = program
            .advance(&mut state, batch.observations, evaluated_to)
            .map_err(refused)?;
        for loss in losses {
            verdicts
                .determinations
                .push(determine(store, cover, snapshot, fresh, loss, now).await?);
        }
        verdicts.risks.push(RiskAdvance {
            risk,
            version: snapshot.version,
            state: encode(risk, &state)?,
            evaluated_to,
        });
        Ok(())
    }
}

// As JSON, so that an operator can read what the engine remembers.
fn encode(risk: RiskId, state: &RiskState) -> Result<Vec<u8>, StageError> {
    serde_json::to_vec(state).map_err(|error| StageError::Evaluation {
        risk,
        problem: format!("its state cannot be written: {error}"),
    })
}

fn decode(risk: RiskId, state: &[u8]) -> Result<RiskState, StageError> {
    serde_json::from_slice(state).map_err(|error| StageError::Evaluation {
        risk,
        problem: format!("its stored state cannot be read: {error}"),
    })
}

/// What waits for evaluation: stored observations and new ones. One that is late is an error, or evidence would hold what
/// evaluation never saw.
fn merge(
    program: &Program,
    state: &RiskState,
    snapshot: &RiskSnapshot,
    fresh: &[Observation],
) -> Result<Intake, EvalError> {
    // A slot an input: inputs of one source report together, which is all that matters.
    let mut intake = Intake::new(program, state, snapshot.streams.len());
    for observation in snapshot.pending.iter().chain(fresh) {
        let stream = Stream::of(observation);
        // Two inputs may listen to the same stream.
        for (input, _) in snapshot
            .streams
            .iter()
            .enumerate()
            .filter(|(_, listened)| **listened == stream)
        {
            let seen = InputObservation {
                input,
                observed_at: observation.observed_at,
                sequence: observation.sequence,
                value: observation.value.clone(),
            };
            intake.observe(input, seen)?;
        }
    }
    Ok(intake)
}

/// What can be evaluated once `advances` are done: time moves only as far as every source has reported.
fn report<'a>(
    intake: &'a mut Intake,
    snapshot: &RiskSnapshot,
    advances: &[SourceAdvance],
) -> Result<Option<Batch<'a>>, EvalError> {
    let mut reported = Vec::with_capacity(snapshot.streams.len());
    for (stream, stored) in snapshot.streams.iter().zip(&snapshot.watermarks) {
        let advanced = advances
            .iter()
            .find(|advance| advance.to.source == stream.source);
        match advanced.map(|advance| advance.to.watermark).or(*stored) {
            Some(watermark) => reported.push(watermark),
            None => return Ok(None),
        }
    }
    let Some((last, before)) = reported.split_last() else {
        return Ok(None);
    };
    for (slot, watermark) in before.iter().enumerate() {
        // Nothing can be complete before the last one has reported.
        intake.reported(slot, *watermark)?;
    }
    intake.reported(before.len(), *last)
}

async fn determine(
    store: &dyn Store,
    cover: &Cover,
    snapshot: &RiskSnapshot,
    fresh: &[Observation],
    loss: LossEvent,
    now: Timestamp,
) -> Result<Determination, StageError> {
    let refused = |problem: String| StageError::Evaluation {
        risk: snapshot.risk.id,
        problem,
    };
    let extent = Extent::of(
        cover,
        snapshot.risk.inception,
        loss.evidence_from,
        loss.settled_at,
    );
    let mut history = store
        .history(&snapshot.streams, extent.after, extent.until)
        .await?;
    history.extend(fresh.iter().cloned());
    let rows = evidence::select(&snapshot.streams, &history, extent)
        .map_err(|error| refused(error.to_string()))?;
    let (evidence_root, evidence_count) = evidence::commit(&rows)
        .ok_or_else(|| refused("it has more evidence than can be counted".to_owned()))?;
    Ok(Determination {
        risk: snapshot.risk.id,
        terms_hash: cover.terms_hash,
        subject: snapshot.risk.subject.clone(),
        ordinal: loss.ordinal,
        event_id: EventId::derive(&snapshot.risk.subject, loss.ordinal),
        occurred_at: loss.occurred_at,
        confirmed_at: loss.confirmed_at,
        settled_at: loss.settled_at,
        evidence_from: loss.evidence_from,
        // A clock that is behind the chain cannot make a decision earlier than what it decides.
        determined_at: now.max(loss.settled_at),
        payout: loss.payout,
        inputs: loss.inputs,
        guards: loss.guards,
        evidence_root,
        evidence_count,
        confirmed_on: evidence::confirmed_on(&rows, loss.confirmed_at),
    })
}
