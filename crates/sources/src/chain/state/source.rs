//! A state source whose settings were checked.

use alloy::dyn_abi::Specifier;
use alloy::json_abi::Event;
use alloy::primitives::{Address, B256, Log, keccak256};
use tocsin_domain::coverage::Proof;
use tocsin_domain::observation::SourceId;
use tocsin_domain::value::Type;

use super::call::CallPlan;
use super::feed::FeedPlan;
use super::settings::{Reading, Schedule, StateSettings, WakingEvent};
use super::slot::SlotPlan;
use crate::SourceError;

/// A part of the chain's state, ready to be read.
#[derive(Clone, Debug)]
pub struct StateSource {
    settings: StateSettings,
    pub(crate) plan: Plan,
    /// Contract and topic of each waking event.
    waking: Vec<(Address, B256)>,
}

#[derive(Clone, Debug)]
pub(crate) enum Plan {
    Call(CallPlan),
    Slot(SlotPlan),
    Feed(FeedPlan),
}

impl StateSource {
    /// Checks that the settings fit together.
    ///
    /// # Errors
    ///
    /// [`SourceError::State`], which says which setting does not fit, and what to write.
    pub fn new(settings: StateSettings) -> Result<Self, SourceError> {
        Self::check(&settings).map_err(|reason| SourceError::State {
            id: settings.source.clone(),
            reason,
        })
    }

    /// What the source is.
    pub fn id(&self) -> &SourceId {
        &self.settings.source
    }

    /// What it was made from.
    pub fn settings(&self) -> &StateSettings {
        &self.settings
    }

    /// A hash of everything that decides which observations a block gives.
    pub fn fingerprint(&self) -> B256 {
        let StateSettings {
            source,
            subject,
            metric,
            schedule,
            from_block,
            reading,
        } = &self.settings;
        keccak256(format!(
            "{source:?} {subject:?} {metric:?} {schedule:?} {from_block} {reading:?}"
        ))
    }

    /// The type of its values.
    pub fn value_type(&self) -> Type {
        match &self.plan {
            Plan::Call(call) => call.value_type(),
            Plan::Slot(slot) => slot.value_type(),
            Plan::Feed(feed) => feed.value_type(),
        }
    }

    /// The first block that is read.
    pub fn from_block(&self) -> u64 {
        self.settings.from_block
    }

    /// What shows that a reading of it is the chain's: storage is proven, of a call there is the node's word.
    pub fn proof(&self) -> Proof {
        match self.plan {
            Plan::Slot(_) => Proof::Root,
            Plan::Call(_) | Plan::Feed(_) => Proof::Word,
        }
    }

    /// The events that must be read to know when it is due: contract and topic.
    pub fn wakes_on(&self) -> &[(Address, B256)] {
        &self.waking
    }

