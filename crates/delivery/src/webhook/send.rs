//! One attempt: a signed request, and what came of it.

use core::fmt;
use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, redirect};
use tocsin_domain::time::Seconds;
use url::{Host, Url};

use super::guard::{Allowed, Forbidden};
use super::resolve::{Guarded, Lookup, Refused};
use super::secret::{Secret, signatures};
use crate::DeliveryError;

/// So much of an answer is read, so that the connection can be used again; one that says more loses it.
const MOST_ANSWER_BYTES: usize = 65_536;

/// How long a connection waits for the next message.
const IDLE: Duration = Duration::from_secs(60);

const USER_AGENT: &str = concat!("tocsin/", env!("CARGO_PKG_VERSION"));

/// How messages are sent.
#[derive(Clone, Debug)]
pub struct SenderSettings {
    /// Addresses beyond the public internet that may be connected to.
    pub allowed: Allowed,
    /// Whether plain HTTP is good enough.
    pub plain_http: bool,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long all of an attempt may take.
    pub total_timeout: Duration,
}

/// What is sent.
#[derive(Clone, Debug)]
pub struct Message {
    /// The same in every attempt.
    pub id: String,
    /// The JSON.
    pub body: Vec<u8>,
}

/// The receiver has taken a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Answer {
    /// The status, of 200 to 299.
    pub status: u16,
}

/// Why an attempt failed, in words for the endpoint's owner.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// What went wrong.
    pub reason: String,
    /// The status of the answer, where there was one.
    pub status: Option<u16>,
    /// How long the receiver wants not to be asked.
    pub retry_after: Option<Seconds>,
    /// The receiver says that it is gone for good.
    pub gone: bool,
}

impl Failure {
    fn of(reason: String) -> Self {
        Self {
            reason,
            status: None,
            retry_after: None,
            gone: false,
        }
    }
}

/// An address to which nothing can be sent.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum UrlRefusal {
    /// It is no URL.
    #[error("it is not a URL: write one that begins with https://")]
    NotAUrl,
    /// It is of another scheme.
    #[error("its scheme is `{0}`: only https is sent to")]
    Scheme(String),
    /// It has a user or a password.
    #[error(
        "it has a user name or a password, which would be sent to whoever answers: verify signatures instead"
    )]
    Credentials,
    /// It has a fragment.
    #[error("it has a fragment (#…), which is never sent: leave it out")]
    Fragment,
    /// Its address is not allowed.
    #[error("{address} is not allowed: it is {why}", why = why.0)]
    Address {
        /// The address.
        address: IpAddr,
        /// What it is.
        why: Forbidden,
    },
}

/// Sends messages.
#[derive(Clone)]
pub struct Sender {
    client: Client,
    settings: SenderSettings,
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Sender {
    /// A sender that asks `lookup` for addresses.
    pub fn new(settings: SenderSettings, lookup: Arc<dyn Lookup>) -> Result<Self, DeliveryError> {
        let resolver = Guarded {
            lookup,
            allowed: settings.allowed.clone(),
        };
        let client = Client::builder()
            .dns_resolver(Arc::new(resolver))
            .redirect(redirect::Policy::none())
            // A proxy would resolve names by itself.
            .no_proxy()
            .https_only(!settings.plain_http)
            .connect_timeout(settings.connect_timeout)
            .timeout(settings.total_timeout)
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(2)
            .tcp_nodelay(true)
            .user_agent(USER_AGENT)
            .referer(false)
            .build()
            .map_err(|source| DeliveryError::Client {
                endpoint: "webhooks".to_owned(),
                source,
            })?;
        Ok(Self { client, settings })
    }

    /// Whether something may be sent to an address, as far as can be said without asking anybody.
    pub fn check(&self, url: &str) -> Result<Url, UrlRefusal> {
        let url: Url = url.parse().map_err(|_no_url| UrlRefusal::NotAUrl)?;
        match url.scheme() {
            "https" => {}
            "http" if self.settings.plain_http => {}
            other => return Err(UrlRefusal::Scheme(other.to_owned())),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlRefusal::Credentials);
        }
        if url.fragment().is_some() {
            return Err(UrlRefusal::Fragment);
        }
        // An address in numbers is never asked for, so the resolver does not see it.
        let address = match url.host() {
            None => return Err(UrlRefusal::NotAUrl),
            Some(Host::Domain(_)) => return Ok(url),
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
        };
        match self.settings.allowed.check(address) {
            Ok(()) => Ok(url),
            Err(why) => Err(UrlRefusal::Address { address, why }),
        }
    }

    /// Makes one attempt at `now`.
    pub async fn send(
        &self,
        url: &str,
        message: &Message,
        secrets: &[Secret],
        now: i64,
    ) -> Result<Answer, Failure> {
        let url = self
            .check(url)
            .map_err(|refusal| Failure::of(format!("the address is refused: {refusal}")))?;
        let signed = signatures(secrets, &message.id, now, &message.body);
        let response = self
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &message.id)
            .header("webhook-timestamp", now.to_string())
            .header("webhook-signature", signed)
            .body(message.body.clone())
            .send()
            .await
            .map_err(|error| Failure::of(described(error)))?;
        judge(response, now).await
    }
}

async fn judge(response: Response, now: i64) -> Result<Answer, Failure> {
    let status = response.status();
    let retry_after = retry_after(response.headers(), now);
    // The status decides; the rest is read for the connection's sake, and a broken rest breaks nothing else.
    drain(response).await;
    if status.is_success() {
        return Ok(Answer {
            status: status.as_u16(),
        });
    }
    let reason = if status.is_redirection() {
        format!(
            "the receiver answered {status}; redirects are not followed, change the URL instead"
        )
    } else {
        format!("the receiver answered {status}")
    };
    Err(Failure {
        reason,
        status: Some(status.as_u16()),
        retry_after,
        gone: status == StatusCode::GONE,
    })
}

async fn drain(mut response: Response) {
    let mut read = 0_usize;
    while let Ok(Some(chunk)) = response.chunk().await {
        read = read.saturating_add(chunk.len());
        if read > MOST_ANSWER_BYTES {
            return;
        }
    }
}

/// How long the receiver wants not to be asked, in either form of the header (RFC 9110, 10.2.3). A date is compared with the
/// receiver's own clock where the answer shows it, since ours may be another.
fn retry_after(headers: &HeaderMap, now: i64) -> Option<Seconds> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Seconds(i64::from(seconds)));
    }
    let until = unix(text)?;
    let shown = headers.get(DATE).and_then(|date| date.to_str().ok());
    let from = shown.and_then(unix).unwrap_or(now);
    Some(Seconds(until.saturating_sub(from).max(0)))
}

/// The seconds since 1970 of a date in the words of HTTP.
fn unix(date: &str) -> Option<i64> {
    let date = httpdate::parse_http_date(date.trim()).ok()?;
    let since = date.duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok()
}

/// What went wrong, without the URL, whose path may be a secret of the receiver's.
fn described(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
    let mut last = error.to_string();
    while let Some(inner) = cause {
        if let Some(refused) = inner.downcast_ref::<Refused>() {
            return format!("the address is refused: {refused}");
        }
        last = inner.to_string();
        cause = inner.source();
    }
    if error.is_timeout() {
        if error.is_connect() {
            "no connection in time".to_owned()
        } else {
            "no answer in time".to_owned()
        }
    } else if error.is_connect() {
        format!("no connection: {last}")
    } else {
        format!("the request broke off: {last}")
    }
}
