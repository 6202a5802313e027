//! Three feeds for one price: they agree, one fails, they disagree; and what a cover that fuses them makes of it.

use tocsin_domain::cover::Cover;
use tocsin_domain::eval::{InputObservation, Program, RiskState, Start, Truth};
use tocsin_domain::time::Timestamp;
use tocsin_sources::feed::{Feed, Look};

use super::server::{Reply, Server};
use super::setup::{at, feed, first_look, look, next_look, noon, text_of};

const SUBJECT: &str = "price:USDC-USD";

/// What each of the three says, as they write it; `None` where it fails.
type Prices<'a> = [Option<&'a str>; 3];

fn replies(prices: Prices<'_>, now: Timestamp) -> [Reply; 3] {
    let time = now.to_string();
    let bodies = [
        prices[0].map(|price| {
            format!(
                r#"{{"trade_id":1,"price":"{price}","size":"1","time":"{time}","bid":"1","ask":"1","volume":"1"}}"#
            )
        }),
        prices[1].map(|price| {
            format!(r#"{{"error":[],"result":{{"USDCUSD":{{"c":["{price}","1"]}}}}}}"#)
        }),
        prices[2].map(|price| {
            format!(r#"[{{"id":"usd-coin","current_price":{price},"last_updated":"{time}"}}]"#)
        }),
    ];
    bodies.map(|body| match body {
        Some(body) => Reply::json(&body).dated(now),
        None => Reply::new(404, "<html>").dated(now),
    })
}

/// The trigger's value and its reason after each round, an hour apart.
async fn rounds(rounds: &[Prices<'_>]) -> Vec<String> {
    let cover = std::fs::read_to_string(format!(
        "{}/../../config/covers/stablecoin-depeg-fused.toml",
        env!("CARGO_MANIFEST_DIR")
    ))
    .unwrap();
    let (cover, _) = Cover::parse(&cover).unwrap();
    let program = Program::compile(&cover);
    let mut state = RiskState::new(&program, Start::default());
    let names = ["coinbase", "kraken", "coingecko"];
    let times: Vec<Timestamp> = (0..rounds.len())
        .map(|round| at(&format!("2026-03-02T12:{:02}:00Z", 10 * round)))
        .collect();
    let mut feeds: Vec<(Feed, Look)> = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let answers = rounds
            .iter()
            .zip(&times)
            .map(|(prices, now)| replies(*prices, *now)[index].clone());
        let server = Server::saying(answers.collect::<Vec<_>>());
        let text = text_of(name)
            .replace("patience = \"3min\"", "patience = \"0s\"")
            .replace("patience = \"10min\"", "patience = \"0s\"");
        feeds.push((feed(&text, &server), first_look(SUBJECT, noon())));
    }
    let mut all = Vec::new();
    for now in times {
        let mut seen = Vec::new();
        let mut reasons = Vec::new();
        for (feed, next) in &mut feeds {
            let (one, _) = look(
                feed,
                Look {
                    due_at: now,
                    ..next.clone()
                },
            )
            .await;
            let input = cover
                .inputs
                .iter()
                .position(|input| input.source.as_ref() == Some(feed.id()))
                .unwrap();
            reasons.extend(one.troubles.iter().map(ToString::to_string));
            seen.extend(one.observations.iter().map(|observation| InputObservation {
                input,
                observed_at: observation.observed_at,
                sequence: observation.sequence,
                value: observation.value.clone(),
            }));
            *next = next_look(&one);
        }
        seen.sort_by_key(|one| (one.observed_at, one.input, one.sequence));
        program.advance(&mut state, &seen, now).unwrap();
        let truth = match program.truth(&state) {
            Truth::True => "true".to_owned(),
            Truth::False => "false".to_owned(),
            Truth::Unknown(unknown) => {
                format!("unknown: {}", unknown.describe(&cover.input_names()))
            }
        };
        all.push(
            std::iter::once(truth)
                .chain(reasons)
                .collect::<Vec<_>>()
                .join(" | "),
        );
    }
    all
}

#[tokio::test]
async fn agreement_decides_and_one_that_fails_or_lies_does_not() {
    let all = rounds(&[
        [Some("0.9998"), Some("0.9999"), Some("1.0001")],
        [Some("0.9998"), None, Some("1.0001")],
        [Some("0.9998"), Some("-5"), Some("1.0001")],
    ])
    .await;
    assert_eq!(all[0], "false");
    assert_eq!(
        all[1],
        "false | kraken: HTTP status 404 is <html>: it does not answer this question"
    );
    assert!(
        all[2].starts_with("false | kraken: $.c[0] is \"-5\": price of -5 cannot be"),
        "{}",
        all[2]
    );
}

#[tokio::test]
async fn disagreement_is_unknown_and_visible() {
    let all = rounds(&[
        [Some("0.95"), Some("0.9999"), Some("1.0001")],
        [Some("0.95"), None, None],
        [Some("0.95"), Some("0.951"), Some("0.949")],
    ])
    .await;
    assert!(
        all[0].starts_with("unknown: ") && all[0].contains("apart"),
        "{}",
        all[0]
    );
    assert!(all[1].starts_with("unknown: "), "{}", all[1]);
    assert!(
        all[1].contains("kraken: HTTP status 404") && all[1].contains("coingecko: HTTP status 404"),
        "{}",
        all[1]
    );
    assert_eq!(all[2], "false", "agreed, and the breach has just begun");
}
