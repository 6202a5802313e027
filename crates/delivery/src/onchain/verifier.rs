//! Asking the verifier, at one endpoint after the other until one answers.

use alloy::eips::BlockId;
use alloy::network::TransactionBuilder;
use alloy::primitives::Bytes;
use alloy::providers::Provider;
use alloy::rpc::types::TransactionRequest;
use alloy::sol_types::SolCall;

use super::look::Head;
use super::node::Node;
use crate::DeliveryError;

impl Node {
    /// The last final block, if the verifier is there in it.
    pub(super) async fn final_verifier(&self) -> Result<Option<Head>, DeliveryError> {
        let Some(head) = self.heads().await?.finalized else {
            return Ok(None);
        };
        let is_there = self.has_code(self.settings().verifier, &head).await?;
        Ok(is_there.then_some(head))
    }

    pub(super) async fn ask(
        &self,
        attempted: &'static str,
        call: &impl SolCall,
        block: BlockId,
    ) -> Result<Bytes, DeliveryError> {
        let request = TransactionRequest::default()
            .with_to(self.settings().verifier)
            .with_input(call.abi_encode());
        let answer = self.provider().call(request).block(block).await;
        self.asked(attempted, answer)
    }
}

/// What the first endpoint says that can say it. The error is that of the one that was asked first.
///
/// A macro, because a future that borrows the endpoint does not pass through a closure.
macro_rules! first_answer {
    ($submitter:expr, $node:ident => $ask:expr) => {{
        let (mut trouble, mut found) = (None, None);
        for $node in $submitter.nodes() {
            let answer = match $node.check().await {
                Ok(()) => $ask,
                Err(error) => Err(error),
            };
            match answer {
                Err(error) if error.is_transient() => {
                    trouble.get_or_insert(error);
                }
                answer => {
                    found = Some(answer);
                    break;
                }
            }
        }
        found.unwrap_or_else(|| Err(trouble.unwrap_or_else(crate::onchain::connect::no_endpoints)))
    }};
}

pub(super) use first_answer;
