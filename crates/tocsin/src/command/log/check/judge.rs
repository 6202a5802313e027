//! What the leaves of a proof show of one policy, and what they say without showing it.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::keccak256;
use tocsin_domain::time::Timestamp;
use tocsin_store::log::contradiction;

use super::paid;
use super::says::{
    Placed, SaidClaim, SaidCover, SaidDeclaration, SaidLoss, SaidOutcome, SaidPolicy, SaidRisk,
    SaidStream,
};
use super::span::{self, Period, Span};

/// What was found, line by line.
#[derive(Default, Debug)]
pub(super) struct Verdict {
    /// What the log says: what it is about, and what that is.
    pub(super) told: Vec<(String, String)>,
    /// What it would have to show, and does not.
    pub(super) not_shown: Vec<String>,
}

impl Verdict {
    fn tell(&mut self, what: impl Into<String>, sentence: impl Into<String>) {
        self.told.push((what.into(), sentence.into()));
    }

    /// Takes what is shown, or why it is not.
    fn show(&mut self, what: &str, shown: Result<String, String>) {
        match shown {
            Ok(sentence) => self.tell(what, sentence),
            Err(why) => self.not_shown.push(why),
        }
    }
}

/// Judges the leaves, which are in the order of the log. An error says which of them cannot be read.
pub(super) fn judge(policy: &str, leaves: &[Placed]) -> Result<Verdict, String> {
    let mut verdict = Verdict::default();
    verdict.tell("policy", policy);
    verdict.not_shown.extend(contradictions(leaves));
    let first = leaves.iter().find(|leaf| leaf.is("policy", policy));
    let Some(bought) = first else {
        verdict.not_shown.push(format!(
            "none of the leaves says what policy {policy} insures"
        ));
        return Ok(verdict);
    };
    let insured: SaidPolicy = bought.says()?;
    verdict.show("terms", declared(&insured, bought.index, leaves)?);
    in_force(&insured, bought.index, leaves, &mut verdict)?;
    verdict.tell("risk", insured.risk.as_str());
    verdict.tell(
        "period",
        format!(
            "{} to {}",
            Timestamp(insured.inception),
            Timestamp(insured.expiry)
        ),
    );
    let losses = leaves
        .iter()
        .filter(|leaf| leaf.is("determination", &insured.risk));
    for leaf in losses {
        let loss: SaidLoss = leaf.says()?;
        let when = loss
            .occurred_at
            .map_or_else(String::new, |at| format!(", occurred at {}", Timestamp(at)));
        verdict.tell(
            format!("loss {}", leaf.fact.ordinal),
            format!("{}{when}", loss.verdict),
        );
    }
    verdict.not_shown.extend(paid::unearned(policy, leaves)?);
    let claims = claims(policy, leaves)?;
    verdict
        .not_shown
        .extend(bought_late(bought.index, &insured, &claims, leaves));
    for (ordinal, decision) in &claims {
        verdict.tell(format!("claim {ordinal}"), decision.as_str());
    }
    let newest = leaves.iter().rev().find(|leaf| leaf.is("outcome", policy));
    let Some(newest) = newest else {
        verdict.tell("outcome", "none yet: nothing says how the policy ended");
        return Ok(verdict);
    };
    let outcome: SaidOutcome = newest.says()?;
    let accepted = claims.values().any(|decision| decision == "accepted");
    ended(&insured, &outcome, accepted, leaves, &mut verdict)?;
    Ok(verdict)
}

/// Leaves about one subject of which the later one cannot follow the earlier one: whoever keeps the log has said both.
fn contradictions(leaves: &[Placed]) -> Vec<String> {
    let mut newest = BTreeMap::new();
    let mut found = Vec::new();
    for leaf in leaves {
        let fact = &leaf.fact;
        let subject = (fact.kind.as_str(), fact.subject.as_str(), fact.ordinal);
        let Some(before) = newest.insert(subject, leaf) else {
            continue;
        };
        if let Some(why) = contradiction(&fact.kind, &before.fact.body, &fact.body) {
            found.push(format!(
                "leaves {} and {} contradict each other about the {} {}: {why}",
                before.index, leaf.index, fact.kind, fact.subject
            ));
        }
    }
    found
}

