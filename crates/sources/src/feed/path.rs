//! Places in a JSON answer, written as JSONPath (RFC 9535) and compiled once.
//!
//! Most places name one node: `$.arrival.delay`, `$['a b'][0]`. Those are walked step by step; all others are left to the
//! library. Both give the same nodes. A null is a node: whether it counts as a value is for the reader of the field to say.

use core::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json_path::{JsonPath, ParseError};

/// A place in a JSON answer.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Path {
    text: String,
    query: Query,
}

#[derive(Clone)]
enum Query {
    Singular(Vec<Step>),
    General(Box<JsonPath>),
}

/// One step of a path that names one node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// The member of an object.
    Member(String),
    /// The element of an array; negative counts from the end.
    Index(i64),
}

/// A text that is no JSONPath.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{text}` is not a JSONPath (RFC 9535): write `$` for the whole answer, `$.arrival.delay` for a field, `$.data[*]` for \
     each element"
)]
pub struct PathError {
    /// What was written.
    pub text: String,
    #[source]
    source: ParseError,
}

/// A place where one value was expected has several.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{path} names {found} values where one is expected")]
pub struct SeveralValues {
    /// The path.
    pub path: String,
    /// How many there are.
    pub found: usize,
}

impl Path {
    /// Compiles a path.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        // The library decides what a path is, also of those that are walked without it.
        let query = JsonPath::parse(text).map_err(|source| PathError {
            text: text.to_owned(),
            source,
        })?;
        Ok(Self {
            text: text.to_owned(),
            query: match singular(text) {
                Some(steps) => Query::Singular(steps),
                None => Query::General(Box::new(query)),
            },
        })
    }

    /// The path as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The steps of a path that names at most one node.
    pub fn steps(&self) -> Option<&[Step]> {
        match &self.query {
            Query::Singular(steps) => Some(steps),
            Query::General(_) => None,
        }
    }

    /// The node at this place, if there is one.
    pub fn one<'a>(&self, root: &'a Value) -> Result<Option<&'a Value>, SeveralValues> {
        match &self.query {
            Query::Singular(steps) => Ok(walk(steps, root)),
            Query::General(query) => {
                let mut nodes = query.query(root).all();
                match nodes.len() {
                    0 | 1 => Ok(nodes.pop()),
                    found => Err(SeveralValues {
                        path: self.text.clone(),
                        found,
                    }),
                }
            }
        }
    }

    /// Every node at this place, in the order of the answer.
    pub fn all<'a>(&self, root: &'a Value) -> Vec<&'a Value> {
        match &self.query {
            Query::Singular(steps) => walk(steps, root).into_iter().collect(),
            Query::General(query) => query.query(root).all(),
        }
    }
}

fn walk<'a>(steps: &[Step], root: &'a Value) -> Option<&'a Value> {
    steps.iter().try_fold(root, |node, step| match step {
        Step::Member(name) => node.as_object()?.get(name),
        Step::Index(index) => {
            let items = node.as_array()?;
            let index = match usize::try_from(*index) {
                Ok(from_the_front) => from_the_front,
                Err(_negative) => items
                    .len()
                    .checked_sub(usize::try_from(index.unsigned_abs()).ok()?)?,
            };
            items.get(index)
        }
    })
}

/// The steps of a valid path, if it has none but plain names and indices.
fn singular(text: &str) -> Option<Vec<Step>> {
    let mut rest = text.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let (step, after) = if let Some(named) = rest.strip_prefix('.') {
            let end = named.find(['.', '[']).unwrap_or(named.len());
            let (name, after) = named.split_at(end);
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
            (!name.is_empty() && name.chars().all(plain)).then_some(())?;
            (Step::Member(name.to_owned()), after)
        } else {
            let (inside, after) = rest.strip_prefix('[')?.split_once(']')?;
            (bracketed(inside)?, after)
        };
        steps.push(step);
        rest = after;
    }
    Some(steps)
}

/// `'name'`, `"name"` or an index; names with escapes are left to the library.
fn bracketed(inside: &str) -> Option<Step> {
    for quote in ['\'', '"'] {
        if let Some(name) = inside
            .strip_prefix(quote)
            .and_then(|s| s.strip_suffix(quote))
        {
            let plain = !name.contains(['\\', '\'', '"']);
            return plain.then(|| Step::Member(name.to_owned()));
        }
    }
    match inside.parse() {
        Ok(index) => Some(Step::Index(index)),
        Err(_something_else) => None,
    }
}

impl TryFrom<String> for Path {
    type Error = PathError;

    fn try_from(text: String) -> Result<Self, PathError> {
        Self::parse(&text)
    }
}

impl From<Path> for String {
    fn from(path: Path) -> Self {
        path.text
    }
}

impl PartialEq for Path {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Path {}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Path({})", self.text)
    }
}

#[cfg(test)]
mod tests;
