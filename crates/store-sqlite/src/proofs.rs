//! Attestations as they are read; the proofs of those in batches come off the trees that are stored with these.
//!
//! Guarantee: no proof leaves here that does not lead from its attestation to the stored root, which is what was signed.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::B256;
use sqlx::SqliteConnection;
use tocsin_domain::attestation::{AttestationBatch, BatchTree};
use tocsin_domain::ids::{AttestationId, BatchId, ClaimKey, PolicyId, RiskId};
use tocsin_domain::time::Timestamp;
use tocsin_store::StoreError;
use tocsin_store::attestation::{AttestationRecord, Signed};
use tocsin_store::check::{self, Flaw};

use crate::bulk::Bulk;
use crate::column::{hexed, to_json, unsigned, word};
use crate::error::failed;

/// So many nodes share a row.
const NODES_PER_ROW: u32 = 32;

/// A row of the view `attested`.
pub(crate) struct AttestationRow {
    pub(crate) id: Vec<u8>,
    pub(crate) domain_separator: Vec<u8>,
    pub(crate) claim_key: Vec<u8>,
    pub(crate) policy: Vec<u8>,
    pub(crate) risk: Vec<u8>,
    pub(crate) ordinal: i64,
    pub(crate) payload: Vec<u8>,
    pub(crate) signatures: Option<Vec<u8>>,
    pub(crate) batch: Option<i64>,
    pub(crate) place: Option<i64>,
    pub(crate) leaf: Option<i64>,
    pub(crate) batch_id: Option<Vec<u8>>,
    pub(crate) root: Option<Vec<u8>>,
    pub(crate) count: Option<i64>,
    pub(crate) attested_at: i64,
}

/// By batch and number of the row, nodes one after the other.
type Nodes = BTreeMap<(i64, u32), Vec<u8>>;

/// The records of rows, with their proofs.
pub(crate) async fn records(
    connection: &mut SqliteConnection,
    rows: Vec<AttestationRow>,
    attempt: &'static str,
) -> Result<Vec<AttestationRecord>, StoreError> {
    let mut wanted: BTreeMap<i64, BTreeSet<u32>> = BTreeMap::new();
    for row in &rows {
        // A number that cannot be one is told when the row is read.
        let leaf = row.leaf.and_then(|leaf| u32::try_from(leaf).ok());
        if let (Some(batch), Some(leaf)) = (row.batch, leaf) {
            let siblings = BatchTree::siblings(leaf).map(|node| node / NODES_PER_ROW);
            wanted.entry(batch).or_default().extend(siblings);
        }
    }
    let mut nodes = Nodes::new();
    for (batch, chunks) in wanted {
        let chunks = to_json("batch", batch, &chunks)?;
        let found = sqlx::query!(
            r#"SELECT n.chunk AS "chunk!: u32", n.nodes AS "nodes!"
               FROM json_each(?2) AS wanted JOIN batch_nodes AS n ON n.batch = ?1 AND n.chunk = wanted.value"#,
            batch,
            chunks
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(failed(attempt))?;
        nodes.extend(found.into_iter().map(|row| ((batch, row.chunk), row.nodes)));
    }
    rows.into_iter().map(|row| row.read(&nodes)).collect()
}

impl AttestationRow {
    fn read(self, nodes: &Nodes) -> Result<AttestationRecord, StoreError> {
        let decode = || {
            let id = AttestationId(word("id", &self.id)?);
            let record = AttestationRecord {
                id,
                domain_separator: word("domain_separator", &self.domain_separator)?,
                claim_key: ClaimKey(word("claim_key", &self.claim_key)?),
                policy: PolicyId(word("policy", &self.policy)?),
                risk: RiskId(word("risk", &self.risk)?),
                ordinal: unsigned("ordinal", self.ordinal)?,
                payload: self.payload.clone(),
                signed: self.signed(id, nodes)?,
                attested_at: Timestamp(self.attested_at),
            };
            check::attestation(&record)?;
            Ok(record)
        };
        decode()
            .map_err(|flaw: Flaw| flaw.invalid_row("attestation", format!("0x{}", hexed(&self.id))))
    }

    fn signed(&self, id: AttestationId, nodes: &Nodes) -> Result<Signed, Flaw> {
        match (&self.signatures, self.batch, self.place, self.leaf) {
            (Some(signatures), None, None, None) => Ok(Signed::Alone(signatures.clone())),
            (None, Some(batch), Some(place), Some(leaf)) => {
                let (Some(of), Some(root), Some(count)) = (&self.batch_id, &self.root, self.count)
                else {
                    return Err(Flaw("its batch is missing".to_owned()));
                };
                let proof: Vec<B256> = BatchTree::siblings(unsigned("leaf", leaf)?)
                    .map(|node| sibling(nodes, batch, node))
                    .collect::<Result<_, _>>()?;
                // Only the root and the size matter to a proof.
                let signed = AttestationBatch {
                    root: word("root", root)?,
                    count: unsigned("count", count)?,
                    issuedAt: 0,
                    signerEpoch: 0,
                };
                let sound = signed.check_contains(id, &proof);
                sound.map_err(|error| Flaw(error.to_string()))?;
                Ok(Signed::InBatch {
                    batch: BatchId(word("batch", of)?),
                    place: unsigned("place", place)?,
                    proof,
                })
            }
            _ => Err(Flaw(
                "it needs either signatures, or a batch with a place and a leaf".to_owned(),
            )),
        }
    }
}

fn sibling(nodes: &Nodes, batch: i64, node: u32) -> Result<B256, Flaw> {
    let row = nodes.get(&(batch, node / NODES_PER_ROW));
    let (words, _rest) = row.map_or([].as_slice(), Vec::as_slice).as_chunks::<32>();
    let place = usize::try_from(node % NODES_PER_ROW).ok();
    let found = place.and_then(|place| words.get(place));
    found
        .map(B256::from)
        .ok_or_else(|| Flaw(format!("node {node} of its batch's tree is missing")))
}

/// Stores the tree of a batch.
pub(crate) async fn insert(
    connection: &mut SqliteConnection,
    batch: i64,
    tree: &BatchTree,
    attempt: &'static str,
) -> Result<(), StoreError> {
    let size = usize::try_from(NODES_PER_ROW).unwrap_or(usize::MAX);
    let rows: Vec<(i64, &[B256])> = (0..).zip(tree.nodes().chunks(size)).collect();
    Bulk::insert_into("batch_nodes", "batch, chunk, nodes", "")
        .insert(connection, &rows, attempt, |statement, (chunk, nodes)| {
            statement.bind(batch).bind(chunk).bind(nodes.concat())
        })
        .await
        .map(|_rows| ())
}
