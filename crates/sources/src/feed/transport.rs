//! How a provider is asked: with which key, how often, how long, and what becomes of a failure.
//!
//! Promises: nothing is sent beyond the limits of the definition and the quota of a key, nor to another host; a body is never
//! longer than the limit, compressed or not; what is returned, logged or shown has no key in it.

mod body;
mod breaker;
mod clock;
mod keys;

use core::time::Duration;

use alloy::primitives::keccak256;
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, LAST_MODIFIED,
};
use reqwest::{Client, StatusCode, redirect};
use serde::{Deserialize, Serialize};
use tocsin_domain::time::{Seconds, Timestamp};
use url::Url;

pub(crate) use self::breaker::Breaker;
pub(crate) use self::clock::Clock;
pub(crate) use self::keys::Keys;
use super::definition::{Definition, RequestTemplate};
use super::{FeedError, FeedSettings, RawResponse, Trouble, TroubleKind};
use crate::error::{RequestFailure, whole};
use crate::feed::trouble::excerpt;
use crate::pace::Pace;
use crate::retry_after::retry_after;

/// How much of a refusal is shown.
const EXCERPT_CHARS_MAX: usize = 200;

/// A provider moves within its host now and then; further it is not followed.
const REDIRECTS_MAX: usize = 3;

/// The way to one provider.
pub(crate) struct Transport {
    provider: String,
    client: Client,
    base: Url,
    request: RequestTemplate,
    timeout: Duration,
    bytes: usize,
    attempts: u32,
    tolerance: Seconds,
    pace: Pace,
    pub(crate) keys: Keys,
    pub(crate) breaker: Breaker,
}

/// One page that is asked for.
pub(crate) struct Ask<'a> {
    pub(crate) fields: &'a [(String, String)],
    /// Parameters that paging adds.
    pub(crate) more: &'a [(String, String)],
    /// The page's own address, where the one before it gave one.
    pub(crate) link: Option<&'a Url>,
    pub(crate) validators: Option<&'a Validators>,
}

/// What an answer is known by, so that it is sent again only if it changed.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Validators {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_modified: Option<String>,
}

/// A page.
pub(crate) enum Got {
    Fresh {
        response: RawResponse,
        at: Timestamp,
        validators: Option<Validators>,
    },
    Unchanged {
        at: Timestamp,
    },
}

/// No page.
pub(crate) struct Failure {
    pub(crate) trouble: Trouble,
    /// What came instead, to be archived.
    pub(crate) response: Option<RawResponse>,
}

/// What a failure means for the next attempt.
enum Then {
    /// After a rest, as long as the provider asks for.
    Again(Option<Duration>),
    /// With another key; this one rests for so long.
    OtherKey(Seconds),
    /// Not now; the provider needs a rest.
    Rest,
    /// Not at all: it answered.
    Nothing,
}

/// For how long a key that is refused is not used, unless it is exchanged before.
const KEY_REST: Seconds = Seconds(3_600);

/// The same where the provider says that it was used too often, and not for how long.
const KEY_PAUSE: Seconds = Seconds(60);

impl Transport {
    pub(crate) fn new(definition: &Definition, settings: &FeedSettings) -> Result<Self, FeedError> {
        let feed = definition.source();
        let refused = |reason: String| FeedError::Settings {
            feed: feed.clone(),
            reason,
        };
        let base = settings
            .base_url
            .clone()
            .unwrap_or_else(|| definition.request.origin.clone());
        super::definition::check_origin(&base)
            .map_err(|reason| refused(format!("base_url {reason}")))?;
        if base.query().is_some()
            || base.fragment().is_some()
            || !base.username().is_empty()
            || base.password().is_some()
        {
            return Err(refused(
                "base_url has more than scheme, host, port and path: leave the rest out".to_owned(),
            ));
        }
        let limits = &definition.limits;
        let keys = Keys::new(definition, settings).map_err(refused)?;
        let home = base.origin();
        let same_host = redirect::Policy::custom(move |attempt| {
            if attempt.url().origin() == home && attempt.previous().len() <= REDIRECTS_MAX {
                attempt.follow()
            } else {
                attempt.stop()
            }
        });
        let client = Client::builder()
            .timeout(limits.timeout)
            .connect_timeout(limits.timeout)
            .tcp_nodelay(true)
            .user_agent(concat!("tocsin/", env!("CARGO_PKG_VERSION")))
            .redirect(same_host)
            // No environment variable decides who sees a key.
            .no_proxy()
            .build()
            .map_err(|source| FeedError::Client {
                feed: feed.clone(),
                source,
            })?;
        Ok(Self {
            provider: definition.provider.clone(),
            client,
            base,
            request: definition.request.clone(),
            timeout: limits.timeout,
            bytes: limits.bytes,
            attempts: limits.attempts,
            tolerance: definition.clock_tolerance,
            pace: Pace::new(
                settings.per_second.unwrap_or(limits.per_second),
                limits.in_flight,
            ),
            keys,
            breaker: Breaker::new(limits),
        })
    }

