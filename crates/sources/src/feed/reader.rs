//! What makes observations of answers: records as a definition names them, or an adapter for a kind of provider.

use alloy::primitives::{B256, keccak256};
use serde_json::Value as Json;
use tocsin_domain::observation::{Metric, Observation, Provenance, Subject};
use tocsin_domain::time::Timestamp;
use tocsin_domain::value::Type;

use super::{Look, Next, Trouble};

/// Reads the answers of one provider. The engine asks, pages, retries and checks the clock; a reader sees whole answers only.
pub(crate) trait Reader: Send + Sync {
    /// What it can observe, and of which type.
    fn offers(&self) -> &[(Metric, Type)];

    /// What the template of the address is filled with for this subject: names and values, before they are encoded. An error
    /// says what does not fit, and what a subject looks like.
    fn fields(&self, subject: &Subject) -> Result<Vec<(String, String)>, String>;

    /// When a subject is worth its first look; a time that is past means now.
    fn first_look(&self, subject: &Subject) -> Result<Timestamp, String>;

    /// What a complete answer says about a look. [`Look::memory`] is what this reader returned at its last look.
    fn read(&self, look: &Look, answer: &Answered) -> Reading;

    /// The same after a time, from `since` on, in which nobody looked who should have. What answers tell of the time since the
    /// last one needs nothing else; what is only so now is not known to have been so in between.
    fn read_after_gap(&self, look: &Look, answer: &Answered, _since: Timestamp) -> Reading {
        self.read(look, answer)
    }

    /// The provider says that nothing has changed since its last answer to this look, as of `at`.
    fn unchanged(&self, look: &Look, at: Timestamp, now: Timestamp) -> Reading;

    /// There was no answer for longer than the feed's patience: what was known is not known any more, since the look was due.
    fn missed(&self, look: &Look, now: Timestamp) -> Reading;

    /// From when on somebody may know what becomes of a subject, where that can be said.
    fn insurable_until(&self, _subject: &Subject) -> Option<Timestamp> {
        None
    }

    /// What of its memory outlasts a change of the definition: nothing that was read as answers are not read any more.
    fn outlasting(&self, _memory: Json) -> Json {
        Json::Null
    }

    /// How long after its last observation an unchanged value is observed again.
    fn repeats(&self) -> Option<tocsin_domain::time::Seconds> {
        None
    }
}

/// A complete answer.
pub(crate) struct Answered {
    /// At least one; every page of one logical request.
    pub(crate) pages: Vec<Page>,
    /// The provider's own time of the answer: its `Date` less its `Age`, which agrees with our clock; our clock where it
    /// gives none.
    pub(crate) at: Timestamp,
    /// Our clock, when it was complete.
    pub(crate) now: Timestamp,
}

/// One response, parsed.
pub(crate) struct Page {
    /// keccak-256 of the body, for [`tocsin_domain::observation::Provenance::Raw`].
    pub(crate) hash: B256,
    /// The body. A number that would lose digits as an f64 is a text there.
    pub(crate) json: Json,
}

/// What a reader made of it; becomes a [`super::Seen`].
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Reading {
    /// In the order of their times, all of them after the look's watermark and none after the new one.
    pub(crate) observations: Vec<Observation>,
    /// Never earlier than before.
    pub(crate) watermark: Option<Timestamp>,
    /// `None`: as the schedule of the definition says.
    pub(crate) next: Option<Next>,
    /// What it wants to be told at the next look.
    pub(crate) memory: Json,
    /// Why what is unknown is unknown.
    pub(crate) troubles: Vec<Trouble>,
    /// Something of this answer is still to be observed: the next one is needed even if nothing changes.
    pub(crate) held_back: bool,
}

impl Reading {
    /// Whether an answer that has not changed since says what this one said: not of one that was not understood, or would the
    /// trouble seem to be over.
    pub(crate) fn is_whole(&self) -> bool {
        !self.held_back && self.troubles.is_empty()
    }
}

/// Where an observation comes from that no response gave: the hash of no bytes.
pub(crate) fn no_response() -> Provenance {
    Provenance::Raw {
        hash: keccak256([]),
    }
}
