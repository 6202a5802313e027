//! What a transaction may cost: a first offer by the operator's choice, raises for replacements, and the cap over both.

use std::fmt;

/// EIP-1559 fees of a transaction, wei per gas.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fees {
    /// The most that is paid in all.
    pub max_fee_per_gas: u128,
    /// The most of it that goes to the block's builder.
    pub max_priority_fee_per_gas: u128,
}

/// What inclusion costs now, wei per gas.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Market {
    /// The base fee of the latest block; on a chain without, the gas price that the node suggests.
    pub base_fee: u128,
    /// The tip that is usual; none on a chain without base fees.
    pub tip: u128,
}

/// How a first offer is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pricing {
    /// The tip that the node suggests, and room for the base fee to double.
    Node,
    /// The usual tip of the newest blocks, and room for the base fee to double. The tip is the median over the blocks of
    /// what the transaction at the percentile of each (by gas, cheapest first) has tipped.
    History {
        /// From 1 to 100.
        percentile: u8,
        /// How many blocks, from 1 to 1024.
        blocks: u16,
    },
    /// Always the same.
    Fixed(Fees),
    /// A single gas price, for chains without EIP-1559 fees: this share of what the node suggests, in percent.
    Legacy {
        /// 100 is the suggestion itself.
        percent: u32,
    },
}

/// By how much a replacement raises both fees, in thousandths.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BumpPermille(u32);

/// What an operator is ready to pay, wei per gas.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FeePolicy {
    /// No transaction offers more.
    pub max_fee_cap: u128,
    /// No transaction tips less.
    pub min_tip: u128,
    /// The raise of a replacement.
    pub bump: BumpPermille,
    /// The first offer.
    pub pricing: Pricing,
}

/// The fees of a replacement.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Raise {
    /// Both fees, raised.
    To(Fees),
    /// A sufficient raise would exceed the cap.
    AboveCap,
}

impl BumpPermille {
    /// 12.5 %: nodes refuse a replacement that raises by less (most ask for 10 %, some for more).
    pub const LEAST: Self = Self(125);

    /// `None` below 125.
    pub fn new(permille: u32) -> Option<Self> {
        (permille >= Self::LEAST.0).then_some(Self(permille))
    }

    /// Rounded up, and at least 1 wei more. What does not fit is more than any cap.
    fn raise(self, fee: u128) -> u128 {
        let permille = u128::from(self.0);
        let (thousands, rest) = (fee / 1000, fee % 1000);
        let added = thousands
            .saturating_mul(permille)
            .saturating_add((rest * permille).div_ceil(1000));
        fee.saturating_add(added.max(1))
    }
}

impl FeePolicy {
    /// Whether the cap allows inclusion at this market at all.
    pub fn reaches(&self, market: Market) -> bool {
        let least_tip = match self.pricing {
            Pricing::Node | Pricing::History { .. } | Pricing::Fixed(_) => self.min_tip,
            Pricing::Legacy { .. } => 0,
        };
        self.max_fee_cap >= market.base_fee.saturating_add(least_tip)
    }

    /// The fees of a first transaction. One that follows the market has room for the base fee to double, which takes six
    /// full blocks.
    pub fn initial(&self, market: Market) -> Fees {
        match self.pricing {
            Pricing::Node | Pricing::History { .. } => self.following(market),
            Pricing::Fixed(fees) => {
                let max_fee_per_gas = fees.max_fee_per_gas.min(self.max_fee_cap);
                let max_priority_fee_per_gas = fees.max_priority_fee_per_gas.min(max_fee_per_gas);
                Fees {
                    max_fee_per_gas,
                    max_priority_fee_per_gas,
                }
            }
            Pricing::Legacy { percent } => {
                let share = market.base_fee.saturating_mul(u128::from(percent)) / 100;
                Fees::single(share.max(1).min(self.max_fee_cap))
            }
        }
    }

    fn following(&self, market: Market) -> Fees {
        let tip = market.tip.max(self.min_tip);
        let max_fee_per_gas = market
            .base_fee
            .saturating_mul(2)
            .saturating_add(tip)
            .min(self.max_fee_cap);
        Fees {
            max_fee_per_gas,
            max_priority_fee_per_gas: tip.min(max_fee_per_gas),
        }
    }

    /// The fees of a transaction that takes the place of one with `previous`: both raised enough for any node, and no
    /// lower than a first transaction would offer now.
    pub fn bumped(&self, previous: Fees, market: Market) -> Raise {
        let fresh = self.initial(market);
        let least = self.bump.raise(previous.max_fee_per_gas);
        if least > self.max_fee_cap {
            return Raise::AboveCap;
        }
        let max_fee_per_gas = least.max(fresh.max_fee_per_gas);
        if matches!(self.pricing, Pricing::Legacy { .. }) {
            return Raise::To(Fees::single(max_fee_per_gas));
        }
        let tip = self
            .bump
            .raise(previous.max_priority_fee_per_gas)
            .max(fresh.max_priority_fee_per_gas);
        // A tip never exceeds its fee, so its raise fits under the fee's raise: cutting takes nothing of the raise away.
        Raise::To(Fees {
            max_fee_per_gas,
            max_priority_fee_per_gas: tip.min(max_fee_per_gas),
        })
    }
}

impl Fees {
    /// A gas price: all of it may be the tip, which is also how nodes compare one with EIP-1559 fees.
    pub fn single(gas_price: u128) -> Self {
        Self {
            max_fee_per_gas: gas_price,
            max_priority_fee_per_gas: gas_price,
        }
    }
}

impl fmt::Display for Fees {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} wei per gas, {} wei of it as tip",
            self.max_fee_per_gas, self.max_priority_fee_per_gas
        )
    }
}
