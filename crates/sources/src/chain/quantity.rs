//! JSON-RPC quantities that fit 64 bits.

use core::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// `"0x1b4"`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Quantity(pub(crate) u64);

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_str(Hex).map(Self)
    }
}

/// For a field of this type.
pub(crate) fn quantity<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    from.deserialize_str(Hex)
}

/// For a field that may be missing or `null`.
pub(crate) fn quantity_if_any<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    Option::<Quantity>::deserialize(from).map(|some| some.map(|Quantity(number)| number))
}

struct Hex;

impl Visitor<'_> for Hex {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a quantity such as \"0x1b4\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<u64, E> {
        text.strip_prefix("0x")
            .and_then(|digits| u64::from_str_radix(digits, 16).ok())
            .ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
    }
}
