//! `tocsin backtest`: what goes in, and in which forms the answer comes out.
#![expect(clippy::unwrap_used, reason = "what cannot be set up is a failed test")]

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use proptest::prelude::*;
use serde_json::Value;

const COVER: &str = r#"
name = "c"
title = "Prices & <delays>"
version = 1
[inputs.late]
metric = "arrival_delay"
[inputs.price]
metric = "price"
[trigger]
when = "holds(price <= 0.9, for: 10s, recover: price > 0.95, confirm: observation)"
rearm = "after 5s"
[payout]
fraction = "clamp(1 - price, 0, 1)"
"#;

const HEADER: &str = "subject,metric,observed_at,sequence,value";

fn backtest(folder: &Path, files: &[&Path], more: &[&str]) -> Output {
    let cover = folder.join("cover.toml");
    std::fs::write(&cover, COVER).unwrap();
    let mut command = tocsin();
    command.arg("backtest").arg("--each-subject");
    command.arg("--cover").arg(cover);
    for file in files {
        command.arg("--observations").arg(file);
    }
    command.args(more).output().unwrap()
}

fn tocsin() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tocsin"));
    command.current_dir(root()).stdin(Stdio::null());
    command
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap()
        .to_owned()
}

/// Where the reference data is; without it there is nothing to test, except where CI must have it.
fn shared() -> Option<PathBuf> {
    #[expect(
        clippy::disallowed_methods,
        reason = "where reference data is, is not configuration of the product"
    )]
    let (shared, ci) = (std::env::var("TOCSIN_SHARED"), std::env::var("CI").is_ok());
    let shared = shared.map_or_else(|_unset| root().join("../shared/data"), PathBuf::from);
    let recorded = shared.join("chainlink-usdc-mainnet-2023/observations.csv");
    assert!(
        recorded.exists() || !ci,
        "the reference data is missing: {}",
        recorded.display()
    );
    recorded.exists().then_some(recorded)
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What was printed, without the time that it took.
fn printed(output: &Output) -> Vec<String> {
    assert!(output.status.success(), "{}", said(output));
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let summary = lines.last_mut().unwrap();
    let (before, after) = summary.split_once("\"elapsed_ms\":").unwrap();
    let after = after.trim_start_matches(|c: char| c.is_ascii_digit());
    *summary = format!("{before}{after}");
    lines
}

fn json(line: &str) -> Value {
    serde_json::from_str(line).unwrap()
}

