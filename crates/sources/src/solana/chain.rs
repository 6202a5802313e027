//! Which cluster: CAIP-2 names it by the beginning of its genesis hash.

use core::fmt;
use core::str::FromStr;

/// How many characters of the genesis hash are in the name.
const REFERENCE_CHARS: usize = 32;

/// A cluster, as CAIP-2 names it: `solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp` is mainnet.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct SolanaChain(String);

/// A text that names no cluster.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "`{0}` is not a Solana chain: write `solana:` and the first 32 characters of the genesis hash, for mainnet \
     `solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp`"
)]
pub struct NotASolanaChain(String);

impl SolanaChain {
    /// `solana:…`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a cluster with this genesis hash, in base58, is the one that is meant.
    pub(crate) fn begins_with(&self, genesis: &str) -> bool {
        let reference = self.0.split_once(':').map(|(_, reference)| reference);
        reference.is_some() && genesis.get(..REFERENCE_CHARS) == reference
    }
}

impl FromStr for SolanaChain {
    type Err = NotASolanaChain;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let base58 = |c: char| c.is_ascii_alphanumeric() && !matches!(c, '0' | 'O' | 'I' | 'l');
        match text.strip_prefix("solana:") {
            Some(reference)
                if reference.len() == REFERENCE_CHARS && reference.chars().all(base58) =>
            {
                Ok(Self(text.to_owned()))
            }
            _ => Err(NotASolanaChain(text.chars().take(64).collect())),
        }
    }
}

impl fmt::Display for SolanaChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
