//! One lane: one message after the other, from where the store says that it stands.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tocsin_delivery::webhook::secret::Secret;
use tocsin_delivery::webhook::{Failure, Message};
use tocsin_domain::time::Timestamp;
use tocsin_store::event::Event;
use tocsin_store::webhook::lane::{DeadLetter, Lane, LaneId, Record, Replay, Settlement, Trouble};
use tocsin_store::webhook::{EndpointId, Standing};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::Teller;
use super::books::{Entry, Pen};
use crate::pipeline::{Stage, StageError};

/// So many messages of a lane may be taken by the receiver and not yet written down.
pub const WINDOW: usize = 32;

/// Events that are read at once.
const BATCH: u32 = 512;

/// After so long a lane looks anew at its endpoint and secrets: what was changed counts from then on.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// So many dead letters in a row disable an endpoint.
const DEAD_IN_A_ROW: u32 = 3;

/// Why an endpoint is disabled whose secrets have all ended.
pub(super) const NO_SECRET: &str = "none of its secrets signs any more: make a new one with POST …/secrets, then make the endpoint active";

/// What follows a dead letter is tried again so often only, until something is taken.
const WAITS_AFTER_DEATH: usize = 2;

/// Whether a lane may go on.
enum Next {
    Event,
    Rest,
}

/// Tells an endpoint what there is on a lane, until there is no more, or it has to wait.
pub(super) async fn tell(
    teller: Arc<Teller>,
    stage: Stage,
    id: LaneId,
    pen: Pen,
) -> Result<(), StageError> {
    let window = Arc::new(Semaphore::new(WINDOW));
    while !stage.shutdown.is_requested() {
        let Some((endpoint, lane)) = stage.store.lane(id).await? else {
            return Ok(());
        };
        let now = stage.clock.now();
        let waits = lane.trouble.as_ref();
        if endpoint.standing != Standing::Active
            || waits.is_some_and(|trouble| trouble.next_at > now)
        {
            return Ok(());
        }
        let signing = teller.keys.signing(&*stage.store, lane.endpoint, now);
        let secrets = signing.await?;
        let events = stage.store.lane_events(&lane, BATCH).await?;
        note_missed(&lane, &events);
        let mut walk = Walk {
            teller: &teller,
            stage: &stage,
            secrets,
            pen: &pen,
            lane,
        };
        if events.is_empty() {
            let Some(Replay { until, .. }) = walk.lane.replay else {
                return Ok(());
            };
            walk.lane.cursor = until;
            walk.flush().await;
            return Ok(());
        }
        if walk.secrets.is_empty() {
            walk.stop(now).await;
            return Ok(());
        }
        let profile = &endpoint.endpoint.profile;
        let begun = Instant::now();
        let mut next = Next::Event;
        for event in &events {
            if stage.shutdown.is_requested() || begun.elapsed() > LOOK_AGAIN {
                break;
            }
            // Who asks for dead letters wants them, whatever has become of the filter.
            let wanted = walk.only_dead() || profile.filter.wants(&event.event);
            if !wanted {
                walk.lane.cursor = event.seq;
                continue;
            }
            // Never closed.
            let Ok(permit) = Arc::clone(&window).acquire_owned().await else {
                return Ok(());
            };
            next = walk.attempt(&profile.url, event, permit).await;
            if matches!(next, Next::Rest) {
                break;
            }
        }
        walk.flush().await;
        if matches!(next, Next::Rest) {
            return Ok(());
        }
    }
    Ok(())
}

/// Events that were forgotten while an endpoint was told nothing are never told, and that is said.
fn note_missed(lane: &Lane, events: &[Event]) {
    let first = events.first().map_or(0, |event| event.seq.0);
    let missed = first.saturating_sub(lane.cursor.0.saturating_add(1));
    if lane.replay.is_none() && missed > 0 {
        tracing::warn!(endpoint = %lane.endpoint, missed, "events were forgotten before this endpoint was told");
    }
}

/// The message of an event for an endpoint. Its id is the same however often it is sent.
pub(super) fn message(endpoint: EndpointId, event: &Event) -> Message {
    let (seq, what) = (event.seq, &event.event);
    let (kind, at, data) = (&what.kind, what.at, &what.body);
    let body = format!(r#"{{"type":"{kind}","timestamp":"{at}","seq":{seq},"data":{data}}}"#);
    Message {
        id: format!("{endpoint}_{seq}"),
        body: body.into_bytes(),
    }
}

/// A lane on its way.
struct Walk<'a> {
    teller: &'a Teller,
    stage: &'a Stage,
    secrets: Vec<Secret>,
    pen: &'a Pen,
    /// As it is once everything is written down.
    lane: Lane,
}

