//! Webhooks over real HTTP: what receivers see, and where nothing is ever sent.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect};
use axum::routing::{MethodRouter, any, post};
use secrecy::ExposeSecret;
use tocsin_delivery::webhook::guard::Allowed;
use tocsin_delivery::webhook::secret::Secret;
use tocsin_delivery::webhook::{
    Failure, Lookup, Message, Sender, SenderSettings, SystemLookup, UrlRefusal,
};
use tocsin_domain::time::Seconds;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

const NOW: i64 = 1_790_000_000;

fn settings(allowed: &[&str]) -> SenderSettings {
    SenderSettings {
        allowed: Allowed::new(allowed.iter().map(|range| range.parse().unwrap()).collect()),
        plain_http: true,
        connect_timeout: Duration::from_millis(500),
        total_timeout: Duration::from_millis(800),
    }
}

fn sender() -> Sender {
    Sender::new(settings(&["127.0.0.0/8"]), Arc::new(SystemLookup)).unwrap()
}

fn secrets() -> [Secret; 2] {
    [1, 2].map(|byte| Secret::hmac(&[byte; 32]).unwrap())
}

fn message() -> Message {
    Message {
        id: "wh_a_7".to_owned(),
        body: br#"{"type":"claim.accepted","data":{}}"#.to_vec(),
    }
}

async fn serve(router: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

async fn send(sender: &Sender, url: &str) -> Result<u16, Failure> {
    let sent = sender.send(url, &message(), &secrets(), NOW).await;
    sent.map(|answer| answer.status)
}

#[tokio::test]
async fn a_receiver_sees_what_the_specification_says() {
    type Seen = Arc<Mutex<Vec<(HeaderMap, Bytes)>>>;
    let seen = Seen::default();
    let noting = Arc::clone(&seen);
    let router = Router::new().route(
        "/hook",
        post(async move |headers: HeaderMap, body: Bytes| {
            noting.lock().unwrap().push((headers, body));
            StatusCode::NO_CONTENT
        }),
    );
    let address = serve(router).await;
    assert_eq!(
        send(&sender(), &format!("http://{address}/hook")).await,
        Ok(204)
    );
    let (headers, body) = seen.lock().unwrap().remove(0);
    assert_eq!(body, message().body);
    assert_eq!(headers[header::CONTENT_TYPE], "application/json");
    assert_eq!(headers["webhook-id"], "wh_a_7");
    assert_eq!(headers["webhook-timestamp"], NOW.to_string());
    let signatures = headers["webhook-signature"].to_str().unwrap();
    for secret in secrets() {
        let shown = secret.for_receiver();
        let theirs = standardwebhooks::Webhook::new(shown.expose_secret()).unwrap();
        let expected = theirs.sign("wh_a_7", NOW, &body).unwrap();
        assert!(signatures.split(' ').any(|one| one == expected));
    }
}

/// A minute after [`NOW`], and half an hour before it.
const IN_A_MINUTE: &str = "Mon, 21 Sep 2026 14:14:20 GMT";
const HALF_AN_HOUR_AGO: &str = "Mon, 21 Sep 2026 13:43:20 GMT";

/// Refuses until then, and shows the receiver's clock or not.
fn dated(until: &'static str, clock: Option<&'static str>) -> MethodRouter {
    any(async move || {
        let mut answer = StatusCode::SERVICE_UNAVAILABLE.into_response();
        let headers = answer.headers_mut();
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static(until));
        // The server would show the machine's.
        let clock = clock.unwrap_or("none");
        headers.insert(header::DATE, HeaderValue::from_static(clock));
        answer
    })
}

#[tokio::test]
async fn what_is_not_2xx_is_a_failure_with_a_reason() {
    let router = Router::new()
        .route(
            "/busy",
            any(async || (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "17")])),
        )
        .route("/soon", dated("soon", None))
        .route("/dated", dated(IN_A_MINUTE, None))
        // Its clock is half an hour behind ours.
        .route("/behind", dated(IN_A_MINUTE, Some(HALF_AN_HOUR_AGO)))
        .route("/over", dated(HALF_AN_HOUR_AGO, None))
        .route("/gone", any(async || StatusCode::GONE))
        .route("/teapot", any(async || StatusCode::IM_A_TEAPOT));
    let address = serve(router).await;
    let failure = async |path: &str| {
        send(&sender(), &format!("http://{address}{path}"))
            .await
            .unwrap_err()
    };
    let busy = failure("/busy").await;
    assert_eq!(
        (busy.status, busy.retry_after, busy.gone),
        (Some(429), Some(Seconds(17)), false)
    );
    for (path, wanted) in [
        ("/soon", None),
        ("/dated", Some(Seconds(60))),
        ("/behind", Some(Seconds(1_860))),
        ("/over", Some(Seconds(0))),
    ] {
        assert_eq!(failure(path).await.retry_after, wanted, "{path}");
    }
    assert!(failure("/gone").await.gone);
    assert_eq!(failure("/teapot").await.status, Some(418));
}

