//! The keys of four attestors, and what each writes about the others into its configuration.

use alloy::primitives::{Address, B256};
use alloy::signers::local::PrivateKeySigner;
use tocsin_domain::attestation::SignerSet;
use tocsin_tests::anvil::free_port;

pub(crate) const MEMBERS: usize = 4;
pub(crate) const THRESHOLD: u8 = 3;

/// One attestor.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) key: PrivateKeySigner,
    /// Where the others ask it.
    pub(crate) port: u16,
}

impl Member {
    pub(crate) fn address(&self) -> Address {
        self.key.address()
    }

    pub(crate) fn secret(&self) -> String {
        format!("{}", B256::from(self.key.to_bytes()))
    }
}

/// Four, in the order of their indices.
pub(crate) fn four() -> Vec<Member> {
    let mut members: Vec<Member> = (1..=MEMBERS)
        .map(|number| Member {
            key: PrivateKeySigner::from_bytes(&B256::with_last_byte(u8::try_from(number).unwrap()))
                .unwrap(),
            port: free_port(),
        })
        .collect();
    members.sort_by_key(Member::address);
    members
}

/// The epoch that they are.
pub(crate) fn signers(members: &[Member], epoch: u32) -> SignerSet {
    let addresses = members.iter().map(Member::address).collect();
    SignerSet::new(epoch, THRESHOLD, addresses).unwrap()
}

/// The addresses as TOML writes a list of them.
pub(crate) fn listed(members: &[Member]) -> String {
    let addresses = members
        .iter()
        .map(|one| format!("\"{:#x}\"", one.address()));
    addresses.collect::<Vec<_>>().join(", ")
}

/// The section of one of them; it reaches the others at `ports`.
pub(crate) fn section(members: &[Member], index: usize, ports: &[u16]) -> String {
    let mut text = format!(
        r#"
[quorum]
listen        = "127.0.0.1:{}"
takeover      = "1s"
deliver_after = "30s"
patience_ms   = 250
request_timeout_ms = 2000
clock_tolerance = "2h"
"#,
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
