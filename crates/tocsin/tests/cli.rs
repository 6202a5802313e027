//! The program as its users meet it: what it prints, and its exit status.
#![expect(clippy::unwrap_used, reason = "what cannot be set up is a failed test")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

fn tocsin(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tocsin"))
        .args(arguments)
        .current_dir(root())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap()
        .to_owned()
}

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_string_lossy().into_owned()
}

const COVER: &str = r#"
name = "c"
title = "C"
version = 1
[inputs.usdc]
metric = "price"
subject = "token:usdc"
[trigger]
when = "usdc <= 0.9"
[payout]
fraction = "1 - usdc"
"#;

#[test]
fn the_catalogue_checks_and_its_terms_have_a_hash() {
    let output = tocsin(&["check", "config/covers/usdc-depeg-24h.toml"]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("terms hash 0x"), "{}", said(&output));
}

#[test]
fn the_example_configuration_is_complete() {
    let output = Command::new(env!("CARGO_BIN_EXE_tocsin"))
        .args(["check", "--config", "config/service/tocsin.toml"])
        .env("TOCSIN_ATTESTOR_PASSWORD", "a")
        .env("TOCSIN_SUBMITTER_PASSWORD", "b")
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", said(&output));
    assert!(
        said(&output).contains("1 policies") || said(&output).contains("1 policy"),
        "{}",
        said(&output)
    );
}

#[test]
fn a_configuration_that_is_given_as_a_cover_is_one_complaint() {
    let output = tocsin(&["check", "config/service/tocsin.toml"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        said(&output),
        "error: config/service/tocsin.toml is a service configuration, not a cover: \
         tocsin check --config config/service/tocsin.toml\n"
    );
}

#[test]
fn the_example_of_a_quorum_is_complete() {
    let example = std::fs::read_to_string(root().join("config/service/tocsin.toml")).unwrap();
    let (alone, quorum) = example.split_once("#[quorum]\n").unwrap();
    let four = ["02", "04", "05", "06"].map(|end| format!("\"0x{end:0>40}\""));
    let alone = alone
        .replace("threshold = 1", "threshold = 3")
        .replace(
            &format!("signers   = [{}]", four[0]),
            &format!("signers   = [{}]", four.join(", ")),
        )
        .replace("../covers/usdc-depeg-24h.toml", "cover.toml")
        .replace("policies = [\"policies.toml\"]", "policies = []");
    assert!(alone.contains("threshold = 3") && alone.contains(&four[3]));
    let quorum: Vec<&str> = quorum
        .lines()
        .map(|line| line.trim_start_matches('#'))
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let cover = root().join("config/covers/usdc-depeg-24h.toml");
    std::fs::copy(cover, folder.path().join("cover.toml")).unwrap();
    let check = |text: &str| {
        let config = write(folder.path(), "tocsin.toml", text);
        Command::new(env!("CARGO_BIN_EXE_tocsin"))
            .args(["check", "--config", &config])
            .env("TOCSIN_ATTESTOR_PASSWORD", "a")
            .env("TOCSIN_SUBMITTER_PASSWORD", "b")
            .output()
            .unwrap()
    };
    let whole = format!("{alone}[quorum]\n{}\n", quorum.join("\n"));
    let output = check(&whole);
    assert!(output.status.success(), "{}", said(&output));
    // It is read: what it has in it can be wrong.
    let output = check(&whole.replace("http://10.0.0.3:7411/", "http://10.0.0.3:7411/path"));
    assert!(
        !output.status.success() && said(&output).contains("[quorum.peers."),
        "{}",
        said(&output)
    );
}

#[test]
fn a_max_age_below_the_heartbeat_of_the_source_is_warned_about() {
    let folder = tempfile::tempdir().unwrap();
    let example = std::fs::read_to_string(root().join("config/service/tocsin.toml")).unwrap();
    let cover = std::fs::read_to_string(root().join("config/covers/usdc-depeg-24h.toml")).unwrap();
    assert!(cover.contains("max_age = \"25h\"") && example.contains("= \"24h\""));
    let policies = root().join("config/service/policies.toml");
    std::fs::copy(policies, folder.path().join("policies.toml")).unwrap();
    for (max_age, warned) in [("24h", false), ("23h", true)] {
        let cover = cover.replace("max_age = \"25h\"", &format!("max_age = \"{max_age}\""));
        write(folder.path(), "cover.toml", &cover);
        let (before, _attestor) = example.split_once("[attestor]").unwrap();
        let service = before
            .replace("../covers/usdc-depeg-24h.toml", "cover.toml")
            .replace("policies = [\"policies.toml\"]", "policies = []");
        let config = write(folder.path(), "tocsin.toml", &service);
        let output = tocsin(&["check", "--config", &config]);
        assert!(output.status.success(), "{}", said(&output));
        assert_eq!(
            said(&output).contains("is shorter than the heartbeat"),
            warned,
            "{}",
            said(&output)
        );
    }
}

#[test]
fn a_wrong_cover_is_refused_at_its_place_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    for (change, with, expected) in [
        ("usdc <= 0.9", "usdcc <= 0.9", vec!["usdcc", "usdc"]),
        ("usdc <= 0.9", "usdc <= 45min", vec!["duration"]),
        (
            "version = 1",
            "version = 1\ntitel = \"x\"",
            vec!["titel", "title"],
        ),
        ("usdc <= 0.9", "usdc <= ", vec!["expected"]),
    ] {
        let path = write(folder.path(), "wrong.toml", &COVER.replace(change, with));
        let output = tocsin(&["check", &path]);
        assert_eq!(output.status.code(), Some(2), "{with}: {}", said(&output));
        for word in expected {
            assert!(
                said(&output).contains(word),
                "`{word}` is not in: {}",
                said(&output)
            );
        }
        assert!(said(&output).contains("wrong.toml"), "{}", said(&output));
    }
}

