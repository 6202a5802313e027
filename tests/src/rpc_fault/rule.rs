//! Which answers are spoiled: by method, block, chance and count.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Fault;
use crate::anvil::quantity;
use crate::random::Random;

/// How a client is connected.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// One HTTP request.
    Http,
    /// A message on a WebSocket.
    WebSocket,
}

/// A fault, and the answers that it is done to. Of several rules that apply to an answer the first counts.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What is done.
    pub fault: Fault,
    /// The methods; none means every one. Notices of subscriptions are [`super::NOTICE`] and must be named.
    #[serde(default)]
    pub methods: Vec<String>,
    /// The first parameter; `None` for any.
    #[serde(default)]
    pub about: Option<Value>,
    /// Answers about one of the blocks from the first to the second number; `None` for any.
    #[serde(default)]
    pub blocks: Option<(u64, u64)>,
    /// How many of a hundred answers, by chance.
    #[serde(default = "always")]
    pub percent: u32,
    /// How many answers are left alone before the first.
    #[serde(default)]
    pub skip: u32,
    /// How many answers are spoiled; `None` until the node is healed.
    #[serde(default)]
    pub times: Option<u32>,
    /// Over which transport; `None` for both.
    #[serde(default)]
    pub over: Option<Transport>,
}

fn always() -> u32 {
    100
}

impl Rule {
    /// Every answer.
    pub fn new(fault: Fault) -> Self {
        Self {
            fault,
            methods: Vec::new(),
            about: None,
            blocks: None,
            percent: always(),
            skip: 0,
            times: None,
            over: None,
        }
    }

    /// Only of this method, and of those named so before.
    pub fn of(mut self, method: &str) -> Self {
        self.methods.push(method.to_owned());
        self
    }

    /// Only about these blocks.
    pub fn blocks(mut self, blocks: RangeInclusive<u64>) -> Self {
        self.blocks = Some(blocks.into_inner());
        self
    }

    /// Only so many of a hundred, by chance.
    pub fn percent(mut self, percent: u32) -> Self {
        self.percent = percent;
        self
    }

    /// Only after this many others.
    pub fn skip(mut self, skip: u32) -> Self {
        self.skip = skip;
        self
    }

    /// Only so often.
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Only over this transport.
    pub fn over(mut self, transport: Transport) -> Self {
        self.over = Some(transport);
        self
    }

    fn is_about(&self, call: &Value, blocks: Option<(u64, u64)>) -> bool {
        let method = &call["method"];
        let named = self.methods.iter().any(|name| name == method);
        if !named && (!self.methods.is_empty() || method == super::NOTICE) {
            return false;
        }
        let about = self.about.as_ref();
        if about.is_some_and(|about| *about != call["params"][0]) {
            return false;
        }
        match (self.blocks, blocks) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some((first, last)), Some((from, to))) => from <= last && to >= first,
        }
    }
}

/// The rules of a node, and how often each has been applied.
#[derive(Debug)]
pub(super) struct Rules {
    rules: Vec<(Rule, u32)>,
    chance: Random,
}

/// What is to be done to one answer.
#[derive(Clone, Debug)]
pub(super) struct Spoil {
    pub(super) fault: Fault,
    pub(super) blocks: Option<(u64, u64)>,
}

impl Rules {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            rules: Vec::new(),
            chance: Random::from_seed(seed),
        }
    }

    pub(super) fn add(&mut self, rule: Rule) {
        self.rules.push((rule, 0));
    }

    pub(super) fn clear(&mut self) {
        self.rules.clear();
    }

    /// Whether a rule needs to know which block a request by hash is about.
    pub(super) fn ask_for_blocks(&self) -> bool {
        self.rules.iter().any(|(rule, _)| rule.blocks.is_some())
    }

    /// What is to be done to the answer of `call`, which is about these blocks. `batch` is the size of the batch that it
    /// came in.
    pub(super) fn choose(
        &mut self,
        call: &Value,
        blocks: Option<(u64, u64)>,
        batch: Option<usize>,
        over: Transport,
    ) -> Option<Spoil> {
        for (rule, applied) in &mut self.rules {
            let here = rule.over.is_none_or(|transport| transport == over);
            if !here || !rule.is_about(call, blocks) || !rule.fault.fits(call, batch) {
                continue;
            }
            if rule.percent < 100 && self.chance.below(100) >= rule.percent {
                continue;
            }
            let turn = *applied;
            let end = rule.times.map(|times| times.saturating_add(rule.skip));
            if end.is_some_and(|end| turn >= end) {
                continue;
            }
            *applied = turn.saturating_add(1);
            if turn >= rule.skip {
                return Some(Spoil {
                    fault: rule.fault.clone(),
                    blocks: rule.blocks,
                });
            }
        }
        None
    }

    /// The rules as JSON, each with how many answers it has met.
    pub(super) fn listed(&self) -> Value {
        self.rules
            .iter()
            .map(|(rule, met)| json!({"rule": rule, "met": met}))
            .collect()
    }
}

/// The blocks that a request is about, where its parameters say so by number.
pub(super) fn blocks_of(call: &Value) -> Option<(u64, u64)> {
    let first = &call["params"][0];
    if call["method"] == "eth_getLogs" {
        return Some((number(&first["fromBlock"])?, number(&first["toBlock"])?));
    }
    let block = number(first)?;
    Some((block, block))
}

/// The hash by which a request names its block.
pub(super) fn hash_of(call: &Value) -> Option<&str> {
    let first = &call["params"][0];
    let hash = first.as_str().or_else(|| first["blockHash"].as_str())?;
    (hash.len() == 66).then_some(hash)
}

fn number(value: &Value) -> Option<u64> {
    let text = value.as_str()?;
    (text.starts_with("0x") && text.len() <= 18).then(|| quantity(value))
}
