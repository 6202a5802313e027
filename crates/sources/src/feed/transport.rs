//! How a provider is asked: with which key, how often, how long, and what becomes of a failure.
//!
//! Promises: nothing is sent beyond the limits of the definition and the quota of a key, nor to another host; a body is never
//! longer than the limit, compressed or not; what is returned, logged or shown has no key in it.

mod body;
mod breaker;
mod clock;
mod keys;
mod refusal;
mod send;

use core::time::Duration;

use reqwest::{Client, redirect};
use serde::{Deserialize, Serialize};
use tocsin_domain::time::{Seconds, Timestamp};
use url::Url;

pub(crate) use self::breaker::Breaker;
pub(crate) use self::clock::Clock;
pub(crate) use self::keys::Keys;
use self::refusal::{KEY_REST, Then};
use super::definition::{Definition, RequestTemplate};
use super::{FeedError, FeedSettings, RawResponse, Trouble, TroubleKind};
use crate::error::{RequestFailure, whole};
use crate::feed::template::HIDDEN;
use crate::pace::Pace;

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
                    key.allowed();
                    return Ok(got);
                }
                Err(failure) => failure,
            };
            let reason = failure.trouble.to_string();
            let then = match then {
                // One question may be beyond what was paid for; a key that gets no answer to any is refused.
                Then::Forbidden if key.forbidden(ask) => Then::OtherKey(KEY_REST),
                Then::Forbidden => Then::Nothing,
                then => then,
            };
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
                Then::Forbidden | Then::Nothing => {
                    self.pace.answered();
                    self.breaker.succeeded();
                    return Err(failure);
                }
            }
        }
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

    /// Whether success without content says that there are no records.
    pub(crate) fn no_content_is_none(&self) -> bool {
        self.request.no_content_is_none
    }

    /// The address of a first page, to resolve links against.
    pub(crate) fn address(&self, ask: &Ask<'_>) -> Option<Url> {
        self.request
            .fill(&self.base, ask.fields, Some(HIDDEN), ask.more)
            .map(|filled| filled.url)
    }
}
