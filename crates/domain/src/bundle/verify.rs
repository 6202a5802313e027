//! Re-executes a bundle, offline and from the beginning: terms → observations → loss event → evidence → claim →
//! statement → signatures. What several attestors saw is re-executed for each, and then fused as they did.
//!
//! Each step takes what the step before computed, not what the file says, and then compares the two. A failed step does
//! not hide the later ones where they can still be judged.

mod alone;
mod announced;
mod logged;
mod reports;
mod statement;

use alloy_primitives::{Address, keccak256};

use tocsin_log::VerifierKey;

use super::{EvidenceBundle, Report};
use crate::attestation::{KnownEpochs, SigningDomain};
use crate::cover::{Cover, Rearm};
use crate::diagnostic::Diagnostic;
use crate::ids::TermsHash;
use crate::observation::Provenance;
use crate::replay::{Case, Finding};
use crate::risk::Risk;

/// What the verifier knows from elsewhere than the file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct VerifyOptions {
    /// The only signers that count, of whichever epoch; `None` believes the file's sets.
    pub trusted_signers: Option<Vec<Address>>,
    /// The verifier contract, or the programme off-chain, that it must be for; `None` believes the file.
    pub verifier: Option<SigningDomain>,
    /// Who may sign when; `None` believes the file.
    pub epochs: Option<KnownEpochs>,
    /// What verifies the eligibility log; `None` leaves open whose log it is.
    pub log_key: Option<VerifierKey>,
}

/// Checks everything in `bundle` that can be checked offline, and says what cannot.
pub fn verify(bundle: &EvidenceBundle, options: &VerifyOptions) -> Report {
    let mut report = Report::default();
    match read_terms(bundle) {
        Ok((cover, sentence)) => {
            report.add("terms", Ok(sentence));
            verify_against(&cover, bundle, &mut report);
        }
        Err(sentence) => {
            report.add("terms", Err(sentence));
            report.leave_open(
                "whether the observations meet the terms, because the terms cannot be read",
            );
        }
    }
    report.add(
        "verifier",
        statement::check_verifier(bundle, options.verifier),
    );
    report.add("epoch", statement::check_epoch(bundle));
    if let Some(known) = &options.epochs {
        report.add("known epochs", announced::check_announced(bundle, known));
    }
    if let Some(membership) = &bundle.batch {
        report.add("batch", statement::check_batch(bundle, membership));
    }
    report.add("signatures", statement::check_signatures(bundle));
    if let Some(trusted) = &options.trusted_signers {
        report.add("trusted signers", statement::check_trusted(bundle, trusted));
    }
    if let Some(log) = &bundle.log {
        report.add(
            "eligibility log",
            logged::check(bundle, log, options.log_key.as_ref()),
        );
    }
    say_what_is_open(bundle, options, &mut report);
    report
}

fn verify_against(cover: &Cover, bundle: &EvidenceBundle, report: &mut Report) {
    report.add("subject", check_subject(cover, &bundle.risk));
    if cover.mentions_inception() || bundle.risk.inception.is_some() {
        // Without it nothing can be evaluated; with one too many, the risk is none of these terms.
        let Some(()) = report.keep("inception", check_inception(cover, bundle)) else {
            return;
        };
    }
    let implied = match &bundle.quorum {
        None => alone::replay(cover, bundle, report),
        Some(quorum) => reports::replay(cover, bundle, quorum, report),
    };
    let Some(implied) = implied else {
        return;
    };
    report.add("merkle root", statement::check_root(&implied, bundle));
    report.add("ordinal", case(cover, bundle).check_ordinal());
    report.add(
        "determination",
        statement::check_determination(&implied, bundle),
    );
    report.add("policy", statement::check_policy(cover, bundle));
    report.add("claim", statement::check_claim(cover, &implied, bundle));
    report.add(
        "attestation",
        statement::check_attestation(cover, &implied, bundle),
    );
    report.add("times", statement::check_times(bundle));
    if cover.trigger.rearm != Rearm::Never {
        report.leave_open(match bundle.previous {
            None => "that this is the first loss event of its risk: the evidence shows this one alone".to_owned(),
            Some(previous) => format!(
                "that this is loss event number {} and that the one before it was confirmed at {previous}, with the trigger seen false since then: the evidence shows this one alone",
                implied.ordinal
            ),
        });
    }
}

