//! `tocsin keys rotate`: the next epoch.
//!
//! It is refused where the rotation would leave a time in which nobody signs, or this node without a key.

use std::io::Write;
use std::path::Path;

use alloy::primitives::Address;
use tocsin_attest::Signer;
use tocsin_delivery::onchain::{AdminCall, Authorities};
use tocsin_domain::attestation::{Epoch, SignerSet};
use tocsin_domain::time::{Seconds, Timestamp};

use crate::cli::Rotate;
use crate::command::verifier::{Place, Role, open_keys};
use crate::config::AttestorConfig;
use crate::report::Report;

/// Nodes learn of an epoch when its announcement is final; one that begins sooner may find nobody ready.
const NOTICE_SECONDS: u64 = 15 * 60;

/// Announces the next epoch, or prints the call that does.
pub async fn rotate(config: &Path, asked: &Rotate, out: &mut dyn Write) -> Result<(), Report> {
    let place = Place::open(config, &asked.sending).await?;
    let epochs = place.submitter.newest_epochs().await?;
    let now = place.submitter.chain_time().await?;
    let authorities = place.submitter.authorities().await?;
    let next = next_epoch(asked, &epochs, &authorities, now)?;
    check_notice(&authorities, &next, now)?;
    check_gap(&epochs, &next, &authorities, now)?;
    check_grace(place.attestor()?, &next)?;
    if !asked.without_this_node {
        let keys = open_keys(place.attestor()?).await?;
        let own: Vec<Address> = keys.iter().map(Signer::address).collect();
        check_own_key(&own, &next)?;
    }
    writeln!(out, "epoch {}:", next.number())?;
    if authorities.notice_seconds > 0 {
        let earliest = time(authorities.earliest_activation(now));
        writeln!(
            out,
            "  could sign from {earliest}, had it been announced now"
        )?;
    }
    writeln!(out, "  signs from      {}", time(next.active_from))?;
    writeln!(out, "  signs until     {}", time(next.sign_until))?;
    writeln!(out, "  accepted until  {}", time(next.accept_until))?;
    let signers = &next.signers;
    writeln!(
        out,
        "  {} of {} signers:",
        signers.threshold(),
        signers.signers().len()
    )?;
    for (index, signer) in signers.signers().iter().enumerate() {
        writeln!(out, "    {index} {signer}")?;
    }
    let call = AdminCall::Announce {
        signers: next.signers.clone(),
        active_from: next.active_from,
        sign_until: next.sign_until,
        accept_until: next.accept_until,
    };
    place.perform(&call, Role::Owner, &asked.sending, out).await
}

fn next_epoch(
    asked: &Rotate,
    epochs: &[Epoch],
    authorities: &Authorities,
    now: u64,
) -> Result<Epoch, Report> {
    let bad = |error: String| Report::bad_input(error);
    let mut signers = asked.signers.clone();
    signers.sort();
    let count = u8::try_from(signers.len()).unwrap_or(u8::MAX);
    let threshold = asked
        .threshold
        .unwrap_or_else(|| SignerSet::default_threshold(count));
    let number = u32::try_from(epochs.len())
        .ok()
        .and_then(|known| known.checked_add(1));
    let number = number.ok_or_else(|| bad("the verifier has too many epochs".to_owned()))?;
    let signers = SignerSet::new(number, threshold, signers)
        .map_err(|error| bad(format!("--signer: {error}")))?;
    let span = |text: &str, option: &str| {
        let seconds: Seconds = text
            .parse()
            .map_err(|error| bad(format!("{option} `{text}`: {error}")))?;
        u64::try_from(seconds.0).map_err(|_negative| bad(format!("{option} `{text}` is negative")))
    };
    let active_from = match &asked.from {
        Some(text) => {
            let at = Timestamp::parse(text).map_err(|error| bad(format!("--from: {error}")))?;
            at.to_u64()
                .ok_or_else(|| bad(format!("--from `{text}` is before 1970")))?
        }
        None => soonest(authorities, now),
    };
    let sign_until = active_from.saturating_add(span(&asked.lasts, "--lasts")?);
    Ok(Epoch {
        signers,
        active_from,
        sign_until,
        accept_until: sign_until.saturating_add(span(&asked.grace, "--grace")?),
        revoked: false,
    })
}

/// What leaves time for the announcement to be mined and to be final before it.
fn soonest(authorities: &Authorities, now: u64) -> u64 {
    let announced = now.saturating_add(NOTICE_SECONDS);
    authorities.earliest_activation(announced).max(announced)
}

/// The verifier refuses an epoch that begins before its notice is over, counted from the block that announces it.
fn check_notice(authorities: &Authorities, next: &Epoch, now: u64) -> Result<(), Report> {
    let earliest = authorities.earliest_activation(now);
    if next.active_from > earliest || earliest == 0 {
        return Ok(());
    }
    Err(Report::bad_input(format!(
        "the verifier asks for a notice of {} s, so an epoch that is announced now begins after {} at the earliest, not at {}. \
         Say a later --from, with time for the announcement to be mined; where nobody may wait so long, go on with an epoch \
         that was announced before",
        authorities.notice_seconds,
        time(earliest),
        time(next.active_from)
    )))
}

