//! The state of the eligibility log that was signed last, in a file outside the database.
//!
//! Guarantee: a state is durably here before anybody can see it, and nothing is signed that does not begin with what is here.
//! So a database that was put back from a backup, or whose history was rewritten, is noticed before another history is
//! signed. The file is ahead of the database or equal to it, never behind: leaves are committed before their state is
//! signed, and a state is here before it is in the database. A crash between any two of these changes nothing.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tocsin_log::{Checkpoint, VerifierKey};
use tocsin_store::log::{Tree, begins_with};
use tocsin_store::{Store, StoreError};

/// Why the last signed state is not known.
#[derive(Debug, thiserror::Error)]
#[error("cannot read or write {}, the last signed state of the log: check [log] state_file and its folder", path.display())]
pub struct AnchorError {
    path: PathBuf,
    #[source]
    source: io::Error,
}

/// The file.
#[derive(Clone, Debug)]
pub struct Anchor(PathBuf);

impl Anchor {
    /// At this place.
    pub fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The signed note; `None` where there is no file.
    pub fn read(&self) -> Result<Option<String>, AnchorError> {
        match std::fs::read_to_string(&self.0) {
            Ok(note) => Ok(Some(note)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Replaces the note, whole or not at all, and durably.
    pub fn write(&self, note: &str) -> Result<(), AnchorError> {
        self.replace(note).map_err(|error| self.failed(error))
    }

    fn replace(&self, note: &str) -> io::Result<()> {
        let mut beside = self.0.as_os_str().to_owned();
        beside.push(".new");
        let beside = PathBuf::from(beside);
        let mut file = std::fs::File::create(&beside)?;
        file.write_all(note.as_bytes())?;
        file.sync_all()?;
        drop(file);
        std::fs::rename(&beside, &self.0)?;
        sync_folder(&self.0)
    }

    fn failed(&self, source: io::Error) -> AnchorError {
        AnchorError {
            path: self.0.clone(),
            source,
        }
    }
}

/// Makes the names in the folder of a file durable.
pub(crate) fn sync_folder(file: &Path) -> io::Result<()> {
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    std::fs::File::open(folder)?.sync_all()
}

/// What is known of what was signed.
#[derive(Debug)]
pub(crate) enum Found {
    /// The tree begins with it, or nothing was ever signed.
    Sound(Option<Checkpoint>),
    /// It does not, or that is not known: why, and what to do.
    Held(String),
}

/// Compares the tree of a database with the state that was signed last, and with the newest one in the database.
pub(crate) async fn examine(
    anchor: &Anchor,
    key: &VerifierKey,
    store: &dyn Store,
    tree: Tree,
) -> Result<Found, ExamineError> {
    let stored = store.checkpoint().await?;
    let path = anchor.path().display();
    let Some(note) = anchor.read()? else {
        // Also one that this key has not signed: a log that began again under another key has its file.
        return Ok(match stored {
            None => Found::Sound(None),
            Some(stored) => Found::Held(format!(
                "there is no {path}, which shows that the database is not an older one, and {} leaves were signed. Put the file back, or \
                 look with `tocsin log audit` whether the log begins with what was audited last, and then let it go on with \
                 `tocsin log adopt`",
                stored.size
            )),
        });
    };
    // One by an earlier key says nothing of this one.
    let stored = stored.and_then(|state| Checkpoint::verify(&state.note, key).ok());
    let signed = match Checkpoint::verify(&note, key) {
        Ok(signed) => signed,
        Err(error) => {
            return Ok(Found::Held(format!(
                "{path} holds no state that the key of this log has signed: {error}. Put the file back that belongs to the database"
            )));
        }
    };
    if signed.size > tree.size {
        return Ok(Found::Held(format!(
            "the database has {} leaves, and {} were signed ({path}): it is an older one. Put the newest one back. If that is lost, \
             `tocsin log new-origin` begins the log under another name, for everybody to see (docs/runbooks/database-restore.md)",
            tree.size, signed.size
        )));
    }
    for state in [Some(&signed), stored.as_ref()].into_iter().flatten() {
        if !begins_with(store, (state.size, state.root), tree).await? {
            return Ok(Found::Held(format!(
                "the {} leaves of the database do not begin with the {} that were signed ({path}): it was put back from a backup and has gone \
                 on otherwise, or its history was rewritten. Put the newest one back. If that is lost, `tocsin log new-origin` begins \
                 the log under another name, for everybody to see (docs/runbooks/database-restore.md)",
                tree.size, state.size
            )));
        }
    }
    Ok(Found::Sound(Some(signed)))
}

/// Why it is not known.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExamineError {
    /// The file.
    #[error(transparent)]
    Anchor(#[from] AnchorError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}
