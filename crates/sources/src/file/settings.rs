//! How recorded files are read.

use std::path::PathBuf;
use std::sync::Arc;

use tocsin_domain::observation::Metric;
use tocsin_domain::value::Type;

/// Called with the number of bytes each time that some were read.
pub(crate) type Progress = Arc<dyn Fn(u64) + Send + Sync>;

/// How recorded files are read.
#[derive(Clone)]
pub struct Settings {
    /// The metrics that are asked for, with the type of their values. Rows of others are checked for their shape and left
    /// out.
    pub types: Vec<(Metric, Type)>,
    /// The folder for what is sorted on disk.
    pub temporary: PathBuf,
    /// About how many bytes of rows are held in memory before a file is read in parts.
    pub memory_bytes: usize,
    /// Told about every read of a file with the number of its bytes.
    pub progress: Progress,
}

impl Settings {
    /// What [`Self::memory_bytes`] is unless somebody says otherwise: half a million rows.
    pub const MEMORY_BYTES: usize = 64 << 20;

    /// Reads rows of the metrics in `types`, sorts in `temporary`, and tells nobody about progress.
    pub fn new(types: Vec<(Metric, Type)>, temporary: PathBuf) -> Self {
        Self {
            types,
            temporary,
            memory_bytes: Self::MEMORY_BYTES,
            progress: Arc::new(|_bytes| {}),
        }
    }

    pub(crate) fn type_of(&self, metric: &str) -> Option<Type> {
        let mut types = self.types.iter();
        types
            .find(|(known, _)| known.as_str() == metric)
            .map(|(_, ty)| *ty)
    }
}
