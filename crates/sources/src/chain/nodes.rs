//! The endpoints of a chain: which of them count, which one reads, and who is to blame for what.
//!
//! Promises: no endpoint counts that serves another chain, or that was caught and has not shown itself since; where too few
//! count, nothing is read, and the error names all that do not, with reasons.

use core::time::Duration;
use std::sync::{Mutex, PoisonError};

use futures_util::future::join_all;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tocsin_domain::cover::Finality;
use tokio::time::{Instant, timeout_at};

use super::blocks::FinalHead;
use super::node::Node;
use super::node::health::{Discipline, EndpointReport, Offence};
use super::{ChainSettings, Endpoint};
use crate::SourceError;
use crate::error::Contradiction;

/// Endpoints that are not needed for an agreement are waited for this long, and this much longer than the needed ones took.
const GRACE: Duration = Duration::from_millis(500);
const GRACE_FACTOR: u32 = 4;
const GRACE_MAX: Duration = Duration::from_secs(2);

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

/// An endpoint that answered, and its final head.
#[derive(Clone)]
pub(crate) struct Seen<'a> {
    pub(crate) node: &'a Node,
    /// Whether its word counts; otherwise it is on probation.
    pub(crate) counts: bool,
    /// `None` where no block is final.
    pub(crate) head: Option<FinalHead>,
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

    /// Asks all that are not left alone for their final head. Returns when as many as must agree have answered, and the others
    /// have had their time.
    pub(crate) async fn poll(&self) -> Result<Vec<Seen<'_>>, SourceError> {
        let counting = self.counting()?;
        let counts = |node: &Node| counting.iter().any(|other| other.index == node.index);
        let mut waiting: Vec<&Node> = self
            .nodes
            .iter()
            .filter(|node| counts(node) || node.health().probation().is_some())
            .collect();
        let mut asked: FuturesUnordered<_> =
            waiting.iter().map(|node| self.head_of(node)).collect();
        let begun = Instant::now();
        let mut end = None;
        let mut seen = Vec::new();
        let mut trouble = None;
        loop {
            let answer = match end {
                None => asked.next().await,
                Some(end) => match timeout_at(end, asked.next()).await {
                    Ok(answer) => answer,
                    Err(_late) => break,
                },
            };
            let Some((node, answer)) = answer else { break };
            waiting.retain(|other| other.index != node.index);
            match answer {
                Ok(head) => {
                    let number = head.as_ref().map(|head: &FinalHead| head.number);
                    node.health().answered(number);
                    seen.push(Seen {
                        node,
                        counts: counts(node),
                        head,
                    });
                }
                Err(error) => {
                    self.blame(&error);
                    trouble = trouble.or(Some(error));
                }
            }
            if seen.iter().filter(|seen| seen.counts).count() >= self.needed {
                // Who was late the last time is not waited for again.
                if waiting.iter().all(|node| node.health().is_silent()) {
                    break;
                }
                end.get_or_insert_with(|| {
                    let longer = begun.elapsed() * GRACE_FACTOR;
                    Instant::now() + longer.clamp(GRACE, GRACE_MAX)
                });
            }
        }
        drop(asked);
        for node in waiting {
            let late = node.health().is_late();
            if late > self.patience {
                let reason = format!("no answer for {} s, while others answer", late.as_secs());
                self.punish(node, Offence::Unreachable, &reason);
            }
        }
        let answered = seen.iter().filter(|seen| seen.counts).count();
        if answered >= self.needed {
            return Ok(seen);
        }
        match trouble {
            Some(error) if self.nodes.len() == 1 => Err(error),
            _ => Err(self.too_few(answered)),
        }
    }

    async fn head_of<'a>(
        &self,
        node: &'a Node,
    ) -> (&'a Node, Result<Option<FinalHead>, SourceError>) {
        let answer = async {
            let due = node.health().is_due();
            if due {
                node.greet(self.chain_id).await?;
                node.health().greeted();
            }
            node.final_head(self.finality).await
        };
        (node, answer.await)
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

    /// Whether somebody else than this one could be asked.
    pub(crate) fn has_others(&self, than: &Endpoint) -> bool {
        self.counting().is_ok_and(|counting| {
            counting
                .iter()
                .any(|node| node.endpoint() != than && !node.rpc.is_resting())
        })
    }

    /// Notes who is to blame for an error, and benches who has to be.
    pub(crate) fn blame(&self, error: &SourceError) {
        let (endpoint, offence) = match error {
            SourceError::Request { attempt, .. } | SourceError::MissingBlock { attempt } => {
                (&attempt.endpoint, None)
            }
            SourceError::Contradiction {
                attempt,
                contradiction,
            } => (&attempt.endpoint, offence_of(contradiction)),
            SourceError::Lagging { endpoint, .. } => (endpoint, None),
            SourceError::WrongChain { endpoint, .. } => {
                if let Some(node) = self.named(endpoint) {
                    node.health().refuse(whole(error), endpoint);
                }
                return;
            }
            _ => return,
        };
        let Some(node) = self.named(endpoint) else {
            return;
        };
        let reason = whole(error);
        match (offence, error) {
            (Some(offence), _) => self.punish(node, offence, &reason),
            // To be behind, or to be short of a block, is no failure.
            (None, SourceError::Lagging { .. }) => node.health().note(&reason),
            (None, _) if self.is_alone(node) => node.health().note(&reason),
            (None, _) => node.health().failed(&reason, self.rules, endpoint),
        }
    }

    /// Benches an endpoint, unless there is no other to go on with: then its errors speak for themselves.
    pub(crate) fn punish(&self, node: &Node, offence: Offence, reason: &str) {
        if self.is_alone(node) {
            node.health().note(reason);
        } else {
            node.health()
                .bench(offence, reason, self.rules, node.endpoint());
        }
    }

    /// This endpoint said the same as the others.
    pub(crate) fn praise(&self, node: &Node) {
        let mut health = node.health();
        health.succeeded();
        health.agreed(self.rules, node.endpoint());
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

    fn named(&self, endpoint: &Endpoint) -> Option<&Node> {
        self.nodes.iter().find(|node| node.endpoint() == endpoint)
    }

    fn is_alone(&self, node: &Node) -> bool {
        self.nodes
            .iter()
            .all(|other| other.index == node.index || other.health().is_refused())
    }
}

/// What an endpoint has done that said this; `None` where several nodes behind its address may just have disagreed.
fn offence_of(contradiction: &Contradiction) -> Option<Offence> {
    match contradiction {
        Contradiction::BrokenLink { .. } | Contradiction::NotTheFinalHead { .. } => None,
        Contradiction::Outvoted { .. } => Some(Offence::Forked),
        _ => Some(Offence::Lied),
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

/// The error and everything that it was caused by.
fn whole(error: &SourceError) -> String {
    let mut text = error.to_string();
    let mut cause = core::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
