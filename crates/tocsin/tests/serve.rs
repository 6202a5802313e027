//! Two processes on one database: `tocsin run`, which fills it, and `tocsin serve`, which answers from it. Both are real processes
//! of the real program, and whoever asks them speaks HTTP.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what cannot be set up is a failed test"
)]

#[path = "serve/caller.rs"]
mod caller;
#[path = "serve/keys.rs"]
mod keys;
#[path = "serve/news.rs"]
mod news;
#[path = "serve/pair.rs"]
mod pair;
#[path = "serve/refusals.rs"]
mod refusals;
#[path = "serve/restarts.rs"]
mod restarts;
