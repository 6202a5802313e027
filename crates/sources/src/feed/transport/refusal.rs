//! Why there is no page, and what that means for the next attempt.

use core::time::Duration;

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use tocsin_domain::time::Seconds;

use super::{Failure, Transport, clock};
use crate::error::whole;
use crate::feed::trouble::excerpt;
use crate::feed::{RawResponse, Trouble, TroubleKind};
use crate::retry_after::retry_after;

/// How much of a refusal is shown.
const EXCERPT_CHARS_MAX: usize = 200;

/// What a failure means for the next attempt.
pub(super) enum Then {
    /// After a rest, as long as the provider asks for.
    Again(Option<Duration>),
    /// With another key; this one rests for so long.
    OtherKey(Seconds),
    /// Not with this key, if other questions are refused too.
    Forbidden,
    /// Not now; the provider needs a rest.
    Rest,
    /// Not at all: it answered.
    Nothing,
}

/// For how long a key that is refused is not used, unless it is exchanged before.
pub(super) const KEY_REST: Seconds = Seconds(3_600);

/// The same where the provider says that it was used too often, and not for how long.
const KEY_PAUSE: Seconds = Seconds(60);

impl Transport {
    pub(super) fn refused(
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
                        Then::OtherKey(asked.map_or(KEY_PAUSE, clock::whole).min(KEY_REST))
                    }
                    asked => Then::Again(asked),
                };
                (TroubleKind::Throttled, "it asks to be left alone", then)
            }
            401 if keyed => (
                TroubleKind::Key,
                "it refuses the key: exchange it, or wait until it is renewed",
                Then::OtherKey(KEY_REST),
            ),
            403 if keyed => (
                TroubleKind::Key,
                "it refuses this question, or the key",
                Then::Forbidden,
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

    pub(super) fn broken(&self, error: reqwest::Error) -> (Failure, Then) {
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

    pub(super) fn failure(&self, kind: TroubleKind, reason: impl Into<String>) -> Failure {
        Failure {
            trouble: Trouble::new(&self.provider, kind, reason),
            response: None,
        }
    }
}
