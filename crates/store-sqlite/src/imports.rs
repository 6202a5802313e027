//! Policies in bulk, in one transaction.

use async_trait::async_trait;
use tocsin_store::StoreError;
use tocsin_store::import::{Batches, Clash, Imported, Imports, Next};

use crate::error::failed;
use crate::store::SqliteStore;
use crate::{answers, covers, log, looks, policies};

const IMPORT: &str = "import policies";

#[async_trait]
impl Imports for SqliteStore {
    async fn import(&self, batches: &mut dyn Batches) -> Result<Imported, StoreError> {
        let mut transaction = self.begin(IMPORT).await?;
        let mut imported = Imported::default();
        let mut clashes: Vec<Clash> = Vec::new();
        let mut clashed = false;
        loop {
            let batch = match batches.next(&clashes) {
                Next::Add(batch) => batch,
                Next::Keep if !clashed => break,
                Next::KeepAnswered(written) if !clashed => {
                    answers::add(&mut transaction, &written.answer, IMPORT).await?;
                    log::queue(&mut transaction, &written.audit, IMPORT).await?;
                    break;
                }
                Next::Keep | Next::KeepAnswered(_) | Next::Discard => {
                    transaction.rollback().await.map_err(failed(IMPORT))?;
                    return Ok(imported);
                }
            };
            looks::add(&mut transaction, &batch.looks, IMPORT).await?;
            imported.risks += covers::store_risks(&mut transaction, &batch.risks).await?;
            let added = policies::add(&mut transaction, &batch.policies).await?;
            imported.policies += added.new;
            clashes = added.clashes;
            clashed |= !clashes.is_empty();
        }
        transaction.commit().await.map_err(failed(IMPORT))?;
        imported.kept = true;
        Ok(imported)
    }
}