/// The newest decision on each loss event.
fn claims(policy: &str, leaves: &[Placed]) -> Result<BTreeMap<u64, String>, String> {
    let mut decisions = BTreeMap::new();
    for leaf in leaves.iter().filter(|leaf| leaf.is("claim", policy)) {
        let claim: SaidClaim = leaf.says()?;
        decisions.insert(leaf.fact.ordinal, claim.decision);
    }
    Ok(decisions)
}

/// Which losses that were to be paid were in the log before the policy was: nothing shows that it was bought before anybody knew.
fn bought_late(
    bought: u64,
    insured: &SaidPolicy,
    claims: &BTreeMap<u64, String>,
    leaves: &[Placed],
) -> Vec<String> {
    let accepted = claims.iter().filter(|(_, said)| *said == "accepted");
    let late = accepted.filter_map(|(ordinal, _)| {
        let mut losses = leaves.iter();
        let loss = losses.find(|leaf| {
            leaf.is("determination", &insured.risk) && leaf.fact.ordinal == *ordinal
        })?;
        (loss.index < bought).then(|| {
            format!(
                "loss {ordinal} was determined in leaf {}, before the policy came into the log in leaf {bought}: nothing shows \
                 that it was bought before the loss was known",
                loss.index
            )
        })
    });
    late.collect()
}

/// That the terms of the policy were in the log before the policy was.
fn declared(
    insured: &SaidPolicy,
    bought: u64,
    leaves: &[Placed],
) -> Result<Result<String, String>, String> {
    let terms = &insured.terms_hash;
    let cover = leaves.iter().find(|leaf| leaf.is("cover", terms));
    let Some(leaf) = cover else {
        return Ok(Err(format!(
            "no leaf declares the terms {terms} of the policy"
        )));
    };
    let cover: SaidCover = leaf.says()?;
    if leaf.index > bought {
        return Ok(Err(format!(
            "the terms {terms} were declared in leaf {}, after the policy, which is leaf {bought}",
            leaf.index
        )));
    }
    let hash = cover
        .canonical_terms
        .as_ref()
        .map(|text| format!("{:#x}", keccak256(text)));
    Ok(match hash {
        Some(hash) if hash != *terms => Err(format!(
            "leaf {} shows terms that hash to {hash}, not to {terms}",
            leaf.index
        )),
        _ => Ok(format!(
            "{terms}: \"{}\", version {}, in leaf {}, before the policy in leaf {bought}",
            cover.name, cover.version, leaf.index
        )),
    })
}

/// Where a client declared the terms: that this was before the policy, and that they are evaluated from the instant which was said
/// then, and no policy under them begins earlier.
fn in_force(
    insured: &SaidPolicy,
    bought: u64,
    leaves: &[Placed],
    verdict: &mut Verdict,
) -> Result<(), String> {
    let declared = leaves
        .iter()
        .rev()
        .find(|leaf| leaf.is("declaration", &insured.terms_hash));
    let Some(leaf) = declared else {
        return Ok(());
    };
    let declared: SaidDeclaration = leaf.says()?;
    let from = Timestamp(declared.evaluate_from);
    verdict.tell(
        "declared",
        format!(
            "by {} at {}, to be evaluated from {from}, in leaf {}",
            declared.declared_by,
            Timestamp(declared.declared_at),
            leaf.index
        ),
    );
    if leaf.index > bought {
        verdict.not_shown.push(format!(
            "the terms were declared in leaf {}, after the policy, which is leaf {bought}",
            leaf.index
        ));
    }
    if declared.declared_at >= declared.evaluate_from {
        verdict.not_shown.push(format!(
            "the terms were declared at {}, and are evaluated from {from}, when what happened may have been known",
            Timestamp(declared.declared_at)
        ));
    }
    if let Some(leaf) = leaves.iter().find(|leaf| leaf.is("risk", &insured.risk)) {
        let risk: SaidRisk = leaf.says()?;
        if risk.evaluate_from != declared.evaluate_from {
            verdict.not_shown.push(format!(
                "the terms were declared to be evaluated from {from}, and the risk is evaluated from {}",
                Timestamp(risk.evaluate_from)
            ));
        }
    }
    Ok(())
}

