//! The embedded backend: everything that Tocsin remembers, in one SQLite file.
//!
//! Promises what the traits of `tocsin-store` promise. On `Ok` the effect survives the end of the process and of the
//! machine (write-ahead log, `synchronous=FULL`); on `Err` there is none. One process at a time has a database
//! ([`SqliteStore::open`]) and fills it; others may answer from it meanwhile ([`SqliteStore::open_beside`]). In each one connection
//! writes and a few read.
//!
//! The SQL is checked against the migrations when it is compiled. What sqlx learned of each query is committed in `.sqlx`,
//! so that building needs no database; `cargo xtask sql` writes it anew after a query or a migration changed.

mod answers;
mod attestations;
mod attestors;
mod backlog;
mod batches;
mod browse;
mod bulk;
mod claims;
mod column;
mod coverage;
mod covers;
mod credentials;
mod declarations;
mod deliveries;
mod determinations;
mod disagreements;
mod epochs;
mod error;
mod events;
mod grounds;
mod halts;
mod imports;
mod inceptions;
mod lives;
mod log;
mod looks;
mod migrate;
mod mirrors;
mod neighbour;
mod observations;
mod open;
mod place;
mod policies;
mod proofs;
mod put_away;
mod quorums;
mod renewals;
mod reservations;
mod responses;
mod schema;
mod snapshots;
mod sources;
mod standings;
mod steps;
mod store;
mod streams;
mod unwind;
mod version;
mod warnings;
mod webhooks;

pub use migrate::{Schema, SchemaStep};
pub use neighbour::Neighbour;
pub use store::SqliteStore;