#[tokio::test]
async fn answers_are_bounded_in_time_and_bytes() {
    let endless = async || {
        Body::from_stream(futures_util::stream::repeat_with(|| {
            Ok::<_, io::Error>(vec![b'x'; 16_384])
        }))
    };
    let router = Router::new().route("/endless", any(endless)).route(
        "/silent",
        any(async || tokio::time::sleep(Duration::from_secs(60)).await),
    );
    let address = serve(router).await;
    let sender = sender();
    let begun = Instant::now();
    assert_eq!(
        send(&sender, &format!("http://{address}/endless")).await,
        Ok(200)
    );
    assert!(
        begun.elapsed() < Duration::from_millis(700),
        "{:?}",
        begun.elapsed()
    );
    let silent = send(&sender, &format!("http://{address}/silent"))
        .await
        .unwrap_err();
    assert_eq!(silent.reason, "no answer in time");

    // Not HTTP at all.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let garbage = listener.local_addr().unwrap();
    #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut some = [0; 64];
            stream.read_exact(&mut some).await.unwrap();
            stream.write_all(&[0xff; 300]).await.unwrap();
        }
    });
    let broken = send(&sender, &format!("http://{garbage}/"))
        .await
        .unwrap_err();
    assert_eq!(broken.status, None, "{broken:?}");
    let closed = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let refused = send(&sender, &format!("http://{closed}/secret-path"))
        .await
        .unwrap_err();
    assert!(refused.reason.starts_with("no connection"), "{refused:?}");
    assert!(!refused.reason.contains("secret-path"));
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let hits = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&hits);
    let inside = serve(Router::new().fallback(async move || {
        counting.fetch_add(1, Ordering::Relaxed);
    }))
    .await;
    for status in [301, 302, 303, 307, 308] {
        let target = format!("http://{inside}/latest/meta-data");
        let router = Router::new().fallback(async move || {
            let mut answer = Redirect::temporary(&target).into_response();
            *answer.status_mut() = StatusCode::from_u16(status).unwrap();
            answer
        });
        let address = serve(router).await;
        let failure = send(&sender(), &format!("http://{address}/"))
            .await
            .unwrap_err();
        assert_eq!(failure.status, Some(status));
        assert!(failure.reason.contains("redirects are not followed"));
    }
    assert_eq!(hits.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn addresses_in_numbers_are_looked_at() {
    let hits = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&hits);
    let local = serve(Router::new().fallback(async move || {
        counting.fetch_add(1, Ordering::Relaxed);
    }))
    .await;
    let port = local.port();
    let strict = Sender::new(settings(&[]), Arc::new(SystemLookup)).unwrap();
    // URL parsers take an IPv4 address in many forms.
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "0.0.0.0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::127.0.0.1]",
        "169.254.169.254",
        "10.0.0.1",
        "[fe80::1]",
        "[fd00:ec2::254]",
    ] {
        let url = format!("http://{host}:{port}/");
        let refused = strict.check(&url);
        assert!(
            matches!(refused, Err(UrlRefusal::Address { .. })),
            "{url}: {refused:?}"
        );
        let failure = send(&strict, &url).await.unwrap_err();
        assert!(
            failure.reason.contains("the address is refused"),
            "{failure:?}"
        );
    }
    for (url, allowed) in [
        ("https://example.com/hook?x=1", true),
        ("http://8.8.8.8/", true),
        ("ftp://example.com/", false),
        ("file:///etc/passwd", false),
        ("https://user@example.com/", false),
        ("https://example.com/#a", false),
        ("example.com", false),
    ] {
        assert_eq!(strict.check(url).is_ok(), allowed, "{url}");
    }
    let mut https_only = settings(&["127.0.0.0/8"]);
    https_only.plain_http = false;
    let https_only = Sender::new(https_only, Arc::new(SystemLookup)).unwrap();
    assert!(
        https_only
            .check(&format!("http://127.0.0.1:{port}/"))
            .is_err()
    );
    // The system's own names for this machine.
    let failure = send(&strict, &format!("http://localhost:{port}/"))
        .await
        .unwrap_err();
    assert!(
        failure.reason.contains("the address is refused"),
        "{failure:?}"
    );
    assert_eq!(hits.load(Ordering::Relaxed), 0);
}

/// Answers differently each time it is asked: a name server of somebody who wants inside.
struct Rebinding {
    asked: AtomicUsize,
    answers: Vec<Vec<IpAddr>>,
}

#[async_trait]
impl Lookup for Rebinding {
    async fn addresses(&self, _name: &str) -> io::Result<Vec<IpAddr>> {
        let nth = self.asked.fetch_add(1, Ordering::Relaxed);
        Ok(self.answers[nth.min(self.answers.len() - 1)].clone())
    }
}

