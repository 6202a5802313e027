//! The crates of the house and who may depend on whom. What is not listed here may not be.

/// A crate, its folder, and the crates of this workspace that it may use (not counting tests).
pub(crate) struct Edge {
    pub(crate) folder: &'static str,
    pub(crate) name: &'static str,
    pub(crate) may_use: &'static [&'static str],
}

/// Dependencies point one way: nobody but `tocsin` and the tests sees a backend, sources and delivery do not see the
/// store, attest does not see sources, api does not see keys.
pub(crate) const EDGES: &[Edge] = &[
    Edge {
        folder: "crates/domain",
        name: "tocsin-domain",
        // As pure as itself: bundles carry proofs of the log.
        may_use: &["tocsin-log"],
    },
    Edge {
        folder: "crates/auth",
        name: "tocsin-auth",
        may_use: &[],
    },
    Edge {
        folder: "crates/sources",
        name: "tocsin-sources",
        may_use: &["tocsin-domain"],
    },
    Edge {
        folder: "crates/delivery",
        name: "tocsin-delivery",
        may_use: &["tocsin-domain"],
    },
    Edge {
        folder: "crates/log",
        name: "tocsin-log",
        may_use: &[],
    },
    Edge {
        folder: "crates/store",
        name: "tocsin-store",
        may_use: &["tocsin-domain", "tocsin-auth", "tocsin-log"],
    },
    Edge {
        folder: "crates/store-sqlite",
        name: "tocsin-store-sqlite",
        may_use: &["tocsin-domain", "tocsin-auth", "tocsin-log", "tocsin-store"],
    },
    Edge {
        folder: "crates/attest",
        name: "tocsin-attest",
        may_use: &["tocsin-domain", "tocsin-store"],
    },
    Edge {
        folder: "crates/quorum",
        name: "tocsin-quorum",
        may_use: &["tocsin-domain", "tocsin-store", "tocsin-attest"],
    },
    Edge {
        folder: "crates/api",
        name: "tocsin-api",
        may_use: &["tocsin-domain", "tocsin-auth", "tocsin-log", "tocsin-store"],
    },
    Edge {
        folder: "crates/tocsin",
        name: "tocsin",
        may_use: &[
            "tocsin-domain",
            "tocsin-sources",
            "tocsin-delivery",
            "tocsin-log",
            "tocsin-store",
            "tocsin-store-sqlite",
            "tocsin-attest",
            "tocsin-quorum",
            "tocsin-auth",
            "tocsin-api",
        ],
    },
    Edge {
        folder: "tests",
        name: "tocsin-tests",
        may_use: &[
            "tocsin",
            "tocsin-domain",
            "tocsin-sources",
            "tocsin-delivery",
            "tocsin-log",
            "tocsin-store",
            "tocsin-store-sqlite",
            "tocsin-attest",
            "tocsin-quorum",
            "tocsin-auth",
            "tocsin-api",
        ],
    },
    Edge {
        folder: "crates/xtask",
        name: "xtask",
        may_use: &[],
    },
];

/// Crates that only some may use, because what they do belongs to one house.
pub(crate) const HOMES: &[(&str, &[&str])] = &[
    ("sqlx", &["tocsin-store-sqlite", "xtask"]),
    // `tocsin-quorum` between attestors; `tocsin` for its flights demonstration only, where a local server stands in for a provider: clients are the API's.
    (
        "axum",
        &["tocsin-api", "tocsin-quorum", "tocsin", "tocsin-tests"],
    ),
    (
        "reqwest",
        &[
            "tocsin-sources",
            "tocsin-delivery",
            "tocsin-quorum",
            // `tocsin client` sends what a person has it sign.
            "tocsin",
            "tocsin-tests",
        ],
    ),
    ("miette", &["tocsin"]),
    ("clap", &["tocsin"]),
];