/// What the outcome says, and whether the rest bears it.
fn ended(
    insured: &SaidPolicy,
    outcome: &SaidOutcome,
    accepted: bool,
    leaves: &[Placed],
    verdict: &mut Verdict,
) -> Result<(), String> {
    let reason = outcome.reason.as_ref();
    let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
    verdict.tell("outcome", format!("{}{reason}", outcome.verdict));
    let same = outcome.terms_hash == insured.terms_hash
        && outcome.risk == insured.risk
        && outcome.inception == insured.inception
        && outcome.expiry == insured.expiry
        && outcome.looked_until >= insured.expiry;
    if !same {
        let why = "the outcome is of other terms, another risk or another period than the policy";
        verdict.not_shown.push(why.to_owned());
    }
    match outcome.verdict.as_str() {
        "triggered" if !accepted => verdict
            .not_shown
            .push("the outcome says that a claim was accepted, and no leaf says which".to_owned()),
        "not_triggered" if accepted => verdict
            .not_shown
            .push("the outcome says that nothing triggered, and a claim was accepted".to_owned()),
        "not_triggered" => {
            verdict.not_shown.extend(unknown(outcome));
            looked_at(insured, outcome, leaves, verdict)?;
        }
        _ => {}
    }
    Ok(())
}

/// Why an outcome that says so of itself does not bear that nothing triggered: not seeing is not no.
fn unknown(outcome: &SaidOutcome) -> Option<String> {
    let counts = [
        outcome.observations_without_value,
        outcome.values_too_old,
        outcome.sources_without_value,
    ];
    if counts.contains(&None) {
        let why = "the outcome does not say whether every value was known over the whole period";
        return Some(why.to_owned());
    }
    let was_unknown = counts.iter().flatten().any(|count| *count > 0);
    was_unknown.then(|| {
        "the outcome says that nothing triggered, and that a value was unknown within the period"
            .to_owned()
    })
}

/// That everything that the risk listens to was read over the whole period, and evaluated.
fn looked_at(
    insured: &SaidPolicy,
    outcome: &SaidOutcome,
    leaves: &[Placed],
    verdict: &mut Verdict,
) -> Result<(), String> {
    let risk = leaves.iter().find(|leaf| leaf.is("risk", &insured.risk));
    let Some(leaf) = risk else {
        let why = format!("no leaf says what the risk {} listens to", insured.risk);
        verdict.not_shown.push(why);
        return Ok(());
    };
    let risk: SaidRisk = leaf.says()?;
    if risk.terms_hash != insured.terms_hash || risk.streams.is_empty() {
        let why = "the risk is of other terms than the policy, or listens to nothing";
        verdict.not_shown.push(why.to_owned());
        return Ok(());
    }
    if risk.evaluate_from > insured.inception {
        verdict.not_shown.push(format!(
            "the risk is evaluated from {} only, and the policy begins at {}",
            Timestamp(risk.evaluate_from),
            Timestamp(insured.inception)
        ));
    }
    let period = Period {
        from: insured.inception,
        until: outcome.looked_until,
    };
    let streams: BTreeSet<SaidStream> = risk.streams.into_iter().collect();
    let mut for_ever = true;
    for stream in &streams {
        let span = span::of(stream, period, leaves);
        for_ever &= matches!(span, Ok(Span::ForEver(_)));
        let shown = span.map(|span| match span {
            Span::Whole(sentence) | Span::ForEver(sentence) => sentence,
        });
        verdict.show("read", shown);
    }
    let reached = outcome.evaluated_to.filter(|at| *at >= period.until);
    verdict.show(
        "evaluated",
        match (outcome.evaluated_to, reached) {
            (_, Some(at)) => Ok(format!("until {}", Timestamp(at))),
            // Nothing can come any more that time alone would change.
            (Some(at), None) if for_ever => Ok(format!("to the end, at {}", Timestamp(at))),
            (at, None) => Err(format!(
                "the risk was evaluated until {} only, and its terms can make a loss of the period count until {}",
                at.map_or_else(|| "nothing".to_owned(), |at| Timestamp(at).to_string()),
                Timestamp(period.until)
            )),
        },
    );
    Ok(())
}
