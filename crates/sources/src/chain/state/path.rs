//! Where in the values that a function returns the observation's value is.

use alloy::dyn_abi::{DynSolType, DynSolValue};
use alloy::json_abi::Param;
use alloy::primitives::U256;

use crate::suggest;

/// A path that was checked against the types that it leads through.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    steps: Vec<Step>,
    leaf: Leaf,
}

/// One step of a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    /// Into a tuple.
    Member(usize),
    /// Into an array.
    Item(usize),
    /// To the number of elements or bytes.
    Length,
}

/// What is at the end of a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Leaf {
    Integer,
    Bool,
    Text,
    /// An address or `bytesN`, which become text.
    Hex,
}

/// What a path found.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Found<'v> {
    Value(&'v DynSolValue),
    Length(U256),
}

impl Path {
    /// Reads `name`, `0`, `position.legs[1].amount`, `holders.length`, or nothing for the only value.
    pub(crate) fn resolve(text: &str, outputs: &[Param]) -> Result<Self, String> {
        let mut tokens = tokens(text)?;
        if tokens.is_empty() {
            if outputs.len() != 1 {
                return Err(format!(
                    "`value` is empty, but the function returns {} values; {}",
                    outputs.len(),
                    list(outputs)
                ));
            }
            tokens.push(Token::Index(0));
        } else if leads_into_the_only(text, &tokens, outputs) {
            tokens.insert(0, Token::Index(0));
        }
        let mut here = Here {
            ty: DynSolType::Tuple(types(outputs)?),
            names: outputs,
        };
        let mut steps = Vec::new();
        for token in tokens {
            let Some((step, next)) = here.step(&token) else {
                return Err(here.refuse(text, &token));
            };
            steps.push(step);
            match next {
                Some(next) => here = next,
                None => {
                    here = Here {
                        ty: DynSolType::Uint(256),
                        names: &[],
                    }
                }
            }
        }
        let leaf = match here.ty {
            DynSolType::Int(_) | DynSolType::Uint(_) => Leaf::Integer,
            DynSolType::Bool => Leaf::Bool,
            DynSolType::String => Leaf::Text,
            DynSolType::Address | DynSolType::FixedBytes(_) => Leaf::Hex,
            other => {
                return Err(format!(
                    "`value` leads to {}, but needs an integer, a bool, a string, an address or bytesN; lead further into it{}",
                    other.sol_type_name(),
                    if here.names.is_empty() {
                        String::new()
                    } else {
                        format!(": {}", list(here.names))
                    }
                ));
            }
        };
        Ok(Self { steps, leaf })
    }

    pub(crate) fn leaf(&self) -> Leaf {
        self.leaf
    }

    /// Follows the path; `None` where an array is too short.
    pub(crate) fn follow<'v>(&self, values: &'v [DynSolValue]) -> Option<Found<'v>> {
        let mut members = values;
        let mut found: Option<&DynSolValue> = None;
        for step in &self.steps {
            match *step {
                Step::Length => {
                    let length = match found {
                        Some(DynSolValue::Bytes(bytes)) => bytes.len(),
                        Some(DynSolValue::String(text)) => text.len(),
                        _ => members.len(),
                    };
                    return Some(Found::Length(U256::from(length)));
                }
                Step::Member(place) | Step::Item(place) => {
                    let value = members.get(place)?;
                    members = match value {
                        DynSolValue::Tuple(inner)
                        | DynSolValue::Array(inner)
                        | DynSolValue::FixedArray(inner) => inner,
                        _ => &[],
                    };
                    found = Some(value);
                }
            }
        }
        found.map(Found::Value)
    }
}

/// The only value need not be named on the way into it: `[0]`, `length`, `amount`.
fn leads_into_the_only(text: &str, tokens: &[Token<'_>], outputs: &[Param]) -> bool {
    let ([only], Some(first)) = (outputs, tokens.first()) else {
        return false;
    };
    let has_parts =
        only.ty.ends_with(']') || matches!(only.ty.as_str(), "tuple" | "bytes" | "string");
    let is_itself = match first {
        Token::Name(name) => *name == only.name,
        Token::Index(_) => !text.starts_with('['),
    };
    has_parts && !is_itself
}

/// The types of some parameters.
pub(crate) fn types(params: &[Param]) -> Result<Vec<DynSolType>, String> {
    params
        .iter()
        .map(|param| {
            DynSolType::parse(&param.selector_type())
                .map_err(|error| format!("`{}` cannot be decoded: {error}", param.ty))
        })
        .collect()
}

/// The values of a function or a struct, for a message.
pub(crate) fn list(params: &[Param]) -> String {
    if params.is_empty() {
        return "there are none".to_owned();
    }
    let each: Vec<String> = (0..)
        .zip(params)
        .map(|(place, param)| match param.name.as_str() {
            "" => format!("{place} ({})", param.selector_type()),
            name => format!("`{name}` ({})", param.selector_type()),
        })
        .collect();
    format!("there are {}", each.join(", "))
}

#[derive(PartialEq, Eq, Debug)]
enum Token<'a> {
    Name(&'a str),
    Index(usize),
}

impl core::fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Index(index) => write!(f, "{index}"),
        }
    }
}

