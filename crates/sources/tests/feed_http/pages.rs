//! Answers of several pages: whole, or unknown.

use tocsin_sources::feed::TroubleKind;

use super::server::{Reply, Server};
use super::setup::{feed, first_look, look, noon, said, troubles};

fn definition(pages: &str) -> String {
    format!(
        r#"
provider      = "example"
documentation = "https://docs.example.com/"
[subject]
pattern = "reserves:{{coin}}"
example = "reserves:X"
[request]
url = "https://api.example.com/{{coin}}?size=2"
[records]
at = "$.items[*]"
[values.reserves]
path    = "$.v"
combine = "sum"
least   = "0"
most    = "1000"
[poll]
every    = "1min"
patience = "0s"
[limits]
attempts = 1
[pages]
{pages}
"#
    )
}

async fn sum(pages: &str, bodies: &[&str]) -> (String, String, Vec<String>, usize) {
    let server = Server::saying(bodies.iter().map(|body| Reply::json(body).dated(noon())));
    let feed = feed(&definition(pages), &server);
    let (seen, answer) = look(&feed, first_look("reserves:X", noon())).await;
    if !seen.troubles.is_empty() {
        assert_eq!(
            seen.troubles[0].kind,
            TroubleKind::Pages,
            "{}",
            troubles(&seen)
        );
        assert_eq!(said(&seen), "reserves=-@12:00:00");
    }
    (
        said(&seen),
        troubles(&seen),
        server.targets(),
        answer.responses.len(),
    )
}

#[tokio::test]
async fn pages_are_followed_by_link_number_and_cursor() {
    let (said, _, targets, responses) = sum(
        "next = '$.next'",
        &[
            r#"{"items":[{"v":1},{"v":"2.5"}],"next":"/X?size=2&from=2"}"#,
            r#"{"items":[{"v":4}],"next":"https://api.example.com/X?size=2&from=4"}"#,
            r#"{"items":[{"v":8}],"next":null}"#,
        ],
    )
    .await;
    assert_eq!((said.as_str(), responses), ("reserves=15.5@12:00:00", 3));
    assert_eq!(
        targets,
        ["/X?size=2", "/X?size=2&from=2", "/X?size=2&from=4"]
    );

    let (said, _, targets, _) = sum(
        "next = '$.links.next'\nprefix = '/v4'",
        &[
            r#"{"items":[{"v":1}],"links":{"next":"/X?cursor=1"}}"#,
            r#"{"items":[{"v":2}],"links":null}"#,
        ],
    )
    .await;
    assert_eq!(said, "reserves=3@12:00:00");
    assert_eq!(targets, ["/X?size=2", "/v4/X?cursor=1"]);

    let (said, _, targets, _) = sum(
        "parameter = 'page'\nlast = '$.pages'\ntotal = '$.count'\nrecords = '$.items[*]'",
        &[
            r#"{"items":[{"v":1},{"v":2}],"pages":2,"count":3}"#,
            r#"{"items":[{"v":4}],"pages":2,"count":3}"#,
        ],
    )
    .await;
    assert_eq!(said, "reserves=7@12:00:00");
    assert_eq!(targets, ["/X?size=2", "/X?size=2&page=2"]);

    let (said, _, targets, _) = sum(
        "parameter = 'after'\ncursor = '$.cursor'",
        &[
            r#"{"items":[{"v":1}],"cursor":"a b&c"}"#,
            r#"{"items":[{"v":2}],"cursor":""}"#,
        ],
    )
    .await;
    assert_eq!(said, "reserves=3@12:00:00");
    assert_eq!(targets, ["/X?size=2", "/X?size=2&after=a+b%26c"]);
}

#[tokio::test]
async fn an_answer_that_is_not_whole_is_unknown() {
    let page = r#"{"items":[{"v":1}],"next":"/X?page=2"}"#;
    for (pages, bodies, says) in [
        (
            "next = '$.next'",
            &[page, page][..],
            "page 2 of the answer is one that came before",
        ),
        (
            "next = '$.next'\nmost = 1",
            &[page],
            "the answer goes on after 1 pages",
        ),
        (
            "next = '$.next'",
            &[r#"{"items":[{"v":1}],"next":"https://evil.example/X"}"#],
            "$.next is https://evil.example/X: leads to another host",
        ),
        (
            "next = '$.next'",
            &[r#"{"items":[{"v":1}],"next":{"href":"/2"}}"#],
            "does not say how the answer goes on",
        ),
        (
            "parameter = 'page'\nlast = '$.pages'",
            &[r#"{"items":[{"v":1}],"pages":"many"}"#],
            "$.pages is many: is no number of pages",
        ),
        (
            "parameter = 'page'\nlast = '$.pages'",
            &[r#"{"items":[{"v":1}]}"#],
            "$.pages is null",
        ),
        (
            "next = '$.next'\ntotal = '$.count'\nrecords = '$.items[*]'",
            &[
                r#"{"items":[{"v":1},{"v":2}],"next":"/X?2","count":4}"#,
                r#"{"items":[{"v":1}],"next":null,"count":4}"#,
            ],
            "$.count is 4: there are 3 records on 2 pages",
        ),
    ] {
        let (_, troubles, _, responses) = sum(pages, bodies).await;
        assert!(troubles.contains(says), "{says}: {troubles}");
        assert!(responses > 0, "what came is archived");
    }
}
