//! What several have seen, each observation once.

use std::collections::BTreeMap;

use alloy_primitives::U256;

use crate::observation::Observation;
use crate::time::Timestamp;

/// Where each observation of a list stands, to be found by what it says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places(BTreeMap<(Timestamp, U256), Vec<usize>>);

impl Places {
    /// Of a list, in which an observation may stand several times; then its first place counts.
    pub(crate) fn of(list: &[Observation]) -> Self {
        let mut places = Self::default();
        for (place, row) in list.iter().enumerate() {
            places.0.entry(key(row)).or_default().push(place);
        }
        places
    }

    /// Where `row` stands in `list`, the list that these are the places of.
    pub(crate) fn find(&self, list: &[Observation], row: &Observation) -> Option<usize> {
        let candidates = self.0.get(&key(row))?;
        candidates
            .iter()
            .copied()
            .find(|&place| list.get(place) == Some(row))
    }
}

/// All observations of all lists in their order, but each only where it comes first.
pub(crate) fn of<'a>(lists: impl Iterator<Item = &'a [Observation]>) -> Vec<Observation> {
    let mut union = Vec::new();
    let mut places = Places::default();
    for row in lists.flatten() {
        if places.find(&union, row).is_none() {
            places.0.entry(key(row)).or_default().push(union.len());
            union.push(row.clone());
        }
    }
    union
}

fn key(row: &Observation) -> (Timestamp, U256) {
    (row.observed_at, row.sequence.0)
}
