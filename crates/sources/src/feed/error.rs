//! What is wrong with a feed before anything is asked: its file, its settings, or a subject.

use tocsin_domain::observation::{SourceId, Subject};

/// A feed that cannot be used as it is configured.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// A key of a definition is wrong.
    #[error("{file}{}: {key}: {reason}", line.map_or_else(String::new, |line| format!(":{line}")))]
    Definition {
        /// The file, as it was named.
        file: String,
        /// The line, where it is known.
        line: Option<usize>,
        /// The key, dotted: `fields.price.path`.
        key: String,
        /// What is wrong, and what to write.
        reason: String,
    },
    /// The settings do not fit the definition.
    #[error("feed {feed}: {reason}")]
    Settings {
        /// The feed.
        feed: SourceId,
        /// What is wrong, and what to set.
        reason: String,
    },
    /// A subject that the feed cannot ask about.
    #[error("feed {feed} cannot ask about {subject}: {reason}")]
    Subject {
        /// The feed.
        feed: SourceId,
        /// What was to be looked at.
        subject: Subject,
        /// What does not fit, and what a subject of this feed looks like.
        reason: String,
    },
    /// No HTTP client could be built.
    #[error("cannot set up an HTTP client for feed {feed}")]
    Client {
        /// The feed.
        feed: SourceId,
        /// What the HTTP library says.
        #[source]
        source: reqwest::Error,
    },
}
