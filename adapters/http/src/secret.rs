//! Keys, which must be neither printed nor guessed.

use std::fmt;

use subtle::ConstantTimeEq;

/// A key. `Debug` prints `***`. A comparison takes constant time.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Wraps `key`.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    /// Returns whether `candidate` is the key. The time of the comparison reveals only the length of the key.
    pub fn matches(&self, candidate: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(candidate).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_hides_the_key() {
        assert_eq!(format!("{:?}", Some(Secret::new("abc"))), "Some(***)");
    }

    #[test]
    fn matches_accepts_only_the_whole_key() {
        let secret = Secret::new("abc");
        assert!(secret.matches(b"abc"));
        for wrong in [&b"ab"[..], b"abcd", b"abd", b"", b"ABC"] {
            assert!(!secret.matches(wrong), "{wrong:?}");
        }
    }
}
