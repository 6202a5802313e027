//! A field of an account or an event: a place in bytes, and what they mean.

use alloy::primitives::{B256, I256};
use tocsin_domain::decimal::Decimal;
use tocsin_domain::value::{Type, Value};

use super::Pubkey;

/// Where a value is in the bytes of an account, or of an event, its discriminator counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Field {
    /// The first byte, from 0.
    pub offset: usize,
    /// What the bytes from there on are.
    pub ty: FieldType,
    /// An integer counts units of 10^-`decimals`; at most 38, and 0 for `bool` and `pubkey`.
    pub decimals: u8,
}

/// How bytes are read; integers have the lowest byte first, as Borsh and the programs' structs have them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FieldType {
    /// One byte.
    U8,
    /// Two bytes.
    U16,
    /// Four bytes.
    U32,
    /// Eight bytes.
    U64,
    /// Sixteen bytes.
    U128,
    /// Eight bytes, two's complement.
    I64,
    /// One byte, 0 or 1; another is no value.
    Bool,
    /// Thirty-two bytes, as text in base58.
    Pubkey,
}

impl FieldType {
    /// The type of its values.
    pub fn value_type(self) -> Type {
        match self {
            Self::U8 | Self::U16 | Self::U32 | Self::U64 | Self::U128 | Self::I64 => Type::Decimal,
            Self::Bool => Type::Bool,
            Self::Pubkey => Type::Text,
        }
    }
}

impl Field {
    /// More are no digits of any integer that is read here.
    pub(crate) const DECIMALS_MAX: u8 = 38;

    /// Solana accounts have at most ten megabytes.
    pub(crate) const OFFSET_MAX: usize = 10 << 20;

    /// Which setting has no meaning, and why.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.offset > Self::OFFSET_MAX {
            return Err(format!(
                "`offset` is {}, but no account has more than {} bytes",
                self.offset,
                Self::OFFSET_MAX
            ));
        }
        if self.decimals > Self::DECIMALS_MAX {
            return Err(format!(
                "`decimals` is {}, at most {} have a meaning",
                self.decimals,
                Self::DECIMALS_MAX
            ));
        }
        if self.decimals > 0 && self.ty.value_type() != Type::Decimal {
            return Err(format!(
                "`decimals` is {}, but the field is no integer",
                self.decimals
            ));
        }
        Ok(())
    }

    /// The value, or why there is none.
    pub(crate) fn read(&self, bytes: &[u8]) -> Result<Value, &'static str> {
        let units = match self.ty {
            FieldType::U8 => whole(u8::from_le_bytes(self.take(bytes)?))?,
            FieldType::U16 => whole(u16::from_le_bytes(self.take(bytes)?))?,
            FieldType::U32 => whole(u32::from_le_bytes(self.take(bytes)?))?,
            FieldType::U64 => whole(u64::from_le_bytes(self.take(bytes)?))?,
            FieldType::U128 => whole(u128::from_le_bytes(self.take(bytes)?))?,
            FieldType::I64 => whole(i64::from_le_bytes(self.take(bytes)?))?,
            FieldType::Bool => {
                return match self.take(bytes)? {
                    [0] => Ok(Value::Bool(false)),
                    [1] => Ok(Value::Bool(true)),
                    _ => Err("its truth value is neither 0 nor 1"),
                };
            }
            FieldType::Pubkey => {
                let key = Pubkey(B256::from(self.take::<32>(bytes)?));
                return Ok(Value::Text(key.to_string()));
            }
        };
        Decimal::from_scaled(units, self.decimals)
            .map(Value::Decimal)
            .ok_or("its value has more than 18 digits after the point")
    }

    fn take<const N: usize>(&self, bytes: &[u8]) -> Result<[u8; N], &'static str> {
        bytes
            .get(self.offset..)
            .and_then(|rest| rest.first_chunk())
            .copied()
            .ok_or("it ends before the field does")
    }
}

fn whole<N: TryInto<I256>>(number: N) -> Result<I256, &'static str> {
    number
        .try_into()
        .map_err(|_no_such_width| "its value is outside the range of decimals")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(
        ty: FieldType,
        decimals: u8,
        offset: usize,
        bytes: &[u8],
    ) -> Result<String, &'static str> {
        let field = Field {
            offset,
            ty,
            decimals,
        };
        field.read(bytes).map(|value| format!("{value:?}"))
    }

    #[test]
    fn every_type_at_its_bounds() {
        let ones = [0xff; 40];
        let cases = [
            (FieldType::U8, "255"),
            (FieldType::U16, "65535"),
            (FieldType::U32, "4294967295"),
            (FieldType::U64, "18446744073709551615"),
            (FieldType::U128, "340282366920938463463374607431768211455"),
            (FieldType::I64, "-1"),
        ];
        for (ty, expected) in cases {
            let expected = Value::Decimal(expected.parse().unwrap());
            assert_eq!(read(ty, 0, 3, &ones), Ok(format!("{expected:?}")));
        }
        assert_eq!(
            read(FieldType::Bool, 0, 3, &ones),
            Err("its truth value is neither 0 nor 1")
        );
    }

    #[test]
    fn a_field_that_is_cut_off_has_no_value() {
        for (ty, length) in [
            (FieldType::U64, 8),
            (FieldType::Pubkey, 32),
            (FieldType::Bool, 1),
        ] {
            let bytes = vec![0; 5 + length];
            assert!(read(ty, 0, 5, &bytes).is_ok());
            assert!(read(ty, 0, 6, &bytes).is_err());
            assert!(read(ty, 0, usize::MAX, &bytes).is_err());
        }
    }

    #[test]
    fn no_digit_is_dropped() {
        let one = 1u64.to_le_bytes();
        assert_eq!(
            read(FieldType::U64, 18, 0, &one),
            Ok(format!(
                "{:?}",
                Value::Decimal("0.000000000000000001".parse().unwrap())
            ))
        );
        assert!(read(FieldType::U64, 19, 0, &one).is_err());
    }
}