#[test]
fn a_bad_row_is_named_by_file_and_line_and_nothing_is_decided() {
    let folder = tempfile::tempdir().unwrap();
    let cover = write(folder.path(), "cover.toml", COVER);
    let rows = "subject,metric,observed_at,sequence,value\n\
                token:usdc,price,1,1,1.0\n\
                token:usdc,price,yesterday,2,0.8\n\
                token:usdc,price,3,3,zero\n";
    let rows = write(folder.path(), "rows.csv", rows);
    let output = tocsin(&["backtest", "--cover", &cover, "--observations", &rows]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(output.stdout.is_empty());
    assert!(
        said(&output).contains("rows.csv:3") && said(&output).contains("rows.csv:4"),
        "{}",
        said(&output)
    );
}

#[test]
fn a_backtest_has_one_object_for_each_determination_and_a_summary() {
    let folder = tempfile::tempdir().unwrap();
    let each = COVER.replace("subject = \"token:usdc\"\n", "");
    let cover = write(folder.path(), "cover.toml", &each);
    let rows = "subject,metric,observed_at,sequence,value\n\
                b,price,1970-01-01T00:00:10Z,1,0.8\n\
                a,price,10,1,0.85\n\
                c,price,10,1,1\n\
                d,price,10,1,\n";
    let rows = write(folder.path(), "rows.csv", rows);
    let output = tocsin(&[
        "backtest",
        "--cover",
        &cover,
        "--observations",
        &rows,
        "--each-subject",
    ]);
    assert!(output.status.success(), "{}", said(&output));
    let lines: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let subjects: Vec<_> = lines[..2]
        .iter()
        .map(|line| line["subject"].as_str().unwrap())
        .collect();
    assert_eq!(subjects, ["a", "b"]);
    assert_eq!(lines[0]["payout_fraction"], "0.15");
    assert_eq!(lines[0]["inputs"]["usdc"], "0.85");
    assert_eq!(lines[0]["occurred_at"], "1970-01-01T00:00:10Z");
    assert_eq!(lines[0]["observations"], 1);
    let summary = &lines[2];
    for (key, count) in [
        ("risks", 4),
        ("observations", 4),
        ("triggered", 2),
        ("not_triggered", 1),
        ("inconclusive", 1),
    ] {
        assert_eq!(summary[key], count, "{key} in {summary}");
    }
}

#[test]
fn the_usdc_depeg_of_march_2023_backtests_to_the_known_answer() {
    #[expect(
        clippy::disallowed_methods,
        reason = "where reference data is, is not configuration of the product"
    )]
    let shared = std::env::var("TOCSIN_SHARED")
        .map_or_else(|_unset| root().join("../shared/data"), PathBuf::from);
    let recorded = shared.join("chainlink-usdc-mainnet-2023/observations.csv");
    if !recorded.exists() {
        #[expect(clippy::disallowed_methods, reason = "only CI must have the data")]
        let ci = std::env::var("CI").is_ok();
        assert!(!ci, "the reference data is missing: {}", recorded.display());
        return;
    }
    let recorded = recorded.to_string_lossy();
    let cover = "config/covers/usdc-depeg-24h.toml";
    let output = tocsin(&["backtest", "--cover", cover, "--observations", &recorded]);
    assert!(output.status.success(), "{}", said(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    let found: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!(found["verdict"], "triggered");
    assert_eq!(found["occurred_at"], "2023-03-11T01:18:11Z");
    assert_eq!(found["confirmed_at"], "2023-03-12T01:19:35Z");
    assert_eq!(found["payout_fraction"], "0.0247");
    assert_eq!(found["inputs"]["usdc"], "0.9753");
    assert_eq!(text.lines().count(), 2);
}

#[test]
fn a_key_is_generated_once_and_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let password = write(folder.path(), "password", "correct horse\n");
    let key = folder
        .path()
        .join("key.json")
        .to_string_lossy()
        .into_owned();
    let first = tocsin(&["keys", "generate", &key, "--password-file", &password]);
    assert!(first.status.success(), "{}", said(&first));
    assert!(said(&first).contains("0x"));
    let content = std::fs::read(&key).unwrap();
    let second = tocsin(&["keys", "generate", &key, "--password-file", &password]);
    assert_eq!(second.status.code(), Some(1));
    assert!(said(&second).contains("another path"), "{}", said(&second));
    assert_eq!(std::fs::read(&key).unwrap(), content);
}

#[test]
fn what_is_no_bundle_does_not_verify() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(
        folder.path(),
        "bundle.json",
        "{\"format\": \"something else\"}",
    );
    let output = tocsin(&["verify", &path]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("bundle.json"), "{}", said(&output));
    let missing = tocsin(&["verify", "no-such-file.json"]);
    assert_eq!(missing.status.code(), Some(2), "{}", said(&missing));
}

#[test]
fn a_secret_in_the_configuration_is_refused_and_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let config = "database = \"t.db\"\n[attestor]\nverifier = \"eip155:1:0x0000000000000000000000000000000000000001\"\n\
                  epoch = 1\nthreshold = 1\nsigners = [\"0x0000000000000000000000000000000000000002\"]\nhold = \"0s\"\n\
                  valid_for = \"1d\"\nsigner = { kind = \"keystore\", path = \"k.json\", password = \"hunter2\" }\n";
    let path = write(folder.path(), "tocsin.toml", config);
    let output = tocsin(&["check", "--config", &path]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("file:PATH"), "{}", said(&output));
    assert!(!said(&output).contains("hunter2"), "{}", said(&output));
}
