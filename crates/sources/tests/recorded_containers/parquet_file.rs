//! Parquet files for tests, written column by column.

use std::sync::Arc;

use parquet::basic::{Compression, GzipLevel, ZstdLevel};
use parquet::data_type::{
    ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArrayType, Int64Type,
};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

/// The values of a column; all columns can be without some.
#[derive(Clone, Debug)]
pub(crate) enum Column {
    Text(Vec<Option<String>>),
    Integer(Vec<Option<i64>>),
    /// With the name of its unit.
    Timestamp(&'static str, Vec<Option<i64>>),
    Float(Vec<Option<f64>>),
    /// With its scale, in 64 bits.
    SmallDecimal(u8, Vec<Option<i64>>),
    /// With its scale, big-endian in as many bytes as there are.
    Decimal(u8, Vec<Option<Vec<u8>>>),
    /// With its scale, big-endian in 16 bytes.
    FixedDecimal(u8, Vec<Option<Vec<u8>>>),
}

/// A file in the making.
#[derive(Clone, Default)]
pub(crate) struct Parquet {
    columns: Vec<(String, Column)>,
}

impl Parquet {
    pub(crate) fn compressions() -> [&'static str; 4] {
        ["UNCOMPRESSED", "SNAPPY", "GZIP", "ZSTD"]
    }

    /// Adds a column, or puts it in the place of the one of its name.
    pub(crate) fn with(mut self, name: &str, column: Column) -> Self {
        match self.columns.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = column,
            None => self.columns.push((name.to_owned(), column)),
        }
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.columns.retain(|(known, _)| known != name);
        self
    }

    /// The file, in groups of this many rows.
    pub(crate) fn write(&self, compression: &str, group_rows: usize) -> Vec<u8> {
        let fields: String = self
            .columns
            .iter()
            .map(|(name, column)| column.field(name))
            .collect();
        let schema = parse_message_type(&format!("message recording {{ {fields} }}")).unwrap();
        let compression = match compression {
            "SNAPPY" => Compression::SNAPPY,
            "GZIP" => Compression::GZIP(GzipLevel::default()),
            "ZSTD" => Compression::ZSTD(ZstdLevel::default()),
            _ => Compression::UNCOMPRESSED,
        };
        // Small pages, so that a column has several in a group.
        let properties = WriterProperties::builder()
            .set_compression(compression)
            .set_data_page_row_count_limit(64)
            .set_write_batch_size(64)
            .build();
        let mut bytes = Vec::new();
        let mut writer =
            SerializedFileWriter::new(&mut bytes, Arc::new(schema), Arc::new(properties)).unwrap();
        let rows = self.columns.first().map_or(0, |(_, column)| column.len());
        for from in (0..rows).step_by(group_rows) {
            let mut group = writer.next_row_group().unwrap();
            for (_, column) in &self.columns {
                column.write(&mut group, from, (from + group_rows).min(rows));
            }
            group.close().unwrap();
        }
        writer.close().unwrap();
        bytes
    }
}

impl Column {
    fn len(&self) -> usize {
        match self {
            Self::Text(values) => values.len(),
            Self::Integer(values) | Self::Timestamp(_, values) | Self::SmallDecimal(_, values) => {
                values.len()
            }
            Self::Float(values) => values.len(),
            Self::Decimal(_, values) | Self::FixedDecimal(_, values) => values.len(),
        }
    }

    fn field(&self, name: &str) -> String {
        let (physical, logical) = match self {
            Self::Text(_) => ("BYTE_ARRAY", "(STRING)".to_owned()),
            Self::Integer(_) => ("INT64", String::new()),
            Self::Timestamp(unit, _) => ("INT64", format!("(TIMESTAMP({unit},true))")),
            Self::Float(_) => ("DOUBLE", String::new()),
            Self::SmallDecimal(scale, _) => ("INT64", format!("(DECIMAL(18,{scale}))")),
            Self::Decimal(scale, _) => ("BYTE_ARRAY", format!("(DECIMAL(18,{scale}))")),
            Self::FixedDecimal(scale, _) => (
                "FIXED_LEN_BYTE_ARRAY (16)",
                format!("(DECIMAL(38,{scale}))"),
            ),
        };
        format!("OPTIONAL {physical} {name} {logical}; ")
    }

    fn write(
        &self,
        group: &mut SerializedRowGroupWriter<'_, &mut Vec<u8>>,
        from: usize,
        to: usize,
    ) {
        let bytes = |bytes: &[u8]| ByteArray::from(bytes.to_vec());
        match self {
            Self::Text(values) => {
                put::<ByteArrayType, _>(group, &values[from..to], |text| bytes(text.as_bytes()));
            }
            Self::Integer(values) | Self::Timestamp(_, values) | Self::SmallDecimal(_, values) => {
                put::<Int64Type, _>(group, &values[from..to], |value| *value);
            }
            Self::Float(values) => put::<DoubleType, _>(group, &values[from..to], |value| *value),
            Self::Decimal(_, values) => {
                put::<ByteArrayType, _>(group, &values[from..to], |value| bytes(value));
            }
            Self::FixedDecimal(_, values) => {
                put::<FixedLenByteArrayType, _>(group, &values[from..to], |value| {
                    bytes(value).into()
                });
            }
        }
    }
}

fn put<T: DataType, V>(
    group: &mut SerializedRowGroupWriter<'_, &mut Vec<u8>>,
    values: &[Option<V>],
    stored: impl Fn(&V) -> T::T,
) {
    let levels: Vec<i16> = values
        .iter()
        .map(|value| i16::from(value.is_some()))
        .collect();
    let values: Vec<T::T> = values.iter().flatten().map(stored).collect();
    let mut column = group.next_column().unwrap().unwrap();
    column
        .typed::<T>()
        .write_batch(&values, Some(&levels), None)
        .unwrap();
    column.close().unwrap();
}
