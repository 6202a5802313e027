//! Sorting what does not fit into memory: sorted parts, *runs*, in one file that vanishes with it.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use alloy::primitives::{B256, I256, U256};
use tocsin_domain::decimal::Decimal;
use tocsin_domain::observation::Sequence;
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_domain::value::Value;

use super::entry::{Entry, Place};
use super::settings::{Progress, Settings};
use crate::SourceError;

/// How much of a run is read at a time.
const BLOCK_BYTES: usize = 1 << 16;

/// Sorted runs of rows.
pub(crate) struct Runs {
    file: File,
    folder: PathBuf,
    progress: Progress,
    /// Where each run is: from, to.
    places: Vec<(u64, u64)>,
}

/// Takes rows in, and writes a run whenever it has as many as may be held.
pub(crate) struct Sorter {
    file: BufWriter<File>,
    folder: PathBuf,
    written: u64,
    places: Vec<(u64, u64)>,
    rows: Vec<Entry>,
    rows_bytes: usize,
    memory_bytes: usize,
    record: Vec<u8>,
}

impl Sorter {
    /// Begins in the folder for temporary files.
    pub(crate) fn new(settings: &Settings) -> Result<Self, SourceError> {
        let folder = settings.temporary.clone();
        let file = tempfile::tempfile_in(&folder).map_err(|source| SourceError::Spill {
            folder: folder.clone(),
            source,
        })?;
        Ok(Self {
            file: BufWriter::with_capacity(BLOCK_BYTES, file),
            folder,
            written: 0,
            places: Vec::new(),
            rows: Vec::new(),
            rows_bytes: 0,
            memory_bytes: settings.memory_bytes,
            record: Vec::new(),
        })
    }

    pub(crate) fn push(&mut self, row: Entry) -> Result<(), SourceError> {
        self.rows_bytes += row.bytes();
        self.rows.push(row);
        if self.rows_bytes > self.memory_bytes {
            self.write_run()?;
        }
        Ok(())
    }

    pub(crate) fn finish(mut self, settings: &Settings) -> Result<Runs, SourceError> {
        self.write_run()?;
        let folder = self.folder;
        let file = self.file.into_inner().map_err(|error| SourceError::Spill {
            folder: folder.clone(),
            source: error.into_error(),
        })?;
        Ok(Runs {
            file,
            folder,
            progress: settings.progress.clone(),
            places: self.places,
        })
    }

    fn write_run(&mut self) -> Result<(), SourceError> {
        if self.rows.is_empty() {
            return Ok(());
        }
        self.rows.sort_unstable_by_key(Entry::key);
        let from = self.written;
        for row in self.rows.drain(..) {
            self.record.clear();
            write(&row, &mut self.record);
            let length = self.record.len() as u64;
            self.file
                .write_all(&length.to_le_bytes())
                .and_then(|()| self.file.write_all(&self.record))
                .map_err(|source| SourceError::Spill {
                    folder: self.folder.clone(),
                    source,
                })?;
            self.written += size_of::<u64>() as u64 + length;
        }
        self.rows_bytes = 0;
        self.places.push((from, self.written));
        Ok(())
    }
}

impl Runs {
    /// Each run from its beginning.
    pub(crate) fn readers(&self) -> impl Iterator<Item = RunReader<'_>> {
        self.places.iter().map(|(from, to)| RunReader {
            runs: self,
            place: *from,
            end: *to,
            block: Vec::new(),
            used: 0,
        })
    }

    /// How many bytes they take.
    pub(crate) fn bytes(&self) -> u64 {
        self.places.last().map_or(0, |(_, end)| *end)
    }
}

/// Reads one run. All share one file, so that there can be more of them than a process may have files.
pub(crate) struct RunReader<'r> {
    runs: &'r Runs,
    place: u64,
    end: u64,
    block: Vec<u8>,
    used: usize,
}

