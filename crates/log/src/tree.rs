//! Appending: what is kept of a tree is its right edge, and full tiles never change.

use crate::error::LogError;
use crate::hash::{Hash, empty_root, join, perfect_root};
use crate::tile::{TILE_WIDTH, TileId};

/// The right edge of a tree: the hashes of the tile of each level that is not full.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Edge {
    size: u64,
    levels: Vec<Vec<Hash>>,
}

/// A tile that an append has filled or lengthened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChangedTile {
    /// Which.
    pub id: TileId,
    /// All of its hashes.
    pub hashes: Vec<Hash>,
}

impl ChangedTile {
    /// As it is stored and served.
    pub fn bytes(&self) -> Vec<u8> {
        self.hashes.iter().flat_map(|hash| hash.0).collect()
    }
}

impl Edge {
    /// The tiles that [`Self::load`] needs for a tree of `size` leaves.
    pub fn tiles_of(size: u64) -> impl Iterator<Item = (TileId, u64)> {
        crate::tile::tiles_at_edge(size)
    }

    /// The edge of a tree of `size` leaves, from its tiles in the order of [`Self::tiles_of`].
    pub fn load(
        size: u64,
        tiles: impl IntoIterator<Item = (TileId, Vec<Hash>)>,
    ) -> Result<Self, LogError> {
        let mut levels: Vec<Vec<Hash>> = Vec::new();
        let mut given = tiles.into_iter();
        for (id, width) in Self::tiles_of(size) {
            let found = given.next().filter(|(tile, _)| *tile == id);
            let (_, mut hashes) = found.ok_or_else(|| {
                LogError::MissingTile(crate::tile::TilePath::Hashes { id, width }.to_string())
            })?;
            let needed = usize::try_from(width).unwrap_or(usize::MAX);
            if hashes.len() < needed {
                return Err(LogError::ShortTile {
                    path: crate::tile::TilePath::Hashes { id, width }.to_string(),
                    found: u64::try_from(hashes.len()).unwrap_or(u64::MAX),
                    needed: width,
                });
            }
            hashes.truncate(needed);
            let level = usize::from(id.level);
            if levels.len() <= level {
                levels.resize(level + 1, Vec::new());
            }
            if let Some(slot) = levels.get_mut(level) {
                *slot = hashes;
            }
        }
        Ok(Self { size, levels })
    }

    /// How many leaves the tree has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends leaves, by their hashes; returns every tile that is other than before.
    pub fn append(&mut self, leaves: &[Hash]) -> Result<Vec<ChangedTile>, LogError> {
        let before = self.size;
        let mut changed = Vec::new();
        for leaf in leaves {
            self.size = self
                .size
                .checked_add(1)
                .ok_or(LogError::Range("a log cannot have so many leaves"))?;
            self.push(*leaf, &mut changed);
        }
        for (level, hashes) in self.levels.iter().enumerate() {
            let level = u8::try_from(level).unwrap_or(u8::MAX);
            let shift = u32::from(level) * 8;
            let (now, then) = (self.size >> shift, before >> shift);
            if now != then && !hashes.is_empty() {
                let index = now / TILE_WIDTH;
                changed.push(ChangedTile {
                    id: TileId { level, index },
                    hashes: hashes.clone(),
                });
            }
        }
        Ok(changed)
    }

    /// Takes a leaf, and with it the roots of the tiles that it fills.
    fn push(&mut self, leaf: Hash, changed: &mut Vec<ChangedTile>) {
        let mut carried = leaf;
        let mut level = 0_u8;
        loop {
            let place = usize::from(level);
            if self.levels.len() <= place {
                self.levels.push(Vec::new());
            }
            let Some(hashes) = self.levels.get_mut(place) else {
                return;
            };
            hashes.push(carried);
            if hashes.len() < 256 {
                return;
            }
            let full = core::mem::take(hashes);
            let index = ((self.size - 1) >> (u32::from(level) * 8)) / TILE_WIDTH;
            let Some(root) = perfect_root(&full) else {
                return;
            };
            changed.push(ChangedTile {
                id: TileId { level, index },
                hashes: full,
            });
            carried = root;
            level += 1;
        }
    }

    /// The root over all leaves.
    pub fn root(&self) -> Hash {
        let mut perfect = Vec::new();
        for hashes in self.levels.iter().rev() {
            let mut rest = hashes.as_slice();
            while let Some(largest) = rest.len().checked_ilog2() {
                let (left, right) = rest.split_at(1 << largest);
                perfect.extend(perfect_root(left));
                rest = right;
            }
        }
        join(&perfect).unwrap_or_else(empty_root)
    }
}
