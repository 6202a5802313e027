//! The trigger: its breaches, its truth, and what comes after a loss.

use super::{Speaker, words};
use crate::cover::Rearm;
use crate::lang::ir::{Confirm, ExprKind, Holds, InputIndex};

impl Speaker<'_> {
    pub(super) fn trigger(&self) -> Vec<String> {
        let trigger = &self.cover.trigger;
        let mut said = Vec::new();
        let alone = matches!(trigger.when.kind, ExprKind::Holds(_));
        said.push(if alone {
            "It is a loss at the instant at which the breach counts.".to_owned()
        } else {
            format!(
                "It is a loss at the first instant at which {}.",
                self.condition(&trigger.when)
            )
        });
        for (number, holds) in self.breaches.iter().enumerate() {
            let name = if self.breaches.len() == 1 {
                "The breach".to_owned()
            } else {
                format!("Breach {}", number + 1)
            };
            self.breach(&name, holds, &mut said);
        }
        said.push(self.began());
        said.push(match trigger.rearm {
            Rearm::Never => "Once met, it stays met: there is one loss event, and no other after it.".to_owned(),
            Rearm::After(pause) => format!(
                "A next loss event needs a new breach that begins {} or more after the confirmation of the last one, with the trigger seen false in between (unknown is not false).",
                words::duration(pause)
            ),
        });
        said
    }

    fn breach(&self, name: &str, holds: &Holds, said: &mut Vec<String>) {
        let deadline = if holds.window.0 == 0 {
            "t0".to_owned()
        } else {
            format!("t0 + {}", words::duration(holds.window))
        };
        let silent =
            matches!(&holds.recover.kind, ExprKind::Not(inner) if **inner == holds.condition);
        let recovery = if silent {
            format!(
                "it is no longer so that {}",
                self.condition(&holds.condition)
            )
        } else {
            self.condition(&holds.recover)
        };
        said.push(format!(
            "{name} begins at the first second t0 at which {}{}.",
            self.condition(&holds.condition),
            if silent {
                String::new()
            } else {
                format!(", unless {recovery} in that same second")
            }
        ));
        said.push(if holds.at_least {
            format!("It is over without consequence if {recovery} before {deadline}; a recovery at exactly {deadline} comes too late.")
        } else {
            format!("It is over without consequence if {recovery} at {deadline} or earlier; a recovery at exactly {deadline} still counts.")
        });
        if !silent {
            said.push("That the condition of its beginning is no longer true changes nothing; only the recovery ends it.".to_owned());
        }
        let inputs = self.inputs_of(holds);
        said.push(match holds.confirm {
            Confirm::Time => format!("Otherwise it counts from {deadline} on, as soon as every source has reported up to that second."),
            Confirm::Observation => format!(
                "Otherwise it counts from the first observation of {inputs} after {deadline}, whatever its value; values are taken from that observation. An observation without a value does not confirm."
            ),
        });
        if holds.observations > 1 {
            said.push(format!(
                "But not before {inputs} was observed with at least {} different sequence numbers from t0 on; until then the recovery ends it, however late it comes.",
                holds.observations
            ));
        }
        said.push(format!(
            "If in that time it is unknown whether {recovery}, its clock is lost: it begins anew when that is known again."
        ));
    }

    fn inputs_of(&self, holds: &Holds) -> String {
        let mut inputs: Vec<InputIndex> = holds.condition.inputs();
        for input in holds.recover.inputs() {
            if !inputs.contains(&input) {
                inputs.push(input);
            }
        }
        self.names(&inputs)
    }

    /// Which instant the terms call the occurrence.
    fn began(&self) -> String {
        match &self.cover.trigger.when.kind {
            ExprKind::Holds(_) => "It occurred at t0, when the breach began.".to_owned(),
            ExprKind::And(..) => {
                "It occurred when the last of what is joined by \"and\" began.".to_owned()
            }
            ExprKind::Or(..) => {
                "It occurred when the first of what is joined by \"or\", and is true, began."
                    .to_owned()
            }
            ExprKind::KOf { needed, .. } => {
                format!("It occurred when number {needed} of those that are so began.")
            }
            _ => "It occurred when this became true.".to_owned(),
        }
    }
}
