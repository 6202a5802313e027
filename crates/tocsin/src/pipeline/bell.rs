//! The wake-up call between stages. A lost ring costs a nap, never work: the work is in the store.

use std::sync::Arc;

use tokio::sync::Notify;

/// A bell that one stage listens to and others ring.
#[derive(Clone, Debug, Default)]
pub struct Bell(Arc<Notify>);

impl Bell {
    /// Wakes the listener, now or as soon as it listens.
    pub fn ring(&self) {
        self.0.notify_one();
    }

    /// Waits for a ring.
    pub async fn heard(&self) {
        self.0.notified().await;
    }
}
