//! What is shipped for those who watch a service: alert rules, a dashboard, runbooks. Every name in them is one that the service
//! has: a rule on a metric that nobody exposes never fires, and nobody notices.
#![expect(clippy::unwrap_used, reason = "what cannot be set up is a failed test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap().to_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

#[derive(Deserialize)]
struct Rules {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    alert: String,
    expr: String,
    #[serde(default, rename = "for")]
    lasts: Option<String>,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
}

fn rules() -> Vec<Rule> {
    let text = read("ops/prometheus/tocsin.rules.yml");
    let rules: Rules = serde_saphyr::from_str(&text).unwrap();
    rules
        .groups
        .into_iter()
        .flat_map(|group| group.rules)
        .collect()
}

/// The expressions of the dashboard, each with the panel that shows it.
fn shown() -> Vec<(String, String)> {
    let dashboard: Value = serde_json::from_str(&read("ops/grafana/tocsin.json")).unwrap();
    let mut shown = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            shown.push((text(&panel["title"]), text(&target["expr"])));
        }
    }
    shown
}

/// The words of a text that letters, digits and underscores make.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_ascii_alphanumeric() && character != '_')
        .filter(|word| !word.is_empty())
}

fn sources_under(folder: &Path, found: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources_under(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

fn source(folders: &[&str]) -> String {
    let mut text = String::new();
    for folder in folders {
        sources_under(&root().join(folder), &mut text);
    }
    text
}

/// Every series that the service can expose, by the registrations in its code: a service exposes those of them that it has values
/// of. A counter's name ends in `_total`; a histogram has three.
fn exposed() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut code = source(&["crates/api/src/metrics"]);
    code.push_str(&read("crates/api/src/metrics.rs"));
    for registered in code.split("registry.register").skip(1) {
        let timed = registered.starts_with("_with_unit");
        let name = registered.split('"').nth(1).unwrap();
        if timed {
            for part in ["bucket", "count", "sum"] {
                names.insert(format!("tocsin_{name}_seconds_{part}"));
            }
        } else {
            names.insert(format!("tocsin_{name}"));
            names.insert(format!("tocsin_{name}_total"));
        }
    }
    names
}

/// What is named that is not a service's.
const OF_OTHERS: &[&str] = &[
    "up",
    "node_filesystem_avail_bytes",
    "node_filesystem_size_bytes",
];

fn check(place: &str, expr: &str, exposed: &BTreeSet<String>) {
    let balanced = |open, close| expr.matches(open).count() == expr.matches(close).count();
    assert!(
        balanced('(', ')') && balanced('{', '}') && balanced('[', ']'),
        "{place}: {expr}"
    );
    let mut known = 0;
    for word in words(expr) {
        if word.starts_with("tocsin_") {
            assert!(exposed.contains(word), "{place}: no service exposes {word}");
            known += 1;
        }
        known += usize::from(OF_OTHERS.contains(&word));
    }
    assert!(known > 0, "{place} asks for nothing that is known: {expr}");
}

#[test]
fn every_metric_of_rules_and_dashboard_is_one_that_a_service_exposes() {
    let exposed = exposed();
    assert!(exposed.len() > 50, "{exposed:?}");
    let rules = rules();
    assert!(rules.len() > 30);
    for rule in &rules {
        check(&rule.alert, &rule.expr, &exposed);
    }
    let shown = shown();
    assert!(shown.len() > 30);
    for (panel, expr) in &shown {
        check(panel, expr, &exposed);
    }
    // And the other way: whatever a service exposes, somebody looks at.
    let all: String = rules
        .iter()
        .map(|rule| rule.expr.as_str())
        .collect::<Vec<_>>()
        .join(" ");
    let all = all
        + &shown
            .into_iter()
            .map(|(_, expr)| expr)
            .collect::<Vec<_>>()
            .join(" ");
    let looked_at: BTreeSet<&str> = words(&all).collect();
    for metric in exposed {
        let base = metric
            .trim_end_matches("_total")
            .trim_end_matches("_bucket")
            .trim_end_matches("_count")
            .trim_end_matches("_sum");
        let looked = looked_at.iter().any(|word| word.starts_with(base));
        assert!(looked, "nobody looks at {metric}");
    }
}

#[test]
fn every_label_of_rules_is_one_that_the_code_gives() {
    let code = source(&[
        "crates/api/src/metrics",
        "crates/auth/src",
        "crates/sources/src",
        "crates/tocsin/src",
    ]);
    let code: BTreeSet<&str> = words(&code).collect();
    for rule in rules() {
        for matched in rule.expr.split('{').skip(1) {
            let matched = matched.split('}').next().unwrap();
            if matched.contains("mountpoint") || matched.contains("job=") {
                continue;
            }
            for word in words(matched) {
                assert!(code.contains(word), "{}: {word}", rule.alert);
            }
        }
    }
}

/// The anchors of a page, as they are made of its headings.
fn anchors(page: &str) -> BTreeSet<String> {
    let headings = page.lines().filter_map(|line| line.strip_prefix('#'));
    headings
        .map(|heading| {
            let text = heading.trim_start_matches('#').trim().to_lowercase();
            let kept = text.chars().filter(|kept| {
                kept.is_alphanumeric() || *kept == ' ' || *kept == '-' || *kept == '_'
            });
            kept.collect::<String>().replace(' ', "-")
        })
        .collect()
}

#[test]
fn every_alert_says_what_it_is_how_urgent_and_which_page_helps() {
    let mut names = BTreeSet::new();
    for rule in rules() {
        let name = &rule.alert;
        assert!(names.insert(name.clone()), "{name} is there twice");
        let severity = rule.labels["severity"].as_str();
        assert!(["page", "ticket"].contains(&severity), "{name}: {severity}");
        assert!(!rule.annotations["summary"].is_empty(), "{name}");
        if let Some(lasts) = &rule.lasts {
            let (number, unit) = lasts.split_at(lasts.len() - 1);
            assert!(
                number.parse::<u32>().is_ok() && "smhd".contains(unit),
                "{name}: {lasts}"
            );
        }
        let runbook = &rule.annotations["runbook_url"];
        let (page, anchor) = runbook.split_once('#').unwrap_or((runbook, ""));
        assert!(root().join(page).is_file(), "{name}: there is no {page}");
        let anchors = anchors(&read(page));
        assert!(
            anchor.is_empty() || anchors.contains(anchor),
            "{name}: {runbook} of {anchors:?}"
        );
    }
}

const ADDRESS: &str = "0x0000000000000000000000000000000000000001";
const CLAIM: &str = "0x0000000000000000000000000000000000000000000000000000000000000001";

/// Each command line in the runbooks is one that the program understands.
#[test]
fn the_commands_of_the_runbooks_exist() {
    let mut tried = 0;
    for entry in fs::read_dir(root().join("docs/runbooks")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let mut in_block = false;
        for line in text.lines() {
            let line = line.trim();
            if line.starts_with("```") {
                in_block = !in_block;
                continue;
            }
            let Some(at) = line
                .find("tocsin ")
                .filter(|at| in_block && line[..*at].chars().all(|c| !c.is_alphanumeric()))
            else {
                continue;
            };
            let command = line[at..].split(" #").next().unwrap();
            let command = command.split(['|', '>']).next().unwrap();
            let mut words: Vec<&str> = Vec::new();
            for (index, part) in command.split('"').enumerate() {
                // What is between quotes is one word.
                if index % 2 == 1 {
                    words.push(part);
                } else {
                    words.extend(part.split_whitespace());
                }
            }
            // What is to be filled in is shown by capitals or an ellipsis.
            for place in 0..words.len() {
                let of_address = place > 0 && words[place - 1] == "--signer";
                words[place] = match words[place] {
                    "tk_prod_…" => "tk_prod_00000000000000000000000000000000",
                    word if word.starts_with("0x") && of_address => ADDRESS,
                    word if word.starts_with("0x") => CLAIM,
                    word => word,
                };
            }
            let read = tocsin::cli::Cli::read(words.iter().copied());
            assert!(
                read.is_ok(),
                "{}: `{line}`: {}",
                path.display(),
                read.unwrap_err()
            );
            tried += 1;
        }
    }
    assert!(tried > 20, "only {tried} commands were found");
}
