//! Some decoded rows of one column, as text.

use std::collections::BTreeMap;

/// Some decoded rows of one column, as text; a row without a value is empty.
#[derive(Debug, Default)]
pub(super) struct Cells {
    text: String,
    /// Where each row's text ends.
    ends: Vec<usize>,
    /// Rows that are no text, and why.
    bad: BTreeMap<usize, String>,
}

impl Cells {
    /// Makes the rows of a column: `levels` says of each whether it has a value, `write` writes one.
    ///
    /// `None` if there are not as many values as the levels say.
    pub(super) fn write<T>(
        levels: impl Iterator<Item = bool>,
        values: &[T],
        write: impl Fn(&T, &mut String) -> Result<(), String>,
    ) -> Option<Self> {
        let mut cells = Self::default();
        let mut values = values.iter();
        for (row, has_value) in levels.enumerate() {
            if has_value && let Err(reason) = write(values.next()?, &mut cells.text) {
                cells.bad.insert(row, reason);
            }
            cells.ends.push(cells.text.len());
        }
        values.next().is_none().then_some(cells)
    }

    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The text of a row.
    pub(super) fn get(&self, row: usize) -> Result<&str, &str> {
        if let Some(reason) = self.bad.get(&row) {
            return Err(reason);
        }
        let begin = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        Ok(&self.text[begin..self.ends[row]])
    }
}
