//! No proof of any shape makes a verifier panic, or shows a leaf in a tree that it was not made for.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tocsin_log::{Hash, verify_consistency, verify_inclusion};

fuzz_target!(|given: (u64, u64, Vec<[u8; 32]>, [u8; 32], [u8; 32])| {
    let (first, second, proof, one, other) = given;
    let proof: Vec<Hash> = proof.into_iter().map(Hash).collect();
    let (one, other) = (Hash(one), Hash(other));
    if one != other {
        let shown = verify_inclusion(one, first, second, &proof, other);
        assert!(shown.is_err() || !proof.is_empty());
    }
    let grown = verify_consistency((first, one), (second, other), &proof);
    assert!(grown.is_err() || first <= second);
});
