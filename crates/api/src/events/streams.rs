//! How many streams of events there may be, and when they end.

use std::sync::Arc;

use tokio::sync::{Semaphore, watch};

use super::news::News;

/// Streams at once.
pub(super) const STREAMS: usize = 64;

/// The streams of a service: how many there may be, and when they end.
#[derive(Clone)]
pub(crate) struct Streams {
    pub(super) places: Arc<Semaphore>,
    pub(super) ending: watch::Receiver<bool>,
    pub(super) news: Arc<News>,
}

impl Streams {
    pub(crate) fn new(ending: watch::Receiver<bool>) -> Self {
        Self {
            places: Arc::new(Semaphore::new(STREAMS)),
            ending,
            news: Arc::default(),
        }
    }
}
