//! Every leaf of the file, changed one at a time.

use alloy_primitives::keccak256;
use serde_json::Value as Json;
use tocsin_domain::bundle::{EvidenceBundle, VerifyOptions, verify};

use crate::fixture::depeg;
use crate::outlook::since_inception;

/// What no signature covers: the contract's books, the beginning of evaluation, the attestor's clock, and the place of a
/// log within its block (whose content is covered). Only the seal notices a change of these.
const UNSIGNED: [&str; 7] = [
    "/risk/evaluate_from",
    "/policy/holder",
    "/policy/sum_insured",
    "/claim/amount",
    "/determination/determined_at",
    "/log_index",
    "/determination/confirmed_on/log_index",
];

fn file() -> Json {
    serde_json::to_value(depeg().bundle()).unwrap()
}

/// JSON pointers of every value that holds no other.
pub(crate) fn leaves(json: &Json, at: &str, found: &mut Vec<String>) {
    match json {
        Json::Object(members) => {
            for (name, value) in members {
                leaves(
                    value,
                    &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")),
                    found,
                );
            }
        }
        Json::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                leaves(value, &format!("{at}/{index}"), found);
            }
        }
        _ => found.push(at.to_owned()),
    }
}

fn all_leaves() -> Vec<String> {
    let mut found = Vec::new();
    leaves(&file(), "", &mut found);
    assert!(found.len() > 150, "{}", found.len());
    found
}

/// Other values for a leaf, most of them of the same form.
pub(crate) fn others(leaf: &Json) -> Vec<Json> {
    let mut others = vec![Json::Null, Json::Bool(true), Json::from(1)];
    match leaf {
        Json::String(text) => {
            let places: Vec<(usize, char)> = text.char_indices().collect();
            let last = places.len().saturating_sub(1);
            for place in [0, 2.min(last), last / 2, last] {
                let Some(&(at, old)) = places.get(place) else {
                    continue;
                };
                let (before, after) = (&text[..at], &text[at + old.len_utf8()..]);
                others.push(format!("{before}{}{after}", neighbour(old)).into());
            }
            others.push(format!("0{text}").into());
            others.push(format!("{text}0").into());
            others.push(text.to_uppercase().into());
        }
        Json::Number(number) => {
            others.push((number.as_i64().unwrap() + 1).into());
            others.push(number.to_string().into());
        }
        Json::Bool(value) => others.push((!value).into()),
        Json::Null => others.push(Json::Object(serde_json::Map::new())),
        Json::Array(_) | Json::Object(_) => unreachable!(),
    }
    others.retain(|other| other != leaf);
    others
}

/// Of the same kind, so that numbers stay numbers and hex stays hex.
fn neighbour(digit: char) -> char {
    match digit {
        '9' | 'f' => '0',
        '0'..='8' => char::from_u32(u32::from(digit) + 1).unwrap(),
        'a' => 'b',
        _ => 'a',
    }
}

/// What a forger with a text editor and a hash function does.
pub(crate) fn reseal(json: &mut Json) {
    json.as_object_mut().unwrap().shift_remove("seal");
    let seal = keccak256(serde_jcs::to_string(json).unwrap());
    json["seal"] = format!("{seal:#x}").into();
}

pub(crate) fn accepted(json: &Json) -> bool {
    match serde_json::from_str::<EvidenceBundle>(&json.to_string()) {
        Ok(bundle) => verify(&bundle, &VerifyOptions::default()).is_valid(),
        Err(_) => false,
    }
}

fn is_unsigned(leaf: &str) -> bool {
    UNSIGNED.iter().any(|unsigned| {
        leaf == *unsigned || (leaf.starts_with("/observations/") && leaf.ends_with(unsigned))
    })
}

#[test]
fn the_file_itself_is_accepted() {
    let mut json = file();
    assert!(accepted(&json));
    reseal(&mut json);
    assert_eq!(json, file());
}

#[test]
fn no_leaf_can_be_changed() {
    let original = file();
    for leaf in all_leaves() {
        // The seal looks at no meaning, so a few changes of each leaf are as good as all.
        for other in others(original.pointer(&leaf).unwrap())
            .into_iter()
            .step_by(4)
        {
            let mut json = original.clone();
            *json.pointer_mut(&leaf).unwrap() = other.clone();
            assert!(!accepted(&json), "{leaf} = {other}");
        }
    }
}

