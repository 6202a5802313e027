//! The incremental engine: each instant is evaluated once, from the state of the one before.
//!
//! Cost per observation is that of the cover's expressions, whatever the history; nothing is allocated unless a loss
//! event occurs, a text changes or a `holds` counts observations. What it computes is what
//! [`reference`](super::reference) computes, however the observations are cut into batches.

use super::batch;
use super::breach::Moment;
use super::error::EvalError;
use super::outcome::{InputObservation, LossEvent, Truth, Unknown};
use super::program::{Counter, EvidenceBegins, Program};
use super::state::{Breach, Counted, LastEvent, Latest, RiskState, Run};
use super::view::View;
use crate::cover::Rearm;
use crate::decimal::Decimal;
use crate::time::{Seconds, Timestamp};
use crate::value::Value;

impl Program {
    /// Evaluates every instant up to and including `watermark`, and returns the loss events met on the way.
    ///
    /// `observations` are all those of this risk after `state.evaluated_to()` and up to `watermark`, in the order
    /// (time, input, sequence); exact repeats next to each other are dropped. On an error the state is unchanged.
    pub fn advance(
        &self,
        state: &mut RiskState,
        observations: &[InputObservation],
        watermark: Timestamp,
    ) -> Result<Vec<LossEvent>, EvalError> {
        batch::check(self, state, observations, watermark)?;
        let mut events = Vec::new();
        let mut rest = observations;
        while let Some(first) = rest.first() {
            let now = first.observed_at;
            self.let_time_pass(state, now - Seconds(1), &mut events);
            let together = rest
                .iter()
                .take_while(|next| next.observed_at == now)
                .count();
            let (second, later) = rest.split_at(together);
            for observation in second {
                take_in(state, observation);
            }
            if state.evaluate_from.is_none_or(|from| now >= from) {
                self.instant(state, now, second, &mut events);
            } else {
                // Only carried in: evaluation begins with this value in force.
                state.due = state.evaluate_from;
            }
            rest = later;
        }
        self.let_time_pass(state, watermark, &mut events);
        state.evaluated_to = Some(watermark);
        Ok(events)
    }

    /// The trigger's value as of `state.evaluated_to()`. Loss events stay met beside it: see [`RiskState::events`].
    pub fn truth(&self, state: &RiskState) -> Truth {
        if !state.begun {
            let unobserved = state.inputs.iter().position(Option::is_none);
            return Truth::Unknown(match unobserved {
                Some(input) => Unknown::NoObservation { input },
                None => Unknown::NotBegun,
            });
        }
        let view = self.view(state, state.evaluated_to.unwrap_or(Timestamp(i64::MIN)));
        match view.truth(self.trigger) {
            Ok(true) => Truth::True,
            Ok(false) => Truth::False,
            Err(cause) => Truth::Unknown(view.explain(cause)),
        }
    }

    /// When time alone can change something next; before that, an advance without observations only moves the
    /// watermark.
    pub fn next_deadline(&self, state: &RiskState) -> Option<Timestamp> {
        state.due
    }

    /// Whether the risk can have no further loss event.
    pub fn is_latched(&self, state: &RiskState) -> bool {
        self.rearm == Rearm::Never && state.events > 0
    }

    fn view<'a>(&'a self, state: &'a RiskState, now: Timestamp) -> View<'a> {
        View {
            program: self,
            inputs: &state.inputs,
            breaches: &state.breaches,
            now,
        }
    }

    /// Evaluates the instants up to and including `to` that come without an observation.
    fn let_time_pass(&self, state: &mut RiskState, to: Timestamp, events: &mut Vec<LossEvent>) {
        while let Some(due) = state.due.filter(|due| *due <= to) {
            self.instant(state, due, &[], events);
        }
    }

    fn instant(
        &self,
        state: &mut RiskState,
        now: Timestamp,
        second: &[InputObservation],
        events: &mut Vec<LossEvent>,
    ) {
        let run_began = match state.anew.filter(|_| !state.begun) {
            Some(known) => known.first_run(now),
            None => now,
        };
        state.begun = true;
        for index in 0..self.holds.len() {
            self.step(state, index, now, second);
        }
        if self.evidence_begins == EvidenceBegins::WithTheMemory {
            let remembers = state.breaches.iter().any(|breach| breach.remembers());
            let since = state.remembering_since.or(Some(now));
            state.remembering_since = since.filter(|_| remembers);
        }
        for (slot, node) in self.runs.iter().enumerate() {
            let is_true = self.view(state, now).truth(*node) == Ok(true);
            let run = state.runs[slot].unwrap_or(Run {
                since: run_began,
                remembering_since: state.remembering_since,
            });
            state.runs[slot] = is_true.then_some(run);
        }
        match self.view(state, now).truth(self.trigger) {
            Ok(true) => {
                if let Some(occurred_at) = self.new_event(state, now) {
                    state.events = state.events.saturating_add(1);
                    state.last_event = Some(LastEvent {
                        confirmed_at: now,
                        seen_false: false,
                    });
                    events.push(self.loss_event(state, occurred_at, now));
                }
            }
            Ok(false) => {
                if let Some(last) = &mut state.last_event {
                    last.seen_false = true;
                }
            }
            Err(_) => {}
        }
        state.due = self.next_due(state, now);
    }

