//! The catalogue of covers, each with cases worked out by hand from its page: what pays, what does not, and every
//! boundary. Every case goes through both evaluators.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "the helpers of tests fail as tests do"
)]

#[path = "catalogue/harness.rs"]
mod harness;
#[path = "catalogue/shelf.rs"]
mod shelf;
// One case, one line.
#[rustfmt::skip]
#[path = "catalogue/cozy_divergence.rs"]
mod cozy_divergence;
#[rustfmt::skip]
#[path = "catalogue/insurace_depeg_10d.rs"]
mod insurace_depeg_10d;
#[rustfmt::skip]
#[path = "catalogue/neptune_exchange_halt.rs"]
mod neptune_exchange_halt;
#[rustfmt::skip]
#[path = "catalogue/neptune_protocol_loss.rs"]
mod neptune_protocol_loss;
#[rustfmt::skip]
#[path = "catalogue/nexus_custody.rs"]
mod nexus_custody;
#[rustfmt::skip]
#[path = "catalogue/nexus_depeg_4h.rs"]
mod nexus_depeg_4h;
#[rustfmt::skip]
#[path = "catalogue/nexus_protocol_loss.rs"]
mod nexus_protocol_loss;
#[rustfmt::skip]
#[path = "catalogue/nexus_slashing_40d.rs"]
mod nexus_slashing_40d;
#[rustfmt::skip]
#[path = "catalogue/opencover_depeg_7d.rs"]
mod opencover_depeg_7d;
#[rustfmt::skip]
#[path = "catalogue/risk_harbor_twap.rs"]
mod risk_harbor_twap;
#[rustfmt::skip]
#[path = "catalogue/stake_pool_share_fall.rs"]
mod stake_pool_share_fall;
#[rustfmt::skip]
#[path = "catalogue/stablecoin_depeg_fused.rs"]
mod stablecoin_depeg_fused;
#[rustfmt::skip]
#[path = "catalogue/subsea_redeemability.rs"]
mod subsea_redeemability;
#[rustfmt::skip]
#[path = "catalogue/uno_re_depeg_10d.rs"]
mod uno_re_depeg_10d;
#[rustfmt::skip]
#[path = "catalogue/unslashed_depeg_14d.rs"]
mod unslashed_depeg_14d;
#[rustfmt::skip]
#[path = "catalogue/usdc_depeg_24h.rs"]
mod usdc_depeg_24h;
#[rustfmt::skip]
#[path = "catalogue/y2k_above_strike.rs"]
mod y2k_above_strike;
#[rustfmt::skip]
#[path = "catalogue/y2k_below_strike.rs"]
mod y2k_below_strike;
#[rustfmt::skip]
#[path = "catalogue/cargo_delay_12h.rs"]
mod cargo_delay_12h;
#[rustfmt::skip]
#[path = "catalogue/crop_area_yield.rs"]
mod crop_area_yield;
#[rustfmt::skip]
#[path = "catalogue/crop_dry_block.rs"]
mod crop_dry_block;
#[rustfmt::skip]
#[path = "catalogue/crop_wrsi.rs"]
mod crop_wrsi;
#[rustfmt::skip]
#[path = "catalogue/custody_reserve_shortfall.rs"]
mod custody_reserve_shortfall;
#[rustfmt::skip]
#[path = "catalogue/custody_reserves_stale.rs"]
mod custody_reserves_stale;
#[rustfmt::skip]
#[path = "catalogue/earthquake_m6_50km.rs"]
mod earthquake_m6_50km;
#[rustfmt::skip]
#[path = "catalogue/flight_delay_45min.rs"]
mod flight_delay_45min;
#[rustfmt::skip]
#[path = "catalogue/hurricane_wind.rs"]
mod hurricane_wind;
#[rustfmt::skip]
#[path = "catalogue/incident_optimistic_72h.rs"]
mod incident_optimistic_72h;
#[rustfmt::skip]
#[path = "catalogue/lp_share_stop_loss.rs"]
mod lp_share_stop_loss;
#[rustfmt::skip]
#[path = "catalogue/rainfall_index.rs"]
mod rainfall_index;
#[rustfmt::skip]
#[path = "catalogue/snowfall_maximum.rs"]
mod snowfall_maximum;
