//! Whether there are new events: one look for all streams that wait.
//!
//! Whoever waits takes a turn at looking, so that nothing looks while nobody waits, and a hundred streams cost what one does. What
//! this process publishes is seen at once; what another one does, as soon as the database's mark has changed
//! ([`Versions`](tocsin_store::version::Versions)).

use core::time::Duration;

use tocsin_store::Store;
use tocsin_store::event::Seq;
use tocsin_store::version::Version;
use tokio::sync::{Mutex, watch};

/// How often it is asked whether another process has committed something.
const ELSEWHERE: Duration = Duration::from_millis(100);

/// What those who wait share.
#[derive(Default)]
pub(crate) struct News {
    told: watch::Sender<Told>,
    looker: Mutex<Looker>,
}

/// What is known of events.
#[derive(Default)]
struct Told {
    last: Seq,
    /// How often that could not be read: everybody may try.
    failures: u64,
}

/// Whoever looks.
#[derive(Default)]
struct Looker {
    /// How often this process had published something.
    heard: u64,
    /// The mark under which was looked last.
    version: Option<Version>,
}

impl News {
    /// Waits until there may be events after this one. Dropped, it leaves the turn to another one.
    pub(crate) async fn after(&self, store: &dyn Store, seq: Seq) {
        let mut told = self.told.subscribe();
        let failures = told.borrow().failures;
        loop {
            tokio::select! {
                biased;
                () = come(&mut told, seq, failures) => return,
                mut looker = self.looker.lock() => looker.look(store, &self.told).await,
            }
        }
    }
}

/// Waits until there is something after `seq`, or until it could not be read once more.
async fn come(told: &mut watch::Receiver<Told>, seq: Seq, failures: u64) {
    let come = |told: &Told| told.last > seq || told.failures != failures;
    // Never an error: whoever waits has the other end.
    let _told = told.wait_for(come).await;
}

impl Looker {
    /// Waits until something may have come, and looks.
    async fn look(&mut self, store: &dyn Store, told: &watch::Sender<Told>) {
        tokio::select! {
            heard = store.published(self.heard) => self.heard = heard,
            () = tokio::time::sleep(ELSEWHERE) => match store.version().await {
                Ok(version) if self.version == Some(version) => return,
                Ok(version) => self.version = Some(version),
                Err(error) => {
                    tracing::debug!(%error, "it is not known whether another process has committed something");
                    self.version = None;
                }
            },
        }
        match store.events_kept().await {
            Ok(kept) => {
                told.send_if_modified(|told| {
                    let has_more = kept.last > told.last;
                    told.last = told.last.max(kept.last);
                    has_more
                });
            }
            // Whoever waits reads, and says what is wrong.
            Err(_told_there) => {
                told.send_modify(|told| told.failures = told.failures.wrapping_add(1))
            }
        }
    }
}
