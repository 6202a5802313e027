//! The guards of a determination: a row for each, whether it held or why that is not known.

use sqlx::SqliteConnection;
use tocsin_domain::determination::Determination;
use tocsin_domain::eval::outcome::Unknown;
use tocsin_store::StoreError;
use tocsin_store::check::Flaw;

use super::{NOUN, name};
use crate::column::{from_json, hexed, to_json};
use crate::error::failed;

/// (guard, whether it holds, unknown)
type GuardCells = (usize, Option<u8>, Option<String>);

/// The guards of one determination, from the JSON list of their rows.
pub(super) fn decode(json: &str) -> Result<Vec<Result<bool, Unknown>>, Flaw> {
    let rows: Vec<GuardCells> = from_json("guards", json)?;
    rows.into_iter()
        .enumerate()
        .map(|(expected, (guard, holds, unknown))| {
            if guard != expected {
                return Err(Flaw(format!("its guard {expected} is missing")));
            }
            match (holds, unknown) {
                (Some(0), None) => Ok(Ok(false)),
                (Some(1), None) => Ok(Ok(true)),
                (None, Some(unknown)) => Ok(Err(from_json("unknown", &unknown)?)),
                (Some(_), None) => Err(Flaw(format!("guard {guard} is neither true nor false"))),
                (None, None) | (Some(_), Some(_)) => Err(Flaw(format!(
                    "guard {guard} needs either an answer or a reason for none"
                ))),
            }
        })
        .collect()
}

/// (risk, ordinal, guard, whether it holds, unknown)
type WrittenGuard = (String, u32, usize, Option<bool>, Option<String>);

fn written(determination: &Determination) -> Result<Vec<WrittenGuard>, StoreError> {
    let Determination { risk, ordinal, .. } = determination;
    let cells = determination
        .guards
        .iter()
        .enumerate()
        .map(|(guard, outcome)| {
            let (holds, unknown) = match outcome {
                Ok(holds) => (Some(*holds), None),
                Err(unknown) => {
                    let reason = to_json(NOUN, name((*risk, *ordinal)), unknown)?;
                    (None, Some(reason))
                }
            };
            Ok((hexed(risk.0), *ordinal, guard, holds, unknown))
        });
    cells.collect()
}

/// Adds the guards of determinations that are new.
pub(super) async fn add(
    connection: &mut SqliteConnection,
    new: impl Iterator<Item = &Determination>,
    attempt: &'static str,
) -> Result<(), StoreError> {
    let guards: Vec<Vec<WrittenGuard>> = new.map(written).collect::<Result<_, _>>()?;
    let guards = guards.concat();
    if guards.is_empty() {
        return Ok(());
    }
    let guards = to_json(NOUN, "batch", &guards)?;
    sqlx::query!(
        "INSERT INTO determination_guards (risk, ordinal, guard, holds, unknown)
         SELECT unhex(value ->> 0), value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM jsonb_each(?1)",
        guards
    )
    .execute(&mut *connection)
    .await
    .map_err(failed(attempt))?;
    Ok(())
}
