//! Long computing (executing reports again, recovering thousands of signers) on threads of its own, so that whatever else
//! the process does goes on meanwhile.

use crate::refusal::{Reason, Refusal};

/// Does `work` apart from the asynchronous tasks.
pub(crate) async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Refusal> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(%error, "a computation for the quorum broke off");
        Refusal::new(Reason::Failed, "a computation broke off here")
    })
}