/// Two risks with losses, one that recovers, one of which nothing is known.
fn sample() -> String {
    let mut text = format!("{HEADER}\n");
    for second in 0..60u32 {
        let price = match second % 40 {
            5..25 => "0.80",
            _ => "1",
        };
        text += &format!("b,price,{second},{second},{price}\n");
        text += &format!("b,arrival_delay,{second},,{}\n", second * 60);
        let price = if second == 30 { "0.5" } else { "0.875" };
        text += &format!("a,price,{second},,{price}\n");
        text += &format!("\"c,&\"\"<x>\",price,{second},1,\n");
        text += &format!("d,price,{second},1,1\n");
    }
    text
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// All columns as text; the values as float64 if `floats`.
fn parquet(csv: &str, floats: bool) -> Vec<u8> {
    let rows: Vec<Vec<&str>> = csv.lines().map(|row| row.split(',').collect()).collect();
    let fields: String = rows[0]
        .iter()
        .map(|name| match (*name, floats) {
            ("value", true) => "OPTIONAL DOUBLE value; ".to_owned(),
            _ => format!("OPTIONAL BYTE_ARRAY {name} (STRING); "),
        })
        .collect();
    let schema = parse_message_type(&format!("message recording {{ {fields} }}")).unwrap();
    let mut bytes = Vec::new();
    let properties = Arc::new(WriterProperties::default());
    let mut writer = SerializedFileWriter::new(&mut bytes, Arc::new(schema), properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for (place, name) in rows[0].iter().enumerate() {
        let cells: Vec<&str> = rows[1..].iter().map(|row| row[place]).collect();
        let levels: Vec<i16> = cells
            .iter()
            .map(|cell| i16::from(!cell.is_empty()))
            .collect();
        let cells = cells.into_iter().filter(|cell| !cell.is_empty());
        let mut column = group.next_column().unwrap().unwrap();
        if *name == "value" && floats {
            let values: Vec<f64> = cells.map(|cell| cell.parse().unwrap()).collect();
            let column = column.typed::<DoubleType>();
            column.write_batch(&values, Some(&levels), None).unwrap();
        } else {
            let values: Vec<ByteArray> = cells.map(ByteArray::from).collect();
            let column = column.typed::<ByteArrayType>();
            column.write_batch(&values, Some(&levels), None).unwrap();
        }
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
    bytes
}

#[test]
fn the_same_recording_in_every_kind_of_file_has_the_same_answer() {
    let Some(recorded) = shared() else { return };
    let folder = tempfile::tempdir().unwrap();
    let csv = std::fs::read_to_string(&recorded).unwrap();
    let kinds = [
        ("plain.csv", csv.clone().into_bytes()),
        // What a file is called says nothing.
        ("gzip.csv", gzip(csv.as_bytes())),
        ("zstandard.gz", zstd::encode_all(csv.as_bytes(), 0).unwrap()),
        ("parquet.zst", parquet(&csv, false)),
    ];
    let run = |path: &Path| {
        let mut command = tocsin();
        command.args(["backtest", "--cover", "config/covers/usdc-depeg-24h.toml"]);
        printed(&command.arg("--observations").arg(path).output().unwrap())
    };
    let expected = run(&recorded);
    assert_eq!(json(&expected[0])["confirmed_at"], "2023-03-12T01:19:35Z");
    assert_eq!(json(&expected[0])["observations"], 244);
    assert_eq!(
        expected[1],
        "{\"risks\":1,\"observations\":400,\"triggered\":1,\"not_triggered\":0,\"inconclusive\":0,\
         ,\"loss_frequency\":\"1\",\"total_payout\":\"0.0247\"}"
    );
    for (name, bytes) in kinds {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(run(&path), expected, "{name}");
    }
}

#[test]
fn a_recording_can_come_through_a_pipe() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.csv");
    std::fs::write(&path, sample()).unwrap();
    let expected = printed(&backtest(folder.path(), &[&path], &[]));
    let mut child = tocsin()
        .args([
            "backtest",
            "--each-subject",
            "--observations",
            "/dev/stdin",
            "--cover",
        ])
        .arg(folder.path().join("cover.toml"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(sample().as_bytes()).unwrap();
    drop(input);
    assert_eq!(printed(&child.wait_with_output().unwrap()), expected);
}

#[test]
fn a_cut_off_file_and_inexact_numbers_are_refused_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let whole = gzip(sample().as_bytes());
    let numbers = format!("{HEADER}\na,price,1,1,0.5\n");
    for (bytes, expected) in [
        (
            whole[..whole.len() / 2].to_vec(),
            "rows cannot be read as gzip: it is damaged, or was cut off",
        ),
        (
            parquet(&numbers, true),
            "rows: column `value` is float64, which cannot hold decimal numbers exactly",
        ),
    ] {
        let path = folder.path().join("rows");
        std::fs::write(&path, bytes).unwrap();
        let output = backtest(folder.path(), &[&path], &[]);
        assert_eq!(output.status.code(), Some(2));
        assert!(output.stdout.is_empty());
        assert!(said(&output).contains(expected), "{}", said(&output));
        assert_eq!(said(&output).lines().count(), 1, "{}", said(&output));
    }
}

#[test]
fn csv_has_the_members_of_the_objects_as_columns_and_leaves_the_summary_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.csv");
    std::fs::write(&path, sample()).unwrap();
    let objects = printed(&backtest(folder.path(), &[&path], &[]));
    let output = backtest(folder.path(), &[&path], &["--format", "csv"]);
    assert!(output.status.success(), "{}", said(&output));
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    assert_eq!(
        header.join(","),
        "cover,terms_hash,subject,verdict,occurred_at,confirmed_at,payout_fraction,input.late,input.price,event_id,\
         evidence_root,observations,reason"
    );
    let (summary, objects) = objects.split_last().unwrap();
    assert_eq!(lines.clone().count(), objects.len());
    assert!(objects.len() >= 3, "{text}");
    for (line, object) in lines.zip(objects) {
        let object = json(object);
        for (name, cell) in header.iter().zip(line.split(',')) {
            let member = match name.strip_prefix("input.") {
                Some(input) => &object["inputs"][input],
                None => &object[*name],
            };
            let expected = match member {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            assert_eq!(cell, expected, "{name} of {object}");
        }
    }
    let mut aside = json(&said(&output));
    aside.as_object_mut().unwrap().remove("elapsed_ms");
    assert_eq!(aside, json(&summary.replace(",,", ",")));
}

#[test]
fn the_summary_says_how_often_and_how_much() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.csv");
    std::fs::write(&path, sample()).unwrap();
    let lines = printed(&backtest(folder.path(), &[&path], &[]));
    let (summary, objects) = lines.split_last().unwrap();
    let paid: Vec<_> = objects
        .iter()
        .map(|line| {
            let object = json(line);
            (
                object["subject"].to_string(),
                object["payout_fraction"].to_string(),
            )
        })
        .collect();
    let expected = [
        ("\"a\"", "\"0.125\""),
        ("\"b\"", "\"0.2\""),
        ("\"b\"", "\"0.2\""),
    ];
    let expected = expected.map(|(subject, paid)| (subject.to_owned(), paid.to_owned()));
    assert_eq!(paid, expected);
    let summary = json(&summary.replace(",,", ","));
    assert_eq!(summary["risks"], 4);
    assert_eq!(summary["loss_frequency"], "0.75");
    assert_eq!(summary["total_payout"], "0.525");
}

#[test]
fn a_drawing_is_well_formed_and_the_same_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = sample();
    for risk in 0..12 {
        text += &format!("more {risk},price,{risk},1,1\n");
    }
    let path = folder.path().join("rows.csv");
    std::fs::write(&path, text).unwrap();
    let draw = |name: &str| {
        let plot = folder.path().join(name);
        let output = backtest(folder.path(), &[&path], &["--plot", plot.to_str().unwrap()]);
        assert!(output.status.success(), "{}", said(&output));
        std::fs::read_to_string(plot).unwrap()
    };
    let drawn = draw("one.svg");
    assert_eq!(drawn, draw("two.svg"));
    let elements = elements(&drawn);
    assert_eq!(elements["svg"], 1);
    // A mark and the shade of its breach for each determination, beside the page.
    assert_eq!(elements["title"], 3);
    assert_eq!(elements["rect"], 1 + 3);
    for shown in [
        "Prices &amp; &lt;delays&gt;",
        "c,&amp;&quot;&lt;x&gt;",
        "pays 12.5 %",
        "price (price)",
        "late (arrival_delay)",
        "4 more risk(s) are not drawn",
    ] {
        assert!(drawn.contains(shown), "{shown} is not in {drawn}");
    }

    let nowhere = folder.path().join("missing/plot.svg");
    let output = backtest(
        folder.path(),
        &[&path],
        &["--plot", nowhere.to_str().unwrap()],
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said(&output).contains("missing/plot.svg"),
        "{}",
        said(&output)
    );
}

/// How often each element is there; every one must be closed where it belongs, and text must be escaped.
fn elements(xml: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    let mut open: Vec<&str> = Vec::new();
    let mut rest = xml;
    while let Some((text, after)) = rest.split_once('<') {
        assert!(!text.contains('>'), "{text}");
        for entity in text.split('&').skip(1) {
            let name = entity.split_once(';').unwrap().0;
            assert!(["amp", "lt", "gt", "quot"].contains(&name), "{text}");
        }
        let (tag, after) = after.split_once('>').unwrap();
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
            continue;
        }
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        let name = tag.split([' ', '/']).next().unwrap();
        *counts.entry(name.to_owned()).or_default() += 1;
        if !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
    assert!(rest.trim().is_empty());
    counts
}

#[test]
fn what_else_is_recorded_does_not_matter_to_a_risk() {
    let folder = tempfile::tempdir().unwrap();
    // More rows than are evaluated together, and breaches across that limit.
    let row = |row: u32| {
        let price = if row % 1_000 < 60 { "0.8" } else { "1" };
        format!("s{},price,{},{row},{price}\n", row % 3, row / 4)
    };
    let determinations = |name: &str, rows: &mut dyn Iterator<Item = u32>| {
        let path = folder.path().join(name);
        let text: String = rows.map(row).collect();
        std::fs::write(&path, format!("{HEADER}\n{text}")).unwrap();
        let mut lines = printed(&backtest(folder.path(), &[&path], &["--as-of", "2000"]));
        lines.pop();
        lines
    };
    let together = determinations("all", &mut (0..6_000));
    let mut alone: Vec<String> = (0..3u32)
        .flat_map(|subject| {
            let mut rows = (0..6_000).filter(|row| row % 3 == subject);
            determinations("one", &mut rows)
        })
        .collect();
    let confirmed = |line: &String| {
        let object = json(line);
        (
            object["confirmed_at"].to_string(),
            object["subject"].to_string(),
        )
    };
    alone.sort_by_key(confirmed);
    assert_eq!(together.len(), 18);
    assert_eq!(together, alone);
}

#[test]
fn guards_are_shown_in_every_form() {
    let folder = tempfile::tempdir().unwrap();
    let rows = folder.path().join("rows.csv");
    // Exactly 27 days of rain in a period of 30, but observed at the end of each.
    let days = (0..27).map(|day| format!("a,rainfall_mm,{},,8\n", day * 86_400));
    let closed = 30 * 86_400;
    let text = format!(
        "{HEADER}\n{}a,event:PeriodClosed,{closed},,\n",
        days.collect::<String>()
    );
    std::fs::write(&rows, text).unwrap();
    let run = |format: &str| {
        let mut command = tocsin();
        command.args(["backtest", "--each-subject", "--format", format]);
        command.args(["--cover", "config/covers/rainfall-index.toml"]);
        command.arg("--observations").arg(&rows).output().unwrap()
    };
    let text = |output: &Output| String::from_utf8(output.stdout.clone()).unwrap();
    let object = &printed(&run("jsonl"))[0];
    assert_eq!(json(object)["guards"]["rows_enough"], false, "{object}");
    let table = text(&run("table"));
    assert!(
        table.contains("guard `rows_enough` does not hold"),
        "{table}"
    );
    let csv = text(&run("csv"));
    let mut lines = csv.lines().map(|line| line.split(','));
    let column = lines
        .next()
        .unwrap()
        .position(|name| name == "guard.rows_enough");
    assert_eq!(lines.next().unwrap().nth(column.unwrap()), Some("false"));
}

#[test]
fn what_was_not_recorded_at_all_is_said_beside_the_answer() {
    let folder = tempfile::tempdir().unwrap();
    let rows = folder.path().join("rows.csv");
    std::fs::write(&rows, format!("{HEADER}\na,prize,1,1,0.5\n")).unwrap();
    let nothing = backtest(folder.path(), &[&rows], &[]);
    assert!(printed(&nothing)[0].starts_with("{\"risks\":0,"));
    for input in ["input `late`: no row is `arrival_delay`", "input `price`"] {
        assert!(said(&nothing).contains(input), "{}", said(&nothing));
    }
    std::fs::write(&rows, sample()).unwrap();
    assert_eq!(said(&backtest(folder.path(), &[&rows], &[])), "");
}

/// Some 12,000 rows, each with a sequence, from the last to the first.
fn backwards() -> String {
    let rows = (0..12_000u32).rev().map(|row| {
        let price = if row % 1_000 < 80 { "0.85" } else { "1" };
        format!("s{},price,{},{row},{price}\n", row % 5, row / 5)
    });
    format!("{HEADER}\n{}", rows.collect::<String>())
}

#[test]
fn more_unordered_rows_than_memory_may_hold_are_sorted_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let rows = folder.path().join("rows.csv");
    std::fs::write(&rows, backwards()).unwrap();
    let in_memory = printed(&backtest(folder.path(), &[&rows], &[]));
    assert!(in_memory.len() > 10, "{in_memory:?}");
    let on_disk = backtest(folder.path(), &[&rows], &["--memory", "1"]);
    assert_eq!(printed(&on_disk), in_memory);

    // That it was the disk shows where the disk is not.
    let nowhere = |memory: &str| {
        let mut command = tocsin();
        command.args(["backtest", "--each-subject", "--memory", memory]);
        command.arg("--cover").arg(folder.path().join("cover.toml"));
        command.arg("--observations").arg(&rows);
        command.env("TMPDIR", folder.path().join("missing"));
        command.output().unwrap()
    };
    assert_eq!(printed(&nowhere("64")), in_memory);
    let refused = nowhere("1");
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert!(said(&refused).contains("TMPDIR"), "{}", said(&refused));

    let none = backtest(folder.path(), &[&rows], &["--memory", "0"]);
    assert_eq!(none.status.code(), Some(2));
    assert!(said(&none).contains("--memory"), "{}", said(&none));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(12) })]

    /// With sequences the order of rows, and how they are dealt to files, do not matter.
    #[test]
    fn the_order_of_rows_does_not_matter(
        rows in prop::collection::btree_map(
            (0u32..300, 0u32..3, 0u32..3),
            prop_oneof![Just(""), Just("0.8"), Just("0.85"), Just("0.9"), Just("0.97"), Just("1")],
            1..200,
        ),
        shuffle in prop::collection::vec(any::<u32>(), 200),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let row = |((time, subject, sequence), value): (&(u32, u32, u32), &&str)| {
            format!("s{subject},price,{time},{sequence},{value}\n")
        };
        let ordered: Vec<String> = rows.iter().map(row).collect();
        let mut dealt: Vec<(u32, String)> = shuffle.into_iter().zip(ordered.clone()).collect();
        dealt.sort();
        let dealt: Vec<String> = dealt.into_iter().map(|(_, row)| row).collect();
        let (first, second) = dealt.split_at(dealt.len() / 2);
        let write = |name: &str, rows: &[String]| {
            let path = folder.path().join(name);
            std::fs::write(&path, format!("{HEADER}\n{}", rows.concat())).unwrap();
            path
        };
        let (one, other) = (write("one", first), write("other", second));
        let expected = printed(&backtest(folder.path(), &[&write("ordered", &ordered)], &[]));
        prop_assert_eq!(printed(&backtest(folder.path(), &[&one, &other], &[])), expected);
    }
}
