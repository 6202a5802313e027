//! Flight numbers: the code of a carrier and a number.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

/// A flight number as passengers know it: `UA1545`, `9W12`, `BA7A`; with the ICAO code of a carrier, `UAL1545`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Ident {
    carrier: String,
    number: u16,
    suffix: Option<char>,
}

/// A text that is no flight number.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{0}` is no flight number: write a carrier's code and 1 to 4 digits, as in UA1545")]
pub struct IdentError(pub String);

impl Ident {
    /// The code of the carrier: two characters of IATA's, or three letters of ICAO's.
    pub fn carrier(&self) -> &str {
        &self.carrier
    }

    /// The number without its carrier: `1545`, `7A`.
    pub fn number(&self) -> String {
        let suffix = self.suffix.map(String::from).unwrap_or_default();
        format!("{}{suffix}", self.number)
    }
}

impl FromStr for Ident {
    type Err = IdentError;

    /// Spaces, lower case and leading zeros make no other flight of it.
    fn from_str(text: &str) -> Result<Self, IdentError> {
        let refused = || IdentError(text.to_owned());
        let clean: String = text
            .chars()
            .filter(|c| *c != ' ')
            .map(|c| c.to_ascii_uppercase())
            .collect();
        if !clean.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(refused());
        }
        let of_icao = clean.len() > 3 && clean.bytes().take(3).all(|b| b.is_ascii_alphabetic());
        let (carrier, rest) = clean
            .split_at_checked(if of_icao { 3 } else { 2 })
            .ok_or_else(refused)?;
        if !carrier.bytes().any(|byte| byte.is_ascii_alphabetic()) {
            return Err(refused());
        }
        let suffix = rest.chars().last().filter(char::is_ascii_alphabetic);
        let digits = match suffix {
            Some(_) => rest.get(..rest.len() - 1).unwrap_or(rest),
            None => rest,
        };
        if digits.is_empty() || digits.len() > 4 {
            return Err(refused());
        }
        match digits.parse() {
            Ok(number) if number > 0 => Ok(Self {
                carrier: carrier.to_owned(),
                number,
                suffix,
            }),
            _zero_or_not_digits => Err(refused()),
        }
    }
}

impl fmt::Display for Ident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.carrier, self.number)?;
        match self.suffix {
            Some(suffix) => write!(f, "{suffix}"),
            None => Ok(()),
        }
    }
}

impl TryFrom<String> for Ident {
    type Error = IdentError;

    fn try_from(text: String) -> Result<Self, IdentError> {
        text.parse()
    }
}

impl From<Ident> for String {
    fn from(ident: Ident) -> Self {
        ident.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::Ident;

    #[test]
    fn written_in_many_ways() {
        for (text, carrier, number) in [
            ("UA1545", "UA", "1545"),
            ("ua 0015", "UA", "15"),
            ("B61904", "B6", "1904"),
            ("9W12", "9W", "12"),
            ("U21234", "U2", "1234"),
            ("UAL1545", "UAL", "1545"),
            ("KL 1164", "KL", "1164"),
            ("BA7A", "BA", "7A"),
        ] {
            let ident: Ident = text.parse().unwrap();
            assert_eq!(
                (ident.carrier(), ident.number().as_str()),
                (carrier, number),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_none() {
        for text in [
            "",
            "UA",
            "U",
            "1545",
            "UA0",
            "UA12345",
            "UA15AB",
            "UA-15",
            "ÜA15",
            "N123HQ4567",
            "UAL",
        ] {
            assert!(text.parse::<Ident>().is_err(), "{text}");
        }
    }
}
