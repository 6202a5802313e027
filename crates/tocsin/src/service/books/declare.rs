//! Covers that clients declare, into the books and into the running service.
//!
//! Guarantee: a cover is evaluated from an instant that is later than its declaration and than everything that was read of its
//! sources by then. The instant is stored with the cover, and no restart computes it anew.

use tocsin_api::books::{Asked, CoverDeclared, Flaw, NewCover, Untaken};
use tocsin_domain::diagnostic::Severity;
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_store::answer::{Answer, Written};
use tocsin_store::declaration::{Declaration, NewDeclaration};
use tocsin_store::log::AuditEntry;

use super::{CREATED, ClientBooks, answer};
use crate::config::{InsuredCover, Misfit, Origin};
use crate::service::record::{risks, terms};

/// What was there before.
const KNOWN: u16 = 200;

impl ClientBooks {
    /// Brings a cover into force, or says that it is.
    pub(super) async fn bring_into_force(
        &self,
        new: NewCover,
        asked: Asked,
    ) -> Result<Answer, Untaken> {
        // Of two that declare the same terms at the same time, the second one is told of the first.
        let _one_at_a_time = self.declaring.lock().await;
        let now = self.clock.now();
        match self.catalogue.find(new.cover.terms_hash) {
            Some(known) => self.known(&known, &new, asked, now).await,
            None => self.declare_new(new, asked, now).await,
        }
    }

    /// These terms are in force already.
    async fn known(
        &self,
        known: &InsuredCover,
        new: &NewCover,
        asked: Asked,
        now: Timestamp,
    ) -> Result<Answer, Untaken> {
        let from = known.evaluate_from();
        if new.evaluate_from.is_some_and(|wanted| wanted != from) {
            return Err(Untaken::Differs(format!(
                "these terms are in force and are evaluated from {from}: leave evaluate_from out, or give the new cover another version"
            )));
        }
        let told = told(known, self.warnings(new, known));
        let answer = answer(asked, KNOWN, &told, now)?;
        let kept = self.store.add_answer(&answer).await;
        kept.map_err(Untaken::Store)?;
        Ok(answer)
    }

    async fn declare_new(
        &self,
        new: NewCover,
        asked: Asked,
        now: Timestamp,
    ) -> Result<Answer, Untaken> {
        let evaluate_from = self.beginning(&new, now).await?;
        let origin = Origin::Declared(now);
        let insured = self.fitted(&new, evaluate_from, origin);
        let insured = insured.map_err(|flaw| Untaken::Flawed(vec![flaw]))?;
        let warnings = self.warnings(&new, &insured);
        // Before anything under these terms is stored: a stage that finds it there must know what it means.
        self.evaluator.learn(insured.cover.clone());
        let risks = risks(&insured, &self.evaluator)
            .map_err(|error| Untaken::Failed(crate::report::chain(&error)))?;
        let actor = asked.caller.clone();
        let audit = AuditEntry {
            at: now,
            action: "cover-declared".to_owned(),
            actor: Some(actor.clone()),
            subject: insured.cover.terms_hash.to_string(),
            detail: serde_json::json!({
                "name": insured.cover.name,
                "version": insured.cover.version,
                "evaluate_from": evaluate_from.0,
            }),
        };
        let answer = answer(asked, CREATED, &told(&insured, warnings), now)?;
        let declared = NewDeclaration {
            declaration: Declaration {
                cover: terms(&insured),
                evaluate_from,
                declared_at: now,
                declared_by: actor.clone(),
            },
            risks,
            looks: insured.looks(self.catalogue.offers().feeds(), now),
            written: Written {
                answer: answer.clone(),
                audit,
            },
        };
        let stored = self.store.declare(&declared).await;
        stored.map_err(Untaken::Store)?;
        tracing::info!(
            cover = %insured.cover.name,
            version = insured.cover.version,
            terms = %insured.cover.terms_hash,
            %evaluate_from,
            by = %actor,
            "a cover is in force"
        );
        self.catalogue.add(insured);
        Ok(answer)
    }

    /// The cover as it is insured; or what of it does not fit what is configured, at its place.
    pub(super) fn fitted(
        &self,
        new: &NewCover,
        evaluate_from: Timestamp,
        origin: Origin,
    ) -> Result<InsuredCover, Flaw> {
        let cover = new.cover.clone();
        let insured = self.catalogue.offers().insure(cover, evaluate_from, origin);
        insured
            .map_err(|misfit| Flaw::in_text(&new.text, &misfit.in_text(&new.text, Severity::Error)))
    }

    /// Inputs that will be unknown now and then, which is probably not what was meant.
    pub(super) fn impatience(&self, new: &NewCover, insured: &InsuredCover) -> Vec<Flaw> {
        let found = self
            .catalogue
            .offers()
            .impatient_inputs(insured)
            .into_iter();
        let flaw = |misfit: Misfit| {
            Flaw::in_text(&new.text, &misfit.in_text(&new.text, Severity::Warning))
        };
        found.map(flaw).collect()
    }

    fn warnings(&self, new: &NewCover, insured: &InsuredCover) -> Vec<Flaw> {
        let mut warnings = new.warnings.clone();
        warnings.extend(self.impatience(new, insured));
        warnings
    }

    /// From when on the cover is evaluated: the instant that was asked for, if it is late enough; or the first that is.
    async fn beginning(&self, new: &NewCover, now: Timestamp) -> Result<Timestamp, Untaken> {
        let mut known_until = now;
        let sources = new.cover.inputs.iter();
        for source in sources.filter_map(|input| input.source.as_ref()) {
            let progress = self.store.progress(source).await;
            if let Some(progress) = progress.map_err(Untaken::Store)? {
                known_until = known_until.max(progress.watermark);
            }
        }
        let earliest = known_until + Seconds(1);
        match new.evaluate_from {
            Some(wanted) if wanted < earliest => Err(flawed(
                format!("evaluate_from is {wanted}, and what happened until {known_until} may be known"),
                Some(format!("write {earliest} or later, or leave it out")),
            )),
            Some(wanted) => Ok(wanted),
            None if self.in_quorum => Err(flawed(
                "this node attests together with others, and every one of them must evaluate the cover from the same instant"
                    .to_owned(),
                Some(
                    "send ?evaluate_from= with an instant by which every node has the cover, the same one to each of them"
                        .to_owned(),
                ),
            )),
            None => Ok(earliest),
        }
    }
}

fn told(insured: &InsuredCover, warnings: Vec<Flaw>) -> CoverDeclared {
    CoverDeclared {
        name: insured.cover.name.clone(),
        version: insured.cover.version,
        terms_hash: insured.cover.terms_hash,
        evaluate_from: insured.evaluate_from().to_string(),
        declared_at: match insured.origin {
            Origin::Declared(at) => Some(at.to_string()),
            Origin::File(_) => None,
        },
        warnings,
    }
}

fn flawed(detail: String, help: Option<String>) -> Untaken {
    Untaken::Flawed(vec![Flaw {
        pointer: None,
        line: None,
        column: None,
        detail,
        help,
    }])
}
