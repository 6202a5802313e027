//! A call whose settings were checked against its function: what is asked, and what an answer says.

use alloy::dyn_abi::{DynSolType, DynSolValue, FunctionExt, JsonAbiExt};
use alloy::json_abi::{Function, StateMutability};
use alloy::primitives::{Address, B256, Bytes, I256, U256, hex, keccak256};
use alloy::sol_types::SolValue;
use tocsin_domain::decimal::Decimal;
use tocsin_domain::value::{Type, Value};

use super::declaration;
use super::path::{self, Found, Leaf, Path};
use super::settings::{CallSettings, OnRevert};
use crate::chain::event::DECIMALS_MAX;

/// More than any state that a trigger looks at; bounds what decoding may cost.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// Each level of arrays of variable length may multiply what a few bytes decode to.
const VARIABLE_LEVELS_MAX: usize = 2;

/// What a contract is asked.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct Question {
    pub(crate) to: Address,
    pub(crate) data: Bytes,
    pub(crate) from: Option<Address>,
    /// Whether it may be asked in one transaction with others.
    pub(crate) grouped: bool,
}

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    Returned(Bytes),
    Reverted(Bytes),
    /// There is nothing at the address that could answer.
    NoCode,
}

/// Why an answer has no value.
pub(crate) type Silence = String;

/// A call, ready to be asked.
#[derive(Clone, Debug)]
pub(crate) struct CallPlan {
    pub(crate) question: Question,
    function: Function,
    /// `None` where it only matters whether the call goes through.
    value: Option<Path>,
    decimals: u8,
    on_revert: OnRevert,
}

impl CallPlan {
    pub(crate) fn check(settings: &CallSettings) -> Result<Self, String> {
        let function = declaration::function(&settings.function).map_err(|problem| {
            format!(
                "`function` is not a declaration: {problem}; write it as Solidity does, such as \
                 `convertToAssets(uint256 shares) view returns (uint256 assets)`"
            )
        })?;
        let variable = path::types(&function.outputs)?
            .iter()
            .map(variable_levels)
            .max();
        if variable > Some(VARIABLE_LEVELS_MAX) {
            return Err(format!(
                "`function` returns arrays of variable length more than {VARIABLE_LEVELS_MAX} deep, which may decode to \
                 anything; read another function"
            ));
        }
        let question = Question {
            to: settings.address,
            data: calldata(&function, &settings.arguments)?,
            from: settings.from,
            grouped: settings.from.is_none()
                && matches!(
                    function.state_mutability,
                    StateMutability::View | StateMutability::Pure
                ),
        };
        let plan = Self {
            question,
            value: value_path(settings, &function)?,
            function,
            decimals: settings.decimals,
            on_revert: settings.on_revert.clone(),
        };
        plan.check_scale()?;
        if let OnRevert::Value(value) = &plan.on_revert
            && value.ty() != plan.value_type()
        {
            return Err(format!(
                "`on_revert` is {value}, but the value is of type {}; state one of that type, or leave it out",
                plan.value_type()
            ));
        }
        Ok(plan)
    }

    pub(crate) fn name(&self) -> &str {
        &self.function.name
    }

    pub(crate) fn value_type(&self) -> Type {
        match self.value.as_ref().map(Path::leaf) {
            Some(Leaf::Integer) => Type::Decimal,
            Some(Leaf::Text | Leaf::Hex) => Type::Text,
            None | Some(Leaf::Bool) => Type::Bool,
        }
    }

    /// What an outcome says, or why it says nothing.
    pub(crate) fn value(&self, outcome: &Outcome) -> Result<Value, Silence> {
        match (outcome, &self.on_revert) {
            (Outcome::NoCode, _) => Err("there is no code at the address in this block".to_owned()),
            (Outcome::Reverted(_), OnRevert::NoValue) => {
                Err("the call reverts, and the settings do not say what that means".to_owned())
            }
            (Outcome::Reverted(_), OnRevert::Value(value)) => Ok(value.clone()),
            (Outcome::Reverted(_), OnRevert::Success) => Ok(Value::Bool(false)),
            (Outcome::Returned(data), _) => self.decode(data),
        }
    }

    fn decode(&self, data: &Bytes) -> Result<Value, Silence> {
        if data.len() > ANSWER_BYTES_MAX {
            return Err(format!(
                "the answer is longer than {ANSWER_BYTES_MAX} bytes"
            ));
        }
        let values = self
            .function
            .abi_decode_output(data)
            .map_err(|_any_shape| {
                "the answer does not decode as what the function returns".to_owned()
            })?;
        // The decoder overlooks dirty padding, wide integers and trailing bytes; a contract that answers those is not the
        // one declared.
        let encoded = self.function.abi_encode_output(&values);
        if encoded.is_ok_and(|encoded| encoded != *data) || !values.iter().all(is_exact) {
            return Err(
                "the answer is not the canonical encoding of what the function returns".to_owned(),
            );
        }
        let Some(path) = &self.value else {
            return Ok(Value::Bool(true));
        };
        match path.follow(&values) {
            Some(Found::Value(value)) => value_of(value, self.decimals),
            Some(Found::Length(length)) => unsigned(length, self.decimals),
            None => Err("an array in the answer ends before the value".to_owned()),
        }
    }

