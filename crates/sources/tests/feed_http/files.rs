//! Every file of `config/feeds`: what it makes of a good answer, and that it makes nothing of a bad one.

use std::time::Duration;

use futures_util::future::join_all;
use tocsin_domain::cover::Cover;
use tocsin_domain::observation::Provenance;
use tocsin_domain::time::Seconds;
use tocsin_sources::feed::{Definition, Feed, Seen, TroubleKind};

use super::exchanges::{ALL, Bad, Exchange};
use super::server::{Reply, Server};
use super::setup::{feed, first_look, impatient, look, noon, said, text_of, troubles};

#[test]
fn every_file_is_read_and_has_an_exchange() {
    let folder = format!("{}/../../config/feeds", env!("CARGO_MANIFEST_DIR"));
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let definition = Definition::parse(&text, name).unwrap();
        assert_eq!(
            definition.source().to_string(),
            format!("feed:{name}"),
            "a file is named after its provider"
        );
        // Flights have tests of their own.
        if !text.contains("[flights") {
            assert!(
                ALL.iter().any(|exchange| exchange.file == name),
                "{name} has no exchange"
            );
            files += 1;
        }
    }
    assert_eq!(files, ALL.len());
}

#[tokio::test]
async fn a_good_answer_is_observed_with_its_provenance() {
    for exchange in ALL {
        let server = Server::saying([exchange.reply()]);
        let feed = feed(&text_of(exchange.file), &server);
        let (seen, answer) = look(&feed, first_look(exchange.subject, noon())).await;
        assert_eq!(
            said(&seen),
            exchange.said,
            "{}: {}",
            exchange.file,
            troubles(&seen)
        );
        assert_eq!(server.targets(), [exchange.target], "{}", exchange.file);
        assert_eq!(seen.troubles, [], "{}", exchange.file);
        let [response] = &answer.responses[..] else {
            panic!("{}: one response", exchange.file);
        };
        assert_eq!(response.body, exchange.body);
        for observation in &seen.observations {
            assert_eq!(
                observation.provenance,
                Provenance::Raw {
                    hash: response.hash
                }
            );
            assert_eq!(&observation.source, feed.id());
            let offered = feed
                .offers()
                .iter()
                .find(|(metric, _)| *metric == observation.metric);
            assert_eq!(
                observation.value.as_ref().map(|value| value.ty()),
                offered.map(|(_, ty)| *ty)
            );
            assert!(seen.watermark >= Some(observation.observed_at));
        }
    }
}

#[tokio::test]
async fn a_changed_answer_is_unknown_for_a_reason_that_names_provider_field_and_value() {
    for exchange in ALL {
        let changed = |bad: &Bad| {
            let body = exchange.body.replacen(bad.from, bad.to, 1);
            assert_ne!(
                body, exchange.body,
                "{}: {} is not in it",
                exchange.file, bad.from
            );
            Reply::json(&body).dated(noon())
        };
        let all = first_seen(exchange, exchange.bad.iter().map(changed)).await;
        for (seen, bad) in all.iter().zip(exchange.bad) {
            let shows = format!("{}: {} for {}", exchange.file, bad.to, bad.from);
            assert_unknown(seen, bad.unknown, &shows);
            let troubles = troubles(seen);
            for says in bad.says {
                assert!(troubles.contains(says), "{shows}: {troubles}");
            }
        }
    }
}

#[tokio::test]
async fn no_answer_is_unknown() {
    let html = "<!DOCTYPE html><html><body>Just a moment...</body></html>";
    for exchange in ALL {
        let half = &exchange.body.as_bytes()[..exchange.body.len() / 2];
        let cases = [
            (
                Reply::new(200, html).dated(noon()),
                TroubleKind::Malformed,
                "body is <!DOCTYPE html>",
            ),
            (
                Reply::new(500, html).dated(noon()),
                TroubleKind::Status,
                "HTTP status 500 is <!DOCTYPE html>",
            ),
            (
                Reply::new(404, "{}").dated(noon()),
                TroubleKind::Status,
                "HTTP status 404",
            ),
            (
                Reply::new(200, half).dated(noon()),
                TroubleKind::Malformed,
                "the answer is not JSON",
            ),
            (
                Reply::new(200, "").dated(noon()),
                TroubleKind::Malformed,
                "the answer is not JSON",
            ),
            (Reply::json("null").dated(noon()), TroubleKind::Missing, ""),
            (Reply::json("[]").dated(noon()), TroubleKind::Missing, ""),
            (Reply::json("{}").dated(noon()), TroubleKind::Missing, ""),
            (
                exchange.reply().cut_after(10),
                TroubleKind::Unreachable,
                "the connection failed",
            ),
            (
                Reply::json(exchange.body).dated(noon() - Seconds(5 * 3_600)),
                TroubleKind::WrongTime,
                "Date is Mon, 02 Mar 2026 07:00:00 GMT",
            ),
        ];
        let all = first_seen(exchange, cases.iter().map(|(reply, ..)| reply.clone())).await;
        for (seen, (_, kind, says)) in all.iter().zip(cases) {
            let shows = format!("{}: {kind} {says}", exchange.file);
            assert_unknown(seen, &[], &shows);
            assert_eq!(seen.troubles[0].kind, kind, "{shows}: {}", troubles(seen));
            assert!(troubles(seen).contains(says), "{shows}: {}", troubles(seen));
        }
    }
}

