//! The newest state of the log that others may have seen, in a file of its own next to the database, `<database>.log-signed`.
//!
//! A log that is begun again from an older database under the same key would show two histories, and each auditor would find
//! the operator to be a liar. So a state is in this file before it is in the database, where it can be seen; and a service
//! does not start on a database whose log does not begin with it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use tocsin_log::{Checkpoint, Hash, LogError, Note, TileId, Tiles, VerifierKey, root};
use tocsin_store::{Store, StoreError};
use tokio::fs;
use tokio::io::AsyncWriteExt;

/// What is wrong with the log.
#[derive(Debug, thiserror::Error)]
pub enum SeenError {
    /// The file.
    #[error(
        "cannot read or write {}, which remembers the newest signed state of the log: give the user that runs tocsin \
         permission for it and its folder", path.display()
    )]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Its content.
    #[error(
        "{} does not hold a signed state of this log: put the newest checkpoint into it that anybody has", path.display()
    )]
    Content {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: LogError,
    },
    /// The database is not the one that the log was signed from.
    #[error(
        "the log was signed up to {signed} leaves ({}), and the database has {found}{}: it is an older copy. To go on would show \
         another history than the one that others have seen. Find the newest database; if it is lost, docs/runbooks/database-restore.md \
         says how a new log begins", path.display(), if found < signed { "" } else { " that do not begin with them" }
    )]
    OlderDatabase {
        /// The file.
        path: PathBuf,
        /// Leaves of the newest signed state.
        signed: u64,
        /// Leaves of the database.
        found: u64,
    },
    /// The tiles of the log.
    #[error("the tiles of the log are not in order: check it with `tocsin log audit --config`")]
    Tiles(#[source] LogError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The file.
#[derive(Clone, Debug)]
pub struct Seen(PathBuf);

impl Seen {
    /// That of a database.
    pub fn beside(database: &Path) -> Self {
        let mut name = database.as_os_str().to_owned();
        name.push(".log-signed");
        Self(name.into())
    }

    /// Refuses a database whose log does not begin with the state in the file. One that another key has signed is of another
    /// log, which has ended.
    pub async fn check(&self, store: &dyn Store, key: &VerifierKey) -> Result<(), SeenError> {
        let Some(seen) = self.read(key).await? else {
            return Ok(());
        };
        let found = store.tree().await?.size;
        if found < seen.size || beginning(store, seen.size).await? != Some(seen.root) {
            return Err(SeenError::OlderDatabase {
                path: self.0.clone(),
                signed: seen.size,
                found,
            });
        }
        Ok(())
    }

    async fn read(&self, key: &VerifierKey) -> Result<Option<Checkpoint>, SeenError> {
        let text = match fs::read_to_string(&self.0).await {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.file(error)),
        };
        let content = |source| SeenError::Content {
            path: self.0.clone(),
            source,
        };
        let note: Note = text.parse().map_err(content)?;
        let of_any = Checkpoint::try_from(&note).map_err(content)?;
        if of_any.origin != key.name().as_str() {
            return Ok(None);
        }
        Checkpoint::verify(&text, key).map(Some).map_err(content)
    }

    /// Writes a state that is about to be seen, whole or not at all.
    pub async fn write(&self, note: &str) -> Result<(), SeenError> {
        let mut new = self.0.clone().into_os_string();
        new.push(".new");
        let written = async || -> std::io::Result<()> {
            let mut file = fs::File::create(&new).await?;
            file.write_all(note.as_bytes()).await?;
            file.sync_all().await?;
            fs::rename(&new, &self.0).await
        };
        written().await.map_err(|error| self.file(error))
    }

    fn file(&self, source: std::io::Error) -> SeenError {
        SeenError::File {
            path: self.0.clone(),
            source,
        }
    }
}

/// The root of the first `size` leaves.
async fn beginning(store: &dyn Store, size: u64) -> Result<Option<Hash>, SeenError> {
    if size == 0 {
        return Ok(Some(tocsin_log::empty_root()));
    }
    let nodes = root(size);
    let mut tiles = Tiles::default();
    for id in nodes.tiles() {
        let TileId { level, index } = id;
        let bytes = store.tile(id).await?.ok_or(StoreError::Missing {
            noun: "tile of the log",
            key: format!("{level}/{index}"),
        })?;
        tiles.add(id, 1, &bytes).map_err(SeenError::Tiles)?;
    }
    let hashes = nodes.hashes(&tiles).map_err(SeenError::Tiles)?;
    Ok(hashes.first().copied())
}
