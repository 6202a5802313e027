//! Recorded files in other clothes: compressed, as Parquet, damaged, or larger than memory.
#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

#[path = "recorded_containers/parquet_file.rs"]
mod parquet_file;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::Compression;
use flate2::write::GzEncoder;
use parquet_file::{Column, Parquet};
use proptest::prelude::*;
use tocsin_domain::observation::Observation;
use tocsin_domain::value::Type;
use tocsin_sources::SourceError;
use tocsin_sources::file::{Recording, Settings};

const HEADER: &str = "subject,metric,observed_at,sequence,value";

fn settings(memory_bytes: usize) -> Settings {
    let types = [("price", Type::Decimal), ("status", Type::Text)];
    let types = types.map(|(metric, ty)| (metric.into(), ty));
    let mut settings = Settings::new(types.into(), std::env::temp_dir());
    settings.memory_bytes = memory_bytes;
    settings
}

fn rows(recording: &Recording) -> Result<Vec<Observation>, SourceError> {
    let mut observations = Vec::new();
    for row in recording.rows()? {
        let row = row?;
        observations.push(row.to_observation(&recording.streams()[row.stream].stream));
    }
    Ok(observations)
}

fn read(paths: &[PathBuf], memory_bytes: usize) -> Result<Vec<Observation>, SourceError> {
    let recording = Recording::open(paths, settings(memory_bytes))?;
    let first = rows(&recording)?;
    assert_eq!(rows(&recording)?, first, "a second reading differs");
    Ok(first)
}

