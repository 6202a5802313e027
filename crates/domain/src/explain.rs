//! The terms of a cover in plain sentences, exact about strictness, boundaries, late observations and what unknown does.
//!
//! Whoever reads only this must decide a case as the evaluators do. So every form of the language has its words here,
//! and a number that bounds something says whether it is itself inside.

mod breach;
mod phrase;
mod rules;
mod window;
mod words;

use crate::cover::Cover;
use crate::lang::ir::{Expr, ExprKind, Holds};

/// One headed part of an explanation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Section {
    /// What it is about.
    pub heading: &'static str,
    /// One thought each.
    pub sentences: Vec<String>,
}

/// The terms in plain sentences.
pub fn explain(cover: &Cover) -> Vec<Section> {
    let speaker = Speaker::of(cover);
    let sections = [
        ("What is measured", speaker.inputs()),
        ("When it is a loss", speaker.trigger()),
        ("What it pays", speaker.payout()),
        ("What is noted beside it", speaker.guards()),
        ("What unknown does", speaker.unknown()),
        ("Late and repeated observations", speaker.late()),
        ("Which policies are paid", speaker.policies()),
    ];
    sections
        .into_iter()
        .filter(|(_, sentences)| !sentences.is_empty())
        .map(|(heading, sentences)| Section { heading, sentences })
        .collect()
}

/// Says what a cover's expressions mean, with its names.
struct Speaker<'a> {
    cover: &'a Cover,
    /// The breaches that the trigger is made of, in reading order; sentences call them by number.
    breaches: Vec<&'a Holds>,
}

impl<'a> Speaker<'a> {
    fn of(cover: &'a Cover) -> Self {
        let mut breaches = Vec::new();
        collect(&cover.trigger.when, &mut breaches);
        Self { cover, breaches }
    }

    /// `usdc`, in backquotes.
    fn name(&self, input: crate::lang::ir::InputIndex) -> String {
        match self.cover.inputs.get(input.0) {
            Some(input) => format!("`{}`", input.name),
            None => format!("input {}", input.0),
        }
    }

    fn names(&self, inputs: &[crate::lang::ir::InputIndex]) -> String {
        let names: Vec<String> = inputs.iter().map(|input| self.name(*input)).collect();
        words::list(&names, "or")
    }
}

fn collect<'a>(expr: &'a Expr, breaches: &mut Vec<&'a Holds>) {
    if let ExprKind::Holds(holds) = &expr.kind {
        breaches.push(holds);
    }
    for part in expr.children() {
        collect(part, breaches);
    }
}
