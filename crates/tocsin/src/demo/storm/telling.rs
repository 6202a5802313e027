//! What the flights demonstration says while it runs.

use std::io::Write;

use alloy::primitives::U256;
use alloy::transports::http::reqwest;
use serde_json::Value as Json;
use tocsin_domain::time::Timestamp;
use tocsin_store::Store;
use tocsin_store::attestation::{AttestationRecord, Signed};
use tocsin_store::look::LookCounts;

use super::slice::Fate;
use super::{Aftermath, Hours, Outcome, Sold, Storm};
use crate::command;
use crate::demo::{DemoError, story};

/// Tells the story.
pub(super) struct Telling<'a> {
    out: &'a mut (dyn Write + Send),
}

impl<'a> Telling<'a> {
    pub(super) fn new(out: &'a mut (dyn Write + Send)) -> Self {
        Self { out }
    }

    pub(super) fn out(&mut self) -> &mut (dyn Write + Send) {
        self.out
    }

    pub(super) fn chapter(&mut self, title: &str) -> Result<(), DemoError> {
        Ok(writeln!(self.out, "\n{title}")?)
    }

    fn line(&mut self, text: &str) -> Result<(), DemoError> {
        writeln!(self.out, "  {text}")?;
        Ok(self.out.flush()?)
    }

    pub(super) fn prepared(&mut self, storm: &Storm) -> Result<(), DemoError> {
        let sampled = storm.plans.iter().filter(|plan| plan.sampled).count();
        self.line(&format!(
            "{} flights from Newark, Kennedy and LaGuardia, {} policies on them: {sampled} with the contract {:#x}, the others \
             with a payout service that fetches its attestations",
            storm.flights.len(),
            storm.plans.len(),
            storm.sellers.contract
        ))?;
        self.line(
            "paid: 50 % of the sum insured for a flight that is cancelled or diverted, 30 % from 45 minutes late on",
        )
    }

    pub(super) fn counted(&mut self, storm: &Storm, over: &Aftermath) -> Result<(), DemoError> {
        let flights = &over.tally.flights;
        let policies = &over.tally.policies;
        self.chapter("What it came to")?;
        self.line(&format!(
            "{} insured flights: {} cancelled, {} at least 45 min late, {} diverted, {} in time, {} that a person has to look at",
            flights.total,
            flights.cancelled,
            flights.delayed,
            flights.diverted,
            flights.on_time,
            flights.unresolved
        ))?;
        self.line(&format!(
            "{} policies: {} paid {}; {} had ended before the loss, {} are on flights that arrived in time, {} wait for a person",
            policies.by_outcome.total,
            policies.paid,
            story::money(amount(&over.tally.payout)),
            policies.ended,
            policies.by_outcome.on_time,
            policies.by_outcome.unresolved
        ))?;
        let batched: u64 = over.tally.batches.values().sum();
        self.line(&format!(
            "{batched} of their attestations are under {} signed roots, the largest with {}, each with its proof; {} were signed alone",
            over.tally.batches.len(),
            over.tally.batches.values().max().copied().unwrap_or(0),
            over.tally.alone
        ))?;
        let (paid, sum) = over.paid_on_chain;
        self.line(&format!(
            "{paid} were submitted to the contract, which checked signature and proof and paid {}",
            story::money(sum)
        ))?;
        self.line(&format!(
            "the provider was asked {} times, {} times a flight; the storm took {} s",
            over.requests,
            tenths(over.requests, flights.total),
            over.took.as_secs()
        ))?;
        let file = storm.layout.file(super::COUNTS);
        self.line(&format!(
            "{}  the same, to be counted again",
            file.display()
        ))
    }