    /// Whether it is read at the block with this number and these logs, of which only the waking events matter.
    pub fn is_due<'l>(&self, block: u64, logs: impl IntoIterator<Item = &'l Log>) -> bool {
        if block < self.settings.from_block {
            return false;
        }
        let every = self.settings.schedule.every_blocks;
        every.is_some_and(|blocks| block.is_multiple_of(blocks.get()))
            || logs.into_iter().any(|log| {
                self.waking.iter().any(|(contract, topic)| {
                    log.address == *contract && log.topics().first() == Some(topic)
                })
            })
    }

    /// The block with which a reading at `block` is compared; `None` where there was none before.
    pub(crate) fn compared_with(&self, block: u64) -> Option<u64> {
        let step = self
            .settings
            .schedule
            .every_blocks
            .map_or(1, |blocks| blocks.get());
        block
            .checked_sub(step)
            .filter(|before| *before >= self.settings.from_block)
    }

    fn check(settings: &StateSettings) -> Result<Self, String> {
        let waking = check_schedule(&settings.schedule)?;
        let plan = match &settings.reading {
            Reading::Call(call) => {
                let plan = CallPlan::check(call)?;
                let fragment = check_identity(&settings.source, "call", call.address)?;
                let after = fragment.strip_prefix(plan.name());
                if after.is_none_or(|after| {
                    after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
                }) {
                    return Err(format!(
                        "the source's name has `#{fragment}`, but `function` declares `{}`; write the name's end as \
                         `#{}`, and what else tells it from others behind that",
                        plan.name(),
                        plan.name()
                    ));
                }
                Plan::Call(plan)
            }
            Reading::Storage(storage) => {
                let plan = SlotPlan::check(storage)?;
                if check_identity(&settings.source, "storage", storage.address)?.is_empty() {
                    return Err(
                        "the source's name has no slot; write `storage:<CAIP-10>#slot`".to_owned(),
                    );
                }
                Plan::Slot(plan)
            }
            Reading::Feed(feed) => {
                let plan = FeedPlan::check(feed)?;
                check_identity(&settings.source, "chainlink", feed.proxy)?;
                check_feed_schedule(&settings.schedule, feed.sequencer.is_some())?;
                Plan::Feed(plan)
            }
        };
        Ok(Self {
            settings: settings.clone(),
            plan,
            waking,
        })
    }
}

fn check_schedule(schedule: &Schedule) -> Result<Vec<(Address, B256)>, String> {
    if schedule.every_blocks.is_none() && schedule.events.is_empty() {
        return Err(
            "`every_blocks` and `events` are both missing, so it would never be read; write `every_blocks = 25`, or the \
             events after which the value may be another"
                .to_owned(),
        );
    }
    schedule.events.iter().map(waking).collect()
}

fn waking(event: &WakingEvent) -> Result<(Address, B256), String> {
    let declared = Event::parse(&event.event).map_err(|error| {
        format!(
            "`events` has `{}`, which is not an event declaration: {error}; write it as Solidity does, such as \
             `Paused(address account)`",
            event.event
        )
    })?;
    if declared.anonymous {
        return Err(format!(
            "`events` has `{}`, which is anonymous; only events with a signature topic can be told apart",
            event.event
        ));
    }
    declared
        .inputs
        .iter()
        .try_for_each(|input| input.resolve().map(drop))
        .map_err(|error| {
            format!(
                "`events` has `{}`, which cannot be decoded: {error}",
                event.event
            )
        })?;
    Ok((event.contract, declared.selector()))
}

/// A feed's news is what differs from the reading before, so there must be one block that this was.
fn check_feed_schedule(schedule: &Schedule, has_sequencer: bool) -> Result<(), String> {
    if schedule.every_blocks.is_some() && !schedule.events.is_empty() {
        return Err(
            "a feed is read either by `every_blocks` or by `events`; leave one out".to_owned(),
        );
    }
    if has_sequencer && schedule.every_blocks.is_none() {
        return Err(
            "`sequencer` needs `every_blocks`: an outage ends and begins without an event of the feed".to_owned(),
        );
    }
    Ok(())
}

/// What follows the `#` in `kind:eip155:1:0x…#…`, whose address must be the one that is read.
fn check_identity<'s>(
    source: &'s SourceId,
    kind: &str,
    address: Address,
) -> Result<&'s str, String> {
    let (account, fragment) = source
        .as_str()
        .split_once('#')
        .unwrap_or((source.as_str(), ""));
    let named = account
        .strip_prefix(kind)
        .and_then(|rest| rest.strip_prefix(':'))
        .and_then(|account| account.rsplit_once(':'))
        .and_then(|(_chain, address)| address.parse::<Address>().ok());
    match named {
        Some(named) if named == address => Ok(fragment),
        Some(named) => Err(format!(
            "the source's name has the contract {named}, the settings read {address}; they must be the same"
        )),
        None => Err(format!(
            "the source's name does not say what is read; write `{kind}:`, the chain and the contract, such as \
             `{kind}:eip155:1:{address:?}`"
        )),
    }
}
