//! Bundles of entries: up to 256 of them, each after its length in two bytes.

use crate::error::LogError;

/// The longest entry that a bundle can hold.
pub const MAX_ENTRY_BYTES: usize = 65_535;

/// The bundle of these entries.
pub fn write_bundle<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>, LogError> {
    let mut bundle = Vec::new();
    for entry in entries {
        let length = u16::try_from(entry.len());
        let length = length.map_err(|_too_long| LogError::LongEntry(entry.len()))?;
        bundle.extend_from_slice(&length.to_be_bytes());
        bundle.extend_from_slice(entry);
    }
    Ok(bundle)
}

/// The entries of a bundle.
pub fn parse_bundle(mut bytes: &[u8]) -> Result<Vec<&[u8]>, LogError> {
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes
            .split_first_chunk::<2>()
            .ok_or(LogError::Bundle("it ends within a length"))?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (entry, rest) = rest
            .split_at_checked(length)
            .ok_or(LogError::Bundle("it ends within an entry"))?;
        entries.push(entry);
        bytes = rest;
    }
    if entries.len() > 256 {
        return Err(LogError::Bundle("it holds more than 256 entries"));
    }
    Ok(entries)
}