/// What the bundle says of the loss event, with all its observations.
fn case<'a>(cover: &'a Cover, bundle: &'a EvidenceBundle) -> Case<'a> {
    let said = &bundle.determination;
    Case {
        cover,
        subject: &bundle.risk.subject,
        inception: bundle.risk.inception,
        ordinal: said.ordinal,
        previous: bundle.previous,
        evidence_from: said.evidence_from,
        occurred_at: said.occurred_at,
        settled_at: said.settled_at,
        determined_at: said.determined_at,
        observations: &bundle.observations,
    }
}

impl Report {
    /// Adds a check that yields something that later ones need.
    fn keep<T>(&mut self, name: &'static str, outcome: Result<(T, String), String>) -> Option<T> {
        match outcome {
            Ok((kept, sentence)) => {
                self.add(name, Ok(sentence));
                Some(kept)
            }
            Err(sentence) => {
                self.add(name, Err(sentence));
                self.leave_open(format!(
                    "what would follow, because the check \"{name}\" failed"
                ));
                None
            }
        }
    }
}

fn read_terms(bundle: &EvidenceBundle) -> Result<(Cover, String), String> {
    let cover = Cover::from_terms(&bundle.terms).map_err(|diagnostics| {
        let said: Vec<String> = diagnostics.iter().map(Diagnostic::to_string).collect();
        format!("the terms are no cover: {}", said.join("; "))
    })?;
    let hash = TermsHash(keccak256(&bundle.terms));
    if cover.terms_hash != hash {
        return Err(format!(
            "the terms are not in canonical form: they hash to {hash}, their canonical form to {}",
            cover.terms_hash
        ));
    }
    if bundle.attestation.termsHash != hash.0 {
        return Err(format!(
            "the terms hash to {hash}, but the attestation is about the terms {}",
            TermsHash(bundle.attestation.termsHash)
        ));
    }
    let sentence = format!(
        "the terms of \"{}\", version {}, hash to {hash}, which the attestation names",
        cover.title, cover.version
    );
    Ok((cover, sentence))
}

fn check_subject(cover: &Cover, risk: &Risk) -> Finding {
    match Risk::subject_of(cover) {
        Some(named) if named != risk.subject => Err(format!(
            "the terms insure {named}, but the risk is {}",
            risk.subject
        )),
        Some(named) => Ok(format!("the risk is {named}, as the terms name it")),
        None => Ok(format!(
            "the risk is {}, one of those that the terms leave open",
            risk.subject
        )),
    }
}

/// A risk has an inception if the terms ask for one, and it is the policy's, whose beginning the attestors signed.
fn check_inception(cover: &Cover, bundle: &EvidenceBundle) -> Result<((), String), String> {
    let begins = bundle.policy.inception;
    let Some(inception) = bundle.risk.inception else {
        return Err(
            "the terms look back to the policy's inception, and the risk names none".to_owned(),
        );
    };
    let whose = format!("the risk is that of policies that begin at {inception}");
    if !cover.mentions_inception() {
        Err(format!(
            "{whose}, but the terms look at no policy's inception"
        ))
    } else if inception != begins {
        Err(format!("{whose}, but this policy begins at {begins}"))
    } else {
        Ok(((), format!("{whose}, as this one does")))
    }
}