/// One file, which errors call `f`.
fn read_one(bytes: &[u8]) -> Result<Vec<Observation>, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "f", bytes);
    let prefix = format!("{}/", folder.path().display());
    read(&[path], Settings::MEMORY_BYTES).map_err(|error| {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        format!("{error}|{}", cause.unwrap_or_default()).replace(&prefix, "")
    })
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstandard(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn sample(rows: u32) -> String {
    let mut text = format!("{HEADER}\n");
    for row in 0..rows {
        let value = if row % 97 == 0 {
            String::new()
        } else {
            format!("0.{:04}", row * 7 % 10_000)
        };
        text += &format!("s{},price,{},{row},{value}\n", row % 3, 1_000 + row / 2);
    }
    text
}

/// The same rows as Parquet, all of them text.
fn as_text_columns(csv: &str) -> Parquet {
    let table: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    let mut file = Parquet::default();
    for (place, name) in table[0].iter().enumerate() {
        let cells = table[1..].iter();
        let cells = cells.map(|row| (!row[place].is_empty()).then(|| row[place].to_owned()));
        file = file.with(name, Column::Text(cells.collect()));
    }
    file
}

#[test]
fn the_same_rows_are_read_from_every_kind_of_file() {
    let csv = sample(800);
    let plain = read_one(csv.as_bytes()).unwrap();
    assert_eq!(plain.len(), 800);
    assert_eq!(read_one(&gzip(csv.as_bytes())).unwrap(), plain);
    assert_eq!(read_one(&zstandard(csv.as_bytes())).unwrap(), plain);
    // Compressed in parts, as some programs do.
    let (first, second) = csv.as_bytes().split_at(csv.len() / 2);
    let parts = [gzip(first), gzip(second)].concat();
    assert_eq!(read_one(&parts).unwrap(), plain);
    let parts = [zstandard(first), zstandard(second)].concat();
    assert_eq!(read_one(&parts).unwrap(), plain);
    let parquet = as_text_columns(&csv);
    for compression in Parquet::compressions() {
        let file = parquet.write(compression, 300);
        assert_eq!(read_one(&file).unwrap(), plain, "{compression}");
    }
}

#[test]
fn numbers_and_instants_of_every_width_are_read_exactly() {
    let csv = format!("{HEADER}\ns,price,1678497491,18446744073709551616,-0.9753\n");
    let expected = read_one(csv.as_bytes()).unwrap();
    let named = |name, text: &str| (name, Column::Text(vec![Some(text.to_owned())]));
    let instants = [
        Column::Integer(vec![Some(1_678_497_491)]),
        Column::Timestamp("MILLIS", vec![Some(1_678_497_491_999)]),
        Column::Timestamp("MICROS", vec![Some(1_678_497_491_999_999)]),
        Column::Timestamp("NANOS", vec![Some(1_678_497_491_000_000_001)]),
    ];
    let values = [
        Column::SmallDecimal(4, vec![Some(-9_753)]),
        Column::Decimal(4, vec![Some((-9_753i64).to_be_bytes().to_vec())]),
        Column::Decimal(4, vec![Some((-9_753i16).to_be_bytes().to_vec())]),
        Column::FixedDecimal(4, vec![Some((-9_753i128).to_be_bytes().to_vec())]),
    ];
    for instant in &instants {
        for value in &values {
            let mut file = Parquet::default();
            for (name, column) in [named("subject", "s"), named("metric", "price")] {
                file = file.with(name, column);
            }
            let sequence =
                Column::FixedDecimal(0, vec![Some((1i128 << 64).to_be_bytes().to_vec())]);
            let file = file
                .with("observed_at", instant.clone())
                .with("sequence", sequence)
                .with("value", value.clone())
                .write("SNAPPY", 10);
            assert_eq!(read_one(&file).unwrap(), expected, "{instant:?} {value:?}");
        }
    }
}

#[test]
fn a_parquet_column_that_is_not_exact_or_not_there_is_refused_with_a_remedy() {
    let csv = format!("{HEADER}\ns,price,1,1,1\n");
    let good = as_text_columns(&csv);
    let cases = [
        (
            good.clone().with("value", Column::Float(vec![Some(0.5)])),
            "f: column `value` is float64, which cannot hold decimal numbers exactly: store decimals (DECIMAL)",
        ),
        (
            good.clone()
                .with("sequence", Column::Float(vec![Some(1.0)])),
            "f: column `sequence` is float64, which cannot hold decimal numbers exactly: store whole numbers",
        ),
        (
            good.clone().with("subject", Column::Integer(vec![Some(1)])),
            "f: column `subject` has the type INT64",
        ),
        (
            good.clone().with("sequnce", Column::Integer(vec![Some(1)])),
            "f: unknown column `sequnce` (did you mean `sequence`?); the columns must be",
        ),
        (good.without("value"), "f: column `value` is missing"),
    ];
    for (file, expected) in cases {
        let error = read_one(&file.write("UNCOMPRESSED", 10)).unwrap_err();
        assert!(error.starts_with(expected), "{error}\nexpected: {expected}");
    }
}

#[test]
fn bad_rows_of_a_parquet_file_are_listed_by_row() {
    let csv = format!("{HEADER}\ns,price,1,1,1\ns,price,2,2,one\n,price,3,3,1\ns,price,soon,4,1\n");
    let error = read_one(&as_text_columns(&csv).write("ZSTD", 2)).unwrap_err();
    let expected = [
        "f:2: value `one` is not a decimal number",
        "f:3: has no subject",
        "f:4: observed_at `soon` is not a time",
        "3 bad rows",
    ];
    for (line, expected) in error.lines().zip(expected) {
        assert!(line.starts_with(expected), "{error}");
    }
    assert_eq!(error.lines().count(), 4, "{error}");
}

#[test]
fn a_file_cut_off_anywhere_is_one_clear_error() {
    let csv = sample(200);
    let whole = [
        ("gzip", gzip(csv.as_bytes()), 3),
        ("Zstandard", zstandard(csv.as_bytes()), 4),
        ("Parquet", as_text_columns(&csv).write("SNAPPY", 70), 4),
    ];
    for (format, bytes, first) in whole {
        for cut in (first..bytes.len()).step_by(17).chain([bytes.len() - 1]) {
            let error = read_one(&bytes[..cut]).unwrap_err();
            let expected = format!("f cannot be read as {format}: it is damaged, or was cut off");
            assert!(error.starts_with(&expected), "{cut}: {error}");
            assert!(
                error.lines().count() == 1 && !error.ends_with('|'),
                "{error}"
            );
        }
    }
}

#[test]
fn what_is_not_read_is_called_by_its_name() {
    let cases: [(&[u8], &str); 4] = [
        (b"PK\x03\x04rest", "a ZIP archive"),
        (b"\xfd7zXZ\0rest", "compressed with xz"),
        (b"BZh91AY&SYrest", "compressed with bzip2"),
        (b"PAREand more", "an encrypted Parquet file"),
    ];
    for (bytes, name) in cases {
        let error = read_one(bytes).unwrap_err();
        let expected = format!("f: this is {name}, which is not read: store CSV");
        assert!(error.starts_with(&expected), "{error}");
    }
}

#[test]
fn an_ordered_file_is_read_straight_through_and_must_not_change() {
    let folder = tempfile::tempdir().unwrap();
    let csv = sample(800);
    let path = write(folder.path(), "f.csv", csv.as_bytes());
    let read = Arc::new(AtomicU64::new(0));
    let mut settings = settings(1_000);
    let counter = Arc::clone(&read);
    settings.progress = Arc::new(move |bytes| {
        counter.fetch_add(bytes, Ordering::Relaxed);
    });
    let recording = Recording::open(std::slice::from_ref(&path), settings).unwrap();
    let size = csv.len() as u64;
    assert_eq!(
        (recording.bytes(), read.swap(0, Ordering::Relaxed)),
        (size, size)
    );
    assert_eq!(rows(&recording).unwrap().len(), 800);
    assert_eq!(read.load(Ordering::Relaxed), size);

    for changed in [
        format!("{csv}s,price,9000,9000,1\n"),
        csv.replace("0.0", "x"),
    ] {
        write(folder.path(), "f.csv", changed.as_bytes());
        let error = rows(&recording).unwrap_err();
        assert!(matches!(error, SourceError::FileChanged { .. }), "{error}");
    }
}

#[test]
fn a_folder_for_sorting_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let csv = format!("{HEADER}\ns,price,2,,1\ns,price,1,,1\n");
    let path = write(folder.path(), "f.csv", csv.as_bytes());
    let mut settings = settings(0);
    settings.temporary = folder.path().join("missing");
    let error = Recording::open(&[path], settings).err().unwrap();
    assert!(error.to_string().contains("missing") && error.to_string().contains("TMPDIR"));
}

