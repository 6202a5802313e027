//! The keys of a provider: which one is used, how often it was today, and when it rests.
//!
//! Promises: no key makes more requests in a UTC day than its quota; one that is refused rests, and the next is used; one that is
//! exchanged in its file is used without a restart; none is ever shown.

use core::num::NonZeroU32;
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use tocsin_domain::time::Timestamp;

use crate::feed::definition::Definition;
use crate::feed::template::HIDDEN;
use crate::feed::{FeedSettings, KeyHealth, KeyText, TroubleKind, Usage};

/// What the requests of a feed without keys are counted under.
const NONE: &str = "none";

const DAY_SECONDS: i64 = 86_400;

/// So many different questions that are forbidden in a row show that the key is.
const FORBIDDEN_MAX: usize = 3;

/// A shorter part of a key is no secret.
const PART_BYTES_MIN: usize = 4;

pub(crate) struct Keys(Vec<Key>);

struct Key {
    name: String,
    text: Option<KeyText>,
    per_day: Option<NonZeroU32>,
    state: Mutex<State>,
}

struct State {
    /// What the file said last.
    read: Option<SecretString>,
    day: i64,
    used: u32,
    rest: Option<Rest>,
    /// Different questions that were forbidden since the last answer.
    forbidden: BTreeSet<Vec<(String, String)>>,
}

struct Rest {
    until: Timestamp,
    reason: String,
}

/// A key for one request.
pub(crate) struct Lent<'a> {
    key: &'a Key,
    secret: Option<SecretString>,
}

impl Keys {
    pub(crate) fn new(definition: &Definition, settings: &FeedSettings) -> Result<Self, String> {
        let needed = definition.needs_key();
        match (needed, settings.keys.is_empty()) {
            (true, true) => return Err("the provider asks for a key, and there is none: add it to `keys`".to_owned()),
            (false, false) => return Err("the feed's file has no place for a key: leave `keys` out, or write {key} into a header".to_owned()),
            _ => {}
        }
        let usual = settings.per_day.or(definition.limits.per_day);
        let key = |name: &str, text: Option<KeyText>, per_day: Option<NonZeroU32>| Key {
            name: name.to_owned(),
            text,
            per_day: per_day.or(usual),
            state: Mutex::new(State {
                read: None,
                day: 0,
                used: 0,
                rest: None,
                forbidden: BTreeSet::new(),
            }),
        };
        if !needed {
            return Ok(Self(vec![key(NONE, None, None)]));
        }
        let mut names: Vec<&str> = settings.keys.iter().map(|key| key.name.as_str()).collect();
        names.sort_unstable();
        let twice = names
            .iter()
            .zip(names.iter().skip(1))
            .find(|(one, next)| one == next);
        if let Some((name, _)) = twice {
            return Err(format!(
                "two keys are called `{name}`, and their use is counted by name: call one of them otherwise"
            ));
        }
        Ok(Self(
            settings
                .keys
                .iter()
                .map(|one| key(&one.name, Some(one.text.clone()), one.per_day))
                .collect(),
        ))
    }

    pub(crate) fn are_several(&self) -> bool {
        self.0.len() > 1
    }

    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    /// The first key that may be used now; or why none may.
    pub(crate) async fn lend(&self, now: Timestamp) -> Result<Lent<'_>, (TroubleKind, String)> {
        let mut reasons = Vec::new();
        let mut kind = TroubleKind::Key;
        for key in &self.0 {
            let secret = match key.secret().await {
                Ok(secret) => secret,
                Err(reason) => {
                    reasons.push(format!("key {}: {reason}", key.name));
                    continue;
                }
            };
            match key.state().refuses(now, key.per_day) {
                None => return Ok(Lent { key, secret }),
                Some((why, reason)) => {
                    if why == TroubleKind::Quota {
                        kind = why;
                    }
                    reasons.push(format!("key {}: {reason}", key.name));
                }
            }
        }
        Err((kind, format!("no key can be used: {}", reasons.join("; "))))
    }

    /// A text without any key that is in it.
    pub(crate) fn scrub(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for part in self.parts() {
            text = text.replace(part.expose_secret(), HIDDEN);
        }
        text
    }

    /// The same of a text that was cut, and may end in the middle of a key.
    pub(crate) fn scrub_cut(&self, text: &str) -> String {
        let text = self.scrub(text);
        let Some(kept) = text.strip_suffix('…') else {
            return text;
        };
        for part in self.parts() {
            let part = part.expose_secret();
            let beginnings = part
                .char_indices()
                .map(|(at, _)| at)
                .filter(|at| *at >= PART_BYTES_MIN);
            let begun = beginnings
                .rev()
                .find_map(|at| kept.strip_suffix(part.get(..at)?));
            if let Some(before) = begun {
                return format!("{before}{HIDDEN}…");
            }
        }
        text
    }

    /// All keys as they may be written: the whole first, then what two-part keys are made of, plainly and in an address.
    fn parts(&self) -> Vec<SecretString> {
        let mut parts = Vec::new();
        for key in &self.0 {
            let state = key.state();
            let secrets = [state.read.as_ref(), key.fixed()];
            for secret in secrets
                .into_iter()
                .flatten()
                .map(ExposeSecret::expose_secret)
            {
                let halves = secret.split_once(':').map(|(id, secret)| [secret, id]);
                for part in core::iter::once(secret).chain(halves.into_iter().flatten()) {
                    if !part.is_empty() {
                        parts.push(SecretString::from(part));
                        let encoded = utf8_percent_encode(part, NON_ALPHANUMERIC).to_string();
                        parts.push(SecretString::from(encoded));
                    }
                }
            }
        }
        parts
    }

    pub(crate) fn usage(&self) -> Vec<Usage> {
        let of = |key: &Key| {
            let state = key.state();
            Usage {
                key: key.name.clone(),
                day: state.day,
                requests: state.used,
            }
        };
        self.0.iter().map(of).collect()
    }

    /// What was used before a restart; the greater number counts.
    pub(crate) fn restore(&self, usage: &[Usage]) {
        for used in usage {
            for key in self.0.iter().filter(|key| key.name == used.key) {
                let mut state = key.state();
                if used.day > state.day {
                    (state.day, state.used) = (used.day, used.requests);
                } else if used.day == state.day {
                    state.used = state.used.max(used.requests);
                }
            }
        }
    }

    pub(crate) fn health(&self) -> Vec<KeyHealth> {
        let of = |key: &Key| {
            let state = key.state();
            KeyHealth {
                name: key.name.clone(),
                used: state.used,
                per_day: key.per_day.map(NonZeroU32::get),
                resting: state
                    .rest
                    .as_ref()
                    .map(|rest| format!("until {}: {}", rest.until, rest.reason)),
            }
        };
        self.0.iter().map(of).collect()
    }
}

