//! Pages of long lists.
//!
//! A cursor names the last entry that was shown, so that entries which are added meanwhile neither repeat nor hide others. It is
//! opaque: what is in it may change with any version.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tocsin_store::StoreError;
use utoipa::IntoParams;

use crate::problem::Problem;

/// Entries of a page where the request does not say.
const USUAL: u32 = 100;
/// Entries of a page at the most.
pub(crate) const MOST: u32 = 500;
/// Characters of a cursor at the most; ours are shorter.
const CURSOR_MAX: usize = 1_024;

/// Which part of a list is wanted.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuery {
    /// `next` of the page before; without it, the list begins.
    pub(crate) cursor: Option<String>,
    /// How many entries at the most: 1 to 500, otherwise 100.
    #[param(minimum = 1, maximum = 500, default = 100)]
    pub(crate) limit: Option<u32>,
}

impl PageQuery {
    /// How many entries are wanted.
    pub(crate) fn limit(&self) -> Result<u32, Problem> {
        limit(self.limit)
    }

    /// After which entry; `None` at the beginning.
    pub(crate) fn after<K: DeserializeOwned>(&self) -> Result<Option<K>, Problem> {
        after(self.cursor.as_deref())
    }
}

/// How many entries are wanted, for queries that have more than a [`PageQuery`].
pub(crate) fn limit(wanted: Option<u32>) -> Result<u32, Problem> {
    match wanted {
        None => Ok(USUAL),
        Some(limit) if (1..=MOST).contains(&limit) => Ok(limit),
        Some(limit) => Err(Problem::BadRequest(format!(
            "limit {limit} is out of range: ask for 1 to {MOST} entries at once"
        ))),
    }
}

/// After which entry, likewise.
pub(crate) fn after<K: DeserializeOwned>(cursor: Option<&str>) -> Result<Option<K>, Problem> {
    let Some(cursor) = cursor else {
        return Ok(None);
    };
    let bytes = (cursor.len() <= CURSOR_MAX)
        .then(|| URL_SAFE_NO_PAD.decode(cursor).ok())
        .flatten();
    // What it cannot be read for is nobody's business: it is not ours, or of another list.
    let key = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    key.map(Some).ok_or_else(not_of_this_list)
}

/// What a list answers whose store finds nothing where a cursor says that the page before ended.
pub(crate) fn strange(error: StoreError) -> Problem {
    match error {
        StoreError::Missing { .. } => not_of_this_list(),
        other => other.into(),
    }
}

fn not_of_this_list() -> Problem {
    Problem::BadRequest(
        "cursor is not one of this list: use `next` of the page before, or leave it out".to_owned(),
    )
}

/// `next` of a page of `entries`, of which `limit` were wanted: none where the list has ended.
pub(crate) fn next<T, K: Serialize>(
    entries: &[T],
    limit: u32,
    key: impl FnOnce(&T) -> K,
) -> Result<Option<String>, Problem> {
    let full = usize::try_from(limit).is_ok_and(|limit| entries.len() >= limit);
    let Some(last) = entries.last().filter(|_| full) else {
        return Ok(None);
    };
    cursor(&key(last)).map(Some)
}

/// The cursor that names an entry.
pub(crate) fn cursor<K: Serialize>(key: &K) -> Result<String, Problem> {
    let key = serde_json::to_vec(key).map_err(|error| Problem::Failed(error.to_string()))?;
    Ok(URL_SAFE_NO_PAD.encode(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_and_a_strange_one_is_refused() {
        let next = next(&[1_u64, 2], 2, |last| (*last, "x".to_owned())).unwrap();
        assert_eq!(
            after::<(u64, String)>(next.as_deref()).unwrap(),
            Some((2, "x".to_owned()))
        );
        for strange in ["", "%", "bm90IG91cnM", &"A".repeat(5_000)] {
            assert!(after::<(u64, String)>(Some(strange)).is_err(), "{strange}");
        }
        assert!(after::<u64>(next.as_deref()).is_err(), "of another list");
    }

    #[test]
    fn a_page_that_is_not_full_is_the_last() {
        assert_eq!(next(&[1_u64], 2, |last| *last).unwrap(), None);
        assert!(limit(Some(0)).is_err() && limit(Some(501)).is_err());
    }
}
