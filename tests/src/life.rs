//! One life of the service: a process of its own, which can be killed or told where to die.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use url::Url;

use crate::emitted::listen;
use crate::http::trust_nobody;
use crate::mortal::{Death, Told};
use crate::scene::Scene;

/// A running service, killed with its guard.
pub struct Life {
    process: Child,
    told: Receiver<Told>,
}

impl Life {
    /// Starts the service as it is.
    pub fn start(scene: &Scene) -> Self {
        Self::spawn(scene, None)
    }

    /// Starts the service with a store that ends it at `death`, and that tells of its writes.
    pub fn until(scene: &Scene, death: &Death) -> Self {
        Self::spawn(scene, Some(death))
    }

    /// Starts `program` on a configuration, with its clock on the chain at `url`, in `folder`.
    pub fn of(program: &Path, config: &Path, url: &Url, folder: &Path) -> Self {
        Self::launch(program, config, url, folder, None)
    }

    /// The same with a store that ends it at `death`.
    pub fn of_until(
        program: &Path,
        config: &Path,
        url: &Url,
        folder: &Path,
        death: &Death,
    ) -> Self {
        Self::launch(program, config, url, folder, Some(death))
    }

    /// The same with a store that ends it at `death`.
    pub fn of_mortal(
        program: &Path,
        config: &Path,
        url: &Url,
        folder: &Path,
        death: &Death,
    ) -> Self {
        Self::launch(program, config, url, folder, Some(death))
    }

    fn spawn(scene: &Scene, death: Option<&Death>) -> Self {
        let (config, url) = (scene.layout().config(), scene.chain().url());
        Self::launch(scene.program(), &config, &url, scene.folder(), death)
    }

    fn launch(
        program: &Path,
        config: &Path,
        url: &Url,
        folder: &Path,
        death: Option<&Death>,
    ) -> Self {
        let mut command = Command::new(program);
        let mut process = listen(trust_nobody(&mut command), folder)
            .arg(config)
            .arg(url.as_str())
            .args(death.map(|death| format!("die={death}")))
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = process.stdout.take().unwrap();
        let (send, told) = channel();
        // Reads to the end, so that a full pipe never stops the service.
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // A test that has ended does not listen any more.
                let _heard = send.send(Told::parse(&line).unwrap());
            }
        });
        Self { process, told }
    }

    /// How it ended; `None` while it runs.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.process.try_wait().unwrap()
    }

    /// Its number in the system.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Whether it is still there.
    pub fn is_running(&mut self) -> bool {
        self.ended().is_none()
    }

    /// What its store has told since the last time.
    pub fn news(&self) -> Vec<Told> {
        self.told.try_iter().collect()
    }

    /// What its store has told since the last time, up to the end of a service that has died.
    pub fn last_words(&self) -> Vec<Told> {
        self.told.iter().collect()
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        let _already_gone = self.process.kill();
        let _reaped = self.process.wait();
    }
}
