//! Who was entitled to sign, as whoever checks the bundle knows it from elsewhere.

use crate::attestation::{Epoch, KnownEpochs, SignerSet};
use crate::bundle::EvidenceBundle;
use crate::replay::Finding;
use crate::time::Timestamp;

/// The epochs that signed and reported are known, with these signers; the one that signed was entitled to, and is not revoked.
pub(super) fn check_announced(bundle: &EvidenceBundle, known: &KnownEpochs) -> Finding {
    if known.domain != bundle.domain {
        return Err(format!(
            "the epochs that you know are those of {}, the statement is for {}",
            known.domain, bundle.domain
        ));
    }
    let epoch = find(known, &bundle.signers)?;
    let number = epoch.number();
    if epoch.revoked {
        return Err(format!(
            "epoch {number} is revoked: nothing that it has signed is accepted"
        ));
    }
    let batch = bundle.batch.as_ref().map(|member| member.batch.issuedAt);
    for issued_at in [Some(bundle.attestation.issuedAt), batch]
        .into_iter()
        .flatten()
    {
        if !epoch.signs_at(issued_at) {
            return Err(format!(
                "it was signed at {}, and epoch {number} signs from {} until {}",
                shown(issued_at),
                shown(epoch.active_from),
                shown(epoch.sign_until)
            ));
        }
    }
    if let Some(quorum) = &bundle.quorum {
        find(known, &quorum.signers)?;
    }
    Ok(format!(
        "epoch {number} of {} has these signers, was entitled to sign then, is not revoked, and is accepted until {}",
        known.domain,
        shown(epoch.accept_until)
    ))
}

fn find<'a>(known: &'a KnownEpochs, signers: &SignerSet) -> Result<&'a Epoch, String> {
    let number = signers.epoch();
    let epoch = known
        .epoch(number)
        .ok_or_else(|| format!("you know no epoch {number} of {}", known.domain))?;
    if epoch.signers == *signers {
        Ok(epoch)
    } else {
        Err(format!(
            "epoch {number} of {} has other signers, or another threshold, than the bundle says",
            known.domain
        ))
    }
}

fn shown(seconds: u64) -> String {
    i64::try_from(seconds).map_or_else(
        |_| "the end of time".to_owned(),
        |seconds| Timestamp(seconds).to_string(),
    )
}