    /// One policy of every kind that is not paid, in the words of the API.
    pub(super) async fn reasons(
        &mut self,
        storm: &Storm,
        over: &Aftermath,
    ) -> Result<(), DemoError> {
        self.chapter("Why others are not paid, as the API tells them")?;
        let unpaid = |wanted: Outcome| {
            let fits = move |sold: &&Sold| sold.amount.is_none() && sold.outcome == wanted;
            over.sold.iter().find(fits)
        };
        let kinds = [Outcome::OnTime, Outcome::Cancelled, Outcome::Unresolved];
        for sold in kinds.into_iter().filter_map(unpaid) {
            let path = format!("/v1/policies/{}/eligibility", sold.id);
            let said = get(storm, &path).await?;
            let flight = storm.flights.get(sold.flight);
            self.line(&flight.map_or_else(String::new, super::Flight::subject))?;
            let outlook = said["outlook"]["sentence"].as_str();
            let decided = said["claims"][0]["sentences"]
                .as_array()
                .and_then(|sentences| sentences.last()?.as_str());
            self.line(&format!(
                "    {}",
                outlook.or(decided).unwrap_or("nothing is known")
            ))?;
        }
        Ok(())
    }

    /// The evidence of a claim that was paid by the contract, re-executed.
    pub(super) async fn evidence(
        &mut self,
        storm: &Storm,
        over: &Aftermath,
        store: &dyn Store,
    ) -> Result<(), DemoError> {
        let mut chosen = None;
        for sold in &over.sold {
            if sold.seller == storm.sellers.contract && sold.amount.is_some() {
                let record = store.attestations_of(sold.id).await?.into_iter().next();
                let batched =
                    |record: &AttestationRecord| !matches!(record.signed, Signed::Alone(_));
                chosen = record.filter(batched).or(chosen);
            }
        }
        let Some(record) = &chosen else {
            return Err(DemoError::NotVerified);
        };
        self.chapter("One claim's evidence, re-executed offline")?;
        if let Signed::InBatch { batch, place, .. } = &record.signed {
            self.line(&format!(
                "attestation {} is number {place} of batch {batch}",
                record.id
            ))?;
        }
        let bundle = get(storm, &format!("/v1/attestations/{}/evidence", record.id)).await?;
        let text = serde_json::to_string_pretty(&bundle)
            .map_err(|error| DemoError::Print(error.into()))?;
        let path = storm.layout.evidence().join(format!("{}.json", record.id));
        std::fs::write(&path, text).map_err(|source| DemoError::File {
            path: path.clone(),
            source,
        })?;
        let log_key = storm.layout.log_key()?;
        let known = command::verify::Known {
            signers: &[storm.attestor],
            log_key: Some(&log_key),
            ..command::verify::Known::default()
        };
        let report = command::verify::check_with(&path, known)
            .map_err(|_unreadable| DemoError::NotVerified)?;
        command::verify::print(&report, &mut *self.out)?;
        if !report.is_valid() {
            return Err(DemoError::NotVerified);
        }
        self.line(&format!(
            "{}  the whole case: change a digit in it, then",
            path.display()
        ))?;
        self.line(&format!("{} verify {}", story::program(), path.display()))
    }
}

impl Hours for Telling<'_> {
    fn show(&mut self, now: Timestamp, storm: &Storm, counts: LookCounts) -> Result<(), DemoError> {
        let due = |flight: &&super::Flight| flight.scheduled_out <= now;
        let due = storm.flights.iter().filter(due);
        let (left, stayed): (Vec<_>, Vec<_>) =
            due.partition(|flight| flight.fate != Fate::Cancelled);
        self.line(&format!(
            "{now}  {:>4} flights have left, {:>3} should have and never did; of {:>4} everything is known, {} are asked about",
            left.len(),
            stayed.len(),
            counts.over + counts.needs_person,
            counts.open
        ))
    }
}

fn amount(units: &str) -> U256 {
    units.parse().unwrap_or_default()
}

/// A ratio with one digit after the point, cut.
fn tenths(part: u64, whole: u64) -> String {
    let tenths = part.saturating_mul(10) / whole.max(1);
    format!("{}.{}", tenths / 10, tenths % 10)
}

async fn get(storm: &Storm, path: &str) -> Result<Json, DemoError> {
    let failed = |reason: String| DemoError::Api {
        path: path.to_owned(),
        reason,
    };
    let url = format!("http://{}{path}", storm.api);
    #[expect(clippy::disallowed_methods, reason = "asks this process only")]
    let client = reqwest::Client::new();
    let answer = client.get(url).send().await;
    let answer = answer.map_err(|error| failed(error.to_string()))?;
    let text = answer
        .text()
        .await
        .map_err(|error| failed(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| failed(error.to_string()))
}
