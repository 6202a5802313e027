//! A whole answer: one page after the other, each parsed, none missing, none twice.

use alloy::primitives::B256;
use serde_json::Value as Json;
use tocsin_domain::time::Timestamp;
use url::Url;

use super::definition::{By, Paging};
use super::engine::Feed;
use super::exact;
use super::reader::{Answered, Page};
use super::status_map::excerpt;
use super::transport::{Ask, Clock, Failure, Got, Keys, Validators};
use super::{RawResponse, Trouble, TroubleKind};

/// How much of a body that is not JSON is looked at, to be shown.
const SHOWN_BYTES: usize = 16 << 10;

/// What came.
pub(super) enum Fetched {
    Fresh {
        responses: Vec<RawResponse>,
        answered: Answered,
        validators: Option<Validators>,
    },
    Unchanged {
        at: Timestamp,
    },
}

/// Nothing whole came.
pub(super) struct Missed {
    pub(super) trouble: Trouble,
    /// What came instead.
    pub(super) responses: Vec<RawResponse>,
}

/// How the next page is asked for.
enum Further {
    Nothing,
    Link(Url),
    Parameter(String, String),
}

/// The pages so far.
#[derive(Default)]
struct Gathered {
    responses: Vec<RawResponse>,
    pages: Vec<Page>,
    at: Option<Timestamp>,
    validators: Option<Validators>,
}

impl Feed {
    /// Asks, page by page.
    pub(super) async fn fetch(
        &self,
        fields: &[(String, String)],
        validators: Option<&Validators>,
        clock: &Clock,
    ) -> Result<Fetched, Missed> {
        let mut gathered = Gathered::default();
        let mut more: Vec<(String, String)> = Vec::new();
        let mut link: Option<Url> = None;
        loop {
            let ask = Ask {
                fields,
                more: &more,
                link: link.as_ref(),
                validators,
            };
            match self.transport.get(&ask, clock).await {
                Ok(Got::Unchanged { at }) => return Ok(Fetched::Unchanged { at }),
                Err(Failure { trouble, response }) => {
                    gathered.responses.extend(response);
                    return Err(gathered.missed(trouble));
                }
                Ok(Got::Fresh {
                    response,
                    at,
                    validators,
                }) => {
                    if let Err(trouble) = gathered.take(
                        self.provider(),
                        &self.transport.keys,
                        self.transport.no_content_is_none(),
                        response,
                        at,
                        validators,
                    ) {
                        return Err(gathered.missed(trouble));
                    }
                }
            }
            let page = link.clone().or_else(|| self.transport.address(&ask));
            match self.further(&gathered, page.as_ref()) {
                Err(trouble) => return Err(gathered.missed(trouble)),
                Ok(Further::Link(next)) => link = Some(next),
                Ok(Further::Parameter(name, value)) => more = vec![(name, value)],
                Ok(Further::Nothing) => break,
            }
        }
        if let Some(trouble) = self.incomplete(&gathered) {
            return Err(gathered.missed(trouble));
        }
        let now = clock.now();
        Ok(Fetched::Fresh {
            answered: Answered {
                pages: gathered.pages,
                at: gathered.at.unwrap_or(now),
                now,
            },
            responses: gathered.responses,
            validators: gathered.validators.filter(|_| self.paging.is_none()),
        })
    }

    /// How it goes on after the last page.
    fn further(&self, gathered: &Gathered, address: Option<&Url>) -> Result<Further, Trouble> {
        let (Some(paging), Some(page)) = (&self.paging, gathered.pages.last()) else {
            return Ok(Further::Nothing);
        };
        let further = match &paging.by {
            By::Link { next, prefix } => match self.text_at(next, &page.json)? {
                None => Further::Nothing,
                Some(written) => {
                    let whole = match written.starts_with('/') && !written.starts_with("//") {
                        true => format!("{prefix}{written}"),
                        false => written.clone(),
                    };
                    let link = address.and_then(|address| self.transport.link(&whole, address));
                    let elsewhere = || {
                        let trouble = self.pages("leads to another host, where nothing is sent");
                        let shown = self.transport.keys.scrub(&written);
                        trouble.at(next.as_str()).saying(shown)
                    };
                    Further::Link(link.ok_or_else(elsewhere)?)
                }
            },
            By::Cursor { parameter, next } => match self.text_at(next, &page.json)? {
                None => Further::Nothing,
                Some(cursor) => Further::Parameter(parameter.clone(), cursor),
            },
            By::Number {
                parameter,
                first,
                last,
            } => {
                let count = i64::try_from(gathered.pages.len()).unwrap_or(i64::MAX);
                let written = self.text_at(last, &page.json)?;
                let last_page: Option<i64> = written.as_deref().and_then(|text| text.parse().ok());
                let unread = || {
                    self.pages("is no number of pages")
                        .at(last.as_str())
                        .saying(written.as_deref().unwrap_or("null"))
                };
                if first.saturating_add(count) > last_page.ok_or_else(unread)? {
                    Further::Nothing
                } else {
                    Further::Parameter(parameter.clone(), first.saturating_add(count).to_string())
                }
            }
        };
        let most = usize::try_from(paging.most).unwrap_or(usize::MAX);
        if !matches!(further, Further::Nothing) && gathered.pages.len() >= most {
            return Err(self.pages(format!(
                "the answer goes on after {most} pages: if that is right, raise pages.most"
            )));
        }
        Ok(further)
    }

