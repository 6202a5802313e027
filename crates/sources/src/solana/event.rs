//! What programs logged in a block.

use alloy::primitives::U256;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use tocsin_domain::observation::{Observation, Sequence};
use tocsin_domain::value::Value;

use super::blocks::{Block, Transaction};
use super::invocations::{Invocations, Line};
use super::source::{Kind, Seen};
use super::{ProgramEventSettings, SolanaSource};
use crate::error::Contradiction;

/// The observations of a block, by transaction, log line and source.
///
/// A log that was cut off, or that nobody can follow, is an observation without value of each source whose program the transaction
/// names: whether the program logged its event there is not known.
pub(crate) fn observe(
    sources: &[&SolanaSource],
    block: &Block,
) -> Result<Vec<Observation>, Contradiction> {
    let readers: Vec<Reader<'_>> = sources
        .iter()
        .filter_map(|source| match &source.kind {
            Kind::Event(settings) if block.slot >= settings.from_slot => Some(Reader {
                source,
                settings,
                program: settings.program.to_string(),
            }),
            Kind::Event(_) | Kind::Account(_) => None,
        })
        .collect();
    let mut observations = Vec::new();
    for transaction in &block.transactions {
        // No program runs in a transaction that does not name it.
        let named: Vec<&Reader<'_>> = readers
            .iter()
            .filter(|reader| transaction.accounts.contains(&reader.program))
            .collect();
        if !named.is_empty() {
            observations.extend(of_transaction(&named, block, transaction)?);
        }
    }
    Ok(observations)
}

/// An event source, and the address of its program as logs write it.
struct Reader<'a> {
    source: &'a SolanaSource,
    settings: &'a ProgramEventSettings,
    program: String,
}

fn of_transaction(
    named: &[&Reader<'_>],
    block: &Block,
    transaction: &Transaction,
) -> Result<Vec<Observation>, Contradiction> {
    let (slot, index) = (block.slot, transaction.index);
    let no_outcome = Contradiction::NoOutcome { slot, index };
    let lines = transaction.logs.as_ref().ok_or(no_outcome)?;
    let mut invocations = Invocations::default();
    let mut observations = Vec::new();
    for (line_index, line) in lines.iter().enumerate() {
        let seen = Seen {
            observed_at: block.time,
            sequence: place(slot, index, line_index),
            hash: block.raw,
        };
        match invocations.read(line) {
            Line::Data { program, pieces } => {
                for reader in named.iter().filter(|reader| reader.program == program) {
                    if let Some(read) = value(reader.settings, pieces) {
                        observations.push(reader.source.observe(seen, read));
                    }
                }
            }
            Line::Other => {}
            Line::Lost(reason) => {
                let unknown = named
                    .iter()
                    .map(|reader| reader.source.observe(seen, Err(reason)));
                observations.extend(unknown);
                break;
            }
        }
    }
    Ok(observations)
}

/// slot · 2⁶⁴ + transaction · 2³² + log line.
fn place(slot: u64, transaction: usize, line: usize) -> Sequence {
    Sequence((U256::from(slot) << 64) | (U256::from(transaction) << 32) | U256::from(line))
}

/// The value of an event; `None` where the bytes are another event.
fn value(settings: &ProgramEventSettings, pieces: &str) -> Option<Result<Value, &'static str>> {
    let mut bytes = Vec::new();
    for piece in pieces.split(' ') {
        match base64(piece) {
            Ok(piece) => bytes.extend(piece),
            Err(_not_base64) => return Some(Err("the program's data is no base64")),
        }
    }
    bytes
        .starts_with(&settings.discriminator)
        .then(|| settings.field.read(&bytes))
}

/// The bytes of a text in base64.
pub(crate) fn base64(text: &str) -> Result<Vec<u8>, base64::DecodeError> {
    BASE64_STANDARD.decode(text)
}
