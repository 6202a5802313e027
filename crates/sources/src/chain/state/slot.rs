//! Where in a contract's storage a field is, and what its bits say.

use alloy::primitives::{Address, B256, I256, U256, hex, keccak256};
use alloy::sol_types::SolValue;
use tocsin_domain::value::{Type, Value};

use super::call::{Silence, scaled, unsigned};
use super::settings::{StorageField, StorageSettings};
use crate::chain::event::DECIMALS_MAX;

const WORD_BITS: u16 = 256;
const ADDRESS_BITS: u16 = 160;
const BOOL_BITS: u16 = 8;

/// A field of storage, ready to be read.
#[derive(Clone, Debug)]
pub(crate) struct SlotPlan {
    pub(crate) address: Address,
    pub(crate) slot: B256,
    bit_offset: u16,
    bits: u16,
    field: StorageField,
    decimals: u8,
}

impl SlotPlan {
    pub(crate) fn check(settings: &StorageSettings) -> Result<Self, String> {
        let StorageSettings {
            address,
            ref slot,
            bit_offset,
            bits,
            field,
            decimals,
        } = *settings;
        if bits == 0 || u32::from(bit_offset) + u32::from(bits) > u32::from(WORD_BITS) {
            return Err(format!(
                "`bits` is {bits} from `bit_offset` {bit_offset}; a word has bits 0 to 255"
            ));
        }
        let width = match field {
            StorageField::Bool => Some(BOOL_BITS),
            StorageField::Address => Some(ADDRESS_BITS),
            StorageField::Unsigned | StorageField::Signed => None,
        };
        if let Some(width) = width.filter(|width| *width != bits) {
            return Err(format!("`bits` is {bits}, but such a field has {width}"));
        }
        if decimals > DECIMALS_MAX {
            return Err(format!(
                "`decimals` is {decimals}, at most {DECIMALS_MAX} have a meaning"
            ));
        }
        if decimals > 0 && width.is_some() {
            return Err(format!(
                "`decimals` is {decimals}, but the field is no integer; leave it out"
            ));
        }
        let slot = place(slot).map_err(|problem| {
            format!(
                "`slot` is `{slot}`: {problem}; write a number, or `mapping(slot,key)` with keys that are integers, addresses, \
                 32 bytes of hex, true, false or text in quotes"
            )
        })?;
        Ok(Self {
            address,
            slot,
            bit_offset,
            bits,
            field,
            decimals,
        })
    }

    pub(crate) fn value_type(&self) -> Type {
        match self.field {
            StorageField::Unsigned | StorageField::Signed => Type::Decimal,
            StorageField::Bool => Type::Bool,
            StorageField::Address => Type::Text,
        }
    }

    /// What the word says; `None` is a contract without code.
    pub(crate) fn value(&self, word: Option<U256>) -> Result<Value, Silence> {
        let word =
            word.ok_or_else(|| "there is no code at the address in this block".to_owned())?;
        let bits = (word >> usize::from(self.bit_offset))
            & (U256::MAX >> usize::from(WORD_BITS - self.bits));
        match self.field {
            StorageField::Unsigned => unsigned(bits, self.decimals),
            StorageField::Signed => {
                // Moved to the top of a word and back, the sign fills what is above the field.
                let above = usize::from(WORD_BITS - self.bits);
                scaled(I256::from_raw(bits << above).asr(above), self.decimals)
            }
            StorageField::Bool if bits <= U256::ONE => Ok(Value::Bool(bits == U256::ONE)),
            StorageField::Bool => Err(format!("a bool is {bits} in storage")),
            StorageField::Address => Ok(Value::Text(hex::encode_prefixed(Address::from_word(
                B256::from(bits),
            )))),
        }
    }

    /// The hash that `ChainPosition::raw_hash` documents for a slot.
    pub(crate) fn raw_hash(&self, word: Option<U256>) -> B256 {
        let word = B256::from(word.unwrap_or_default());
        keccak256((self.address, self.slot, word).abi_encode_params())
    }
}

/// `3`, `0x2a`, `mapping(3,0x…)`, `mapping(3,0x…,7)+1`
fn place(text: &str) -> Result<B256, String> {
    let Some(inner) = text.trim().strip_prefix("mapping(") else {
        return number(text).map(B256::from);
    };
    let (inside, after) = inner
        .rsplit_once(')')
        .ok_or_else(|| "a `)` is missing".to_owned())?;
    let mut parts = parts(inside).into_iter();
    let first = parts.next().unwrap_or_default();
    let mut slot = B256::from(number(first)?);
    let mut keys = 0;
    for part in parts {
        slot = keccak256([key(part)?, slot.to_vec()].concat());
        keys += 1;
    }
    if keys == 0 {
        return Err("a mapping needs a key".to_owned());
    }
    let after = after.trim();
    let offset = match after.strip_prefix('+') {
        Some(offset) => number(offset)?,
        None if after.is_empty() => U256::ZERO,
        None => return Err(format!("`{after}` after the mapping has no meaning")),
    };
    // As the EVM does.
    Ok(B256::from(U256::from_be_bytes(slot.0).wrapping_add(offset)))
}

/// Splits at commas that are not in quotes.
fn parts(text: &str) -> Vec<&str> {
    let mut quoted = false;
    text.split(|c: char| {
        quoted ^= c == '"';
        c == ',' && !quoted
    })
    .collect()
}

fn number(text: &str) -> Result<U256, String> {
    let text = text.trim();
    let read = match text.strip_prefix("0x") {
        Some(digits) => U256::from_str_radix(digits, 16),
        None => U256::from_str_radix(text, 10),
    };
    match read {
        Ok(number) if !text.is_empty() && text != "0x" => Ok(number),
        Ok(_) | Err(_) => Err(format!("`{text}` is no number of 256 bits")),
    }
}

/// A mapping's key as Solidity hashes it.
fn key(text: &str) -> Result<Vec<u8>, String> {
    let text = text.trim();
    if let Some(string) = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
    {
        return Ok(string.as_bytes().to_vec());
    }
    let word = match text {
        "true" => B256::from(U256::ONE),
        "false" => B256::ZERO,
        _ if text.starts_with("0x") => match text.len() {
            42 => text
                .parse::<Address>()
                .map(|address| address.into_word())
                .map_err(|error| format!("`{text}` is no address: {error}"))?,
            66 => text
                .parse()
                .map_err(|error| format!("`{text}` is no hex: {error}"))?,
            _ => {
                return Err(format!(
                    "the key `{text}` is neither an address nor 32 bytes"
                ));
            }
        },
        _ if text.starts_with('-') => {
            let negative: I256 = text
                .parse()
                .map_err(|error| format!("the key `{text}` is no integer: {error}"))?;
            B256::from(negative.into_raw())
        }
        _ => B256::from(number(text)?),
    };
    Ok(word.to_vec())
}

#[cfg(test)]
mod tests;
