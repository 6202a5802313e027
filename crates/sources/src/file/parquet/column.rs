//! The columns of a Parquet file: which types mean something in them, and how their values are written.

use core::fmt::Write as _;

use alloy::primitives::I256;
use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type as Physical};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{DataType, Int96};
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor};

use super::ParquetError;
use super::cells::Cells;
use crate::file::columns;

/// The most digits that 256 bits can have.
const SCALE_MAX: usize = 77;

/// A column of a recording.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: &'static str,
    /// Its place in the file.
    pub(super) index: usize,
    meaning: Meaning,
    nullable: bool,
}

/// What its stored values mean.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Meaning {
    Text,
    Bool,
    Signed,
    Unsigned,
    Decimal { scale: usize },
    Instant { per_second: i64 },
}

/// The columns in the order of CSV. None may be missing, unknown, or of a type that cannot be read exactly.
pub(super) fn find(schema: &SchemaDescriptor) -> Result<Vec<Column>, String> {
    let names: Vec<String> = schema
        .columns()
        .iter()
        .map(|column| column.path().string())
        .collect();
    columns::check_names(&names, columns::PARQUET)?;
    let mut found = Vec::new();
    for name in columns::known() {
        let Some(index) = names.iter().position(|column| column == name) else {
            continue;
        };
        let descriptor = schema.column(index);
        if descriptor.max_rep_level() > 0 || descriptor.max_def_level() > 1 {
            return Err(format!(
                "column `{name}` is nested: store one value in each row"
            ));
        }
        let meaning = meaning(&descriptor)
            .filter(|meaning| fits(name, *meaning))
            .ok_or_else(|| refusal(name, &descriptor))?;
        found.push(Column {
            name,
            index,
            meaning,
            nullable: descriptor.max_def_level() == 1,
        });
    }
    Ok(found)
}

fn meaning(column: &ColumnDescriptor) -> Option<Meaning> {
    let physical = column.physical_type();
    let integer = matches!(physical, Physical::INT32 | Physical::INT64);
    let binary = matches!(
        physical,
        Physical::BYTE_ARRAY | Physical::FIXED_LEN_BYTE_ARRAY
    );
    let instant =
        |per_second| (physical == Physical::INT64).then_some(Meaning::Instant { per_second });
    let decimal = |scale: i32| {
        let scale = usize::try_from(scale).ok()?;
        if !(integer || binary) || scale > SCALE_MAX {
            return None;
        }
        Some(Meaning::Decimal { scale })
    };
    let text = (physical == Physical::BYTE_ARRAY).then_some(Meaning::Text);
    match column.logical_type_ref() {
        Some(LogicalType::String | LogicalType::Enum) => return text,
        Some(LogicalType::Decimal(decimal_type)) => return decimal(decimal_type.scale),
        Some(LogicalType::Timestamp(timestamp)) => {
            return instant(match timestamp.unit {
                TimeUnit::MILLIS => 1_000,
                TimeUnit::MICROS => 1_000_000,
                TimeUnit::NANOS => 1_000_000_000,
            });
        }
        Some(LogicalType::Integer(of)) => {
            let signed = if of.is_signed {
                Meaning::Signed
            } else {
                Meaning::Unsigned
            };
            return integer.then_some(signed);
        }
        Some(_) => return None,
        None => {}
    }
    match column.converted_type() {
        ConvertedType::UTF8 | ConvertedType::ENUM => text,
        ConvertedType::DECIMAL => decimal(column.type_scale()),
        ConvertedType::TIMESTAMP_MILLIS => instant(1_000),
        ConvertedType::TIMESTAMP_MICROS => instant(1_000_000),
        ConvertedType::INT_8
        | ConvertedType::INT_16
        | ConvertedType::INT_32
        | ConvertedType::INT_64 => integer.then_some(Meaning::Signed),
        ConvertedType::UINT_8
        | ConvertedType::UINT_16
        | ConvertedType::UINT_32
        | ConvertedType::UINT_64 => integer.then_some(Meaning::Unsigned),
        ConvertedType::NONE => match physical {
            Physical::INT32 | Physical::INT64 => Some(Meaning::Signed),
            Physical::INT96 => Some(Meaning::Instant { per_second: 1 }),
            Physical::BOOLEAN => Some(Meaning::Bool),
            // Older programs write text without saying that it is.
            Physical::BYTE_ARRAY => Some(Meaning::Text),
            _ => None,
        },
        _ => None,
    }
}

/// Which meanings a column can have.
fn fits(name: &str, meaning: Meaning) -> bool {
    match name {
        "observed_at" => matches!(
            meaning,
            Meaning::Text | Meaning::Signed | Meaning::Unsigned | Meaning::Instant { .. }
        ),
        "sequence" => matches!(
            meaning,
            Meaning::Text | Meaning::Signed | Meaning::Unsigned | Meaning::Decimal { scale: 0 }
        ),
        "value" => true,
        _ => meaning == Meaning::Text,
    }
}