fn say_what_is_open(bundle: &EvidenceBundle, options: &VerifyOptions, report: &mut Report) {
    let EvidenceBundle {
        signers,
        domain,
        policy,
        ..
    } = bundle;
    say_how_sources_are_checked(bundle, report);
    report.leave_open(format!(
        "that the breach did not begin before its first observation here, and that evaluation starts at {}: the evidence begins with the breach",
        bundle.risk.evaluate_from
    ));
    let epoch = signers.epoch();
    let announced = match domain {
        SigningDomain::Verifier(_) => format!(
            "that {domain} announced these signers and this threshold for epoch {epoch}, and has not revoked it"
        ),
        SigningDomain::OffChain(_) => format!(
            "that these signers and this threshold are those of epoch {epoch} of {domain}: no contract says so, whoever pays has \
             agreed on them with the attestors"
        ),
    };
    say_who_else_reported(bundle, report);
    match (&options.epochs, &options.trusted_signers) {
        (Some(_), _) => {}
        (None, Some(_)) => report.leave_open(announced),
        (None, None) => report.leave_open(format!(
            "{announced}; name the signers or the epochs that you trust to check them here"
        )),
    }
    let claim_key = bundle.attestation.claim_key();
    report.leave_open(match domain {
        SigningDomain::Verifier(_) => format!(
            "that the claim {claim_key} is not held, revoked or paid already: the verifier knows, and `tocsin claims status` asks it"
        ),
        SigningDomain::OffChain(_) => format!(
            "that the claim {claim_key} is not paid already, and is redeemed in its time: the books of whoever pays know"
        ),
    });
    report.leave_open(format!(
        "the policy's holder {:#x}, its sum insured, and so the amount: no signature covers them, the contract {:#x} on chain {} has them",
        policy.holder, policy.consumer.address, policy.consumer.chain_id
    ));
    let decided_at = bundle.determination.determined_at;
    report.leave_open(if bundle.quorum.is_some() {
        format!("that the clocks of the attestors were right: by the middle one, it was decided at {decided_at}")
    } else {
        format!("that it was decided at {decided_at}, before it was signed")
    });
    let has_logs = comes_from(bundle, |provenance| {
        matches!(provenance, Provenance::Chain(_))
    });
    // Reports commit to it.
    if has_logs && bundle.quorum.is_none() {
        report.leave_open(
            "the place of each log within its block: its content is signed, its index is not",
        );
    }
    logged::say_what_is_open(bundle, options.log_key.as_ref(), report);
}

/// Whose word the evidence is, where it is not theirs who signed.
fn say_who_else_reported(bundle: &EvidenceBundle, report: &mut Report) {
    match &bundle.quorum {
        None if bundle.signers.threshold() > 1 => report.leave_open(
            "what each attestor saw by itself: the bundle carries no reports of theirs",
        ),
        Some(quorum) if quorum.signers.epoch() != bundle.signers.epoch() => {
            report.leave_open(format!(
                "that these reports were made by attestors: whoever wrote the file could name signers of their own for epoch {}; those of \
                 epoch {} have signed the observations and what follows from them, not who reported them. Name the signers of both \
                 epochs that you trust to check it here",
                quorum.signers.epoch(),
                bundle.signers.epoch()
            ));
        }
        None | Some(_) => {}
    }
}

/// Each kind of source has its own way of being asked again.
fn say_how_sources_are_checked(bundle: &EvidenceBundle, report: &mut Report) {
    if comes_from(bundle, |provenance| {
        matches!(provenance, Provenance::Chain(_))
    }) {
        report.leave_open(
            "that the sources really said this: look up the blocks and logs that the observations name",
        );
    }
    if comes_from(bundle, |provenance| {
        matches!(provenance, Provenance::Raw { .. })
    }) {
        report.leave_open(
            "that the feeds really said this: fetch the raw response that each observation names by its hash from whoever attests \
             (GET /v1/responses/HASH), check that keccak-256 of its bytes is that hash, and read the values in it; that the \
             provider sent it, and when, only the provider can say",
        );
    }
    let no_answer = keccak256([]);
    if comes_from(bundle, |provenance| {
        *provenance == Provenance::Raw { hash: no_answer }
    }) {
        report.leave_open(
            "that no answer came where an observation names the hash of no bytes: nothing can be fetched for it",
        );
    }
}

fn comes_from(bundle: &EvidenceBundle, kind: impl Fn(&Provenance) -> bool) -> bool {
    bundle.observations.iter().any(|row| kind(&row.provenance))
}
