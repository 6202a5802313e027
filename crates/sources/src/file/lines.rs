//! The rows of a file as lines of CSV, whatever the file is.

use std::io::{self, BufRead};

use super::columns::{self, Columns};
use super::container::Opened;
use super::input::Input;
use super::line;
use super::parquet::{ParquetError, ParquetLines};
use crate::SourceError;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// A file that is being read.
pub(crate) struct Lines<'i> {
    input: &'i Input,
    body: Body,
    /// Where the columns are.
    pub(crate) columns: Columns,
    /// The line that was read last, from 1; of a Parquet file the row.
    pub(crate) number: u64,
}

enum Body {
    Text(Box<dyn BufRead>, Option<&'static str>),
    Parquet(Box<ParquetLines>),
}

impl<'i> Lines<'i> {
    /// Reads the header.
    pub(crate) fn begin(input: &'i Input, opened: Opened) -> Result<Self, SourceError> {
        match opened {
            Opened::Text(mut text, compression) => {
                let mut bytes = Vec::new();
                let header = line::next(&mut text, &mut bytes)
                    .map_err(|source| text_failed(input, compression, source))?;
                let columns =
                    header
                        .and_then(|_some_line| header_of(&bytes))
                        .map_err(|reason| SourceError::FileHeader {
                            file: input.name().to_owned(),
                            reason,
                        })?;
                Ok(Self {
                    input,
                    body: Body::Text(text, compression),
                    columns,
                    number: 1,
                })
            }
            Opened::Parquet(file) => {
                let lines = ParquetLines::begin(file).map_err(|e| parquet_failed(input, e))?;
                Ok(Self {
                    input,
                    columns: lines.columns(),
                    body: Body::Parquet(Box::new(lines)),
                    number: 0,
                })
            }
            Opened::Other(what) => Err(SourceError::FileFormat {
                path: input.path().to_owned(),
                reason: format!(
                    "this is {what}, which is not read: store CSV, plain or compressed with gzip or Zstandard, or \
                     Parquet"
                ),
            }),
        }
    }

    /// Reads the next line that is not empty; `None` at the end. The inner error is what is wrong with the line.
    pub(crate) fn next(
        &mut self,
        bytes: &mut Vec<u8>,
    ) -> Result<Option<Result<(), String>>, SourceError> {
        loop {
            self.number += 1;
            let read = match &mut self.body {
                Body::Text(text, compression) => line::next(text, bytes)
                    .map_err(|source| text_failed(self.input, *compression, source))?,
                Body::Parquet(lines) => lines
                    .next(bytes)
                    .map_err(|error| parquet_failed(self.input, error))?,
            };
            match read {
                Ok(false) => return Ok(None),
                Ok(true) if bytes.is_empty() => {}
                Ok(true) => return Ok(Some(Ok(()))),
                Err(reason) => return Ok(Some(Err(reason))),
            }
        }
    }
}

fn text_failed(input: &Input, compression: Option<&'static str>, source: io::Error) -> SourceError {
    match compression {
        // What the system refuses has its number; the rest is the decoder's.
        Some(format) if source.raw_os_error().is_none() => SourceError::FileDamaged {
            path: input.path().to_owned(),
            format,
            source: source.into(),
        },
        _ => input.failed(source),
    }
}

fn parquet_failed(input: &Input, error: ParquetError) -> SourceError {
    match error {
        ParquetError::Unreadable(source) => input.failed(source),
        ParquetError::Damaged(source) => SourceError::FileDamaged {
            path: input.path().to_owned(),
            format: "Parquet",
            source,
        },
        ParquetError::Columns(reason) => SourceError::FileFormat {
            path: input.path().to_owned(),
            reason,
        },
    }
}

fn header_of(bytes: &[u8]) -> Result<Columns, String> {
    let text = line::text(bytes)?;
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    if text.is_empty() {
        return Err(format!(
            "the file does not begin with a header; {}",
            columns::expected(columns::CSV)
        ));
    }
    Columns::parse(text)
}
