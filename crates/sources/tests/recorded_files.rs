//! Recorded files: what is read, what is refused, and where the fault is.
#![expect(clippy::unwrap_used, reason = "the helpers of tests fail as tests do")]

use std::path::PathBuf;

use alloy::primitives::{U256, keccak256};
use proptest::prelude::*;
use tocsin_domain::observation::{Observation, Provenance, Sequence};
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_domain::value::{Type, Value};
use tocsin_sources::SourceError;
use tocsin_sources::file::{Recording, Settings};

const HEADER: &str = "subject,metric,observed_at,sequence,value";

fn settings() -> Settings {
    let types = [
        ("price", Type::Decimal),
        ("arrival_delay", Type::Duration),
        ("status", Type::Text),
        ("paused", Type::Bool),
        ("landed_at", Type::Time),
    ];
    let types = types.map(|(metric, ty)| (metric.into(), ty));
    Settings::new(types.into(), std::env::temp_dir())
}

/// What a recording holds.
#[derive(Clone, PartialEq, Debug)]
struct Recorded {
    observations: Vec<Observation>,
    last_observed_at: Option<Timestamp>,
    names_sources: bool,
}

fn read_paths(paths: &[PathBuf], settings: Settings) -> Result<Recorded, SourceError> {
    let recording = Recording::open(paths, settings)?;
    let mut observations = Vec::new();
    for row in recording.rows()? {
        let row = row?;
        let stream = &recording.streams()[row.stream];
        assert!(stream.first_observed_at <= row.observed_at);
        assert!(stream.last_observed_at >= row.observed_at);
        observations.push(row.to_observation(&stream.stream));
    }
    Ok(Recorded {
        observations,
        last_observed_at: recording.last_observed_at(),
        names_sources: recording.names_sources(),
    })
}

/// Reads files of these names, and names them in errors without their folder.
fn read_bytes(files: &[(&str, &[u8])], settings: Settings) -> Result<Recorded, String> {
    let folder = tempfile::tempdir().unwrap();
    let mut paths = Vec::new();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        paths.push(path);
    }
    let prefix = format!("{}/", folder.path().display());
    read_paths(&paths, settings).map_err(|error| error.to_string().replace(&prefix, ""))
}

fn read_all(files: &[(&str, &str)]) -> Result<Recorded, String> {
    let files: Vec<_> = files
        .iter()
        .map(|(name, text)| (*name, text.as_bytes()))
        .collect();
    read_bytes(&files, settings())
}

/// Rows below the ordinary header.
fn rows(rows: &str) -> Result<Vec<Observation>, String> {
    read_all(&[("f.csv", &format!("{HEADER}\n{rows}"))]).map(|recorded| recorded.observations)
}

/// The bad rows as they are shown, without their number.
fn bad(text: &str) -> Vec<String> {
    shown(&rows(text).unwrap_err())
}

fn shown(error: &str) -> Vec<String> {
    let (rows, total) = error.rsplit_once('\n').unwrap();
    let rows: Vec<String> = rows.lines().map(str::to_owned).collect();
    assert!(total.starts_with(&rows.len().to_string()), "{error}");
    rows
}

fn values(observations: &[Observation]) -> Vec<Option<String>> {
    let text = |seen: &Observation| seen.value.as_ref().map(ToString::to_string);
    observations.iter().map(text).collect()
}

fn decimal(text: &str) -> Option<Value> {
    Some(Value::Decimal(text.parse().unwrap()))
}

#[test]
fn a_row_is_an_observation_with_the_hash_of_its_line() {
    let line = "usdc,price,2023-03-11T01:18:11.999Z,36893488147419107329,0.99209183";
    let recorded = read_all(&[("f.csv", &format!("{HEADER}\r\n{line}\r\n"))]).unwrap();
    assert!(!recorded.names_sources);
    let expected = Observation {
        source: "file".into(),
        subject: "usdc".into(),
        metric: "price".into(),
        observed_at: Timestamp(1_678_497_491),
        sequence: Sequence("36893488147419107329".parse().unwrap()),
        value: decimal("0.99209183"),
        provenance: Provenance::Raw {
            hash: keccak256(line),
        },
    };
    assert_eq!(recorded.observations, [expected]);
}

