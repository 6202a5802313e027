//! The sections about sources: what is read, and how it becomes observations.
//!
//! What a source *is* decides which keys its section has: an event, the rounds or the latest round of a price feed, what a
//! function returns, a word of storage, an account or an event of a Solana program.

mod event;
mod feed;
mod solana;
mod state;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use tocsin_sources::SourceError;
use tocsin_sources::chain::ChainSource;
use tocsin_sources::solana::SolanaSource;

use self::event::EventSection;
use self::feed::{LatestRoundSection, RoundsSection};
use self::solana::{AccountSection, ProgramEventSection};
use self::state::{CallSection, StorageSection};
use crate::config::caip;
use crate::config::file::refused;

/// A section as it is written.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct SourceSection(toml::Table);

/// A source, and the chain that it is read from.
pub(super) enum Resolved {
    /// Of an EVM chain, by its EIP-155 id.
    Evm(u64, Box<ChainSource>),
    /// Of a Solana cluster, by its CAIP-2 identifier.
    Solana(String, SolanaSource),
}

impl Resolved {
    /// The CAIP-2 identifier of its chain.
    pub(super) fn chain(&self) -> String {
        match self {
            Self::Evm(chain_id, _) => format!("eip155:{chain_id}"),
            Self::Solana(chain, _) => chain.clone(),
        }
    }
}

impl SourceSection {
    /// How often it speaks at the least, as its operator promises.
    pub(super) fn heartbeat(&self) -> Option<&str> {
        self.0.get("heartbeat")?.as_str()
    }

    /// The source `id`.
    pub(super) fn resolve(&self, id: &str) -> Result<Resolved, String> {
        let (kind, rest) = id.split_once(':').unwrap_or((id, ""));
        if rest.starts_with("solana:") {
            return self.resolve_solana(id, kind, rest);
        }
        let contract = caip::source_contract(id)?;
        let (chain_id, address) = (contract.chain_id, contract.address);
        let source = match kind {
            "event" => self.read::<EventSection>()?.source(id, address)?,
            "chainlink" if self.0.contains_key("aggregators") => {
                self.read::<RoundsSection>()?.source(id)?
            }
            "chainlink" if self.0.contains_key("event") => {
                self.read::<EventSection>()?.source(id, address)?
            }
            "chainlink" => self.read::<LatestRoundSection>()?.source(id, address)?,
            "call" => self.read::<CallSection>()?.source(id, address)?,
            "storage" => self.read::<StorageSection>()?.source(id, address)?,
            _ => return Err(unknown_kind(kind)),
        };
        Ok(Resolved::Evm(chain_id, Box::new(source)))
    }

    fn resolve_solana(&self, id: &str, kind: &str, rest: &str) -> Result<Resolved, String> {
        let account = rest.split_once('#').map_or(rest, |(account, _)| account);
        let Some((chain, address)) = account.rsplit_once(':') else {
            return Err(format!(
                "`{account}` is not a Solana account: write its CAIP-10 name"
            ));
        };
        let source = match kind {
            "account" => self.read::<AccountSection>()?.source(id, address)?,
            "event" => self.read::<ProgramEventSection>()?.source(id, address)?,
            _ => return Err(unknown_kind(kind)),
        };
        Ok(Resolved::Solana(chain.to_owned(), source))
    }

    fn read<T: DeserializeOwned>(&self) -> Result<T, String> {
        T::deserialize(toml::Value::Table(self.0.clone())).map_err(|error| refused(&error))
    }
}

fn unknown_kind(kind: &str) -> String {
    format!(
        "`{kind}:` is no kind of source that is read from a chain: write event:<CAIP-10>#Signature, \
         call:<CAIP-10>#signature, storage:<CAIP-10>#slot, chainlink:<CAIP-10> or account:<CAIP-10>#field"
    )
}

/// Units that nobody stated would be guessed.
fn stated_decimals(value: Option<&str>, decimals: Option<u8>) -> Result<u8, String> {
    match (value, decimals) {
        (Some(_), Some(decimals)) => Ok(decimals),
        (None, None) => Ok(0),
        (Some(value), None) => Err(format!(
            "`value` is `{value}`, so say its `decimals` (0 for whole numbers, bools and strings)"
        )),
        (None, Some(_)) => Err("there are `decimals` and no `value` that has them".to_owned()),
    }
}

/// What is wrong with a source; whoever shows it names the section.
fn reason(error: SourceError) -> String {
    match error {
        SourceError::Event { reason, .. } | SourceError::State { reason, .. } => reason,
        other => other.to_string(),
    }
}
