//! The file of a database and the lock next to it, before SQLite has a look.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tocsin_store::StoreError;
use tokio::time::sleep;

/// A place that this process holds alone.
pub(crate) struct Place {
    /// The file, without links.
    pub(crate) file: PathBuf,
    /// Keeps other processes out as long as it is open; the operating system closes it however this process ends.
    pub(crate) lock: File,
}

/// So often a lock is tried, and so long after each time: whoever only looks whether it is held ([`is_taken`]) holds it for
/// microseconds.
const TRIES: u32 = 10;
const BETWEEN: Duration = Duration::from_millis(20);

/// Takes the place that `path` means, or says why not.
pub(crate) async fn take(path: &Path) -> Result<Place, StoreError> {
    let refused = |remedy: String, error: io::Error| StoreError::Open {
        place: path.display().to_string(),
        remedy,
        source: error.into(),
    };
    let file = resolve(path).map_err(|error| refused(remedy(&error), error))?;
    let lock_path = lock_path(&file);
    // Never removed: to remove it while somebody waits for it would give two processes a lock.
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&lock_path)
        .map_err(|error| refused(remedy(&error), error))?;
    let mut tried = lock.try_lock();
    for _ in 1..TRIES {
        if !matches!(tried, Err(TryLockError::WouldBlock)) {
            break;
        }
        sleep(BETWEEN).await;
        tried = lock.try_lock();
    }
    match tried {
        Ok(()) => Ok(Place { file, lock }),
        Err(TryLockError::WouldBlock) => Err(refused(
            "another tocsin runs on it; stop that one first, or give this one a database of its own".to_owned(),
            io::Error::new(io::ErrorKind::WouldBlock, format!("{} is locked", lock_path.display())),
        )),
        Err(TryLockError::Error(error)) => Err(refused(
            format!("{} cannot be locked; put the database on a local disk", lock_path.display()),
            error,
        )),
    }
}

/// Whether a process holds the place of `file`, which is without links. There is no way to ask but to try, shared with others who
/// ask; the lock is let go at once.
pub(crate) fn is_taken(file: &Path) -> io::Result<bool> {
    let lock = match File::open(lock_path(file)) {
        Ok(lock) => lock,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    match lock.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// The file that `path` means, without links, so that it has one lock whatever it is called.
///
/// Asks first whether it can be written, for a clear answer, and because the superuser, whom the operating system lets
/// through, means it too when he marks a file as read-only.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    if fs::metadata(folder)?.permissions().readonly() {
        return Err(io::Error::new(
            io::ErrorKind::ReadOnlyFilesystem,
            "the folder is read-only",
        ));
    }
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(found) if found.permissions().readonly() => Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "the file is read-only",
        )),
        Ok(_) => fs::canonicalize(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let name = path.file_name().ok_or(io::ErrorKind::IsADirectory)?;
            Ok(fs::canonicalize(folder)?.join(name))
        }
        Err(error) => Err(error),
    }
}

fn lock_path(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

fn remedy(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "its folder does not exist; create it, or correct the path",
        io::ErrorKind::IsADirectory => "it is a folder; name a file in it",
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "it cannot be written; give the user that runs tocsin write permission for the file and its folder"
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "the disk is full; make room",
        _ => "it cannot be written; see the cause",
    }
    .to_owned()
}