    /// What shows that pages do not make a whole.
    fn incomplete(&self, gathered: &Gathered) -> Option<Trouble> {
        let Paging {
            total: Some((total, records)),
            ..
        } = self.paging.as_ref()?
        else {
            return None;
        };
        let found: usize = gathered
            .pages
            .iter()
            .map(|page| records.all(&page.json).len())
            .sum();
        for page in &gathered.pages {
            let said = match self.text_at(total, &page.json) {
                Ok(said) => said.unwrap_or_else(|| "null".to_owned()),
                Err(trouble) => return Some(trouble),
            };
            if said.parse() != Ok(found) {
                let reason = format!(
                    "there are {found} records on {} pages: one was left out, or came twice",
                    gathered.pages.len()
                );
                return Some(self.pages(reason).at(total.as_str()).saying(said));
            }
        }
        None
    }

    /// A text or a whole number; nothing where it is absent, null or empty.
    fn text_at(&self, path: &super::path::Path, page: &Json) -> Result<Option<String>, Trouble> {
        match path.one(page) {
            Ok(None | Some(Json::Null)) => Ok(None),
            Ok(Some(Json::String(text))) => Ok((!text.is_empty()).then(|| text.clone())),
            Ok(Some(Json::Number(number))) => Ok(Some(number.to_string())),
            Ok(Some(other)) => Err(self
                .pages("does not say how the answer goes on")
                .at(path.as_str())
                .saying(excerpt(other))),
            Err(several) => Err(self.pages(several.to_string()).at(path.as_str())),
        }
    }

    fn pages(&self, reason: impl Into<String>) -> Trouble {
        Trouble::new(self.provider(), TroubleKind::Pages, reason)
    }
}

impl Gathered {
    /// Takes a page, which must be JSON and another than those before it.
    fn take(
        &mut self,
        provider: &str,
        keys: &Keys,
        no_content_is_none: bool,
        response: RawResponse,
        at: Timestamp,
        validators: Option<Validators>,
    ) -> Result<(), Trouble> {
        let hash: B256 = response.hash;
        // Where the file says so, success without content means that there are no records.
        let body: &[u8] = match (response.status, response.body.len()) {
            (204, 0) if no_content_is_none => b"[]",
            _ => &response.body,
        };
        let parsed = exact::parse(body).map_err(|problem| {
            let trouble = Trouble::new(
                provider,
                TroubleKind::Malformed,
                format!("the answer is not JSON: {problem}"),
            );
            // A page may repeat what it was asked with.
            let shown = response.body.get(..SHOWN_BYTES).unwrap_or(&response.body);
            trouble
                .at("body")
                .saying(keys.scrub(&String::from_utf8_lossy(shown)))
        });
        self.responses.push(response);
        let page = Page {
            hash,
            json: parsed?,
        };
        if self.pages.iter().any(|before| before.hash == hash) {
            let number = self.pages.len() + 1;
            let reason = format!("page {number} of the answer is one that came before");
            return Err(Trouble::new(provider, TroubleKind::Pages, reason));
        }
        self.pages.push(page);
        // What all of them say is as old as the oldest.
        self.at = Some(self.at.map_or(at, |before| before.min(at)));
        self.validators = validators;
        Ok(())
    }

    fn missed(self, trouble: Trouble) -> Missed {
        Missed {
            trouble,
            responses: self.responses,
        }
    }
}
