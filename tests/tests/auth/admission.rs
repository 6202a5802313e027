//! At the door.

use reqwest::{Method, Response, StatusCode};
use serde_json::Value;
use tocsin_auth::{Environment, Scope, SigningKey};
use tocsin_tests::signed::{Holder, SignedApi, settings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::http;

async fn desk(api: &SignedApi, scopes: &[Scope]) -> Holder {
    let key = SigningKey::hmac(&[7; 32]).unwrap();
    api.holder("desk", key, scopes).await
}

async fn refused(answer: Response, status: u16) -> Value {
    assert_eq!(answer.status().as_u16(), status);
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    answer.json().await.unwrap()
}

#[tokio::test]
async fn a_signed_request_is_answered_once() {
    let api = SignedApi::serve(settings(Environment::Test)).await;
    let holder = desk(&api, &[Scope::Read]).await;
    let http = http();
    for (method, path, body) in [
        (Method::GET, "/v1/caller", ""),
        (Method::GET, "/v1/caller?a=b%20c&d", ""),
        (Method::POST, "/v1/caller", "{\"number\": 7}"),
        (Method::POST, "/v1/caller", ""),
    ] {
        let signed = holder.sign(method, &api.base, path, body.as_bytes());
        let answer = signed.send(&http).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path} {body}");
        let said: Value = answer.json().await.unwrap();
        assert_eq!(said["client"], "desk");
        assert_eq!(said["key"], holder.id.as_str());
        assert_eq!(said["environment"], "test");
        refused(signed.send(&http).await, 401).await;
    }
    // Of two services on one database, only one answers.
    let other = api.beside().await;
    let mut signed = holder.sign(Method::GET, &api.base, "/v1/caller", b"");
    assert_eq!(signed.send(&http).await.status(), StatusCode::OK);
    let host = api.base.strip_prefix("http://").unwrap().parse().unwrap();
    signed.headers.insert("host", host);
    signed.url = signed.url.replace(&api.base, &other);
    refused(signed.send(&http).await, 401).await;
    // What is public needs nobody.
    let public = http.get(format!("{}/v1/covers", api.base)).send().await;
    assert_eq!(public.unwrap().status(), StatusCode::OK);
}