impl RunReader<'_> {
    pub(crate) fn next(&mut self) -> Result<Option<Entry>, SourceError> {
        self.read_row().map_err(|source| SourceError::Spill {
            folder: self.runs.folder.clone(),
            source,
        })
    }

    fn read_row(&mut self) -> io::Result<Option<Entry>> {
        if self.used == self.block.len() && self.place == self.end {
            return Ok(None);
        }
        let length = u64::from_le_bytes(self.array()?);
        let length = usize::try_from(length).map_err(io::Error::other)?;
        let mut record = self.take(length)?;
        Ok(Some(read(&mut record)?))
    }

    fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    /// The next `length` bytes.
    fn take(&mut self, length: usize) -> io::Result<&[u8]> {
        if self.block.len() - self.used < length {
            self.block.drain(..self.used);
            self.used = 0;
            let missing = length - self.block.len();
            let left = self.end - self.place;
            let wanted = (missing.max(BLOCK_BYTES) as u64).min(left);
            let mut file = &self.runs.file;
            file.seek(SeekFrom::Start(self.place))?;
            let read = file.take(wanted).read_to_end(&mut self.block)? as u64;
            self.place += read;
            (self.runs.progress)(read);
            if self.block.len() < length {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let from = self.used;
        self.used += length;
        Ok(&self.block[from..self.used])
    }
}

fn write(row: &Entry, record: &mut Vec<u8>) {
    record.extend_from_slice(&row.observed_at.0.to_le_bytes());
    record.extend_from_slice(&(row.stream as u64).to_le_bytes());
    record.extend_from_slice(&(row.place.file as u64).to_le_bytes());
    record.extend_from_slice(&row.place.line.to_le_bytes());
    record.extend_from_slice(&row.sequence.0.to_le_bytes::<32>());
    record.extend_from_slice(row.hash.as_slice());
    match &row.value {
        None => record.push(0),
        Some(Value::Decimal(value)) => {
            record.push(1);
            record.extend_from_slice(&value.units().to_le_bytes::<32>());
        }
        Some(Value::Duration(Seconds(seconds))) => {
            record.push(2);
            record.extend_from_slice(&seconds.to_le_bytes());
        }
        Some(Value::Bool(truth)) => record.extend_from_slice(&[3, u8::from(*truth)]),
        Some(Value::Time(Timestamp(seconds))) => {
            record.push(4);
            record.extend_from_slice(&seconds.to_le_bytes());
        }
        Some(Value::Text(text)) => {
            record.push(5);
            record.extend_from_slice(text.as_bytes());
        }
    }
}

fn read(record: &mut &[u8]) -> io::Result<Entry> {
    let observed_at = Timestamp(i64::from_le_bytes(array(record)?));
    let stream = number(record)?;
    let file = number(record)?;
    let line = u64::from_le_bytes(array(record)?);
    let sequence = Sequence(U256::from_le_bytes::<32>(array(record)?));
    let hash = B256::from(array::<32>(record)?);
    let [tag] = array(record)?;
    let value = match tag {
        0 => None,
        1 => {
            let units = I256::from_le_bytes::<32>(array(record)?);
            Some(Value::Decimal(
                Decimal::from_units(units).ok_or(io::ErrorKind::InvalidData)?,
            ))
        }
        2 => Some(Value::Duration(Seconds(i64::from_le_bytes(array(record)?)))),
        3 => Some(Value::Bool(array(record)? != [0])),
        4 => Some(Value::Time(Timestamp(i64::from_le_bytes(array(record)?)))),
        _ => {
            let text = core::str::from_utf8(record).map_err(io::Error::other)?;
            Some(Value::Text(text.to_owned()))
        }
    };
    Ok(Entry {
        observed_at,
        stream,
        sequence,
        value,
        hash,
        place: Place { file, line },
    })
}

fn array<const N: usize>(record: &mut &[u8]) -> io::Result<[u8; N]> {
    let mut array = [0; N];
    record.read_exact(&mut array)?;
    Ok(array)
}

fn number(record: &mut &[u8]) -> io::Result<usize> {
    usize::try_from(u64::from_le_bytes(array(record)?)).map_err(io::Error::other)
}
