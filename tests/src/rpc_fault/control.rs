//! The control path: how another program sets faults, over the proxy's own address.
//!
//! | request | does |
//! | --- | --- |
//! | `GET /_fault/rules` | lists the rules, each with how many answers it has met |
//! | `POST /_fault/rules` | adds a rule or a list of rules ([`super::Rule`] as JSON, only `fault` is required) |
//! | `DELETE /_fault/rules` | heals the node |
//! | `GET /_fault/asked` | counts the requests by method |
//! | `POST /_fault/websocket/cut` | ends every WebSocket |
//! | `POST /_fault/websocket/silent`, `…/refused`, `…/open` | goes silent, refuses new ones, ends both |

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Proxy, Rule};

/// The answer to a request for the control path; `None` where it is for the node.
pub(super) fn answer(proxy: &Proxy, method: &str, path: &str, body: &[u8]) -> Option<Value> {
    let path = path.strip_prefix("/_fault/")?;
    let line = |silent: Option<bool>, refused: Option<bool>, cuts: u64| {
        proxy.line.send_modify(|line| {
            line.silent = silent.unwrap_or(line.silent);
            line.refused = refused.unwrap_or(line.refused);
            line.cuts += cuts;
        });
        json!("done")
    };
    Some(match (method, path) {
        ("GET", "rules") => proxy.rules.lock().unwrap().listed(),
        ("POST", "rules") => match read(body) {
            Ok(rules) => {
                let mut known = proxy.rules.lock().unwrap();
                rules.into_iter().for_each(|rule| known.add(rule));
                known.listed()
            }
            Err(problem) => json!({"error": problem.to_string()}),
        },
        ("DELETE", "rules") => {
            proxy.rules.lock().unwrap().clear();
            line(Some(false), Some(false), 0)
        }
        ("GET", "asked") => counted(proxy),
        ("POST", "websocket/cut") => line(None, None, 1),
        ("POST", "websocket/silent") => line(Some(true), None, 0),
        ("POST", "websocket/refused") => line(None, Some(true), 0),
        ("POST", "websocket/open") => line(Some(false), Some(false), 0),
        _ => json!({"error": format!("no such command: {method} /_fault/{path}")}),
    })
}

fn read(body: &[u8]) -> Result<Vec<Rule>, serde_json::Error> {
    let rules: Value = serde_json::from_slice(body)?;
    if rules.is_array() {
        serde_json::from_value(rules)
    } else {
        Ok(vec![serde_json::from_value(rules)?])
    }
}

fn counted(proxy: &Proxy) -> Value {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for asked in proxy.asked.lock().unwrap().iter() {
        *counts.entry(asked.method.clone()).or_default() += 1;
    }
    json!(counts)
}
