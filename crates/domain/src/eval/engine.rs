//! The incremental engine: each instant is evaluated once, from the state of the one before.
//!
//! Cost per observation is that of the cover's expressions, whatever the history; nothing is allocated unless a loss
//! event occurs, a text changes, a window takes in an observation or a `holds` counts one. What it computes is what
//! [`reference`](super::reference) computes, however the observations are cut into batches.

mod memory;

use self::memory::Read;
use super::batch;
use super::breach::Moment;
use super::error::EvalError;
use super::outcome::{InputObservation, LossEvent, Truth, Unknown};
use super::program::{Counter, EvidenceBegins, Program};
use super::scalar::Scalar;
use super::settle::settle_towards;
use super::slot::Slot;
use super::standing::{Counted, Memory, Run, Standing};
use super::state::{Breach, Latest, RiskState};
use super::view::View;
use crate::cover::Rearm;
use crate::decimal::Decimal;
use crate::time::{Seconds, Timestamp};
use crate::value::{Type, Value};

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
        loop {
            rest = self.pass_over(state, rest);
            let Some(first) = rest.first() else { break };
            let now = first.observed_at;
            self.let_time_pass(state, now - Seconds(1), &mut events);
            let together = rest
                .iter()
                .take_while(|next| next.observed_at == now)
                .count();
            let (second, later) = rest.split_at(together);
            for rows in second.chunk_by(|row, next| row.input == next.input) {
                self.take_in(state, rows, now);
            }
            if state.evaluate_from().is_none_or(|from| now >= from) {
                self.instant(state, now, second, &mut events);
            } else {
                // Only carried in: evaluation begins with this value in force.
                state.due = state.evaluate_from;
            }
            rest = later;
        }
        self.let_time_pass(state, watermark, &mut events);
        state.evaluated_to = watermark.into();
        Ok(events)
    }

    /// The trigger's value as of the last instant up to `state.evaluated_to()`. Loss events stay met beside it: see
    /// [`RiskState::events`].
    pub fn truth(&self, state: &RiskState) -> Truth {
        if !state.begun {
            let unobserved = state.inputs.iter().position(Option::is_none);
            return Truth::Unknown(match unobserved {
                Some(input) => Unknown::NoObservation { input },
                None => Unknown::NotBegun,
            });
        }
        // Windows say what they said at the last instant; nothing else changes between instants.
        let instant = state.standing.memory().and_then(|memory| memory.instant);
        let now = instant.or(state.evaluated_to());
        let view = self.view(state, now.unwrap_or(Timestamp(i64::MIN)));
        match view.truth(self.trigger) {
            Ok(true) => Truth::True,
            Ok(false) => Truth::False,
            Err(cause) => Truth::Unknown(view.explain(cause)),
        }
    }

    /// When time alone can change something next; before that, an advance without observations only moves the
    /// watermark.
    pub fn next_deadline(&self, state: &RiskState) -> Option<Timestamp> {
        state.due.get()
    }

    /// Whether the risk can have no further loss event, and has none that is still to settle.
    pub fn is_latched(&self, state: &RiskState) -> bool {
        let settling = state.standing.memory();
        self.rearm == Rearm::Never
            && state.events > 0
            && settling.is_none_or(|memory| memory.settling.is_empty())
    }

    fn view<'a>(&'a self, state: &'a RiskState, now: Timestamp) -> View<'a> {
        View {
            program: self,
            inputs: &state.inputs,
            breaches: state.standing.breaches(),
            memory: state.standing.memory(),
            now,
        }
    }

    /// Takes in the observations at the beginning of `rest` that change nothing but what is in force, and returns the
    /// others.
    fn pass_over<'a>(
        &self,
        state: &mut RiskState,
        rest: &'a [InputObservation],
    ) -> &'a [InputObservation] {
        let (Some(quiet), &Standing::Plain(breach), [Some(latest)]) =
            (self.quiet, &state.standing, &*state.inputs)
        else {
            return rest;
        };
        let passed = quiet.passes(breach, latest.observed_at, rest);
        let (passed, rest) = rest.split_at(passed);
        let Some(last) = passed.last() else {
            return rest;
        };
        // Whether the trigger was seen false since a loss event is no news: a breach that is not met has ended.
        put_in_force(state, last);
        state.due = self.next_due(state, last.observed_at).into();
        rest
    }

    /// Evaluates the instants up to and including `to` that come without an observation.
    fn let_time_pass(&self, state: &mut RiskState, to: Timestamp, events: &mut Vec<LossEvent>) {
        while let Some(due) = state.due.get().filter(|due| *due <= to) {
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
        let run_began = match state.standing.anew().filter(|_| !state.begun) {
            Some(known) => known.first_run(now),
            None => now,
        };
        state.begun = true;
        if let Some(memory) = state.standing.memory_mut() {
            self.read(memory, &state.inputs, Read::Watched, now);
        }
        for index in 0..self.holds.len() {
            self.step(state, index, now, second);
        }
        if self.evidence_begins == EvidenceBegins::WithTheMemory {
            let remembers = state
                .standing
                .breaches()
                .iter()
                .any(|breach| breach.remembers());
            let since = state.standing.remembering_since().or(Some(now));
            state.standing.full().remembering_since = since.filter(|_| remembers);
        }
        for (slot, node) in self.runs.iter().enumerate() {
            let is_true = self.view(state, now).truth(*node) == Ok(true);
            let rest = state.standing.full();
            let run = rest.runs[slot].unwrap_or(Run {
                since: run_began,
                remembering_since: rest.remembering_since,
            });
            rest.runs[slot] = is_true.then_some(run);
        }
        match self.view(state, now).truth(self.trigger) {
            Ok(true) => {
                if let Some(occurred_at) = self.new_event(state, now) {
                    state.events = state.events.saturating_add(1);
                    state.last_confirmed_at = now.into();
                    state.seen_false = false;
                    if let Some(memory) = state.standing.memory_mut() {
                        self.read(memory, &state.inputs, Read::Unwatched, now);
                    }
                    let loss = self.loss_event(state, occurred_at, now);
                    match state.standing.memory_mut() {
                        Some(memory) if self.settle.is_some() => memory.settling.push_back(loss),
                        _ => events.push(loss),
                    }
                }
            }
            Ok(false) => see_false(state, now),
            Err(_) => {}
        }
        self.settle(state, now, events);
        state.due = self.next_due(state, now).into();
    }

    /// Takes this instant's payout into the losses that wait for theirs, and hands out those that need not wait longer.
    fn settle(&self, state: &mut RiskState, now: Timestamp, events: &mut Vec<LossEvent>) {
        let is_settling = |memory: &Memory| !memory.settling.is_empty();
        if !state.standing.memory().is_some_and(is_settling) {
            return;
        }
        let fraction = self.payout(state, now);
        let Some(memory) = state.standing.memory_mut() else {
            return;
        };
        for loss in &mut memory.settling {
            settle_towards(loss, &fraction);
        }
        while let Some(settled) = memory.settling.pop_front_if(|loss| loss.settled_at <= now) {
            events.push(settled);
        }
    }

    fn payout(&self, state: &RiskState, now: Timestamp) -> Result<Decimal, Unknown> {
        let view = self.view(state, now);
        match view.value(self.payout).map(Scalar::to_value) {
            Ok(Value::Decimal(fraction)) if fraction < Decimal::ZERO || fraction > Decimal::ONE => {
                Err(Unknown::PayoutOutOfRange { fraction })
            }
            Ok(Value::Decimal(fraction)) => Ok(fraction),
            Ok(_) => Err(Unknown::Unchecked),
            Err(cause) => Err(view.explain(cause)),
        }
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
            Some(latest) => {
                latest.observed_at == now && self.reports(*input, !latest.value.is_empty())
            }
            None => false,
        };
        let before = state.standing.breaches()[index];
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
        state.standing.breaches_mut()[index] = after;
        if let Some(counter) = holds.counter
            && !matches!(after, Breach::Open { .. })
        {
            state.standing.full().counted[counter.slot].clear();
        }
    }

    /// Whether an observation says something: an event does by being there.
    fn reports(&self, input: usize, has_value: bool) -> bool {
        has_value || self.inputs[input].ty == Type::Event
    }

    /// Adds this second's valued observations of `inputs`; whether there were enough before, and are now.
    fn count(
        &self,
        state: &mut RiskState,
        inputs: &[usize],
        counter: Counter,
        second: &[InputObservation],
    ) -> (bool, bool) {
        let counted = &mut state.standing.full().counted[counter.slot];
        let enough_before = counted.len() >= counter.needed;
        for input in inputs {
            // The last by sequence is the one that counts, as it is the one in force.
            let last = second
                .iter()
                .rfind(|observation| observation.input == *input);
            let Some(last) = last.filter(|last| self.reports(*input, last.value.is_some())) else {
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
            .standing
            .anew()
            .map_or(Timestamp(i64::MIN), |known| known.occurred_at);
        let not_before = match (state.last_event(), self.rearm) {
            (None, _) => Timestamp(i64::MIN),
            (Some(last), Rearm::After(pause)) if last.seen_false => last.confirmed_at + pause,
            (Some(_), Rearm::Never | Rearm::After(_)) => return None,
        };
        let began = self
            .view(state, now)
            .began(self.trigger, state.standing.runs())?;
        (began >= not_before.max(sought_from)).then_some(began)
    }

    fn loss_event(&self, state: &RiskState, occurred_at: Timestamp, now: Timestamp) -> LossEvent {
        let view = self.view(state, now);
        let inputs = (0..self.inputs.len())
            .map(|input| {
                view.in_force(input)
                    .map(Scalar::to_value)
                    .map_err(|cause| view.explain(cause))
            })
            .collect();
        let guards = self.guards.iter().map(|guard| {
            let truth = view.truth(*guard);
            truth.map_err(|cause| view.explain(cause))
        });
        let decisive = match self.evidence_begins {
            EvidenceBegins::WithTheBreach => view.only_breach(self.trigger),
            EvidenceBegins::WithTheMemory => {
                let begins_here = state
                    .standing
                    .runs()
                    .iter()
                    .flatten()
                    .filter(|run| run.since == occurred_at);
                let then = begins_here.filter_map(|run| run.remembering_since);
                then.chain(state.standing.remembering_since()).min()
            }
        };
        LossEvent {
            ordinal: state.events,
            occurred_at,
            confirmed_at: now,
            settled_at: self.settle.map_or(now, |settle| now + settle),
            guards: guards.collect(),
            evidence_from: decisive.map_or(occurred_at, |since| since.min(occurred_at)),
            payout: self.payout(state, now),
            inputs,
        }
    }

    /// The first instant after `now` that comes without an observation: an input too old, an age limit, a deadline, and
    /// what is remembered.
    fn next_due(&self, state: &RiskState, now: Timestamp) -> Option<Timestamp> {
        let mut due = Timestamp(i64::MAX);
        let mut consider = |instant: Timestamp| {
            if instant > now && instant < due {
                due = instant;
            }
        };
        for (spec, latest) in self.inputs.iter().zip(&*state.inputs) {
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
        for (holds, breach) in self.holds.iter().zip(state.standing.breaches()) {
            if let Breach::Open { since } = breach {
                consider(*since + holds.window);
            }
        }
        if let Some(memory) = state.standing.memory() {
            self.remembered_instants(memory, now, consider);
        }
        (due.0 < i64::MAX).then_some(due)
    }

    /// Takes in all observations of one input in one second.
    fn take_in(&self, state: &mut RiskState, rows: &[InputObservation], now: Timestamp) {
        let Some(last) = rows.last() else { return };
        if let Some(memory) = state.standing.memory_mut() {
            let before = state.inputs[last.input].as_ref();
            self.remember(memory, last.input, rows, before, now);
        }
        put_in_force(state, last);
    }
}

/// The trigger is false at `now`: a further loss event can follow if that is after the last one was confirmed.
fn see_false(state: &mut RiskState, now: Timestamp) {
    state.seen_false |= state.last_confirmed_at().is_some_and(|last| last < now);
}

fn put_in_force(state: &mut RiskState, observation: &InputObservation) {
    let value = observation.value.as_ref();
    match &mut state.inputs[observation.input] {
        Some(latest) if latest.value.holds_text(value) => {
            latest.observed_at = observation.observed_at;
        }
        latest => {
            *latest = Some(Latest {
                observed_at: observation.observed_at,
                value: Slot::of(value),
            });
        }
    }
}