#[tokio::test]
async fn what_is_too_long_or_too_slow_is_unknown() {
    let both = |exchange: &'static Exchange| async move {
        let long = format!("{}{}", exchange.body, " ".repeat(9 << 20));
        let replies = [
            Reply::json(&long).dated(noon()),
            exchange.reply().dripping(Duration::from_millis(100)),
        ];
        let all = first_seen(exchange, replies).await;
        for (seen, kind) in all
            .iter()
            .zip([TroubleKind::TooLarge, TroubleKind::Timeout])
        {
            assert_unknown(seen, &[], exchange.file);
            assert_eq!(seen.troubles[0].kind, kind, "{}", troubles(seen));
        }
        assert!(troubles(&all[1]).contains("no complete answer within 1 s"));
    };
    join_all(ALL.iter().map(both)).await;
}

/// What first looks see of these replies.
async fn first_seen(exchange: &Exchange, replies: impl IntoIterator<Item = Reply>) -> Vec<Seen> {
    let replies: Vec<Reply> = replies.into_iter().collect();
    let count = replies.len();
    let server = Server::saying(replies);
    let feed = feed(&impatient(&text_of(exchange.file)), &server);
    let mut all = Vec::new();
    for _ in 0..count {
        all.push(look(&feed, first_look(exchange.subject, noon())).await.0);
    }
    all
}

/// That these metrics, or all of them, were observed, and that none has a value.
fn assert_unknown(seen: &Seen, metrics: &[&str], shows: &str) {
    assert!(!seen.troubles.is_empty(), "{shows}: no reason");
    assert!(!seen.observations.is_empty(), "{shows}: {}", troubles(seen));
    let mut checked = 0;
    for observation in &seen.observations {
        if metrics.is_empty() || metrics.contains(&observation.metric.as_str()) {
            assert_eq!(observation.value, None, "{shows}: {}", said(seen));
            checked += 1;
        }
    }
    assert!(checked >= metrics.len().max(1), "{shows}: {}", said(seen));
    for trouble in &seen.troubles {
        assert!(
            !trouble.provider.is_empty() && !trouble.reason.is_empty(),
            "{shows}"
        );
    }
}

#[test]
fn covers_of_the_catalogue_are_served_by_feeds() {
    for (cover, files) in [
        ("neptune-exchange-halt", &["kraken-withdrawals"][..]),
        ("earthquake-m6-50km", &["usgs"]),
        ("custody-reserve-shortfall", &["trueusd-reserves"]),
        (
            "stablecoin-depeg-fused",
            &["coinbase", "kraken", "coingecko"],
        ),
    ] {
        let path = format!(
            "{}/../../config/covers/{cover}.toml",
            env!("CARGO_MANIFEST_DIR")
        );
        let (cover, _) = Cover::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
        let server = Server::saying([Reply::json("{}")]);
        let feeds: Vec<Feed> = files
            .iter()
            .map(|file| feed(&text_of(file), &server))
            .collect();
        for input in &cover.inputs {
            let is_of = |feed: &&Feed| {
                input
                    .source
                    .as_ref()
                    .is_none_or(|source| source == feed.id())
            };
            let feed = feeds.iter().find(is_of).unwrap();
            let offered = feed
                .offers()
                .iter()
                .any(|(metric, ty)| *metric == input.metric && *ty == input.ty);
            assert!(
                offered,
                "{}: {} does not offer {} of {}",
                cover.name,
                feed.id(),
                input.ty,
                input.metric
            );
            // A value that stays the same must be said again before it is too old.
            if let (Some(repeat), Some(max_age)) = (feed.repeats(), input.max_age) {
                assert!(repeat < max_age, "{}: {}", cover.name, input.name);
            }
        }
    }
}
