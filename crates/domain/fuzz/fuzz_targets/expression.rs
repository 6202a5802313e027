//! Any text is an expression or has diagnostics; an expression prints as text that means the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tocsin_domain::lang::{Role, compile, parse};
use tocsin_domain::value::Type;

const INPUTS: [(&str, Type); 5] = [
    ("price", Type::Decimal),
    ("delay", Type::Duration),
    ("status", Type::Text),
    ("paused", Type::Bool),
    ("halted", Type::Event),
];

fuzz_target!(|text: &str| {
    if let Ok(tree) = parse(text) {
        let again = parse(&tree.to_string());
        assert!(again.is_ok(), "{text} prints as {tree}");
    }
    let names = INPUTS.map(|(name, _)| name);
    for role in [Role::Trigger, Role::Payout, Role::Guard] {
        if let Ok((expr, _warnings)) = compile(text, &INPUTS, role) {
            let printed = expr.text(&names).to_string();
            match compile(&printed, &INPUTS, role) {
                Ok((again, _)) => assert_eq!(
                    again.without_spans(),
                    expr.without_spans(),
                    "{text} prints as {printed}"
                ),
                Err(found) => panic!("{text} prints as {printed}: {found:?}"),
            }
        }
    }
});
