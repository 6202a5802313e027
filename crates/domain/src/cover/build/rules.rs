//! `[policy]`, `[finality]` and `consumer`: the rules around the trigger.

use super::at_key;
use crate::cover::document::NodeValue;
use crate::cover::model::{Consumer, EventInclusion, EventTime, Finality, PolicyRules};
use crate::cover::reader::{Reader, Section};
use crate::cover::{identifier, schema};
use crate::diagnostic::{Diagnostic, Severity};
use crate::lang::suggest;
use crate::time::Seconds;

const DEFAULT_INCLUSION: EventInclusion = EventInclusion {
    start_included: true,
    end_included: false,
};

/// More blocks than this never come in a policy's lifetime.
const MAX_CONFIRMATIONS: u64 = 1_000_000;

impl Reader<'_> {
    pub(super) fn policy(&mut self, root: &Section<'_>) -> PolicyRules {
        let mut rules = PolicyRules {
            waiting: Seconds(0),
            event_inclusion: DEFAULT_INCLUSION,
            event_time: EventTime::Occurred,
            claim_deadline: None,
        };
        let Some(section) = self.table(root, "policy", "policy") else {
            return rules;
        };
        schema::POLICY.refuse_unknown(section.table, self.found);
        if let Some((waiting, _)) = self.duration(&section, "waiting") {
            rules.waiting = waiting;
        }
        if let Some(inclusion) = self.event_inclusion(&section) {
            rules.event_inclusion = inclusion;
        }
        let times = [
            ("occurred", EventTime::Occurred),
            ("confirmed", EventTime::Confirmed),
        ];
        if let Some(event_time) = self.choice(&section, "event_time", &times) {
            rules.event_time = event_time;
        }
        rules.claim_deadline = self.positive_duration(&section, "claim_deadline");
        rules
    }

    fn event_inclusion(&mut self, section: &Section<'_>) -> Option<EventInclusion> {
        let written = self.text(section, "event_inclusion")?;
        let value: String = written.text.value.split_whitespace().collect();
        let ends = match value.as_str() {
            "[inception,expiry)" => Some((true, false)),
            "[inception,expiry]" => Some((true, true)),
            "(inception,expiry)" => Some((false, false)),
            "(inception,expiry]" => Some((false, true)),
            _ => None,
        };
        match ends {
            Some((start_included, end_included)) => {
                Some(EventInclusion { start_included, end_included })
            }
            None => self.refuse(
                Diagnostic::error(
                    written.span,
                    "`policy.event_inclusion` is an interval from `inception` to `expiry`",
                    "not such an interval",
                )
                .with_help(
                    "write `[inception, expiry)`; a square bracket includes its end, a round one does not",
                ),
            ),
        }
    }

    pub(super) fn finality(&mut self, root: &Section<'_>) -> Vec<(String, Finality)> {
        let Some(section) = self.table(root, "finality", "finality") else {
            return Vec::new();
        };
        let mut chains = Vec::new();
        for entry in &section.table.entries {
            if let Err(complaint) = identifier::chain(&entry.key) {
                self.found.push(at_key(complaint, entry.key_span));
            }
            let span = entry.node.span;
            let finality = match &entry.node.value {
                NodeValue::Refused => None,
                NodeValue::Text(text) if text.value == "finalized" => Some(Finality::Finalized),
                NodeValue::Text(text) if text.value == "safe" => Some(Finality::Safe),
                NodeValue::Integer(blocks) => match u64::try_from(*blocks) {
                    Ok(blocks) if blocks <= MAX_CONFIRMATIONS => {
                        if blocks == 0 {
                            self.found.push(Diagnostic {
                                severity: Severity::Warning,
                                ..Diagnostic::error(
                                    span,
                                    "a block with no other on top of it can still be replaced",
                                    "counts as final at once",
                                )
                                .with_help(
                                    "write `\"finalized\"` unless the chain never reorganises",
                                )
                            });
                        }
                        Some(Finality::Confirmations(blocks))
                    }
                    Ok(_) | Err(_) => self.refuse(Diagnostic::error(
                        span,
                        format!("confirmations are counted from 0 to {MAX_CONFIRMATIONS}"),
                        "outside that range",
                    )),
                },
                other => {
                    let given = match other {
                        NodeValue::Text(text) => format!("`{}`", suggest::clipped(&text.value)),
                        _ => other.describe().to_owned(),
                    };
                    self.refuse(
                        Diagnostic::error(
                            span,
                            "finality is `finalized`, `safe` or a number of blocks",
                            format!("{given} is none of them"),
                        )
                        .with_help("write for example `\"finalized\"`, or `12` without quotes"),
                    )
                }
            };
            if entry.key.starts_with("solana:")
                && finality.is_some_and(|finality| finality != Finality::Finalized)
            {
                self.found.push(
                    Diagnostic::error(
                        span,
                        "of Solana only `finalized` blocks are read",
                        "weaker than that",
                    )
                    .with_help("write `\"finalized\"`"),
                );
            }
            chains.extend(finality.map(|finality| (entry.key.clone(), finality)));
        }
        // In one order whatever the order in the file.
        chains.sort_by(|(a, _), (b, _)| a.cmp(b));
        chains
    }

    pub(super) fn consumer(&mut self, root: &Section<'_>) -> Option<Consumer> {
        let written = self.text(root, "consumer")?;
        let (chain_id, address) = self.understood(written, identifier::account)?;
        if let Some(checksummed) = identifier::wrong_checksum(&written.text.value, address) {
            self.found.push(Diagnostic {
                severity: Severity::Warning,
                ..Diagnostic::error(
                    written.span,
                    "the capitals of this address are not its checksum (EIP-55)",
                    "mistyped?",
                )
                .with_help(format!(
                    "if it is right, write `eip155:{chain_id}:{checksummed}`"
                ))
            });
        }
        Some(Consumer { chain_id, address })
    }
}
