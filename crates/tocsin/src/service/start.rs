//! Every part as a task of its own, rung by the ones before it.

use std::sync::Arc;

use tocsin_api::mirrors::Mirrors;
use tocsin_domain::time::Seconds;
use tocsin_quorum::{Node, Settings};

use super::ServiceError;
use super::announce::Announcer;
use super::books::ClientBooks;
use super::door::Door;
use super::parts::{Bells, Parts};
use super::status::Identity;
use crate::pipeline::attest::AttestClaims;
use crate::pipeline::attestors::AttestorKeeper;
use crate::pipeline::bell::Bell;
use crate::pipeline::claim::Claimer;
use crate::pipeline::evaluate::Evaluator;
use crate::pipeline::mirror::MirrorAttestations;
use crate::pipeline::quorum::AttestTogether;
use crate::pipeline::webhooks::desk::TellersDesk;
use crate::pipeline::webhooks::{self, Forgetter};
use crate::pipeline::{self, Stage, Work};
use crate::supervisor::{Shutdown, Supervisor};

/// Starts every part under one supervisor.
pub(super) fn start(
    parts: Parts,
    together: Option<(Settings, Seconds)>,
    books: Arc<ClientBooks>,
    stage: Stage,
    evaluator: Arc<Evaluator>,
    bells: Bells,
    shutdown: Shutdown,
) -> Result<Supervisor, ServiceError> {
    let mut tasks = Supervisor::new(shutdown.clone());
    let attestor = parts.attestor.as_ref();
    let attestor = attestor.map(|(attestor, _)| attestor.domain());
    let mirrors = parts.attestor.as_ref().zip(parts.mirrors);
    let mirrors = mirrors.map(|((attestor, _), contract)| {
        let mirror = MirrorAttestations::new(Arc::clone(attestor), contract.clone());
        begin(&mut tasks, mirror, &stage, bells.mirror.clone());
        let keys = attestor.addresses().collect();
        Mirrors { contract, keys }
    });
    for observer in parts.observers {
        begin(&mut tasks, observer, &stage, Bell::default());
    }
    for forewarner in parts.forewarners {
        begin(&mut tasks, forewarner, &stage, Bell::default());
    }
    for rechecker in parts.recheckers {
        begin(&mut tasks, rechecker, &stage, Bell::default());
    }
    for poller in parts.pollers {
        begin(&mut tasks, poller, &stage, Bell::default());
    }
    if let Some(archivist) = parts.archivist {
        begin(&mut tasks, archivist, &stage, Bell::default());
    }
    begin(
        &mut tasks,
        Claimer::new(Arc::clone(&evaluator), bells.log.clone()),
        &stage,
        bells.claim,
    );
    begin(&mut tasks, parts.logger, &stage, bells.log);
    if let Some((attestor, issuing)) = parts.attestor {
        let keeper = AttestorKeeper::new(Arc::clone(&attestor));
        begin(&mut tasks, keeper, &stage, bells.attestors);
        let next = bells.deliver.clone().with(&bells.mirror);
        if let (Some((settings, deliver_after)), Some(listener)) = (together, parts.quorum) {
            let (clock, ring) = (Arc::clone(&stage.clock), bells.attest.clone());
            let now = Arc::new(move || clock.now());
            let ring = Arc::new(move || ring.ring());
            let store = Arc::clone(&stage.store);
            let node = Arc::new(Node::new(store, attestor, settings, now, ring)?);
            let ended = shutdown.clone();
            tasks.start(
                "quorum",
                tocsin_quorum::serve(listener, Arc::clone(&node), async move {
                    ended.requested().await;
                }),
            );
            let attest = AttestTogether::new(node, &issuing, deliver_after, next);
            begin(&mut tasks, attest, &stage, bells.attest);
        } else {
            let attest = AttestClaims::new(evaluator, attestor, issuing, next);
            begin(&mut tasks, attest, &stage, bells.attest);
        }
    }
    for epochs in parts.epochs {
        begin(&mut tasks, epochs, &stage, Bell::default());
    }
    for standings in parts.standings {
        begin(&mut tasks, standings, &stage, Bell::default());
    }
    if let Some(renewer) = parts.renewer {
        begin(&mut tasks, renewer, &stage, bells.renew);
    }
    for deliverer in parts.deliverers {
        begin(&mut tasks, deliverer, &stage, bells.deliver.clone());
    }
    begin(
        &mut tasks,
        Forgetter::new(parts.keep_events),
        &stage,
        Bell::default(),
    );
    let desk = parts.webhooks.map(|(teller, most)| {
        stage.health.expect("webhooks");
        let told = webhooks::run(Arc::clone(&teller), stage.clone(), bells.webhooks.clone());
        tasks.start("webhooks", told);
        let desk = TellersDesk::new(teller, stage.clone(), bells.webhooks.clone(), most);
        Arc::new(desk) as Arc<dyn tocsin_api::webhooks::Desk>
    });
    let identity = Identity {
        log_key: parts.log_key,
        attestor,
        mirrors,
    };
    if let Some(file) = parts.status {
        let announcer = Announcer::new(file, identity.clone());
        begin(&mut tasks, announcer, &stage, Bell::default());
    }
    if let Some((listener, settings, served)) = parts.listener {
        let door = Door {
            listener,
            settings,
            served,
            identity,
            beside: false,
            books: Some(books),
            webhooks: desk,
        };
        door.open(&mut tasks, stage, shutdown);
    }
    Ok(tasks)
}

/// Starts a stage as a task of its own; the service is not ready until it is well.
pub(super) fn begin(tasks: &mut Supervisor, work: impl Work, stage: &Stage, bell: Bell) {
    let name = work.name().to_owned();
    stage.health.expect(&name);
    tasks.start(name, pipeline::run(work, stage.clone(), bell));
}
