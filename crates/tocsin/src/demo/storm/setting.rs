//! What an operator would have written by hand for the storm: terms, feed, policies, keys, and the service's configuration.

use std::net::SocketAddr;

use alloy::primitives::Address;
use url::Url;

use super::market::Market;
use crate::config::load_cover;
use crate::demo::chain::CHAIN_ID;
use crate::demo::files::password;
use crate::demo::{DemoError, Layout, Secrets};
use tocsin_domain::cover::Cover;

/// The cover of the catalogue.
const TERMS: &str = include_str!("../../../../../config/covers/flight-delay-45min.toml");

/// The provider's definition, as everybody uses it.
const DEFINITION: &str = include_str!("../../../../../config/feeds/aeroapi.toml");

/// The recorded flights.
const FLIGHTS: &str = include_str!("data/flights.csv");

/// Whom the terms leave open: who says it.
const METRICS: [&str; 2] = ["metric = \"status\"", "metric = \"arrival_delay\""];

/// The file of policies.
pub const POLICIES: &str = "policies.csv";

/// The recorded flights, for whoever counts again.
pub const RECORDED: &str = "flights.csv";

/// What the service made of them.
pub const COUNTS: &str = "counts.json";

/// The service's feed.
pub(super) const FEED: &str = "feed:aeroapi";

/// The catalogue's terms with their source named, read back as everybody else will.
pub(super) fn write_cover(layout: &Layout) -> Result<Cover, DemoError> {
    let mut text = TERMS.to_owned();
    for metric in METRICS {
        text = text.replace(metric, &format!("{metric}\nsource = \"{FEED}\""));
    }
    layout.write("cover.toml", &text)?;
    Ok(load_cover(&layout.cover())?)
}

/// A key for the provider.
pub(super) fn write_key(layout: &Layout) -> Result<String, DemoError> {
    let key = password();
    layout.write("keys/aeroapi.key", &key)?;
    Ok(key)
}

/// Where things are that the service is told of.
pub(super) struct Places<'a> {
    pub(super) chain: &'a Url,
    pub(super) provider: SocketAddr,
    pub(super) api: SocketAddr,
    pub(super) market: Market,
    /// Whose attestations are fetched.
    pub(super) service: Address,
}

pub(super) fn write_service(
    layout: &Layout,
    secrets: &Secrets,
    places: &Places<'_>,
) -> Result<(), DemoError> {
    let Places {
        chain,
        provider,
        api,
        market,
        service,
    } = places;
    layout.write("aeroapi.toml", DEFINITION)?;
    layout.write(RECORDED, FLIGHTS)?;
    layout.write(
        "tocsin.toml",
        &format!(
            r#"database = "tocsin.db"

[[covers]]
file          = "cover.toml"
evaluate_from = "2013-02-06T00:00:00Z"

[api]
listen = "{api}"

# A local server stands in for the provider, and has no limits.
[feeds."{FEED}"]
definition  = "aeroapi.toml"
keys        = [{{ name = "demonstration", secret = "file:keys/aeroapi.key" }}]
url         = "http://{provider}"
per_second  = 100_000
concurrency = 16

[attestor]
verifier   = "eip155:{CHAIN_ID}:{verifier:#x}"
epoch      = 1
threshold  = 1
signers    = ["{attestor:#x}"]
hold       = "0s"
valid_for  = "30d"
batch_from = 8
# The payout service fetches its attestations; what is with the contract is submitted.
fetched_by = ["{service:#x}"]
signer     = {{ kind = "keystore", path = "keys/attestor.json", password = "file:keys/attestor.password" }}

[delivery."eip155:{CHAIN_ID}"]
url              = "{chain}"
finality         = "finalized"
max_fee_gwei     = 100
poll_interval_ms = 100
signer           = {{ kind = "keystore", path = "keys/submitter.json", password = "file:keys/submitter.password" }}
"#,
            verifier = market.verifier,
            attestor = secrets.attestor,
        ),
    )
}
