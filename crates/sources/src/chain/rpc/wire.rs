//! JSON-RPC as it is written: questions, and answers whose ids are those of the questions.

use alloy::rpc::json_rpc::Id;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::error::RequestFailure;

/// How much of a bad answer is shown.
const EXCERPT_CHARS_MAX: usize = 200;

#[derive(Serialize)]
pub(super) struct Request<P> {
    pub(super) jsonrpc: &'static str,
    pub(super) id: u64,
    pub(super) method: &'static str,
    pub(super) params: P,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
struct Answer<T> {
    id: Id,
    // `null` is a result.
    #[serde(default = "Option::default", deserialize_with = "present")]
    result: Option<T>,
    error: Option<NodeError>,
}

/// What a node says instead of a result.
#[derive(Deserialize)]
pub(crate) struct NodeError {
    pub(crate) code: i64,
    #[serde(default)]
    pub(crate) message: String,
    /// What else it has to say; of a reverted call, what the contract said.
    pub(crate) data: Option<Value>,
}

fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// The result of the one question with this id.
pub(super) fn result<T: DeserializeOwned>(body: &[u8], id: u64) -> Result<T, RequestFailure> {
    // In one pass, as nearly every answer is right; what is wrong with the others is found out in a second one.
    if let Ok(answer) = serde_json::from_slice::<Answer<T>>(body)
        && (answer.result.is_some() || answer.error.is_some())
    {
        return result_of(answer, id);
    }
    let answer: Answer<&RawValue> = parse(body)?;
    let raw = result_of(answer, id)?;
    shaped(raw)
}

/// The results of questions with consecutive ids, all of which have one.
pub(super) fn all<T: DeserializeOwned>(
    body: &[u8],
    first_id: u64,
    count: usize,
) -> Result<Vec<T>, RequestFailure> {
    if count == 1 {
        return result(body, first_id).map(|result| vec![result]);
    }
    results(body, first_id, count)
}

/// The results of questions with consecutive ids, or what `judge` makes of what the node says instead, in their order. An
/// error that it makes nothing of is one of the whole.
pub(super) fn judged<T: DeserializeOwned, E>(
    body: &[u8],
    first_id: u64,
    count: usize,
    judge: impl Fn(&NodeError) -> Option<E>,
) -> Result<Vec<Result<T, E>>, RequestFailure> {
    let is_one = body.trim_ascii_start().first() == Some(&b'{');
    let mut answers: Vec<Answer<&RawValue>> = if is_one {
        vec![parse(body)?]
    } else {
        parse(body)?
    };
    let place = |answer: &Answer<&RawValue>| match answer.id {
        Id::Number(id) => id.checked_sub(first_id),
        _ => None,
    };
    answers.sort_by_key(place);
    if !answers.iter().map(place).eq((0..).take(count).map(Some)) {
        // A server that refuses the whole may say so once.
        let refusal = answers.into_iter().find_map(|answer| answer.error);
        return Err(refusal.map_or(RequestFailure::ForeignId, NodeError::refusal));
    }
    answers
        .into_iter()
        .map(|answer| match answer {
            Answer {
                error: Some(error), ..
            } => judge(&error).map(Err).ok_or_else(|| error.failure()),
            Answer {
                result: Some(raw), ..
            } => shaped(raw).map(Ok),
            Answer { .. } => Err(RequestFailure::Empty),
        })
        .collect()
}

/// The results of questions with consecutive ids, in their order.
fn results<T: DeserializeOwned>(
    body: &[u8],
    first_id: u64,
    count: usize,
) -> Result<Vec<T>, RequestFailure> {
    if let Ok(answers) = serde_json::from_slice::<Vec<Answer<T>>>(body) {
        return in_order(answers, first_id, count);
    }
    if body.trim_ascii_start().first() == Some(&b'{') {
        let refusal: Answer<&RawValue> = parse(body)?;
        return match refusal.error {
            Some(error) => Err(error.refusal()),
            None => Err(RequestFailure::ForeignId),
        };
    }
    let answers: Vec<Answer<&RawValue>> = parse(body)?;
    in_order(answers, first_id, count)?
        .into_iter()
        .map(shaped)
        .collect()
}

/// The order of the answers is the server's choice.
fn in_order<T>(
    answers: Vec<Answer<T>>,
    first_id: u64,
    count: usize,
) -> Result<Vec<T>, RequestFailure> {
    if answers.len() != count {
        // A server that refuses the whole may say so once.
        let refusal = answers.into_iter().find_map(|answer| answer.error);
        return Err(refusal.map_or(RequestFailure::ForeignId, NodeError::refusal));
    }
    let mut places: Vec<Option<T>> = (0..count).map(|_| None).collect();
    for answer in answers {
        let Id::Number(id) = answer.id else {
            return Err(answer
                .error
                .map_or(RequestFailure::ForeignId, NodeError::refusal));
        };
        let place = id
            .checked_sub(first_id)
            .and_then(|place| usize::try_from(place).ok())
            .and_then(|place| places.get_mut(place));
        match place {
            Some(place @ None) => *place = Some(result_of(answer, id)?),
            _ => return Err(RequestFailure::ForeignId),
        }
    }
    places
        .into_iter()
        .collect::<Option<_>>()
        .ok_or(RequestFailure::ForeignId)
}

fn result_of<T>(answer: Answer<T>, id: u64) -> Result<T, RequestFailure> {
    match answer {
        // Errors about the request as a whole have no id.
        Answer {
            id: Id::None,
            error: Some(error),
            ..
        } => Err(error.failure()),
        Answer { id: other, .. } if other != Id::Number(id) => Err(RequestFailure::ForeignId),
        Answer {
            error: Some(error), ..
        } => Err(error.failure()),
        Answer {
            result: Some(result),
            ..
        } => Ok(result),
        Answer { .. } => Err(RequestFailure::Empty),
    }
}

fn shaped<T: DeserializeOwned>(raw: &RawValue) -> Result<T, RequestFailure> {
    serde_json::from_str(raw.get()).map_err(|source| RequestFailure::Shape {
        result: excerpt(raw.get()),
        source,
    })
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, RequestFailure> {
    serde_json::from_slice(body).map_err(|source| RequestFailure::Malformed {
        body: excerpt(&String::from_utf8_lossy(body)),
        source,
    })
}

pub(super) fn excerpt(text: &str) -> String {
    match text.char_indices().nth(EXCERPT_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

impl NodeError {
    fn failure(self) -> RequestFailure {
        RequestFailure::Node {
            code: self.code,
            message: excerpt(&self.message),
        }
    }

    fn refusal(self) -> RequestFailure {
        RequestFailure::BatchRefused {
            code: self.code,
            message: excerpt(&self.message),
        }
    }
}
