//! An append-only log that anybody can check: the hash tree of RFC 9162, served as C2SP `tlog-tiles`, under checkpoints
//! that are C2SP signed notes.
//!
//! Pure: no I/O and no clock. Whoever keeps a log appends to an [`Edge`] and stores the tiles that it gives back; whoever
//! checks one reads tiles through [`audit`].

pub mod audit;
mod bundle;
mod checkpoint;
mod error;
mod hash;
mod note;
mod proof;
mod proven;
mod tile;
mod tree;

pub use bundle::{MAX_ENTRY_BYTES, parse_bundle, write_bundle};
pub use checkpoint::Checkpoint;
pub use error::LogError;
pub use hash::{Hash, empty_root, leaf_hash, node_hash};
pub use note::{KeyName, Note, SigningKey, VerifierKey};
pub use proof::{
    Nodes, consistency_proof, inclusion_proof, root, verify_consistency, verify_inclusion,
};
pub use proven::ProvenLeaf;
pub use tile::{TILE_WIDTH, TileId, TilePath, Tiles, tiles_at};
pub use tree::{ChangedTile, Edge};
