//! One request: from its headers to its caller, or to an answer that says no more than it must.

use std::net::SocketAddr;
use std::time::Instant;

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request};
use axum::http::Method;
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::request::Parts as Head;
use axum::http::uri::Authority;
use tocsin_auth::check::{KnownKey, NonceUse, Parsed, Permitted, Timely, Whole};
use tocsin_auth::flaw::flaw;
use tocsin_auth::request::Request as Judged;
use tocsin_auth::{Failure, KeyId, Scope, TAG, VerifyingKey};
use tocsin_store::StoreError;
use tocsin_store::credential::{Credential, Material, Owner};

use super::cache::Known;
use super::{Auth, Caller};
use crate::problem::{Kind, Problem};

/// The longest headers together, and the most of them.
const MOST_HEADER_BYTES: usize = 16 * 1_024;
const MOST_HEADERS: usize = 64;

/// How long the nonce store may take.
const NONCE_PATIENCE: core::time::Duration = core::time::Duration::from_secs(5);

/// Why a request is not answered.
enum Refused {
    /// By a check; of a key that is known, or not.
    Check(Failure, Option<KeyId>),
    /// Its body is too large, or too slow.
    Body(Kind, KeyId),
    /// Its headers are too large.
    Headers,
    /// The key cannot be read.
    Store(StoreError),
}

impl Auth {
    /// Lets a request through that a key with `scope` has signed, with its [`Caller`] in the extensions.
    pub(crate) async fn admit(&self, scope: Scope, request: Request) -> Result<Request, Problem> {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map(|ConnectInfo(peer)| peer.ip());
        let (mut head, body) = request.into_parts();
        match self.judge(scope, &head, body).await {
            Ok((caller, body)) => {
                tracing::Span::current().record("key", caller.key.as_str());
                self.0.tally.answered(&caller.key, peer);
                head.extensions.insert(caller);
                Ok(Request::from_parts(head, Body::from(body)))
            }
            Err(refused) => Err(self.refuse(refused, scope, &head)),
        }
    }

    async fn judge(
        &self,
        scope: Scope,
        head: &Head,
        body: Body,
    ) -> Result<(Caller, Bytes), Refused> {
        let unknown = |failure| Refused::Check(failure, None);
        check_size(head)?;
        let authority = authority(head).ok_or(unknown(Failure::Malformed))?;
        let judged = Judged {
            method: &head.method,
            authority,
            path: head.uri.path(),
            query: head.uri.query(),
            headers: &head.headers,
        };
        let here = self.0.settings.environment;
        let parsed = Parsed::read(judged, here).map_err(unknown)?;
        let names = &self.0.settings.authorities;
        if !names.is_empty() && !names.iter().any(|name| judged.is_for(name)) {
            return Err(unknown(Failure::WrongAuthority));
        }
        let known = self.known(parsed.key()).await.map_err(Refused::Store)?;
        let key = known.as_ref().map(|known| known.key.id.clone());
        let of_key = |failure| Refused::Check(failure, key.clone());
        let keyed = parsed
            .keyed(known.as_ref().map(|known| &known.key))
            .map_err(of_key)?;
        let authentic = keyed.verify().map_err(of_key)?;
        let timely = authentic
            .at((self.0.now)(), self.0.settings.windows)
            .map_err(of_key)?;
        let Some(known) = known else {
            return Err(unknown(Failure::UnknownKey));
        };
        let place = self.0.places.enter(&known.client);
        let place = place.ok_or_else(|| of_key(Failure::RateLimited))?;
        let body = self.read(&timely, body, &known.key.id).await?;
        let whole = timely.body(&body).map_err(of_key)?;
        let used = self.use_nonce(&whole).await;
        drop(place);
        // Which keys there are is told to nobody who may be repeating what he has heard.
        if scope == Scope::KeysManage && used == NonceUse::Unknown {
            return Err(of_key(Failure::NonceStore));
        }
        let fresh = whole.fresh(used).map_err(of_key)?;
        let scoped = fresh.scope(scope).map_err(of_key)?;
        let within = self.0.rates.take(scoped.key(), Instant::now());
        let permitted = scoped.rate(within).map_err(of_key)?;
        Ok((self.caller(&permitted, known), body))
    }

