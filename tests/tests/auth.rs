//! Signed requests over real HTTP, on a real database: who is let in, who is not, and what is done to keys meanwhile.
#![expect(clippy::unwrap_used, reason = "what cannot be set up is a failed test")]

#[path = "auth/admission.rs"]
mod admission;
#[path = "auth/closed.rs"]
mod closed;
#[path = "auth/management.rs"]
mod management;
#[path = "auth/rotation.rs"]
mod rotation;
#[path = "auth/streams.rs"]
mod streams;
#[path = "auth/terms.rs"]
mod terms;

use std::time::Duration;

use reqwest::Client as Http;

fn http() -> Http {
    Http::builder()
        .timeout(Duration::from_secs(20))
        .build()
        .unwrap()
}
