//! Evaluate: what the observations of a step mean for every risk that listens to its sources.
//!
//! Nothing is written here: the result commits in the transaction that moves the cursors. Time advances for a risk only
//! as far as every one of its sources has reported.

use std::collections::BTreeMap;

use tocsin_domain::cover::Cover;
use tocsin_domain::determination::Determination;
use tocsin_domain::eval::outcome::{InputObservation, LossEvent};
use tocsin_domain::eval::Program;
use tocsin_domain::eval::RiskState;
use tocsin_domain::evidence;
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
        self.covers.get(&terms).map(|(_, cover)| cover).ok_or(StageError::UnknownTerms(terms))
    }

    /// The state of a risk of which nothing was observed.
    pub fn initial_state(&self, risk: &Risk) -> Result<Vec<u8>, StageError> {
        let terms = risk.terms_hash;
        let (program, _) = self.covers.get(&terms).ok_or(StageError::UnknownTerms(terms))?;
        encode(risk.id, &RiskState::new(program, Some(risk.evaluate_from)))
    }

    /// What `observations` mean, once `advances` are done, for every risk that listens to one of these sources.
    pub async fn evaluate(
        &self,
        store: &dyn Store,
        advances: &[SourceAdvance],
        observations: &[Observation],
        now: Timestamp,
    ) -> Result<Verdicts, StageError> {
        let sources: Vec<_> = advances.iter().map(|advance| advance.to.source.clone()).collect();
        let mut verdicts = Verdicts::default();
        for snapshot in store.snapshots(&sources).await? {
            let Some(watermark) = watermark(&snapshot, advances) else { continue };
            if snapshot.evaluated_to.is_some_and(|done| watermark <= done) {
                continue;
            }
            self.advance(store, &snapshot, observations, watermark, now, &mut verdicts).await?;
        }
        Ok(verdicts)
    }

    async fn advance(
        &self,
        store: &dyn Store,
        snapshot: &RiskSnapshot,
        fresh: &[Observation],
        watermark: Timestamp,
        now: Timestamp,
        verdicts: &mut Verdicts,
    ) -> Result<(), StageError> {
        let risk = snapshot.risk.id;
        let terms = snapshot.risk.terms_hash;
        let (program, cover) = self.covers.get(&terms).ok_or(StageError::UnknownTerms(terms))?;
        let mut state = decode(risk, &snapshot.state)?;
        let due = due(snapshot, fresh, watermark)?;
        let losses = program
            .advance(&mut state, &due, watermark)
            .map_err(|error| StageError::Evaluation { risk, problem: error.to_string() })?;
        for loss in losses {
            verdicts.determinations.push(determine(store, cover, snapshot, fresh, loss, now).await?);
        }
        verdicts.risks.push(RiskAdvance {
            risk,
            version: snapshot.version,
            state: encode(risk, &state)?,
            evaluated_to: watermark,
        });
        Ok(())
    }
}

// As JSON, so that an operator can read what the engine remembers.
fn encode(risk: RiskId, state: &RiskState) -> Result<Vec<u8>, StageError> {
    serde_json::to_vec(state)
        .map_err(|error| StageError::Evaluation { risk, problem: format!("its state cannot be written: {error}") })
}

fn decode(risk: RiskId, state: &[u8]) -> Result<RiskState, StageError> {
    serde_json::from_slice(state)
        .map_err(|error| StageError::Evaluation { risk, problem: format!("its stored state cannot be read: {error}") })
}

/// How far every source of the risk has reported, once `advances` are done.
fn watermark(snapshot: &RiskSnapshot, advances: &[SourceAdvance]) -> Option<Timestamp> {
    let mut least: Option<Timestamp> = None;
    for (stream, stored) in snapshot.streams.iter().zip(&snapshot.watermarks) {
        let advanced = advances
            .iter()
            .find(|advance| advance.to.source == stream.source)
            .map(|advance| advance.to.watermark);
        let reported = advanced.or(*stored)?;
        least = Some(least.map_or(reported, |least| least.min(reported)));
    }
    least
}

/// The risk's observations that have become due, in the evaluator's order.
fn due(
    snapshot: &RiskSnapshot,
    fresh: &[Observation],
    watermark: Timestamp,
) -> Result<Vec<InputObservation>, StageError> {
    let mut due = Vec::new();
    for observation in snapshot.pending.iter().chain(fresh) {
        let stream = Stream::of(observation);
        if !snapshot.streams.contains(&stream) || observation.observed_at > watermark {
            continue;
        }
        if let Some(done) = snapshot.evaluated_to.filter(|done| observation.observed_at <= *done) {
            // Evidence would hold what evaluation never saw.
            return Err(StageError::Evaluation {
                risk: snapshot.risk.id,
                problem: format!(
                    "{} said something of {} that it had already reported past ({done}): its watermark was not true; if its \
                     chain repeats timestamps, begin anew with strictly_rising_timestamps = false and another database",
                    observation.source, observation.observed_at
                ),
            });
        }
        // Two inputs may listen to the same stream.
        for (input, listened) in snapshot.streams.iter().enumerate() {
            if *listened == stream {
                due.push(InputObservation {
                    input,
                    observed_at: observation.observed_at,
                    sequence: observation.sequence,
                    value: observation.value.clone(),
                });
            }
        }
    }
    due.sort_by_key(|observation| (observation.observed_at, observation.input, observation.sequence));
    due.dedup();
    Ok(due)
}

async fn determine(
    store: &dyn Store,
    cover: &Cover,
    snapshot: &RiskSnapshot,
    fresh: &[Observation],
    loss: LossEvent,
    now: Timestamp,
) -> Result<Determination, StageError> {
    let refused = |problem: String| StageError::Evaluation { risk: snapshot.risk.id, problem };
    let mut history = store.history(&snapshot.streams, loss.evidence_from, loss.confirmed_at).await?;
    history.extend(fresh.iter().cloned());
    let rows = evidence::select(&snapshot.streams, &history, loss.evidence_from, loss.confirmed_at)
        .map_err(|error| refused(error.to_string()))?;
    let (evidence_root, evidence_count) =
        evidence::commit(&rows).ok_or_else(|| refused("it has more evidence than can be counted".to_owned()))?;
    Ok(Determination {
        risk: snapshot.risk.id,
        terms_hash: cover.terms_hash,
        subject: snapshot.risk.subject.clone(),
        ordinal: loss.ordinal,
        event_id: EventId::derive(&snapshot.risk.subject, loss.ordinal),
        occurred_at: loss.occurred_at,
        confirmed_at: loss.confirmed_at,
        evidence_from: loss.evidence_from,
        // A clock that is behind the chain cannot make a decision earlier than what it decides.
        determined_at: now.max(loss.confirmed_at),
        payout: loss.payout,
        inputs: loss.inputs,
        evidence_root,
        evidence_count,
        confirmed_on: evidence::confirmed_on(&rows),
    })
}
