//! Signed requests: what is accepted, what another implementation says of it, and that nothing else is accepted.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod accepted;
mod flaws;
mod mutations;
mod oracle;
mod vectors;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use tocsin_auth::check::{KnownKey, NonceUse, Parsed, Permitted, Windows};
use tocsin_auth::digest::ContentDigest;
use tocsin_auth::nonce::Nonce;
use tocsin_auth::request::Request;
use tocsin_auth::sign::{Stamp, sign};
use tocsin_auth::{Environment, Failure, KeyId, LifeCycle, Scope, SigningKey, UnixTime};

const NOW: UnixTime = UnixTime(1_800_000_000);

/// A request that owns its parts.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Sent {
    method: Method,
    authority: String,
    path: String,
    query: Option<String>,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Sent {
    fn get(path: &str, query: Option<&str>) -> Self {
        Self {
            method: Method::GET,
            authority: "api.tocsin.test".to_owned(),
            path: path.to_owned(),
            query: query.map(str::to_owned),
            headers: vec![("accept".to_owned(), "application/json".to_owned())],
            body: Vec::new(),
        }
    }

    fn post(path: &str, body: &[u8]) -> Self {
        let mut sent = Self::get(path, None);
        sent.method = Method::POST;
        sent.body = body.to_vec();
        sent.add("content-type", "application/json");
        sent.add("content-digest", &ContentDigest::of(body).header());
        sent.add("idempotency-key", "order-7");
        sent
    }

    fn add(&mut self, name: &str, value: &str) {
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    fn map(&self) -> Option<HeaderMap> {
        let mut map = HeaderMap::new();
        for (name, value) in &self.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            map.append(name, HeaderValue::from_str(value).ok()?);
        }
        Some(map)
    }

    fn request<'a>(&'a self, headers: &'a HeaderMap) -> Request<'a> {
        Request {
            method: &self.method,
            authority: &self.authority,
            path: &self.path,
            query: self.query.as_deref(),
            headers,
        }
    }

    fn signed(mut self, holder: &Holder, nonce: u8) -> Self {
        let map = self.map().unwrap();
        let stamp = Stamp {
            created: NOW,
            expires: NOW.plus(60),
            nonce: Nonce::new([nonce; 16]),
        };
        let signature = sign(&self.request(&map), &holder.known.id, &holder.key, &stamp).unwrap();
        self.add("signature-input", &signature.input);
        self.add("signature", &signature.signature);
        self
    }

    /// All checks, with a nonce that is new.
    fn check(&self, holder: &Holder, now: UnixTime, scope: Scope) -> Result<Permitted, Failure> {
        // What HTTP itself does not carry is not accepted either.
        let map = self.map().ok_or(Failure::Malformed)?;
        let parsed = Parsed::read(self.request(&map), Environment::Test)?;
        let known = (*parsed.key() == holder.known.id).then_some(&holder.known);
        parsed
            .keyed(known)?
            .verify()?
            .at(now, Windows::default())?
            .body(&self.body)?
            .fresh(NonceUse::Fresh)?
            .scope(scope)?
            .rate(true)
    }
}

/// Somebody with a key.
struct Holder {
    key: SigningKey,
    known: KnownKey,
}

impl Holder {
    fn new(key: SigningKey, number: u8, scopes: &[Scope]) -> Self {
        let known = KnownKey {
            id: KeyId::new(Environment::Test, [number; 16]),
            verifying: key.verifying().unwrap(),
            life: LifeCycle::pending(UnixTime(i64::MAX))
                .activate(NOW)
                .unwrap(),
            scopes: scopes.iter().copied().collect(),
        };
        Self { key, known }
    }

    fn both(scopes: &[Scope]) -> [Self; 2] {
        [
            Self::new(SigningKey::hmac(&[5; 32]).unwrap(), 1, scopes),
            Self::new(SigningKey::ed25519(&[6; 32]).unwrap(), 2, scopes),
        ]
    }
}
