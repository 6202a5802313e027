//! Everything that can go wrong while delivering.

use std::path::PathBuf;

use alloy::primitives::{Address, B256};

pub use crate::onchain::RpcFailure;

/// Why a step of a delivery could not be done. None of them says anything about the claim: what is wrong with a claim
/// is an [`crate::onchain::Action`].
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// The node did not answer, or not with what was asked.
    #[error(
        "{attempted} at {endpoint} failed; nothing is assumed about the answer, and it will be asked again"
    )]
    Rpc {
        /// What was asked.
        attempted: &'static str,
        /// Host and port of the node.
        endpoint: String,
        /// Why there is no answer.
        #[source]
        source: RpcFailure,
    },
    /// The node serves another chain.
    #[error(
        "the node at {endpoint} serves chain {found}, but deliveries are for chain {expected}: correct the chain id or \
         the URL of the delivery settings"
    )]
    WrongChain {
        /// Host and port of the node.
        endpoint: String,
        /// From the settings.
        expected: u64,
        /// From the node.
        found: u64,
    },
    /// There is no contract where the verifier should be.
    #[error(
        "there is no contract at the verifier's address {verifier} on chain {chain_id}: correct the verifier in the \
         delivery settings"
    )]
    NoVerifier {
        /// From the settings.
        verifier: Address,
        /// From the settings.
        chain_id: u64,
    },
    /// The verifier would refuse what is to be signed.
    #[error(
        "epoch {epoch} of the verifier {verifier} is not what is configured ({problem}): correct [attestor], or announce \
         the epoch that it describes"
    )]
    OtherSigners {
        /// From the settings.
        verifier: Address,
        /// From the settings.
        epoch: u32,
        /// How they differ.
        problem: String,
    },
    /// The verifier would refuse what a person wants of it.
    #[error("the verifier refuses that, and nothing was changed: {reason}")]
    AdminReverts {
        /// Its error.
        reason: String,
    },
    /// A person's transaction was sent, and is not final yet.
    #[error(
        "not final yet: one of the transactions {transactions:?} with nonce {nonce} may still be mined; look for them before \
         this is tried again"
    )]
    AdminPending {
        /// Every one that was offered.
        transactions: Vec<B256>,
        /// The nonce of all.
        nonce: u64,
    },
    /// The chain has no EIP-1559 fees.
    #[error(
        "block {block} of chain {chain_id} has no base fee: only chains with EIP-1559 fees are supported"
    )]
    NoBaseFee {
        /// From the settings.
        chain_id: u64,
        /// The block that was read.
        block: u64,
    },
    /// The settings contradict themselves.
    #[error("the delivery settings are wrong: {detail}")]
    Settings {
        /// What is wrong, and what would be right.
        detail: String,
    },
    /// The HTTP client could not be set up.
    #[error("cannot set up the HTTP client for {endpoint}")]
    Client {
        /// Host and port of the node.
        endpoint: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// The keystore file could not be opened with the password.
    #[error(
        "cannot open the submitter's keystore {}: check that the file exists and that its password is right",
        path.display()
    )]
    Keystore {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: alloy::signers::local::LocalSignerError,
    },
    /// Opening the key broke off.
    #[error("opening the submitter's key broke off; start again")]
    KeyTask {
        /// Why.
        #[source]
        source: tokio::task::JoinError,
    },
    /// The raw key is none.
    #[error("the submitter's raw key is not a private key: write 32 bytes as hex")]
    RawKey,
    /// The key could not sign.
    #[error("the submitter's key {sender} could not sign a transaction")]
    Sign {
        /// The account.
        sender: Address,
        /// Why.
        #[source]
        source: alloy::signers::Error,
    },
    /// A step was asked for that the key cannot do.
    #[error(
        "nonce {nonce} belongs to {holder}, but the configured key is {sender}'s: it cannot sign for that nonce"
    )]
    OtherSigner {
        /// Whose nonce it is.
        holder: Address,
        /// The configured account.
        sender: Address,
        /// The nonce.
        nonce: u64,
    },
    /// The account cannot pay for the transaction.
    #[error(
        "the submitter {sender} cannot pay for its transaction on chain {chain_id}: send it some of the chain's native \
         coin (the node says: {message})"
    )]
    InsufficientFunds {
        /// The account to send coin to.
        sender: Address,
        /// Where.
        chain_id: u64,
        /// The node's words.
        message: String,
    },
    /// The node does not want the transaction.
    #[error("the node refuses transaction {hash}: {message}")]
    Refused {
        /// Its hash.
        hash: B256,
        /// The node's words.
        message: String,
    },
    /// The verifier says that the claim is consumed, but no log says by which transaction.
    #[error(
        "the verifier says that claim {claim_key} is consumed, but the node at {endpoint} shows no such log in blocks \
         {from_block} to {to_block}: lower `verifier_block` if the verifier is older, or use a node that keeps logs"
    )]
    ConsumptionNotLocated {
        /// The consumption key.
        claim_key: tocsin_domain::ids::ClaimKey,
        /// Host and port of the node.
        endpoint: String,
        /// First block searched.
        from_block: u64,
        /// Last block searched.
        to_block: u64,
    },
    /// Endpoints contradict each other, or too few of them have come as far as others had before.
    #[error(
        "{attempted}: the endpoints {} contradict each other, or fewer than {needed} of them have come to final block {least}, \
         which was seen before; nothing is assumed, and they will be asked again: compare them with independent nodes, and \
         replace the one that is wrong or lags",
        endpoints.join(", ")
    )]
    Disagree {
        /// What was asked.
        attempted: &'static str,
        /// How many have to say the same.
        needed: usize,
        /// Host and port of each that answered.
        endpoints: Vec<String>,
        /// The newest block that was agreed on.
        least: u64,
    },
    /// Stored bytes of an attempt are not the transaction that they should be.
    #[error(
        "the stored transaction {hash} is damaged: {detail}; restore the database from a backup"
    )]
    AttemptBytes {
        /// The hash it is stored under.
        hash: B256,
        /// What is wrong.
        detail: String,
    },
}

impl DeliveryError {
    /// Whether asking again, with nothing changed by a person, can help.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Rpc { .. }
            | Self::Disagree { .. }
            | Self::Refused { .. }
            | Self::InsufficientFunds { .. }
            | Self::ConsumptionNotLocated { .. } => true,
            Self::WrongChain { .. }
            | Self::NoVerifier { .. }
            | Self::OtherSigners { .. }
            | Self::AdminReverts { .. }
            | Self::AdminPending { .. }
            | Self::NoBaseFee { .. }
            | Self::Settings { .. }
            | Self::Client { .. }
            | Self::Keystore { .. }
            | Self::KeyTask { .. }
            | Self::RawKey
            | Self::Sign { .. }
            | Self::OtherSigner { .. }
            | Self::AttemptBytes { .. } => false,
        }
    }
}
