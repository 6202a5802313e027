//! Evaluate: what the observations of a step mean for every risk that listens to its sources.
//!
//! Nothing is written here: the result commits in the transaction that moves the cursors. Time advances for a risk only
//! as far as every one of its sources has reported.

mod terms;

use std::collections::BTreeMap;
use std::sync::Arc;

use tocsin_domain::cover::Cover;
use tocsin_domain::determination::Determination;
use tocsin_domain::eval::{
    Batch, EvalError, InputObservation, Intake, LossEvent, Program, RiskState, Start,
};
use tocsin_domain::evidence::{self, Extent};
use tocsin_domain::ids::{EventId, RiskId, TermsHash};
use tocsin_domain::observation::{Observation, SourceId};
use tocsin_domain::risk::{Risk, Stream};
use tocsin_domain::time::Timestamp;
use tocsin_store::Store;
use tocsin_store::look::END_OF_TIME;
use tocsin_store::step::{RiskAdvance, RiskSnapshot};

pub use self::terms::Compiled;
use self::terms::Terms;
use super::StageError;
use super::polled_news::{PolledNews, Wakings};

/// Every cover, compiled.
pub struct Evaluator {
    terms: Terms,
}

/// What some sources have said since their stored progress.
#[derive(Clone, Copy)]
pub struct News<'a> {
    /// Each source and how far it is complete now.
    pub watermarks: &'a BTreeMap<SourceId, Timestamp>,
    /// What they said.
    pub observations: &'a [Observation],
}

/// A loss event that there would be if the blocks that say so become final.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Foreseen {
    /// The risk.
    pub risk: Risk,
    /// The loss.
    pub loss: LossEvent,
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
        let terms = Terms::default();
        covers.into_iter().for_each(|cover| terms.learn(cover));
        Self { terms }
    }

    /// Compiles one more; its risks can be stored then.
    pub fn learn(&self, cover: Cover) {
        self.terms.learn(cover);
    }

    /// The cover with these terms.
    pub fn cover(&self, terms: TermsHash) -> Result<Arc<Compiled>, StageError> {
        self.terms.get(terms)
    }

    /// Every cover that is known now.
    pub fn covers(&self) -> Vec<Arc<Compiled>> {
        self.terms.all()
    }

    /// The state of a risk of which nothing was observed.
    pub fn initial_state(&self, risk: &Risk) -> Result<Vec<u8>, StageError> {
        let terms = self.terms.get(risk.terms_hash)?;
        let start = Start {
            evaluate_from: Some(risk.evaluate_from),
            inception: risk.inception,
        };
        encode(risk.id, &RiskState::new(&terms.program, start))
    }

    /// What the news mean for every risk that listens to one of these sources.
    pub async fn evaluate(
        &self,
        store: &dyn Store,
        news: News<'_>,
        now: Timestamp,
    ) -> Result<Verdicts, StageError> {
        let sources: Vec<_> = news.watermarks.keys().cloned().collect();
        let mut verdicts = Verdicts::default();
        for snapshot in store.snapshots(&sources).await? {
            let reached = |stream: &Stream| news.watermarks.get(&stream.source).copied();
            let terms = self.terms.get(snapshot.risk.terms_hash)?;
            let advanced = advance(&terms.program, &snapshot, news.observations, &reached)?;
            let Some(advanced) = advanced else {
                continue;
            };
            let cover = &terms.cover;
            for loss in advanced.losses {
                verdicts
                    .determinations
                    .push(determine(store, cover, &snapshot, news.observations, loss, now).await?);
            }
            verdicts.risks.push(RiskAdvance {
                risk: snapshot.risk.id,
                version: snapshot.version,
                state: encode(snapshot.risk.id, &advanced.state)?,
                evaluated_to: advanced.evaluated_to,
            });
        }
        Ok(verdicts)
    }

    /// What polled sources have said of some subjects means for every risk that listens to one of them. A risk that cannot be
    /// evaluated is set aside: what it has heard waits, and the others go on.
    pub async fn evaluate_polled(
        &self,
        store: &dyn Store,
        polled: &PolledNews,
        now: Timestamp,
    ) -> Result<PolledVerdicts, StageError> {
        let subjects: Vec<_> = polled.subjects.keys().cloned().collect();
        let mut all = PolledVerdicts::default();
        for snapshot in store.snapshots_of(&subjects).await? {
            let judged = match self.judge(store, polled, &snapshot, now).await {
                Ok(Some(judged)) => judged,
                Ok(None) => continue,
                Err(StageError::Evaluation { risk, problem }) => {
                    all.set_aside.insert(risk, problem);
                    continue;
                }
                Err(error) => return Err(error),
            };
            for stream in &snapshot.streams {
                let Some(at) = judged.wakes_at else { break };
                let subject = (stream.source.clone(), stream.subject.clone());
                let earliest = all.wakings.entry(subject).or_insert(at);
                *earliest = at.min(*earliest);
            }
            all.verdicts.determinations.extend(judged.determinations);
            all.verdicts.risks.push(judged.advance);
        }
        Ok(all)
    }

    /// What was said means for one risk; `None` where it waits for others.
    async fn judge(
        &self,
        store: &dyn Store,
        polled: &PolledNews,
        snapshot: &RiskSnapshot,
        now: Timestamp,
    ) -> Result<Option<Judged>, StageError> {
        let heard = polled.of(&snapshot.streams);
        let reached = |stream: &Stream| polled.watermark(stream);
        let terms = self.terms.get(snapshot.risk.terms_hash)?;
        let (program, cover) = (&terms.program, &terms.cover);
        let Some(advanced) = advance(program, snapshot, &heard, &reached)? else {
            return Ok(None);
        };
        let waits = |seen: &Observation| seen.observed_at > advanced.evaluated_to;
        let wakes_at = if snapshot.pending.iter().chain(&heard).any(waits) {
            Some(now)
        } else {
            program.next_deadline(&advanced.state)
        };
        let mut determinations = Vec::with_capacity(advanced.losses.len());
        for loss in advanced.losses {
            determinations.push(determine(store, cover, snapshot, &heard, loss, now).await?);
        }
        Ok(Some(Judged {
            advance: RiskAdvance {
                risk: snapshot.risk.id,
                version: snapshot.version,
                state: encode(snapshot.risk.id, &advanced.state)?,
                evaluated_to: advanced.evaluated_to,
            },
            determinations,
            wakes_at,
        }))
    }

    /// The losses that the news would make, if they were final. Nothing comes of it but a warning.
    pub async fn foresee(
        &self,
        store: &dyn Store,
        news: News<'_>,
    ) -> Result<Vec<Foreseen>, StageError> {
        let sources: Vec<_> = news.watermarks.keys().cloned().collect();
        let mut foreseen = Vec::new();
        for snapshot in store.snapshots(&sources).await? {
            let reached = |stream: &Stream| news.watermarks.get(&stream.source).copied();
            let terms = self.terms.get(snapshot.risk.terms_hash)?;
            let advanced = advance(&terms.program, &snapshot, news.observations, &reached)?;
            let losses = advanced.map(|advanced| advanced.losses).unwrap_or_default();
            foreseen.extend(losses.into_iter().map(|loss| Foreseen {
                risk: snapshot.risk.clone(),
                loss,
            }));
        }
        Ok(foreseen)
    }
}