/// A row as the property below makes it: time, subject, sequence, value.
type Made = (u8, u8, u8, Option<u8>);

/// What a recording of numbered rows must hold, said as plainly as can be: all rows by position, or the number of those
/// that contradict the first of their position.
fn expected(files: &[Vec<Made>]) -> Result<Vec<Made>, usize> {
    let mut positions: BTreeMap<(u8, u8, u8), Vec<Option<u8>>> = BTreeMap::new();
    for (time, subject, sequence, value) in files.iter().flatten() {
        let values = positions.entry((*time, *subject, *sequence)).or_default();
        values.push(*value);
    }
    let wrong: usize = positions
        .values()
        .map(|values| values.iter().filter(|value| **value != values[0]).count())
        .sum();
    if wrong > 0 {
        return Err(wrong);
    }
    let first = |((time, subject, sequence), values): ((u8, u8, u8), Vec<Option<u8>>)| {
        (time, subject, sequence, values[0])
    };
    Ok(positions.into_iter().map(first).collect())
}

fn csv_of(rows: &[Made], numbered: bool) -> String {
    let mut text = format!("{HEADER}\n");
    for (time, subject, sequence, value) in rows {
        let sequence = if numbered {
            sequence.to_string()
        } else {
            String::new()
        };
        let value = value.map_or_else(String::new, |value| value.to_string());
        text += &format!("s{subject},price,{time},{sequence},{value}\n");
    }
    text
}

fn read_made(
    files: &[Vec<Made>],
    numbered: bool,
    memory: usize,
) -> Result<Vec<Observation>, SourceError> {
    let folder = tempfile::tempdir().unwrap();
    let mut paths = Vec::new();
    for (number, rows) in files.iter().enumerate() {
        let text = csv_of(rows, numbered);
        paths.push(write(folder.path(), &number.to_string(), text.as_bytes()));
    }
    read(&paths, memory)
}

fn shown(observations: &[Observation]) -> Vec<Made> {
    let text = |value: &tocsin_domain::value::Value| value.to_string().parse::<u8>().unwrap();
    observations
        .iter()
        .map(|seen| {
            (
                u8::try_from(seen.observed_at.0).unwrap(),
                seen.subject.as_str()[1..].parse().unwrap(),
                seen.sequence.0.to(),
                seen.value.as_ref().map(text),
            )
        })
        .collect()
}

fn made() -> impl Strategy<Value = Vec<Vec<Made>>> {
    // A value that follows from the position mostly, so that repeats and contradictions both occur.
    let row = (
        0u8..40,
        0u8..3,
        0u8..4,
        prop::option::weighted(0.02, 0u8..3),
    );
    let row = row.prop_map(|(time, subject, sequence, other)| {
        let value = if time % 5 == 0 { None } else { Some(time) };
        (time, subject, sequence, other.map_or(value, Some))
    });
    let file = (prop::collection::vec(row, 0..40), any::<bool>()).prop_map(|(mut rows, sorted)| {
        if sorted {
            rows.sort_by_key(|row| row.0);
        }
        rows
    });
    prop::collection::vec(file, 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) })]

    /// From nothing (every row is a run of its own) to everything.
    #[test]
    fn however_little_is_held_the_rows_are_the_same(files in made(), memory in prop_oneof![Just(0), 0usize..4_000, Just(1 << 20)]) {
        match (read_made(&files, true, memory), expected(&files)) {
            (Ok(read), Ok(expected)) => prop_assert_eq!(shown(&read), expected),
            (Err(SourceError::Rows(bad)), Err(wrong)) => prop_assert_eq!(bad.total(), wrong as u64),
            (read, expected) => panic!("{read:?}, but expected {expected:?}"),
        }
    }

    /// Without sequences rows are numbered in the order of files, however they are read.
    #[test]
    fn rows_without_sequences_are_numbered_in_file_order(files in made(), memory in 0usize..4_000) {
        let mut numbers = BTreeMap::new();
        let mut expected: Vec<Made> = files.iter().flatten().map(|(time, subject, _, value)| {
            let number = numbers.entry(*subject).and_modify(|number| *number += 1).or_insert(1u8);
            (*time, *subject, *number, *value)
        }).collect();
        expected.sort_by_key(|(time, subject, number, _)| (*time, *subject, *number));
        prop_assert_eq!(shown(&read_made(&files, false, memory).unwrap()), expected);
    }

    /// No flipped byte makes it panic, whatever else it does.
    #[test]
    fn damaged_parquet_files_do_not_make_it_panic(flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)) {
        let csv = format!("{HEADER}\ns,price,1,1,1\nt,status,2,,late\n");
        let mut bytes = as_text_columns(&csv).write("SNAPPY", 1);
        for (place, byte) in flips {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        drop(read_one(&bytes));
    }
}
