//! What may follow what in the log: of most subjects a second leaf must say what the first one said.
//!
//! Whoever can write to the database can put a fact beside what a leaf says of the same subject. The tree shows both for
//! ever, and whoever reads the newest leaf only would believe the wrong one. So such a fact is not made a leaf, an audit
//! looks for such leaves, and a proof that holds two of them shows nothing.

use serde_json::Value;

/// Of these a leaf never changes, unless one lies between that says that it is gone.
const FIXED: [&str; 9] = [
    "cover",
    "risk",
    "policy",
    "determination",
    "claim",
    "attestation",
    "withdrawal",
    "declaration",
    "client",
];

/// What of a key stays as it was made.
const OF_A_KEY: [&str; 8] = [
    "owner_kind",
    "owner",
    "algorithm",
    "public_key",
    "sealed",
    "scopes",
    "expires_at",
    "created_at",
];

/// Whether leaves of this kind can contradict each other.
pub fn lasts(kind: &str) -> bool {
    FIXED.contains(&kind) || matches!(kind, "proposal" | "key" | "epoch")
}

/// Whether a leaf may say of this kind that what was there is no more, and this body does.
pub fn is_gone(kind: &str, body: &Value) -> bool {
    match kind {
        "determination" => body["verdict"] == "undone",
        "claim" => body["decision"] == "undone",
        "halt" => body["cleared"] == Value::Bool(true),
        "key" | "proposal" | "webhook" => body["gone"] == Value::Bool(true),
        _ => false,
    }
}

/// Whether a body takes a decision back and does not say for what reason, as Tocsin does wherever it takes one back.
pub fn is_groundless(kind: &str, body: &Value) -> bool {
    matches!(kind, "determination" | "claim") && is_gone(kind, body) && !body["because"].is_string()
}

/// Why a fact cannot follow the leaf before it about the same subject; `None` where it can.
pub fn contradiction(kind: &str, earlier: &Value, later: &Value) -> Option<&'static str> {
    if !lasts(kind) || is_gone(kind, later) {
        return None;
    }
    if is_gone(kind, earlier) {
        // Decisions are made anew; a key or a proposal that was removed does not come back.
        return matches!(kind, "key" | "proposal").then_some("it was removed before");
    }
    let differs = |name: &str| !same(&earlier[name], &later[name]);
    match kind {
        "key" => {
            if OF_A_KEY.into_iter().any(differs) {
                return Some("its owner, its rights, its material or its end are other ones");
            }
            let back = match earlier["state"].as_str() {
                Some("revoked") => later["state"] != "revoked",
                Some("retired") => later["state"] != "retired" && later["state"] != "revoked",
                _ => false,
            };
            back.then_some("it was over, and is not any more")
        }
        "epoch" => {
            if differs("signers") {
                return Some("its signers are other ones");
            }
            let revoked = |body: &Value| body["revoked"] == 1 || body["revoked"] == true;
            (revoked(earlier) && !revoked(later)).then_some("its revocation is taken back")
        }
        _ => (!same(earlier, later)).then_some("it says something else"),
    }
}

/// Whether two values are written alike.
fn same(one: &Value, other: &Value) -> bool {
    one == other
        || matches!((serde_jcs::to_string(one), serde_jcs::to_string(other)), (Ok(one), Ok(other)) if one == other)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_fixed_stays() {
        let bought = json!({ "holder": "0xa", "sum_insured": "0x1" });
        let forged = json!({ "holder": "0xb", "sum_insured": "0x1" });
        assert_eq!(contradiction("policy", &bought, &bought), None);
        assert!(contradiction("policy", &bought, &forged).is_some());
        assert_eq!(contradiction("standing", &bought, &forged), None);
    }

    #[test]
    fn a_decision_may_be_another_one_once_it_was_undone() {
        let accepted = json!({ "decision": "accepted" });
        let undone = json!({ "decision": "undone", "because": "unwound" });
        let refused = json!({ "decision": "refused" });
        assert_eq!(contradiction("claim", &accepted, &undone), None);
        assert_eq!(contradiction("claim", &undone, &refused), None);
        assert!(contradiction("claim", &accepted, &refused).is_some());
        assert!(!is_groundless("claim", &undone));
        assert!(is_groundless("claim", &json!({ "decision": "undone" })));
        assert!(!is_groundless("halt", &json!({ "cleared": true })));
    }

    #[test]
    fn a_key_moves_on_and_stays_whose_it_is() {
        let key = |state: &str, scopes: &str| json!({ "owner": "desk", "scopes": scopes, "state": state });
        let change = |from, to| contradiction("key", &key(from, "read"), &key(to, "read"));
        assert_eq!(change("active", "retiring"), None);
        assert_eq!(
            change("retiring", "active"),
            None,
            "a rotation is rolled back"
        );
        assert_eq!(change("retired", "revoked"), None);
        assert!(change("revoked", "active").is_some());
        assert!(change("retired", "active").is_some());
        let more = contradiction("key", &key("active", "read"), &key("active", "keys:manage"));
        assert!(more.is_some());
    }

    #[test]
    fn an_epoch_keeps_its_signers_and_its_revocation() {
        let epoch = |revoked: u8, signers: &str| json!({ "revoked": revoked, "signers": signers });
        assert_eq!(contradiction("epoch", &epoch(0, "a"), &epoch(1, "a")), None);
        assert!(contradiction("epoch", &epoch(1, "a"), &epoch(0, "a")).is_some());
        assert!(contradiction("epoch", &epoch(0, "a"), &epoch(0, "b")).is_some());
    }
}
