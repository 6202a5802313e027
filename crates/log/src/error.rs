//! Everything that can be wrong with a log, a note or a proof.

/// What is wrong.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LogError {
    /// A text that is no signed note.
    #[error("this is no signed note: {0}")]
    Note(&'static str),
    /// A name that a key cannot have.
    #[error("`{0}` cannot name a key: it must have no spaces, no plus sign and no line breaks")]
    KeyName(String),
    /// A text that is no verifier key.
    #[error("this is no verifier key (name+hash+base64): {0}")]
    Key(&'static str),
    /// No signature of the key that was asked for, or a wrong one.
    #[error("the note is not signed by {0}")]
    Unsigned(String),
    /// A note whose text is no checkpoint.
    #[error("this is no checkpoint: {0}")]
    Checkpoint(&'static str),
    /// A checkpoint of another log.
    #[error("the checkpoint is of the log `{found}`, not of `{wanted}`")]
    OtherOrigin {
        /// What it names.
        found: String,
        /// What it should.
        wanted: String,
    },
    /// A path that names no tile.
    #[error("`{0}` is not the path of a tile")]
    TilePath(String),
    /// A tile of another length than its name says, or than the tree needs.
    #[error("tile {path} holds {found} hashes, and {needed} are needed")]
    ShortTile {
        /// Which.
        path: String,
        /// How many it holds.
        found: u64,
        /// How many are needed.
        needed: u64,
    },
    /// A tile that is not there.
    #[error("tile {0} is missing")]
    MissingTile(String),
    /// A bundle of entries that cannot be read.
    #[error("this is no bundle of entries: {0}")]
    Bundle(&'static str),
    /// An entry that is too long for a bundle.
    #[error("an entry has {0} bytes, and at most 65535 fit")]
    LongEntry(usize),
    /// A number of leaves or a place that does not make sense.
    #[error("{0}")]
    Range(&'static str),
    /// A proof that does not lead to the root.
    #[error("the proof does not lead to the root of {0} leaves")]
    Proof(u64),
}
