//! Which recorded streams belong to which risk.

use std::collections::{BTreeMap, BTreeSet};

use tocsin_domain::cover::{Cover, Input};
use tocsin_domain::observation::{Metric, SourceId, Subject};
use tocsin_domain::risk::{Risk, Stream};
use tocsin_sources::file::RecordedStream;

/// A risk and what was recorded of it.
#[derive(Debug)]
pub(super) struct RecordedRisk {
    pub(super) subject: String,
    /// What each input of the cover listens to.
    pub(super) streams: Vec<Stream>,
    /// Which of the recording's streams that is, if it has it.
    pub(super) recorded: Vec<Option<usize>>,
}

/// What a file without a `source` column calls its source.
const NO_COLUMN: &str = "file";

/// Makes the cover's one risk, or one for each subject found.
///
/// The source that an input names counts only where the recording names sources; an input for which several remain is
/// refused, because the same event can have opposite outcomes on two feeds.
pub(super) fn find(
    cover: &Cover,
    recorded: &[RecordedStream],
    each_subject: bool,
) -> Result<Vec<RecordedRisk>, String> {
    let found = sources(recorded);
    let mut risks = Vec::new();
    for (subject, of_input) in subjects(cover, &found, each_subject)? {
        let streams = cover
            .inputs
            .iter()
            .zip(of_input)
            .map(|(input, subject)| stream(input, subject, &found))
            .collect::<Result<Vec<_>, _>>()?;
        let place = |stream: &Stream| {
            let place = recorded.binary_search_by(|known| known.stream.cmp(stream));
            place.ok()
        };
        risks.push(RecordedRisk {
            subject,
            recorded: streams.iter().map(place).collect(),
            streams,
        });
    }
    Ok(risks)
}

impl RecordedRisk {
    /// The recording's streams that it listens to, each once.
    pub(super) fn distinct(&self) -> BTreeSet<usize> {
        self.recorded.iter().flatten().copied().collect()
    }
}

/// The inputs of which the recording has nothing for any risk: perhaps a metric is called otherwise there.
pub(super) fn unrecorded<'c>(
    cover: &'c Cover,
    risks: &'c [RecordedRisk],
) -> impl Iterator<Item = &'c Input> {
    let inputs = cover.inputs.iter().enumerate();
    inputs
        .filter(|(place, _)| risks.iter().all(|risk| risk.recorded[*place].is_none()))
        .map(|(_, input)| input)
}

type Sources = BTreeMap<(Subject, Metric), BTreeSet<SourceId>>;

fn sources(recorded: &[RecordedStream]) -> Sources {
    let mut found = Sources::new();
    for RecordedStream { stream, .. } in recorded {
        found
            .entry((stream.subject.clone(), stream.metric.clone()))
            .or_default()
            .insert(stream.source.clone());
    }
    found
}

/// The risks, each with its name and the subject of every input.
fn subjects(
    cover: &Cover,
    found: &Sources,
    each_subject: bool,
) -> Result<Vec<(String, Vec<Subject>)>, String> {
    if !each_subject {
        let named: Option<Vec<Subject>> = cover
            .inputs
            .iter()
            .map(|input| input.subject.clone())
            .collect();
        return match (named, Risk::subject_of(cover)) {
            (Some(of_input), Some(subject)) => Ok(vec![(subject, of_input)]),
            _ => Err(
                "an input of the cover names no subject: add `subject = …` to it, or make one risk for each subject \
                 found with --each-subject"
                    .to_owned(),
            ),
        };
    }
    if let Some(input) = cover.inputs.iter().find(|input| input.subject.is_some()) {
        return Err(format!(
            "--each-subject makes one risk for each subject found, but input `{}` names its subject already",
            input.name
        ));
    }
    let wanted: BTreeSet<&Metric> = cover.inputs.iter().map(|input| &input.metric).collect();
    let distinct: BTreeSet<&Subject> = found
        .keys()
        .filter(|(_, metric)| wanted.contains(metric))
        .map(|(subject, _)| subject)
        .collect();
    Ok(distinct
        .into_iter()
        .map(|subject| {
            (
                subject.as_str().to_owned(),
                vec![subject.clone(); cover.inputs.len()],
            )
        })
        .collect())
}

fn stream(input: &Input, subject: Subject, found: &Sources) -> Result<Stream, String> {
    let metric = input.metric.clone();
    let all = found
        .get(&(subject.clone(), metric.clone()))
        .cloned()
        .unwrap_or_default();
    let named = |source: &SourceId| Stream {
        source: source.clone(),
        subject: subject.clone(),
        metric: metric.clone(),
    };
    if let Some(wanted) = &input.source
        && all.contains(wanted)
    {
        return Ok(named(wanted));
    }
    let mut sources = all.iter();
    match (sources.next(), sources.next(), &input.source) {
        (None, _, wanted) => Ok(named(wanted.as_ref().unwrap_or(&SourceId::from(NO_COLUMN)))),
        (Some(only), None, None) => Ok(named(only)),
        // Rows without a source column are whoever's the terms say.
        (Some(only), None, Some(_)) if only.as_str() == NO_COLUMN => Ok(named(only)),
        (Some(only), None, Some(wanted)) => Err(format!(
            "input `{}` is of source `{wanted}`, but the recording has {metric} of {subject} from `{only}` only",
            input.name
        )),
        (Some(first), Some(second), _) => Err(format!(
            "input `{}`: the recording has {metric} of {subject} from several sources, `{first}` and `{second}`: name \
             one of them in the cover",
            input.name
        )),
    }
}
