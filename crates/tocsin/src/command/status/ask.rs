//! Asking the service.

use core::fmt;
use std::path::Path;
use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tocsin_auth::KeyId;
use url::Url;

use crate::clock::Clock;
use crate::command::client;

/// How long an answer may take: whoever asks how a service is does not want to wait for one that hangs.
const PATIENCE: Duration = Duration::from_secs(10);
/// Entries of a page, as many as the API gives.
const PAGE: u32 = 500;
/// Pages of a list that is counted: beyond, it is enough to know that there are more.
const PAGES: u32 = 4;

/// Who is asked, and by whom.
pub(super) struct Asking<'a> {
    pub(super) base: Url,
    pub(super) by: Option<(&'a KeyId, &'a Path)>,
    pub(super) clock: &'a dyn Clock,
}

/// Why something is not known.
#[derive(Clone, Debug)]
pub(super) enum Unseen {
    /// It needs a key.
    Refused(StatusCode),
    /// The service has no such thing.
    Absent,
    /// Anything else.
    Failed(String),
}

impl fmt::Display for Unseen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(status) => write!(
                f,
                "the service answered {status}: name a key with the scope `read` (--key, --key-file)"
            ),
            Self::Absent => f.write_str("the service has no such thing"),
            Self::Failed(why) => f.write_str(why),
        }
    }
}

/// What a list tells about its length.
#[derive(Clone, Copy)]
pub(super) struct Length {
    pub(super) count: u64,
    /// There are more.
    pub(super) more: bool,
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.count)?;
        if self.more {
            f.write_str(" and more")?;
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct ListPage {
    next: Option<String>,
    #[serde(flatten)]
    rest: serde_json::Map<String, serde_json::Value>,
}

impl Asking<'_> {
    /// An answer as it is. That of `/health/ready` is one also where it says that the service is not ready.
    async fn ask(&self, path: &str, query: Option<&str>) -> Result<Vec<u8>, Unseen> {
        let mut url = self.base.clone();
        url.set_path(path);
        url.set_query(query);
        // Whether it is ready the service says without a key, which may have ended.
        let by = self.by.filter(|_| path != "/health/ready");
        let asked = client::get(&url, by, PATIENCE, self.clock).await;
        let (status, body) = asked.map_err(|report| {
            let said = report.to_string();
            Unseen::Failed(said.trim_start_matches("error: ").to_owned())
        })?;
        match status {
            StatusCode::OK => Ok(body),
            StatusCode::SERVICE_UNAVAILABLE if path == "/health/ready" => Ok(body),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(Unseen::Refused(status)),
            StatusCode::NOT_FOUND => Err(Unseen::Absent),
            _ => Err(Unseen::Failed(format!("{url} answered {status}"))),
        }
    }

    /// An answer in JSON.
    pub(super) async fn json<T: DeserializeOwned>(&self, path: &str) -> Result<T, Unseen> {
        let body = self.ask(path, None).await?;
        read(path, &body)
    }

    /// An answer in words.
    pub(super) async fn text(&self, path: &str) -> Result<String, Unseen> {
        let body = self.ask(path, None).await?;
        String::from_utf8(body).map_err(|_binary| strange(path, "it is no text"))
    }

    /// The first entries of a list, and whether there are more. `query` is what is asked for beside the page, after `&`.
    pub(super) async fn entries<T: DeserializeOwned>(
        &self,
        path: &str,
        list: &str,
        query: &str,
    ) -> Result<(Vec<T>, bool), Unseen> {
        let query = format!("limit={PAGE}{query}");
        let mut page: ListPage = read(path, &self.ask(path, Some(&query)).await?)?;
        let entries = page.rest.remove(list).unwrap_or_default();
        let entries = serde_json::from_value(entries)
            .map_err(|error| strange(path, &format!("`{list}`: {error}")))?;
        Ok((entries, page.next.is_some()))
    }

    /// How long a list is.
    pub(super) async fn length(
        &self,
        path: &str,
        list: &str,
        query: &str,
    ) -> Result<Length, Unseen> {
        let mut length = Length {
            count: 0,
            more: true,
        };
        let mut next: Option<String> = None;
        for _ in 0..PAGES {
            let cursor = next.map_or_else(String::new, |next| format!("&cursor={next}"));
            let query = format!("limit={PAGE}{query}{cursor}");
            let page: ListPage = read(path, &self.ask(path, Some(&query)).await?)?;
            let Some(entries) = page.rest.get(list).and_then(serde_json::Value::as_array) else {
                return Err(strange(path, &format!("it has no `{list}`")));
            };
            length.count += u64::try_from(entries.len()).unwrap_or(u64::MAX);
            next = page.next;
            if next.is_none() {
                length.more = false;
                break;
            }
        }
        Ok(length)
    }
}

fn read<T: DeserializeOwned>(path: &str, body: &[u8]) -> Result<T, Unseen> {
    serde_json::from_slice(body).map_err(|error| strange(path, &error.to_string()))
}

fn strange(path: &str, why: &str) -> Unseen {
    Unseen::Failed(format!(
        "{path} did not answer as a tocsin of this version does: {why}"
    ))
}
