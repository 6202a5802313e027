//! Units of measurement, converted exactly: one multiplication and one division of whole numbers, cut once toward zero.

use tocsin_domain::decimal::{Decimal, Rounding};

use crate::suggest::hint;

/// A unit: a value v of it is (v + offset) · numerator / denominator of the dimension's base.
struct Unit {
    name: &'static str,
    dimension: &'static str,
    numerator: i64,
    denominator: i64,
    /// In hundredths.
    offset: i64,
}

const fn unit(
    name: &'static str,
    dimension: &'static str,
    numerator: i64,
    denominator: i64,
) -> Unit {
    Unit {
        name,
        dimension,
        numerator,
        denominator,
        offset: 0,
    }
}

/// International definitions: a foot is 0.3048 m, a nautical mile 1852 m, a pound 0.45359237 kg; 0 °C are 273.15 K.
const UNITS: [Unit; 34] = [
    unit("mm", "length", 1, 1_000),
    unit("cm", "length", 1, 100),
    unit("m", "length", 1, 1),
    unit("km", "length", 1_000, 1),
    unit("in", "length", 254, 10_000),
    unit("ft", "length", 3_048, 10_000),
    unit("mi", "length", 1_609_344, 1_000),
    unit("nmi", "length", 1_852, 1),
    unit("m/s", "speed", 1, 1),
    unit("km/h", "speed", 10, 36),
    unit("mph", "speed", 1_609_344, 3_600_000),
    unit("kt", "speed", 1_852, 3_600),
    Unit {
        name: "°C",
        dimension: "temperature",
        numerator: 1,
        denominator: 1,
        offset: 27_315,
    },
    Unit {
        name: "°F",
        dimension: "temperature",
        numerator: 5,
        denominator: 9,
        offset: 45_967,
    },
    unit("K", "temperature", 1, 1),
    unit("Pa", "pressure", 1, 1),
    unit("hPa", "pressure", 100, 1),
    unit("kPa", "pressure", 1_000, 1),
    unit("g", "mass", 1, 1_000),
    unit("kg", "mass", 1, 1),
    unit("t", "mass", 1_000, 1),
    unit("lb", "mass", 45_359_237, 100_000_000),
    unit("1", "ratio", 1, 1),
    unit("%", "ratio", 1, 100),
    unit("bp", "ratio", 1, 10_000),
    unit("ppm", "ratio", 1, 1_000_000),
    unit("ms", "time", 1, 1_000),
    unit("s", "time", 1, 1),
    unit("min", "time", 60, 1),
    unit("h", "time", 3_600, 1),
    unit("d", "time", 86_400, 1),
    unit("wei", "ether", 1, 1_000_000_000_000_000_000),
    unit("gwei", "ether", 1, 1_000_000_000),
    unit("ether", "ether", 1, 1),
];

/// From the unit of an answer to that of a metric.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Conversion {
    before: Decimal,
    numerator: Decimal,
    denominator: Decimal,
    after: Decimal,
}

impl Conversion {
    /// From one unit to another of the same dimension.
    pub(crate) fn new(from: &str, to: &str) -> Result<Self, String> {
        let (from, to) = (named(from)?, named(to)?);
        if from.dimension != to.dimension {
            return Err(format!(
                "`{}` is a unit of {}, `{}` of {}",
                from.name, from.dimension, to.name, to.dimension
            ));
        }
        let product = |a: i64, b: i64| {
            Decimal::from_integer(a).checked_mul(Decimal::from_integer(b), Rounding::Truncate)
        };
        let ratio = (
            product(from.numerator, to.denominator),
            product(from.denominator, to.numerator),
        );
        let (Some(numerator), Some(denominator)) = ratio else {
            return Err("the two units are too far apart".to_owned());
        };
        let hundredths = |count| {
            Decimal::from_integer(count)
                .checked_div(Decimal::from_integer(100), Rounding::Truncate)
                .unwrap_or_default()
        };
        Ok(Self {
            before: hundredths(from.offset),
            numerator,
            denominator,
            after: hundredths(to.offset),
        })
    }

    /// The value in the other unit; `None` outside the range.
    pub(crate) fn apply(self, value: Decimal) -> Option<Decimal> {
        value
            .checked_add(self.before)?
            .checked_mul(self.numerator, Rounding::Truncate)?
            .checked_div(self.denominator, Rounding::Truncate)?
            .checked_sub(self.after)
    }
}

fn named(name: &str) -> Result<&'static Unit, String> {
    UNITS.iter().find(|unit| unit.name == name).ok_or_else(|| {
        let names = || UNITS.iter().map(|unit| unit.name);
        let near = hint(name, names());
        let all = names().collect::<Vec<_>>().join("`, `");
        format!("there is no unit `{name}`{near}; there are `{all}`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(value: &str, from: &str, to: &str) -> String {
        let conversion = Conversion::new(from, to).unwrap();
        conversion
            .apply(value.parse().unwrap())
            .unwrap()
            .to_string()
    }

    #[test]
    fn conversions_are_exact() {
        for (value, from, to, expected) in [
            ("36", "km/h", "m/s", "10"),
            ("1", "mph", "m/s", "0.44704"),
            ("1", "kt", "km/h", "1.852"),
            ("64", "kt", "mph", "73.64988467350672075"),
            ("1", "in", "mm", "25.4"),
            ("98.6", "°F", "°C", "37"),
            ("-40", "°C", "°F", "-40"),
            ("0", "K", "°C", "-273.15"),
            ("12.5", "%", "1", "0.125"),
            ("1013.25", "hPa", "Pa", "101325"),
            ("1", "lb", "kg", "0.45359237"),
            ("90", "s", "min", "1.5"),
        ] {
            assert_eq!(
                converted(value, from, to),
                expected,
                "{value} {from} to {to}"
            );
        }
    }

    #[test]
    fn what_cannot_be_converted_is_refused() {
        let error = Conversion::new("kmh", "m/s").unwrap_err();
        assert!(
            error.starts_with("there is no unit `kmh` (did you mean `km`?)"),
            "{error}"
        );
        assert_eq!(
            Conversion::new("kg", "m").unwrap_err(),
            "`kg` is a unit of mass, `m` of length"
        );
    }
}
