//! Enums whose values are words: in JSON, in stores and in messages a value is its word.

use std::fmt;
use std::marker::PhantomData;

use serde::{Deserializer, de};

use crate::wording::{excerpt, list};

/// An enum whose values are words. The macro `words!` declares such an enum.
pub trait Word: Copy + 'static {
    /// A noun for one word, as in "task status".
    const NOUN: &'static str;
    /// A noun for all words, as in "statuses".
    const PLURAL: &'static str;
    /// Every value with its word, in the order of their declaration.
    const WORDS: &'static [(&'static str, Self)];
}

/// A text that is none of the words of an enum.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a valid {noun}. Available {plural} are {known}.")]
pub struct UnknownWord {
    /// The refused text, cut to a length that is safe to print.
    text: String,
    noun: &'static str,
    plural: &'static str,
    /// The words in backticks.
    known: String,
}

/// The maximum number of characters of a refused text that an error repeats.
const EXCERPT_CHARS: usize = 80;

/// Reads a word that is written exactly as it is declared.
pub fn parse<T: Word>(text: &str) -> Result<T, UnknownWord> {
    find(text, |word| word == text)
}

/// Reads a word in lower or upper case.
pub fn parse_any_case<T: Word>(text: &str) -> Result<T, UnknownWord> {
    find(text, |word| word.eq_ignore_ascii_case(text))
}

fn find<T: Word>(text: &str, is_meant: impl Fn(&str) -> bool) -> Result<T, UnknownWord> {
    let found = T::WORDS.iter().find(|(word, _)| is_meant(word));
    found.map(|(_, value)| *value).ok_or_else(|| UnknownWord {
        text: excerpt(text, EXCERPT_CHARS),
        noun: T::NOUN,
        plural: T::PLURAL,
        known: list(T::WORDS.iter().map(|(word, _)| *word)),
    })
}

/// Deserializes a value from its word.
pub(crate) fn deserialize<'de, T: Word, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct Visitor<T>(PhantomData<T>);

    impl<T: Word> de::Visitor<'_> for Visitor<T> {
        type Value = T;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(formatter, "a {}", T::NOUN)
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
            parse(text).map_err(E::custom)
        }
    }

    deserializer.deserialize_str(Visitor(PhantomData))
}

/// Declares an enum whose values are words, each word once:
///
/// ```text
/// words! {
///     /// The state of a door.
///     pub enum DoorState("door state", "states") {
///         /// It is open.
///         Open = "open",
///         /// It is shut.
///         Shut = "shut",
///     }
/// }
/// ```
///
/// The enum gets `ALL` and `as_str`, prints as its word (`Display`), is parsed from its word (`FromStr`, with
/// [`UnknownWord`] as error), and is its word in JSON (serde).
macro_rules! words {
    (
        $(#[$meta:meta])*
        $visibility:vis enum $name:ident($noun:literal, $plural:literal) {
            $($(#[$doc:meta])* $variant:ident = $word:literal,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $visibility enum $name { $($(#[$doc])* $variant,)* }

        impl $name {
            /// Every value, in the order of their declaration.
            pub const ALL: [Self; [$($word),*].len()] = [$(Self::$variant),*];

            /// Returns the word for the value.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl $crate::word::Word for $name {
            const NOUN: &'static str = $noun;
            const PLURAL: &'static str = $plural;
            const WORDS: &'static [(&'static str, Self)] = &[$(($word, Self::$variant)),*];
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::word::UnknownWord;

            fn from_str(text: &str) -> Result<Self, $crate::word::UnknownWord> {
                $crate::word::parse(text)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::word::deserialize(deserializer)
            }
        }
    };
}

pub(crate) use words;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    words! {
        /// The state of a door.
        pub enum DoorState("door state", "states") {
            /// It is open.
            Open = "open",
            /// It is shut and locked.
            LockedUp = "lockedUp",
        }
    }

    #[test]
    fn words_round_trip() {
        for state in DoorState::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
            assert_eq!(state.to_string(), state.as_str());
            assert_eq!(serde_json::to_value(state).unwrap(), json!(state.as_str()));
            assert_eq!(serde_json::from_value::<DoorState>(json!(state.as_str())).unwrap(), state);
        }
        let counted: BTreeMap<DoorState, u32> = serde_json::from_str(r#"{"lockedUp":2}"#).unwrap();
        assert_eq!(counted, BTreeMap::from([(DoorState::LockedUp, 2)]));
    }

    #[test]
    fn parse_any_case_ignores_case_and_parse_does_not() {
        assert_eq!(parse_any_case("LOCKEDUP"), Ok(DoorState::LockedUp));
        assert!(parse::<DoorState>("LOCKEDUP").is_err());
    }

    #[test]
    fn unknown_word_says_what_was_expected() {
        let error = "shut".parse::<DoorState>().unwrap_err().to_string();
        assert_eq!(error, "`shut` is not a valid door state. Available states are `open`, `lockedUp`.");
        let huge = "x".repeat(1_000_000).parse::<DoorState>().unwrap_err().to_string();
        assert!(huge.len() < 200, "{huge}");
        for wrong in [json!("shut"), json!(1), json!(null), json!({"open": null})] {
            assert!(serde_json::from_value::<DoorState>(wrong).is_err());
        }
    }
}
