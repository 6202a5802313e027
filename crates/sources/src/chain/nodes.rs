//! The endpoints of a chain: which of them count, which one reads, and who is to blame for what.
//!
//! Promises: no endpoint counts that serves another chain, or that was caught and has not shown itself since; where too few
//! count, nothing is read, and the error names all that do not, with reasons.

mod blame;
mod poll;

use core::time::Duration;
use std::sync::{Mutex, PoisonError};

use futures_util::future::join_all;
use tocsin_domain::cover::Finality;

pub(crate) use self::poll::Seen;
use super::node::Node;
use super::node::health::{Discipline, EndpointReport, Offence};
use super::{ChainSettings, Endpoint};
use crate::SourceError;
use crate::error::whole;

/// An endpoint that is further behind with its final blocks is not followed.
const STEPS_BEHIND_MAX: u64 = 32;

/// The endpoints of a chain.
pub(crate) struct Nodes {
    nodes: Vec<Node>,
    pub(crate) chain_id: u64,
    pub(crate) finality: Finality,
    /// How many must agree.
    pub(crate) needed: usize,
    agreement: u32,
    patience: Duration,
    rules: Discipline,
    /// By how much each has read less than its share.
    turns: Mutex<Vec<i64>>,
}

impl Nodes {
    /// Connects to all of them; as many as must agree have to answer.
    pub(crate) async fn connect(settings: &ChainSettings) -> Result<Self, SourceError> {
        let needed = usize::try_from(settings.agreement.get()).unwrap_or(usize::MAX);
        if settings.endpoints.len() < needed {
            return Err(SourceError::Agreement {
                chain_id: settings.chain_id,
                agreement: settings.agreement.get(),
                endpoints: settings.endpoints.len(),
            });
        }
        let nodes: Vec<Node> = settings
            .endpoints
            .iter()
            .zip(names(settings))
            .enumerate()
            .map(|(index, (endpoint, name))| {
                Node::new(index, endpoint, name, settings.request_timeout)
            })
            .collect::<Result<_, _>>()?;
        let all = Self {
            turns: Mutex::new(vec![0; nodes.len()]),
            nodes,
            chain_id: settings.chain_id,
            finality: settings.finality,
            needed,
            agreement: settings.agreement.get(),
            patience: settings.request_timeout,
            rules: Discipline {
                bench: settings.bench,
                probation: settings.probation.get(),
            },
        };
        all.greet().await?;
        Ok(all)
    }

