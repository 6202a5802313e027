//! Poll: ask one feed about the subjects that are due, evaluate what it says, and commit both with the looks.
//!
//! Guarantee: the time of a subject moves only together with everything that was seen of it, and with the raw responses that
//! it was seen in. A failed question is something that was seen: it is in the look, in the metrics, and once in the log. What is
//! not committed is asked again.

mod answers;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream;
use tocsin_domain::ids::RiskId;
use tocsin_domain::observation::{SourceId, Subject};
use tocsin_domain::time::Timestamp;
use tocsin_sources::feed::{self, Answer, Feed};
use tocsin_store::look::{Look, Usage};
use tocsin_store::step::{Polled, Step};
use tokio::sync::{Mutex, OnceCell, mpsc};

use self::answers::Answers;
use super::bell::Bell;
use super::evaluate::{self, Evaluator, PolledVerdicts, Verdicts};
use super::polled_news::{SubjectNews, Wakings};
use super::{Stage, StageError, Turn, Work};
use crate::clock::Clock;
use crate::config::FeedConfig;

/// Looks that one turn takes.
const LOOKS_PER_TURN: u32 = 2_000;

/// Answers that one step commits at most.
const ANSWERS_PER_STEP: usize = 500;

/// After so long a turn asks no more: what is due then may be due sooner than what is left.
const TURN: Duration = Duration::from_secs(20);

/// Subjects that are read at once.
const SUBJECTS_PER_PAGE: u32 = 5_000;

/// Whole seconds of a UTC day.
const DAY: i64 = 86_400;

/// Asks one feed.
pub struct Poller {
    name: String,
    feed: Arc<Feed>,
    concurrency: NonZeroUsize,
    clock: Arc<dyn Clock>,
    /// When something is due next, as of the last turn.
    next_due: AtomicI64,
    evaluator: Arc<Evaluator>,
    /// As the observers': two steps that read and write the same risks would only make one of them start again.
    step: Arc<Mutex<()>>,
    next: Bell,
    /// What the keys had used before this process began.
    restored: OnceCell<()>,
    /// What is stored of what the keys have used.
    kept_usage: Mutex<Vec<Usage>>,
    /// Risks that could not be evaluated.
    set_aside: Mutex<BTreeSet<RiskId>>,
    /// Subjects of which nothing is known any more, because the feed does not answer; and why it does not.
    silent: Mutex<BTreeMap<Subject, String>>,
}

impl Poller {
    /// A poller of this feed that evaluates with `evaluator` and rings `next` when something was decided.
    pub fn new(
        configured: &FeedConfig,
        clock: Arc<dyn Clock>,
        evaluator: Arc<Evaluator>,
        step: Arc<Mutex<()>>,
        next: Bell,
    ) -> Self {
        Self {
            name: format!("poll {}", configured.feed.id()),
            feed: Arc::clone(&configured.feed),
            concurrency: configured.concurrency,
            clock,
            next_due: AtomicI64::new(i64::MAX),
            evaluator,
            step,
            next,
            restored: OnceCell::new(),
            kept_usage: Mutex::default(),
            set_aside: Mutex::default(),
            silent: Mutex::default(),
        }
    }

    fn id(&self) -> &SourceId {
        self.feed.id()
    }

    /// A quota is a provider's, and goes on when this process begins again.
    async fn restore(&self, stage: &Stage) -> Result<(), StageError> {
        let restore = async || {
            let today = stage.clock.now().0.div_euclid(DAY);
            let used = stage.store.usage(self.id(), today).await?;
            let used: Vec<feed::Usage> = used
                .into_iter()
                .map(|used| feed::Usage {
                    key: used.key,
                    day: used.day,
                    requests: used.requests,
                })
                .collect();
            self.feed.restore(&used);
            self.check_subjects(stage).await?;
            self.report(stage).await
        };
        self.restored.get_or_try_init(restore).await?;
        Ok(())
    }

    /// Subjects that were asked about before, and that the feed as it is defined now cannot be asked about.
    async fn check_subjects(&self, stage: &Stage) -> Result<(), StageError> {
        let mut after = None;
        let mut refused: Vec<String> = Vec::new();
        loop {
            let open = stage
                .store
                .open_subjects(self.id(), after.as_ref(), SUBJECTS_PER_PAGE)
                .await?;
            for subject in &open {
                if let Err(error) = self.feed.first_look(subject) {
                    let reason = crate::report::chain(&error);
                    tracing::warn!(%subject, reason, "a subject that is looked at cannot be asked about any more");
                    refused.push(reason);
                }
            }
            match open.into_iter().next_back() {
                Some(last) => after = Some(last),
                None => break,
            }
        }
        let part = format!("subjects of {}", self.id());
        match refused.first() {
            Some(first) => {
                let reason = format!(
                    "{} subject(s) cannot be asked about any more, as the feed is defined now: {first}",
                    refused.len()
                );
                stage.health.unwell(&part, reason);
            }
            None => stage.health.well(&part),
        }
        Ok(())
    }