#[test]
fn every_type_of_value_has_its_notation() {
    let read = rows(
        "s,price,1,1,-0.5\n\
         s,arrival_delay,2,1,2700\n\
         s,arrival_delay,3,2,45min\n\
         s,arrival_delay,4,3,-12min\n\
         s,status,5,1,\"late, \"\"very\"\"\"\n\
         s,paused,6,1,true\n\
         s,landed_at,7,1,1970-01-01T00:00:07Z\n\
         s,price,8,2,\n",
    )
    .unwrap();
    let expected = [
        decimal("-0.5"),
        Some(Value::Duration(Seconds(2700))),
        Some(Value::Duration(Seconds(2700))),
        Some(Value::Duration(Seconds(-720))),
        Some(Value::Text("late, \"very\"".to_owned())),
        Some(Value::Bool(true)),
        Some(Value::Time(Timestamp(7))),
        None,
    ];
    assert_eq!(
        read.into_iter().map(|seen| seen.value).collect::<Vec<_>>(),
        expected
    );
}

#[test]
fn without_sequences_file_order_counts_and_repeats_stay() {
    let first = format!("{HEADER}\ns,price,20,,3\ns,price,10,,1\ns,price,10,,1\n");
    let second = format!("{HEADER}\ns,price,10,,2\nt,price,10,,9\n");
    let read = read_all(&[("a", &first), ("b", &second)])
        .unwrap()
        .observations;
    let found: Vec<_> = read
        .iter()
        .map(|seen| {
            (
                seen.subject.as_str(),
                seen.observed_at.0,
                seen.sequence.0.to::<u64>(),
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            ("s", 10, 2),
            ("s", 10, 3),
            ("s", 10, 4),
            ("t", 10, 1),
            ("s", 20, 1)
        ]
    );
    assert_eq!(read[2].value, decimal("2"));
}

#[test]
fn with_sequences_exact_repeats_are_dropped_also_across_files() {
    let first = format!("{HEADER}\ns,price,10,7,1\ns,price,10,7,1.0\ns,price,11,7,1\n");
    let second = format!("{HEADER}\ns,price,10,7,1.00\ns,price,10,8,2\n");
    let read = read_all(&[("a", &first), ("b", &second)])
        .unwrap()
        .observations;
    let found: Vec<_> = read
        .iter()
        .map(|seen| (seen.observed_at.0, seen.sequence.0.to::<u64>()))
        .collect();
    assert_eq!(found, [(10, 7), (10, 8), (11, 7)]);
}

#[test]
fn two_values_for_one_place_are_refused_with_both_places() {
    let first = format!("{HEADER}\ns,price,10,7,1\n");
    let second = format!("{HEADER}\n\ns,price,10,7,2\ns,price,10,7,\n");
    let shown = shown(&read_all(&[("a", &first), ("b", &second)]).unwrap_err());
    let same = "for the same source, subject, metric, time and sequence";
    assert_eq!(
        shown,
        [
            format!("b:3: says the value 2, but a:2 says the value 1 {same}"),
            format!("b:4: says no value, but a:2 says the value 1 {same}"),
        ]
    );
}

#[test]
fn the_source_column_tells_sources_apart() {
    let file = "source,value,sequence,observed_at,metric,subject\n\
                feed:a,1,7,10,price,s\n\
                feed:b,2,7,10,price,s\n\
                ,3,7,10,price,s\n";
    let recorded = read_all(&[("f", file)]).unwrap();
    assert!(recorded.names_sources);
    let found: Vec<_> = recorded
        .observations
        .iter()
        .map(|seen| seen.source.as_str())
        .collect();
    assert_eq!(found, ["feed:a", "feed:b", "file"]);
    assert_eq!(
        values(&recorded.observations),
        [Some("1".into()), Some("2".into()), Some("3".into())]
    );
}

#[test]
fn rows_of_other_metrics_are_checked_for_their_shape_and_count_only_as_time() {
    let file = format!("{HEADER}\ns,price,10,7,1\ns,humidity,99,7,wet\n");
    let recorded = read_all(&[("f", &file)]).unwrap();
    assert_eq!(recorded.observations.len(), 1);
    assert_eq!(recorded.last_observed_at, Some(Timestamp(99)));
    assert_eq!(bad("s,humidity,soon,7,wet").len(), 1);
}

#[test]
fn every_bad_row_is_listed_with_its_line_and_reason() {
    let shown = bad("s,price,10,1,1\n\
                     s,price,tomorrow,2,1\n\
                     s,price,10,3\n\
                     s,price,10,x,1\n\
                     s,price,10,4,0.1234567890123456789\n\
                     s,price,10,5,one\n\
                     s,arrival_delay,10,6,0.5h\n\
                     s,paused,10,7,yes\n\
                     ,price,10,8,1\n\
                     s,,10,9,1\n\
                     s,price,10,,1\n\
                     s,status,10,10,\"open\n\
                     s,status,10,11,a\"b\n\
                     s,price,10,12,1e9\n\
                     s,price,10,115792089237316195423570985008687907853269984665640564039457584007913129639936,1\n");
    let expected = [
        "f.csv:3: observed_at `tomorrow` is not a time",
        "f.csv:4: has 4 fields, the header has 5",
        "f.csv:5: sequence `x` is not a whole number",
        "f.csv:6: value `0.1234567890123456789` has more than 18 digits after the point",
        "f.csv:7: value `one` is not a decimal number",
        "f.csv:8: value `0.5h` is not a duration",
        "f.csv:9: value `yes` is neither `true` nor `false`",
        "f.csv:10: has no subject",
        "f.csv:11: has no metric",
        "f.csv:12: has no sequence, but f.csv:2 has one; all rows of `price` of `s` must have one, or none",
        "f.csv:13: has a quoted field that does not end on its line",
        "f.csv:14: has a quote inside a field",
        "f.csv:15: value `1e9` is not a decimal number",
        "f.csv:16: sequence `115792089237316195423570985008687907853269984665640564039457584007913129639936` does not fit",
    ];
    assert_eq!(shown.len(), expected.len(), "{shown:#?}");
    for (shown, expected) in shown.iter().zip(expected) {
        assert!(shown.starts_with(expected), "{shown}\nexpected: {expected}");
    }
    assert!(
        bad("s,price,10,,1\ns,price,10,1,1")[0].contains("has a sequence, but f.csv:2 has none")
    );
}

#[test]
fn many_bad_rows_are_counted_and_the_first_are_shown() {
    let text = rows(&"nonsense\n".repeat(1_000)).unwrap_err();
    assert!(text.starts_with("f.csv:2: has 1 fields"), "{text}");
    assert!(
        text.ends_with("1000 bad rows, of which the first 50 are shown"),
        "{text}"
    );
    assert_eq!(text.lines().count(), 51);
}

#[test]
fn long_lines_and_broken_text_are_bad_rows_and_the_next_row_is_read() {
    let long = "x".repeat(1 << 18);
    let mut bytes = format!("{HEADER}\n{long}\ns,status,10,1,").into_bytes();
    bytes.extend(b"\xff\ns,price,10,1,1\n");
    let shown = shown(&read_bytes(&[("f", &bytes)], settings()).unwrap_err());
    assert_eq!(shown.len(), 2, "{shown:?}");
    assert!(
        shown[0].starts_with("f:2: is longer than 65536 bytes"),
        "{shown:?}"
    );
    assert!(shown[1].starts_with("f:3: is not UTF-8"), "{shown:?}");
}

#[test]
fn the_header_is_strict_and_says_what_it_wants() {
    let cases = [
        ("", "does not begin with a header"),
        (
            "subject,metric,time,sequence,value",
            "unknown column `time`",
        ),
        (
            "subject,metric,observed_at,sequnce,value",
            "did you mean `sequence`?",
        ),
        (
            "subject,metric,observed_at,value",
            "column `sequence` is missing",
        ),
        (
            "subject,metric,observed_at,sequence,value,value",
            "column `value` is there twice",
        ),
        (
            "Subject,metric,observed_at,sequence,value",
            "did you mean `subject`?",
        ),
        ("s,price,10,7,1", "unknown column `s`"),
    ];
    for (header, expected) in cases {
        let text = read_all(&[("f.csv", header)]).unwrap_err();
        assert!(
            text.starts_with("f.csv:1: ") && text.contains(expected),
            "{header}: {text}"
        );
        assert!(text.contains(HEADER), "{text}");
    }
    let recorded = read_all(&[("f", &format!("\u{feff}{HEADER}\n"))]).unwrap();
    assert_eq!(
        (recorded.observations.len(), recorded.last_observed_at),
        (0, None)
    );
}

#[test]
fn files_are_read_from_disk_and_a_missing_one_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (folder.path().join("one.csv"), folder.path().join("two.csv"));
    std::fs::write(&one, format!("{HEADER}\ns,price,10,1,1")).unwrap();
    let error = read_paths(&[one.clone(), two.clone()], settings()).unwrap_err();
    assert!(
        error.to_string().contains("two.csv") && !error.is_transient(),
        "{error}"
    );
    std::fs::write(&two, format!("{HEADER}\ns,price,5,0,2")).unwrap();
    let read = read_paths(&[one, two], settings()).unwrap().observations;
    assert_eq!(values(&read), [Some("2".into()), Some("1".into())]);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), with_header in any::<bool>()) {
        let header = if with_header { format!("{HEADER}\n") } else { String::new() };
        drop(read_bytes(&[("f", &[header.into_bytes(), bytes].concat())], settings()));
    }

    #[test]
    fn near_misses_of_rows_do_not_make_it_panic(
        rows in prop::collection::vec("(s|\"|,|\n|\r)*,(price|status|\"paused\"),[-0-9TZ:.]{0,12},[0-9]{0,80},[-0-9a-z.\"]{0,60}", 0..20),
    ) {
        drop(read_all(&[("f", &format!("{HEADER}\n{}", rows.join("\n")))]));
    }

    /// The `csv` crate writes what recordings hold; reading gives it back.
    #[test]
    fn what_another_writer_writes_is_read_back(
        written in prop::collection::btree_map(
            (0i64..4_000_000_000, any::<u64>()),
            ("[^\r\n]{1,12}", prop::option::of("[^\r\n]{1,20}")),
            0..30,
        ),
    ) {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(HEADER.split(',')).unwrap();
        for ((time, sequence), (subject, value)) in &written {
            let (time, sequence) = (time.to_string(), sequence.to_string());
            writer.write_record([subject, "status", &time, &sequence, value.as_deref().unwrap_or("")]).unwrap();
        }
        let bytes = writer.into_inner().unwrap();
        let mut read = read_bytes(&[("f", &bytes)], settings()).unwrap().observations;
        read.sort_by_key(|seen| (seen.observed_at, seen.sequence));
        let found: Vec<_> = read
            .into_iter()
            .map(|seen| (seen.observed_at.0, seen.sequence.0, seen.subject.to_string(), seen.value))
            .collect();
        let expected: Vec<_> = written
            .into_iter()
            .map(|((time, sequence), (subject, value))| (time, U256::from(sequence), subject, value.map(Value::Text)))
            .collect();
        prop_assert_eq!(found, expected);
    }

    /// However rows are dealt to files, with sequences the recording is the same.
    #[test]
    fn the_split_into_files_does_not_matter(
        rows in prop::collection::btree_map((0i64..50, 0u64..5), any::<i32>(), 1..40),
        deal in prop::collection::vec(0usize..3, 40),
    ) {
        let line = |((time, sequence), value): (&(i64, u64), &i32)| format!("s,price,{time},{sequence},{value}\n");
        let whole: String = rows.iter().map(line).collect();
        let mut dealt = vec![format!("{HEADER}\n"); 3];
        for (row, file) in rows.iter().rev().zip(deal) {
            dealt[file].push_str(&line(row));
        }
        let files: Vec<(&str, &str)> = ["a", "b", "c"].into_iter().zip(dealt.iter().map(String::as_str)).collect();
        let whole = format!("{HEADER}\n{whole}");
        prop_assert_eq!(read_all(&files).unwrap(), read_all(&[("f", &whole)]).unwrap());
    }
}
