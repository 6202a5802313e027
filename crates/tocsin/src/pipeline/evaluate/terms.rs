//! Terms, compiled, by their hash: those of the configuration, and those that clients declare while the service runs.
//!
//! Knowing terms has no effect by itself: what is evaluated is what the store has risks of. So terms are learned before
//! anything under them is stored, and never forgotten.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use tocsin_domain::cover::Cover;
use tocsin_domain::eval::Program;
use tocsin_domain::ids::TermsHash;

use crate::pipeline::StageError;

/// A cover and its program.
pub struct Compiled {
    /// What it means.
    pub(super) program: Program,
    /// The cover.
    pub cover: Cover,
}

/// All terms that are known.
#[derive(Default)]
pub(super) struct Terms {
    known: RwLock<BTreeMap<TermsHash, Arc<Compiled>>>,
}

impl Terms {
    /// Compiles a cover. One that is known already stays.
    pub(super) fn learn(&self, cover: Cover) {
        let hash = cover.terms_hash;
        let compile = || {
            let program = Program::compile(&cover);
            Arc::new(Compiled { program, cover })
        };
        // A map of shared parts is whole whatever another thread was doing.
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.entry(hash).or_insert_with(compile);
    }

    /// The cover with these terms.
    pub(super) fn get(&self, hash: TermsHash) -> Result<Arc<Compiled>, StageError> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let found = known.get(&hash).map(Arc::clone);
        found.ok_or(StageError::UnknownTerms(hash))
    }

    /// Every cover.
    pub(super) fn all(&self) -> Vec<Arc<Compiled>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.values().map(Arc::clone).collect()
    }
}
