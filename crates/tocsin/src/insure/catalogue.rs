//! What is sold: the covers of the configuration, and those that clients declared.
//!
//! A cover is here only when it is in the books, so that whoever finds one may sell policies on it.

use std::sync::{Arc, PoisonError, RwLock};

use tocsin_domain::cover::Cover;
use tocsin_domain::ids::TermsHash;
use tocsin_domain::time::Timestamp;
use tocsin_store::declaration::Declaration;
use tocsin_store::{Store, StoreError};

use crate::config::{InsuredCover, Offers, Origin};
use crate::pipeline::evaluate::Evaluator;

/// Declarations that are read at once.
const PER_PAGE: u32 = 100;

/// The covers that are in force.
#[derive(Debug)]
pub struct Catalogue {
    offers: Offers,
    covers: RwLock<Arc<Vec<InsuredCover>>>,
}

/// Why a declared cover cannot be in force as the service is configured now.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its terms, as they are stored, are not understood any more.
    #[error("the declared cover `{name}` version {version} cannot be read: {problem}")]
    Terms {
        /// Its name.
        name: String,
        /// Its version.
        version: u64,
        /// Why.
        problem: String,
    },
    /// It listens to something that is not configured.
    #[error(
        "a client declared cover `{name}` version {version}, and it can no longer be evaluated: {problem}"
    )]
    NotOffered {
        /// Its name.
        name: String,
        /// Its version.
        version: u64,
        /// Why.
        problem: String,
    },
    /// The configuration has another beginning for it.
    #[error(
        "a client declared cover `{name}` version {version}, which is evaluated from {declared}, and {origin} is to be evaluated \
         from {configured}: write evaluate_from = \"{declared}\", or remove it from [[covers]]"
    )]
    OtherBeginning {
        /// Its name.
        name: String,
        /// Its version.
        version: u64,
        /// From when on it is evaluated.
        declared: Timestamp,
        /// What the configuration says.
        configured: Timestamp,
        /// Where.
        origin: Origin,
    },
}

impl Catalogue {
    /// The covers of the configuration, on what it offers.
    pub fn new(offers: Offers, covers: Vec<InsuredCover>) -> Self {
        Self {
            offers,
            covers: RwLock::new(Arc::new(covers)),
        }
    }

    /// What covers can listen to.
    pub fn offers(&self) -> &Offers {
        &self.offers
    }

    /// The covers that are in force now.
    pub fn covers(&self) -> Arc<Vec<InsuredCover>> {
        // Replaced as a whole, so whole whatever another thread was doing.
        let covers = self.covers.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&covers)
    }

    /// The one with these terms.
    pub fn find(&self, terms: TermsHash) -> Option<InsuredCover> {
        let covers = self.covers();
        let mut covers = covers.iter();
        covers
            .find(|insured| insured.cover.terms_hash == terms)
            .cloned()
    }

    /// One more, which is in the books.
    pub fn add(&self, insured: InsuredCover) {
        let mut covers = self.covers.write().unwrap_or_else(PoisonError::into_inner);
        let mut more = covers.to_vec();
        more.push(insured);
        *covers = Arc::new(more);
    }

    /// Takes up what was declared before this process began, as it was declared: no instant is computed anew. A cover that
    /// the configuration names as well must say the same there.
    pub async fn restore(
        &self,
        store: &dyn Store,
        evaluator: &Evaluator,
    ) -> Result<(), CatalogueError> {
        let mut after = 0;
        loop {
            let page = store.declarations(after, PER_PAGE).await?;
            let Some((last, _)) = page.last() else {
                return Ok(());
            };
            after = *last;
            for (_place, declaration) in page {
                self.take_up(declaration, evaluator)?;
            }
        }
    }

    fn take_up(
        &self,
        declaration: Declaration,
        evaluator: &Evaluator,
    ) -> Result<(), CatalogueError> {
        let Declaration {
            cover,
            evaluate_from,
            declared_at,
            ..
        } = declaration;
        let (name, version) = (cover.name, cover.version);
        if let Some(configured) = self.find(cover.terms_hash) {
            if configured.evaluate_from() == evaluate_from {
                return Ok(());
            }
            return Err(CatalogueError::OtherBeginning {
                name,
                version,
                declared: evaluate_from,
                configured: configured.evaluate_from(),
                origin: configured.origin,
            });
        }
        let read = match Cover::from_terms(&cover.canonical_terms) {
            Ok(read) => read,
            Err(found) => {
                let found: Vec<String> = found.into_iter().map(|one| one.message).collect();
                return Err(CatalogueError::Terms {
                    name,
                    version,
                    problem: found.join("; "),
                });
            }
        };
        let origin = Origin::Declared(declared_at);
        let insured = self
            .offers
            .insure(read, evaluate_from, origin)
            .map_err(|misfit| CatalogueError::NotOffered {
                name,
                version,
                problem: misfit.to_string(),
            })?;
        evaluator.learn(insured.cover.clone());
        self.add(insured);
        Ok(())
    }
}