impl Walk<'_> {
    fn only_dead(&self) -> bool {
        self.lane.replay.is_some_and(|replay| replay.only_dead)
    }

    fn settlement(&self) -> Settlement {
        Settlement {
            lane: self.lane.id,
            endpoint: self.lane.endpoint,
            cursor: self.lane.cursor,
            trouble: self.lane.trouble.clone(),
            dead_in_a_row: self.lane.dead_in_a_row,
            records: Vec::new(),
            revived: Vec::new(),
            dead: Vec::new(),
            disabled: None,
        }
    }

    /// Returns when everything is written down.
    async fn flush(&self) {
        let (told, written) = oneshot::channel();
        self.hand_over(self.settlement(), None, Some(told)).await;
        // Where the books are closed, the service ends and says why.
        let _closed = written.await;
    }

    /// Nothing is sent that nobody can verify: the endpoint waits, and loses nothing, until it has a secret again.
    async fn stop(&self, now: Timestamp) {
        let endpoint = self.lane.endpoint;
        tracing::error!(%endpoint, "a webhook endpoint is disabled: none of its secrets signs any more");
        let mut settlement = self.settlement();
        settlement.disabled = Some((now, NO_SECRET.to_owned()));
        let (told, written) = oneshot::channel();
        self.hand_over(settlement, None, Some(told)).await;
        // As in `flush`.
        let _closed = written.await;
    }

    async fn hand_over(
        &self,
        settlement: Settlement,
        permit: Option<OwnedSemaphorePermit>,
        written: Option<oneshot::Sender<()>>,
    ) {
        let entry = Entry {
            settlement,
            permit,
            written,
        };
        // Likewise.
        let _closed = self.pen.send(entry).await;
    }

    async fn attempt(&mut self, url: &str, event: &Event, permit: OwnedSemaphorePermit) -> Next {
        let message = message(self.lane.endpoint, event);
        let now = self.stage.clock.now();
        let sent = self
            .teller
            .sender
            .send(url, &message, &self.secrets, now.0)
            .await;
        let at = self.stage.clock.now();
        self.stage.metrics.webhook_sent(sent.is_ok());
        let (settlement, next) = match sent {
            Ok(_answer) => (self.taken(event, at), Next::Event),
            Err(failure) => self.failed(event, failure, at),
        };
        self.hand_over(settlement, Some(permit), None).await;
        next
    }

    fn taken(&mut self, event: &Event, at: Timestamp) -> Settlement {
        self.lane.cursor = event.seq;
        self.lane.trouble = None;
        self.lane.dead_in_a_row = 0;
        let mut settlement = self.settlement();
        let replayed = self.lane.replay.is_some();
        settlement.records.push(Record::Delivered {
            first: event.seq,
            last: event.seq,
            count: 1,
            at,
            replayed,
        });
        if replayed {
            settlement.revived.push(event.seq);
        }
        settlement
    }

    fn failed(&mut self, event: &Event, failure: Failure, at: Timestamp) -> (Settlement, Next) {
        let before = self.lane.trouble.take();
        let before = before.filter(|trouble| trouble.seq == event.seq);
        let attempts = before
            .as_ref()
            .map_or(1, |trouble| trouble.attempts.saturating_add(1));
        let record = Record::Failed {
            seq: event.seq,
            attempt: attempts,
            at,
            status: failure.status,
            reason: failure.reason.clone(),
            replayed: self.lane.replay.is_some(),
        };
        let (endpoint, seq) = (self.lane.endpoint, event.seq);
        tracing::debug!(%endpoint, %seq, attempts, reason = failure.reason, "a webhook was not taken");
        let (mut dead, mut disabled, mut next) = (Vec::new(), None, Next::Rest);
        let schedule = &self.teller.schedule;
        let shortened = schedule.shortened(WAITS_AFTER_DEATH);
        let schedule = if self.lane.dead_in_a_row == 0 {
            schedule
        } else {
            &shortened
        };
        if failure.gone {
            disabled = Some((at, failure.reason));
        } else if let Some(wait) = schedule.wait(attempts, rand::random(), failure.retry_after) {
            self.lane.trouble = Some(Trouble {
                seq,
                attempts,
                since: before.map_or(at, |trouble| trouble.since),
                next_at: at + wait,
                reason: failure.reason,
            });
        } else {
            tracing::warn!(%endpoint, %seq, attempts, reason = failure.reason, "a webhook is a dead letter");
            self.lane.cursor = seq;
            self.lane.dead_in_a_row = self.lane.dead_in_a_row.saturating_add(1);
            next = Next::Event;
            if self.lane.dead_in_a_row >= DEAD_IN_A_ROW {
                let count = self.lane.dead_in_a_row;
                let why = format!(
                    "{count} events in a row became dead letters, the last because {}",
                    failure.reason
                );
                disabled = Some((at, why));
                next = Next::Rest;
            }
            dead.push(DeadLetter {
                seq,
                kind: event.event.kind.clone(),
                attempts,
                at,
                reason: failure.reason,
            });
        }
        if let Some((_, why)) = &disabled {
            tracing::error!(%endpoint, why, "a webhook endpoint is disabled; its owner has to make it active again");
        }
        let mut settlement = self.settlement();
        settlement.records.push(record);
        settlement.dead = dead;
        settlement.disabled = disabled;
        (settlement, next)
    }
}

#[cfg(test)]
mod tests {
    use tocsin_store::event::{NewEvent, Seq};

    use super::*;

    #[test]
    fn a_message_is_json_with_the_events_own_words() {
        let event = Event {
            seq: Seq(17),
            event: NewEvent {
                kind: "claim.accepted".to_owned(),
                at: Timestamp(1_678_000_000),
                terms: None,
                holder: None,
                body: r#"{"amount":"1.50"}"#.to_owned(),
            },
        };
        let id = "wh_000102030405060708090a0b0c0d0e0f".parse().unwrap();
        let message = message(id, &event);
        assert_eq!(message.id, "wh_000102030405060708090a0b0c0d0e0f_17");
        let json: serde_json::Value = serde_json::from_slice(&message.body).unwrap();
        let expected = serde_json::json!({
            "type": "claim.accepted", "timestamp": "2023-03-05T07:06:40Z", "seq": 17, "data": { "amount": "1.50" },
        });
        assert_eq!(json, expected);
    }
}
