//! The order of writes that may be about the same document.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

/// Divides things into sequences. Two things with a part in common are in the same sequence, in the order
/// in which they came; `parts` returns the parts of a thing.
pub fn sequences<T, P: Eq + Hash + Clone>(
    things: impl Iterator<Item = T>,
    parts: impl Fn(&T) -> Vec<P>,
) -> Vec<Vec<T>> {
    // Each thing with its position, so that sequences that are joined can be put in order.
    let mut sequences: Vec<Vec<(usize, T)>> = Vec::new();
    let mut sequence_of: HashMap<P, usize> = HashMap::new();
    for (place, thing) in things.enumerate() {
        let parts = parts(&thing);
        let met: BTreeSet<usize> = parts.iter().filter_map(|part| sequence_of.get(part).copied()).collect();
        let mut met = met.into_iter();
        let sequence = met.next().unwrap_or_else(|| {
            sequences.push(Vec::new());
            sequences.len() - 1
        });
        for other in met {
            let joined = std::mem::take(&mut sequences[other]);
            sequences[sequence].extend(joined);
            sequence_of.values_mut().filter(|known| **known == other).for_each(|known| *known = sequence);
        }
        sequences[sequence].push((place, thing));
        sequence_of.extend(parts.into_iter().map(|part| (part, sequence)));
    }
    let ordered = sequences.into_iter().filter(|sequence| !sequence.is_empty()).map(|mut sequence| {
        sequence.sort_by_key(|(place, _)| *place);
        sequence.into_iter().map(|(_, thing)| thing).collect()
    });
    ordered.collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn numbered(parts: &[&[u32]]) -> Vec<Vec<usize>> {
        sequences(0..parts.len(), |thing| parts[*thing].to_vec())
    }

    #[test]
    fn sequences_separate_things_without_common_parts() {
        assert_eq!(numbered(&[&[1], &[2], &[1], &[]]), [vec![0, 2], vec![1], vec![3]]);
    }

    #[test]
    fn sequences_with_a_common_part_are_joined_in_order() {
        assert_eq!(numbered(&[&[1], &[2], &[3], &[2, 1], &[3]]), [vec![0, 1, 3], vec![2, 4]]);
    }

    proptest! {
        #[test]
        fn sequences_hold_everything_once_in_order_with_all_it_meets(
            parts in proptest::collection::vec(proptest::collection::vec(0_u32..12, 0..4), 0..30),
        ) {
            let made = sequences(0..parts.len(), |thing| parts[*thing].clone());
            let mut all: Vec<usize> = made.iter().flatten().copied().collect();
            all.sort_unstable();
            prop_assert_eq!(all, (0..parts.len()).collect::<Vec<_>>());
            for sequence in &made {
                prop_assert!(sequence.is_sorted());
            }
            let sequence_of = |thing: usize| made.iter().position(|sequence| sequence.contains(&thing));
            for first in 0..parts.len() {
                for second in 0..first {
                    if parts[first].iter().any(|part| parts[second].contains(part)) {
                        prop_assert_eq!(sequence_of(first), sequence_of(second));
                    }
                }
            }
        }
    }
}
