//! The signals of the operating system.

use super::ServiceError;
use crate::supervisor::Shutdown;

/// A shutdown that the operating system's signals request.
pub fn shutdown_on_signal() -> Result<Shutdown, ServiceError> {
    use tokio::signal::unix::{SignalKind, signal};
    let shutdown = Shutdown::default();
    let mut interrupt = signal(SignalKind::interrupt()).map_err(ServiceError::Signals)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(ServiceError::Signals)?;
    let asked = shutdown.clone();
    #[expect(
        clippy::disallowed_methods,
        reason = "signals outlive the supervisor, which they end"
    )]
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("asked to end; a stage in the middle of its work finishes it first");
        asked.request();
    });
    Ok(shutdown)
}
