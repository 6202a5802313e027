//! The envelope of what attestors send each other.

use alloy_sol_types::{SolStruct, sol};

use crate::attestation::Scope;
use crate::ids::MessageId;

sol! {
    /// A request or a response between two attestors. The order of the fields is the order of the signed type.
    #[derive(Debug, PartialEq, Eq)]
    struct PeerMessage {
        // Of the request; a response has that of the request it answers.
        string path;
        // keccak-256 of the body's bytes.
        bytes32 bodyHash;
        address sender;
        address recipient;
        // Seconds.
        uint64 sentAt;
        // The digest of the request that is answered; zero in a request.
        bytes32 inReplyTo;
    }
}

impl PeerMessage {
    /// What its sender signs.
    pub fn id(&self, domain: &dyn Scope) -> MessageId {
        MessageId(self.eip712_signing_hash(&domain.eip712()))
    }
}