    fn step(
        &self,
        state: &mut RiskState,
        index: usize,
        now: Timestamp,
        second: &[InputObservation],
    ) {
        let holds = &self.holds[index];
        let view = self.view(state, now);
        let condition = view.truth(holds.condition);
        let recover = view.truth(holds.recover);
        let reports = |input: &usize| match &state.inputs[*input] {
            Some(latest) => latest.observed_at == now && latest.value.is_some(),
            None => false,
        };
        let before = state.breaches[index];
        let reported = matches!(before, Breach::Open { .. }) && holds.inputs.iter().any(reports);
        let (enough_before, enough) = match holds.counter {
            None => (true, true),
            Some(counter) => self.count(state, &holds.inputs, counter, second),
        };
        let moment = Moment {
            now,
            condition,
            recover,
            reported,
            enough_before,
            enough,
        };
        let after = holds.step(before, moment);
        state.breaches[index] = after;
        if let Some(counter) = holds.counter
            && !matches!(after, Breach::Open { .. })
        {
            state.counted[counter.slot].clear();
        }
    }

    /// Adds this second's valued observations of `inputs`; whether there were enough before, and are now.
    fn count(
        &self,
        state: &mut RiskState,
        inputs: &[usize],
        counter: Counter,
        second: &[InputObservation],
    ) -> (bool, bool) {
        let counted = &mut state.counted[counter.slot];
        let enough_before = counted.len() >= counter.needed;
        for input in inputs {
            // The last by sequence is the one that counts, as it is the one in force.
            let last = second
                .iter()
                .rfind(|observation| observation.input == *input);
            let Some(last) = last.filter(|last| last.value.is_some()) else {
                continue;
            };
            let stream = self.inputs[*input].stream;
            let key = Counted {
                stream,
                sequence: last.sequence,
            };
            if counted.len() < counter.needed
                && let Err(place) = counted.binary_search(&key)
            {
                counted.insert(place, key);
            }
        }
        (enough_before, counted.len() >= counter.needed)
    }

    /// When the breach began, if the trigger, which is true, makes a loss event of it.
    fn new_event(&self, state: &RiskState, now: Timestamp) -> Option<Timestamp> {
        let sought_from = state
            .anew
            .map_or(Timestamp(i64::MIN), |known| known.occurred_at);
        let not_before = match (state.last_event, self.rearm) {
            (None, _) => Timestamp(i64::MIN),
            (Some(last), Rearm::After(pause)) if last.seen_false => last.confirmed_at + pause,
            (Some(_), Rearm::Never | Rearm::After(_)) => return None,
        };
        let began = self.view(state, now).began(self.trigger, &state.runs)?;
        (began >= not_before.max(sought_from)).then_some(began)
    }

    fn loss_event(&self, state: &RiskState, occurred_at: Timestamp, now: Timestamp) -> LossEvent {
        let view = self.view(state, now);
        let inputs = (0..self.inputs.len())
            .map(|input| {
                view.in_force(input)
                    .cloned()
                    .map_err(|cause| view.explain(cause))
            })
            .collect();
        let payout = match view.value(self.payout).map(super::scalar::Scalar::to_value) {
            Ok(Value::Decimal(fraction)) if fraction < Decimal::ZERO || fraction > Decimal::ONE => {
                Err(Unknown::PayoutOutOfRange { fraction })
            }
            Ok(Value::Decimal(fraction)) => Ok(fraction),
            Ok(_) => Err(Unknown::Unchecked),
            Err(cause) => Err(view.explain(cause)),
        };
        let decisive = match self.evidence_begins {
            EvidenceBegins::WithTheBreach => view.only_breach(self.trigger),
            EvidenceBegins::WithTheMemory => {
                let begins_here = state
                    .runs
                    .iter()
                    .flatten()
                    .filter(|run| run.since == occurred_at);
                let then = begins_here.filter_map(|run| run.remembering_since);
                then.chain(state.remembering_since).min()
            }
        };
        LossEvent {
            ordinal: state.events,
            occurred_at,
            confirmed_at: now,
            settled_at: now,
            guards: Vec::new(),
            evidence_from: decisive.map_or(occurred_at, |since| since.min(occurred_at)),
            payout,
            inputs,
        }
    }

    /// The first instant after `now` that comes without an observation: an input too old, an age limit, a deadline.
    fn next_due(&self, state: &RiskState, now: Timestamp) -> Option<Timestamp> {
        let mut due = Timestamp(i64::MAX);
        let mut consider = |instant: Timestamp| {
            if instant > now && instant < due {
                due = instant;
            }
        };
        for (spec, latest) in self.inputs.iter().zip(&state.inputs) {
            if let (Some(max_age), Some(latest)) = (spec.max_age, latest) {
                consider(latest.observed_at + max_age + Seconds(1));
            }
        }
        for age in &self.age_limits {
            if let Some(latest) = &state.inputs[age.input] {
                consider(latest.observed_at + age.limit);
                consider(latest.observed_at + age.limit + Seconds(1));
            }
        }
        for (holds, breach) in self.holds.iter().zip(&state.breaches) {
            if let Breach::Open { since } = breach {
                consider(*since + holds.window);
            }
        }
        (due.0 < i64::MAX).then_some(due)
    }
}

fn take_in(state: &mut RiskState, observation: &InputObservation) {
    let value = match (&observation.value, &state.inputs[observation.input]) {
        // Spares the copy of a text that is repeated.
        (
            Some(Value::Text(text)),
            Some(Latest {
                value: Some(Value::Text(before)),
                ..
            }),
        ) if text == before => {
            if let Some(latest) = &mut state.inputs[observation.input] {
                latest.observed_at = observation.observed_at;
            }
            return;
        }
        (value, _) => value.clone(),
    };
    state.inputs[observation.input] = Some(Latest {
        observed_at: observation.observed_at,
        value,
    });
}