    fn caller(&self, permitted: &Permitted, known: Known) -> Caller {
        known.answered.inc();
        Caller {
            client: known.client,
            key: permitted.key().clone(),
            scopes: permitted.scopes().clone(),
            environment: self.0.settings.environment,
        }
    }

    /// A key of a client, as it was read at most so long ago as is promised.
    async fn known(&self, id: &KeyId) -> Result<Option<Known>, StoreError> {
        if let Some(known) = self.0.cache.get(id) {
            return Ok(known);
        }
        let read_at = Instant::now();
        let stored = self.0.store.credential(id).await?;
        let known = stored.and_then(|stored| self.open(stored));
        self.0.cache.put(id.clone(), known.clone(), read_at);
        Ok(known)
    }

    /// Whether a key is still good, for whoever was let in with it a while ago; not where that cannot be found out.
    pub(crate) async fn is_good(&self, key: &KeyId) -> bool {
        match self.known(key).await {
            Ok(known) => known.is_some_and(|known| known.key.life.verifies(self.now())),
            Err(error) => {
                tracing::error!(%key, %error, "a key could not be read: a stream ends");
                false
            }
        }
    }

    /// A key that cannot be opened is one that nobody has: the operator is told.
    fn open(&self, stored: Credential) -> Option<Known> {
        let Owner::Client(client) = stored.owner else {
            return None;
        };
        let id = &stored.id;
        let verifying = match &stored.material {
            Material::Public(public) | Material::Pair { public, .. } => {
                VerifyingKey::ed25519(public).map_err(|e| e.to_string())
            }
            Material::Secret(sealed) => match &self.0.settings.seal {
                Some(seal) => seal
                    .open(id.as_str(), sealed)
                    .map_err(|error| error.to_string())
                    .and_then(|secret| VerifyingKey::hmac(&secret).map_err(|e| e.to_string())),
                None => Err("there is no [auth] master_key to open its secret with".to_owned()),
            },
        };
        match verifying {
            Ok(verifying) => Some(Known {
                answered: self.0.metrics.calls_of(&client, &stored.id),
                key: KnownKey {
                    id: stored.id,
                    verifying,
                    life: stored.life,
                    scopes: stored.scopes,
                },
                client,
            }),
            Err(reason) => {
                tracing::error!(key = %id, %reason, "a client's key cannot be used");
                None
            }
        }
    }

    async fn read(&self, timely: &Timely, body: Body, key: &KeyId) -> Result<Bytes, Refused> {
        let most = if timely.expects_body() {
            self.0.settings.most_body
        } else {
            0
        };
        let read = axum::body::to_bytes(body, most);
        match tokio::time::timeout(self.0.settings.body_patience, read).await {
            Ok(Ok(body)) => Ok(body),
            Ok(Err(_too_long)) if most > 0 => Err(Refused::Body(Kind::TooLarge, key.clone())),
            Ok(Err(_not_signed)) => Err(Refused::Check(Failure::BadDigest, Some(key.clone()))),
            Err(_elapsed) => Err(Refused::Body(Kind::BadRequest, key.clone())),
        }
    }

    async fn use_nonce(&self, whole: &Whole) -> NonceUse {
        let (key, nonce, keep_until) = whole.nonce();
        let used = self
            .0
            .store
            .use_nonce(key, nonce, keep_until, (self.0.now)());
        match tokio::time::timeout(NONCE_PATIENCE, used).await {
            Ok(Ok(used)) => used,
            Ok(Err(error)) => {
                tracing::error!(%error, "a nonce could not be stored: writes are refused");
                NonceUse::Unknown
            }
            Err(_elapsed) => {
                tracing::error!("storing a nonce took too long: writes are refused");
                NonceUse::Unknown
            }
        }
    }

    /// What anybody can see to be wrong, whichever check has failed.
    fn flaw(&self, head: &Head) -> Option<String> {
        let Some(authority) = authority(head) else {
            return Some("the host is not named, or named in two ways".to_owned());
        };
        let judged = Judged {
            method: &head.method,
            authority,
            path: head.uri.path(),
            query: head.uri.query(),
            headers: &head.headers,
        };
        flaw(&judged, (self.0.now)(), self.0.settings.windows)
    }

