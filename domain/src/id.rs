//! Identifiers, parsed once: a value that exists is valid.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::wording::excerpt;

/// A name that does not have the form that its type demands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{value}` is not a valid {kind}: it must be 1 to {max_bytes} bytes of A-Z, a-z, 0-9, hyphen (-) and underscore (_)"
)]
pub struct InvalidId {
    kind: &'static str,
    /// The refused text, cut to a length that is safe to print.
    value: String,
    max_bytes: usize,
}

/// The maximum number of characters of a refused name that an error repeats.
const EXCERPT_CHARS: usize = 80;

/// Returns whether `text` has 1 to `max_bytes` characters, each of `A-Z a-z 0-9 - _`.
pub(crate) fn is_plain_name(text: &str, max_bytes: usize) -> bool {
    (1..=max_bytes).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

fn check_name(kind: &'static str, max_bytes: usize, value: &str) -> Result<(), InvalidId> {
    if is_plain_name(value, max_bytes) {
        return Ok(());
    }
    Err(InvalidId { kind, value: excerpt(value, EXCERPT_CHARS), max_bytes })
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $max:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(pub(crate) String);

        impl $name {
            /// The maximum length, in bytes.
            pub const MAX_BYTES: usize = $max;

            /// Returns the name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(value: &str) -> Result<Self, InvalidId> {
                check_name($kind, Self::MAX_BYTES, value)?;
                Ok(Self(value.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(value: String) -> Result<Self, InvalidId> {
                check_name($kind, Self::MAX_BYTES, &value)?;
                Ok(Self(value))
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.0)
            }
        }
    };
}

name_type!(
    /// The uid of an index: 1 to 400 bytes, with the alphabet and length that Meilisearch accepts.
    IndexUid, "index uid", 400
);
name_type!(
    /// The uid under which the nodes keep an index. An index that was deleted and made anew has another one,
    /// which is never used again.
    PhysicalUid, "physical uid", 400
);
name_type!(
    /// The name of a node in the configuration. Placement hashes it, so a node with a new name gets other
    /// shards.
    NodeId, "node id", 64
);

name_type!(
    /// The name of a sink of change events in the configuration.
    SinkName, "sink name", 64
);

name_type!(
    /// The name of a running instance of Miroir.
    InstanceId, "instance id", 64
);

name_type!(
    /// The id of a cluster. It is made once, and stays the same for as long as the store exists.
    ClusterId, "cluster id", 64
);

name_type!(
    /// The id of the data of one node. A node that was emptied or rolled back gets a new one.
    Incarnation, "incarnation", 64
);

macro_rules! number_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u32);

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }
    };
}

number_type!(
    /// The uid of a task. It has 32 bits because the SDKs of Meilisearch read that many. Uids grow and are
    /// never reused.
    TaskUid
);
number_type!(
    /// The number of a replica group.
    GroupId
);
number_type!(
    /// The number of a shard, below the shard count of its index.
    Shard
);

/// A set of shard numbers, kept in ascending order. Its text form joins runs: `0,3-7,9`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ShardSet(BTreeSet<Shard>);

impl ShardSet {
    /// Returns every shard of an index with `shard_count` shards.
    pub fn all(shard_count: u32) -> Self {
        (0..shard_count).map(Shard).collect()
    }

    /// Adds one shard. Returns false if the set held it already.
    pub fn insert(&mut self, shard: Shard) -> bool {
        self.0.insert(shard)
    }

    /// Returns whether the set holds `shard`.
    pub fn contains(&self, shard: Shard) -> bool {
        self.0.contains(&shard)
    }

    /// Returns the shards in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = Shard> + '_ {
        self.0.iter().copied()
    }

    /// Returns the number of shards.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether the set holds no shard.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the shards of either set.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0).copied().collect())
    }

    /// Returns the shards of both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).copied().collect())
    }

    /// Returns the shards that `other` does not hold.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        Self(self.0.difference(&other.0).copied().collect())
    }
}

impl FromIterator<Shard> for ShardSet {
    fn from_iter<T: IntoIterator<Item = Shard>>(shards: T) -> Self {
        Self(shards.into_iter().collect())
    }
}

impl Extend<Shard> for ShardSet {
    fn extend<T: IntoIterator<Item = Shard>>(&mut self, shards: T) {
        self.0.extend(shards);
    }
}

impl fmt::Display for ShardSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut runs: Vec<(u32, u32)> = Vec::new();
        for Shard(number) in self.iter() {
            match runs.last_mut() {
                Some((_, end)) if *end + 1 == number => *end = number,
                _ => runs.push((number, number)),
            }
        }
        for (position, (start, end)) in runs.iter().enumerate() {
            let separator = if position == 0 { "" } else { "," };
            if start == end {
                write!(formatter, "{separator}{start}")?;
            } else {
                write!(formatter, "{separator}{start}-{end}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_accept_their_alphabet_only() {
        for good in ["movies", "A-1_b", &"x".repeat(400)] {
            assert_eq!(good.parse::<IndexUid>().unwrap().as_str(), good);
        }
        for bad in ["", "a b", "a/b", "é", "a:b", &"x".repeat(401)] {
            assert!(bad.parse::<IndexUid>().is_err(), "{bad:?} should be refused");
        }
    }

    #[test]
    fn deserializing_an_invalid_name_fails() {
        assert!(serde_json::from_str::<NodeId>("\"a b\"").is_err());
    }

    #[test]
    fn shard_sets_combine() {
        let shards = |numbers: &[u32]| numbers.iter().copied().map(Shard).collect::<ShardSet>();
        let (one, other) = (shards(&[1, 2]), shards(&[2, 3]));
        assert_eq!(one.union(&other), shards(&[1, 2, 3]));
        assert_eq!(one.intersection(&other), shards(&[2]));
        assert_eq!(one.difference(&other), shards(&[1]));
    }

    #[test]
    fn shard_set_prints_runs() {
        let shards: ShardSet = [9, 0, 3, 4, 5, 6, 7].into_iter().map(Shard).collect();
        assert_eq!(shards.to_string(), "0,3-7,9");
        assert_eq!(ShardSet::default().to_string(), "");
        assert_eq!(ShardSet::all(3).to_string(), "0-2");
    }
}