    fn check_scale(&self) -> Result<(), String> {
        let decimals = self.decimals;
        if decimals > DECIMALS_MAX {
            return Err(format!(
                "`decimals` is {decimals}, at most {DECIMALS_MAX} have a meaning"
            ));
        }
        if decimals > 0 && self.value_type() != Type::Decimal {
            return Err(format!(
                "`decimals` is {decimals}, but the value is no integer; leave it out"
            ));
        }
        Ok(())
    }
}

/// The hash that `ChainPosition::raw_hash` documents for a call.
pub(crate) fn raw_hash(question: &Question, outcome: &Outcome) -> B256 {
    let (success, returned) = match outcome {
        Outcome::Returned(data) => (true, data.clone()),
        Outcome::Reverted(data) => (false, data.clone()),
        Outcome::NoCode => (true, Bytes::new()),
    };
    keccak256((question.to, question.data.clone(), success, returned).abi_encode_params())
}

fn value_path(settings: &CallSettings, function: &Function) -> Result<Option<Path>, String> {
    if settings.on_revert == OnRevert::Success {
        if settings.value.is_empty() {
            return Ok(None);
        }
        return Err(format!(
            "`value` is `{}`, but with on_revert = \"success\" the value is whether the call goes through; leave one out",
            settings.value
        ));
    }
    Path::resolve(&settings.value, &function.outputs).map(Some)
}

fn calldata(function: &Function, literals: &[String]) -> Result<Bytes, String> {
    let types = path::types(&function.inputs)?;
    if types.len() != literals.len() {
        return Err(format!(
            "`arguments` has {} literals, `{}` takes {}",
            literals.len(),
            function.signature(),
            types.len()
        ));
    }
    let mut arguments = Vec::with_capacity(types.len());
    for (place, (ty, literal)) in types.iter().zip(literals).enumerate() {
        let argument = ty.coerce_str(literal).map_err(|_no_literal| {
            format!(
                "`arguments`: number {} is `{literal}`, which is no {ty}; write integers in decimal or 0x…, text in quotes, \
                 lists in [] and structs in ()",
                place + 1
            )
        })?;
        arguments.push(argument);
    }
    function
        .abi_encode_input(&arguments)
        .map(Bytes::from)
        .map_err(|error| format!("`arguments` cannot be encoded: {error}"))
}

fn variable_levels(ty: &DynSolType) -> usize {
    match ty {
        DynSolType::Array(of) => 1 + variable_levels(of),
        DynSolType::FixedArray(of, _) => variable_levels(of),
        DynSolType::Tuple(types) => types.iter().map(variable_levels).max().unwrap_or(0),
        _ => 0,
    }
}

/// The decoder takes any word for any width of integer and of bytes.
fn is_exact(value: &DynSolValue) -> bool {
    match value {
        DynSolValue::Int(number, bits) => {
            usize::try_from(number.bits()).is_ok_and(|needed| needed <= *bits)
        }
        DynSolValue::Uint(number, bits) => number.bit_len() <= *bits,
        DynSolValue::FixedBytes(word, length) => word.iter().skip(*length).all(|byte| *byte == 0),
        DynSolValue::Tuple(values)
        | DynSolValue::Array(values)
        | DynSolValue::FixedArray(values) => values.iter().all(is_exact),
        _ => true,
    }
}

fn value_of(value: &DynSolValue, decimals: u8) -> Result<Value, Silence> {
    match value {
        DynSolValue::Int(number, _) => scaled(*number, decimals),
        DynSolValue::Uint(number, _) => unsigned(*number, decimals),
        DynSolValue::Bool(truth) => Ok(Value::Bool(*truth)),
        DynSolValue::String(text) => Ok(Value::Text(text.clone())),
        DynSolValue::Address(address) => Ok(Value::Text(hex::encode_prefixed(address))),
        DynSolValue::FixedBytes(word, length) => word
            .get(..*length)
            .map(|bytes| Value::Text(hex::encode_prefixed(bytes)))
            .ok_or_else(|| "bytesN is longer than a word".to_owned()),
        _ => Err("the value is of no type that is read".to_owned()),
    }
}

pub(crate) fn unsigned(number: U256, decimals: u8) -> Result<Value, Silence> {
    let number = I256::try_from(number).map_err(|_beyond_int256| out_of_range())?;
    scaled(number, decimals)
}

pub(crate) fn scaled(number: I256, decimals: u8) -> Result<Value, Silence> {
    Decimal::from_scaled(number, decimals)
        .map(Value::Decimal)
        .ok_or_else(out_of_range)
}

fn out_of_range() -> Silence {
    "the value is outside the range of decimals".to_owned()
}

#[cfg(test)]
mod tests;
