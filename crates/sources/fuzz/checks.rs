//! What holds of whatever a provider answers, and of whatever somebody writes of one: for a fuzzer, and for a test over what was
//! once found.

use std::sync::LazyLock;

use secrecy::SecretString;
use tocsin_domain::observation::Subject;
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_sources::feed::{Definition, Feed, FeedSettings, KeySettings, KeyText, Look};

/// 2013-01-02T12:00:00Z.
const NOW: Timestamp = Timestamp(1_357_128_000);

/// The definitions that come with the project, each with a subject.
const FEEDS: [(&str, &str); 18] = [
    (
        include_str!("../../../config/feeds/aeroapi.toml"),
        "flight:UA1545/2013-01-01/EWR",
    ),
    (
        include_str!("../../../config/feeds/aerodatabox.toml"),
        "flight:UA1545/2013-01-01/EWR",
    ),
    (
        include_str!("../../../config/feeds/aviationstack.toml"),
        "flight:UA1545/2013-01-01/EWR",
    ),
    (
        include_str!("../../../config/feeds/flightstats.toml"),
        "flight:UA1545/2013-01-01/EWR",
    ),
    (
        include_str!("../../../config/feeds/binance.toml"),
        "price:USDC-USDT",
    ),
    (
        include_str!("../../../config/feeds/coinbase-withdrawals.toml"),
        "withdrawals:coinbase/USDC",
    ),
    (
        include_str!("../../../config/feeds/coinbase.toml"),
        "price:USDC-USD",
    ),
    (
        include_str!("../../../config/feeds/coingecko.toml"),
        "price:USDC-USD",
    ),
    (
        include_str!("../../../config/feeds/gdacs.toml"),
        "disasters:PRT/FL",
    ),
    (
        include_str!("../../../config/feeds/kraken-statuspage.toml"),
        "statuspage:kraken",
    ),
    (
        include_str!("../../../config/feeds/kraken-withdrawals.toml"),
        "exchange:kraken",
    ),
    (
        include_str!("../../../config/feeds/kraken.toml"),
        "price:USDC-USD",
    ),
    (
        include_str!("../../../config/feeds/noaa-nws.toml"),
        "station:KEWR",
    ),
    (
        include_str!("../../../config/feeds/open-meteo.toml"),
        "place:40.69/-74.17",
    ),
    (
        include_str!("../../../config/feeds/pyth.toml"),
        "price:USDC-USD",
    ),
    (
        include_str!("../../../config/feeds/redstone.toml"),
        "price:USDC-USD",
    ),
    (
        include_str!("../../../config/feeds/trueusd-reserves.toml"),
        "reserves:TUSD",
    ),
    (
        include_str!("../../../config/feeds/usgs.toml"),
        "quakes:38.7223/-9.1393/100",
    ),
];

static OPEN: LazyLock<Vec<(Feed, Subject)>> = LazyLock::new(|| {
    let open = |(text, subject): &(&str, &str)| {
        let definition = Definition::parse(text, "feed").unwrap_or_else(|error| panic!("{error}"));
        let key = KeySettings {
            name: "key".to_owned(),
            text: KeyText::Text(SecretString::from("key")),
            per_day: None,
        };
        let settings = FeedSettings {
            keys: if definition.needs_key() {
                vec![key]
            } else {
                Vec::new()
            },
            ..FeedSettings::default()
        };
        let feed = Feed::new(definition, settings).unwrap_or_else(|error| panic!("{error}"));
        (feed, Subject::from(*subject))
    };
    FEEDS.iter().map(open).collect()
});

/// Any bytes are a definition of a provider, or refused with what to write. Whether they are one.
pub(crate) fn definition(text: &str) -> bool {
    match Definition::parse(text, "feed.toml") {
        Ok(definition) => {
            assert!(definition.source().as_str().starts_with("feed:"));
            true
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            false
        }
    }
}

/// Any bytes are read as an answer of each provider: what is observed lies in the order of its times, none of it beyond what is
/// known then, and the same again observes nothing of the past anew. How many values were observed.
pub(crate) fn answer(body: &[u8]) -> usize {
    let mut values = 0;
    for (feed, subject) in OPEN.iter() {
        let mut look = Look {
            subject: subject.clone(),
            due_at: NOW,
            watermark: None,
            memory: None,
        };
        for minutes in [0, 1, 60] {
            let at = NOW + Seconds(minutes * 60);
            let Ok(seen) = feed.read_archived(look.clone(), body, at) else {
                break;
            };
            assert!(seen.watermark >= look.watermark, "{}", feed.id());
            let mut last = look.watermark;
            for observation in &seen.observations {
                let time = Some(observation.observed_at);
                assert!(time > look.watermark, "{}: {observation:?}", feed.id());
                assert!(time >= last && time <= seen.watermark, "{}", feed.id());
                last = time;
                values += usize::from(observation.value.is_some());
            }
            look.watermark = seen.watermark;
            look.memory = Some(seen.memory);
        }
    }
    values
}
