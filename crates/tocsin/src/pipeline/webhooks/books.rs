//! The books: how far lanes have come is written down for many of them, and many messages, at once.
//!
//! While one transaction commits, what comes in meanwhile waits for the next. The slower the disk, the larger the
//! transactions; nobody waits for a timer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tocsin_store::webhook::lane::{LaneId, Record, Settlement};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use super::unwell;
use crate::pipeline::{Stage, StageError};

/// Entries of one transaction.
const MOST_ENTRIES: usize = 4_096;

/// How long to wait after the store was busy.
const RETRY: Duration = Duration::from_millis(200);

/// What came of a message.
pub(super) struct Entry {
    /// How far its lane has come.
    pub(super) settlement: Settlement,
    /// Given back when it is written down.
    pub(super) permit: Option<OwnedSemaphorePermit>,
    /// Told when it is written down.
    pub(super) written: Option<oneshot::Sender<()>>,
}

/// Hands entries to the books.
pub(super) type Pen = mpsc::Sender<Entry>;

pub(super) struct Books {
    stage: Stage,
    entries: mpsc::Receiver<Entry>,
    /// Whether nothing can be written down at the moment.
    stuck: Arc<AtomicBool>,
}

impl Books {
    pub(super) fn new(stage: Stage) -> (Self, Pen) {
        let (pen, entries) = mpsc::channel(MOST_ENTRIES);
        let stuck = Arc::default();
        let books = Self {
            stage,
            entries,
            stuck,
        };
        (books, pen)
    }

    /// Says whether nothing can be written down at the moment.
    pub(super) fn stuck(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stuck)
    }

    /// Writes until every pen is gone.
    pub(super) async fn keep(mut self) -> Result<(), StageError> {
        let mut entries = Vec::new();
        while self.entries.recv_many(&mut entries, MOST_ENTRIES).await > 0 {
            let mut lanes: BTreeMap<LaneId, Settlement> = BTreeMap::new();
            let unwritten = entries.len().saturating_add(self.entries.len());
            self.stage.metrics.webhook_unwritten(unwritten);
            let (mut permits, mut told) = (Vec::new(), Vec::new());
            for entry in entries.drain(..) {
                permits.extend(entry.permit);
                told.extend(entry.written);
                let later = entry.settlement;
                match lanes.get_mut(&later.lane) {
                    None => {
                        lanes.insert(later.lane, later);
                    }
                    Some(earlier) => follow(earlier, later),
                }
            }
            let settlements: Vec<Settlement> = lanes.into_values().collect();
            while let Err(error) = self.stage.store.settle(&settlements).await {
                // Nothing more is sent than may be sent twice, and the service is not ready meanwhile.
                self.stuck.store(true, Ordering::Relaxed);
                unwell(&self.stage, error.into())?;
                tokio::time::sleep(RETRY).await;
            }
            self.stuck.store(false, Ordering::Relaxed);
            self.stage.metrics.webhook_unwritten(self.entries.len());
            drop(permits);
            for written in told {
                // A lane that was cut off does not wait any more.
                let _nobody = written.send(());
            }
        }
        Ok(())
    }
}

/// What has happened on a lane, and then has happened on it.
fn follow(earlier: &mut Settlement, later: Settlement) {
    earlier.cursor = later.cursor;
    earlier.trouble = later.trouble;
    earlier.dead_in_a_row = later.dead_in_a_row;
    for record in later.records {
        match (earlier.records.last_mut(), record) {
            (
                Some(Record::Delivered {
                    last, count, at, ..
                }),
                Record::Delivered {
                    last: new_last,
                    count: more,
                    at: new_at,
                    ..
                },
            ) => {
                *last = new_last;
                *count += more;
                *at = new_at;
            }
            (_, record) => earlier.records.push(record),
        }
    }
    earlier.revived.extend(later.revived);
    earlier.dead.extend(later.dead);
    if later.disabled.is_some() {
        earlier.disabled = later.disabled;
    }
}
