//! Auditing a log that somebody else serves: nothing is believed but the arithmetic.

use crate::bundle::parse_bundle;
use crate::checkpoint::Checkpoint;
use crate::error::LogError;
use crate::hash::{Hash, leaf_hash};
use crate::note::VerifierKey;
use crate::proof::{consistency_proof, verify_consistency};
use crate::tile::{TILE_WIDTH, TileId, TilePath, Tiles, tiles_at};
use crate::tree::{ChangedTile, Edge};

/// Where a log is read: its files, by their paths.
pub trait Files {
    /// Why one cannot be read.
    type Error;

    /// The bytes of one file, as `checkpoint` or `tile/0/000`.
    fn read(&self, path: &str) -> impl Future<Output = Result<Vec<u8>, Self::Error>> + Send;
}

/// Why a log does not pass.
#[derive(Debug, thiserror::Error)]
pub enum AuditError<E> {
    /// A file could not be read: nothing is known of the log.
    #[error("cannot read {path} of the log")]
    Read {
        /// Which.
        path: String,
        /// Why.
        #[source]
        source: E,
    },
    /// A file is not what it should be.
    #[error("{path} of the log is not in order")]
    Broken {
        /// Which.
        path: String,
        /// Why.
        #[source]
        source: LogError,
    },
    /// An entry or a tile is other than the tree says.
    #[error("{path} does not hold what the leaves make it: the log has been altered")]
    Altered {
        /// Which file.
        path: String,
    },
    /// The root is another one.
    #[error(
        "the {size} leaves do not make the root that the checkpoint names: the log has been altered"
    )]
    OtherRoot {
        /// How many leaves.
        size: u64,
    },
    /// It does not begin with what it was before.
    #[error(
        "the log of {size} leaves does not begin with the {earlier} leaves that it had before: its history has been rewritten"
    )]
    Rewritten {
        /// How many leaves now.
        size: u64,
        /// How many before.
        earlier: u64,
    },
}

/// Reads a whole log and recomputes it: the signature of its checkpoint, each entry's hash, each tile, the root, and that
/// it begins with `earlier`, which an audit before has found. `each` is shown every entry with its place.
pub async fn audit<F: Files>(
    files: &F,
    key: &VerifierKey,
    earlier: Option<&Checkpoint>,
    mut each: impl FnMut(u64, &[u8]),
) -> Result<Checkpoint, AuditError<F::Error>> {
    let read = async |path: &str| {
        files.read(path).await.map_err(|source| AuditError::Read {
            path: path.to_owned(),
            source,
        })
    };
    let broken = |path: &str, source| AuditError::Broken {
        path: path.to_owned(),
        source,
    };
    let note = read("checkpoint").await?;
    let note = core::str::from_utf8(&note)
        .map_err(|_not_text| broken("checkpoint", LogError::Note("it is not text")))?;
    let checkpoint =
        Checkpoint::verify(note, key).map_err(|source| broken("checkpoint", source))?;
    let size = checkpoint.size;
    let mut edge = Edge::default();
    let mut tiles = Tiles::default();
    let mut made: Vec<ChangedTile> = Vec::new();
    for index in 0..size.div_ceil(TILE_WIDTH) {
        let id = TileId { level: 0, index };
        let width = id.width_at(size);
        let path = TilePath::Entries { index, width }.to_string();
        let bundle = read(&path).await?;
        let entries = parse_bundle(&bundle).map_err(|source| broken(&path, source))?;
        if u64::try_from(entries.len()) != Ok(width) {
            return Err(broken(
                &path,
                LogError::Bundle("it holds another number of entries"),
            ));
        }
        let mut hashes = Vec::with_capacity(entries.len());
        for (place, entry) in (index * TILE_WIDTH..).zip(&entries) {
            hashes.push(leaf_hash(entry));
            each(place, entry);
        }
        made.extend(
            edge.append(&hashes)
                .map_err(|source| broken(&path, source))?,
        );
    }
    if edge.root() != checkpoint.root {
        return Err(AuditError::OtherRoot { size });
    }
    let made: std::collections::BTreeMap<TileId, Vec<Hash>> = made
        .into_iter()
        .map(|tile| (tile.id, tile.hashes))
        .collect();
    for (id, width) in tiles_at(size) {
        let path = TilePath::Hashes { id, width }.to_string();
        let served = read(&path).await?;
        tiles
            .add(id, width, &served)
            .map_err(|source| broken(&path, source))?;
        if tiles.hashes(id) != made.get(&id).map(Vec::as_slice) {
            return Err(AuditError::Altered { path });
        }
    }
    if let Some(earlier) = earlier {
        let rewritten = || AuditError::Rewritten {
            size,
            earlier: earlier.size,
        };
        let nodes = consistency_proof(earlier.size, size).map_err(|_smaller| rewritten())?;
        let proof = nodes
            .hashes(&tiles)
            .map_err(|source| broken("checkpoint", source))?;
        let (before, now) = ((earlier.size, earlier.root), (size, checkpoint.root));
        verify_consistency(before, now, &proof).map_err(|_other| rewritten())?;
    }
    Ok(checkpoint)
}