impl Key {
    /// The key as it is now. A file is read every time: it is short, and may have been exchanged.
    async fn secret(&self) -> Result<Option<SecretString>, String> {
        let path = match &self.text {
            None => return Ok(None),
            Some(KeyText::Text(text)) => return Ok(Some(text.clone())),
            Some(KeyText::File(path)) => path,
        };
        let read = tokio::fs::read_to_string(path).await;
        let text =
            read.map_err(|error| format!("its file {} cannot be read: {error}", path.display()))?;
        let text = text.trim();
        if text.is_empty() {
            return Err(format!("its file {} is empty", path.display()));
        }
        let mut state = self.state();
        if state
            .read
            .as_ref()
            .is_none_or(|before| before.expose_secret() != text)
        {
            // Another key is not to blame for what the one before it did.
            state.rest = None;
            state.forbidden.clear();
            state.read = Some(SecretString::from(text));
        }
        Ok(state.read.clone())
    }

    fn fixed(&self) -> Option<&SecretString> {
        match &self.text {
            Some(KeyText::Text(text)) => Some(text),
            Some(KeyText::File(_)) | None => None,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Its fields stand for themselves: a panic elsewhere leaves them whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Why the key may not be used.
    fn refuses(
        &mut self,
        now: Timestamp,
        per_day: Option<NonZeroU32>,
    ) -> Option<(TroubleKind, String)> {
        if self.rest.as_ref().is_some_and(|rest| rest.until <= now) {
            self.rest = None;
        }
        if let Some(rest) = &self.rest {
            return Some((
                TroubleKind::Key,
                format!("it rests until {}, because: {}", rest.until, rest.reason),
            ));
        }
        self.used_up(now, per_day)
            .map(|reason| (TroubleKind::Quota, reason))
    }

    fn used_up(&mut self, now: Timestamp, per_day: Option<NonZeroU32>) -> Option<String> {
        let day = now.0.div_euclid(DAY_SECONDS);
        if day > self.day {
            (self.day, self.used) = (day, 0);
        }
        let most = per_day?.get();
        (self.used >= most).then(|| format!("its {most} requests of this UTC day are used up"))
    }
}

impl Lent<'_> {
    pub(crate) fn secret(&self) -> Option<&str> {
        self.secret.as_ref().map(ExposeSecret::expose_secret)
    }

    /// Counts a request that is sent now. Others may have used up the key since it was lent.
    pub(crate) fn count(&self, now: Timestamp) -> Result<(), String> {
        let mut state = self.key.state();
        match state.used_up(now, self.key.per_day) {
            Some(reason) => Err(format!("key {}: {reason}", self.key.name)),
            None => {
                state.used = state.used.saturating_add(1);
                Ok(())
            }
        }
    }

    /// Counts a question that was forbidden. Whether so many different ones were, without an answer in between, that it is the
    /// key that is refused.
    pub(crate) fn forbidden(&self, ask: &super::Ask<'_>) -> bool {
        let mut state = self.key.state();
        state.forbidden.insert(ask.fields.to_vec());
        let is_the_key = state.forbidden.len() >= FORBIDDEN_MAX;
        if is_the_key {
            state.forbidden.clear();
        }
        is_the_key
    }

    /// A question was answered.
    pub(crate) fn allowed(&self) {
        self.key.state().forbidden.clear();
    }

    /// The key is not used for a while.
    pub(crate) fn rest(&self, until: Timestamp, reason: String) {
        self.key.state().rest = Some(Rest { until, reason });
    }
}
