//! One provider at work: which looks share a request, and what becomes of each when it is answered, or not.

use std::sync::{Mutex, MutexGuard, PoisonError};

use alloy::primitives::{B256, keccak256};
use tocsin_domain::observation::{Metric, SourceId, Subject};
use tocsin_domain::time::{Seconds, Timestamp};
use tocsin_domain::value::Type;

use super::definition::{Poll, Reads};
use super::exact;
use super::fetch::{Fetched, Missed};
use super::kept::Kept;
use super::reader::{Answered, Page, Reader, Reading};
use super::transport::{Clock, Transport};
use super::trouble::{REASON_CHARS_MAX, excerpt};
use super::{
    Answer, Definition, FeedError, FeedHealth, FeedSettings, Look, Next, Request, Seen, Trouble,
    TroubleKind, Usage,
};

/// One configured provider.
pub struct Feed {
    id: SourceId,
    provider: String,
    reading: B256,
    poll: Poll,
    /// The fields of the subject that the address, and so the request, depends on.
    asks_with: Vec<String>,
    reader: Box<dyn Reader>,
    pub(super) paging: Option<super::definition::Paging>,
    pub(super) transport: Transport,
    last: Mutex<Last>,
}

/// What happened last, for health.
#[derive(Default)]
struct Last {
    answer_at: Option<Timestamp>,
    trouble: Option<(Timestamp, String)>,
}

impl Feed {
    /// A provider that is asked as its definition says, with an operator's keys and limits.
    pub fn new(definition: Definition, settings: FeedSettings) -> Result<Self, FeedError> {
        let transport = Transport::new(&definition, &settings)?;
        let mut asks_with: Vec<String> = definition.request.names().map(str::to_owned).collect();
        asks_with.sort();
        asks_with.dedup();
        Ok(Self {
            id: definition.source(),
            reading: definition.reading,
            asks_with,
            transport,
            provider: definition.provider,
            poll: definition.poll,
            paging: definition.pages,
            reader: match definition.reads {
                Reads::Records(records) => records,
                Reads::Flights(flights) => flights,
            },
            last: Mutex::default(),
        })
    }

    /// What covers call it: `feed:coinbase`.
    pub fn id(&self) -> &SourceId {
        &self.id
    }

    /// A hash of everything that decides which observations an answer gives.
    pub fn reading(&self) -> B256 {
        self.reading
    }

    /// What it can observe, and of which type.
    pub fn offers(&self) -> &[(Metric, Type)] {
        self.reader.offers()
    }

    /// How long after its last observation an unchanged value is observed again; `None` where only changes are.
    pub fn repeats(&self) -> Option<Seconds> {
        self.reader.repeats()
    }

    /// When a subject is worth its first look; a time that is past means now. An error for a subject that it cannot ask
    /// about.
    pub fn first_look(&self, subject: &Subject) -> Result<Timestamp, FeedError> {
        self.reader
            .first_look(subject)
            .map_err(|reason| FeedError::Subject {
                feed: self.id.clone(),
                subject: subject.clone(),
                reason,
            })
    }

    /// From when on somebody may know what becomes of a subject, where that can be said: for a flight, when its day begins. A
    /// policy that begins no earlier is bought in that knowledge.
    pub fn insurable_until(&self, subject: &Subject) -> Option<Timestamp> {
        self.reader.insurable_until(subject)
    }

    /// The requests that answer these looks, one for all that ask the same.
    pub fn requests(&self, due: Vec<Look>) -> Vec<Request> {
        let mut requests: Vec<Request> = Vec::new();
        let mut places = std::collections::HashMap::new();
        for look in due {
            let fields = self.reader.fields(&look.subject);
            let asked = fields.as_ref().map(|fields| {
                let with = |name: &String| {
                    fields
                        .iter()
                        .find(|(field, _)| field == name)
                        .map(|(_, value)| value.clone())
                };
                self.asks_with.iter().map(with).collect::<Vec<_>>()
            });
            let place = match asked {
                // Each is refused for itself.
                Err(_) => requests.len(),
                Ok(asked) => *places.entry(asked).or_insert(requests.len()),
            };
            match requests.get_mut(place) {
                Some(request) => request.looks.push(look),
                None => requests.push(Request {
                    looks: vec![look],
                    fields,
                }),
            }
        }
        requests
    }

