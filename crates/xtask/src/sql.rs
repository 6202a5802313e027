//! The offline data of the SQL queries: what sqlx learned of each when it was compiled against the migrations. It is
//! committed, so that building needs no database, and so it must be fresh.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::sh::{self, Failed};

const CRATE: &str = "crates/store-sqlite";

/// Writes the offline data anew.
pub(crate) fn prepare(root: &Path) -> Result<(), Failed> {
    let learned = learn(root)?;
    let committed = root.join(CRATE).join(".sqlx");
    empty(&committed)?;
    for (name, content) in learned {
        let path = committed.join(name);
        fs::write(&path, content)
            .map_err(|error| Failed(format!("cannot write {}: {error}", path.display())))?;
    }
    Ok(())
}

/// That the committed offline data is what compiling against the migrations gives.
pub(crate) fn check(root: &Path) -> Result<(), Failed> {
    if learn(root)? == contents(&root.join(CRATE).join(".sqlx"))? {
        return Ok(());
    }
    Err(Failed(format!(
        "{CRATE}/.sqlx is stale: run `cargo xtask sql` and commit what it writes"
    )))
}

/// Compiles the queries against a database made from the migrations, and returns the files that sqlx writes of them.
fn learn(root: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>, Failed> {
    let folder = sh::target(root).join("xtask/sqlx");
    empty(&folder)?;
    let database = sh::target(root).join("xtask/migrated.db");
    let database = database.to_string_lossy();
    let migrations = root.join(CRATE).join("migrations");
    // A feature, because a database driver would make every other command slower to build.
    let migrations = migrations.to_string_lossy();
    let migrate = [
        "run",
        "--quiet",
        "--package",
        "xtask",
        "--features",
        "sql",
        "--",
        "migrate",
    ];
    sh::run(
        root,
        "cargo",
        &[&migrate[..], &[&*database, &*migrations]].concat(),
    )?;
    touch(&root.join(CRATE).join("src/lib.rs"))?;
    let url = format!("sqlite://{database}");
    sh::run_with(
        root,
        "cargo",
        &["check", "--quiet", "--package", "tocsin-store-sqlite"],
        &[
            ("TOCSIN_STORE_SQLITE_DATABASE_URL", &url),
            ("SQLX_OFFLINE_DIR", &folder.to_string_lossy()),
        ],
    )?;
    contents(&folder)
}

/// Makes a new database at `database` from the migrations.
#[cfg(feature = "sql")]
pub(crate) fn migrate(database: &Path, migrations: &Path) -> Result<(), Failed> {
    use sqlx::migrate::Migrator;
    use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
    let failed = |error: &dyn std::error::Error| {
        Failed(format!("cannot migrate {}: {error}", database.display()))
    };
    if database.exists() {
        fs::remove_file(database).map_err(|error| failed(&error))?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| failed(&error))?;
    runtime.block_on(async {
        let options = SqliteConnectOptions::new()
            .filename(database)
            .create_if_missing(true);
        let pool = SqlitePool::connect_with(options)
            .await
            .map_err(|error| failed(&error))?;
        let migrator = Migrator::new(migrations)
            .await
            .map_err(|error| failed(&error))?;
        migrator.run(&pool).await.map_err(|error| failed(&error))?;
        pool.close().await;
        Ok(())
    })
}

fn empty(folder: &Path) -> Result<(), Failed> {
    let failed =
        |error: std::io::Error| Failed(format!("cannot empty {}: {error}", folder.display()));
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(failed)?;
    }
    fs::create_dir_all(folder).map_err(failed)
}

/// cargo sees what a file's time says, and not that the macros would now read something else.
fn touch(file: &Path) -> Result<(), Failed> {
    let failed =
        |error: std::io::Error| Failed(format!("cannot touch {}: {error}", file.display()));
    fs::read(file)
        .and_then(|content| fs::write(file, content))
        .map_err(failed)
}

fn contents(folder: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>, Failed> {
    let failed =
        |error: std::io::Error| Failed(format!("cannot read {}: {error}", folder.display()));
    let mut contents = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        contents.insert(
            PathBuf::from(entry.file_name()),
            fs::read(entry.path()).map_err(failed)?,
        );
    }
    Ok(contents)
}