#[tokio::test]
async fn a_name_that_changes_its_mind_gains_nothing() {
    let hits = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&hits);
    let local = serve(Router::new().fallback(async move || {
        counting.fetch_add(1, Ordering::Relaxed);
    }))
    .await;
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    // 127.0.0.2 stands for the public internet here: nobody listens there.
    let outside = address("127.0.0.2");
    let inside = address("127.0.0.1");
    let lookup = Arc::new(Rebinding {
        asked: AtomicUsize::new(0),
        answers: vec![vec![outside], vec![inside], vec![outside, inside], vec![]],
    });
    let sender = Sender::new(settings(&["127.0.0.2/32"]), Arc::clone(&lookup) as _).unwrap();
    let url = format!("http://rebind.example:{}/", local.port());
    let outside_first = send(&sender, &url).await.unwrap_err();
    assert!(
        outside_first.reason.starts_with("no connection"),
        "{outside_first:?}"
    );
    let inside_then = send(&sender, &url).await.unwrap_err();
    assert!(
        inside_then.reason.contains("127.0.0.1 is not allowed"),
        "{inside_then:?}"
    );
    let mixed = send(&sender, &url).await.unwrap_err();
    assert!(mixed.reason.starts_with("no connection"), "{mixed:?}");
    assert!(send(&sender, &url).await.is_err());
    // Once for each attempt: what was looked at is what was connected to.
    assert_eq!(lookup.asked.load(Ordering::Relaxed), 4);
    assert_eq!(hits.load(Ordering::Relaxed), 0);
}

/// Where the name server of somebody who wants inside points: elsewhere each time it is asked, for no time at all.
struct NameServer {
    at: SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl NameServer {
    async fn open(answers: Vec<[u8; 4]>) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let at = socket.local_addr().unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
        tokio::spawn(async move {
            let mut question = [0; 512];
            loop {
                let (length, from) = socket.recv_from(&mut question).await.unwrap();
                let nth = counted.fetch_add(1, Ordering::Relaxed);
                let mut answer = question[..length].to_vec();
                // An answer, to one question, with one record: the name asked for, A, IN, 0 seconds, 4 bytes.
                answer[2..8].copy_from_slice(&[0x84, 0, 0, 1, 0, 1]);
                answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4]);
                answer.extend(answers[nth.min(answers.len() - 1)]);
                socket.send_to(&answer, from).await.unwrap();
            }
        });
        Self { at, asked }
    }
}

#[async_trait]
impl Lookup for NameServer {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let socket = UdpSocket::bind("127.0.0.1:0").await?;
        // One question, for A, IN.
        let mut question = vec![7, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.') {
            question.push(u8::try_from(label.len()).unwrap());
            question.extend(label.as_bytes());
        }
        question.extend([0, 0, 1, 0, 1]);
        socket.send_to(&question, self.at).await?;
        let mut answer = [0; 512];
        let (length, _) = socket.recv_from(&mut answer).await?;
        let address: [u8; 4] = answer[length - 4..length].try_into().unwrap();
        Ok(vec![address.into()])
    }
}

/// Counts connections.
async fn counted(listener: TcpListener) -> Arc<AtomicUsize> {
    let count = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&count);
    let router = Router::new().fallback(async move || {
        counting.fetch_add(1, Ordering::Relaxed);
    });
    #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
    tokio::spawn(async move { axum::serve(listener, router).await });
    count
}

/// Over a real name server: what was checked is what is connected to, although the name already means something else.
#[tokio::test]
async fn the_connection_goes_to_the_address_that_was_checked() {
    let outside = TcpListener::bind("127.0.0.2:0").await.unwrap();
    let port = outside.local_addr().unwrap().port();
    let inside = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let (outside, inside) = (counted(outside).await, counted(inside).await);
    // 127.0.0.2 stands for the public internet; from the second question on the name means this machine.
    let names = Arc::new(NameServer::open(vec![[127, 0, 0, 2], [127, 0, 0, 1]]).await);
    let sender = Sender::new(settings(&["127.0.0.2/32"]), Arc::clone(&names) as _).unwrap();
    let url = format!("http://rebind.example:{port}/");
    assert_eq!(send(&sender, &url).await, Ok(200));
    assert_eq!(names.asked.load(Ordering::Relaxed), 1, "nobody asks again");
    // Whoever asks now hears of this machine, and a new connection is refused before it is made.
    let again = Sender::new(settings(&["127.0.0.2/32"]), Arc::clone(&names) as _).unwrap();
    let refused = send(&again, &url).await.unwrap_err();
    assert!(
        refused.reason.contains("127.0.0.1 is not allowed"),
        "{refused:?}"
    );
    let hits = [outside, inside].map(|hits| hits.load(Ordering::Relaxed));
    assert_eq!(hits, [1, 0]);
}
