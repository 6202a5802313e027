//! Named tasks: an unexpected end of one stops them all, and shutdown is soft, then hard, with a deadline.

use std::future::Future;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How long tasks may take to end once they were asked to.
const DEADLINE: Duration = Duration::from_secs(10);

/// A request to end, given once, seen by everybody.
#[derive(Clone, Debug, Default)]
pub struct Shutdown(CancellationToken);

impl Shutdown {
    /// Asks everybody to end.
    pub fn request(&self) {
        self.0.cancel();
    }

    /// Whether everybody was asked to end.
    pub fn is_requested(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Waits for the request.
    pub async fn requested(&self) {
        self.0.cancelled().await;
    }
}

/// How a task ended when it should not have.
#[derive(Debug, thiserror::Error)]
pub enum TaskFailure {
    /// It gave an error.
    #[error("`{name}` failed: {reason}")]
    Failed {
        /// Which task.
        name: String,
        /// What it said.
        reason: String,
    },
    /// It ended without being asked to, or broke.
    #[error("`{name}` ended unexpectedly: {reason}")]
    Ended {
        /// Which task.
        name: String,
        /// How.
        reason: String,
    },
    /// It did not end in time.
    #[error("some tasks did not end within {} s and were cut off: {names}", DEADLINE.as_secs())]
    Stuck {
        /// Which tasks.
        names: String,
    },
}

/// The tasks of a service.
#[derive(Debug)]
pub struct Supervisor {
    tasks: JoinSet<(String, Result<(), String>)>,
    running: Vec<String>,
    shutdown: Shutdown,
}

impl Supervisor {
    /// No tasks yet.
    pub fn new(shutdown: Shutdown) -> Self {
        Self {
            tasks: JoinSet::new(),
            running: Vec::new(),
            shutdown,
        }
    }

    /// Starts a task.
    pub fn start<F, E>(&mut self, name: impl Into<String>, task: F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: std::error::Error + Send + 'static,
    {
        let name = name.into();
        self.running.push(name.clone());
        self.tasks.spawn(async move {
            let outcome = task.await.map_err(|error| crate::report::chain(&error));
            (name, outcome)
        });
    }

    /// Runs until shutdown is requested, or until a task ends by itself, which requests it.
    pub async fn run(mut self) -> Result<(), TaskFailure> {
        let mut outcome = Ok(());
        let deadline = async |shutdown: Shutdown| {
            shutdown.requested().await;
            tokio::time::sleep(DEADLINE).await;
        };
        let late = deadline(self.shutdown.clone());
        tokio::pin!(late);
        loop {
            let ended = tokio::select! {
                ended = self.tasks.join_next() => ended,
                () = &mut late => {
                    let stuck = TaskFailure::Stuck { names: self.running.join(", ") };
                    return outcome.and(Err(stuck));
                }
            };
            let failure = match ended {
                None => return outcome,
                Some(Ok((name, result))) => {
                    self.running.retain(|running| *running != name);
                    match result {
                        Err(reason) => Some(TaskFailure::Failed { name, reason }),
                        Ok(()) if self.shutdown.is_requested() => None,
                        Ok(()) => Some(TaskFailure::Ended {
                            name,
                            reason: "it was not asked to".to_owned(),
                        }),
                    }
                }
                Some(Err(broken)) => Some(TaskFailure::Ended {
                    name: "a task".to_owned(),
                    reason: broken.to_string(),
                }),
            };
            if let Some(failure) = failure {
                tracing::error!(error = %failure, "stopping");
                outcome = outcome.and(Err(failure));
                self.shutdown.request();
            }
        }
    }
}