    /// Sends a request, and says what was seen. `now` is our clock.
    pub async fn ask(&self, request: Request, now: Timestamp) -> Answer {
        let Request { looks, fields } = request;
        let fields = match fields {
            Ok(fields) => fields,
            Err(reason) => {
                return Answer {
                    responses: Vec::new(),
                    seen: looks
                        .into_iter()
                        .map(|look| self.refused(look, &reason, now))
                        .collect(),
                };
            }
        };
        let clock = Clock::starting(now);
        let mut looks: Vec<(Look, Kept)> = looks
            .into_iter()
            .map(|look| Kept::taken_from(look, self.reading, &*self.reader))
            .collect();
        // After a time in which nobody looked, the whole answer is needed.
        let late = looks
            .iter()
            .any(|(look, kept)| self.gap(look, kept, now).is_some());
        let validators = Kept::common_validators(&looks, self.paging.is_some() || late);
        match self.fetch(&fields, validators.as_ref(), &clock).await {
            Ok(Fetched::Fresh {
                responses,
                answered,
                validators,
            }) => {
                self.last().answer_at = Some(answered.now);
                let seen = looks
                    .drain(..)
                    .map(|(look, kept)| self.read(look, kept, &answered, validators.clone()))
                    .collect();
                Answer { responses, seen }
            }
            Ok(Fetched::Unchanged { at }) => {
                let now = clock.now();
                self.last().answer_at = Some(now);
                let seen = looks.drain(..).map(|(look, kept)| {
                    let reading = self.reader.unchanged(&look, at, now);
                    let validators = kept.validators.filter(|_| reading.is_whole());
                    let kept = Kept {
                        validators,
                        failing_since: None,
                        failures: 0,
                        missed: false,
                        ..kept
                    };
                    self.seen(look, kept, reading, self.poll.after(now), now)
                });
                let seen = seen.collect();
                Answer {
                    responses: Vec::new(),
                    seen,
                }
            }
            Err(Missed { trouble, responses }) => {
                let now = clock.now();
                let seen = looks
                    .drain(..)
                    .map(|(look, kept)| self.missed(look, kept, &trouble, now))
                    .collect();
                Answer { responses, seen }
            }
        }
    }

    /// What a response says about a look by itself, as it was archived, and asking nobody: `at` is when it was given. The error says
    /// why it is no answer.
    pub fn read_archived(&self, look: Look, body: &[u8], at: Timestamp) -> Result<Seen, Trouble> {
        let json = exact::parse(body).map_err(|reason| {
            let reason = format!("the answer is not JSON: {reason}");
            Trouble::new(&self.provider, TroubleKind::Malformed, reason).at("body")
        })?;
        let page = Page {
            hash: keccak256(body),
            json,
        };
        let answered = Answered {
            pages: vec![page],
            at,
            now: at,
        };
        let (look, kept) = Kept::taken_from(look, self.reading, &*self.reader);
        Ok(self.read(look, kept, &answered, None))
    }

    fn read(
        &self,
        look: Look,
        kept: Kept,
        answered: &Answered,
        validators: Option<super::transport::Validators>,
    ) -> Seen {
        let reading = match self.gap(&look, &kept, answered.now) {
            None => self.reader.read(&look, answered),
            Some(since) => self.reader.read_after_gap(&look, answered, since),
        };
        let validators = validators.filter(|_| reading.is_whole());
        let kept = Kept {
            validators,
            failing_since: None,
            failures: 0,
            missed: false,
            ..kept
        };
        self.seen(
            look,
            kept,
            reading,
            self.poll.after(answered.now),
            answered.now,
        )
    }

    /// Since when nobody has looked who should have, and for longer than there is patience; also where that was we.
    fn gap(&self, look: &Look, kept: &Kept, now: Timestamp) -> Option<Timestamp> {
        let since = kept.failing_since.unwrap_or(look.due_at);
        let is_long = look.watermark.is_some() && !kept.missed && now > since + self.poll.patience;
        is_long.then_some(since)
    }

