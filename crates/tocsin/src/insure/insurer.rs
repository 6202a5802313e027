//! What a row means under the covers that are sold.

use alloy::primitives::{Address, U256};
use tocsin_domain::cover::Consumer;
use tocsin_domain::ids::{PolicyId, TermsHash};
use tocsin_domain::observation::Subject;
use tocsin_domain::policy::Policy;
use tocsin_domain::risk::Risk;
use tocsin_domain::time::Timestamp;
use tocsin_store::look::NewLook;

use super::row::{Column, Problem, Row};
use crate::config::{Feeds, InsuredCover, Origin, caip};

/// Reads rows.
#[derive(Clone, Copy, Debug)]
pub struct Insurer<'a> {
    /// Nothing is to be asked earlier.
    pub now: Timestamp,
    /// What is sold.
    pub covers: &'a [InsuredCover],
    /// Who is asked about subjects that policies name.
    pub feeds: &'a Feeds,
    /// The chain of the attestor's verifier, where there is one: on another chain, nothing is ever paid.
    pub settlement: Option<u64>,
}

/// What a row means.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Insured {
    /// The policy.
    pub policy: Policy,
    /// What it insures.
    pub risk: Risk,
    /// Which of the covers.
    pub cover: usize,
}

impl Insurer<'_> {
    /// The policy of a row and its risk; or the first thing that is wrong with it.
    pub fn insure(&self, row: &Row) -> Result<Insured, Problem> {
        let (place, insured) = self.cover(row)?;
        let consumer = self.consumer(row, insured)?;
        let number = amount(Column::Number, &row.number)?;
        let holder = address(&row.holder)?;
        let sum_insured = amount(Column::SumInsured, &row.sum_insured)?;
        if sum_insured.is_zero() {
            return Err(Problem::of(
                Column::SumInsured,
                "is 0, and a policy for nothing never pays",
                "write the sum in the token's smallest unit, at least 1",
            ));
        }
        let inception = time(Column::Inception, &row.inception)?;
        let expiry = time(Column::Expiry, &row.expiry)?;
        if expiry <= inception {
            return Err(Problem::of(
                Column::Expiry,
                format!("expires at {expiry}, not after its inception {inception}"),
                "write the end of the policy's period",
            ));
        }
        // Nobody looks at what was before, so nobody could say that nothing happened.
        let from = insured.evaluate_from();
        if inception < from {
            return Err(Problem::of(
                Column::Inception,
                format!("{inception} is before {from}, from when on the cover is evaluated"),
                match insured.origin {
                    Origin::Declared(_) => "write that instant or a later one",
                    Origin::File(_) => {
                        "write that instant or a later one, or an earlier evaluate_from of the cover that every node has"
                    }
                },
            ));
        }
        let risk = insured.risk(self.subject(row, insured)?, inception);
        Ok(Insured {
            policy: Policy {
                id: PolicyId::derive(consumer.chain_id, consumer.address, number),
                number,
                consumer,
                terms_hash: insured.cover.terms_hash,
                risk: risk.id,
                holder,
                sum_insured,
                inception,
                expiry,
            },
            risk,
            cover: place,
        })
    }

    /// What is to be asked of feeds for an insured risk, from when on. [`Problem`] where a feed cannot be asked about the
    /// subject, or where what becomes of it may be known when the policy begins.
    pub fn looks(&self, insured: &Insured) -> Result<Vec<NewLook>, Problem> {
        let Insured {
            cover,
            risk,
            policy,
        } = insured;
        let inception = policy.inception;
        let mut looks: Vec<NewLook> = Vec::new();
        let streams = self.covers.get(*cover).map(|insured| insured.streams(risk));
        for stream in streams.into_iter().flatten() {
            let Some(feed) = self.feeds.get(&stream.source) else {
                continue;
            };
            let known =
                |look: &NewLook| look.source == stream.source && look.subject == stream.subject;
            if looks.iter().any(known) {
                continue;
            }
            let due_at = feed.first_look(&stream.subject).map_err(|error| {
                Problem::of(
                    Column::Subject,
                    crate::report::chain(&error),
                    format!("write a subject that {} can be asked about", stream.source),
                )
            })?;
            if let Some(insurable_until) = feed.insurable_until(&stream.subject)
                && inception >= insurable_until
            {
                return Err(Problem::of(
                    Column::Inception,
                    format!(
                        "{inception} is not before {insurable_until}, from when on {} can be known",
                        stream.subject
                    ),
                    "insure what is still to come",
                ));
            }
            looks.push(NewLook {
                source: stream.source,
                subject: stream.subject,
                due_at: due_at.max(self.now),
            });
        }
        Ok(looks)
    }

    fn cover(&self, row: &Row) -> Result<(usize, &InsuredCover), Problem> {
        let terms: TermsHash = row.terms_hash.parse().map_err(|_not_hex| {
            Problem::of(
                Column::TermsHash,
                format!("`{}` is not a terms hash", row.terms_hash),
                "write 0x and 64 hexadecimal digits, as `tocsin check` prints them",
            )
        })?;
        let mut covers = self.covers.iter().enumerate();
        let Some((place, insured)) = covers.find(|(_, insured)| insured.cover.terms_hash == terms)
        else {
            return Err(self.without_cover(row, terms));
        };
        if insured.cover.name != row.cover {
            return Err(Problem::of(
                Column::Cover,
                format!(
                    "terms {terms} are those of `{}`, not of `{}`",
                    insured.cover.name, row.cover
                ),
                "correct the one or the other",
            ));
        }
        Ok((place, insured))
    }

    /// Why no cover is the one that it was sold under.
    fn without_cover(&self, row: &Row, terms: TermsHash) -> Problem {
        let now: Vec<String> = self
            .covers
            .iter()
            .map(|insured| &insured.cover)
            .filter(|cover| cover.name == row.cover)
            .map(|cover| format!("version {} is {}", cover.version, cover.terms_hash))
            .collect();
        if now.is_empty() {
            Problem::of(
                Column::Cover,
                format!("no cover `{}` is in force", row.cover),
                "add it to [[covers]] or declare it (POST /v1/covers), or correct the name",
            )
        } else {
            Problem::of(
                Column::TermsHash,
                format!(
                    "was sold under terms {terms}, and no cover has them ({})",
                    now.join(", ")
                ),
                "terms never change, restore the document",
            )
        }
    }

    fn consumer(&self, row: &Row, insured: &InsuredCover) -> Result<Consumer, Problem> {
        let consumer = caip::account(&row.consumer).map_err(|reason| {
            Problem::of(
                Column::Consumer,
                reason,
                "name the contract that pays, on its chain",
            )
        })?;
        let fixed = insured.cover.consumer;
        if fixed.is_some_and(|fixed| fixed != consumer) {
            return Err(Problem::of(
                Column::Consumer,
                format!("the terms fix another consumer than {}", row.consumer),
                "write the one that the terms name",
            ));
        }
        match self.settlement {
            Some(chain) if chain != consumer.chain_id => Err(Problem::of(
                Column::Consumer,
                format!(
                    "is paid on eip155:{}, but the attestor's verifier is on eip155:{chain}: an attestation is valid on its \
                     verifier's chain only",
                    consumer.chain_id
                ),
                "name a consumer there, or have another service attest it",
            )),
            _ => Ok(consumer),
        }
    }

    /// The subject that the risk is of: the policy's own, exactly where the cover names none.
    fn subject(&self, row: &Row, insured: &InsuredCover) -> Result<Option<Subject>, Problem> {
        match (row.subject.as_deref(), insured.names_its_subject()) {
            (None | Some(""), true) => Ok(None),
            (Some(subject), true) => Err(Problem::of(
                Column::Subject,
                format!(
                    "`{subject}` is given, but the terms of `{}` say what they insure",
                    insured.cover.name
                ),
                "leave it empty",
            )),
            (None | Some(""), false) => Err(Problem::of(
                Column::Subject,
                format!(
                    "is missing: the terms of `{}` name no subject",
                    insured.cover.name
                ),
                "write what is insured",
            )),
            (Some(subject), false) if subject.contains([',', '\0']) => Err(Problem::of(
                Column::Subject,
                format!("`{}` is no subject", subject.escape_debug()),
                "write one subject, without a comma",
            )),
            (Some(subject), false) => Ok(Some(Subject::from(subject))),
        }
    }
}

fn address(text: &str) -> Result<Address, Problem> {
    let address: Address = text.parse().map_err(|_not_hex| {
        Problem::of(
            Column::Holder,
            format!("`{text}` is not an address"),
            "write 0x and 40 hexadecimal digits",
        )
    })?;
    if address.is_zero() {
        return Err(Problem::of(
            Column::Holder,
            "is the zero address, which nobody has",
            "write the address that is paid",
        ));
    }
    Ok(address)
}

fn amount(column: Column, text: &str) -> Result<U256, Problem> {
    let is_written = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = U256::from_str_radix(text, 10).ok().filter(|_| is_written);
    number.ok_or_else(|| {
        Problem::of(
            column,
            format!("`{text}` is not a whole number"),
            match column {
                Column::SumInsured => "write the sum in the token's smallest unit, in digits",
                _ => "write the policy's number in digits",
            },
        )
    })
}

fn time(column: Column, text: &str) -> Result<Timestamp, Problem> {
    Timestamp::parse(text).map_err(|error| {
        Problem::of(
            column,
            error.to_string(),
            "write when, with its zone or in UTC",
        )
    })
}
