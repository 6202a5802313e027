//! A function as Solidity declares it, with the names of everything that it returns.
//!
//! alloy reads such declarations too, but not the names inside tuples, and a path into a struct is written with names.

use alloy::dyn_abi::DynSolType;
use alloy::json_abi::{Function, Param, StateMutability};

/// Deeper than any struct that people write.
const DEPTH_MAX: usize = 8;

/// Words that may stand between a type and its name.
const LOCATIONS: [&str; 4] = ["memory", "calldata", "storage", "payable"];

/// Reads `[function] name(inputs) [view …] [returns (outputs)]`.
pub(crate) fn function(text: &str) -> Result<Function, String> {
    let mut scan = Scan { rest: text };
    let mut name = scan.word();
    if name == "function" {
        name = scan.word();
    }
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(format!(
            "it begins with `{}`, not with a name",
            scan.next_few()
        ));
    }
    let inputs = scan.params(0)?;
    let mut outputs = Vec::new();
    let mut state_mutability = StateMutability::NonPayable;
    loop {
        match scan.word() {
            "view" => state_mutability = StateMutability::View,
            "pure" => state_mutability = StateMutability::Pure,
            "payable" => state_mutability = StateMutability::Payable,
            "nonpayable" | "external" | "public" => {}
            "returns" => outputs = scan.params(0)?,
            "" => break,
            other => return Err(format!("`{other}` has no meaning there")),
        }
    }
    scan.eat(';');
    if !scan.rest.trim().is_empty() {
        return Err(format!("`{}` is left over", scan.next_few()));
    }
    Ok(Function {
        name: name.to_owned(),
        inputs,
        outputs,
        state_mutability,
    })
}

struct Scan<'a> {
    rest: &'a str,
}

impl<'a> Scan<'a> {
    /// The next word, which is empty where there is none.
    fn word(&mut self) -> &'a str {
        let text = self.rest.trim_start();
        let end = text
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '$')
            .unwrap_or(text.len());
        let (word, rest) = text.split_at(end);
        self.rest = rest;
        word
    }

    fn eat(&mut self, mark: char) -> bool {
        match self.rest.trim_start().strip_prefix(mark) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, mark: char) -> Result<(), String> {
        if self.eat(mark) {
            return Ok(());
        }
        Err(format!("`{mark}` is missing before `{}`", self.next_few()))
    }

    /// `(type name, …)`
    fn params(&mut self, depth: usize) -> Result<Vec<Param>, String> {
        if depth > DEPTH_MAX {
            return Err(format!("it nests more than {DEPTH_MAX} tuples"));
        }
        self.expect('(')?;
        let mut params = Vec::new();
        if self.eat(')') {
            return Ok(params);
        }
        loop {
            params.push(self.param(depth)?);
            if self.eat(')') {
                return Ok(params);
            }
            self.expect(',')?;
        }
    }

    fn param(&mut self, depth: usize) -> Result<Param, String> {
        let base = self.word();
        let (mut ty, components) = if matches!(base, "" | "tuple") {
            ("tuple".to_owned(), self.params(depth + 1)?)
        } else {
            (elementary(base)?, Vec::new())
        };
        while self.eat('[') {
            let length = self.word();
            self.expect(']')?;
            ty.push_str(&format!("[{length}]"));
        }
        let mut name = self.word();
        while LOCATIONS.contains(&name) {
            name = self.word();
        }
        let param = Param::new(name, &ty, components, None).map_err(|error| error.to_string())?;
        Ok(param)
    }

    /// What stands at the place, for a message.
    fn next_few(&self) -> String {
        match self.rest.trim() {
            "" => "the end".to_owned(),
            rest => rest.chars().take(16).collect(),
        }
    }
}

/// The canonical name of a type without parts: selectors are hashes of those.
fn elementary(name: &str) -> Result<String, String> {
    match DynSolType::parse(name) {
        Ok(ty) => Ok(ty.sol_type_name().into_owned()),
        Err(_no_such_type) => Err(format!(
            "`{name}` is no type; write structs as tuples, such as `(uint256 amount, address owner)`, and contracts and \
             enums as `address` and `uint8`"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_canonical_types_are_kept_at_every_depth() {
        let text = "function position(address payable who, uint n) external view returns \
                    (tuple(uint amount, (uint8 kind, int[2][] deltas)[] legs) memory p, bool)";
        let read = function(text).unwrap();
        assert_eq!(read.signature(), "position(address,uint256)");
        assert_eq!(read.state_mutability, StateMutability::View);
        let p = &read.outputs[0];
        assert_eq!((p.name.as_str(), p.ty.as_str()), ("p", "tuple"));
        assert_eq!(p.selector_type(), "(uint256,(uint8,int256[2][])[])");
        let deltas = &p.components[1].components[1];
        assert_eq!(
            (deltas.name.as_str(), deltas.ty.as_str()),
            ("deltas", "int256[2][]")
        );
        assert_eq!(read.outputs[1].name, "");
    }

    #[test]
    fn what_is_no_declaration_is_refused_with_the_reason() {
        let deep = format!("f{}uint256{}", "(".repeat(40), ")".repeat(40));
        for (text, reason) in [
            ("", "not with a name"),
            ("f", "`(` is missing before `the end`"),
            ("f(uint256", "`,` is missing before `the end`"),
            ("f(uint7)", "`uint7` is no type"),
            ("f(IERC20 token)", "contracts and enums as `address`"),
            ("f() returns uint256", "`(` is missing before `uint256`"),
            (
                "f() view returns (uint256) extra",
                "`extra` has no meaning there",
            ),
            ("f() view }", "`}` is left over"),
            ("f(uint256[x] a)", ""),
            (&deep, "nests more than 8 tuples"),
        ] {
            let refused = function(text).unwrap_err();
            assert!(refused.contains(reason), "{text}: {refused}");
        }
    }
}