/// Whatever is wrong with a signature, the answer is the same.
#[tokio::test]
async fn a_forger_learns_nothing() {
    let api = SignedApi::serve(settings(Environment::Test)).await;
    let holder = desk(&api, &[Scope::Read]).await;
    let http = http();
    let body = b"{\"number\": 7}";
    let signed = || holder.sign(Method::POST, &api.base, "/v1/caller", body);
    let mut answers = Vec::new();
    let mut send = async |request: tocsin_tests::signed::Signed| {
        let mut said = refused(request.send(&http).await, 401).await;
        // Every request has a name of its own.
        let named = said.as_object_mut().unwrap().remove("request_id");
        assert!(named.is_some(), "{said}");
        answers.push(said);
    };
    let mut other = signed();
    other.headers.clear();
    send(other).await;
    let mut other = signed();
    other.body = b"{\"number\": 8}".to_vec();
    send(other).await;
    let mut other = signed();
    other.url.push_str("?more");
    send(other).await;
    let mut other = signed();
    other.headers.remove("signature");
    send(other).await;
    let mut other = signed();
    let twice = other.headers["signature"].clone();
    other.headers.append("signature", twice);
    send(other).await;
    let mut other = signed();
    other.method = Method::PUT;
    let unknown = other.send(&http).await.status();
    assert_eq!(unknown, StatusCode::METHOD_NOT_ALLOWED);
    let mut stranger = holder.clone();
    stranger.key = SigningKey::hmac(&[8; 32]).unwrap();
    send(stranger.sign(Method::POST, &api.base, "/v1/caller", body)).await;
    let mut nobody = holder.clone();
    nobody.id = tocsin_auth::KeyId::new(Environment::Test, [0; 16]);
    send(nobody.sign(Method::POST, &api.base, "/v1/caller", body)).await;
    nobody.id = tocsin_auth::KeyId::new(Environment::Prod, [0; 16]);
    send(nobody.sign(Method::POST, &api.base, "/v1/caller", body)).await;
    // Of a request in the wrong form, only the form is said; all others are answered alike, whatever is wrong with them.
    let (formless, formed): (Vec<_>, Vec<_>) = answers.into_iter().partition(|said| {
        let detail = said["detail"].as_str().unwrap();
        detail.starts_with("the header signature")
    });
    assert_eq!((formless.len(), formed.len()), (3, 5));
    assert!(
        formed.windows(2).all(|pair| pair[0] == pair[1]),
        "{formed:?}"
    );
    // Nothing of all that used up a nonce of what was really signed.
    assert_eq!(signed().send(&http).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn keys_do_what_they_may() {
    let api = SignedApi::serve(settings(Environment::Test)).await;
    let http = http();
    let reader = desk(&api, &[Scope::Read]).await;
    let shared = SigningKey::hmac(&[9; 32]).unwrap();
    let shared = api.holder("shared", shared, &[Scope::KeysManage]).await;
    for (holder, word) in [(&reader, "scope"), (&shared, "ed25519")] {
        let answer = holder.sign(Method::GET, &api.base, "/v1/keys", b"");
        let said = refused(answer.send(&http).await, 403).await;
        let detail = said["detail"].as_str().unwrap();
        assert!(
            detail.contains("keys:manage") && detail.contains(word),
            "{said}"
        );
    }
    let manager = api.manager("manager").await;
    let listed = manager.sign(Method::GET, &api.base, "/v1/keys", b"");
    let listed = listed.send(&http).await;
    assert_eq!(listed.status(), StatusCode::OK);
    // What became of the requests above is written down with the next turn.
    api.auth.keep().await.unwrap();
    let listed = manager.sign(Method::GET, &api.base, "/v1/keys", b"");
    let listed: Value = listed.send(&http).await.json().await.unwrap();
    let of = |holder: &Holder| {
        let keys = listed["keys"].as_array().unwrap().iter();
        let mut found = keys.filter(|key| key["id"] == holder.id.as_str());
        found.next().unwrap().clone()
    };
    assert_eq!(of(&reader)["refused"]["scope"], 1);
    assert_eq!(of(&shared)["refused"]["needs_ed25519"], 1);
    assert_eq!(of(&manager)["answered"], 1);
    assert_eq!(of(&manager)["networks"].as_object().unwrap().len(), 1);
    assert!(of(&manager)["last_used_at"].is_number());
    let metrics = http.get(format!("{}/metrics", api.base)).send().await;
    let metrics = metrics.unwrap().text().await.unwrap();
    for line in [
        "tocsin_refused_requests_total{kind=\"scope\"} 1",
        "tocsin_keys{state=\"active\"} 3",
    ] {
        assert!(metrics.contains(line), "{metrics}");
    }
}

#[tokio::test]
async fn a_key_asks_as_often_as_it_may() {
    let mut few = settings(Environment::Test);
    (few.per_second, few.burst) = (1, 3);
    let api = SignedApi::serve(few).await;
    let holder = desk(&api, &[Scope::Read]).await;
    let http = http();
    let mut statuses = Vec::new();
    for _ in 0..6 {
        let signed = holder.sign(Method::GET, &api.base, "/v1/caller", b"");
        let answer = signed.send(&http).await;
        if answer.status() == StatusCode::TOO_MANY_REQUESTS {
            assert_eq!(answer.headers()["retry-after"], "1");
        }
        statuses.push(answer.status().as_u16());
    }
    assert_eq!(statuses[..3], [200, 200, 200]);
    assert!(statuses.contains(&429), "{statuses:?}");
}

/// A body that does not come is not waited for, one that is too long is not read, and a stranger's is not even begun.
#[tokio::test]
async fn bodies_have_limits() {
    let mut small = settings(Environment::Test);
    small.most_body = 1_000;
    let api = SignedApi::serve(small).await;
    let holder = desk(&api, &[Scope::Read]).await;
    let http = http();
    let long = vec![b' '; 2_000];
    let signed = holder.sign(Method::POST, &api.base, "/v1/caller", &long);
    refused(signed.send(&http).await, 413).await;
    let address = api.base.strip_prefix("http://").unwrap().to_owned();
    let signed = holder.sign(Method::POST, &api.base, "/v1/caller", b"0123456789");
    let mut head = format!("POST /v1/caller HTTP/1.1\r\nhost: {address}\r\ncontent-length: 10\r\n");
    for (name, value) in &signed.headers {
        head.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
    }
    let stranger = head.replace("signature: tocsin=:", "signature: tocsin=:AAAA");
    for (head, status) in [(head, "400"), (stranger, "401")] {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        let sent = format!("{head}connection: close\r\n\r\n01234");
        stream.write_all(sent.as_bytes()).await.unwrap();
        let mut answer = vec![0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        let answer = String::from_utf8(answer).unwrap();
        assert_eq!(answer, format!("HTTP/1.1 {status}"));
    }
    let mut many = holder.sign(Method::GET, &api.base, "/v1/caller", b"");
    many.headers
        .insert("x-junk", "a".repeat(20_000).parse().unwrap());
    let status = many.send(&http).await.status();
    assert!(status.is_client_error(), "{status}");
}

/// Whoever gets a client to sign for his own host cannot send that on.
#[tokio::test]
async fn a_signature_for_another_host_is_refused() {
    let mut named = settings(Environment::Test);
    named.authorities = vec!["API.example.com:443".parse().unwrap()];
    let api = SignedApi::serve(named).await;
    let holder = desk(&api, &[Scope::Read]).await;
    let http = http();
    for (host, status) in [
        ("api.example.com", 200),
        ("Api.Example.com:80", 200),
        ("evil.example", 401),
        ("api.example.com.evil.example", 401),
        ("api.example.com:8443", 401),
    ] {
        let mut signed = holder.sign(Method::GET, &format!("http://{host}"), "/v1/caller", b"");
        signed.url = format!("{}/v1/caller", api.base);
        signed.headers.insert("host", host.parse().unwrap());
        let answered = signed.send(&http).await.status();
        assert_eq!(answered.as_u16(), status, "{host}");
    }
    let here = holder.sign(Method::GET, &api.base, "/v1/caller", b"");
    refused(here.send(&http).await, 401).await;
}
