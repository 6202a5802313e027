//! Policy files: who is insured, on which cover, for how much, from when to when.

use std::path::Path;

use alloy::primitives::{Address, U256};
use serde::Deserialize;
use tocsin_domain::ids::{PolicyId, TermsHash};
use tocsin_domain::policy::Policy;
use tocsin_domain::time::Timestamp;

use super::{ConfigError, InsuredCover, caip, invalid, read};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyFile {
    #[serde(default)]
    policy: Vec<PolicyEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyEntry {
    number: String,
    cover: String,
    terms_hash: TermsHash,
    consumer: String,
    holder: Address,
    sum_insured: String,
    inception: String,
    expiry: String,
}

/// Reads the policies of a file; all of them, or the first thing that is wrong. Adds the risks that they need.
pub(super) fn load(path: &Path, covers: &mut [InsuredCover]) -> Result<Vec<Policy>, ConfigError> {
    let file: PolicyFile = toml::from_str(&read(path)?)
        .map_err(|error| invalid(path, error.to_string().trim_end().to_owned()))?;
    file.policy
        .iter()
        .map(|entry| {
            entry
                .resolve(covers)
                .map_err(|problem| invalid(path, format!("policy {}: {problem}", entry.number)))
        })
        .collect()
}

impl PolicyEntry {
    fn resolve(&self, covers: &mut [InsuredCover]) -> Result<Policy, String> {
        let is_sold = |insured: &InsuredCover| insured.cover.terms_hash == self.terms_hash;
        let Some(place) = covers.iter().position(is_sold) else {
            return Err(self.without_cover(covers));
        };
        let insured = &mut covers[place];
        let terms_hash = self.terms_hash;
        if insured.cover.name != self.cover {
            return Err(format!(
                "terms {terms_hash} are those of `{}`, not of `{}`",
                insured.cover.name, self.cover
            ));
        }
        let consumer = caip::account(&self.consumer)?;
        if insured
            .cover
            .consumer
            .is_some_and(|fixed| fixed != consumer)
        {
            return Err(format!(
                "the terms fix another consumer than {}",
                self.consumer
            ));
        }
        let number: U256 = amount("number", &self.number)?;
        let inception = time("inception", &self.inception)?;
        let expiry = time("expiry", &self.expiry)?;
        if expiry <= inception {
            return Err(format!(
                "expires at {expiry}, not after its inception {inception}"
            ));
        }
        Ok(Policy {
            id: PolicyId::derive(consumer.chain_id, consumer.address, number),
            number,
            consumer,
            terms_hash,
            risk: insured.risk_from(inception),
            holder: self.holder,
            sum_insured: amount("sum_insured", &self.sum_insured)?,
            inception,
            expiry,
        })
    }

    /// Why no cover is the one that it was sold under.
    fn without_cover(&self, covers: &[InsuredCover]) -> String {
        let now: Vec<String> = covers
            .iter()
            .filter(|insured| insured.cover.name == self.cover)
            .map(|insured| {
                format!(
                    "version {} is {}",
                    insured.cover.version, insured.cover.terms_hash
                )
            })
            .collect();
        if now.is_empty() {
            format!("there is no cover `{}` in the configuration", self.cover)
        } else {
            format!(
                "was sold under terms {}, and no cover has them ({}): terms never change, restore the document",
                self.terms_hash,
                now.join(", ")
            )
        }
    }
}

fn amount(key: &str, text: &str) -> Result<U256, String> {
    U256::from_str_radix(text, 10).map_err(|_not_decimal| {
        format!("{key} `{text}` is not a whole number of the token's smallest unit")
    })
}

fn time(key: &str, text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).map_err(|error| format!("{key}: {error}"))
}
