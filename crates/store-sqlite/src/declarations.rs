//! Covers that clients declared.

use async_trait::async_trait;
use tocsin_domain::ids::TermsHash;
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::check::{self, Flaw};
use tocsin_store::cover::CoverRecord;
use tocsin_store::declaration::{Declaration, Declarations, NewDeclaration};

use crate::column::{signed, unsigned};
use crate::covers::{self, CoverRow};
use crate::error::failed;
use crate::store::SqliteStore;
use crate::{answers, log, looks};

const NOUN: &str = "declaration";
const DECLARE: &str = "declare a cover";
const READ: &str = "read the declarations";

#[async_trait]
impl Declarations for SqliteStore {
    async fn declare(&self, new: &NewDeclaration) -> Result<(), StoreError> {
        let declaration = &new.declaration;
        let cover = &declaration.cover;
        let key = format!("{} version {}", cover.name, cover.version);
        check::declaration(declaration).map_err(|flaw| flaw.refused(NOUN, &key))?;
        let mut transaction = self.begin(DECLARE).await?;
        answers::add(&mut transaction, &new.written.answer, DECLARE).await?;
        if !covers::add(&mut transaction, cover, &new.risks).await? {
            return Err(StoreError::Conflict {
                noun: "cover",
                key,
                reason: "it came into force before; a cover is evaluated from one instant only"
                    .to_owned(),
            });
        }
        let terms = cover.terms_hash.0.as_slice();
        sqlx::query!(
            "INSERT INTO declarations (terms_hash, evaluate_from, declared_at, declared_by) VALUES (?1, ?2, ?3, ?4)",
            terms,
            declaration.evaluate_from.0,
            declaration.declared_at.0,
            declaration.declared_by
        )
        .execute(&mut *transaction)
        .await
        .map_err(failed(DECLARE))?;
        looks::add(&mut transaction, &new.looks, DECLARE).await?;
        log::queue(&mut transaction, &new.written.audit, DECLARE).await?;
        transaction.commit().await.map_err(failed(DECLARE))
    }

    async fn declaration(&self, terms: TermsHash) -> Result<Option<Declaration>, StoreError> {
        let mut connection = self.snapshot(READ).await?;
        let terms = terms.0.as_slice();
        let row = sqlx::query_as!(
            DeclarationRow,
            r#"SELECT d.position AS "position!", d.terms_hash AS "terms_hash!", covers.name AS "name!", covers.version AS "version!",
                      covers.canonical_terms AS "canonical_terms!", d.evaluate_from AS "evaluate_from!",
                      d.declared_at AS "declared_at!", d.declared_by AS "declared_by!"
               FROM declarations AS d JOIN covers ON covers.terms_hash = d.terms_hash WHERE d.terms_hash = ?1"#,
            terms
        )
        .fetch_optional(&mut *connection)
        .await
        .map_err(failed(READ))?;
        let placed = row.map(DeclarationRow::decode).transpose()?;
        Ok(placed.map(|(_position, declaration)| declaration))
    }

    async fn declarations(
        &self,
        after: u64,
        limit: u32,
    ) -> Result<Vec<(u64, Declaration)>, StoreError> {
        let after = signed(NOUN, "place", after)?;
        let mut connection = self.snapshot(READ).await?;
        let rows = sqlx::query_as!(
            DeclarationRow,
            r#"SELECT d.position AS "position!", d.terms_hash AS "terms_hash!", covers.name AS "name!", covers.version AS "version!",
                      covers.canonical_terms AS "canonical_terms!", d.evaluate_from AS "evaluate_from!",
                      d.declared_at AS "declared_at!", d.declared_by AS "declared_by!"
               FROM declarations AS d JOIN covers ON covers.terms_hash = d.terms_hash
               WHERE d.position > ?1 ORDER BY d.position LIMIT ?2"#,
            after,
            limit
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed(READ))?;
        rows.into_iter().map(DeclarationRow::decode).collect()
    }
}

struct DeclarationRow {
    position: i64,
    terms_hash: Vec<u8>,
    name: String,
    version: i64,
    canonical_terms: String,
    evaluate_from: i64,
    declared_at: i64,
    declared_by: String,
}

impl DeclarationRow {
    /// With its place.
    fn decode(self) -> Result<(u64, Declaration), StoreError> {
        let key = format!("{} version {}", self.name, self.version);
        let cover = CoverRecord::try_from(CoverRow {
            terms_hash: self.terms_hash,
            name: self.name,
            version: self.version,
            canonical_terms: self.canonical_terms,
        })?;
        let declaration = Declaration {
            cover,
            evaluate_from: Timestamp(self.evaluate_from),
            declared_at: Timestamp(self.declared_at),
            declared_by: self.declared_by,
        };
        let place = || {
            check::declaration(&declaration)?;
            unsigned("position", self.position)
        };
        let place = place().map_err(|flaw: Flaw| flaw.invalid_row(NOUN, key))?;
        Ok((place, declaration))
    }
}