    /// Asks for one page, again where that may help.
    pub(crate) async fn get(&self, ask: &Ask<'_>, clock: &Clock) -> Result<Got, Failure> {
        let mut sent = 0;
        loop {
            let key = self
                .keys
                .lend(clock.now())
                .await
                .map_err(|(kind, reason)| self.failure(kind, reason))?;
            self.breaker
                .enter()
                .map_err(|reason| self.failure(TroubleKind::Breaker, reason))?;
            let permit = self.pace.enter(1).await.map_err(|failure| {
                let kind = match failure {
                    RequestFailure::Resting { .. } => TroubleKind::Throttled,
                    _ => TroubleKind::Unreachable,
                };
                self.failure(kind, whole(&failure))
            })?;
            key.count(clock.now())
                .map_err(|reason| self.failure(TroubleKind::Quota, reason))?;
            let answer = self.send(ask, key.secret(), clock).await;
            drop(permit);
            sent += 1;
            let (failure, then) = match answer {
                Ok(got) => {
                    self.pace.answered();
                    self.breaker.succeeded();
                    return Ok(got);
                }
                Err(failure) => failure,
            };
            let reason = failure.trouble.to_string();
            match then {
                Then::Again(asked) => {
                    self.pace.failed(asked, reason.clone());
                    // Who says when to come again is there.
                    if asked.is_none() {
                        self.breaker.failed(reason);
                    }
                    if sent >= self.attempts {
                        return Err(failure);
                    }
                }
                Then::OtherKey(rest) => {
                    key.rest(clock.now() + rest, reason);
                    if !self.keys.are_several()
                        || sent >= self.attempts.saturating_mul(self.keys.count())
                    {
                        return Err(failure);
                    }
                }
                Then::Rest => {
                    self.pace.failed(None, reason.clone());
                    self.breaker.failed(reason);
                    return Err(failure);
                }
                Then::Nothing => {
                    self.pace.answered();
                    self.breaker.succeeded();
                    return Err(failure);
                }
            }
        }
    }

    async fn send(
        &self,
        ask: &Ask<'_>,
        key: Option<&str>,
        clock: &Clock,
    ) -> Result<Got, (Failure, Then)> {
        let (url, shown, headers) = self
            .filled(ask, key)
            .map_err(|trouble| (trouble, Then::Nothing))?;
        let mut request = self.client.get(url).headers(headers);
        if let Some(Validators {
            etag,
            last_modified,
        }) = ask.validators
        {
            request = etag
                .iter()
                .fold(request, |request, etag| request.header(IF_NONE_MATCH, etag));
            request = last_modified.iter().fold(request, |request, date| {
                request.header(IF_MODIFIED_SINCE, date)
            });
        }
        let response = request.send().await.map_err(|error| self.broken(error))?;
        let status = response.status();
        let headers = response.headers().clone();
        let body = body::read(response, self.bytes)
            .await
            .map_err(|problem| match problem {
                body::Problem::Broken(error) => self.broken(error),
                body::Problem::TooLarge => {
                    let reason = format!(
                        "the answer is longer than {} bytes: if that is right, raise limits.bytes",
                        self.bytes
                    );
                    (self.failure(TroubleKind::TooLarge, reason), Then::Nothing)
                }
                body::Problem::Encoding(reason) => {
                    (self.failure(TroubleKind::Malformed, reason), Then::Nothing)
                }
            })?;
        let fetched_at = clock.now();
        if status == StatusCode::NOT_MODIFIED && ask.validators.is_some() {
            let at = self.answered_at(&headers, fetched_at).map_err(|trouble| {
                (
                    Failure {
                        trouble,
                        response: None,
                    },
                    Then::Nothing,
                )
            })?;
            return Ok(Got::Unchanged { at });
        }
        let response = RawResponse {
            hash: keccak256(&body),
            body,
            url: shown,
            status: status.as_u16(),
            fetched_at,
        };
        if !status.is_success() {
            return Err(self.refused(status, &headers, response, key.is_some()));
        }
        match self.answered_at(&headers, fetched_at) {
            Ok(at) => Ok(Got::Fresh {
                response,
                at,
                validators: validators(&headers),
            }),
            Err(trouble) => Err((
                Failure {
                    trouble,
                    response: Some(response),
                },
                Then::Nothing,
            )),
        }
    }

