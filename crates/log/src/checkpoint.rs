//! Checkpoints: how many leaves a log has, and their root, as C2SP `tlog-checkpoint` writes it.

use core::fmt;
use core::str::FromStr;

use crate::error::LogError;
use crate::hash::Hash;
use crate::note::{Note, SigningKey, VerifierKey};

/// A state of a log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checkpoint {
    /// Which log.
    pub origin: String,
    /// How many leaves.
    pub size: u64,
    /// Their root.
    pub root: Hash,
}

impl Checkpoint {
    /// As a note that `key` signs.
    pub fn sign(&self, key: &SigningKey) -> Result<String, LogError> {
        key.sign(&self.to_string())
    }

    /// From a note that `key` has signed; the log must be called like the key.
    pub fn verify(note: &str, key: &VerifierKey) -> Result<Self, LogError> {
        let note: Note = note.parse()?;
        let checkpoint: Self = note.verified(key)?.parse()?;
        if checkpoint.origin != key.name().as_str() {
            return Err(LogError::OtherOrigin {
                found: checkpoint.origin,
                wanted: key.name().to_string(),
            });
        }
        Ok(checkpoint)
    }
}

/// What a note says, whoever signed it.
impl TryFrom<&Note> for Checkpoint {
    type Error = LogError;

    fn try_from(note: &Note) -> Result<Self, LogError> {
        note.unverified().parse()
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}\n{}\n", self.origin, self.size, self.root)
    }
}

/// Lines after the third are extensions, which are not looked at.
impl FromStr for Checkpoint {
    type Err = LogError;

    fn from_str(text: &str) -> Result<Self, LogError> {
        let mut lines = text.split('\n');
        let (Some(origin), Some(size), Some(root), Some(_)) =
            (lines.next(), lines.next(), lines.next(), lines.next())
        else {
            return Err(LogError::Checkpoint("it has three lines"));
        };
        if origin.is_empty() {
            return Err(LogError::Checkpoint("it does not say of which log it is"));
        }
        let number: u64 = size
            .parse()
            .map_err(|_no_number| LogError::Checkpoint("its second line is not a number"))?;
        if number.to_string() != size {
            return Err(LogError::Checkpoint(
                "its number has leading zeros or a sign",
            ));
        }
        let root = Hash::from_base64(root).ok_or(LogError::Checkpoint(
            "its third line is not a hash in base64",
        ))?;
        Ok(Self {
            origin: origin.to_owned(),
            size: number,
            root,
        })
    }
}
