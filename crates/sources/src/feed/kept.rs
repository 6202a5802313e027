//! What the engine remembers of a subject, around what its reader does.

use alloy::primitives::B256;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use tocsin_domain::time::Timestamp;

use super::Look;
use super::reader::Reader;
use super::transport::Validators;

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub(super) struct Kept {
    /// How answers were read when the rest of this was so.
    #[serde(default)]
    pub(super) reading: B256,
    /// What the last answer is known by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) validators: Option<Validators>,
    /// When the first look was due that has failed since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) failing_since: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) failures: u32,
    /// Whether it was said already that nothing is known.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) missed: bool,
    /// The reader's.
    #[serde(default, skip_serializing_if = "Json::is_null")]
    pub(super) reader: Json,
}

impl Kept {
    /// Takes its memory out of a look, and leaves the reader's in it.
    pub(super) fn taken_from(mut look: Look, reading: B256, reader: &dyn Reader) -> (Look, Self) {
        // What cannot be read was written by another version: the subject is looked at as if for the first time, and its
        // watermark still keeps everything from being observed twice.
        let mut kept: Self = look
            .memory
            .take()
            .and_then(|memory| serde_json::from_value(memory).ok())
            .unwrap_or_default();
        if kept.reading != reading {
            // An answer that has not changed since does not say what it would be read as now, nor does what was read before.
            kept.validators = None;
            kept.reader = reader.outlasting(kept.reader);
            kept.reading = reading;
        }
        look.memory = match kept.reader.take() {
            Json::Null => None,
            memory => Some(memory),
        };
        (look, kept)
    }

    /// What all looks know the last answer by; nothing where they know different ones, or it has several pages.
    pub(super) fn common_validators(looks: &[(Look, Self)], is_paged: bool) -> Option<Validators> {
        let (_, first) = looks.first()?;
        let same = looks
            .iter()
            .all(|(_, kept)| kept.validators == first.validators);
        (same && !is_paged).then(|| first.validators.clone())?
    }

    /// As JSON, with the reader's memory in it.
    pub(super) fn with(mut self, reader: Json) -> Json {
        self.reader = reader;
        // Plain values under text keys: there is nothing that JSON could not write.
        serde_json::to_value(self).unwrap_or_default()
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes what it may skip by reference"
)]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes what it may skip by reference"
)]
fn is_false(flag: &bool) -> bool {
    !*flag
}
