//! The fields of a stake pool of the Solana Program Library, ready to be read.
//!
//! The layout is that of `StakePool` in `program/src/state.rs` of github.com/solana-program/stake-pool, written in Borsh, so
//! without padding: account type (1 byte, 1 for a pool), manager, staker, deposit authority (32 each), bump seed (1), validator
//! list, reserve, mint, fee account, token program (32 each) are 258 bytes; then come these three, eight bytes each.

use alloy::primitives::{B256, b256};

use super::{AccountSettings, Field, FieldType, Pubkey, SolanaChain};

/// The program of the library, `SPoo1Ku8WFXoNDMHPsrGSTSG1Y47rzgn41SLUNakuHy`. Other deployments of it have the same layout.
pub const PROGRAM: Pubkey = Pubkey(PROGRAM_BYTES);

const PROGRAM_BYTES: B256 =
    b256!("06814ed4caf68a174672fdac86031a63e84ea15efa1d44b72293f6dbdb001650");

/// The first byte of a stake pool's account; a list of validators has 2.
const STAKE_POOL: u8 = 1;

/// SOL has nine decimals.
const SOL_DECIMALS: u8 = 9;

/// A field of a stake pool.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StakePoolField {
    /// The stake that the pool manages, in SOL, as of its last update.
    TotalLamports,
    /// The shares, in whole tokens.
    PoolTokenSupply {
        /// Those of the pool's mint; nine as a rule.
        decimals: u8,
    },
    /// The epoch in which the stake was last counted.
    LastUpdateEpoch,
}

impl StakePoolField {
    /// As the program calls it; the metric.
    pub fn name(self) -> &'static str {
        match self {
            Self::TotalLamports => "total_lamports",
            Self::PoolTokenSupply { .. } => "pool_token_supply",
            Self::LastUpdateEpoch => "last_update_epoch",
        }
    }

    /// Where it is in the account.
    pub fn field(self) -> Field {
        let (offset, decimals) = match self {
            Self::TotalLamports => (258, SOL_DECIMALS),
            Self::PoolTokenSupply { decimals } => (266, decimals),
            Self::LastUpdateEpoch => (274, 0),
        };
        Field {
            offset,
            ty: FieldType::U64,
            decimals,
        }
    }

    /// What reads it from a pool that `program` owns: the source `account:<pool>#<name>`, on the pool as the subject.
    pub fn of(self, chain: &SolanaChain, pool: Pubkey, program: Pubkey) -> AccountSettings {
        let (name, account) = (self.name(), format!("{chain}:{pool}"));
        AccountSettings {
            source: format!("account:{account}#{name}").as_str().into(),
            account: pool,
            owner: program,
            begins_with: vec![STAKE_POOL],
            field: self.field(),
            subject: account.as_str().into(),
            metric: name.into(),
            from_slot: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_the_library_s() {
        let text = "SPoo1Ku8WFXoNDMHPsrGSTSG1Y47rzgn41SLUNakuHy";
        assert_eq!(PROGRAM.to_string(), text);
    }
}
