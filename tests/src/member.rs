//! The keys of four attestors of whom three must sign, and what each writes about the others into its configuration.

use alloy::primitives::{Address, B256, keccak256};
use alloy::signers::local::PrivateKeySigner;
use tocsin_domain::attestation::SignerSet;

use crate::anvil::free_port;
use crate::spot::Spot;

/// How many there are.
pub const MEMBERS: usize = 4;
/// How many must sign.
pub const THRESHOLD: u8 = 3;

/// One attestor.
#[derive(Clone, Debug)]
pub struct Member {
    /// What it signs with.
    pub key: PrivateKeySigner,
    /// Where the others ask it.
    pub port: u16,
}

impl Member {
    /// Who it is.
    pub fn address(&self) -> Address {
        self.key.address()
    }

    /// Its key, as a file of a raw key has it.
    pub fn secret(&self) -> String {
        format!("{}", B256::from(self.key.to_bytes()))
    }
}

/// Four, in the order of their indices.
pub fn four() -> Vec<Member> {
    let mut members: Vec<Member> = (1..=MEMBERS)
        .map(|number| Member {
            // No small number: those are in every answer of a chain, and keys are looked for in all that services say.
            key: PrivateKeySigner::from_bytes(&keccak256(format!("attestor {number}"))).unwrap(),
            port: free_port(),
        })
        .collect();
    members.sort_by_key(Member::address);
    members
}

/// The epoch that they are.
pub fn signers(members: &[Member], epoch: u32) -> SignerSet {
    let addresses = members.iter().map(Member::address).collect();
    SignerSet::new(epoch, THRESHOLD, addresses).unwrap()
}

/// The addresses as TOML writes a list of them.
pub fn listed(members: &[Member]) -> String {
    let addresses = members
        .iter()
        .map(|one| format!("\"{:#x}\"", one.address()));
    addresses.collect::<Vec<_>>().join(", ")
}

/// How tests have the four go about it: whoever is away is given up soon.
pub const HASTY: &str = r#"takeover      = "1s"
deliver_after = "30s"
patience_ms   = 250
request_timeout_ms = 2000
clock_tolerance = "2h"
"#;

/// The section of one of them, which goes about it as `pace` says; it reaches the others at `ports`.
pub fn section(members: &[Member], index: usize, ports: &[u16], pace: &str) -> String {
    let mut text = format!(
        "\n[quorum]\nlisten        = \"127.0.0.1:{}\"\n{pace}",
        members[index].port
    );
    for (other, member) in members.iter().enumerate() {
        if other != index {
            text += &format!(
                "\n[quorum.peers.\"{:#x}\"]\nurl = \"http://127.0.0.1:{}/\"\n",
                member.address(),
                ports[other]
            );
        }
    }
    text
}

/// Makes a service that attests alone one of four; `extra` goes into the section of its attestor.
pub fn join(
    spot: &Spot,
    members: &[Member],
    index: usize,
    ports: &[u16],
    (extra, pace): (&str, &str),
) {
    let path = spot.config();
    let text = std::fs::read_to_string(&path).unwrap();
    let alone = format!("signers   = [\"{:#x}\"]", Spot::attestor());
    assert!(text.contains(&alone), "{text}");
    let text = text
        .replace("threshold = 1", &format!("threshold = {THRESHOLD}"))
        .replace(
            &alone,
            &format!("signers   = [{}]\n{extra}", listed(members)),
        );
    std::fs::write(&path, text + &section(members, index, ports, pace)).unwrap();
    std::fs::write(spot.folder().join("attestor.key"), members[index].secret()).unwrap();
}
