//! `tocsin claims revoke` and `tocsin claims release`: this node's part, signed into a file.

use std::io::Write;
use std::path::Path;

use alloy::primitives::Bytes;
use tocsin_attest::Attestor;
use tocsin_delivery::onchain::ClaimStatus;
use tocsin_domain::attestation::{ClaimAttestation, QuorumSignature};
use tocsin_domain::ids::ClaimKey;
use tocsin_domain::time::Timestamp;
use tocsin_store::attestation::Reservations;
use tocsin_store_sqlite::SqliteStore;

use super::file::{Says, Signed, Travelling};
use crate::cli::Sending;
use crate::clock::Clock;
use crate::command::verifier::{Place, open_keys};
use crate::config::AttestorConfig;
use crate::report::Report;

/// What this operator wants to be said.
#[derive(Clone, Debug)]
pub enum Wish {
    /// That statements are taken back, for this reason.
    Revoke(String),
    /// That the hold that is in force is over.
    Release,
}

/// Signs, into a new file, or into one that another operator has begun and that says what this one wants. The service must be
/// stopped: what is signed is journaled in its database first.
pub async fn say(
    config: &Path,
    claim: ClaimKey,
    wish: Wish,
    file: &Path,
    clock: &dyn Clock,
    out: &mut dyn Write,
) -> Result<(), Report> {
    let place = Place::open(config, &Sending::default()).await?;
    let settings = place.attestor()?;
    let status = place.submitter.newest_status(claim).await?;
    if status.consumed {
        return Err(Report::bad_input(format!(
            "{claim} is paid already: what is said of it now changes nothing"
        )));
    }
    let epochs = place.submitter.newest_epochs().await?;
    let now = place.submitter.chain_time().await?;
    let attestor = Attestor::with_keys(settings.domain, open_keys(settings).await?, epochs);
    let store = SqliteStore::open(&place.config.database).await?;
    let mut travelling = match Travelling::find(file)? {
        Some(begun) => {
            check_begun(&begun, claim, &wish, &status, settings)?;
            begun
        }
        None => begin(&attestor, &store, claim, &wish, &status, now).await?,
    };
    let issued_at = travelling.issued_at;
    let issued_at = i64::try_from(issued_at).map_or(Timestamp(i64::MAX), Timestamp);
    let seat = attestor.seat_of(travelling.signer_epoch, issued_at)?;
    let address = seat.address();
    let signature: QuorumSignature = match travelling.signed() {
        Signed::Revocation(revocation, reason) => {
            seat.revoke(&store, &revocation, &reason, clock.now())
                .await?
        }
        Signed::Release(release) => seat.release(&store, &release, clock.now()).await?,
    };
    let bytes = Bytes::copy_from_slice(&signature.to_bytes());
    travelling.signatures.insert(address, bytes);
    travelling.write(file)?;
    store.close().await;
    let threshold = seat.signers().threshold();
    writeln!(
        out,
        "{address} signed {}; {} of {threshold} signatures are in {}",
        travelling.digest(),
        travelling.signatures.len(),
        file.display()
    )?;
    Ok(())
}

/// What is said in a file that somebody else has begun is what this operator wants, of the claim as it stands.
fn check_begun(
    begun: &Travelling,
    claim: ClaimKey,
    wish: &Wish,
    status: &ClaimStatus,
    settings: &AttestorConfig,
) -> Result<(), Report> {
    let problem = match (&begun.says, wish) {
        _ if settings.domain != begun.domain.into() => "it is for another verifier".to_owned(),
        _ if begun.claim() != claim => format!("it is about {}", begun.claim()),
        (Says::Revoke { reason, .. }, Wish::Revoke(wanted)) if reason != wanted => {
            format!("its reason is \"{reason}\"")
        }
        (Says::Revoke { min_revision, .. }, Wish::Revoke(_)) => {
            if *min_revision > status.min_revision {
                return Ok(());
            }
            format!("revision {min_revision} is revoked already")
        }
        (Says::Release { hold }, Wish::Release) => match status.hold {
            Some(held) if held == *hold => return Ok(()),
            Some(held) => format!("it ends hold {hold}, and hold {held} is in force"),
            None => "the claim is not held".to_owned(),
        },
        (Says::Revoke { .. }, Wish::Release) => "it is a revocation".to_owned(),
        (Says::Release { .. }, Wish::Revoke(_)) => "it is a release".to_owned(),
    };
    Err(Report::bad_input(format!(
        "the file says something else than you want: {problem}. Nothing was signed"
    )))
}

async fn begin(
    attestor: &Attestor,
    store: &SqliteStore,
    claim: ClaimKey,
    wish: &Wish,
    status: &ClaimStatus,
    now: u64,
) -> Result<Travelling, Report> {
    let at = i64::try_from(now).map_or(Timestamp(i64::MAX), Timestamp);
    let seat = attestor.seat(at)?;
    let says = match wish {
        Wish::Revoke(reason) => Says::Revoke {
            min_revision: next_revision(attestor, store, claim, status).await?,
            reason: reason.clone(),
        },
        Wish::Release => Says::Release {
            hold: status
                .hold
                .ok_or_else(|| Report::bad_input(format!("{claim} is not held")))?,
        },
    };
    Ok(Travelling {
        domain: attestor.domain().verifier().ok_or_else(|| {
            Report::bad_input("[attestor] signs for a programme off-chain: no contract takes a revocation or a release")
        })?,
        claim_key: claim.0,
        says,
        issued_at: now,
        signer_epoch: seat.epoch().number(),
        signatures: Default::default(),
    })
}

/// Above everything that was revoked or said so far.
async fn next_revision(
    attestor: &Attestor,
    store: &SqliteStore,
    claim: ClaimKey,
    status: &ClaimStatus,
) -> Result<u32, Report> {
    let domain = attestor.domain().domain_separator();
    let mut least = status.min_revision;
    for said in store.statements(domain, claim).await? {
        let said = ClaimAttestation::from_bytes(&said.payload)
            .map_err(|error| Report::bad_input(format!("a stored statement: {error}")))?;
        least = least.max(said.revision);
    }
    least
        .checked_add(1)
        .ok_or_else(|| Report::bad_input("there are no more revisions"))
}
