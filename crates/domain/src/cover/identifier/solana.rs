//! Solana's identifiers: `solana:` and the first 32 characters of the genesis hash (CAIP-2), then an account (CAIP-10) or a
//! token (CAIP-19). Base58 distinguishes capitals, so nothing is ever changed to another case.

use super::Complaint;
use crate::lang::suggest;

/// The clusters that everybody means, and what people call them.
const CLUSTERS: [(&str, &str); 3] = [
    ("mainnet", "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"),
    ("testnet", "4uhcVJyU9pJkvQyS88uRDiswHXSCkY3z"),
    ("devnet", "EtWTRABZaYq6iMfeYKouRu166VU2xqa1"),
];

/// How much of the genesis hash names a chain.
const REFERENCE_CHARS: usize = 32;

/// So many letters are of one case in one of 30,000 accounts, or because somebody changed it.
const LETTERS_OF_ONE_CASE: usize = 16;

/// `5eykt4…`, `5eykt4…:ACCOUNT`, `5eykt4…/token:MINT`, `5eykt4…/slip44:501`: what follows `solana:`.
pub(super) fn subject(rest: &str) -> Result<(), Complaint> {
    let Some((reference, asset)) = rest.split_once('/') else {
        return match rest.split_once(':') {
            Some((reference, address)) => {
                chain(reference)?;
                key(address)
            }
            None => chain(rest),
        };
    };
    chain(reference)?;
    match asset.split_once(':') {
        Some(("token" | "nft", mint)) => key(mint),
        Some(("slip44", coin)) if !coin.is_empty() && coin.bytes().all(|b| b.is_ascii_digit()) => {
            Ok(())
        }
        _ => Err(Complaint::new(
            format!("`{}` is not an asset of Solana", suggest::clipped(asset)),
            "expected a CAIP-19 asset",
        )
        .with_help("write `token:` and the mint, `nft:` and the mint, or `slip44:501`")),
    }
}

/// `solana:5eykt4…:ACCOUNT`.
pub(super) fn account(text: &str) -> Result<(), Complaint> {
    let complaint = || {
        Complaint::new(
            format!("`{}` is not an account of Solana", suggest::clipped(text)),
            "expected a CAIP-10 account",
        )
        .with_help(format!(
            "write `solana:{}:` and the account in base58",
            CLUSTERS[0].1
        ))
    };
    let rest = text.strip_prefix("solana:").ok_or_else(complaint)?;
    let (reference, address) = rest.split_once(':').ok_or_else(complaint)?;
    chain(reference)?;
    key(address)
}

/// What follows `solana:` in a CAIP-2 chain.
pub(super) fn chain(reference: &str) -> Result<(), Complaint> {
    let known = CLUSTERS.iter().find(|(name, full)| {
        // Named by its name (`mainnet-beta`), written in another case, or the whole genesis hash.
        reference.to_ascii_lowercase().starts_with(name)
            || (full.eq_ignore_ascii_case(reference) && *full != reference)
            || (reference.starts_with(full) && reference.len() > REFERENCE_CHARS)
            || suggest::nearest(reference, [*name]).is_some()
    });
    if let Some((name, full)) = known {
        return Err(Complaint::new(
            format!("`solana:{}` is not a chain", suggest::clipped(reference)),
            "expected the first 32 characters of the genesis hash",
        )
        .with_help(format!("of {name} write `solana:{full}`")));
    }
    let malformed = |label: String| {
        Complaint::new(
            format!("`solana:{}` is not a chain", suggest::clipped(reference)),
            label,
        )
        .with_help(format!(
            "write the first 32 characters of the genesis hash, as in `solana:{}`",
            CLUSTERS[0].1
        ))
    };
    if let Some(wrong) = foreign(reference) {
        return Err(malformed(wrong));
    }
    match reference.len() {
        REFERENCE_CHARS => Ok(()),
        other => Err(malformed(format!("{other} characters, not 32"))),
    }
}

/// An account, a program or a mint: 32 bytes in base58.
fn key(text: &str) -> Result<(), Complaint> {
    let complaint = |label: String| {
        Complaint::new(
            format!("`{}` is not an account of Solana", suggest::clipped(text)),
            label,
        )
        .with_help(
            "an account is 32 bytes in base58: 32 to 44 letters and digits, copied with their case",
        )
    };
    if let Some(wrong) = foreign(text) {
        return Err(complaint(wrong));
    }
    let letters = text.bytes().filter(u8::is_ascii_alphabetic);
    let capitals = letters.clone().filter(u8::is_ascii_uppercase).count();
    let letters = letters.count();
    // Base58 has no check digits: a changed case is another account, and this is how it shows.
    if letters >= LETTERS_OF_ONE_CASE && (capitals == 0 || capitals == letters) {
        return Err(complaint(
            "letters of one case only: was it changed?".to_owned(),
        ));
    }
    match bs58::decode(text).into_vec() {
        Ok(bytes) if bytes.len() == 32 => Ok(()),
        Ok(bytes) => Err(complaint(format!("{} bytes, not 32", bytes.len()))),
        Err(wrong) => Err(complaint(format!("no base58: {wrong}"))),
    }
}

/// What keeps a text from being base58.
fn foreign(text: &str) -> Option<String> {
    let wrong = text
        .chars()
        .find(|c| !c.is_ascii_alphanumeric() || matches!(c, '0' | 'O' | 'I' | 'l'))?;
    Some(match wrong {
        '0' | 'O' | 'I' | 'l' => format!(
            "has `{wrong}`; base58 has no `0`, `O`, `I` and `l`, which are mistaken for others"
        ),
        _ => format!("has `{}`, which is not base58", wrong.escape_default()),
    })
}
