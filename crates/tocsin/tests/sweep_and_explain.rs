//! What a cover is asked beside its verdicts: under other parameters, in words, and at an instant.
#![expect(clippy::unwrap_used, reason = "what cannot be set up is a failed test")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const COVER: &str = r#"
name = "swept"
title = "A swept depeg"
version = 1
[inputs.usdc]
metric = "price"
[parameters]
threshold = "0.9"
wait = "1h"
[trigger]
when = "holds(usdc <= threshold, for: wait, recover: usdc > threshold) and usdc < max(usdc, since: inception)"
[payout]
fraction = "clamp(1 - usdc, 0, 1)"
[guards]
fresh = "age(usdc) <= 30min"
"#;

const ROWS: &str = "subject,metric,observed_at,sequence,value
a,price,0,,1
a,price,3600,,0.95
a,price,9000,,0.85
a,price,20000,,1
b,price,0,,0.5
b,price,9000,,0.8
";

struct Scene {
    folder: TempDir,
}

impl Scene {
    fn set() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("cover.toml"), COVER).unwrap();
        std::fs::write(folder.path().join("rows.csv"), ROWS).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_tocsin"))
            .args(arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    fn lines(&self, arguments: &[&str]) -> Vec<Value> {
        let output = self.run(arguments);
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

const BACKTEST: [&str; 6] = [
    "backtest",
    "--cover",
    "cover.toml",
    "--observations",
    "rows.csv",
    "--each-subject",
];

#[test]
fn every_set_of_a_sweep_says_what_the_terms_say_that_it_stands_for() {
    let scene = Scene::set();
    let sweep = [
        "--sweep",
        "threshold=0.80..0.95:0.05",
        "--sweep",
        "wait=30min..4h:30min",
    ];
    let swept = scene.lines(&[&BACKTEST[..], &sweep[..]].concat());
    assert_eq!(swept.len(), 4 * 8);
    let mut differing = std::collections::BTreeSet::new();
    for set in &swept {
        let parameter = |name: &str| set["parameters"][name].as_str().unwrap().to_owned();
        let cover = COVER
            .replace("\"0.9\"", &format!("\"{}\"", parameter("threshold")))
            .replace("\"1h\"", &format!("\"{}\"", parameter("wait")));
        std::fs::write(scene.path("one.toml"), cover).unwrap();
        let one = scene.lines(&[
            "backtest",
            "--cover",
            "one.toml",
            "--observations",
            "rows.csv",
            "--each-subject",
        ]);
        let (summary, determinations) = one.split_last().unwrap();
        for member in [
            "risks",
            "triggered",
            "not_triggered",
            "inconclusive",
            "loss_frequency",
            "total_payout",
        ] {
            assert_eq!(set[member], summary[member], "{member} of {set}");
        }
        for determination in determinations {
            assert_eq!(set["terms_hash"], determination["terms_hash"]);
        }
        differing.insert(set["total_payout"].to_string());
    }
    assert!(differing.len() > 2, "{differing:?}");
}

#[test]
fn a_sweep_prints_tables_too_and_says_what_is_wrong_with_it() {
    let scene = Scene::set();
    let csv = ["--sweep", "threshold=0.8..0.9:0.1", "--format", "csv"];
    let output = scene.run(&[&BACKTEST[..], &csv[..]].concat());
    let lines: Vec<String> = text(&output.stdout).lines().map(str::to_owned).collect();
    assert_eq!(
        lines[0],
        "threshold,triggered,not_triggered,inconclusive,loss_frequency,total_payout"
    );
    assert_eq!(lines.len(), 3);
    for (range, reason) in [
        (
            "treshold=0.8..0.9:0.1",
            "cover.toml has no parameter `treshold`; did you mean `threshold`?",
        ),
        ("threshold=0.8..0.9", "is no range"),
        ("threshold=0.9..0.8:0.1", "ascends"),
        ("threshold=1h..2h:1h", "a duration"),
    ] {
        let output = scene.run(&[&BACKTEST[..], &["--sweep", range]].concat());
        assert_eq!(output.status.code(), Some(2), "{range}");
        assert!(
            text(&output.stderr).contains(reason),
            "{range}: {}",
            text(&output.stderr)
        );
    }
}

#[test]
fn an_inception_decides_what_windows_since_it_see() {
    let scene = Scene::set();
    // Begun at 9000, the greatest price of `a` since then is that of 9000 itself, until 20000.
    let late = scene.lines(&[&BACKTEST[..], &["--inception", "9000"]].concat());
    let early = scene.lines(&BACKTEST);
    let found = |lines: &[Value]| lines.iter().filter(|line| line["subject"] == "a").count();
    assert_eq!((found(&early), found(&late)), (1, 0));
    let output = scene.run(&[&BACKTEST[..], &["--inception", "soon"]].concat());
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("--inception"));
}

#[test]
fn every_part_of_the_terms_has_its_value_at_an_instant() {
    let scene = Scene::set();
    let explain = ["explain", "cover.toml", "--observations", "rows.csv"];
    let at = |at: &'static str| {
        let output = scene.run(&[&explain[..], &["--at", at, "--subject", "a"]].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let open = at("12599");
    for line in [
        "holds(usdc <= 0.9, for: 1h, recover: usdc > 0.9) = false; a breach is open since 1970-01-01T02:30:00Z, \
         the time to recover ends at 1970-01-01T03:30:00Z",
        "usdc = 0.85",
        "max(usdc, since: inception) = 1",
        "clamp(1 - usdc, 0, 1) = 0.15",
        "guard `fresh`",
        "age(usdc) = ",
    ] {
        assert!(open.contains(line), "{line}: {open}");
    }
    assert!(
        at("12600").contains("usdc > 0.9) = true; the breach began at 1970-01-01T02:30:00Z"),
        "{}",
        at("12600")
    );
    let unnamed = scene.run(&[&explain[..], &["--at", "12600"]].concat());
    assert_eq!(unnamed.status.code(), Some(2));
    assert!(
        text(&unnamed.stderr).contains("--subject"),
        "{}",
        text(&unnamed.stderr)
    );
}

#[test]
fn the_catalogue_explains_itself() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap();
    let scene = Scene::set();
    for file in std::fs::read_dir(root.join("config/covers")).unwrap() {
        let path = file.unwrap().path();
        let output = scene.run(&["explain", &path.to_string_lossy()]);
        assert!(
            output.status.success(),
            "{}: {}",
            path.display(),
            text(&output.stderr)
        );
        let said = text(&output.stdout);
        for heading in ["What is measured", "When it is a loss", "What it pays"] {
            assert!(said.contains(heading), "{}: {said}", path.display());
        }
    }
}