    fn refuse(&self, refused: Refused, scope: Scope, head: &Head) -> Problem {
        let (failure, key) = match &refused {
            Refused::Check(failure, key) => (*failure, key.as_ref()),
            Refused::Body(_, key) => (Failure::BadBody, Some(key)),
            Refused::Headers => (Failure::Malformed, None),
            Refused::Store(_) => (Failure::NonceStore, None),
        };
        tracing::info!(
            reason = failure.name(),
            key = key.map(KeyId::as_str),
            "a request is refused"
        );
        self.0.tally.refused(key, failure);
        self.0.metrics.call_refused(failure);
        match refused {
            Refused::Store(error) => {
                tracing::error!(%error, "a key could not be read: its requests are refused");
                refusal(Failure::NonceStore, scope, head, || None)
            }
            Refused::Headers => said(
                Kind::TooLong,
                "the headers have more than 16 KiB or 64 lines",
            ),
            Refused::Body(Kind::TooLarge, _) => {
                let most = self.0.settings.most_body;
                said(Kind::TooLarge, &format!("a body may have {most} bytes"))
            }
            Refused::Body(kind, _) => said(kind, "the body did not come in time"),
            Refused::Check(failure, _) => refusal(failure, scope, head, || self.flaw(head)),
        }
    }
}

fn said(kind: Kind, detail: &str) -> Problem {
    Problem::Said {
        kind,
        detail: detail.to_owned(),
    }
}

/// Whoever has not shown a good key hears what anybody can see, and else one and the same sentence.
fn refusal(
    failure: Failure,
    scope: Scope,
    head: &Head,
    flaw: impl FnOnce() -> Option<String>,
) -> Problem {
    match failure {
        Failure::Scope => said(
            Kind::Forbidden,
            &format!("this needs a key with the scope `{scope}`"),
        ),
        Failure::NeedsEd25519 => said(
            Kind::Forbidden,
            &format!(
                "the scope `{scope}` needs a key of ed25519: a shared secret cannot show later who used it"
            ),
        ),
        Failure::RateLimited => Problem::Later {
            kind: Kind::TooMany,
            detail: "this key asks too often".to_owned(),
            seconds: 1,
        },
        Failure::NonceStore => Problem::Later {
            kind: Kind::Busy,
            detail: "nothing was done: sign the request anew and send it again in a few seconds"
                .to_owned(),
            seconds: 2,
        },
        Failure::Unsigned
        | Failure::Malformed
        | Failure::UnknownKey
        | Failure::WrongEnvironment
        | Failure::WrongAuthority
        | Failure::WrongAlgorithm
        | Failure::KeyNotActive
        | Failure::BadSignature
        | Failure::BadDigest
        | Failure::BadBody
        | Failure::Stale
        | Failure::Early
        | Failure::Replayed => Problem::Unauthenticated {
            accepted: accepted(head),
            flaw: flaw(),
        },
    }
}

/// How a request like this one is to be signed, as RFC 9421 (5.1) has it said.
fn accepted(head: &Head) -> String {
    let mut components = "\"@method\" \"@authority\" \"@path\" \"@query\"".to_owned();
    let is_write = head.method != Method::GET && head.method != Method::HEAD;
    let has_body = head.headers.contains_key(CONTENT_TYPE);
    for (name, is_signed) in [
        ("content-type", has_body),
        ("content-digest", has_body),
        ("idempotency-key", is_write),
    ] {
        if is_signed {
            components.push_str(&format!(" \"{name}\""));
        }
    }
    format!("sig1=({components});created;expires;tag=\"{TAG}\"")
}

fn check_size(head: &Head) -> Result<(), Refused> {
    let lines = head.headers.iter();
    let bytes = lines.fold(0_usize, |sum, (name, value)| {
        sum.saturating_add(name.as_str().len())
            .saturating_add(value.len())
    });
    if head.headers.len() > MOST_HEADERS || bytes > MOST_HEADER_BYTES {
        return Err(Refused::Headers);
    }
    Ok(())
}

/// Whom the client asked: said once, or twice alike.
fn authority(head: &Head) -> Option<&str> {
    let mut hosts = head.headers.get_all(HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (None, _) => None,
        (Some(host), None) => Some(host.to_str().ok()?),
        (Some(_), Some(_)) => return None,
    };
    let target = head.uri.authority().map(Authority::as_str);
    match (host, target) {
        (Some(host), Some(target)) => host.eq_ignore_ascii_case(target).then_some(target),
        (Some(one), None) | (None, Some(one)) => Some(one),
        (None, None) => None,
    }
}