/// Where a path has come to.
struct Here<'a> {
    ty: DynSolType,
    /// Of the members of the tuple, or of the tuples in the array.
    names: &'a [Param],
}

impl<'a> Here<'a> {
    /// The step that the token is from here, and where it leads; nowhere further from a length.
    fn step(&self, token: &Token<'_>) -> Option<(Step, Option<Here<'a>>)> {
        match (&self.ty, token) {
            (DynSolType::Tuple(types), _) => {
                let place = match token {
                    Token::Index(place) => *place,
                    Token::Name(name) => self.only(name)?,
                };
                let next = Here {
                    ty: types.get(place)?.clone(),
                    names: self
                        .names
                        .get(place)
                        .map_or(&[], |member| &member.components),
                };
                Some((Step::Member(place), Some(next)))
            }
            (DynSolType::FixedArray(_, length), Token::Index(place)) if place >= length => None,
            (DynSolType::Array(of) | DynSolType::FixedArray(of, _), Token::Index(place)) => {
                let next = Here {
                    ty: of.as_ref().clone(),
                    names: self.names,
                };
                Some((Step::Item(*place), Some(next)))
            }
            (
                DynSolType::Array(_)
                | DynSolType::FixedArray(..)
                | DynSolType::Bytes
                | DynSolType::String,
                Token::Name("length"),
            ) => Some((Step::Length, None)),
            _ => None,
        }
    }

    fn only(&self, name: &str) -> Option<usize> {
        let mut same = (0..)
            .zip(self.names)
            .filter(|(_, param)| param.name == name)
            .map(|(place, _)| place);
        same.next().filter(|_| same.next().is_none())
    }

    fn refuse(&self, path: &str, token: &Token<'_>) -> String {
        let offer = match &self.ty {
            DynSolType::Tuple(_) => {
                let hint = match token {
                    Token::Name(name) => {
                        let names = self.names.iter().map(|param| param.name.as_str());
                        suggest::hint(name, names.filter(|name| !name.is_empty()))
                    }
                    Token::Index(_) => String::new(),
                };
                return format!(
                    "`value` is `{path}`, but there is no one value `{token}`{hint}; {}",
                    list(self.names)
                );
            }
            DynSolType::FixedArray(_, length) => {
                format!("an array of {length}: write an index below that, or `length`")
            }
            DynSolType::Array(_) => {
                "an array: write an index such as `[0]`, or `length`".to_owned()
            }
            DynSolType::Bytes | DynSolType::String => {
                "bytes or text: only `length` leads on".to_owned()
            }
            other => format!("{}, which has no parts", other.sol_type_name()),
        };
        format!("`value` is `{path}`, but `{token}` is asked of {offer}")
    }
}

fn tokens(text: &str) -> Result<Vec<Token<'_>>, String> {
    let mut tokens = Vec::new();
    for part in text.split('.').filter(|_| !text.is_empty()) {
        let (name, mut indices) = part.split_at(part.find('[').unwrap_or(part.len()));
        match name.parse() {
            Ok(place) => tokens.push(Token::Index(place)),
            Err(_no_number) if !name.is_empty() => tokens.push(Token::Name(name)),
            Err(_no_number) if indices.is_empty() => {
                return Err(format!("`value` is `{text}`, which has a dot too many"));
            }
            Err(_no_number) => {}
        }
        while let Some(rest) = indices.strip_prefix('[') {
            let (index, rest) = rest
                .split_once(']')
                .ok_or_else(|| format!("`value` is `{text}`, where a `]` is missing"))?;
            let place = index.parse().map_err(|_no_number| {
                format!("`value` is `{text}`, where `{index}` is no index")
            })?;
            tokens.push(Token::Index(place));
            indices = rest;
        }
        if !indices.is_empty() {
            return Err(format!(
                "`value` is `{text}`, where `{indices}` follows without a dot"
            ));
        }
    }
    Ok(tokens)
}
