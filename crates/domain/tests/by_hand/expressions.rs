//! Checked expressions and covers that no text was parsed for: what several tests build their own from.

use tocsin_domain::cover::{
    Cover, EventInclusion, EventTime, Input, Payout, PolicyRules, Rearm, Trigger,
};
use tocsin_domain::diagnostic::Span;
use tocsin_domain::ids::TermsHash;
use tocsin_domain::lang::ir::{Expr, ExprKind};
use tocsin_domain::time::Seconds;
use tocsin_domain::value::{Type, Value};

pub(crate) fn expr(kind: ExprKind, ty: Type) -> Expr {
    Expr {
        kind,
        ty,
        span: Span::default(),
    }
}

pub(crate) fn literal(value: Value) -> Expr {
    let ty = value.ty();
    expr(ExprKind::Literal(value), ty)
}

/// A cover that pays `fraction` once, when `when` is met, and asks nothing else of a policy. Its hash is that of no
/// text.
pub(crate) fn cover(inputs: Vec<Input>, when: Expr, fraction: Expr) -> Cover {
    Cover {
        name: "by-hand".to_owned(),
        title: "A cover made by hand".to_owned(),
        version: 1,
        peril: None,
        wording: None,
        inputs,
        trigger: Trigger {
            when,
            rearm: Rearm::Never,
        },
        payout: Payout {
            fraction,
            settle: None,
        },
        guards: Vec::new(),
        parameters: Vec::new(),
        policy: PolicyRules {
            waiting: Seconds(0),
            event_inclusion: EventInclusion {
                start_included: true,
                end_included: false,
            },
            event_time: EventTime::Occurred,
            claim_deadline: None,
        },
        finality: Vec::new(),
        consumer: None,
        terms_hash: TermsHash(alloy_primitives::B256::ZERO),
        canonical_terms: String::new(),
    }
}
