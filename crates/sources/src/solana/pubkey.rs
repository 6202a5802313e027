//! Thirty-two bytes in base58: accounts, programs and block hashes.

use core::fmt;
use core::str::FromStr;

use alloy::primitives::B256;

/// The address of an account or a program.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pubkey(pub B256);

/// A text that is not 32 bytes in base58.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{text}` is not 32 bytes in base58: copy it with its case, 32 to 44 letters and digits")]
pub struct NotBase58 {
    text: String,
}

impl FromStr for Pubkey {
    type Err = NotBase58;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 32];
        match bs58::decode(text).onto(&mut bytes) {
            Ok(32) => Ok(Self(B256::from(bytes))),
            Ok(_) | Err(_) => Err(NotBase58 {
                text: text.chars().take(64).collect(),
            }),
        }
    }
}

impl fmt::Display for Pubkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&bs58::encode(self.0).into_string())
    }
}

impl fmt::Debug for Pubkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base58_there_and_back() {
        let text = "SPoo1Ku8WFXoNDMHPsrGSTSG1Y47rzgn41SLUNakuHy";
        assert_eq!(text.parse::<Pubkey>().unwrap().to_string(), text);
        let system = "11111111111111111111111111111111";
        assert_eq!(system.parse::<Pubkey>().unwrap(), Pubkey(B256::ZERO));
    }

    #[test]
    fn what_is_not_32_bytes_is_refused() {
        for text in [
            "",
            "1111111111111111111111111111111",
            "111111111111111111111111111111111",
            "0x8fffffd4afb6115b954bd326cbe7b4ba576818f6",
            "SPoo1Ku8WFXoNDMHPsrGSTSG1Y47rzgn41SLUNakuHl",
        ] {
            assert!(text.parse::<Pubkey>().is_err(), "{text}");
        }
    }
}
