//! What surrounds the trigger: inputs, payout, unknowns, late observations, policies.

use super::{Speaker, words};
use crate::cover::{EventTime, Input};
use crate::value::Type;

impl Speaker<'_> {
    pub(super) fn inputs(&self) -> Vec<String> {
        self.cover
            .inputs
            .iter()
            .map(|input| self.input(input))
            .collect()
    }

    fn input(&self, input: &Input) -> String {
        let subject = match &input.subject {
            Some(subject) => format!("of {subject}"),
            None => "of the insured subject".to_owned(),
        };
        let source = match &input.source {
            Some(source) => format!("as {source} reports it"),
            None => "as one source reports it".to_owned(),
        };
        let name = &input.name;
        if input.ty == Type::Event {
            return format!(
                "`{name}` is the event {} {subject}, {source}. It counts by being there.",
                input.metric
            );
        }
        let age = match input.max_age {
            Some(age) => format!(
                "A value holds until the next observation, at most for {}: in the second after that it is unknown.",
                words::duration(age)
            ),
            None => "A value holds until the next observation, however long that takes.".to_owned(),
        };
        format!(
            "`{name}` is the {} (a {}) {subject}, {source}. {age}",
            input.metric, input.ty
        )
    }

    pub(super) fn payout(&self) -> Vec<String> {
        let payout = &self.cover.payout;
        let mut said = vec![format!(
            "Of the sum insured, it pays {}.",
            self.value(&payout.fraction)
        )];
        said.push(match payout.settle {
            None => "All of this is as of the confirmation.".to_owned(),
            Some(settle) => format!(
                "This is computed at every instant from the confirmation to {} after it, both included; the largest result counts.",
                words::duration(settle)
            ),
        });
        said.push("Products and quotients are cut to 18 digits after the point, toward zero; the amount is cut to whole units of the token. A result below 0 or above 1 pays nothing by itself: a person has to look.".to_owned());
        said
    }

    pub(super) fn guards(&self) -> Vec<String> {
        let guards = self.cover.guards.iter();
        guards
            .map(|guard| {
                format!(
                    "Whether {} (`{}`); it decides nothing.",
                    self.condition(&guard.condition),
                    guard.name
                )
            })
            .collect()
    }

    pub(super) fn unknown(&self) -> Vec<String> {
        let mut said = vec![
            "What is compared with something unknown is unknown. \"And\" is false as soon as one side is false, \"or\" is true as soon as one side is true, whatever is unknown beside them; an unknown trigger is no loss and no proof that there was none.".to_owned(),
        ];
        if !self.breaches.is_empty() {
            said.push("A breach that has begun is not forgotten when its condition becomes unknown; only an unknown recovery loses its clock.".to_owned());
        }
        said.push("If the payout is unknown at the confirmation, the loss is recorded as inconclusive and a person has to look.".to_owned());
        said
    }

    pub(super) fn late(&self) -> Vec<String> {
        vec![
            "Time is the sources' own time, in whole seconds; all observations of one second act together, the last by sequence stands.".to_owned(),
            "Nothing is decided for a second until every source has reported past it. An observation that comes later than that is refused, never slipped in. The same observation twice counts once.".to_owned(),
        ]
    }

    pub(super) fn policies(&self) -> Vec<String> {
        let rules = &self.cover.policy;
        let ends = (
            rules.event_inclusion.start_included,
            rules.event_inclusion.end_included,
        );
        let ends = match ends {
            (true, false) => "from its inception (included) to its expiry (excluded)",
            (true, true) => "from its inception to its expiry, both included",
            (false, true) => "after its inception (excluded) up to its expiry (included)",
            (false, false) => "between its inception and its expiry, both excluded",
        };
        let instant = match rules.event_time {
            EventTime::Occurred => "occurred",
            EventTime::Confirmed => "was confirmed",
        };
        let mut said = vec![format!("A policy is paid if the loss {instant} {ends}.")];
        if rules.waiting.0 > 0 {
            let waiting = words::duration(rules.waiting);
            said.push(format!("A loss that occurred earlier than {waiting} after the inception is not paid; at exactly {waiting} it is."));
        }
        if let Some(deadline) = rules.claim_deadline {
            said.push(format!(
                "It must be claimed within {} of the confirmation.",
                words::duration(deadline)
            ));
        }
        if self.cover.mentions_inception() {
            said.push("Policies with different inceptions are evaluated apart, since these terms look back to the inception.".to_owned());
        }
        said
    }
}
