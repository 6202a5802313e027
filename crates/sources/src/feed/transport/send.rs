//! One request, and what comes of it: a page, or why there is none.

use alloy::primitives::keccak256;
use reqwest::StatusCode;
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, LAST_MODIFIED,
};
use tocsin_domain::time::Timestamp;
use url::Url;

use super::refusal::Then;
use super::{Ask, Clock, Failure, Got, Transport, Validators, body, clock};
use crate::feed::{RawResponse, Trouble, TroubleKind};

impl Transport {
    pub(super) async fn send(
        &self,
        ask: &Ask<'_>,
        key: Option<&str>,
        clock: &Clock,
    ) -> Result<Got, (Failure, Then)> {
        let answered = |trouble| {
            let response = None;
            (Failure { trouble, response }, Then::Nothing)
        };
        let (url, shown, headers) = self.filled(ask, key).map_err(answered)?;
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
            let at = self.answered_at(&headers, fetched_at).map_err(answered)?;
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
    ) -> Result<(Url, String, HeaderMap), Trouble> {
        let unfilled = || {
            let reason = "the address cannot be filled in: a field is missing, or leads elsewhere";
            Trouble::new(&self.provider, TroubleKind::Missing, reason)
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
                let reason = format!(
                    "the header {name} has a character that no header can have: correct the key"
                );
                Trouble::new(&self.provider, TroubleKind::Key, reason)
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
            Some(link) => (
                link.clone(),
                self.keys.scrub(&self.request.shown_link(link)),
                headers,
            ),
        })
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
