//! Four services that poll four providers, each with prices and a clock of its own.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use tocsin::config::Config;
use tocsin_domain::attestation::ClaimAttestation;
use tocsin_domain::ids::ClaimKey;
use tocsin_store::attestation::{Attestations, Reservations};
use tocsin_store_sqlite::SqliteStore;
use tocsin_tests::life::Life;
use tocsin_tests::member::{HASTY, Member, four, join};
use tocsin_tests::mortal::Death;
use tocsin_tests::spot::Spot;

const PATIENCE: Duration = Duration::from_secs(40);

/// Four of them.
pub(crate) struct Quartet {
    pub(crate) members: Vec<Member>,
    pub(crate) spots: Vec<Spot>,
    pub(crate) lives: Vec<Option<Life>>,
}

impl Quartet {
    /// Sets them up; nobody runs yet.
    pub(crate) async fn set(policies: &[(u32, &str)], extra: &str) -> Self {
        Self::set_with_ports(policies, extra, |_, other, members| members[other].port).await
    }

    /// The same, where `port` says at which port the first reaches the second.
    pub(crate) async fn set_with_ports(
        policies: &[(u32, &str)],
        extra: &str,
        port: impl Fn(usize, usize, &[Member]) -> u16,
    ) -> Self {
        let members = four();
        let mut spots = Vec::new();
        for index in 0..members.len() {
            let spot = Spot::open(policies).await;
            let ports: Vec<u16> = (0..members.len())
                .map(|other| port(index, other, &members))
                .collect();
            join(&spot, &members, index, &ports, (extra, HASTY));
            spots.push(spot);
        }
        Self {
            lives: members.iter().map(|_| None).collect(),
            members,
            spots,
        }
    }

    /// Starts one, which may be told where to die.
    pub(crate) fn start(&mut self, index: usize, death: &Death) {
        let spot = &self.spots[index];
        self.lives[index] = Some(Life::of_mortal(
            Path::new(env!("CARGO_BIN_EXE_node")),
            &spot.config(),
            &spot.clock(),
            spot.folder(),
            death,
        ));
    }

    /// How long each has for its turn, by the configuration of this one.
    pub(crate) fn set_takeover(&self, index: usize, takeover: &str) {
        let path = self.spots[index].config();
        let text = std::fs::read_to_string(&path).unwrap();
        let known = "takeover      = \"1s\"";
        assert!(text.contains(known), "{text}");
        let text = text.replace(known, &format!("takeover      = \"{takeover}\""));
        std::fs::write(&path, text).unwrap();
    }

    /// Starts all.
    pub(crate) fn start_all(&mut self) {
        for index in 0..self.spots.len() {
            self.start(index, &Death::NEVER);
        }
    }

    /// Kills one.
    pub(crate) fn kill(&mut self, index: usize) {
        self.lives[index] = None;
    }

    /// Whether one has died by itself.
    pub(crate) fn has_died(&mut self, index: usize) -> bool {
        let life = self.lives[index].as_mut();
        life.is_some_and(|life| !life.is_running())
    }

    /// Stops all, and looks into their books: whatever any of them has ever journaled under one claim key, to be signed,
    /// says the same of the claim.
    pub(crate) async fn assert_one_content(&mut self) {
        for life in &mut self.lives {
            *life = None;
        }
        let mut contents: BTreeMap<ClaimKey, ClaimAttestation> = BTreeMap::new();
        for spot in &self.spots {
            let config = Config::load(&spot.config()).unwrap();
            let store = SqliteStore::open(&config.database).await.unwrap();
            for record in store.recent_attestations(1_000).await.unwrap() {
                let said = store.statements(record.domain_separator, record.claim_key);
                let said = said.await.unwrap();
                assert!(!said.is_empty());
                for statement in said {
                    let payload = ClaimAttestation::from_bytes(&statement.payload).unwrap();
                    let first = contents
                        .entry(statement.claim_key)
                        .or_insert_with(|| payload.clone());
                    assert!(first.same_claim(&payload), "{first:?} and {payload:?}");
                }
            }
            store.close().await;
        }
    }

    /// Lets time pass for all in steps of ten seconds until `done`.
    pub(crate) async fn pass_until(&self, what: &str, mut done: impl AsyncFnMut(&Self) -> bool) {
        let begun = Instant::now();
        while !done(self).await {
            if begun.elapsed() > PATIENCE {
                let mut shown = Vec::new();
                for index in 0..self.spots.len() {
                    let ready = self.spots[index].get("health/ready").await;
                    shown.push((index, self.quorum(index).await, ready));
                }
                panic!("{what}: not yet: {shown:#?}");
            }
            for spot in &self.spots {
                spot.pass(10);
            }
            tokio::time::sleep(Duration::from_millis(80)).await;
        }
    }

    /// Waits until all of these have so many attestations, and gives those of the first.
    pub(crate) async fn until_attested(&self, nodes: &[usize], count: usize) -> Vec<String> {
        self.pass_until(
            &format!("{nodes:?} have {count} attestations"),
            async |all| {
                for &node in nodes {
                    if all.spots[node].attested().await.len() < count {
                        return false;
                    }
                }
                true
            },
        )
        .await;
        sorted(self.spots[nodes[0]].attested().await)
    }

    /// What a node shows of the others.
    pub(crate) async fn quorum(&self, index: usize) -> Option<Value> {
        self.spots[index].get("v1/quorum").await
    }

    /// The kinds of disagreements that a node shows with another one.
    pub(crate) async fn disagreements(&self, index: usize, with: usize) -> Vec<String> {
        let shown = self.quorum(index).await.unwrap();
        let peer = format!("{:#x}", self.members[with].address());
        let noted = shown["disagreements"].as_array().unwrap().iter();
        noted
            .filter(|noted| noted["peer"] == peer)
            .map(|noted| noted["kind"].as_str().unwrap().to_owned())
            .collect()
    }
}

pub(crate) fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids
}
