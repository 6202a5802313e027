//! The forms of what is signed, as docs/schema publishes them: the description of the API has those very schemas.

use serde_json::Value;
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// A published schema: its name in the description, its identifier, and its text.
struct Published {
    name: &'static str,
    id: &'static str,
    text: &'static str,
}

const PUBLISHED: [Published; 4] = [
    Published {
        name: "ClaimAttestation",
        id: "urn:tocsin:schema:claim",
        text: include_str!("../../../../docs/schema/claim.json"),
    },
    Published {
        name: "AttestationBatch",
        id: "urn:tocsin:schema:batch",
        text: include_str!("../../../../docs/schema/batch.json"),
    },
    Published {
        name: "EvidenceBundle",
        id: "urn:tocsin:schema:evidence-bundle",
        text: include_str!("../../../../docs/schema/evidence-bundle.json"),
    },
    Published {
        name: "EasMirror",
        id: "urn:tocsin:schema:eas-mirror",
        text: include_str!("../../../../docs/schema/eas-mirror.json"),
    },
];

/// A name for a published schema, for routes and types to refer to.
macro_rules! published {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        pub(crate) enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                RefOr::Ref(Ref::from_schema_name(stringify!($name)))
            }
        }

        impl ToSchema for $name {}
    };
}

published!(
    /// What is signed about a claim.
    ClaimAttestation
);
published!(
    /// What is signed about many at once.
    AttestationBatch
);
published!(
    /// One paid claim with all that it rests on.
    EvidenceBundle
);
published!(
    /// An attestation for readers of the Ethereum Attestation Service.
    EasMirror
);

/// Puts the published schemas into a description.
pub(super) fn add_to(document: &mut Value) -> Result<(), serde_json::Error> {
    for Published { name, text, .. } in &PUBLISHED {
        let mut schema: Value = serde_json::from_str(text)?;
        if let Some(members) = schema.as_object_mut() {
            members.shift_remove("$schema");
            members.shift_remove("$id");
        }
        point(&mut schema, name);
        document["components"]["schemas"][name] = schema;
    }
    Ok(())
}

/// Makes what a schema refers to, in itself or in another, a place in the description.
fn point(schema: &mut Value, name: &str) {
    match schema {
        Value::Object(members) => {
            for (key, member) in members {
                match member {
                    Value::String(text) if key == "$ref" => *text = pointed(text, name),
                    _ => point(member, name),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| point(item, name)),
        _ => {}
    }
}

fn pointed(text: &str, name: &str) -> String {
    let place = |name: &str| format!("#/components/schemas/{name}");
    if let Some(within) = text.strip_prefix('#') {
        return place(name) + within;
    }
    let other = PUBLISHED.iter().find(|published| published.id == text);
    other.map_or_else(|| text.to_owned(), |other| place(other.name))
}