    async fn greet(&self) -> Result<(), SourceError> {
        let greetings: Vec<_> = self
            .nodes
            .iter()
            .map(|node| node.greet(self.chain_id))
            .collect();
        let answers = join_all(greetings).await;
        let right = answers.iter().filter(|answer| answer.is_ok()).count();
        let mut trouble = None;
        for (node, answer) in self.nodes.iter().zip(answers) {
            if let Err(error) = answer {
                if error.is_transient() {
                    let reason = whole(&error);
                    node.health()
                        .bench(Offence::Unreachable, &reason, self.rules, node.endpoint());
                    trouble = trouble.or(Some(error));
                } else {
                    node.health().refuse(whole(&error), node.endpoint());
                    // What a person has to mend comes first.
                    trouble = Some(error);
                }
            }
        }
        match trouble {
            Some(error) if right < self.needed => Err(error),
            _ => Ok(()),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter()
    }

    /// Those whose word counts: the trusted. Where they are too few, those that were merely out of reach count again; and those
    /// that were caught only if they are a majority, so that they cannot be right against the others.
    pub(crate) fn counting(&self) -> Result<Vec<&Node>, SourceError> {
        let mut counting: Vec<&Node> = self
            .nodes
            .iter()
            .filter(|node| node.health().is_trusted())
            .collect();
        if counting.len() >= self.needed {
            return Ok(counting);
        }
        let back = |from: fn(Offence) -> bool| {
            self.nodes
                .iter()
                .filter(move |node| node.health().probation().is_some_and(from))
        };
        counting.extend(back(|offence| offence == Offence::Unreachable));
        if counting.len() >= self.needed {
            return Ok(counting);
        }
        counting.extend(back(|offence| offence != Offence::Unreachable));
        let all = self
            .nodes
            .iter()
            .filter(|node| !node.health().is_refused())
            .count();
        if counting.len() >= self.needed && counting.len() > all / 2 {
            return Ok(counting);
        }
        Err(self.too_few(counting.len()))
    }

    /// Chooses who reads: by weight, and rather one that is well.
    pub(crate) fn lead<'a>(&self, among: &[&'a Node]) -> Option<&'a Node> {
        let well = |node: &&&Node| !node.health().is_shaky() && !node.rpc.is_resting();
        let mut able: Vec<&Node> = among
            .iter()
            .filter(well)
            .filter(|node| node.weight > 0)
            .copied()
            .collect();
        if able.is_empty() {
            able = among.iter().filter(well).copied().collect();
        }
        if able.is_empty() {
            able = among.to_vec();
        }
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        let mut total = 0;
        for node in &able {
            let weight = i64::from(node.weight.max(1));
            total += weight;
            if let Some(turn) = turns.get_mut(node.index) {
                *turn += weight;
            }
        }
        let chosen = able
            .iter()
            .rev()
            .max_by_key(|node| turns.get(node.index).copied())?;
        if let Some(turn) = turns.get_mut(chosen.index) {
            *turn -= total;
        }
        among
            .iter()
            .find(|node| node.index == chosen.index)
            .copied()
    }

    /// Chooses who is followed: always the same one, while it is well and keeps up, since the newest blocks may differ from one
    /// to the other.
    pub(crate) fn steady<'a>(&self, among: &[&'a Node]) -> Option<&'a Node> {
        let head = |node: &Node| node.health().final_head.unwrap_or(0);
        let furthest = among.iter().map(|node| head(node)).max()?;
        let worth = |node: &&&Node| {
            let well = !node.health().is_shaky() && !node.rpc.is_resting();
            let keeps_up = head(node).saturating_add(STEPS_BEHIND_MAX) >= furthest;
            (well, keeps_up, node.weight)
        };
        among.iter().rev().max_by_key(worth).copied()
    }

    /// Whether somebody else than this one could be asked.
    pub(crate) fn has_others(&self, than: &Endpoint) -> bool {
        self.counting().is_ok_and(|counting| {
            counting
                .iter()
                .any(|node| node.endpoint() != than && !node.rpc.is_resting())
        })
    }

    /// How all of them are doing.
    pub(crate) fn report(&self) -> Vec<EndpointReport> {
        let furthest = self
            .nodes
            .iter()
            .filter(|node| node.health().is_trusted())
            .filter_map(|node| node.health().final_head)
            .max()
            .unwrap_or(0);
        self.nodes
            .iter()
            .map(|node| {
                let health = node.health();
                EndpointReport {
                    endpoint: node.endpoint().clone(),
                    weight: node.weight,
                    standing: health.standing(self.rules),
                    resting: node.rpc.is_resting(),
                    final_head: health.final_head,
                    behind: health
                        .final_head
                        .map_or(0, |head| furthest.saturating_sub(head)),
                    last_trouble: health.last_trouble().map(str::to_owned),
                    troubles: health.troubles,
                }
            })
            .collect()
    }

    /// An error that says that too few can be asked, and what is the matter with the others.
    pub(crate) fn too_few(&self, usable: usize) -> SourceError {
        let troubles = self.report().into_iter().filter_map(|report| {
            match (&report.standing, &report.last_trouble) {
                (super::Standing::Trusted, None) => None,
                (super::Standing::Trusted, Some(trouble)) => {
                    Some(format!("{}: {trouble}", report.endpoint))
                }
                (standing, _) => Some(format!("{} is {standing}", report.endpoint)),
            }
        });
        SourceError::TooFewEndpoints {
            chain_id: self.chain_id,
            needed: self.agreement,
            usable,
            troubles: troubles.collect::<Vec<_>>().join("; "),
        }
    }
}

/// The names under which the endpoints are shown, which differ.
fn names(settings: &ChainSettings) -> Vec<Endpoint> {
    let mut names: Vec<Endpoint> = Vec::new();
    for endpoint in &settings.endpoints {
        let name = Endpoint::from(&endpoint.url);
        let same = settings
            .endpoints
            .iter()
            .take(names.len())
            .filter(|other| Endpoint::from(&other.url) == name)
            .count();
        names.push(if same == 0 {
            name
        } else {
            name.numbered(same + 1)
        });
    }
    names
}
