//! The published schemas are those of the answers: everything that a node says passes, and nothing passes that the code itself
//! would not read.
#![expect(
    clippy::unwrap_used,
    reason = "a test's own steps: what cannot be done is a failed test"
)]

use std::collections::BTreeMap;

use jsonschema::{Registry, Validator};
use serde_json::{Value, json};
use tocsin_domain::attestation::ClaimAttestation;
use tocsin_tests::anvil::repository;
use tocsin_tests::payout_stage::PayoutStage;

/// The schemas by name, and how to ask whether a value is of one.
struct Schemas(BTreeMap<String, Value>);

impl Schemas {
    fn read() -> Self {
        let folder = repository().join("docs/schema");
        let mut schemas = BTreeMap::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let schema: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            jsonschema::meta::validate(&schema).unwrap();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            assert_eq!(schema["$id"], format!("urn:tocsin:schema:{name}"));
            schemas.insert(name, schema);
        }
        Self(schemas)
    }

    fn assert(&self, name: &str, value: &Value, is_of_it: bool) {
        let mut registry = Registry::new();
        for schema in self.0.values() {
            registry = registry
                .add(schema["$id"].as_str().unwrap(), schema)
                .unwrap();
        }
        let registry = registry.prepare().unwrap();
        let options = jsonschema::options().with_registry(&registry);
        let validator: Validator = options.build(&self.0[name]).unwrap();
        let verdict = validator.validate(value).map_err(|error| error.to_string());
        assert_eq!(verdict.is_ok(), is_of_it, "{name}: {verdict:?} {value:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_node_answers_has_the_published_form() {
    let schemas = Schemas::read();
    let stage = PayoutStage::set(env!("CARGO_BIN_EXE_node").as_ref()).await;
    let described = stage.described().await;
    let (mut alone, mut batched) = (0, 0);
    for id in described["attestations"].as_array().unwrap() {
        let path = format!("v1/attestations/{}", id.as_str().unwrap());
        let answer = stage.get(&path).await.unwrap();
        schemas.assert("attestation", &answer, true);
        let bundle = stage.get(&format!("{path}/evidence")).await.unwrap();
        schemas.assert("evidence-bundle", &bundle, true);
        let mirror = stage.get(&format!("{path}/eas")).await.unwrap();
        schemas.assert("eas-mirror", &mirror, true);
        if answer["batch"].is_null() {
            alone += 1;
        } else {
            batched += 1;
            schemas.assert("batch", &answer["batch"]["signed"], true);
        }
        assert_claim_is_strict(&schemas, &answer["attestation"]);
    }
    assert!(alone > 0 && batched > 0, "{alone} {batched}");
}

/// The schema of a claim has the fields of the code in their order, and like the code it takes no other form of any.
fn assert_claim_is_strict(schemas: &Schemas, claim: &Value) {
    schemas.assert("claim", claim, true);
    let fields = claim.as_object().unwrap();
    let named: Vec<&String> = fields.keys().collect();
    let required = schemas.0["claim"]["required"].as_array().unwrap();
    assert_eq!(json!(named), json!(required));
    for (name, value) in fields {
        let text = value.as_str().unwrap();
        let mut others = vec![
            json!(format!("{text} ")),
            json!(format!("+{text}")),
            json!(1),
        ];
        if text.starts_with("0x") {
            others.push(json!(text.to_uppercase()));
            others.push(json!(&text[..text.len() - 2]));
        } else {
            others.push(json!(format!("0{text}")));
            others.push(json!("a"));
        }
        for other in others {
            let mut changed = claim.clone();
            changed[name] = other;
            schemas.assert("claim", &changed, false);
            assert!(serde_json::from_value::<ClaimAttestation>(changed).is_err());
        }
        let mut changed = claim.clone();
        changed.as_object_mut().unwrap().shift_remove(name);
        schemas.assert("claim", &changed, false);
    }
    let mut changed = claim.clone();
    changed["more"] = json!("1");
    schemas.assert("claim", &changed, false);
}
