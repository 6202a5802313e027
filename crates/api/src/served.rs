//! What handlers are given: one pointer, however much is behind it.

use core::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRef;

use crate::Api;
use crate::events::streams::Streams;
use crate::kept::Kept;

/// The API as it is served: a request that is handed it pays for one counter, not for everything in it.
#[derive(Clone)]
pub(crate) struct Served(Arc<Parts>);

struct Parts {
    api: Api,
    kept: Kept,
    streams: Streams,
}

impl Served {
    /// With nothing kept yet, and no stream.
    pub(crate) fn new(api: Api, streams: Streams) -> Self {
        let kept = Kept::new(Arc::clone(&api.store));
        Self(Arc::new(Parts { api, kept, streams }))
    }
}

impl Deref for Served {
    type Target = Api;

    fn deref(&self) -> &Api {
        &self.0.api
    }
}

impl FromRef<Served> for Kept {
    fn from_ref(served: &Served) -> Self {
        served.0.kept.clone()
    }
}

impl FromRef<Served> for Streams {
    fn from_ref(served: &Served) -> Self {
        served.0.streams.clone()
    }
}
