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