/// Advances one risk as far as all of its sources have come; `None` where that is no further than before.
fn advance(
    program: &Program,
    snapshot: &RiskSnapshot,
    fresh: &[Observation],
    reached: &dyn Fn(&Stream) -> Option<Timestamp>,
) -> Result<Option<Advanced>, StageError> {
    let risk = snapshot.risk.id;
    let refused = |error: EvalError| StageError::Evaluation {
        risk,
        problem: error.to_string(),
    };
    let mut state = decode(risk, &snapshot.state)?;
    let mut intake = merge(program, &state, snapshot, fresh).map_err(refused)?;
    let Some(batch) = report(&mut intake, snapshot, reached).map_err(refused)? else {
        return Ok(None);
    };
    let evaluated_to = batch.watermark;
    let losses = program
        .advance(&mut state, batch.observations, evaluated_to)
        .map_err(refused)?;
    Ok(Some(Advanced {
        state,
        evaluated_to,
        losses,
    }))
}

/// Says in the log what was determined.
pub fn tell(determinations: &[Determination]) {
    for determination in determinations {
        tracing::info!(
            subject = %determination.subject,
            ordinal = determination.ordinal,
            verdict = ?determination.verdict(),
            occurred_at = %determination.occurred_at,
            confirmed_at = %determination.confirmed_at,
            "loss event determined"
        );
    }
}

/// What a step of a polled source means.
#[derive(Default)]
pub struct PolledVerdicts {
    /// What it changes.
    pub verdicts: Verdicts,
    /// When time alone will mean something next for the subjects.
    pub wakings: Wakings,
    /// Risks that cannot be evaluated, and why.
    pub set_aside: BTreeMap<RiskId, String>,
}

/// What a step means for one risk.
struct Judged {
    advance: RiskAdvance,
    determinations: Vec<Determination>,
    wakes_at: Option<Timestamp>,
}

/// What became of a risk.
struct Advanced {
    state: RiskState,
    evaluated_to: Timestamp,
    losses: Vec<LossEvent>,
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
        // Two inputs may listen to the same stream.
        for (input, _) in snapshot
            .streams
            .iter()
            .enumerate()
            .filter(|(_, listened)| listened.carries(observation))
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

/// What can be evaluated now that some sources have come further: time moves only as far as every source has reported.
fn report<'a>(
    intake: &'a mut Intake,
    snapshot: &RiskSnapshot,
    reached: &dyn Fn(&Stream) -> Option<Timestamp>,
) -> Result<Option<Batch<'a>>, EvalError> {
    let mut reported = Vec::with_capacity(snapshot.streams.len());
    for (stream, stored) in snapshot.streams.iter().zip(&snapshot.watermarks) {
        match reached(stream).or(*stored) {
            // Of what is closed the others did not wait: time passes for it from where they are.
            Some(at) if *stored == Some(END_OF_TIME) => {
                reported.push(snapshot.evaluated_to.map_or(at, |reached| at.max(reached)));
            }
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
