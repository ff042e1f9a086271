//! The form in which documents and filters hold a shard number.
//!
//! Filters could use a number, but searches could not: with `searchableAttributes: ["*"]`, the default,
//! Meilisearch indexes the digits of every number as words, so that the query `12`, or `1` by prefix, finds
//! documents because of their shard. An attribute cannot be excluded from `*`. The number is therefore
//! written in digits that are punctuation: a filter compares them like any text, and the tokenizer sees only
//! separators. Neither matches nor positions nor ranking scores of other attributes change.

use std::fmt::Write;

use super::SHARD_FIELD;
use crate::{Shard, ShardSet};

/// The eight digits: characters that are separators in every language, that settings hardly ever redefine,
/// and that the normalization of filter values leaves alone. Their order is part of the data on the nodes.
pub const SHARD_DIGITS: [char; 8] = ['⁑', '⁖', '⁘', '⁙', '⁚', '⁛', '⁜', '⁝'];

/// Returns the value of [`SHARD_FIELD`] in documents of `shard`: its number in base 8, written in
/// [`SHARD_DIGITS`] without leading zeros. It needs no escaping, neither in JSON nor in a filter.
pub fn shard_value(shard: Shard) -> String {
    let mut rest = shard.0 as usize;
    let mut digits = vec![SHARD_DIGITS[rest % 8]];
    while rest >= 8 {
        rest /= 8;
        digits.push(SHARD_DIGITS[rest % 8]);
    }
    digits.into_iter().rev().collect()
}

/// Returns the filter that admits the documents of `shards`: `_miroir_shard IN ["…", "…"]`. An empty set
/// admits no document.
pub fn shard_filter(shards: &ShardSet) -> String {
    filter("IN", shards)
}

/// Returns the filter that admits the documents of all other shards, and those without a shard:
/// `_miroir_shard NOT IN ["…", "…"]`. An empty set admits every document.
pub fn foreign_filter(shards: &ShardSet) -> String {
    filter("NOT IN", shards)
}

fn filter(operator: &str, shards: &ShardSet) -> String {
    let mut filter = format!("{SHARD_FIELD} {operator} [");
    for (position, shard) in shards.iter().enumerate() {
        let separator = if position == 0 { "" } else { ", " };
        // Writing to a string cannot fail.
        let _ = write!(filter, "{separator}\"{}\"", shard_value(shard));
    }
    filter.push(']');
    filter
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn shard_values_never_change() {
        for (number, value) in [(0, "⁑"), (7, "⁝"), (8, "⁖⁑"), (12, "⁖⁚"), (4095, "⁝⁝⁝⁝")]
        {
            assert_eq!(shard_value(Shard(number)), value);
        }
        assert_eq!(shard_value(Shard(u32::MAX)), "⁙⁝⁝⁝⁝⁝⁝⁝⁝⁝⁝");
    }

    #[test]
    fn shard_filter_quotes_each_value() {
        let shards: ShardSet = [9, 0].into_iter().map(Shard).collect();
        assert_eq!(shard_filter(&shards), r#"_miroir_shard IN ["⁑", "⁖⁖"]"#);
        assert_eq!(shard_filter(&ShardSet::default()), "_miroir_shard IN []");
        assert_eq!(foreign_filter(&shards), r#"_miroir_shard NOT IN ["⁑", "⁖⁖"]"#);
    }

    proptest! {
        #[test]
        fn shard_values_are_distinct_and_contain_no_word(one: u32, other: u32) {
            let value = shard_value(Shard(one));
            prop_assert_eq!(one == other, value == shard_value(Shard(other)));
            prop_assert!(!value.is_empty() && !value.chars().any(char::is_alphanumeric));
            let read = value.chars().fold(0_u64, |read, digit| {
                read * 8 + SHARD_DIGITS.iter().position(|known| *known == digit).unwrap() as u64
            });
            prop_assert_eq!(read, u64::from(one));
        }
    }
}