    /// There was no answer: try again while there is patience; then nothing is known any more.
    fn missed(&self, mut look: Look, kept: Kept, trouble: &Trouble, now: Timestamp) -> Seen {
        let since = kept.failing_since.unwrap_or(look.due_at);
        let again_at = now + self.poll.retry(kept.failures);
        let failing = Kept {
            failing_since: Some(since),
            failures: kept.failures.saturating_add(1),
            ..kept.clone()
        };
        if !kept.missed && now < since + self.poll.patience {
            let reading = Reading {
                observations: Vec::new(),
                watermark: look.watermark,
                next: Some(Next::At(again_at)),
                memory: look.memory.clone().unwrap_or_default(),
                troubles: vec![trouble.clone()],
                held_back: false,
            };
            return self.seen(look, failing, reading, again_at, now);
        }
        if !kept.missed {
            look.due_at = since;
        }
        let mut reading = self.reader.missed(&look, now);
        reading.troubles.insert(0, trouble.clone());
        // The answer that it would be compared with says no longer what is known.
        let kept = Kept {
            validators: None,
            missed: true,
            ..failing
        };
        self.seen(look, kept, reading, again_at.min(self.poll.after(now)), now)
    }

    fn seen(
        &self,
        look: Look,
        kept: Kept,
        reading: Reading,
        next: Timestamp,
        now: Timestamp,
    ) -> Seen {
        let troubles: Vec<Trouble> = reading
            .troubles
            .into_iter()
            .map(|trouble| self.scrubbed(trouble))
            .collect();
        if let Some(trouble) = troubles.last() {
            self.last().trouble = Some((now, trouble.to_string()));
        }
        Seen {
            subject: look.subject,
            observations: reading.observations,
            watermark: reading.watermark,
            next: match reading.next {
                Some(Next::NeedsPerson(why)) => {
                    Next::NeedsPerson(excerpt(&self.transport.keys.scrub(&why), REASON_CHARS_MAX))
                }
                next_look => next_look.unwrap_or(Next::At(next)),
            },
            is_silent: kept.missed,
            memory: kept.with(reading.memory),
            troubles,
        }
    }

    /// A trouble without any key: a provider may say in an answer what it was asked with.
    fn scrubbed(&self, trouble: Trouble) -> Trouble {
        let keys = &self.transport.keys;
        Trouble {
            value: trouble.value.map(|value| keys.scrub_cut(&value)),
            reason: keys.scrub_cut(&trouble.reason),
            ..trouble
        }
    }

    /// A subject that cannot be asked about, or not any more: what was known of it is not known any more.
    fn refused(&self, look: Look, reason: &str, now: Timestamp) -> Seen {
        let (look, kept) = Kept::taken_from(look, self.reading, &*self.reader);
        let mut reading = self.reader.missed(&look, now);
        let trouble = Trouble::new(&self.provider, TroubleKind::Missing, reason).at("subject");
        reading.troubles.insert(0, trouble);
        let why = format!("{} cannot ask about this subject: {reason}", self.id);
        reading.next = Some(Next::NeedsPerson(why));
        self.seen(look, kept, reading, now, now)
    }

    /// The requests of each key in its last UTC day, for the store to keep.
    pub fn usage(&self) -> Vec<Usage> {
        self.transport.keys.usage()
    }

    /// Takes up what was used before a restart.
    pub fn restore(&self, usage: &[Usage]) {
        self.transport.keys.restore(usage);
    }

    /// How it is doing.
    pub fn health(&self) -> FeedHealth {
        let last = self.last();
        FeedHealth {
            feed: self.id.clone(),
            breaker: self.transport.breaker.report(),
            keys: self.transport.keys.health(),
            last_answer_at: last.answer_at,
            last_trouble: last.trouble.as_ref().map(|(_, trouble)| trouble.clone()),
            last_trouble_at: last.trouble.as_ref().map(|(at, _)| *at),
        }
    }

    pub(super) fn provider(&self) -> &str {
        &self.provider
    }

    fn last(&self) -> MutexGuard<'_, Last> {
        // Its fields stand for themselves: a panic elsewhere leaves them whole.
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl core::fmt::Debug for Feed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Feed")
            .field("id", &self.id)
            .field("reading", &self.reading)
            .finish_non_exhaustive()
    }
}
