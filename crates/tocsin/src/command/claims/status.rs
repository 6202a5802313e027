//! `tocsin claims status`: what the verifier says of a claim, and what was said of it here.

use std::io::Write;
use std::path::Path;

use tocsin_domain::attestation::ClaimAttestation;
use tocsin_domain::ids::ClaimKey;
use tocsin_store::StoreError;
use tocsin_store::attestation::{Attestations, Reservations};
use tocsin_store::delivery::{Deliveries, DeliveryState};
use tocsin_store_sqlite::SqliteStore;

use crate::cli::Sending;
use crate::command::verifier::Place;
use crate::report::Report;

/// Prints both, as far as they can be read.
pub async fn status(config: &Path, claim: ClaimKey, out: &mut dyn Write) -> Result<(), Report> {
    let place = Place::open(config, &Sending::default()).await?;
    let newest = place.submitter.newest_status(claim).await?;
    let last_final = place.submitter.statuses(&[claim]).await?;
    writeln!(
        out,
        "paid          {}",
        if newest.consumed { "yes" } else { "no" }
    )?;
    match newest.hold {
        Some(hold) => writeln!(out, "held          by its hold {hold}")?,
        None => writeln!(out, "held          no")?,
    }
    match newest.min_revision {
        0 => writeln!(out, "revoked       no")?,
        least => writeln!(out, "revoked       statements below revision {least}")?,
    }
    if last_final.first() != Some(&newest) {
        writeln!(
            out,
            "              (in the newest block; the last final one says otherwise)"
        )?;
    }
    let domain = place.attestor()?.domain.domain_separator();
    let store = match SqliteStore::open(&place.config.database).await {
        Ok(store) => store,
        Err(error @ StoreError::Open { .. }) => {
            let reason = crate::report::chain(&error);
            writeln!(out, "what was said of it here cannot be read: {reason}")?;
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    for said in store.statements(domain, claim).await? {
        let payload = ClaimAttestation::from_bytes(&said.payload)
            .map_err(|error| Report::bad_input(format!("a stored statement: {error}")))?;
        let attested = store.attestation(said.attestation_id).await?.is_some();
        let delivery = store.delivery(said.attestation_id).await?;
        let delivery = delivery.map_or("not delivered by this node", |delivery| {
            match delivery.state {
                DeliveryState::Queued => "delivery queued",
                DeliveryState::Sending { .. } => "being delivered",
                DeliveryState::Done { .. } => "delivered",
                DeliveryState::Failed => "delivery given up",
                DeliveryState::Superseded => "delivery superseded",
            }
        });
        writeln!(
            out,
            "statement     {} revision {} epoch {}: {}, {delivery}",
            said.attestation_id,
            payload.revision,
            payload.signerEpoch,
            if attested { "attested" } else { "journaled" },
        )?;
    }
    store.close().await;
    Ok(())
}
