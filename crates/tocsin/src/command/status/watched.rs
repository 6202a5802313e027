//! What is watched: chains and feeds.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::ask::Unseen;
use super::{Page, Section, counted};

#[derive(Deserialize)]
struct ChainList {
    chains: BTreeMap<String, Chain>,
}

#[derive(Deserialize)]
struct Chain {
    endpoints: Vec<Endpoint>,
}

#[derive(Deserialize)]
struct Endpoint {
    endpoint: String,
    standing: String,
    reason: Option<String>,
    final_head: Option<u64>,
}

#[derive(Deserialize)]
struct SourceList {
    sources: Vec<Source>,
}

#[derive(Deserialize)]
struct Source {
    source: String,
    chain: String,
    seen_until: Option<String>,
    block: Option<u64>,
    halted: Option<Halt>,
}

#[derive(Deserialize)]
struct Halt {
    since: String,
    block: u64,
}

#[derive(Deserialize)]
struct FeedList {
    feeds: BTreeMap<String, Feed>,
}

#[derive(Deserialize)]
struct Feed {
    breaker: String,
    last_answer_at: Option<String>,
    last_trouble: Option<String>,
    last_trouble_at: Option<String>,
    subjects: Subjects,
    next_due_at: Option<String>,
}

#[derive(Deserialize)]
struct Subjects {
    open: u64,
    needs_person: u64,
    troubled: u64,
}

impl Page<'_> {
    /// Each chain: how far it is final, how far it was read, through what.
    pub(super) async fn chains(&self) -> Section {
        Section {
            title: "Chains",
            lines: self.chain_lines().await,
        }
    }

    async fn chain_lines(&self) -> Result<Vec<String>, Unseen> {
        let ChainList { chains } = self.asking.json("/v1/chains").await?;
        if chains.is_empty() {
            return Ok(vec!["none is watched".to_owned()]);
        }
        let SourceList { sources } = self.asking.json("/v1/sources").await?;
        let mut lines = Vec::new();
        for (name, chain) in &chains {
            let of_chain = || sources.iter().filter(|source| source.chain == *name);
            lines.push(chain.line(name, of_chain().min_by_key(|source| source.block)));
            for endpoint in &chain.endpoints {
                if endpoint.standing != "trusted" {
                    let reason = endpoint.reason.as_deref().unwrap_or("no reason is known");
                    lines.push(format!(
                        "  {} is {}: {reason}",
                        endpoint.endpoint, endpoint.standing
                    ));
                }
            }
            for source in of_chain() {
                if let Some(halt) = &source.halted {
                    lines.push(format!(
                        "  HALTED since {} at block {}: {} (tocsin chain resume {name})",
                        halt.since, halt.block, source.source
                    ));
                }
            }
        }
        Ok(lines)
    }

    /// Each feed: whether it answers, and what it is asked about.
    pub(super) async fn feeds(&self) -> Section {
        let asked = self.asking.json::<FeedList>("/v1/feeds").await;
        let lines = asked.map(|list| {
            if list.feeds.is_empty() {
                return vec!["none is polled".to_owned()];
            }
            list.feeds
                .iter()
                .flat_map(|(name, feed)| feed.lines(name))
                .collect()
        });
        Section {
            title: "Feeds",
            lines,
        }
    }
}

impl Chain {
    /// `slowest` is the source that was read least far.
    fn line(&self, name: &str, slowest: Option<&Source>) -> String {
        let heads = self.endpoints.iter().filter_map(|known| known.final_head);
        let head = heads.max();
        let trusted = self.endpoints.iter();
        let trusted = trusted.filter(|known| known.standing == "trusted").count();
        let finality = head.map_or_else(
            || "no final block is known".to_owned(),
            |head| format!("final up to block {head}"),
        );
        let read = match slowest {
            None => "no source is read from it".to_owned(),
            Some(Source {
                block: Some(block),
                seen_until,
                ..
            }) => {
                let behind = head.map_or_else(String::new, |head| {
                    format!(", {} behind", head.saturating_sub(*block))
                });
                let until = seen_until.as_deref().unwrap_or("no known time");
                format!("read up to block {block} of {until}{behind}")
            }
            Some(_) => "nothing was read yet".to_owned(),
        };
        format!(
            "{name}: {finality}, {read}; {trusted} of {} trusted",
            counted(
                u64::try_from(self.endpoints.len()).unwrap_or(u64::MAX),
                "endpoint",
                "endpoints"
            )
        )
    }
}

impl Feed {
    fn lines(&self, name: &str) -> Vec<String> {
        let asked = match self.breaker.as_str() {
            "closed" => "is asked",
            "open" => "is left alone for a while",
            _ => "is tried again",
        };
        let answered = self.last_answer_at.as_deref().map_or_else(
            || "has not answered yet".to_owned(),
            |at| format!("answered last {at}"),
        );
        let next = self.next_due_at.as_deref();
        let next = next.map_or_else(String::new, |at| format!(", next at {at}"));
        let mut lines = vec![format!(
            "{name}: {asked}, {answered}; {}, {} in trouble, {} for a person{next}",
            counted(self.subjects.open, "subject", "subjects"),
            self.subjects.troubled,
            self.subjects.needs_person,
        )];
        if let (Some(trouble), Some(at)) = (&self.last_trouble, &self.last_trouble_at) {
            lines.push(format!("  last trouble {at}: {trouble}"));
        }
        lines
    }
}