fn refusal(name: &str, column: &ColumnDescriptor) -> String {
    let float = match column.physical_type() {
        Physical::DOUBLE => Some("float64"),
        Physical::FLOAT => Some("float32"),
        _ if column.logical_type_ref() == Some(&LogicalType::Float16) => Some("float16"),
        _ => None,
    };
    let remedy = match name {
        "observed_at" => "whole unix seconds (int64), a timestamp, or text in RFC 3339",
        "sequence" => "whole numbers, DECIMAL(38, 0), or text",
        "value" => "decimals (DECIMAL), whole numbers, or text",
        _ => "text",
    };
    match float {
        Some(float) => format!(
            "column `{name}` is {float}, which cannot hold decimal numbers exactly: store {remedy}"
        ),
        None => {
            let logical = match column.logical_type_ref() {
                Some(logical) => format!("{logical:?}"),
                None => column.converted_type().to_string(),
            };
            format!(
                "column `{name}` has the type {} ({logical}): store {remedy}",
                column.physical_type()
            )
        }
    }
}

impl Column {
    /// Decodes up to `rows` rows; fewer only at the end of the group.
    pub(super) fn decode(
        &self,
        reader: &mut ColumnReader,
        rows: usize,
    ) -> Result<Cells, ParquetError> {
        let meaning = self.meaning;
        match reader {
            ColumnReader::BoolColumnReader(reader) => self.read(reader, rows, |truth, text| {
                text.push_str(if *truth { "true" } else { "false" });
                Ok(())
            }),
            ColumnReader::Int32ColumnReader(reader) => self.read(reader, rows, |number, text| {
                // Unsigned numbers are stored as the signed ones of the same bits.
                let number = match meaning {
                    Meaning::Unsigned => i64::from(number.cast_unsigned()),
                    _ => i64::from(*number),
                };
                write_integer(number, meaning, text)
            }),
            ColumnReader::Int64ColumnReader(reader) => self.read(reader, rows, |number, text| {
                write_integer(*number, meaning, text)
            }),
            ColumnReader::Int96ColumnReader(reader) => {
                self.read(reader, rows, |instant: &Int96, text| {
                    write_display(instant.to_seconds(), text)
                })
            }
            ColumnReader::ByteArrayColumnReader(reader) => {
                self.read(reader, rows, |bytes, text| {
                    write_bytes(bytes.data(), meaning, text)
                })
            }
            ColumnReader::FixedLenByteArrayColumnReader(reader) => {
                self.read(reader, rows, |bytes, text| {
                    write_bytes(bytes.data(), meaning, text)
                })
            }
            ColumnReader::FloatColumnReader(_) | ColumnReader::DoubleColumnReader(_) => Err(
                ParquetError::Damaged(format!("column `{}` is of another type", self.name).into()),
            ),
        }
    }

    fn read<T: DataType>(
        &self,
        reader: &mut ColumnReaderImpl<T>,
        rows: usize,
        write: impl Fn(&T::T, &mut String) -> Result<(), String>,
    ) -> Result<Cells, ParquetError> {
        let mut values = Vec::new();
        let mut levels = Vec::new();
        let mut read = 0;
        // A reader stops at the end of each page.
        loop {
            let left = rows - read;
            let levels = self.nullable.then_some(&mut levels);
            let (more, _values, _levels) = reader.read_records(left, levels, None, &mut values)?;
            read += more;
            if more == 0 || read == rows {
                break;
            }
        }
        let cells = if self.nullable {
            Cells::write(levels.iter().map(|level| *level == 1), &values, write)
        } else {
            Cells::write((0..read).map(|_row| true), &values, write)
        };
        cells.filter(|cells| cells.len() == read).ok_or_else(|| {
            ParquetError::Damaged(format!("column `{}` lacks values", self.name).into())
        })
    }
}

fn write_integer(number: i64, meaning: Meaning, text: &mut String) -> Result<(), String> {
    match meaning {
        Meaning::Unsigned => write_display(number.cast_unsigned(), text),
        Meaning::Instant { per_second } => write_display(number.div_euclid(per_second), text),
        Meaning::Decimal { scale } => {
            let sign = if number < 0 { "-" } else { "" };
            write_decimal(sign, &number.unsigned_abs().to_string(), scale, text);
            Ok(())
        }
        Meaning::Text | Meaning::Bool | Meaning::Signed => write_display(number, text),
    }
}

fn write_bytes(bytes: &[u8], meaning: Meaning, text: &mut String) -> Result<(), String> {
    if let Meaning::Decimal { scale } = meaning {
        if bytes.len() > 32 {
            return Err("does not fit 256 bits".to_owned());
        }
        // Big-endian two's complement of any length.
        let negative = bytes.first().is_some_and(|first| *first >= 0x80);
        let mut wide = [if negative { 0xff } else { 0 }; 32];
        wide[32 - bytes.len()..].copy_from_slice(bytes);
        let number = I256::from_be_bytes(wide);
        let sign = if negative { "-" } else { "" };
        write_decimal(sign, &number.unsigned_abs().to_string(), scale, text);
        return Ok(());
    }
    match core::str::from_utf8(bytes) {
        Ok(valid) => {
            text.push_str(valid);
            Ok(())
        }
        Err(error) => Err(format!("is not UTF-8: {error}")),
    }
}

/// Puts the point before the last `scale` digits.
fn write_decimal(sign: &str, digits: &str, scale: usize, text: &mut String) {
    text.push_str(sign);
    let missing = (scale + 1).saturating_sub(digits.len());
    let digits = format!("{}{digits}", "0".repeat(missing));
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    text.push_str(whole);
    if !fraction.is_empty() {
        text.push('.');
        text.push_str(fraction);
    }
}

fn write_display(value: impl core::fmt::Display, text: &mut String) -> Result<(), String> {
    write!(text, "{value}").map_err(|error| error.to_string())
}
