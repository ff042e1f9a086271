//! Keys that must not be printed or guessed.

use std::fmt;

use subtle::ConstantTimeEq;

/// A key. `Debug` prints `***`; the comparison takes the same time wherever the keys differ.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Keeps `key`.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    /// Whether `candidate` is the key. Only its length can be learnt from the time this takes.
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
    fn matches_only_the_whole_key() {
        let secret = Secret::new("abc");
        assert!(secret.matches(b"abc"));
        for wrong in [&b"ab"[..], b"abcd", b"abd", b"", b"ABC"] {
            assert!(!secret.matches(wrong), "{wrong:?}");
        }
    }
}