/// Between what signs now and the new epoch there must be no time in which nobody signs.
fn check_gap(
    epochs: &[Epoch],
    next: &Epoch,
    authorities: &Authorities,
    now: u64,
) -> Result<(), Report> {
    let mut covered = now;
    // Each epoch that begins before the end of what is covered carries it further.
    loop {
        let reaching = epochs
            .iter()
            .filter(|epoch| !epoch.revoked && epoch.active_from <= covered);
        let reach = reaching.map(|epoch| epoch.sign_until).max().unwrap_or(0);
        if reach <= covered {
            break;
        }
        covered = reach;
    }
    let nobody_signs = covered == now;
    if next.active_from <= covered
        || (nobody_signs && next.active_from <= soonest(authorities, now))
    {
        return Ok(());
    }
    let problem = if nobody_signs {
        format!(
            "nobody signs now, and would not until {}",
            time(next.active_from)
        )
    } else {
        format!(
            "nobody would sign between {} and {}",
            time(covered),
            time(next.active_from)
        )
    };
    Err(Report::bad_input(format!(
        "that rotation leaves a gap: {problem}. Let the epoch begin earlier (--from), while the one before still signs"
    )))
}

/// What is signed last must be redeemable after its hold.
fn check_grace(attestor: &AttestorConfig, next: &Epoch) -> Result<(), Report> {
    let grace = next.accept_until.saturating_sub(next.sign_until);
    if grace > attestor.hold.0.unsigned_abs() {
        return Ok(());
    }
    Err(Report::bad_input(format!(
        "with a grace of {grace} s, what the epoch signs last could never be used: statements are held for {} first. \
         Choose a longer --grace",
        attestor.hold
    )))
}

fn check_own_key(own: &[Address], next: &Epoch) -> Result<(), Report> {
    if own.iter().any(|key| next.signers.index_of(*key).is_some()) {
        return Ok(());
    }
    Err(Report::bad_input(format!(
        "none of this node's keys ({own:?}) is among the signers, so it would not sign: make its new key with `tocsin keys \
         generate`, add it as [[attestor.keys]] and name it with --signer, or say --without-this-node"
    )))
}

/// An instant of the chain, for people.
pub(super) fn time(seconds: u64) -> String {
    i64::try_from(seconds).map_or_else(
        |_beyond| "the end of time".to_owned(),
        |seconds| Timestamp(seconds).to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(active_from: u64, sign_until: u64) -> Epoch {
        let signers = SignerSet::new(1, 1, vec![Address::repeat_byte(1)]).unwrap();
        Epoch {
            active_from,
            sign_until,
            ..Epoch::unbounded(signers)
        }
    }

    fn authorities(notice_seconds: u64) -> Authorities {
        Authorities {
            owner: Address::ZERO,
            guardian: Address::ZERO,
            epochs: 1,
            notice_seconds,
        }
    }

    #[test]
    fn an_epoch_without_its_notice_is_refused() {
        let authorities = authorities(86_400);
        let refused = check_notice(&authorities, &epoch(91_400, 900_000), 5_000).unwrap_err();
        assert!(
            refused.to_string().contains("1970-01-02T01:23:20Z"),
            "{refused}"
        );
        check_notice(&authorities, &epoch(91_401, 900_000), 5_000).unwrap();
        // Where nobody signs, it cannot be had sooner, and is no gap of the operator's making.
        let soonest = epoch(soonest(&authorities, 5_000), 900_000);
        check_notice(&authorities, &soonest, 5_000).unwrap();
        check_gap(&[], &soonest, &authorities, 5_000).unwrap();
        // The first epoch of a verifier begins when it likes.
        let first = Authorities {
            epochs: 0,
            ..authorities
        };
        check_notice(&first, &epoch(0, 900_000), 5_000).unwrap();
    }

    #[test]
    fn a_rotation_with_a_gap_is_refused() {
        let epochs = [epoch(0, 10_000), epoch(9_000, 20_000)];
        for fits in [9_500, 15_000, 20_000] {
            check_gap(&epochs, &epoch(fits, 90_000), &authorities(0), 5_000).unwrap();
        }
        let refused =
            check_gap(&epochs, &epoch(20_001, 90_000), &authorities(0), 5_000).unwrap_err();
        assert!(refused.to_string().contains("gap"), "{refused}");
        // A revoked epoch covers nothing.
        let mut revoked = epochs.clone();
        revoked[1].revoked = true;
        check_gap(&revoked, &epoch(10_001, 90_000), &authorities(0), 5_000).unwrap_err();
        // Where nobody signs, the next one has to begin soon.
        check_gap(&[], &epoch(5_000, 90_000), &authorities(0), 5_000).unwrap();
        check_gap(&[], &epoch(50_000, 90_000), &authorities(0), 5_000).unwrap_err();
    }
}
