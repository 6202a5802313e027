//! Recorded files as one recording, which can be read from its beginning as often as one likes.

use std::path::PathBuf;

use tocsin_domain::time::Timestamp;

use super::input::Input;
use super::merge::{Merge, Source};
use super::problem::BadRows;
use super::rows::Rows;
use super::runs::{Runs, Sorter};
use super::settings::Settings;
use super::straight::{Again, BadRow, Straight};
use super::streams::RecordedStream;
use super::survey::{SecondReading, Survey};
use crate::SourceError;

/// Recorded files whose rows are all good.
pub struct Recording {
    settings: Settings,
    inputs: Vec<Input>,
    survey: Survey,
    runs: Option<Runs>,
}

impl Recording {
    /// Reads the files once, in their order, and checks every row.
    ///
    /// # Errors
    ///
    /// [`SourceError::File`] where one cannot be read, [`SourceError::FileDamaged`] where it cannot be decoded,
    /// [`SourceError::FileFormat`] and [`SourceError::FileHeader`] where it is not a recording, [`SourceError::Spill`] where
    /// rows cannot be sorted on disk, and [`SourceError::Rows`] with every bad row.
    pub fn open(paths: &[PathBuf], settings: Settings) -> Result<Self, SourceError> {
        let inputs = paths
            .iter()
            .map(|path| Input::find(path, &settings))
            .collect::<Result<Vec<_>, _>>()?;
        let mut survey = Survey::default();
        for _input in &inputs {
            survey.read(&inputs, &settings)?;
        }
        survey.settle();
        let bad = core::mem::take(&mut survey.bad);
        let mut recording = Self {
            settings,
            inputs,
            survey,
            runs: None,
        };
        let bad_row = if bad.total() > 0 {
            BadRow::Known
        } else {
            BadRow::Changed
        };
        recording.sort(bad_row)?;
        if bad_row == BadRow::Known {
            // What contradicts itself is bad too, and all that is bad is listed.
            for row in recording.rows_after(bad_row, bad)? {
                row?;
            }
        }
        Ok(recording)
    }

    /// Its streams, in the order of streams.
    pub fn streams(&self) -> &[RecordedStream] {
        self.survey.streams.recorded()
    }

    /// The latest time of any row, also of those that nobody asked for.
    pub fn last_observed_at(&self) -> Option<Timestamp> {
        self.survey.last_observed_at
    }

    /// Whether any file has a `source` column.
    pub fn names_sources(&self) -> bool {
        self.survey.names_sources
    }

    /// How many bytes are read when the rows are; none if they are held in memory.
    pub fn bytes(&self) -> u64 {
        let files = self.inputs.iter().zip(&self.survey.files);
        let straight = files
            .filter(|(_, facts)| facts.reading == SecondReading::Straight)
            .map(|(input, _)| input.bytes());
        straight.sum::<u64>() + self.runs.as_ref().map_or(0, Runs::bytes)
    }

    /// The rows from the beginning.
    ///
    /// # Errors
    ///
    /// As [`Rows`] where the first row of a file has one.
    pub fn rows(&self) -> Result<Rows<'_>, SourceError> {
        self.rows_after(BadRow::Changed, BadRows::default())
    }

    fn rows_after(&self, bad_row: BadRow, known: BadRows) -> Result<Rows<'_>, SourceError> {
        let mut sources = vec![Source::Held(self.survey.held.iter())];
        for file in 0..self.inputs.len() {
            if self.survey.files[file].reading == SecondReading::Straight {
                let rows = Straight::new(self.again(file, bad_row)?);
                sources.push(Source::Straight(Box::new(rows)));
            }
        }
        if let Some(runs) = &self.runs {
            sources.extend(runs.readers().map(Source::Run));
        }
        Rows::new(&self.inputs, Merge::new(sources)?, known)
    }

    fn again(&self, file: usize, bad_row: BadRow) -> Result<Again<'_>, SourceError> {
        Again::begin(
            &self.inputs[file],
            &self.settings,
            &self.survey.streams,
            file,
            &self.survey.files[file],
            bad_row,
        )
    }

    /// Sorts the files that neither fit nor are in order.
    fn sort(&mut self, bad_row: BadRow) -> Result<(), SourceError> {
        let mut sorter = None;
        for file in 0..self.inputs.len() {
            if self.survey.files[file].reading != SecondReading::Sorted {
                continue;
            }
            if sorter.is_none() {
                sorter = Some(Sorter::new(&self.settings)?);
            }
            let mut rows = self.again(file, bad_row)?;
            while let (Some(row), Some(sorter)) = (rows.next()?, &mut sorter) {
                sorter.push(row)?;
            }
        }
        self.runs = sorter
            .map(|sorter| sorter.finish(&self.settings))
            .transpose()?;
        Ok(())
    }
}
