//! The wake-up call between stages. A lost ring costs a nap, never work: the work is in the store.

use std::sync::Arc;

use tokio::sync::Notify;

/// A bell that one stage listens to and others ring.
#[derive(Clone, Debug, Default)]
pub struct Bell {
    own: Arc<Notify>,
    /// The listeners of other bells, which hear this one too.
    also: Vec<Arc<Notify>>,
}

impl Bell {
    /// This bell, rung together with another one. Who listens hears this one.
    #[must_use]
    pub fn with(mut self, other: &Self) -> Self {
        self.also.push(Arc::clone(&other.own));
        self
    }

    /// Wakes the listener, now or as soon as it listens.
    pub fn ring(&self) {
        self.own.notify_one();
        for other in &self.also {
            other.notify_one();
        }
    }

    /// Waits for a ring.
    pub async fn heard(&self) {
        self.own.notified().await;
    }
}
