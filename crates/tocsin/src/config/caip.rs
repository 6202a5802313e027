//! CAIP-2 and CAIP-10 names of EVM chains and accounts.

use alloy::primitives::Address;
use tocsin_domain::cover::Consumer;

/// `eip155:1` → 1.
pub(crate) fn chain(text: &str) -> Result<u64, String> {
    text.strip_prefix("eip155:")
        // One chain has one name: no sign, and no zero before the first digit.
        .filter(|id| id.bytes().all(|byte| byte.is_ascii_digit()) && !id.starts_with('0'))
        .and_then(|id| id.parse().ok())
        .ok_or_else(|| {
            format!("`{text}` is not an EVM chain: write its CAIP-2 name, as in eip155:1")
        })
}

/// `eip155:1:0x…` → chain and address.
pub(crate) fn account(text: &str) -> Result<Consumer, String> {
    let refused = || {
        format!("`{text}` is not an EVM account: write its CAIP-10 name, as in eip155:1:0x8fff…")
    };
    let (name, address) = text.rsplit_once(':').ok_or_else(refused)?;
    let chain_id = chain(name)?;
    let address: Address = address.parse().map_err(|_not_hex| refused())?;
    Ok(Consumer { chain_id, address })
}

/// The chain and contract in a source identity such as `chainlink:eip155:1:0x…` or `event:eip155:1:0x…#Signature`.
pub(crate) fn source_contract(id: &str) -> Result<Consumer, String> {
    let (_, account_and_rest) = id
        .split_once(':')
        .ok_or_else(|| format!("source `{id}` is no identity: write its kind and what is read, as in event:<CAIP-10>#Signature"))?;
    let name = account_and_rest
        .split_once('#')
        .map_or(account_and_rest, |(account, _)| account);
    account(name)
}
