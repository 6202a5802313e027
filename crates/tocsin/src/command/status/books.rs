//! What is in the books, what waits, and what keeps them.

use core::fmt::Write as _;

use serde::Deserialize;
use tocsin_domain::time::Timestamp;
use tocsin_log::{Checkpoint, LogError, Note};

use super::ask::Unseen;
use super::figures::Figures;
use super::{Page, Section, counted};

/// Deliveries that are named each by itself.
const NAMED: usize = 5;

#[derive(Deserialize)]
struct Delivery {
    attestation: String,
    failures: u32,
    delivery: DeliveryState,
}

#[derive(Deserialize)]
struct DeliveryState {
    last_error: Option<String>,
}

impl Page<'_> {
    /// What is insured.
    pub(super) async fn books(&self) -> Section {
        Section {
            title: "Books",
            lines: self.book_lines().await,
        }
    }

    async fn book_lines(&self) -> Result<Vec<String>, Unseen> {
        let covers = self.asking.length("/v1/covers", "covers", "").await?;
        let risks = self.asking.length("/v1/risks", "risks", "").await?;
        let policies = self.asking.length("/v1/policies", "policies", "").await?;
        Ok(vec![
            format!("covers: {covers}"),
            format!("risks: {risks}"),
            format!("policies: {policies}"),
        ])
    }

    /// What waits, and for whom.
    pub(super) async fn claims(&self) -> Section {
        Section {
            title: "Claims",
            lines: self.claim_lines().await,
        }
    }

    async fn claim_lines(&self) -> Result<Vec<String>, Unseen> {
        let figures = self.figures()?;
        let claims = async |state: &str| {
            let query = format!("&state={state}");
            self.asking.length("/v1/claims", "claims", &query).await
        };
        let waiting = claims("waiting").await?;
        let attested = claims("attested").await?;
        let barred = claims("barred").await?;
        let attests = match self
            .asking
            .json::<serde::de::IgnoredAny>("/v1/epochs")
            .await
        {
            Ok(_) => "for the attestors",
            Err(Unseen::Absent) => "for an [attestor]: this service has none",
            Err(other) => return Err(other),
        };
        Ok(vec![
            format!(
                "loss events without their claims: {}",
                queue(figures, "claim")
            ),
            format!(
                "wait {attests}: {waiting}{}",
                since(figures, "attest").map_or_else(String::new, |at| format!(" (since {at})"))
            ),
            format!("attested, and not paid as far as a final block says: {attested}"),
            format!(
                "revoked, wait for a person who allows a correction (tocsin claims correct): {barred}"
            ),
        ])
    }

    /// What is on its way to contracts.
    pub(super) async fn deliveries(&self) -> Section {
        Section {
            title: "Deliveries",
            lines: self.delivery_lines().await,
        }
    }

    async fn delivery_lines(&self) -> Result<Vec<String>, Unseen> {
        let mut lines = Vec::new();
        for (state, words, remedy) in [
            ("queued", "wait", ""),
            ("sending", "are being sent", ""),
            (
                "failed",
                "were given up, and wait for a person",
                " (POST /v1/deliveries/ID/replay)",
            ),
        ] {
            let query = format!("&state={state}");
            let (found, more): (Vec<Delivery>, bool) = self
                .asking
                .entries("/v1/deliveries", "deliveries", &query)
                .await?;
            let more = if more { " and more" } else { "" };
            lines.push(format!("{words}: {}{more}{remedy}", found.len()));
            let stuck = found.iter().filter(|one| one.delivery.last_error.is_some());
            for one in stuck.take(NAMED) {
                let error = one.delivery.last_error.as_deref().unwrap_or_default();
                lines.push(format!(
                    "  {}, put back {}: {error}",
                    one.attestation,
                    counted(u64::from(one.failures), "time", "times")
                ));
            }
        }
        Ok(lines)
    }

    /// What endpoints have not taken.
    pub(super) fn webhooks(&self) -> Section {
        let lines = self.figures().map(|figures| {
            let count = |name| figures.sum(name, "").unwrap_or(0);
            vec![
                format!(
                    "events that endpoints have not come to: {}",
                    count("tocsin_webhook_waiting")
                ),
                format!("dead letters: {}", count("tocsin_webhook_dead_letters")),
                format!(
                    "endpoints that are disabled: {}",
                    count("tocsin_webhook_endpoints_disabled")
                ),
            ]
        });
        Section {
            title: "Webhooks",
            lines,
        }
    }

    /// Keys that need somebody.
    pub(super) async fn keys(&self) -> Section {
        let lines = self.figures().map(|figures| {
            let count = |name, label| figures.sum(name, label).unwrap_or(0);
            let mut lines = vec![format!(
                "of clients and webhooks: {} active, {} retiring; {} expire within two weeks, {} retiring and still used",
                count("tocsin_keys", "state=\"active\""),
                count("tocsin_keys", "state=\"retiring\""),
                count("tocsin_keys_ending", ""),
                count("tocsin_keys_lagging", "")
            )];
            for (labels, seconds) in figures.each("tocsin_attestors_sign_for_seconds") {
                let days = seconds / 86_400;
                lines.push(format!("attestors ({labels}): somebody signs for {days} days"));
            }
            lines
        });
        Section {
            title: "Keys",
            lines,
        }
    }

    /// How long the log is, and what is signed of it.
    pub(super) async fn log(&self) -> Section {
        Section {
            title: "Log",
            lines: self.log_lines().await,
        }
    }

    async fn log_lines(&self) -> Result<Vec<String>, Unseen> {
        let figures = self.figures()?;
        let leaves = figures.sum("tocsin_log_leaves", "").unwrap_or(0);
        let mut lines = vec![format!("leaves: {leaves}")];
        match self.asking.text("/v1/log/checkpoint").await {
            Ok(note) => {
                let signed = unverified(&note).map_err(|error| {
                    Unseen::Failed(format!("the checkpoint cannot be read: {error}"))
                })?;
                lines.push(format!(
                    "newest signed state: {} leaves, root {}, of {}",
                    signed.size, signed.root, signed.origin
                ));
            }
            Err(Unseen::Absent) => lines.push("no state of it is signed yet".to_owned()),
            Err(other) => return Err(other),
        }
        Ok(lines)
    }
}

/// What a checkpoint says. Nobody here has the key from anywhere but the service: an audit verifies it.
fn unverified(note: &str) -> Result<Checkpoint, LogError> {
    note.parse::<Note>()?.unverified().parse()
}

/// How much waits for a stage, and since when.
fn queue(figures: &Figures, name: &str) -> String {
    let label = format!("queue=\"{name}\"");
    let count = figures.sum("tocsin_queue_waiting", &label).unwrap_or(0);
    let mut text = count.to_string();
    if let Some(at) = since(figures, name) {
        // Writing to a String cannot fail.
        let _infallible = write!(text, " (since {at})");
    }
    text
}

fn since(figures: &Figures, name: &str) -> Option<Timestamp> {
    let label = format!("queue=\"{name}\"");
    figures
        .sum("tocsin_queue_oldest_timestamp_seconds", &label)
        .filter(|at| *at > 0)
        .map(Timestamp)
}
