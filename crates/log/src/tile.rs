//! Tiles: 256 hashes of one height in one file, as C2SP `tlog-tiles` names them.

use core::fmt;
use core::str::FromStr;
use std::collections::BTreeMap;

use crate::error::LogError;
use crate::hash::{Hash, perfect_root};

/// How many hashes, or entries, a full tile holds.
pub const TILE_WIDTH: u64 = 256;

/// How many heights a tile spans.
const HEIGHT: u32 = 8;

/// The highest level there can be: of 2^64 leaves.
const MAX_LEVEL: u8 = 7;

/// Which tile: its level, counted from the leaves, and its place there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TileId {
    /// 0 holds the hashes of leaves, 1 the roots of 256 leaves, and so on.
    pub level: u8,
    /// Its place within the level.
    pub index: u64,
}

impl TileId {
    /// How many hashes of it a tree of `size` leaves has.
    pub fn width_at(self, size: u64) -> u64 {
        let hashes = size.checked_shr(u32::from(self.level) * HEIGHT);
        let before = self.index.saturating_mul(TILE_WIDTH);
        hashes.unwrap_or(0).saturating_sub(before).min(TILE_WIDTH)
    }
}

/// What the path of a tile names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TilePath {
    /// Hashes.
    Hashes {
        /// Which tile.
        id: TileId,
        /// How many of its hashes, 1 to 256.
        width: u64,
    },
    /// Entries.
    Entries {
        /// Which bundle.
        index: u64,
        /// How many of its entries, 1 to 256.
        width: u64,
    },
}

/// From `tile/` on, as in `tile/0/x001/x234/067.p/16`.
impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (index, width) = match self {
            Self::Hashes { id, width } => {
                write!(f, "tile/{}/", id.level)?;
                (id.index, *width)
            }
            Self::Entries { index, width } => {
                f.write_str("tile/entries/")?;
                (*index, *width)
            }
        };
        let mut groups = vec![index % 1_000];
        let mut rest = index / 1_000;
        while rest > 0 {
            groups.push(rest % 1_000);
            rest /= 1_000;
        }
        for (left, group) in groups.iter().enumerate().rev() {
            match left {
                0 => write!(f, "{group:03}")?,
                _ => write!(f, "x{group:03}/")?,
            }
        }
        if width < TILE_WIDTH {
            write!(f, ".p/{width}")?;
        }
        Ok(())
    }
}

impl FromStr for TilePath {
    type Err = LogError;

    fn from_str(text: &str) -> Result<Self, LogError> {
        let parsed = parse(text).ok_or_else(|| LogError::TilePath(text.to_owned()))?;
        // There is one way to write each.
        if parsed.to_string() == text {
            Ok(parsed)
        } else {
            Err(LogError::TilePath(text.to_owned()))
        }
    }
}

fn parse(text: &str) -> Option<TilePath> {
    let (level, rest) = text.strip_prefix("tile/")?.split_once('/')?;
    let (place, width) = match rest.split_once(".p/") {
        Some((place, width)) => (place, width.parse().ok()?),
        None => (rest, TILE_WIDTH),
    };
    if !(1..=TILE_WIDTH).contains(&width) {
        return None;
    }
    let mut index: u64 = 0;
    for group in place.split('/') {
        let digits = group.strip_prefix('x').unwrap_or(group);
        if digits.len() != 3 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        index = index
            .checked_mul(1_000)?
            .checked_add(digits.parse().ok()?)?;
    }
    if level == "entries" {
        return Some(TilePath::Entries { index, width });
    }
    let level = level.parse().ok().filter(|level| *level <= MAX_LEVEL)?;
    Some(TilePath::Hashes {
        id: TileId { level, index },
        width,
    })
}

/// A perfect tree within a log: `index`-th of those over 2^`height` leaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Node {
    pub(crate) height: u32,
    pub(crate) index: u64,
}

impl Node {
    /// The tile that holds what it is made of, and from where to where there.
    fn place(self) -> (TileId, usize, usize) {
        let within = self.height % HEIGHT;
        let first = self.index << within;
        let level = u8::try_from(self.height / HEIGHT).unwrap_or(MAX_LEVEL);
        let id = TileId {
            level,
            index: first / TILE_WIDTH,
        };
        let from = usize::try_from(first % TILE_WIDTH).unwrap_or(0);
        (id, from, from + (1 << within))
    }

    pub(crate) fn tile(self) -> TileId {
        self.place().0
    }
}

/// Tiles that were read; what hashes of nodes are made from.
#[derive(Clone, Default, Debug)]
pub struct Tiles(BTreeMap<TileId, Vec<Hash>>);

impl Tiles {
    /// Takes a tile as it is stored or served: at least `width` hashes, one after the other.
    pub fn add(&mut self, id: TileId, width: u64, bytes: &[u8]) -> Result<(), LogError> {
        let hashes: Vec<Hash> = bytes
            .chunks(Hash::BYTES)
            .filter_map(Hash::from_slice)
            .collect();
        let found = u64::try_from(hashes.len()).unwrap_or(u64::MAX);
        if found < width || !bytes.len().is_multiple_of(Hash::BYTES) {
            return Err(LogError::ShortTile {
                path: TilePath::Hashes { id, width }.to_string(),
                found,
                needed: width,
            });
        }
        self.0.insert(id, hashes);
        Ok(())
    }

    /// The hashes of a tile.
    pub fn hashes(&self, id: TileId) -> Option<&[Hash]> {
        self.0.get(&id).map(Vec::as_slice)
    }

    pub(crate) fn node(&self, node: Node) -> Result<Hash, LogError> {
        let (id, from, to) = node.place();
        let path = || {
            let width = TILE_WIDTH;
            TilePath::Hashes { id, width }.to_string()
        };
        let hashes = self
            .hashes(id)
            .ok_or_else(|| LogError::MissingTile(path()))?;
        let part = hashes.get(from..to).and_then(perfect_root);
        part.ok_or_else(|| LogError::ShortTile {
            path: path(),
            found: u64::try_from(hashes.len()).unwrap_or(u64::MAX),
            needed: u64::try_from(to).unwrap_or(u64::MAX),
        })
    }
}

/// Every tile of hashes of a tree of `size` leaves, with its width, from the leaves up.
pub fn tiles_at(size: u64) -> impl Iterator<Item = (TileId, u64)> {
    (0..=MAX_LEVEL).flat_map(move |level| {
        let hashes = size >> (u32::from(level) * HEIGHT);
        (0..hashes.div_ceil(TILE_WIDTH)).map(move |index| {
            let id = TileId { level, index };
            (id, id.width_at(size))
        })
    })
}

/// The tiles of a tree of `size` leaves that are not full, from the leaves up.
pub(crate) fn tiles_at_edge(size: u64) -> impl Iterator<Item = (TileId, u64)> {
    (0..=MAX_LEVEL).filter_map(move |level| {
        let hashes = size >> (u32::from(level) * HEIGHT);
        let id = TileId {
            level,
            index: hashes / TILE_WIDTH,
        };
        let width = hashes % TILE_WIDTH;
        (width > 0).then_some((id, width))
    })
}