#[test]
fn no_signed_or_derived_leaf_can_be_changed_even_with_a_new_seal() {
    let original = file();
    for leaf in all_leaves().iter().filter(|leaf| !is_unsigned(leaf)) {
        for other in others(original.pointer(leaf).unwrap()) {
            let mut json = original.clone();
            *json.pointer_mut(leaf).unwrap() = other.clone();
            if leaf != "/seal" {
                reseal(&mut json);
            }
            assert!(!accepted(&json), "{leaf} = {other}");
        }
    }
}

#[test]
fn what_the_inception_decides_cannot_be_changed_even_with_a_new_seal() {
    let original = serde_json::to_value(since_inception().bundle()).unwrap();
    assert!(accepted(&original));
    let mut found = Vec::new();
    leaves(&original, "", &mut found);
    found.retain(|leaf| {
        leaf == "/risk/inception"
            || leaf == "/policy/inception"
            || leaf.starts_with("/determination/")
            || leaf.starts_with("/observations/0/")
    });
    assert!(found.contains(&"/risk/inception".to_owned()));
    for leaf in found.iter().filter(|leaf| !is_unsigned(leaf)) {
        for other in others(original.pointer(leaf).unwrap()) {
            let mut json = original.clone();
            *json.pointer_mut(leaf).unwrap() = other.clone();
            reseal(&mut json);
            assert!(!accepted(&json), "{leaf} = {other}");
        }
    }
}

#[test]
fn no_member_can_be_dropped_added_or_doubled() {
    let mut parents = vec![String::new()];
    for leaf in all_leaves() {
        let mut at = leaf.as_str();
        while let Some((parent, _)) = at.rsplit_once('/') {
            parents.push(parent.to_owned());
            at = parent;
        }
    }
    parents.sort();
    parents.dedup();
    let original = file();
    for parent in parents {
        match original.pointer(&parent).unwrap() {
            Json::Object(members) => {
                for name in members.keys() {
                    let mut json = original.clone();
                    json.pointer_mut(&parent)
                        .unwrap()
                        .as_object_mut()
                        .unwrap()
                        .shift_remove(name);
                    if name != "seal" {
                        reseal(&mut json);
                    }
                    assert!(!accepted(&json), "without {parent}/{name}");
                }
                let mut json = original.clone();
                json.pointer_mut(&parent).unwrap()["surplus"] = "x".into();
                reseal(&mut json);
                assert!(!accepted(&json), "surplus in {parent}");
            }
            Json::Array(values) => {
                for index in 0..values.len() {
                    let mut json = original.clone();
                    json.pointer_mut(&parent)
                        .unwrap()
                        .as_array_mut()
                        .unwrap()
                        .remove(index);
                    reseal(&mut json);
                    assert!(!accepted(&json), "without {parent}/{index}");

                    let mut json = original.clone();
                    let list = json.pointer_mut(&parent).unwrap().as_array_mut().unwrap();
                    list.insert(index, list[index].clone());
                    reseal(&mut json);
                    assert!(!accepted(&json), "twice {parent}/{index}");
                }
            }
            _ => unreachable!(),
        }
    }
}

#[test]
fn a_name_that_stands_twice_is_refused() {
    let text = file().to_string();
    for (once, twice) in [
        (r#""ordinal":"1""#, r#""ordinal":"1","ordinal":"1""#),
        (r#""when":"#, r#""when":"true","when":"#),
        (r#""format":"#, r#""format":"x","format":"#),
    ] {
        assert!(text.contains(once));
        let error =
            serde_json::from_str::<EvidenceBundle>(&text.replacen(once, twice, 1)).unwrap_err();
        assert!(error.to_string().contains(" twice"), "{error}");
    }
}

#[test]
fn a_file_of_another_kind_is_told_apart() {
    for (text, reason) in [
        ("", "EOF"),
        ("[]", "its format is null"),
        ("{}", "its format is null"),
        (
            r#"{"format":"tocsin-evidence-bundle/2"}"#,
            "this version reads `tocsin-evidence-bundle/1`",
        ),
        (r#"{"format":"tocsin-evidence-bundle/1"}"#, "no `seal`"),
        (
            r#"{"format":"tocsin-evidence-bundle/1","n":1.5}"#,
            "not whole and below 2^53",
        ),
    ] {
        let error = serde_json::from_str::<EvidenceBundle>(text)
            .unwrap_err()
            .to_string();
        assert!(error.contains(reason), "{text}: {error}");
    }
}
