//! The whole error space of storage.

/// Why a transaction had no effect.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database could not be opened or brought up to date.
    #[error("cannot open the database {place}: {remedy}")]
    Open {
        /// Which database.
        place: String,
        /// What to do.
        remedy: String,
        /// What the driver said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Another connection holds the database; trying again later is right.
    #[error("the database is busy while it was asked to {attempt}")]
    Busy {
        /// What was attempted.
        attempt: &'static str,
        /// What the driver said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// There is no room left. Nothing is lost; trying again helps once somebody has made room.
    #[error("the disk is full, so the database could not {attempt}; make room, then start again")]
    Full {
        /// What was attempted.
        attempt: &'static str,
        /// What the driver said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The database refused or broke.
    #[error("the database failed to {attempt}")]
    Failed {
        /// What was attempted.
        attempt: &'static str,
        /// What the driver said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A stored row cannot be what it claims to be.
    #[error("the stored {noun} `{key}` is not valid: {reason}")]
    InvalidRow {
        /// What it should be.
        noun: &'static str,
        /// Which one.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// What was to be written contradicts what is stored; nothing was written.
    #[error("{noun} `{key}` is already stored and differs: {reason}")]
    Conflict {
        /// What it is.
        noun: &'static str,
        /// Which one.
        key: String,
        /// How they differ.
        reason: String,
    },
    /// What was to be written is not valid in itself, or not in the state that the stored one is in; nothing was written.
    /// A mistake of the caller's.
    #[error("{noun} `{key}` was refused: {reason}")]
    Refused {
        /// What it is.
        noun: &'static str,
        /// Which one.
        key: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Somebody else has moved on since the work was read; read it again.
    #[error("{noun} `{key}` has changed since it was read")]
    Stale {
        /// What it is.
        noun: &'static str,
        /// Which one.
        key: String,
    },
    /// The chain took back what this rests on; nothing was written. It goes on once somebody has looked and cleared the
    /// halt.
    #[error(
        "{noun} `{key}` is halted, because {chain} took back a final block; look at the halt, and clear it"
    )]
    Halted {
        /// What it is.
        noun: &'static str,
        /// Which one.
        key: String,
        /// The chain, by its CAIP-2 identifier.
        chain: String,
    },
    /// What the write refers to is not stored.
    #[error("there is no {noun} `{key}`")]
    Missing {
        /// What it is.
        noun: &'static str,
        /// Which one.
        key: String,
    },
}

impl StoreError {
    /// Whether the same call may succeed later without anybody's help.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Busy { .. } | Self::Stale { .. } => true,
            Self::Open { .. }
            | Self::Full { .. }
            | Self::Failed { .. }
            | Self::InvalidRow { .. }
            | Self::Conflict { .. }
            | Self::Refused { .. }
            | Self::Halted { .. }
            | Self::Missing { .. } => false,
        }
    }
}