    /// Asks about what is due, and commits answers while others are on their way. What is not asked about in time is due
    /// still.
    async fn ask(&self, stage: &Stage, due: Vec<Look>) -> Result<(), StageError> {
        let asked = due.iter().map(answers::asked).collect::<Result<_, _>>()?;
        let requests = self.feed.requests(asked);
        let mut looks: BTreeMap<Subject, Look> = due
            .into_iter()
            .map(|look| (look.subject.clone(), look))
            .collect();
        // Sent with every request, so that a look that no answer is about can be told from one that nobody asked for.
        let begun = Instant::now();
        let in_time = requests
            .into_iter()
            .take_while(|_| begun.elapsed() < TURN && !stage.shutdown.is_requested());
        let (send, mut receive) = mpsc::channel::<(Vec<Subject>, Answer)>(ANSWERS_PER_STEP);
        let ask = async move {
            let answers = stream::iter(in_time).map(|request| async {
                let about = request.looks().iter();
                let about = about.map(|look| look.subject.clone()).collect();
                // A request may have waited for its turn: its answer is of this moment.
                (about, self.feed.ask(request, stage.clock.now()).await)
            });
            let mut answers = answers.buffer_unordered(self.concurrency.get());
            while let Some(answer) = answers.next().await {
                if send.send(answer).await.is_err() {
                    return;
                }
            }
        };
        let commit = async {
            let mut waiting = Vec::with_capacity(ANSWERS_PER_STEP);
            while receive.recv_many(&mut waiting, ANSWERS_PER_STEP).await > 0 {
                let answers = Answers::read(&self.feed, stage, &mut looks, waiting.drain(..));
                self.commit(stage, answers).await?;
                if stage.shutdown.is_requested() {
                    break;
                }
            }
            // Dropped here, so that nobody asks for what nobody commits.
            drop(receive);
            Ok::<(), StageError>(())
        };
        let ((), committed) = tokio::join!(ask, commit);
        committed
    }

    /// Lets time pass for subjects of which nothing more will be said.
    async fn let_time_pass(&self, stage: &Stage, closed: Vec<Look>) -> Result<(), StageError> {
        let now = stage.clock.now();
        let mut answers = Answers::default();
        for look in closed {
            let watermark = look.watermark.max(Some(now));
            let subject = (look.source.clone(), look.subject.clone());
            let news = SubjectNews {
                watermark,
                observations: Vec::new(),
            };
            answers.news.subjects.insert(subject, news);
            answers.looks.push(Look {
                watermark,
                due_at: None,
                ..look
            });
        }
        self.commit(stage, answers).await
    }

    async fn commit(&self, stage: &Stage, answers: Answers) -> Result<(), StageError> {
        let Answers {
            mut looks,
            news,
            responses,
            silent,
        } = answers;
        let _one_step_at_a_time = self.step.lock().await;
        let now = stage.clock.now();
        let PolledVerdicts {
            verdicts,
            wakings,
            set_aside,
        } = self
            .evaluator
            .evaluate_polled(&*stage.store, &news, now)
            .await?;
        self.tell_set_aside(stage, &set_aside, &verdicts).await;
        wake(&mut looks, &wakings, now);
        let Verdicts {
            risks,
            determinations,
        } = verdicts;
        evaluate::tell(&determinations);
        let usage = self.usage();
        let step = Step {
            sources: Vec::new(),
            observations: news.into_observations(),
            risks,
            determinations,
            polled: Polled {
                looks,
                responses,
                usage: usage.clone(),
            },
        };
        stage.store.commit(&step).await?;
        *self.kept_usage.lock().await = usage;
        self.fell_silent(silent).await;
        if !step.determinations.is_empty() {
            self.next.ring();
        }
        Ok(())
    }

    /// Keeps what the keys have used, also where no answer came of it.
    async fn keep_usage(&self, stage: &Stage) -> Result<(), StageError> {
        let usage = self.usage();
        let mut kept = self.kept_usage.lock().await;
        if usage == *kept {
            return Ok(());
        }
        let polled = Polled {
            usage: usage.clone(),
            ..Polled::default()
        };
        let step = Step {
            polled,
            ..Step::default()
        };
        stage.store.commit(&step).await?;
        *kept = usage;
        Ok(())
    }

