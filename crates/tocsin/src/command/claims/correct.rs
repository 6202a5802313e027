//! `tocsin claims correct`: a person allows a corrected statement about a claim that was revoked.

use std::io::Write;
use std::path::Path;

use tocsin_domain::ids::ClaimKey;
use tocsin_store::attestation::{Attestations, Reservations};
use tocsin_store::revocation::Standings;
use tocsin_store_sqlite::SqliteStore;

use crate::config::Config;
use crate::report::Report;

/// Lets the claim wait for attestation again, as it is decided now and in the revision that the revocation asks for. The
/// service must be stopped.
pub async fn correct(config: &Path, claim: ClaimKey, out: &mut dyn Write) -> Result<(), Report> {
    let config = Config::load(config)?;
    let attestor = config.attestor.as_ref();
    let attestor =
        attestor.ok_or_else(|| Report::bad_input("the configuration has no [attestor]"))?;
    let domain = attestor.domain.domain_separator();
    let store = SqliteStore::open(&config.database).await?;
    let mut record = None;
    for said in store.statements(domain, claim).await?.into_iter().rev() {
        record = store.attestation(said.attestation_id).await?;
        if record.is_some() {
            break;
        }
    }
    let Some(record) = record else {
        return Err(Report::bad_input(format!(
            "nothing was attested about {claim} here, so there is nothing to correct"
        )));
    };
    store
        .allow_correction(domain, claim, record.policy, record.ordinal)
        .await?;
    store.close().await;
    writeln!(
        out,
        "policy {}, loss event {}: a corrected statement is made when the service runs",
        record.policy, record.ordinal
    )?;
    Ok(())
}