    /// Address, the address as it may be shown, and headers.
    fn filled(
        &self,
        ask: &Ask<'_>,
        key: Option<&str>,
    ) -> Result<(Url, String, HeaderMap), Failure> {
        let unfilled = || {
            self.failure(
                TroubleKind::Missing,
                "the address cannot be filled in: a field is missing, or leads elsewhere",
            )
        };
        let filled = self
            .request
            .fill(&self.base, ask.fields, key, ask.more)
            .ok_or_else(unfilled)?;
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        for (name, value) in filled.headers {
            let no_header = || {
                self.failure(
                    TroubleKind::Key,
                    format!(
                        "the header {name} has a character that no header can have: correct the key"
                    ),
                )
            };
            let header: HeaderName = name
                .parse()
                .map_err(|_no_name: reqwest::header::InvalidHeaderName| no_header())?;
            let mut value = HeaderValue::from_str(&value)
                .map_err(|_no_value: reqwest::header::InvalidHeaderValue| no_header())?;
            value.set_sensitive(true);
            headers.insert(header, value);
        }
        Ok(match ask.link {
            None => (filled.url, filled.shown, headers),
            Some(link) => (link.clone(), self.keys.scrub(link.as_str()), headers),
        })
    }

    /// The address of a next page as the provider gives it, which must be its own.
    pub(crate) fn link(&self, written: &str, page: &Url) -> Option<Url> {
        let Ok(link) = page.join(written) else {
            return None;
        };
        if link.origin() == self.base.origin() {
            return Some(link);
        }
        // Through a mirror, links still lead to the provider.
        if link.origin() != self.request.origin.origin() {
            return None;
        }
        let mut moved = self.base.clone();
        let path = format!("{}{}", moved.path().trim_end_matches('/'), link.path());
        moved.set_path(&path);
        moved.set_query(link.query());
        Some(moved)
    }

    /// The address of a first page, to resolve links against.
    pub(crate) fn address(&self, ask: &Ask<'_>) -> Option<Url> {
        self.request
            .fill(&self.base, ask.fields, Some(""), ask.more)
            .map(|filled| filled.url)
    }

    fn answered_at(
        &self,
        headers: &HeaderMap,
        fetched_at: Timestamp,
    ) -> Result<Timestamp, Trouble> {
        clock::answered_at(headers, fetched_at, self.tolerance).map_err(|(said, reason)| {
            Trouble::new(&self.provider, TroubleKind::WrongTime, reason)
                .at("Date")
                .saying(said)
        })
    }

    fn refused(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
        response: RawResponse,
        keyed: bool,
    ) -> (Failure, Then) {
        let said = excerpt(
            &self.keys.scrub(&String::from_utf8_lossy(&response.body)),
            EXCERPT_CHARS_MAX,
        );
        let asked = retry_after(headers);
        let (kind, reason, then) = match status.as_u16() {
            429 | 503 if asked.is_some() || status == StatusCode::TOO_MANY_REQUESTS => {
                let then = match asked {
                    asked if status == StatusCode::TOO_MANY_REQUESTS && self.keys.are_several() => {
                        Then::OtherKey(asked.map_or(KEY_PAUSE, clock::whole))
                    }
                    asked => Then::Again(asked),
                };
                (TroubleKind::Throttled, "it asks to be left alone", then)
            }
            401 | 403 if keyed => (
                TroubleKind::Key,
                "it refuses the key: exchange it, or wait until it is renewed",
                Then::OtherKey(KEY_REST),
            ),
            300..=399 => (
                TroubleKind::Status,
                "it leads elsewhere, where nothing is sent: correct the address in the feed's file",
                Then::Nothing,
            ),
            500..=599 => (TroubleKind::Status, "it fails", Then::Again(None)),
            _ => (
                TroubleKind::Status,
                "it does not answer this question",
                Then::Nothing,
            ),
        };
        let trouble = Trouble::new(&self.provider, kind, reason)
            .at(format!("HTTP status {}", status.as_u16()));
        let trouble = if said.is_empty() {
            trouble
        } else {
            trouble.saying(said)
        };
        (
            Failure {
                trouble,
                response: Some(response),
            },
            then,
        )
    }

    fn broken(&self, error: reqwest::Error) -> (Failure, Then) {
        if error.is_timeout() {
            let reason = format!("no complete answer within {} s", self.timeout.as_secs());
            return (self.failure(TroubleKind::Timeout, reason), Then::Rest);
        }
        // The address may hold a key.
        let reason = format!(
            "the connection failed: {}",
            self.keys.scrub(&whole(&error.without_url()))
        );
        (
            self.failure(TroubleKind::Unreachable, reason),
            Then::Again(None),
        )
    }

    fn failure(&self, kind: TroubleKind, reason: impl Into<String>) -> Failure {
        Failure {
            trouble: Trouble::new(&self.provider, kind, reason),
            response: None,
        }
    }
}

fn validators(headers: &HeaderMap) -> Option<Validators> {
    let text = |name: HeaderName| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    let validators = Validators {
        etag: text(ETAG),
        last_modified: text(LAST_MODIFIED),
    };
    (validators != Validators::default()).then_some(validators)
}
