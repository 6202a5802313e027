//! `serve`: the API alone, over a database that a `run` on the same machine fills.
//!
//! Promises: it has no key that signs, reads no chain and no feed, decides nothing, and never makes or changes a schema; it can be
//! started, killed and replaced without the other process noticing, and goes on answering while that one is replaced. Keys, nonces
//! and answers to writes are in the database, so that both are one service to whoever calls.

use std::sync::Arc;

use tocsin_store_sqlite::SqliteStore;

use super::ServiceError;
use super::door::Door;
use super::follow::Follower;
use super::parts::listen;
use super::start::begin;
use super::status::{Status, file_of};
use crate::clock::Clock;
use crate::config::Served;
use crate::pipeline::Stage;
use crate::pipeline::bell::Bell;
use crate::supervisor::{Shutdown, Supervisor};

/// Serves the database that `config` names until `shutdown`.
pub async fn serve(
    config: Served,
    clock: Arc<dyn Clock>,
    shutdown: Shutdown,
) -> Result<(), ServiceError> {
    let (store, neighbour) = SqliteStore::open_beside(&config.database).await?;
    let file = file_of(neighbour.file());
    let Some(status) = Status::read(&file).await? else {
        return Err(ServiceError::NeverFilled {
            database: config.database,
        });
    };
    let listener = listen("api", config.api.listen).await?;
    let stage = Stage::new(Arc::new(store), clock, shutdown.clone());
    let mut tasks = Supervisor::new(shutdown.clone());
    let follower = Follower::new(neighbour, file, status.identity.clone());
    begin(&mut tasks, follower, &stage, Bell::default());
    let door = Door {
        listener,
        settings: config.auth,
        served: config.api,
        identity: status.identity,
        beside: true,
        books: None,
        webhooks: None,
    };
    door.open(&mut tasks, stage, shutdown);
    Ok(tasks.run().await?)
}
