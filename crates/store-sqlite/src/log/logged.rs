//! Which claims are in the log: what an attestation rests on is what leaves say, not that nothing waits.

use std::collections::BTreeSet;

use sqlx::SqliteConnection;
use tocsin_domain::claim::{Claim, Eligibility};
use tocsin_store::StoreError;

use crate::column::{hexed_number, to_json};
use crate::error::failed;

const LOOK: &str = "look for the leaves of claims";

/// A claim as it travels to SQLite: its policy, its number, its risk, and what its leaf begins with.
type Wanted = (String, u32, String, String);

/// Those of these claims about which the log says what the books say, in their order; in one read, however many they are. Entries
/// are RFC 8785 JSON, so that what they say is compared as text.
pub(super) async fn logged(
    connection: &mut SqliteConnection,
    claims: Vec<Claim>,
) -> Result<Vec<Claim>, StoreError> {
    let wanted: Vec<Wanted> = claims.iter().map(wanted).collect();
    let found: Vec<i64> = sqlx::query_scalar(
        r#"WITH given AS MATERIALIZED (
             SELECT key, value ->> 0 AS policy, value ->> 1 AS ordinal, value ->> 2 AS risk, value ->> 3 AS says
             FROM jsonb_each(?1)
         ), decided AS MATERIALIZED (
             SELECT loss.risk, loss.ordinal
             FROM (SELECT DISTINCT risk, ordinal FROM given) AS loss
             JOIN determinations AS d ON d.risk = unhex(substr(loss.risk, 3)) AND d.ordinal = loss.ordinal
             JOIN log_leaves AS leaf ON leaf.place = (
                 SELECT max(l.place) FROM log_leaves AS l
                 WHERE l.subject = loss.risk AND l.kind = 'determination' AND l.ordinal = loss.ordinal)
             WHERE leaf.entry ->> '$.body.evidence_root' = '0x' || lower(hex(d.evidence_root))
               AND leaf.entry ->> '$.body.event_id' = '0x' || lower(hex(d.event_id))
               AND leaf.entry ->> '$.body.payout' IS d.payout
         )
         SELECT given.key
         FROM given
         JOIN decided ON decided.risk = given.risk AND decided.ordinal = given.ordinal
         JOIN log_leaves AS claim ON claim.place = (
             SELECT max(l.place) FROM log_leaves AS l
             WHERE l.subject = given.policy AND l.kind = 'claim' AND l.ordinal = given.ordinal)
         JOIN log_leaves AS bought ON bought.place = (
             SELECT min(l.place) FROM log_leaves AS l
             WHERE l.subject = given.policy AND l.kind = 'policy' AND l.ordinal = 0)
         JOIN policies AS p ON p.id = unhex(substr(given.policy, 3))
         WHERE instr(claim.entry, given.says) = 1
           AND instr(bought.entry,
                     '"consumer":"0x' || lower(hex(p.contract)) || '","expiry":' || p.expiry
                     || ',"holder":"0x' || lower(hex(p.holder)) || '","inception":' || p.inception
                     || ',"number":"0x' || lower(hex(p.number)) || '","risk":"0x' || lower(hex(p.risk))
                     || '","sum_insured":"0x' || lower(hex(p.sum_insured))
                     || '","terms_hash":"0x' || lower(hex(p.terms_hash)) || '"},"kind":"policy"') > 0
           AND (NOT EXISTS (SELECT 1 FROM log_queue WHERE kind = 'claim')
                OR NOT EXISTS (SELECT 1 FROM log_queue AS queued WHERE queued.kind = 'claim'
                                 AND queued.subject = given.policy AND queued.ordinal = given.ordinal))
           AND (NOT EXISTS (SELECT 1 FROM log_doubts)
                OR NOT EXISTS (SELECT 1 FROM log_doubts AS doubt
                               WHERE doubt.subject IN (given.policy, given.risk, '0x' || lower(hex(p.terms_hash)))))
           AND NOT EXISTS (SELECT 1 FROM log_held)"#,
    )
    .bind(to_json("claim", "keys", &wanted)?)
    .fetch_all(&mut *connection)
    .await
    .map_err(failed(LOOK))?;
    let found: BTreeSet<i64> = found.into_iter().collect();
    Ok((0_i64..)
        .zip(claims)
        .filter(|(place, _)| found.contains(place))
        .map(|(_, claim)| claim)
        .collect())
}

fn wanted(claim: &Claim) -> Wanted {
    let risk = claim.risk.to_string();
    let says = match &claim.eligibility {
        Eligibility::Eligible { fraction, amount } => format!(
            r#"{{"body":{{"amount":"0x{}","decision":"accepted","fraction":"{fraction}","refusal":null,"risk":"{risk}"}},"kind":"claim""#,
            hexed_number(*amount)
        ),
        Eligibility::Refused(_) => {
            r#"{"body":{"amount":null,"decision":"refused","fraction":null,"#.to_owned()
        }
    };
    (claim.policy.to_string(), claim.ordinal, risk, says)
}
