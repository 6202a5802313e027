//! A Parquet file, row by row, each as the line that CSV would have for it.
//!
//! So one reader of rows serves both, with the same errors and the same hash of a row as provenance: that of
//! `subject,metric,observed_at,sequence,value`, then `,source` if the file has that column, with whole numbers in digits,
//! instants in unix seconds, decimals with all digits of their scale, and no value as nothing.

mod cells;
mod column;

use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::Compression;
use parquet::column::reader::ColumnReader;
use parquet::file::reader::{ChunkReader, FileReader, Length, SerializedFileReader};

use self::cells::Cells;
use self::column::Column;
use super::columns::{self, Columns};
use super::container::Counted;
use super::line;

/// How many rows are decoded at a time.
const BATCH_ROWS: usize = 1024;

/// Why a Parquet file gives no rows.
pub(crate) enum ParquetError {
    /// The system could not read it.
    Unreadable(io::Error),
    /// Its bytes make no sense.
    Damaged(Box<dyn core::error::Error + Send + Sync>),
    /// Its columns are not those of a recording.
    Columns(String),
}

/// A Parquet file that is being read.
pub(crate) struct ParquetLines {
    reader: SerializedFileReader<Chunks>,
    /// In the order of CSV.
    columns: Vec<Column>,
    /// The next group of rows.
    group: usize,
    /// A reader for each column of the current group.
    readers: Vec<ColumnReader>,
    /// The decoded rows, by column.
    batch: Vec<Cells>,
    /// How many rows are decoded, and how many of them were given out.
    decoded: usize,
    given: usize,
}

impl ParquetLines {
    /// Reads the footer and checks the columns.
    pub(crate) fn begin(file: Counted) -> Result<Self, ParquetError> {
        let size = file.size().map_err(ParquetError::Unreadable)?;
        let chunks = Chunks {
            file: Arc::new(file),
            size,
        };
        let reader = guarded(|| Ok(SerializedFileReader::new(chunks)?))?;
        check_footer(&reader, size)?;
        let columns = column::find(reader.metadata().file_metadata().schema_descr())
            .map_err(ParquetError::Columns)?;
        Ok(Self {
            reader,
            columns,
            group: 0,
            readers: Vec::new(),
            batch: Vec::new(),
            decoded: 0,
            given: 0,
        })
    }

    /// Where the columns are in the lines.
    pub(crate) fn columns(&self) -> Columns {
        Columns::in_order(self.columns.len() > columns::REQUIRED.len())
    }

    /// Writes the next row as a line; `false` at the end of the file. The inner error is a row that has no line.
    pub(crate) fn next(
        &mut self,
        bytes: &mut Vec<u8>,
    ) -> Result<Result<bool, String>, ParquetError> {
        bytes.clear();
        while self.given == self.decoded {
            if !guarded(|| self.decode())? {
                return Ok(Ok(false));
            }
        }
        let row = self.given;
        self.given += 1;
        for (place, (column, cells)) in self.columns.iter().zip(&self.batch).enumerate() {
            if place > 0 {
                bytes.push(b',');
            }
            match cells.get(row) {
                Ok(text) => line::write_field(text, bytes),
                Err(reason) => return Ok(Err(format!("{} {reason}", column.name))),
            }
        }
        Ok(Ok(true))
    }

    /// Decodes the next rows; `false` at the end of the file.
    fn decode(&mut self) -> Result<bool, ParquetError> {
        self.given = 0;
        self.decoded = 0;
        loop {
            if self.readers.is_empty() {
                if self.group == self.reader.num_row_groups() {
                    return Ok(false);
                }
                let group = self.reader.get_row_group(self.group)?;
                self.group += 1;
                for column in &self.columns {
                    self.readers.push(group.get_column_reader(column.index)?);
                }
            }
            self.batch.clear();
            for (column, reader) in self.columns.iter().zip(&mut self.readers) {
                self.batch.push(column.decode(reader, BATCH_ROWS)?);
            }
            let decoded = self.batch.first().map_or(0, Cells::len);
            if self.batch.iter().any(|cells| cells.len() != decoded) {
                return Err(ParquetError::Damaged(
                    "its columns are not of the same length".into(),
                ));
            }
            if decoded > 0 {
                self.decoded = decoded;
                return Ok(true);
            }
            self.readers.clear();
        }
    }
}

/// The decoder asserts what a damaged file need not fulfil. After that nothing of it is used again.
fn guarded<T>(work: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_asserted| {
        Err(ParquetError::Damaged(
            "its parts contradict each other".into(),
        ))
    })
}

/// Whether the footer places every column within the file, compressed in a way that is read.
fn check_footer(reader: &SerializedFileReader<Chunks>, size: u64) -> Result<(), ParquetError> {
    for column in (reader.metadata().row_groups().iter()).flat_map(|group| group.columns()) {
        match column.compression() {
            Compression::UNCOMPRESSED
            | Compression::SNAPPY
            | Compression::GZIP(_)
            | Compression::ZSTD(_) => {}
            other => {
                return Err(ParquetError::Columns(format!(
                    "column `{}` is compressed as {other}, which is not read: store it uncompressed, or with SNAPPY, \
                     GZIP or ZSTD",
                    column.column_path()
                )));
            }
        }
        let start = column
            .dictionary_page_offset()
            .unwrap_or(column.data_page_offset());
        let end = start.checked_add(column.compressed_size());
        let within = |place: i64| u64::try_from(place).is_ok_and(|place| place <= size);
        if !(within(start) && within(column.compressed_size()) && end.is_some_and(within)) {
            return Err(ParquetError::Damaged(
                "its footer places columns outside of it".into(),
            ));
        }
    }
    Ok(())
}

impl From<parquet::errors::ParquetError> for ParquetError {
    fn from(error: parquet::errors::ParquetError) -> Self {
        match error {
            parquet::errors::ParquetError::External(inner) => match inner.downcast::<io::Error>() {
                Ok(failed) if failed.raw_os_error().is_some() => Self::Unreadable(*failed),
                Ok(failed) => Self::Damaged(failed),
                Err(other) => Self::Damaged(other),
            },
            other => Self::Damaged(Box::new(other)),
        }
    }
}

/// The file, as the decoder reads it: at many places.
struct Chunks {
    file: Arc<Counted>,
    size: u64,
}

/// Reads on from a place.
struct Chunk {
    file: Arc<Counted>,
    place: u64,
}

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.size
    }
}

impl ChunkReader for Chunks {
    type T = io::BufReader<Chunk>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        // It is asked for headers of pages, which are short.
        Ok(io::BufReader::with_capacity(512, self.chunk(start)))
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        let end = start.checked_add(length as u64);
        if end.is_none_or(|end| end > self.size) {
            return Err(parquet::errors::ParquetError::EOF(format!(
                "{length} bytes at {start} are not in a file of {}",
                self.size
            )));
        }
        let mut bytes = vec![0; length];
        self.chunk(start).read_exact(&mut bytes)?;
        Ok(bytes.into())
    }
}

impl Chunks {
    fn chunk(&self, place: u64) -> Chunk {
        Chunk {
            file: Arc::clone(&self.file),
            place,
        }
    }
}

impl Read for Chunk {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(self.place, buffer)?;
        self.place += read as u64;
        Ok(read)
    }
}
