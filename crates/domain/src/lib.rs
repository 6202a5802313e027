//! The only crate that decides.
//!
//! Covers, the trigger language, evaluation, determinations, claims and attestation payloads, as pure functions of
//! observations and terms. Promises: no I/O, no async, no clock, no floating point; the same terms and observations
//! give the same bytes on every machine.

pub mod attestation;
pub mod bundle;
pub mod calendar;
pub mod claim;
pub mod cover;
pub mod coverage;
pub mod cursor;
pub mod decimal;
pub mod determination;
pub mod diagnostic;
pub mod eval;
pub mod evidence;
pub mod explain;
pub mod ids;
pub mod json_tree;
pub mod lang;
pub mod observation;
pub mod policy;
pub mod quorum;
pub mod real;
pub mod reasoning;
mod replay;
pub mod risk;
pub mod time;
pub mod value;
