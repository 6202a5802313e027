//! `name=0.90..0.99:0.01`: the values of one parameter.

use tocsin_domain::decimal::{Decimal, Rounding};
use tocsin_domain::time::Seconds;

/// More values than this are a slip of the pen.
const VALUES_MAX: usize = 1_000_000;

/// The values of one parameter, as the cover would write them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Range {
    pub(super) name: String,
    pub(super) values: Vec<String>,
}

/// A number with a unit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Quantity {
    Plain(Decimal),
    Percent(Decimal),
    Duration(Seconds),
}

impl Range {
    /// Both ends belong to it, where a step falls on the upper one.
    pub(super) fn parse(option: &str) -> Result<Self, String> {
        let unreadable = || {
            format!(
                "`{option}` is no range: write for example `threshold=0.90..0.99:0.01` or `wait=6h..48h:6h`"
            )
        };
        let (name, range) = option.split_once('=').ok_or_else(unreadable)?;
        let (from, rest) = range.split_once("..").ok_or_else(unreadable)?;
        let (to, step) = rest.split_once(':').ok_or_else(unreadable)?;
        let [from, to, step] = [from, to, step].map(quantity);
        let (Some(from), Some(to), Some(step)) = (from, to, step) else {
            return Err(unreadable());
        };
        let mut values = Vec::new();
        let mut value = from;
        if !step.is_positive() || to < from {
            return Err(format!(
                "`{option}` ascends: from the lower end to the higher, by a step above zero"
            ));
        }
        while value <= to {
            if values.len() == VALUES_MAX {
                return Err(format!("`{option}` has more than {VALUES_MAX} values"));
            }
            values.push(value.text());
            value = value
                .plus(step)
                .ok_or_else(|| format!("the ends and the step of `{option}` have one unit"))?;
        }
        Ok(Self {
            name: name.trim().to_owned(),
            values,
        })
    }
}

fn quantity(text: &str) -> Option<Quantity> {
    let text = text.trim();
    if let Some(percent) = text.strip_suffix('%') {
        return percent.parse().map(Quantity::Percent).ok();
    }
    match text.parse::<Decimal>() {
        Ok(number) => Some(Quantity::Plain(number)),
        Err(_not_a_number) => text.parse().map(Quantity::Duration).ok(),
    }
}

impl Quantity {
    fn is_positive(self) -> bool {
        match self {
            Self::Plain(number) | Self::Percent(number) => number > Decimal::ZERO,
            Self::Duration(span) => span.0 > 0,
        }
    }

    fn plus(self, step: Self) -> Option<Self> {
        match (self, step) {
            (Self::Plain(a), Self::Plain(b)) => a.checked_add(b).map(Self::Plain),
            (Self::Percent(a), Self::Percent(b)) => a.checked_add(b).map(Self::Percent),
            (Self::Duration(a), Self::Duration(b)) => {
                a.0.checked_add(b.0).map(|sum| Self::Duration(Seconds(sum)))
            }
            _ => None,
        }
    }

    /// As a cover writes it.
    fn text(self) -> String {
        match self {
            Self::Plain(number) => number.to_string(),
            Self::Percent(number) => {
                let hundred = Decimal::from_integer(100);
                match number.checked_div(hundred, Rounding::Truncate) {
                    Some(part) if part.checked_mul(hundred, Rounding::Truncate) == Some(number) => {
                        part.to_string()
                    }
                    _ => format!("{number}%"),
                }
            }
            Self::Duration(span) => format!("{}s", span.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(option: &str) -> Vec<String> {
        Range::parse(option).unwrap().values
    }

    #[test]
    fn both_ends_belong_to_a_range() {
        assert_eq!(values("x=0.9..0.92:0.01"), ["0.9", "0.91", "0.92"]);
        assert_eq!(values("x=1..2:0.4"), ["1", "1.4", "1.8"]);
        assert_eq!(values("x=10%..12%:1%"), ["0.1", "0.11", "0.12"]);
        assert_eq!(values("x=1h..2h:30min"), ["3600s", "5400s", "7200s"]);
        assert_eq!(values("x=-1..1:1"), ["-1", "0", "1"]);
    }

    #[test]
    fn what_is_no_range_says_so() {
        for wrong in ["x", "x=1", "x=1..2", "x=1..2:", "x=a..b:c", "1..2:1"] {
            assert!(
                Range::parse(wrong).unwrap_err().contains("is no range"),
                "{wrong}"
            );
        }
        for wrong in ["x=2..1:1", "x=1..2:0", "x=1..2:-1"] {
            assert!(
                Range::parse(wrong).unwrap_err().contains("ascends"),
                "{wrong}"
            );
        }
        assert!(Range::parse("x=1..2:1h").is_err());
    }
}
