//! Storage words as a block's state root proves them: whoever answers, the words are the chain's or the read fails.

use std::collections::{BTreeMap, BTreeSet};

use alloy::primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use alloy::rlp;
use alloy::rpc::types::EIP1186AccountProofResponse;
use alloy::trie::{Nibbles, TrieAccount, proof::verify_proof};

use super::ask::pinned;
use crate::SourceError;
use crate::chain::blocks::contradicts;
use crate::chain::header::BlockHeader;
use crate::chain::rpc::Rpc;
use crate::error::Contradiction;

/// What storage has, by address and slot; `None` where no contract is at the address.
pub(crate) type Words = BTreeMap<(Address, B256), Option<U256>>;

/// Reads the slots of each contract as of the block.
pub(crate) async fn words(
    node: &Rpc,
    header: &BlockHeader,
    wanted: BTreeMap<Address, BTreeSet<B256>>,
) -> Result<Words, SourceError> {
    let mut words = Words::new();
    for (address, slots) in wanted {
        let attempt = node.attempt(
            "eth_getProof",
            format!(
                "{} slots of {address} as of block {} {}",
                slots.len(),
                header.number,
                header.hash
            ),
        );
        let answer: EIP1186AccountProofResponse = node
            .call(&attempt, (address, &slots, pinned(header.hash)))
            .await?;
        let proven = proven(&answer, header.state_root, address, &slots)
            .map_err(|found| contradicts(&attempt, found))?;
        words.extend(proven);
    }
    Ok(words)
}

/// The words that the answer proves.
fn proven(
    answer: &EIP1186AccountProofResponse,
    state_root: B256,
    address: Address,
    slots: &BTreeSet<B256>,
) -> Result<Words, Contradiction> {
    let refuse = |what: String, problem: String| Contradiction::StateProof { what, problem };
    let account = TrieAccount::new(
        answer.nonce,
        answer.balance,
        answer.storage_hash,
        answer.code_hash,
    );
    let path = Nibbles::unpack(keccak256(address));
    let is_there = verify_proof(
        state_root,
        path,
        Some(rlp::encode(account)),
        &answer.account_proof,
    );
    if let Err(problem) = is_there {
        // How an account that is not there looks is each client's choice; that it is not there is proven as well.
        verify_proof(state_root, path, None, &answer.account_proof)
            .map_err(|_neither| refuse(format!("account {address}"), problem.to_string()))?;
        return Ok(slots.iter().map(|slot| ((address, *slot), None)).collect());
    }
    if answer.code_hash == KECCAK256_EMPTY {
        return Ok(slots.iter().map(|slot| ((address, *slot), None)).collect());
    }
    slots
        .iter()
        .map(|slot| {
            let what = || format!("slot {slot} of {address}");
            let answered = answer
                .storage_proof
                .iter()
                .find(|proof| proof.key.as_b256() == *slot)
                .ok_or_else(|| {
                    refuse(what(), "there is no proof of it in the answer".to_owned())
                })?;
            let word = answered.value;
            let expected = (!word.is_zero()).then(|| rlp::encode(word));
            let path = Nibbles::unpack(keccak256(slot));
            check(answer.storage_hash, path, expected, &answered.proof)
                .map_err(|problem| refuse(what(), problem))?;
            Ok(((address, *slot), Some(word)))
        })
        .collect()
}

fn check(
    root: B256,
    path: Nibbles,
    expected: Option<Vec<u8>>,
    proof: &[Bytes],
) -> Result<(), String> {
    verify_proof(root, path, expected, proof).map_err(|problem| problem.to_string())
}