    /// A risk that cannot be evaluated is told once, and keeps the service from being ready as long as that is so.
    async fn tell_set_aside(
        &self,
        stage: &Stage,
        set_aside: &BTreeMap<RiskId, String>,
        verdicts: &Verdicts,
    ) {
        let mut known = self.set_aside.lock().await;
        for (risk, problem) in set_aside {
            if known.insert(*risk) {
                tracing::error!(%risk, problem, "a risk cannot be evaluated: what it hears waits, a person has to look");
            }
            let part = format!("evaluate {risk}");
            stage.health.unwell(&part, problem.clone());
        }
        if known.is_empty() {
            return;
        }
        for advanced in &verdicts.risks {
            if known.remove(&advanced.risk) {
                stage.health.well(&format!("evaluate {}", advanced.risk));
            }
        }
    }

    /// Who asks again after a restart finds the feed silent still.
    async fn fell_silent(&self, asked: Vec<(Subject, Option<String>)>) {
        let mut silent = self.silent.lock().await;
        for (subject, trouble) in asked {
            match trouble {
                Some(trouble) => silent.insert(subject, trouble),
                None => silent.remove(&subject),
            };
        }
    }

    fn usage(&self) -> Vec<Usage> {
        let used = self.feed.usage().into_iter();
        used.map(|used| Usage {
            source: self.id().clone(),
            key: used.key,
            day: used.day,
            requests: used.requests,
        })
        .collect()
    }

    /// Tells the outside how the feed is doing; those that need a person make the service unready until one has looked.
    async fn report(&self, stage: &Stage) -> Result<(), StageError> {
        let health = self.feed.health();
        let counts = stage.store.count_looks(self.id()).await?;
        let part = format!("{} needs a person", self.id());
        if counts.needs_person > 0 {
            let reason = format!(
                "{} subject(s) cannot be found out: look at /v1/feeds, and decide with `tocsin feeds attend`",
                counts.needs_person
            );
            stage.health.unwell(&part, reason);
        } else {
            stage.health.well(&part);
        }
        // Silence is never health.
        let part = format!("{} is silent", self.id());
        let silent = self.silent.lock().await;
        match silent.first_key_value() {
            Some((subject, trouble)) => {
                let count = silent.len();
                let reason = format!(
                    "for longer than its patience there was no answer about {count} subject(s), which are unknown now: {subject}: {trouble}"
                );
                stage.health.unwell(&part, reason);
            }
            None => stage.health.well(&part),
        }
        drop(silent);
        match answers::why_down(&health) {
            Some(reason) => stage.health.unwell(&self.id().to_string(), reason),
            None => stage.health.well(&self.id().to_string()),
        }
        for used in self.feed.usage() {
            stage
                .metrics
                .feed_requests(self.id(), &used.key, used.day, used.requests);
        }
        stage.feeds.report(self.id(), answers::status(&health));
        Ok(())
    }
}

/// Closed looks are due when time alone means something for who listens to them.
fn wake(looks: &mut [Look], wakings: &Wakings, now: Timestamp) {
    for look in looks.iter_mut().filter(|look| look.state.is_closed()) {
        let subject = (look.source.clone(), look.subject.clone());
        let at = wakings.get(&subject).copied();
        // What time that has passed did not do waits for somebody else.
        let ticked = look.due_at.is_none() && look.watermark == Some(now);
        look.due_at = at.filter(|at| !ticked || *at > now);
    }
}

impl Work for Poller {
    fn name(&self) -> &str {
        &self.name
    }

    async fn stirred(&self) {
        match self.next_due.load(Ordering::Relaxed) {
            i64::MAX => std::future::pending().await,
            at => self.clock.reaches(Timestamp(at)).await,
        }
    }

    async fn turn(&self, stage: &Stage) -> Result<Turn, StageError> {
        self.restore(stage).await?;
        let now = stage.clock.now();
        let due = stage
            .store
            .due_looks(self.id(), now, LOOKS_PER_TURN)
            .await?;
        if due.is_empty() {
            let next = stage.store.next_due(self.id()).await?;
            let next = next.map_or(i64::MAX, |at| at.0);
            self.next_due.store(next, Ordering::Relaxed);
            return Ok(Turn::Idle);
        }
        let (closed, open): (Vec<Look>, Vec<Look>) =
            due.into_iter().partition(|look| look.state.is_closed());
        if !closed.is_empty() {
            self.let_time_pass(stage, closed).await?;
        }
        if !open.is_empty() {
            let asked = self.ask(stage, open).await;
            self.keep_usage(stage).await?;
            self.report(stage).await?;
            asked?;
        }
        Ok(Turn::Worked)
    }
}
