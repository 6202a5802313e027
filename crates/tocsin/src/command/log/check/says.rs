//! What leaves say, as far as a proof about one policy needs it.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use tocsin_store::log::Fact;

/// A leaf and its place.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) index: u64,
    pub(super) fact: Fact,
}

impl Placed {
    /// Whether it is of this kind and about this subject.
    pub(super) fn is(&self, kind: &str, subject: &str) -> bool {
        self.fact.kind == kind && self.fact.subject == subject
    }

    /// What it says; why it cannot be read.
    pub(super) fn says<T: DeserializeOwned>(&self) -> Result<T, String> {
        T::deserialize(&self.fact.body).map_err(|error| {
            format!(
                "leaf {} does not say what one of the kind `{}` says: {error}",
                self.index, self.fact.kind
            )
        })
    }
}

/// Of a `cover`.
#[derive(Deserialize)]
pub(super) struct SaidCover {
    pub(super) name: String,
    pub(super) version: u64,
    /// Absent where they are too long for a leaf.
    pub(super) canonical_terms: Option<String>,
}

/// Of a `declaration`.
#[derive(Deserialize)]
pub(super) struct SaidDeclaration {
    pub(super) declared_by: String,
    pub(super) declared_at: i64,
    pub(super) evaluate_from: i64,
}

/// Of a `risk`.
#[derive(Deserialize)]
pub(super) struct SaidRisk {
    pub(super) terms_hash: String,
    pub(super) evaluate_from: i64,
    pub(super) streams: Vec<SaidStream>,
}

/// What an input of a risk listens to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Deserialize)]
pub(super) struct SaidStream {
    pub(super) source: String,
    pub(super) subject: String,
}

/// Of a `policy`.
#[derive(Deserialize)]
pub(super) struct SaidPolicy {
    pub(super) terms_hash: String,
    pub(super) risk: String,
    pub(super) inception: i64,
    pub(super) expiry: i64,
}

/// Of a `determination`.
#[derive(Deserialize)]
pub(super) struct SaidLoss {
    pub(super) verdict: String,
    /// Absent where it was undone.
    pub(super) occurred_at: Option<i64>,
}

/// Of a `claim`.
#[derive(Deserialize)]
pub(super) struct SaidClaim {
    pub(super) decision: String,
}

/// Of an `outcome`.
#[derive(Deserialize)]
pub(super) struct SaidOutcome {
    pub(super) verdict: String,
    pub(super) reason: Option<String>,
    pub(super) terms_hash: String,
    pub(super) risk: String,
    pub(super) inception: i64,
    pub(super) expiry: i64,
    /// The end of the period and of the time that its terms need to make a loss count.
    pub(super) looked_until: i64,
    pub(super) evaluated_to: Option<i64>,
    /// Times at which something that the risk listens to had no value within the period, or since before it.
    pub(super) observations_without_value: Option<u64>,
    /// Values that outlived what the terms allow.
    pub(super) values_too_old: Option<u64>,
    /// Sources that had said nothing yet.
    pub(super) sources_without_value: Option<u64>,
}

/// Of a `coverage`.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum SaidCoverage {
    /// What was read from this block on was taken back.
    Undone { undone_from_block: u64 },
    /// Blocks were read.
    Read(SaidRead),
}

/// Blocks that were read.
#[derive(Deserialize)]
pub(super) struct SaidRead {
    pub(super) begun: Option<SaidBegun>,
    pub(super) last_block: u64,
    pub(super) seen_until: Option<i64>,
    pub(super) ranges: Vec<SaidRange>,
}

/// Where the first step of a source led to.
#[derive(Deserialize)]
pub(super) struct SaidBegun {
    pub(super) block: u64,
    pub(super) seen_until: i64,
}

/// Blocks that were read and verified alike.
#[derive(Deserialize)]
pub(super) struct SaidRange {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) proof: String,
}

/// Of a `look`.
#[derive(Deserialize)]
pub(super) struct SaidLook {
    pub(super) state: String,
    pub(super) reason: Option<String>,
    pub(super) seen_until: Option<i64>,
    pub(super) without_value: u64,
    pub(super) gaps: Vec<SaidGap>,
    /// Those that the leaf before told of, and which lasted beyond it.
    pub(super) carried: Vec<SaidGap>,
}

/// An observation without value.
#[derive(Deserialize)]
pub(super) struct SaidGap {
    pub(super) observed_at: i64,
    /// When there was a value again; none where there was not until the leaf ends.
    pub(super) until: Option<i64>,
}
