//! The trigger language: text to checked expression.
//!
//! [`parse`] reads the grammar, [`compile`] also resolves names and checks types. Both take text that anybody may have
//! written: they never panic, their work is bounded by [`MAX_EXPRESSION_BYTES`] and [`MAX_DEPTH`], and what they refuse
//! they refuse with a pointed [`Diagnostic`].

pub mod ast;
pub mod ir;
pub mod print;
pub mod walk;

mod catalogue;
mod check;
mod hidden;
mod lexer;
mod parser;
pub mod suggest;

pub(crate) use catalogue::reserved_name;
pub(crate) use check::{compile_into, constant_number};
pub(crate) use hidden::is_hidden;
pub(crate) use lexer::duration_literal;

use crate::diagnostic::{Diagnostic, Severity};
use crate::value::{Type, Value};

/// The longest expression, in bytes.
pub const MAX_EXPRESSION_BYTES: usize = 16 * 1024;

/// The deepest nesting of an expression, counted in the tree: `a + b + c` is two deep. Whatever walks a tree by recursion
/// relies on it.
pub const MAX_DEPTH: usize = 128;

/// What an expression is for; decides its type and what may stand in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// `trigger.when`: a condition.
    Trigger,
    /// `payout.fraction`: a decimal; `holds` has no place in it, `age` may stand anywhere.
    Payout,
    /// `guards.…`: a condition that is recorded as of the confirmation; as in a payout otherwise.
    Guard,
}

/// The names that an expression may use.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Scope {
    /// Inputs, numbered in this order.
    pub inputs: Vec<ScopeInput>,
    /// Named literals; `None` where the declaration is already refused.
    pub parameters: Vec<(String, Option<Value>)>,
}

/// An input that an expression may use.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScopeInput {
    /// The name.
    pub name: String,
    /// The type of its values; `None` where the declaration is already refused, so that what uses it is not refused again.
    pub ty: Option<Type>,
    /// What follows `event:` in its metric: expressions may call it `event.…` too.
    pub event: Option<String>,
}

/// Reads an expression without looking at names or types. Spans are bytes of `text`.
pub fn parse(text: &str) -> Result<ast::Expr, Vec<Diagnostic>> {
    let mut found = Vec::new();
    match parser::parse(text, &mut found) {
        Some(expr) if found.is_empty() => Ok(expr),
        _ => Err(found),
    }
}

/// Reads and checks an expression against `inputs`, which are numbered in the order given. Spans are bytes of `text`.
pub fn compile(
    text: &str,
    inputs: &[(&str, Type)],
    role: Role,
) -> Result<(ir::Expr, Vec<Diagnostic>), Vec<Diagnostic>> {
    let inputs = inputs.iter().map(|(name, ty)| ScopeInput {
        name: (*name).to_owned(),
        ty: Some(*ty),
        event: None,
    });
    let scope = Scope {
        inputs: inputs.collect(),
        parameters: Vec::new(),
    };
    let mut found = Vec::new();
    match compile_into(text, &scope, role, &mut found) {
        Some(expr)
            if found
                .iter()
                .all(|finding| finding.severity == Severity::Warning) =>
        {
            Ok((expr, found))
        }
        _ => Err(found),
    }
}
