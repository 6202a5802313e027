//! One look after the other: what is news, what is silence, and how the watermark moves.

use tocsin_domain::time::Seconds;
use tocsin_sources::feed::{Look, Next, Seen, TroubleKind};

use super::server::{Reply, Server};
use super::setup::{at, feed, first_look, look, next_look, noon, said, text_of, troubles};

/// A price as of the answer, every minute.
const ANSWER: &str = r#"
provider      = "example"
documentation = "https://docs.example.com/"
[subject]
pattern = "price:{base}"
example = "price:ETH"
[request]
url = "https://api.example.com/{base}"
[values.price]
path  = "$.p"
least = "0"
most  = "100"
[poll]
every    = "1min"
offset   = "5s"
patience = "90s"
retry    = ["10s", "30s"]
[limits]
attempts = 1
timeout  = "1s"
breaker  = 50
"#;

fn answer(body: &str, time: &str) -> Reply {
    Reply::json(body).dated(at(&format!("2026-03-02T{time}Z")))
}

#[tokio::test]
async fn an_unchanged_value_moves_the_watermark_and_is_no_news() {
    let server = Server::saying([
        answer(r#"{"p":1}"#, "12:00:00"),
        answer(r#"{"p":1.0}"#, "12:00:05"),
        answer(r#"{"p":2}"#, "12:01:05"),
    ]);
    let feed = feed(ANSWER, &server);
    let (first, _) = look(&feed, first_look("price:ETH", noon())).await;
    assert_eq!(said(&first), "price=1@12:00:00");
    assert_eq!(
        first.next,
        Next::At(at("2026-03-02T12:00:05Z")),
        "at multiples of the interval, and its offset"
    );
    let (second, _) = look(&feed, next_look(&first)).await;
    assert_eq!(said(&second), "");
    assert_eq!(second.watermark, Some(at("2026-03-02T12:00:05Z")));
    let (third, _) = look(&feed, next_look(&second)).await;
    assert_eq!(said(&third), "price=2@12:01:05");
}

#[tokio::test]
async fn an_unchanged_value_is_repeated_where_the_file_says_so() {
    let text = format!("{ANSWER}\n[observed_at]\nrule = 'answer'\nrepeat = '2min'");
    let body = r#"{"p":1}"#;
    let times = ["12:00:05", "12:01:05", "12:02:05", "12:03:05"];
    let server = Server::saying(times.map(|time| answer(body, time)));
    let feed = feed(&text, &server);
    assert_eq!(feed.repeats(), Some(Seconds(120)));
    let mut next = first_look("price:ETH", at("2026-03-02T12:00:05Z"));
    let mut all = Vec::new();
    for _ in times {
        let (seen, _) = look(&feed, next).await;
        all.push(said(&seen));
        next = next_look(&seen);
    }
    assert_eq!(all, ["price=1@12:00:05", "", "price=1@12:02:05", ""]);
}

#[tokio::test]
async fn silence_is_borne_with_patience_and_then_observed_once_at_the_time_it_began() {
    let server = Server::saying([
        answer(r#"{"p":1}"#, "12:00:05"),
        Reply::new(500, ""),
        Reply::new(500, ""),
        Reply::new(500, ""),
        Reply::new(500, ""),
        Reply::new(500, ""),
        answer(r#"{"p":1}"#, "12:04:00"),
    ]);
    let feed = feed(ANSWER, &server);
    let (known, _) = look(&feed, first_look("price:ETH", at("2026-03-02T12:00:05Z"))).await;
    // Due at 12:01:05, then 10 s, 30 s and 30 s later; the patience of 90 s ends at 12:02:35.
    let mut seen = known;
    for (due, expected) in [
        ("12:01:05", ""),
        ("12:01:15", ""),
        ("12:01:45", ""),
        ("12:02:15", ""),
        ("12:02:45", "price=-@12:01:05"),
    ] {
        let before = seen.watermark;
        let due = at(&format!("2026-03-02T{due}Z"));
        assert_eq!(seen.next, Next::At(due));
        seen = look(&feed, next_look(&seen)).await.0;
        assert_eq!(said(&seen), expected);
        assert_eq!(seen.troubles[0].kind, TroubleKind::Status);
        if expected.is_empty() {
            assert_eq!(seen.watermark, before, "nothing moves");
        }
    }
    assert_eq!(seen.watermark, Some(at("2026-03-02T12:01:05Z")));
    let back = Look {
        due_at: at("2026-03-02T12:04:00Z"),
        ..next_look(&seen)
    };
    let (back, _) = look(&feed, back).await;
    assert_eq!(
        said(&back),
        "price=1@12:04:00",
        "what is known again is news, even if it is what it was"
    );
    assert_eq!(
        feed.health().last_trouble.unwrap(),
        "example: HTTP status 500: it fails"
    );
}

#[tokio::test]
async fn silence_from_the_beginning_is_unknown_from_the_first_look_on() {
    let server = Server::saying([Reply::new(500, "")]);
    let text = ANSWER.replace("\"90s\"", "\"0s\"");
    let feed = feed(&text, &server);
    let (seen, _) = look(&feed, first_look("price:ETH", noon())).await;
    assert_eq!(said(&seen), "price=-@12:00:00");
    let (again, _) = look(&feed, next_look(&seen)).await;
    assert_eq!(said(&again), "", "it was said");
    assert!(
        again.watermark > seen.watermark,
        "and the risk does not freeze"
    );
}

#[tokio::test]
async fn an_answer_that_a_cache_kept_is_not_taken_for_a_new_one() {
    let stale = answer(r#"{"p":1}"#, "12:00:05").header("age", "0");
    let server = Server::saying([stale]);
    let feed = feed(ANSWER, &server);
    let (first, _) = look(&feed, first_look("price:ETH", at("2026-03-02T12:00:05Z"))).await;
    let (second, _) = look(&feed, next_look(&first)).await;
    assert_eq!(said(&second), "price=-@12:01:05");
    assert!(
        troubles(&second).contains("the answer is older than the one before it"),
        "{}",
        troubles(&second)
    );
}

#[tokio::test]
async fn a_record_with_a_time_of_its_own_is_observed_at_that_time_and_never_rewrites_the_past() {
    let body = |price: &str, time: &str| {
        format!(
            r#"{{"trade_id":1,"price":"{price}","size":"1","time":"2026-03-02T{time}Z","bid":"1","ask":"1","volume":"1"}}"#
        )
    };
    let server = Server::saying([
        answer(&body("1.00", "11:59:50"), "12:00:00"),
        answer(&body("1.00", "11:59:50"), "12:01:00"),
        answer(&body("1.01", "12:01:58"), "12:02:00"),
        answer(&body("0.90", "12:01:58"), "12:03:00"),
        answer(&body("0.90", "12:03:59"), "12:04:00"),
        answer(&body("0.80", "12:03:40"), "12:05:00"),
    ]);
    let feed = feed(&text_of("coinbase"), &server);
    let mut next = first_look("price:USDC-USD", noon());
    let mut all = Vec::new();
    let mut watermarks = Vec::new();
    let mut reasons = Vec::new();
    for _ in 0..6 {
        let (seen, _) = look(&feed, next).await;
        all.push(said(&seen));
        watermarks.push(seen.watermark.unwrap().to_string()[11..19].to_owned());
        reasons.push(troubles(&seen));
        next = next_look(&seen);
    }
    assert_eq!(
        all,
        [
            "price=1@11:59:50",
            "",
            "price=1.01@12:01:58",
            "price=-@12:02:30",
            "price=0.9@12:03:59",
            "price=-@12:04:30",
        ]
    );
    assert_eq!(
        watermarks,
        [
            "11:59:50", "12:00:30", "12:01:58", "12:02:30", "12:03:59", "12:04:30"
        ]
    );
    assert!(
        reasons[3].contains("says another price than before, of the same time"),
        "{}",
        reasons[3]
    );
    assert!(
        reasons[5].contains("time does not run backwards"),
        "{}",
        reasons[5]
    );
}

#[tokio::test]
async fn an_answer_that_has_not_changed_is_not_sent_again() {
    let server = Server::saying([
        answer(r#"{"p":1}"#, "12:00:05")
            .header("etag", "\"v1\"")
            .header("last-modified", "Mon, 02 Mar 2026 12:00:00 GMT"),
        Reply::new(304, "").dated(at("2026-03-02T12:01:05Z")),
        Reply::new(500, ""),
        answer(r#"{"p":1}"#, "12:03:05"),
    ]);
    let text = ANSWER.replace("\"90s\"", "\"0s\"");
    let feed = feed(&text, &server);
    let (first, _) = look(&feed, first_look("price:ETH", at("2026-03-02T12:00:05Z"))).await;
    let (unchanged, answer) = look(&feed, next_look(&first)).await;
    assert_eq!(said(&unchanged), "");
    assert_eq!(unchanged.watermark, Some(at("2026-03-02T12:01:05Z")));
    assert!(answer.responses.is_empty(), "nothing to archive");
    let (missed, _) = look(&feed, next_look(&unchanged)).await;
    assert_eq!(said(&missed), "price=-@12:02:05");
    let (back, _) = look(
        &feed,
        Look {
            due_at: at("2026-03-02T12:03:05Z"),
            ..next_look(&missed)
        },
    )
    .await;
    assert_eq!(said(&back), "price=1@12:03:05");
    let heard = server.heard();
    let asked: Vec<_> = heard
        .iter()
        .map(|heard| heard.header("if-none-match"))
        .collect();
    assert_eq!(
        asked,
        [None, Some("\"v1\""), Some("\"v1\""), None],
        "after a silence the whole answer is needed"
    );
    assert_eq!(
        heard[1].header("if-modified-since"),
        Some("Mon, 02 Mar 2026 12:00:00 GMT")
    );
}

#[tokio::test]
async fn subjects_that_ask_the_same_share_a_request() {
    let text = ANSWER.replace("/{base}\"", "/all\"").replace(
        "[values.price]",
        "[records]\nat = '$[*]'\nwhere = [{ path = '$.n', is = '{base}' }]\n[values.price]",
    );
    let server = Server::saying([answer(r#"[{"n":"A","p":1},{"n":"B","p":2}]"#, "12:00:00")]);
    let feed = feed(&text, &server);
    let looks =
        ["price:A", "price:B", "price:C", "nonsense"].map(|subject| first_look(subject, noon()));
    let requests = feed.requests(looks.to_vec());
    assert_eq!(
        requests
            .iter()
            .map(|request| request.looks().len())
            .collect::<Vec<_>>(),
        [3, 1]
    );
    let mut all = Vec::new();
    for request in requests {
        for seen in feed.ask(request, noon()).await.seen {
            all.push((said(&seen), troubles(&seen), seen.next));
        }
    }
    assert_eq!(server.targets(), ["/all"]);
    assert_eq!(all[0].0, "price=1@12:00:00");
    assert_eq!(all[1].0, "price=2@12:00:00");
    assert_eq!(all[2].0, "price=-@12:00:00");
    assert!(
        all[2].1.contains("no record there is about the subject"),
        "{}",
        all[2].1
    );
    assert!(
        matches!(&all[3].2, Next::NeedsPerson(why) if why.contains("a subject of this feed is price:{base}"))
    );
}

#[tokio::test]
async fn a_compressed_answer_is_read_and_archived_as_it_was_meant() {
    use std::io::Write;
    let body = r#"{"p":1.5}"#;
    let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    zip.write_all(body.as_bytes()).unwrap();
    let bomb = {
        let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        zip.write_all(&vec![b' '; 3 << 20]).unwrap();
        zip.finish().unwrap()
    };
    let reply = |body: Vec<u8>| {
        Reply::new(200, body)
            .dated(noon())
            .header("content-encoding", "gzip")
    };
    let server = Server::saying([reply(zip.finish().unwrap()), reply(bomb)]);
    let feed = feed(&ANSWER.replace("\"90s\"", "\"0s\""), &server);
    let (seen, answer) = look(&feed, first_look("price:ETH", noon())).await;
    assert_eq!(said(&seen), "price=1.5@12:00:00");
    assert_eq!(answer.responses[0].body, body);
    assert_eq!(server.heard()[0].header("accept-encoding"), Some("gzip"));
    let (seen, _) = look(&feed, next_look(&seen)).await;
    assert_eq!(
        seen.troubles[0].kind,
        TroubleKind::TooLarge,
        "{}",
        troubles(&seen)
    );
}

#[tokio::test]
async fn a_time_in_which_nobody_looked_is_not_bridged() {
    let server = Server::saying([
        answer(r#"{"p":1}"#, "12:00:05").header("etag", "\"v1\""),
        answer(r#"{"p":1}"#, "13:00:00"),
    ]);
    let feed = feed(ANSWER, &server);
    let (known, _) = look(&feed, first_look("price:ETH", at("2026-03-02T12:00:05Z"))).await;
    // Due at 12:01:05, and asked for an hour later.
    let mut requests = feed.requests(vec![next_look(&known)]);
    let late = feed
        .ask(requests.remove(0), at("2026-03-02T13:00:00Z"))
        .await;
    let seen = &late.seen[0];
    assert_eq!(said(seen), "price=-@12:01:05 price=1@13:00:00");
    assert!(
        troubles(seen).contains("nobody looked between"),
        "{}",
        troubles(seen)
    );
    assert_eq!(server.heard()[1].header("if-none-match"), None);
}

#[tokio::test]
async fn a_record_that_is_still_the_last_one_was_so_while_nobody_looked() {
    let body = |price: &str, time: &str| {
        format!(
            r#"{{"trade_id":1,"price":"{price}","size":"1","time":"2026-03-02T{time}Z","bid":"1","ask":"1","volume":"1"}}"#
        )
    };
    let server = Server::saying([
        answer(&body("1.00", "11:59:50"), "12:00:00"),
        answer(&body("1.00", "11:59:50"), "13:00:00"),
        answer(&body("1.02", "13:59:00"), "14:00:00"),
    ]);
    let feed = feed(&text_of("coinbase"), &server);
    let (first, _) = look(&feed, first_look("price:USDC-USD", noon())).await;
    let mut next = next_look(&first);
    let mut all = Vec::new();
    for now in ["13:00:00", "14:00:00"] {
        let mut requests = feed.requests(vec![next]);
        let now = at(&format!("2026-03-02T{now}Z"));
        let seen = feed.ask(requests.remove(0), now).await.seen.remove(0);
        all.push(said(&seen));
        next = next_look(&seen);
    }
    assert_eq!(all, ["", "price=-@13:00:30 price=1.02@13:59:00"]);
}

#[tokio::test]
async fn an_answer_that_was_set_aside_is_sent_again() {
    let tagged = |body: &str, time: &str| answer(body, time).header("etag", "\"v1\"");
    let server = Server::saying([
        tagged(r#"{"p":1}"#, "12:00:05"),
        // Older than the one before.
        tagged(r#"{"p":1}"#, "12:00:05"),
        tagged(r#"{"p":1}"#, "12:02:05"),
    ]);
    let feed = feed(ANSWER, &server);
    let mut next = first_look("price:ETH", at("2026-03-02T12:00:05Z"));
    for _ in 0..3 {
        next = next_look(&look(&feed, next).await.0);
    }
    let heard = server.heard();
    let asked: Vec<_> = heard
        .iter()
        .map(|heard| heard.header("if-none-match"))
        .collect();
    assert_eq!(asked, [None, Some("\"v1\""), None]);
}

#[tokio::test]
async fn a_trouble_is_not_over_because_the_answer_has_not_changed() {
    let renamed = |time: &str| answer(r#"{"price":1}"#, time).header("etag", "\"v1\"");
    let server = Server::saying([renamed("12:00:05"), renamed("12:01:05")]);
    let feed = feed(ANSWER, &server);
    let (first, _) = look(&feed, first_look("price:ETH", at("2026-03-02T12:00:05Z"))).await;
    let (again, _) = look(&feed, next_look(&first)).await;
    assert_eq!(server.heard()[1].header("if-none-match"), None);
    assert_eq!(again.troubles.len(), 1, "{}", troubles(&again));
    assert_eq!(said(&again), "");
}

#[tokio::test]
async fn what_was_read_in_another_way_confirms_nothing() {
    let server = Server::saying([
        answer(r#"{"p":1,"q":2}"#, "12:00:05").header("etag", "\"v1\""),
        answer(r#"{"p":1,"q":2}"#, "12:01:05").header("etag", "\"v1\""),
    ]);
    let before = feed(ANSWER, &server);
    let (known, _) = look(&before, first_look("price:ETH", at("2026-03-02T12:00:05Z"))).await;
    let changed = feed(&ANSWER.replace("$.p", "$.q"), &server);
    let (seen, _) = look(&changed, next_look(&known)).await;
    assert_eq!(server.heard()[1].header("if-none-match"), None);
    assert_eq!(said(&seen), "price=2@12:01:05");
}

#[tokio::test]
async fn a_subject_that_cannot_be_asked_about_any_more_is_unknown() {
    let server = Server::saying([answer(r#"{"p":1}"#, "12:00:05")]);
    let before = feed(ANSWER, &server);
    let (known, _) = look(&before, first_look("price:ETH", at("2026-03-02T12:00:05Z"))).await;
    let after = feed(
        &ANSWER
            .replace("price:{base}", "rate:{base}")
            .replace("price:ETH", "rate:ETH"),
        &server,
    );
    let (seen, _) = look(&after, next_look(&known)).await;
    assert_eq!(said(&seen), "price=-@12:01:05");
    assert!(
        matches!(&seen.next, Next::NeedsPerson(why) if why.contains("a subject of this feed is rate:{base}"))
    );
}

#[tokio::test]
async fn success_without_content_is_no_record_only_where_the_file_says_so() {
    let list = ANSWER
        .replace("[values.price]", "[records]\nat = '$[*]'\n[values.price]")
        .replace("\"90s\"", "\"0s\"");
    let says = "[request]\nno_content_is_none = true";
    for (text, kind) in [
        (list.clone(), TroubleKind::Malformed),
        (list.replace("[request]", says), TroubleKind::Missing),
    ] {
        let server = Server::saying([Reply::new(204, "").dated(noon())]);
        let (seen, _) = look(&feed(&text, &server), first_look("price:ETH", noon())).await;
        assert_eq!(seen.troubles[0].kind, kind, "{}", troubles(&seen));
        assert_eq!(said(&seen), "price=-@12:00:00");
    }
}

#[tokio::test]
async fn nothing_that_a_provider_says_gets_into_a_reason_as_it_is() {
    let nul = "a\\u0000b\\u001b[2J";
    let long = "x".repeat(10_000);
    let text = ANSWER.replace("\"90s\"", "\"0s\"");
    let bodies = [
        format!(r#"{{"p":"{nul}"}}"#),
        format!(r#"{{"p":"{long}"}}"#),
        format!(r#"{{"{nul}":1}}"#),
        format!(r#"{{"p":1,"{nul}":1,"{nul}":1}}"#),
        format!("<html>\0{long}"),
    ];
    for body in bodies {
        let server = Server::saying([Reply::json(&body).dated(noon())]);
        let (seen, _) = look(&feed(&text, &server), first_look("price:ETH", noon())).await;
        assert_clean(&seen);
    }
    let quake = |id: &str, kind: &str, updated: &str| {
        format!(
            r#"{{"metadata":{{"status":200}},"features":[{{"id":"{id}","properties":{{"mag":6,"status":"reviewed","type":"{kind}","updated":{updated}}},"geometry":{{"coordinates":[0,0]}}}}]}}"#
        )
    };
    for body in [
        quake(nul, "earthquake", "9999999999999"),
        quake("a", nul, "1772449200040"),
        quake("a", "earthquake", &format!("\"{nul}\"")),
    ] {
        let server = Server::saying([Reply::json(&body).dated(noon())]);
        let (seen, _) = look(
            &feed(&text_of("usgs"), &server),
            first_look("quakes:0/0/10", noon()),
        )
        .await;
        assert_clean(&seen);
    }
}

fn assert_clean(seen: &Seen) {
    assert!(!seen.troubles.is_empty());
    let text = troubles(seen).replace('\n', "");
    assert!(!text.chars().any(char::is_control), "{text:?}");
    assert!(text.len() < 2_000, "{}", text.len());
    assert!(!seen.memory.to_string().contains('\0'));
}
