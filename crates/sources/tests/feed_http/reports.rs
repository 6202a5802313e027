//! Reports: each is observed once, in its order, and none is lost or believed for want of another.

use tocsin_domain::observation::Subject;
use tocsin_domain::time::Timestamp;
use tocsin_sources::feed::{Look, TroubleKind};

use super::server::{Reply, Server};
use super::setup::{at, feed, first_look, look, next_look, said, text_of, troubles};

const LISBON: &str = "quakes:38.7223/-9.1393/100";

/// One earthquake: id, magnitude, status, type, time of its update.
type Quake<'a> = (&'a str, &'a str, &'a str, &'a str, &'a str);

fn today(time: &str) -> Timestamp {
    at(&format!("2026-03-02T{time}Z"))
}

fn answer(quakes: &[Quake<'_>], time: &str) -> Reply {
    let features: Vec<String> = quakes
        .iter()
        .map(|(id, magnitude, status, kind, updated)| {
            let updated = today(updated).0 * 1_000 + 40;
            format!(
                r#"{{"type":"Feature","properties":{{"mag":{magnitude},"updated":{updated},"status":"{status}","type":"{kind}"}},"geometry":{{"type":"Point","coordinates":[-9.3,38.7,12.5]}},"id":"{id}"}}"#
            )
        })
        .collect();
    let body = format!(
        r#"{{"type":"FeatureCollection","metadata":{{"status":200}},"features":[{}]}}"#,
        features.join(",")
    );
    Reply::json(&body)
        .dated(today(time))
        .header("etag", "\"same\"")
}

/// The magnitudes that come of one answer after the other, and the troubles.
async fn magnitudes(answers: &[(&str, &[Quake<'_>])]) -> (Vec<String>, Vec<String>) {
    let server = Server::saying(answers.iter().map(|(time, quakes)| answer(quakes, time)));
    let feed = feed(&text_of("usgs"), &server);
    let mut next = first_look(LISBON, today(answers[0].0));
    let (mut all, mut why) = (Vec::new(), Vec::new());
    for (time, _) in answers {
        let (seen, _) = look(
            &feed,
            Look {
                due_at: today(time),
                ..next
            },
        )
        .await;
        let text = said(&seen);
        all.push(
            text.split(' ')
                .filter(|one| one.starts_with("magnitude"))
                .collect::<Vec<_>>()
                .join(" "),
        );
        assert_eq!(
            text.split(' ').filter(|one| !one.is_empty()).count() % 4,
            0,
            "all four in one second: {text}"
        );
        why.push(troubles(&seen));
        next = next_look(&seen);
    }
    (all, why)
}

#[tokio::test]
async fn a_report_is_observed_once_it_is_reviewed_and_never_again() {
    let (all, why) = magnitudes(&[
        (
            "12:00:00",
            &[("a", "6.0", "automatic", "earthquake", "11:30:00")],
        ),
        (
            "12:05:00",
            &[("a", "6.1", "reviewed", "earthquake", "11:43:00")],
        ),
        (
            "12:10:00",
            &[("a", "6.1", "reviewed", "earthquake", "11:43:00")],
        ),
        (
            "13:10:00",
            &[("a", "6.4", "reviewed", "earthquake", "12:40:00")],
        ),
    ])
    .await;
    assert_eq!(all, ["", "magnitude=6.1@11:43:00", "", ""]);
    assert_eq!(why, ["", "", "", ""]);
}

#[tokio::test]
async fn a_report_is_held_back_until_no_earlier_one_can_come() {
    let late: Quake<'_> = ("b", "6.5", "reviewed", "earthquake", "11:50:00");
    let server = Server::saying([
        answer(&[late], "12:00:00"),
        answer(
            &[late, ("a", "6.0", "reviewed", "earthquake", "11:45:00")],
            "12:10:00",
        ),
    ]);
    let feed = feed(&text_of("usgs"), &server);
    let (first, _) = look(&feed, first_look(LISBON, today("12:00:00"))).await;
    assert_eq!(said(&first), "");
    assert_eq!(first.watermark, Some(today("11:40:00")));
    let (second, _) = look(
        &feed,
        Look {
            due_at: today("12:10:00"),
            ..next_look(&first)
        },
    )
    .await;
    let times: Vec<_> = second
        .observations
        .iter()
        .filter(|one| one.metric.as_str() == "magnitude")
        .map(|one| one.observed_at)
        .collect();
    assert_eq!(times, [today("11:45:00"), today("11:50:00")]);
    assert_eq!(
        server.heard()[1].header("if-none-match"),
        None,
        "what is held back must be sent again"
    );
}

#[tokio::test]
async fn two_reports_of_one_second_do_not_hide_each_other() {
    let (all, _) = magnitudes(&[(
        "12:30:00",
        &[
            ("b", "6.5", "reviewed", "earthquake", "11:43:00"),
            ("a", "6.1", "reviewed", "earthquake", "11:43:00"),
        ],
    )])
    .await;
    assert_eq!(all, ["magnitude=6.1@11:43:00 magnitude=6.5@11:43:01"]);
}

#[tokio::test]
async fn a_report_that_comes_too_late_is_unknown_and_loud() {
    let (all, why) = magnitudes(&[
        ("12:00:00", &[]),
        ("13:00:00", &[]),
        (
            "13:05:00",
            &[("a", "6.1", "reviewed", "earthquake", "12:30:00")],
        ),
        (
            "13:10:00",
            &[("a", "6.1", "reviewed", "earthquake", "12:30:00")],
        ),
    ])
    .await;
    assert_eq!(all, ["", "", "magnitude=-@12:45:00", ""]);
    assert!(
        why[2].contains(
            "$.properties.updated is 2026-03-02T12:30:00Z: what happened until then was closed"
        ),
        "{}",
        why[2]
    );
    assert_eq!(why[3], "");
}

#[tokio::test]
async fn a_doubtful_report_is_unknown_and_does_not_keep_the_others_from_being_seen() {
    let (all, why) = magnitudes(&[
        (
            "12:00:00",
            &[
                ("x", "7.0", "reviewed", "earthquake swarm", "11:20:00"),
                ("a", "6.1", "reviewed", "earthquake", "11:30:00"),
            ],
        ),
        (
            "12:05:00",
            &[
                ("x", "7.0", "reviewed", "earthquake swarm", "11:20:00"),
                ("a", "6.1", "reviewed", "earthquake", "11:30:00"),
            ],
        ),
    ])
    .await;
    assert_eq!(all, ["magnitude=6.1@11:30:00 magnitude=-@11:40:00", ""]);
    assert!(
        why[1].contains("earthquake swarm"),
        "it is still a trouble: {}",
        why[1]
    );
}

#[tokio::test]
async fn a_report_from_the_future_is_not_believed_when_its_time_has_come() {
    let quake: Quake<'_> = ("a", "6.1", "reviewed", "earthquake", "14:00:00");
    let (all, why) = magnitudes(&[("12:00:00", &[quake]), ("15:00:00", &[quake])]).await;
    assert_eq!(all, ["magnitude=-@11:40:00", ""]);
    assert!(why[0].contains("future"), "{}", why[0]);
}

#[tokio::test]
async fn a_report_that_says_two_things_says_nothing() {
    let (all, why) = magnitudes(&[(
        "12:00:00",
        &[
            ("a", "6.1", "reviewed", "earthquake", "11:30:00"),
            ("a", "5.1", "reviewed", "earthquake", "11:30:00"),
            ("a", "6.1", "reviewed", "earthquake", "11:30:00"),
        ],
    )])
    .await;
    assert_eq!(all, ["magnitude=-@11:40:00"]);
    assert!(
        why[0].contains("$.id is a: the answer has this report twice"),
        "{}",
        why[0]
    );
}

#[tokio::test]
async fn an_alert_that_changes_is_observed_again() {
    let body = |level: &str, modified: &str| {
        Reply::json(&format!(
            r#"{{"features":[{{"geometry":{{"coordinates":[-8.61,41.15]}},"properties":{{"eventtype":"FL","eventid":7,"alertlevel":"{level}","alertscore":1,"datemodified":"2026-03-02T{modified}","affectedcountries":[{{"iso3":"PRT"}}]}}}}]}}"#
        ))
    };
    let server = Server::saying([
        body("Green", "09:00:00").dated(today("12:00:00")),
        body("Green", "09:30:00").dated(today("12:10:00")),
        body("Red", "10:30:00").dated(today("13:00:00")),
        body("Purple", "11:30:00").dated(today("14:00:00")),
    ]);
    let feed = feed(&text_of("gdacs"), &server);
    let mut next = first_look("disasters:PRT/FL", today("12:00:00"));
    let mut all = Vec::new();
    for time in ["12:00:00", "12:10:00", "13:00:00", "14:00:00"] {
        let (seen, _) = look(
            &feed,
            Look {
                due_at: today(time),
                ..next
            },
        )
        .await;
        all.push(said(&seen).split(' ').next().unwrap().to_owned());
        assert_eq!(
            seen.troubles.first().map(|trouble| trouble.kind),
            (time == "14:00:00").then_some(TroubleKind::Unlisted)
        );
        next = next_look(&seen);
        assert_eq!(next.subject, Subject::from("disasters:PRT/FL"));
    }
    assert_eq!(
        all,
        [
            "status=\"green\"@09:00:00",
            "",
            "status=\"red\"@10:30:00",
            "status=-@11:30:00"
        ]
    );
}

#[tokio::test]
async fn an_outage_loses_no_report() {
    let quake: Quake<'_> = ("a", "6.1", "reviewed", "earthquake", "12:30:00");
    let server = Server::saying([
        answer(&[], "12:00:00"),
        Reply::new(404, "").dated(today("14:00:00")),
        Reply::json("{}").dated(today("14:30:00")),
        answer(&[quake], "15:00:00"),
    ]);
    let text = text_of("usgs").replace("patience = \"30min\"", "patience = \"0s\"");
    let feed = feed(&text, &server);
    let mut next = first_look(LISBON, today("12:00:00"));
    let (mut all, mut watermarks) = (Vec::new(), Vec::new());
    for time in ["12:00:00", "14:00:00", "14:30:00", "15:00:00"] {
        let (seen, _) = look(
            &feed,
            Look {
                due_at: today(time),
                ..next
            },
        )
        .await;
        all.push(said(&seen).split(' ').next().unwrap().to_owned());
        watermarks.push(seen.watermark.unwrap());
        next = next_look(&seen);
    }
    assert_eq!(
        all,
        ["", "magnitude=-@11:40:01", "", "magnitude=6.1@12:30:00"]
    );
    let times = ["11:40:00", "11:40:01", "11:40:01", "14:40:00"].map(today);
    assert_eq!(
        watermarks, times,
        "what the next answer tells of stays open"
    );
}

#[tokio::test]
async fn what_is_older_than_a_first_look_that_failed_is_history() {
    let quake: Quake<'_> = ("a", "6.1", "reviewed", "earthquake", "09:30:00");
    let server = Server::saying([
        Reply::new(404, "").dated(today("12:00:00")),
        answer(&[quake], "12:10:00"),
    ]);
    let text = text_of("usgs").replace("patience = \"30min\"", "patience = \"0s\"");
    let feed = feed(&text, &server);
    let (first, _) = look(&feed, first_look(LISBON, today("12:00:00"))).await;
    assert!(
        said(&first).starts_with("magnitude=-@11:40:00"),
        "{}",
        said(&first)
    );
    let (second, _) = look(
        &feed,
        Look {
            due_at: today("12:10:00"),
            ..next_look(&first)
        },
    )
    .await;
    assert_eq!(
        (said(&second), troubles(&second)),
        (String::new(), String::new())
    );
}

#[tokio::test]
async fn what_is_lost_is_said_as_soon_as_a_second_is_free() {
    let ok: Quake<'_> = ("a", "6.1", "reviewed", "earthquake", "11:40:00");
    let odd: Quake<'_> = ("x", "7.0", "reviewed", "swarm", "11:20:00");
    let (all, _) = magnitudes(&[("12:00:00", &[ok, odd]), ("12:05:00", &[ok, odd])]).await;
    assert_eq!(all, ["magnitude=6.1@11:40:00", "magnitude=-@11:45:00"]);
}
